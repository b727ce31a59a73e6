"""Tests of real web servers and proxies with the files of `tfcert bundle --for`, and with both
certificates in one bundle.
"""

from __future__ import annotations

import re
import subprocess

import pytest
import starting
from equipped import environment, modules
from rows import assert_row


def printed(*command):
    """Return the version that a program prints on either stream."""
    done = subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(),
    )
    return re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)[0]


def test_nginx(observe, program, certificates, tmp_path):
    """nginx accepts both certificates with the kit's map of fingerprints, and only the first of a
    plain bundle.
    """
    nginx = program("nginx")

    def start(listeners):
        return starting.nginx(nginx, certificates, tmp_path, listeners)

    seen = observe("nginx", start, folder=tmp_path)
    assert_row("nginx", printed(nginx, "-v"), seen)


def test_haproxy(observe, program, certificates, tmp_path):
    """HAProxy decides by the hash of the certificate and ignores only the error of its issuer."""
    haproxy = program("haproxy")

    def start(listeners):
        return starting.haproxy(haproxy, certificates, tmp_path, listeners)

    seen = observe("haproxy", start, folder=tmp_path)
    assert_row("HAProxy", printed(haproxy, "-v"), seen)


def test_apache(observe, program, certificates, tmp_path):
    """Apache decides by the hash of the PEM, even where a `<Location>` grants access to all."""
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


@pytest.mark.parametrize("dated", [True, False], ids=["with the filter", "without the filter"])
def test_envoy(observe, program, certificates, tmp_path, dated):
    """Envoy accepts both certificates by their hashes, and without the Lua filter also one that has
    ended.
    """
    envoy = program("envoy")

    def start(listeners):
        return starting.envoy(envoy, certificates, tmp_path, listeners, dated=dated)

    seen = observe("envoy", start, folder=tmp_path)
    name = "Envoy" if dated else "Envoy, without the Lua filter"
    assert_row(name, printed(envoy, "--version").removeprefix("v"), seen)


@pytest.mark.parametrize("version", ["caddy", "caddy-2.11"])
def test_caddy(observe, program, certificates, tmp_path, version):
    """Caddy accepts both certificates with a directive for each; of a file with both, 2.6 reads
    only the first.
    """
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
