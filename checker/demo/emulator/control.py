"""The control paths under `/_tfcert/`, and the changes to the emulated AWS that they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from moto.apigateway.models import apigateway_backends
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.moto_api._internal.models import moto_api_backend

from checker.demo.emulator.acm import put_acm
from checker.demo.emulator.certificates import (
    LIFETIME,
    StoredCertificate,
    certificate,
    certificate_store,
    new_key,
)
from checker.demo.emulator.errors import EmulatorError
from checker.demo.emulator.faults import Injection
from checker.demo.emulator.methods import put_methods
from checker.demo.emulator.seeds import (
    ACCOUNT,
    REGION,
    Instant,
    Seed,
    SeedAcm,
    SeedApi,
    SeedCertificate,
    SeedRole,
)
from checker.demo.emulator.state import DeleteAnswer, LogForm, World


def reset(world: World) -> None:
    """Delete all accounts, which moto keeps per process, and restore the initial state."""
    moto_api_backend.reset()
    world.restore()


def put_seeds(world: World, seeds: tuple[Seed, ...]) -> tuple[str, ...]:
    """Create certificates, APIs and roles; return their ids in the order of the seeds.

    The id of a certificate of ACM or of a role is its ARN. Certificates of one call share a key
    pair, so that sixty of them are fast. Their serial numbers, and so their fingerprints, differ.
    The quota does not apply here.
    """
    key = new_key() if any(isinstance(seed, (SeedAcm, SeedCertificate)) for seed in seeds) else None
    ids: list[str] = []
    with world.lock:
        for seed in seeds:
            match seed, key:
                case SeedCertificate(), RSAPrivateKey():
                    ids.append(_put_certificate(seed, key, world.clock.now()).id)
                case SeedAcm(), RSAPrivateKey():
                    put_acm(seed, key, world.clock.now())
                    ids.append(seed.arn)
                case SeedApi(), _:
                    _put_api(seed, world.clock.now())
                    ids.append(seed.id)
                case SeedRole(), _:
                    world.roles[seed.arn] = seed
                    ids.append(seed.arn)
                case _:
                    raise AssertionError("a certificate is seeded with a key")
    return tuple(ids)


def reissue(
    world: World, certificate_id: str, *, account: str, region: str, expires_at: datetime
) -> None:
    """Issue a certificate again so that it expires at an instant, 365 days after its beginning.

    The id and the key stay, the PEM changes.
    """
    with world.lock:
        store = certificate_store(apigateway_backends[account][region])
        store.change(
            certificate_id,
            lambda certificate: certificate.aged(
                created_at=expires_at - LIFETIME, expires_at=expires_at
            ),
        )


def _put_certificate(seed: SeedCertificate, key: RSAPrivateKey, now: datetime) -> StoredCertificate:
    store = certificate_store(apigateway_backends[seed.account][seed.region])
    created_at = seed.created_at or (seed.expires_at - LIFETIME if seed.expires_at else now)
    made = certificate(
        seed.id or store.free_id(),
        key=key,
        created_at=created_at,
        expires_at=seed.expires_at or created_at + LIFETIME,
        description=seed.description,
        tags=dict(seed.tags),
    )
    return store.put(made)


def _put_api(seed: SeedApi, now: datetime) -> None:
    stages = _put_rest(seed) if seed.kind == "rest" else _put_websocket(seed)
    for name, stage in stages.items():
        vars(stage).update(client_certificate_id=seed.stages[name], created_at=now, updated_at=now)


def _put_rest(seed: SeedApi) -> dict[str, Any]:
    backend = apigateway_backends[seed.account][seed.region]
    api = backend.create_rest_api(seed.name, "", endpoint_configuration=None, tags=None)
    backend.apis.pop(api.id)
    api.id = seed.id
    backend.apis[seed.id] = api
    deployment = api.create_deployment("", "")
    for name in seed.stages:
        backend.create_stage(
            seed.id, name, deployment.id, variables=dict(seed.variables.get(name, {}))
        )
    put_methods(seed)
    return api.stages


def _put_websocket(seed: SeedApi) -> dict[str, Any]:
    backend = apigatewayv2_backends[seed.account][seed.region]
    asked: dict[str, Any] = {
        "name": seed.name,
        "protocol_type": "WEBSOCKET",
        "route_selection_expression": "$request.body.action",
    }
    unset: dict[str, Any] = dict.fromkeys(
        (
            "api_key_selection_expression",
            "cors_configuration",
            "description",
            "disable_schema_validation",
            "disable_execute_api_endpoint",
            "version",
        )
    )
    api = backend.create_api(**unset, **asked, tags={})
    backend.apis.pop(api.api_id)
    api.api_id = seed.id
    backend.apis[seed.id] = api
    for name in seed.stages:
        api.create_stage({"stageName": name})
    return api.stages


PREFIX = "/_tfcert/"


class ClockOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stop the clock at an instant, move it, or let it run; given fields apply in this order."""

    run: bool = False
    set: Instant | None = None
    advance: dict[str, float] = {}


class SettingsOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings to change; omitted ones stay."""

    delete_in_use: DeleteAnswer | None = None
    certificate_quota: int | None = None
    test_log: LogForm | None = None


class AgeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate and its new end: an instant, or days from the emulator's current time."""

    id: str
    account: str = ACCOUNT
    region: str = REGION
    expires_at: Instant | None = None
    days_left: float | None = None


class AllowOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The patterns of the only operations that are allowed."""

    operations: list[str]


class Control:
    """The control paths of one emulator."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], Callable[[bytes], Any]] = {
            ("GET", ""): self._state,
            ("GET", "calls"): lambda _: [asdict(call) for call in world.calls.seen()],
            ("DELETE", "calls"): lambda _: world.calls.clear(),
            ("POST", "clock"): self._clock,
            ("POST", "settings"): self._settings,
            ("POST", "faults"): lambda body: world.faults.add(
                msgspec.json.decode(body, type=Injection)
            ),
            ("POST", "allow"): self._allow,
            ("DELETE", "faults"): lambda _: world.faults.clear(),
            ("POST", "seed"): lambda body: put_seeds(
                world, tuple(msgspec.json.decode(body, type=list[Seed]))
            ),
            ("POST", "age"): self._age,
            ("POST", "reset"): lambda _: reset(world),
        }

    def serve(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return a status and a document.

        The status is 404 for an unknown path, 400 for an invalid order.
        """
        route = self._routes.get((method, path.rstrip("/")))
        if route is None:
            return 404, {"error": f"{method} {PREFIX}{path} is not a control path"}
        try:
            answer = route(body or b"{}")
        except (
            msgspec.MsgspecError,
            EmulatorError,
            ValueError,
            TypeError,
            OverflowError,
            LookupError,
        ) as error:
            return 400, {"error": getattr(error, "message", None) or str(error)}
        return 200, self._state(b"") if answer is None else answer

    def _state(self, _: bytes) -> dict[str, Any]:
        world = self._world
        return {
            "now": world.clock.now().isoformat(),
            "delete_in_use": world.delete_in_use,
            "certificate_quota": world.certificate_quota,
            "test_log": world.test_log,
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
        if order.test_log is not None:
            self._world.test_log = order.test_log

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
        reissue(self._world, order.id, account=order.account, region=order.region, expires_at=end)
