"""Run servers of Python's ssl, one for each three arguments: a port, `plain` or `kit`, and a bundle
or the folder of a kit.
"""

import runpy
import socket
import ssl
import sys
import threading


def context(folder, kind, trust):
    """Return the context of one listener, made by the kit's file or plain."""
    files = (f"{folder}/server.pem", f"{folder}/server.key")
    if kind == "kit":
        return runpy.run_path(f"{trust}/gateway_trust.py")["server_context"](
            *files, f"{trust}/trust.pem"
        )
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.load_cert_chain(*files)
    plain.load_verify_locations(trust)
    plain.verify_mode = ssl.CERT_REQUIRED
    return plain


def serve(listener, made):
    """Answer each client whose handshake succeeded."""
    while True:
        caller, _ = listener.accept()
        caller.settimeout(20)
        try:
            with made.wrap_socket(caller, server_side=True) as secure:
                secure.recv(4096)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except OSError:
            caller.close()


folder, *rest = sys.argv[1:]
# All ports are opened first: if another process has one, the program ends.
found = [
    (socket.create_server(("127.0.0.1", int(rest[at]))), context(folder, *rest[at + 1 : at + 3]))
    for at in range(0, len(rest), 3)
]
for pair in found:
    threading.Thread(target=serve, args=pair).start()
