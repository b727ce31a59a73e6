// Servers of Go: one for each three arguments, a port, `plain` or `kit`, and a bundle or a kit's folder.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"

	"gatewaytrust"
)

func main() {
	folder, rest := os.Args[1], os.Args[2:]
	certificate, err := tls.LoadX509KeyPair(folder+"/server.pem", folder+"/server.key")
	if err != nil {
		panic(err)
	}
	for ; len(rest) > 0; rest = rest[3:] {
		var config *tls.Config
		if rest[1] == "kit" {
			config, err = gatewaytrust.Config(certificate, rest[2]+"/trust.pem")
			if err != nil {
				panic(err)
			}
		} else {
			pool := x509.NewCertPool()
			text, _ := os.ReadFile(rest[2])
			pool.AppendCertsFromPEM(text)
			config = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
		}
		listener, err := net.Listen("tcp", "127.0.0.1:"+rest[0])
		if err != nil {
			panic(err)
		}
		go http.Serve(tls.NewListener(listener, config), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("ok"))
		}))
	}
	select {}
}
