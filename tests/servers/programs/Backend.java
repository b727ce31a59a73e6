import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManagerFactory;

/** Servers of Java: one for each three arguments, a port, `plain` or `kit`, and a bundle or a kit's folder. */
class Backend {
    public static void main(String[] arguments) throws Exception {
        KeyManager[] keys = keys(Path.of(arguments[0]));
        List<SSLServerSocket> servers = new ArrayList<>();
        for (int at = 1; at < arguments.length; at += 3) {
            Path trust = Path.of(arguments[at + 2]);
            SSLContext context = arguments[at + 1].equals("kit")
                ? GatewayTrust.context(keys, trust.resolve("trust.pem"))
                : plain(keys, trust);
            SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(
                Integer.parseInt(arguments[at]), 50, InetAddress.getByName("127.0.0.1"));
            server.setNeedClientAuth(true);
            servers.add(server);
        }
        // All ports first: one that somebody took meanwhile ends the program.
        servers.forEach(server -> new Thread(() -> serve(server)).start());
    }

    static void serve(SSLServerSocket server) {
        while (true) {
            try (Socket caller = server.accept()) {
                caller.setSoTimeout(20_000);
                caller.getInputStream().read(new byte[4096]);
                caller.getOutputStream().write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            } catch (IOException refused) {
                continue;
            }
        }
    }

    static SSLContext plain(KeyManager[] keys, Path bundle) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream stream = Files.newInputStream(bundle)) {
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                store.setCertificateEntry("gateway-" + store.size(), each);
            }
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, managers.getTrustManagers(), null);
        return context;
    }

    static KeyManager[] keys(Path folder) throws Exception {
        String text = Files.readString(folder.resolve("server.key")).replaceAll("-----[A-Z ]+-----", "");
        PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(
            new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(text)));
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream stream = Files.newInputStream(folder.resolve("server.pem"))) {
            Certificate own = CertificateFactory.getInstance("X.509").generateCertificate(stream);
            store.setKeyEntry("server", key, new char[] {'x'}, new Certificate[] {own});
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
        managers.init(store, new char[] {'x'});
        return managers.getKeyManagers();
    }
}
