"""The files of `tfcert bundle --for` in real web servers and proxies, and what these do with both certificates in one bundle."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml
from equipped import environment, modules
from rows import assert_row


def printed(*command):
    """What a program says of its version, on whatever stream."""
    done = subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(),
    )
    return re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)[0]


def placed(text, folder, kit):
    """A file of a kit, with the folder that it names replaced by the one where the kit is."""
    return text.replace(folder, str(kit))


def test_nginx(observe, program, certificates, tmp_path):
    """A map of fingerprints lets both in; a bundle of both only the first."""
    nginx = program("nginx")

    def start(listeners):
        http = []
        for number, listener in enumerate(listeners.values()):
            inside = f"ssl_verify_client on; ssl_client_certificate {listener.bundle};"
            if listener.kit is not None:
                # One variable a server: in the test all servers share one `http`.
                own = f"$tfcert_{number}"
                files = [
                    (listener.kit / name).read_text().replace("$tfcert_trusted", own)
                    for name in ("tfcert-map.conf", "tfcert-server.conf")
                ]
                http.append(files[0])
                inside = files[1]
            http.append(
                f"server {{ listen 127.0.0.1:{listener.port} ssl; {inside} location / {{ return 200 ok; }} }}"
            )
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "\n".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/errors; events {{}}\n"
            f"http {{ access_log off; {paths}\nssl_certificate {certificates}/server.pem; "
            f"ssl_certificate_key {certificates}/server.key;\n{chr(10).join(http)} }}\n"
        )
        return [nginx, "-p", tmp_path, "-e", tmp_path / "errors", "-c", tmp_path / "nginx.conf"]

    seen = observe("nginx", start, folder=tmp_path)
    assert_row("nginx", printed(nginx, "-v"), seen)


def test_haproxy(observe, program, certificates, tmp_path):
    """The hash of the certificate decides, where only the error of its issuer is ignored."""
    haproxy = program("haproxy")

    def start(listeners):
        parts = [
            "defaults\n    mode http\n    timeout client 9s\n    timeout server 9s\n    timeout connect 9s\n"
        ]
        server = certificates / "server.both.pem"
        for listener in listeners.values():
            lines = f"    bind :443 ssl crt /etc/haproxy/server.pem ca-file {listener.bundle} verify required\n"
            if listener.kit is not None:
                lines = (listener.kit / "tfcert-frontend.cfg").read_text()
            lines = lines.replace(":443", f"127.0.0.1:{listener.port}").replace(
                "/etc/haproxy/server.pem", str(server)
            )
            lines = placed(lines, "/etc/haproxy", listener.kit)
            parts.append(f"frontend f{listener.port}\n{lines}    http-request return status 200\n")
        (tmp_path / "haproxy.cfg").write_text("".join(parts))
        return [haproxy, "-db", "-f", tmp_path / "haproxy.cfg"]

    seen = observe("haproxy", start, folder=tmp_path)
    assert_row("HAProxy", printed(haproxy, "-v"), seen)


def test_apache(observe, program, certificates, tmp_path):
    """The hash of the PEM decides, also where a `<Location>` grants access to all."""
    apache = program("apache2")

    def start(listeners):
        hosts = []
        for listener in listeners.values():
            inside = f"SSLVerifyClient require\nSSLCACertificateFile {listener.bundle}"
            if listener.kit is not None:
                inside = f"Include {listener.kit}/tfcert.conf"
            hosts.append(
                f"Listen 127.0.0.1:{listener.port}\n<VirtualHost 127.0.0.1:{listener.port}>\nServerName backend.test\n"
                f"SSLEngine on\nSSLCertificateFile {certificates}/server.pem\nSSLCertificateKeyFile {certificates}/server.key\n"
                f"{inside}\n<Location />\nRequire all granted\n</Location>\n</VirtualHost>\n"
            )
        (tmp_path / "index.html").write_text("ok")
        names = ("mpm_event", "authz_core", "dir", "ssl")
        loads = "\n".join(f"LoadModule {name}_module {modules()}/mod_{name}.so" for name in names)
        (tmp_path / "httpd.conf").write_text(
            f"ServerRoot {tmp_path}\nServerName backend.test\nPidFile {tmp_path}/pid\nDefaultRuntimeDir {tmp_path}\n"
            f"ErrorLog {tmp_path}/errors\n{loads}\nMutex file:{tmp_path}\nSSLRandomSeed startup builtin\n"
            f"DocumentRoot {tmp_path}\nDirectoryIndex index.html\n{''.join(hosts)}"
        )
        return [apache, "-X", "-f", tmp_path / "httpd.conf"]

    seen = observe("apache", start, folder=tmp_path)
    assert_row("Apache httpd", printed(apache, "-v"), seen)


def envoys_listener(listener, certificates, *, dated=True):
    """A listener of Envoy that takes the kit's files; without `dated` it leaves the Lua filter out."""
    kind = "type.googleapis.com/envoy.extensions"
    filters = [
        {
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": f"{kind}.filters.http.router.v3.Router"},
        }
    ]
    tls = {
        "require_client_certificate": True,
        "common_tls_context": {
            "validation_context": {"trusted_ca": {"filename": str(listener.bundle)}}
        },
    }
    if listener.kit is not None:
        tls = yaml.safe_load((listener.kit / "tfcert-tls.yaml").read_text())
        if dated:
            filters.insert(0, yaml.safe_load((listener.kit / "tfcert-filter.yaml").read_text()))
    tls["@type"] = f"{kind}.transport_sockets.tls.v3.DownstreamTlsContext"
    tls["common_tls_context"]["tls_certificates"] = [
        {
            "certificate_chain": {"filename": f"{certificates}/server.pem"},
            "private_key": {"filename": f"{certificates}/server.key"},
        }
    ]
    routes = [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]
    manager = {
        "@type": f"{kind}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "backend",
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
    }
    return {
        "name": f"port-{listener.port}",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": listener.port}},
        "filter_chains": [
            {
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize("dated", [True, False], ids=["with the filter", "without the filter"])
def test_envoy(observe, program, certificates, tmp_path, dated):
    """Hashes let both in; without the Lua filter they let a certificate in after its end too."""
    envoy = program("envoy")

    def start(listeners):
        found = [
            envoys_listener(listener, certificates, dated=dated) for listener in listeners.values()
        ]
        (tmp_path / "envoy.json").write_text(json.dumps({"static_resources": {"listeners": found}}))
        return [
            envoy,
            "-c",
            tmp_path / "envoy.json",
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "-l",
            "error",
        ]

    seen = observe("envoy", start, folder=tmp_path)
    name = "Envoy" if dated else "Envoy, without the Lua filter"
    assert_row(name, printed(envoy, "--version").removeprefix("v"), seen)


@pytest.mark.parametrize("version", ["caddy", "caddy-2.11"])
def test_caddy(observe, program, certificates, tmp_path, version):
    """A directive for each certificate lets both in; of a file with both, 2.6 reads only the first."""
    caddy = program(version)

    def start(listeners):
        sites = []
        for listener in listeners.values():
            inside = f"client_auth {{\nmode require_and_verify\ntrusted_ca_cert_file {listener.bundle}\n}}"
            if listener.kit is not None:
                inside = f"import {listener.kit}/tfcert.caddyfile"
            sites.append(
                f"https://backend.test:{listener.port} {{\nbind 127.0.0.1\ntls {certificates}/server.pem {certificates}/server.key {{\n"
                f'{inside}\n}}\nrespond "ok" 200\n}}\n'
            )
        (tmp_path / "Caddyfile").write_text("{\nadmin off\nauto_https off\n}\n" + "".join(sites))
        return [caddy, "run", "--adapter", "caddyfile", "--config", tmp_path / "Caddyfile"]

    seen = observe("caddy", start, folder=tmp_path)
    found = printed(caddy, "version")
    assert_row(f"Caddy {'2.11' if version != 'caddy' else '2.6'}", found, seen)
