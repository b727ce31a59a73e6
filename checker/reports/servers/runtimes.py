"""Programs that terminate TLS themselves: Java, Python, Node, Go."""

from __future__ import annotations

from importlib.resources import files

from checker.reports.servers.kit import Kit, Pin, ServerFile, trust_file

_RESTART = "A program reads the file at start: restart it after each change of `trust.pem`."
_RUN = (
    "tfcert's tests run this file with {}: it accepts these certificates and no other. "
    "docs/trust.md of tfcert has the results."
)


def java(pins: tuple[Pin, ...]) -> Kit:
    """Write a trust manager: the one of the JDK does not check the dates of a trusted leaf."""
    return _kit(
        pins,
        "GatewayTrust.java",
        "java",
        "Java",
        "Give `GatewayTrust.context(keyManagers, trust)` to the server, and require a client "
        "certificate with `setNeedClientAuth(true)`.",
        "The trust manager of the JDK lets a trusted certificate in after its end. "
        "This one does not.",
    )


def python(pins: tuple[Pin, ...]) -> Kit:
    """Write a context with partial-chain verification."""
    return _kit(
        pins,
        "gateway_trust.py",
        "python",
        "Python",
        "Wrap the server's socket with `server_context(certificate, key, trust)`. "
        "It needs Python 3.10 or later.",
        "Python refuses a certificate after its end, in the handshake.",
    )


def node(pins: tuple[Pin, ...]) -> Kit:
    """Write a guard that compares fingerprints and dates."""
    return _kit(
        pins,
        "gateway-trust.js",
        "js",
        "Node",
        "`guard(https.createServer({ key, cert, ...options }, handler), trust)`.",
        "The guard closes the connection of a certificate after its end.",
    )


def go(pins: tuple[Pin, ...]) -> Kit:
    """Write a configuration with a pool: Go compares whole certificates."""
    return _kit(
        pins,
        "gatewaytrust.go",
        "go",
        "Go",
        "Give `gatewaytrust.Config(certificate, trust)` to `tls.NewListener` or `http.Server`.",
        "Go refuses a certificate after its end, in the handshake.",
    )


def _kit(pins: tuple[Pin, ...], name: str, language: str, title: str, *words: str) -> Kit:
    place, *notes = words
    text = files("checker.reports.servers").joinpath("snippets", name).read_text(encoding="utf-8")
    return Kit(
        files=(
            trust_file(pins, place="Put it where the program finds it."),
            ServerFile(name=name, text=text, language=language, place=place),
        ),
        reload="",
        notes=(_RESTART, *notes),
        evidence=_RUN.format(title),
    )
