"""Real terraform applies a repoint in front of a real HAProxy and a real Envoy: said to be safe, it
breaks no call through API Gateway, and said to be unsafe, it does.

Both run at once, each with a port that has the plain bundle of both certificates, and a port with
the files of `tfcert bundle --for`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import pytest
import starting
from callers import SECONDS, Listener, free_port
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from equipped import ABSENCES, environment, find
from rig.bench import Bench
from rig.gateway import presented

from checker.demo.emulator.certificates import issue, new_key
from checker.model.x509 import normal_pem

pytestmark = pytest.mark.xdist_group("acceptance-probe")
SERVERS = {"haproxy": starting.haproxy, "envoy": starting.envoy}
OLD = "aws_api_gateway_client_certificate.orders"
STAGE = "aws_api_gateway_stage.prod"


@pytest.fixture(scope="module")
def programs():
    found = {name: find(name) for name in SERVERS}
    for name, path in found.items():
        if path is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(ABSENCES[name])
    return found


@pytest.fixture
def bench(aws, tool, tmp_path, programs):
    """Return one API whose certificate is 353 days old, with its successor in state."""
    more = {"backend.auto.tfvars": 'backend = "https://127.0.0.1:9"\n'}
    bench = Bench.lay(aws, tool, tmp_path / "proxied", "probed", more)
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    bench.rotate("introduce")
    return bench


def issue_server(folder):
    """Write the server's own certificate and key."""
    key, now = new_key(), datetime.now(UTC)
    pem = normal_pem(issue(key, created_at=now, expires_at=now.replace(year=now.year + 1)))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for name, text in {"pem": pem, "key": private, "both.pem": pem + private}.items():
        (folder / f"server.{name}").write_text(text)


@contextmanager
def running(command, folder, ports):
    """Run a server until the block ends; wait until each port answers."""
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            [*map(str, command)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait, SECONDS)
        stack.callback(process.terminate)
        end = time.monotonic() + starting.PATIENCE
        for port in ports:
            while not listens(port):
                assert process.poll() is None, (folder / "log").read_text(errors="replace")
                assert time.monotonic() < end, f"port {port} does not answer"
                time.sleep(0.05)
        yield


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def method_before(bench, port):
    """Add a method to the API, outside Terraform, whose backend is a port; return what names it."""
    gateway = bench.aws.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    (root,) = (
        each for each in gateway.get_resources(restApiId=api["id"])["items"] if each["path"] == "/"
    )
    made = gateway.create_resource(restApiId=api["id"], parentId=root["id"], pathPart=f"p{port}")
    where = {"restApiId": api["id"], "resourceId": made["id"], "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    kind = {"type": "HTTP_PROXY", "integrationHttpMethod": "GET"}
    gateway.put_integration(**where, **kind, uri=f"https://127.0.0.1:{port}/")
    return where


def calls(bench, method):
    """Call a server through the API, with the certificate that the stage presents: whether it is let in."""
    (identity,) = set(presented(bench.aws).values())
    gateway = bench.aws.client("apigateway")
    return gateway.test_invoke_method(**method, clientCertificateId=identity)["status"] == 200


def declare(bench, bundle, **kinds):
    """Declare a backend for each server: with the plain bundle, or with the files of `bundle --for`."""
    (bench.root / "tfcert.toml").write_text(
        "".join(
            f'[trust.backends.{name}]\nstages = "{STAGE}"\nserver = "{kind}"\nbundle = "{bundle}"\n\n'
            for name, kind in kinds.items()
        )
    )


def judged(bench, planned):
    """Return the exit code for a plan of repoint, and the backends that refuse the successor."""
    found = bench.check_plan(planned, "--expect", "repoint")
    (rotation,) = found.document["rotations"]
    refusing = {each["backend"] for each in rotation["trust"] if each["status"] == "refused"}
    assert ("trust-missing" in found.rules) == bool(refusing)
    return found.code, refusing


def test_an_applied_repoint_does_to_calls_what_was_said(bench, programs, tmp_path):
    """Plain bundles of both are the trap for both servers; with one of them pinned the other is named; pinned, both accept."""
    server = tmp_path / "server"
    server.mkdir()
    issue_server(server)
    bundle = server / "both.pem"
    assert bench.tfcert("bundle", "infra", "--no-comments", "--out", str(bundle)).code == 0
    with ExitStack() as stack:
        ports = {}
        for name, start in SERVERS.items():
            folder = tmp_path / name
            folder.mkdir()
            kit = folder / "kit"
            assert bench.tfcert("bundle", "infra", "--for", name, "--out", str(kit)).code == 0
            listeners = {
                "plain": Listener(bundle=bundle, kit=None, port=free_port()),
                "pinned": Listener(bundle=None, kit=kit, port=free_port()),
            }
            ports[name] = {kind: each.port for kind, each in listeners.items()}
            command = start(programs[name], server, folder, listeners)
            stack.enter_context(running(command, folder, ports[name].values()))
        methods = {
            (name, kind): method_before(bench, port)
            for name, found in ports.items()
            for kind, port in found.items()
        }

        def accepted(kind):
            return {name for name in SERVERS if calls(bench, methods[name, kind])}

        assert accepted("plain") == accepted("pinned") == set(SERVERS), "the old one"
        before = bench.texts()
        declare(bench, bundle, haproxy="haproxy", envoy="envoy")
        waiting = bench.tfcert("patch", "infra")
        assert b"does not trust the successor" in waiting.stdout + waiting.stderr
        bench.patch("--phase", "repoint", "--write")
        planned = bench.plan("repoint")
        assert judged(bench, planned) == (1, {"haproxy", "envoy"})
        declare(bench, bundle, haproxy="pinned", envoy="envoy")
        assert judged(bench, planned) == (1, {"envoy"})
        bench.apply(planned)
        assert accepted("plain") == set(), "said to be unsafe, and applied all the same"
        assert accepted("pinned") == set(SERVERS)

        bench.write(before)
        bench.apply_at_once()
        declare(bench, bundle, haproxy="pinned", envoy="pinned")
        safe = bench.tfcert("patch", "infra")
        assert b"repoint is safe" in safe.stdout + safe.stderr, str(safe)
        bench.git("apply", stdin=safe.stdout)
        planned = bench.plan("safe")
        assert judged(bench, planned) == (0, set())
        assert accepted("pinned") == set(SERVERS)
        bench.apply(planned)
        assert accepted("pinned") == set(SERVERS), "said to be safe"
        resources = json.loads(bench.state.read_bytes())["resources"]
        ids = {
            each["instances"][0]["attributes"]["id"]
            for each in resources
            if each["type"] == OLD.partition(".")[0] and each["name"] != "orders"
        }
        assert set(presented(bench.aws).values()) == ids
