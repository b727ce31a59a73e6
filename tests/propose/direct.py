"""The client's HTTP calls without a socket: each goes straight to the stand-in, in the thread that makes it.

A run is a thread with a name of its own; `Wire` can end it after any of its calls, and lets several of them take turns.
"""

from __future__ import annotations

import io
import json
import threading
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import requests
from strict_server import Request
from urllib3 import HTTPResponse

from checker.forges.transport import BoundedAdapter


class KilledError(BaseException):
    """The end of a run that was killed; nothing of ours catches it."""


class Wire:
    """All calls of all runs; `hooks` are called before and after each, in the run's own thread."""

    def __init__(self):
        self.servers = {}
        self.hooks = []
        self.calls = 0

    def serve(self, server):
        """Let requests to a stand-in's address go to it."""
        self.servers[urlsplit(server.origin).netloc] = server
        return server

    def send(self, request):
        """What the adapter of the client does, without a connection."""
        split = urlsplit(request.url)
        asked = Request(
            method=request.method,
            path=split.path,
            query=dict(parse_qsl(split.query, keep_blank_values=True)),
            headers={name.lower(): str(text) for name, text in request.headers.items()},
            body=json.loads(request.body) if request.body else None,
        )
        for hook in tuple(self.hooks):
            hook("before", asked)
        self.calls += 1
        answer = self.servers[split.netloc].serve(asked)
        for hook in tuple(self.hooks):
            hook("after", asked)
        if answer is None:
            raise requests.ConnectionError("the connection broke off")
        return _response(request, answer)


def _response(request, answer):
    data = b"" if answer.body is None else json.dumps(answer.body).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
    made = requests.Response()
    made.status_code, made.request, made.url = answer.status, request, request.url
    made.headers.update(headers)
    made.raw = HTTPResponse(io.BytesIO(data), headers, answer.status, preload_content=False)
    made._content = data  # noqa: SLF001 -- as requests does once it has read it
    return made


@contextmanager
def wired(monkeypatch):
    """Put a wire in place of the network of `checker.forges`."""
    wire = Wire()
    with monkeypatch.context() as patch:
        patch.setattr(BoundedAdapter, "send", lambda _adapter, request, **_how: wire.send(request))
        yield wire


class Kill:
    """A hook that ends the run before or after one of its calls: the call of a number, of those that count."""

    def __init__(self, number, moment, counts):
        self.left, self.moment, self.counts = number, moment, counts

    def __call__(self, moment, request):
        if moment == self.moment and self.counts(request):
            self.left -= 1
            if self.left == 0:
                raise KilledError


class Turns:
    """A hook that lets the runs of several threads make one call at a time, in an order that a seed decides.

    A run goes on until its next call; only then the next turn is given, so that a seed is always one order.
    """

    def __init__(self, names, random):
        self._random = random
        self._waiting, self._alive = {}, set(names)
        self._condition = threading.Condition()
        self.order = []

    def __call__(self, moment, request):
        name = threading.current_thread().name
        if moment != "before" or name not in self._alive:
            return
        with self._condition:
            self._waiting[name] = f"{request.method} {request.path}"
            self._give()
            if not self._condition.wait_for(lambda: name not in self._waiting, timeout=60):
                raise AssertionError("no turn within a minute")

    def end(self, name):
        """A run is over."""
        with self._condition:
            self._alive.discard(name)
            self._give()

    def _give(self):
        if self._waiting and self._waiting.keys() == self._alive:
            name = self._random.choice(sorted(self._waiting))
            self.order.append(f"{name}: {self._waiting.pop(name)}")
            self._condition.notify_all()
