"""Start real servers with a listener for each bundle or kit: their configurations, their processes
and their ports.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import yaml
from callers import SECONDS
from equipped import environment

# A JVM that compiles its program takes a few seconds, and much longer on a busy machine.
PATIENCE = 120


def serve(start, make, folder, look):
    """Start a server with the listeners that `make` returns, and look at each of them. `start`
    returns the command.

    If another process took a port meanwhile, the server ends, and other ports are tried.
    """
    for _ in range(3):
        listeners = make()
        with ExitStack() as stack:
            log = stack.enter_context(Path(folder, "log").open("wb"))
            process = subprocess.Popen(
                start(listeners),
                cwd=folder,
                env=environment()
                | {
                    "HOME": str(folder),
                    "XDG_DATA_HOME": str(folder),
                    "XDG_CONFIG_HOME": str(folder),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait, SECONDS)
            stack.callback(process.terminate)
            ports = [listener.port for listener in listeners.values()]
            if all(_listens(port, process) for port in ports) and process.poll() is None:
                return {name: look(listener) for name, listener in listeners.items()}
    raise AssertionError(Path(folder, "log").read_text(errors="replace")[-4000:])


def _listens(port, process):
    """Wait until a port answers.

    Return false if the process ends first, as it does when another process took the port.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def placed(text, folder, kit):
    """Return a file of a kit, with the folder in its text replaced by the real folder of
    the kit.
    """
    return text.replace(folder, str(kit))


def nginx(program, certificates, folder, listeners):
    """Return the command of nginx with a server for each listener."""
    http = []
    for number, listener in enumerate(listeners.values()):
        inside = f"ssl_verify_client on; ssl_client_certificate {listener.bundle};"
        if listener.kit is not None:
            # Each server has its own variable, because in the test all servers share one `http`.
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
    paths = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log off; {paths}\nssl_certificate {certificates}/server.pem; "
        f"ssl_certificate_key {certificates}/server.key;\n{chr(10).join(http)} }}\n"
    )
    return [program, "-p", folder, "-e", folder / "errors", "-c", folder / "nginx.conf"]


def haproxy(program, certificates, folder, listeners):
    """Return the command of HAProxy with a frontend for each listener."""
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
    (folder / "haproxy.cfg").write_text("".join(parts))
    return [program, "-db", "-f", folder / "haproxy.cfg"]


def envoys_listener(listener, certificates, *, dated=True):
    """Return a listener of Envoy that uses the kit's files.

    Without `dated` it omits the Lua filter.
    """
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


def envoy(program, certificates, folder, listeners, *, dated=True):
    """Return the command of Envoy with a listener for each bundle or kit."""
    found = [
        envoys_listener(listener, certificates, dated=dated) for listener in listeners.values()
    ]
    (folder / "envoy.json").write_text(json.dumps({"static_resources": {"listeners": found}}))
    return [
        program,
        "-c",
        folder / "envoy.json",
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "error",
    ]
