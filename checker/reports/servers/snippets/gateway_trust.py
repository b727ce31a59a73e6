"""Trust the client certificates of API Gateway in a PEM file, and no other."""

from __future__ import annotations

import ssl


def server_context(certificate: str, key: str, trust: str = "trust.pem") -> ssl.SSLContext:
    """Return the context of a server that accepts only the certificates in `trust`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(trust)
    context.verify_mode = ssl.CERT_REQUIRED
    # All certificates of API Gateway have one subject: without this flag only one is accepted.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
