"""The paths of our own, by which another process drives the emulator: JSON in, JSON out; the package's page lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec

from checker.demo.emulator.errors import EmulatorError
from checker.demo.emulator.faults import Injection
from checker.demo.emulator.resetting import reset
from checker.demo.emulator.seeding import age, sow
from checker.demo.emulator.wanted import ACCOUNT, REGION, Instant, Seed
from checker.demo.emulator.world import DeleteAnswer, World

PREFIX = "/_tfcert/"


class ClockOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stop the clock at an instant, move it, or let it run: those that are given, in this order."""

    run: bool = False
    set: Instant | None = None
    advance: dict[str, float] = {}


class SettingsOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the emulator is set to; what is left out stays."""

    delete_in_use: DeleteAnswer | None = None
    certificate_quota: int | None = None


class AgeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate and its end: an instant, or days from what the clock shows."""

    id: str
    account: str = ACCOUNT
    region: str = REGION
    expires_at: Instant | None = None
    days_left: float | None = None


class AllowOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The patterns of the only operations that are not denied."""

    operations: list[str]


class Control:
    """Serves the control paths of one emulator."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], Callable[[bytes], Any]] = {
            ("GET", ""): self._state,
            ("GET", "calls"): lambda _: [asdict(call) for call in world.calls.seen()],
            ("DELETE", "calls"): lambda _: world.calls.clear(),
            ("POST", "clock"): self._clock,
            ("POST", "settings"): self._settings,
            ("POST", "faults"): lambda body: world.faults.add(msgspec.json.decode(body, type=Injection)),
            ("POST", "allow"): self._allow,
            ("DELETE", "faults"): lambda _: world.faults.clear(),
            ("POST", "seed"): lambda body: sow(world, tuple(msgspec.json.decode(body, type=list[Seed]))),
            ("POST", "age"): self._age,
            ("POST", "reset"): lambda _: reset(world),
        }

    def serve(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """A status and a document: 404 for what is no control path, 400 for an order that cannot be carried out."""
        route = self._routes.get((method, path.rstrip("/")))
        if route is None:
            return 404, {"error": f"{method} {PREFIX}{path} is not a control path"}
        try:
            answer = route(body or b"{}")
        except (msgspec.MsgspecError, EmulatorError, ValueError, TypeError, OverflowError, LookupError) as error:
            return 400, {"error": getattr(error, "message", None) or str(error)}
        return 200, self._state(b"") if answer is None else answer

    def _state(self, _: bytes) -> dict[str, Any]:
        world = self._world
        return {
            "now": world.clock.now().isoformat(),
            "delete_in_use": world.delete_in_use,
            "certificate_quota": world.certificate_quota,
            "faults": msgspec.to_builtins(world.faults.set()),
            "allowed": world.faults.allowed,
            "calls": len(world.calls.seen()),
        }

    def _clock(self, body: bytes) -> None:
        order = msgspec.json.decode(body, type=ClockOrder)
        if order.run:
            self._world.clock.run()
        if order.set is not None:
            self._world.clock.set(order.set)
        self._world.clock.advance(**order.advance)

    def _settings(self, body: bytes) -> None:
        order = msgspec.json.decode(body, type=SettingsOrder)
        if order.delete_in_use is not None:
            self._world.delete_in_use = order.delete_in_use
        if order.certificate_quota is not None:
            self._world.certificate_quota = order.certificate_quota

    def _allow(self, body: bytes) -> None:
        self._world.faults.allow_only(*msgspec.json.decode(body, type=AllowOrder).operations)

    def _age(self, body: bytes) -> None:
        order = msgspec.json.decode(body, type=AgeOrder)
        match order.expires_at, order.days_left:
            case datetime() as end, None:
                pass
            case None, float() | int() as days:
                end = self._world.clock.now() + timedelta(days=days)
            case _:
                raise ValueError("one of expires_at and days_left is wanted")
        age(self._world, order.id, account=order.account, region=order.region, expires_at=end)
