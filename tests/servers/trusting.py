"""Write the configuration of each server for the same list of ways to trust."""

from __future__ import annotations

import hashlib
import json
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from equipped import modules


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to trust: the mode, the certificates by name, and the status of an accepted request.

    The modes: `off` requests no certificate, `required` and `optional` verify with the bundle,
    `pinned` compares each certificate, `answering` lets the server answer refused callers.
    `refusing` is the status of such an answer.
    """

    mode: str
    names: tuple[str, ...] = ()
    answer: int = 200
    refusing: int | None = None
    ended: bool = False


WAYS = {
    "off": Way(mode="off"),
    "old": Way(mode="required", names=("old",)),
    "old, new": Way(mode="required", names=("old", "new")),
    "new, old": Way(mode="required", names=("new", "old")),
    "new": Way(mode="required", names=("new",)),
    "neither": Way(mode="required", names=("third",)),
    "optional old": Way(mode="optional", names=("old",)),
    "optional new": Way(mode="optional", names=("new",)),
    "optional old, new": Way(mode="optional", names=("old", "new")),
    "pinned both": Way(mode="pinned", names=("old", "new")),
    "pinned old": Way(mode="pinned", names=("old",)),
    "pinned new": Way(mode="pinned", names=("new",)),
    "pinned neither": Way(mode="pinned", names=("third",)),
    "pinned both, application answers 401": Way(mode="pinned", names=("old", "new"), answer=401),
    "off, application answers 401": Way(mode="off", answer=401),
    "ended, new": Way(mode="required", names=("ended", "new"), ended=True),
    "ended": Way(mode="required", names=("ended",), ended=True),
    "pinned new, old has ended": Way(mode="pinned", names=("new",), ended=True),
}
# Optional verification, after which the server itself answers untrusted callers.
ANSWERING = {
    f"{names[0]} trusted, {status} to others": Way(mode="answering", names=names, refusing=status)
    for status in (400, 403, 495)
    for names in (("old",), ("new",))
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A port for one way, its bundle, and the file where its requests are logged."""

    way: Way
    port: int
    bundle: Path
    log: Path
    pems: tuple[str, ...]

    def digests(self, name: str) -> list[str]:
        """Return the hexadecimal hashes of the trusted certificates."""
        return [hashlib.new(name, ssl.PEM_cert_to_DER_cert(pem)).hexdigest() for pem in self.pems]


def nginx(program, places, folder, certificates):
    """Configure nginx: its TLS module verifies, or a map compares fingerprints."""
    http = []
    for number, place in enumerate(places):
        verify = {"off": "off", "required": "on", "optional": "optional"}.get(place.way.mode, "optional_no_ca")  # fmt: skip
        inside = f"ssl_verify_client {verify}; "
        if place.way.mode != "off":
            inside += f"ssl_client_certificate {place.bundle}; "
        if place.way.mode == "pinned":
            pins = " ".join(f'"{each}" 1;' for each in place.digests("sha1"))
            http.append(f"map $ssl_client_fingerprint $pinned_{number} {{ default 0; {pins} }}")
            # A certificate that has ended is refused.
            ended = 'if ($ssl_client_v_remain = "0") { return 403; } '
            inside += f"if ($pinned_{number} = 0) {{ return 403; }} {ended}"
        if place.way.mode == "answering":
            inside += f"if ($ssl_client_verify != SUCCESS) {{ return {place.way.refusing}; }} "
        http.append(
            f"server {{ listen 127.0.0.1:{place.port} ssl; access_log {place.log} short; {inside}"
            f"location / {{ return {place.way.answer} ok; }} }}"
        )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f'http {{ log_format short "$request"; {paths}\nssl_certificate {certificates}/server.pem; '
        f"ssl_certificate_key {certificates}/server.key;\n{chr(10).join(http)} }}\n"
    )
    return [program, "-p", folder, "-e", folder / "errors", "-c", folder / "nginx.conf"]


def haproxy(program, places, folder, certificates):
    """Configure HAProxy: the bind line verifies, or a rule compares the hash of the certificate."""
    parts = ["defaults\n    mode http\n    timeout client 9s\n    timeout server 9s\n    timeout connect 9s\n"]  # fmt: skip
    for place in places:
        ways = {
            "off": "",
            "required": f"ca-file {place.bundle} verify required",
            "optional": f"ca-file {place.bundle} verify optional",
            "pinned": f"ca-file {place.bundle} verify required ca-ignore-err all crt-ignore-err all",
        }
        lines = f"    bind 127.0.0.1:{place.port} ssl crt {certificates}/server.both.pem {ways[place.way.mode]}\n"
        if place.way.mode == "pinned":
            pins = " ".join(each.upper() for each in place.digests("sha1"))
            lines += (
                f"    http-request deny deny_status 403 unless {{ ssl_c_sha1,hex -m str {pins} }}\n"
            )
        parts.append(
            f"frontend f{place.port}\n{lines}    http-request return status {place.way.answer}\n"
        )
    (folder / "haproxy.cfg").write_text("".join(parts))
    return [program, "-db", "-f", folder / "haproxy.cfg"]


def envoy(program, places, folder, certificates):
    """Configure Envoy with a trusted CA, or with the hashes of certificates."""
    kind = "type.googleapis.com/envoy.extensions"

    def listener(place):
        trusted = {"trusted_ca": {"filename": str(place.bundle)}}
        if place.way.mode == "pinned":
            trusted = {"verify_certificate_hash": place.digests("sha256")}
        common = {
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": f"{certificates}/server.pem"},
                    "private_key": {"filename": f"{certificates}/server.key"},
                }
            ]
        }
        if place.way.mode != "off":
            common["validation_context"] = trusted
        tls = {
            "@type": f"{kind}.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": place.way.mode in {"required", "pinned"},
            "common_tls_context": common,
        }
        routes = [{"match": {"prefix": "/"}, "direct_response": {"status": place.way.answer}}]
        manager = {
            "@type": f"{kind}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "backend",
            "http_filters": [
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": f"{kind}.filters.http.router.v3.Router"},
                }
            ],
            "route_config": {
                "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]
            },
        }
        chain = {
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
            "filters": [
                {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
            ],
        }
        return {
            "name": f"port-{place.port}",
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": place.port}},
            "filter_chains": [chain],
        }

    found = {"static_resources": {"listeners": [listener(place) for place in places]}}
    (folder / "envoy.json").write_text(json.dumps(found))
    return [program, "-c", folder / "envoy.json", "--concurrency", "1", "--disable-hot-restart", "-l", "error"]  # fmt: skip


def caddy(program, places, folder, certificates):
    """Configure Caddy with a mode of client_auth, or with a directive for each pinned
    certificate.
    """
    sites = []
    for place in places:
        ways = {
            "off": "",
            "required": f"mode require_and_verify\ntrusted_ca_cert_file {place.bundle}",
            "optional": f"mode verify_if_given\ntrusted_ca_cert_file {place.bundle}",
        }
        inside = ways[place.way.mode]
        auth = f"client_auth {{\n{inside}\n}}\n" if inside else ""
        sites.append(
            f"https://:{place.port} {{\nbind 127.0.0.1\n"
            f"tls {certificates}/server.pem {certificates}/server.key {{\n{auth}}}\n"
            f'respond "ok" {place.way.answer}\n}}\n'
        )
    (folder / "Caddyfile").write_text(
        "{\nadmin off\nauto_https off\nservers {\nstrict_sni_host insecure_off\n}\n}\n"
        + "".join(sites)
    )
    return [program, "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]


def apache2(program, places, folder, certificates):
    """Configure Apache with a mode of SSLVerifyClient, or with an expression that compares the
    whole PEM.
    """
    hosts = []
    for place in places:
        modes = {"off": "none", "required": "require", "optional": "optional"}
        inside = f"SSLVerifyClient {modes.get(place.way.mode, 'optional_no_ca')}\n"
        if place.way.mode != "off":
            inside += f"SSLCACertificateFile {place.bundle}\n"
        allowed = "Require all granted"
        if place.way.mode == "pinned":
            pins = ", ".join(f"'{pin}'" for pin in map(_pem_hash, place.pems))
            allowed = f'Require expr "sha1(%{{SSL_CLIENT_CERT}}) in {{ {pins} }}"'
        if place.way.mode == "answering":
            inside += "SSLOptions +StdEnvVars\n"
            allowed = "Require expr \"%{SSL_CLIENT_VERIFY} == 'SUCCESS'\""
        hosts.append(
            f"Listen 127.0.0.1:{place.port}\n<VirtualHost 127.0.0.1:{place.port}>\nServerName backend.test\nSSLEngine on\n"
            f"SSLCertificateFile {certificates}/server.pem\nSSLCertificateKeyFile {certificates}/server.key\n"
            f'CustomLog {place.log} "%r"\n{inside}<Location />\n{allowed}\n</Location>\n</VirtualHost>\n'
        )
    for name in ("health", "direct"):
        (folder / name).write_text("ok")
    names = ("mpm_event", "authz_core", "dir", "ssl", "log_config")
    loads = "\n".join(
        f"LoadModule {name}_module {modules()}/mod_{name}.so"
        for name in names
        if (modules() / f"mod_{name}.so").exists()
    )
    (folder / "httpd.conf").write_text(
        f"ServerRoot {folder}\nServerName backend.test\nPidFile {folder}/pid\nDefaultRuntimeDir {folder}\n"
        f"ErrorLog {folder}/errors\n{loads}\nMutex file:{folder}\nSSLRandomSeed startup builtin\n"
        f"DocumentRoot {folder}\n{''.join(hosts)}"
    )
    return [program, "-X", "-f", folder / "httpd.conf"]


def _pem_hash(pem):
    return hashlib.sha1(pem.encode(), usedforsecurity=False).hexdigest()


def python(_program, places, folder, certificates):
    """Configure Python's ssl with a mode, or with partial chains for pinned certificates."""
    modes = {"pinned": "partial", "answering": "optional"}
    entries = [
        {
            "port": place.port,
            "mode": modes.get(place.way.mode, place.way.mode),
            "bundle": str(place.bundle),
            "answer": place.way.answer,
            "bare": place.way.refusing,
            "log": str(place.log),
        }
        for place in places
    ]
    (folder / "servers.json").write_text(json.dumps(entries))
    program = Path(__file__).parent / "programs" / "probed.py"
    return [sys.executable, program, folder / "servers.json", certificates]
