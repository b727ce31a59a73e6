"""A backend with configurable answers, an API in front of it, and probes of its stage."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from checker.aws import Connection
from checker.aws.boto_gateway import BotoGateways
from checker.aws.probe import ProbeSubject, ProbeWish, plan_probe, run_probe
from checker.demo.emulator import SeedApi, SeedCertificate, SeedMethod
from checker.model.places import Place
from checker.model.resources import Presents, Stage, StageKind
from checker.model.trust import StageCertificate, StagePair

ACCOUNT, REGION = "123456789012", "us-east-1"
OLD, NEW = "0ldone", "newone"
NOW = datetime(2026, 11, 29, tzinfo=UTC)


class Web:
    """A plain HTTP backend; `answer(method, path, headers)` gives a status, and `seen` has the
    requests.
    """

    def __init__(self):
        self.seen = []
        self.answer = lambda *_: 200
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                web.seen.append(f"{self.command} {self.path}")
                status = web.answer(self.command, self.path, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_POST = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self._server.server_port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def seeded(aws, methods=None, *, api="api1", variables=None, stage="live", **methods_by_name):
    """Seed both certificates and an API with these methods."""
    for identity in (OLD, NEW):
        aws.seed(SeedCertificate(id=identity))
    aws.seed(
        SeedApi(
            id=api,
            stages={stage: OLD},
            methods={
                name: method if isinstance(method, SeedMethod) else SeedMethod(uri=method)
                for name, method in (methods or {}).items()
            },
            variables={stage: variables or {}},
        )
    )


def pair(*, api="api1", name="live", kind=StageKind.REST, account=ACCOUNT, region=REGION, old=OLD, new=NEW, ends=None):  # fmt: skip
    """Return a stage with its two certificates."""
    return StagePair(
        stage=Stage(
            address=None,
            kind=kind,
            api_id=api,
            name=name,
            place=Place("aws", account, region),
            presents=Presents(old or NEW),
        ),
        predecessor=StageCertificate(id=old, fingerprint="aa" * 32, ends=ends) if old else None,
        successor=StageCertificate(id=new, fingerprint="bb" * 32) if new else None,
    )


def subject(*methods, headers=None, refused=None, **of):
    """Return a stage and the methods that may be called."""
    more = {} if refused is None else {"refused_statuses": refused}
    return ProbeSubject(pair=pair(**of), methods=methods, headers=headers or {}, **more)


def gateways(*, timeout=60.0, **rest):
    return BotoGateways(Connection(timeout=timeout, **rest))


def plan(*subjects, using=None, **wish):
    """Plan a probe of these subjects."""
    return plan_probe(using or gateways(), ProbeWish(now=NOW, **wish), subjects)


def probe(*subjects, using=None, **wish):
    """Plan and run a probe of these subjects."""
    using, wanted = using or gateways(), ProbeWish(now=NOW, **wish)
    return run_probe(using, wanted, plan_probe(using, wanted, subjects))
