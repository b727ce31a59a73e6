"""Run HTTPS servers of Python's ssl, one for each entry of a JSON file, which says whom to accept
and what to answer.
"""

import json
import socket
import ssl
import sys
import threading
from pathlib import Path

MODES = {"off": ssl.CERT_NONE, "required": ssl.CERT_REQUIRED, "partial": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL}  # fmt: skip


def context(entry, certificates):
    """Return the context of one entry. With `partial` it accepts each certificate of its bundle."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(f"{certificates}/server.pem", f"{certificates}/server.key")
    made.verify_mode = MODES[entry["mode"]]
    if entry["mode"] != "off":
        made.load_verify_locations(entry["bundle"])
    if entry["mode"] == "partial":
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


def serve(listener, made, entry, log):
    """Answer each client whose handshake succeeded.

    `bare` is the status for a client without a certificate.
    """
    while True:
        caller, _ = listener.accept()
        caller.settimeout(20)
        try:
            with made.wrap_socket(caller, server_side=True) as secure:
                first = secure.recv(65536).split(b"\r\n", 1)[0].decode("latin-1")
                with log.open("a") as out:
                    out.write(f"{first}\n")
                bare = entry.get("bare") and not secure.getpeercert(binary_form=True)
                status = entry["bare"] if bare else entry["answer"]
                secure.sendall(
                    f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
                )
        except OSError:
            caller.close()


file, certificates = sys.argv[1:]
entries = json.loads(Path(file).read_text())
# All ports are opened first: if another process has one, the program ends.
found = [socket.create_server(("127.0.0.1", entry["port"])) for entry in entries]
for listener, entry in zip(found, entries, strict=True):
    log = Path(f"{entry['log']}")
    threading.Thread(
        target=serve, args=(listener, context(entry, certificates), entry, log)
    ).start()
