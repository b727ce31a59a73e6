"""Trust material for one kind of server: files, where they belong, and how to reload it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from checker.reports.escape import printable
from checker.reports.servers import load_balancers, proxies, runtimes
from checker.reports.servers.kit import Kit, Pin, ServerKind, moment, pin
from checker.rotation.trust_bundle import TrustedCertificate

SERVERS: Mapping[str, ServerKind] = {
    "alb": ServerKind(
        "an Application Load Balancer", load_balancers.alb, ("trust.pem", "tfcert-pins.txt")
    ),
    "nlb": ServerKind("a Network Load Balancer", load_balancers.nlb, ("trust.pem",)),
    "nginx": ServerKind("nginx", proxies.nginx, ("tfcert-map.conf", "tfcert-server.conf")),
    "haproxy": ServerKind(
        "HAProxy", proxies.haproxy, ("trust.pem", "tfcert-pins.txt", "tfcert-frontend.cfg")
    ),
    "apache": ServerKind("Apache httpd", proxies.apache, ("tfcert.conf",)),
    "envoy": ServerKind("Envoy", proxies.envoy, ("tfcert-tls.yaml", "tfcert-filter.yaml")),
    "caddy": ServerKind("Caddy", proxies.caddy, ("tfcert.caddyfile",)),
    "java": ServerKind("Java", runtimes.java, ("trust.pem", "GatewayTrust.java")),
    "python": ServerKind("Python", runtimes.python, ("trust.pem", "gateway_trust.py")),
    "node": ServerKind("Node", runtimes.node, ("trust.pem", "gateway-trust.js")),
    "go": ServerKind("Go", runtimes.go, ("trust.pem", "gatewaytrust.go")),
}


def current(
    bundle: tuple[TrustedCertificate, ...], *, as_of: datetime
) -> tuple[tuple[Pin, ...], tuple[TrustedCertificate, ...]]:
    """Return the certificates that a server may accept, and those that have ended.

    A hash does not check the end date, so a certificate that has ended is never among the pins.
    """
    known = [(entry, found) for entry in bundle if (found := pin(entry)) is not None]
    return (
        tuple(found for _, found in known if found.ends > as_of),
        tuple(entry for entry, found in known if found.ends <= as_of),
    )


def unreadable(bundle: tuple[TrustedCertificate, ...]) -> tuple[str, ...]:
    """Return a sentence for each PEM that is known and is not a certificate."""
    return tuple(
        f"the PEM of {entry.label} ({entry.case.id}) is not a certificate"
        for entry in bundle
        if entry.pem is not None and pin(entry) is None
    )


def page(server: ServerKind, kit: Kit, pins: tuple[Pin, ...], *, missing: tuple[str, ...]) -> str:
    """Write the files of a kit as one Markdown page, with where they belong and how to reload."""
    return "\n".join(_page(server, kit, pins, missing)) + "\n"


def _page(
    server: ServerKind, kit: Kit, pins: tuple[Pin, ...], missing: tuple[str, ...]
) -> Iterator[str]:
    number = f"{len(pins)} certificate{'s' * (len(pins) != 1)}"
    yield f"# {number} of API Gateway for {server.title}"
    yield ""
    for sentence in missing:
        yield f"- **INCOMPLETE**: {printable(sentence)}"
    for each in pins:
        yield f"- {each.about}"
        yield f"  - SHA-256 `{each.sha256}`"
    yield ""
    yield "Write the files again after each phase of a rotation, retire included."
    for file in kit.files:
        yield from ("", f"## {file.name}", "", file.place, "")
        yield from (f"```{file.language}", file.text.rstrip("\n"), "```")
    if kit.reload:
        yield from ("", "## Reload", "", "```sh", kit.reload, "```")
    yield from ("", "## Notes", "")
    for note in (*kit.notes, _ending(pins), kit.evidence):
        yield f"- {note}"


def _ending(pins: tuple[Pin, ...]) -> str:
    first = min(pins, key=lambda each: each.ends)
    return f"The first of these certificates ends on {moment(first.ends)}."
