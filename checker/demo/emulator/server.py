"""The HTTP server of an emulator: threads on the loopback address, and an end that leaves nothing behind."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from checker.demo.emulator.application import application
from checker.demo.emulator.control import Control
from checker.demo.emulator.middleware import Middleware
from checker.demo.emulator.resetting import reset
from checker.demo.emulator.world import World

PATIENCE = 5.0


class Server:
    """Serves the emulated AWS of a world, on a free port of 127.0.0.1, from its making until `stop`."""

    def __init__(self, world: World) -> None:
        world.stopping.clear()
        reset(world)
        self._world = world
        app = Middleware(application(world), world, Control(world))
        self._server = _Loopback("127.0.0.1", 0, app, _Quiet)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="tfcert-emulator", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.port

    def stop(self) -> None:
        """Take no more requests, hang up on those that are open, and wait a few seconds at most for their threads."""
        self._world.stopping.set()
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.hang_up()


class _Quiet(MotoRequestHandler):
    """A handler that writes no line a request; the emulator keeps a log of its own."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        """Write nothing."""


class _Loopback(ThreadedWSGIServer):
    """Werkzeug's threaded server, which knows what connections are open."""

    def __init__(self, host: str, port: int, app: Callable[..., Any], handler: type[MotoRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        self._changed = Condition()
        super().__init__(host, port, app, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread of its own."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has been served."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Close what is still open, and wait until the threads that serve it are through with it."""
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It was closed already.
                    continue
            self._changed.wait_for(lambda: not self._open, PATIENCE)
