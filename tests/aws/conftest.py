"""Fixtures: an environment without AWS, the emulator, and misbehaving servers."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.loaders import create_loader

from checker.aws import Connection, observe
from checker.aws.boto_gateway import BotoGateways
from checker.aws.scan import ScanTarget, scan
from checker.model.observation import CertificateKey
from checker.model.places import Place
from checker.model.resources import Presents, PresentsNothing, Stage, StageKind

ACCOUNT = "123456789012"
REGION = "us-east-1"
ENDS = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower() in {
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "no_proxy",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture(autouse=True, scope="session")
def _models():
    """Load AWS's models once for all sessions; each load takes a third of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        yield


@pytest.fixture
def aws(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    return aws


@pytest.fixture
def key():
    def make(id_, *, account=ACCOUNT, region=REGION):
        return CertificateKey(id=id_, place=Place("aws", account, region))

    return make


@pytest.fixture
def stage():
    def make(api_id, name, *, kind=StageKind.REST, account=None, region=REGION, presents=None):
        shown = Presents(presents) if presents else PresentsNothing()
        return Stage(
            address=None,
            kind=kind,
            api_id=api_id,
            name=name,
            place=Place("aws", account, region),
            presents=shown,
        )

    return make


@pytest.fixture
def look():
    """Return a function that observes AWS with a short timeout."""

    def make(wanted=(), surveys=(), anchors=(), *, connection=None, timeout=10.0, **rest):
        return observe(
            wanted, surveys, anchors, connection=connection or Connection(timeout=timeout), **rest
        )

    return make


@pytest.fixture
def web(monkeypatch):
    """Start a server on a free port; `answer(method, path, headers)` returns status, type
    and body.
    """
    with ExitStack() as stack:

        def serve(answer):
            server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, answer))
            server.daemon_threads = True
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
            ).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            url = f"http://127.0.0.1:{server.server_port}"
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
            return url

        yield serve


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, answer, *args):
        self._answer = answer
        super().__init__(*args)

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, kind, body = self._answer(self.command, self.path, self.headers)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *_):
        pass


@pytest.fixture
def wire(monkeypatch):
    """Start a server on a free port that handles each connection with a test's function in a
    thread.
    """
    with ExitStack() as stack:

        def serve(behave):
            listener = socket.create_server(("127.0.0.1", 0))
            over = threading.Event()
            held = []

            def accept():
                while not over.is_set():
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    held.append(connection)
                    threading.Thread(
                        target=_served, args=(behave, connection, over), daemon=True
                    ).start()

            def close():
                over.set()
                # A thread that waits in accept() notices a shutdown, but not a close.
                listener.shutdown(socket.SHUT_RDWR)
                for one in (listener, *held):
                    one.close()

            threading.Thread(target=accept, daemon=True).start()
            stack.callback(close)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
            return url

        yield serve


def _served(behave, connection, over):
    try:
        behave(connection, over)
    except OSError:
        return
    finally:
        connection.close()


class Nobody:
    """A watch that ignores progress."""

    def expect(self, count):
        pass

    def answered(self):
        pass


@pytest.fixture
def scanned():
    """Return a function that scans the account of the environment without progress."""

    def run(regions, *, timeout):
        connection = Connection(timeout=timeout)
        return scan(
            [ScanTarget()],
            regions,
            gateways=BotoGateways(connection),
            connection=connection,
            watch=Nobody(),
        )

    return run
