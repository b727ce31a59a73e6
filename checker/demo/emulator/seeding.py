"""Puts into moto's state what a seeder asks for, past the operations that would choose ids and dates themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from moto.apigateway.models import apigateway_backends
from moto.apigatewayv2.models import apigatewayv2_backends

from checker.demo.emulator.acm import put_acm
from checker.demo.emulator.certificates import HeldCertificate, certificate, shelf_of
from checker.demo.emulator.issuing import LIFETIME, new_key
from checker.demo.emulator.wanted import Seed, SeedAcm, SeedApi, SeedCertificate, SeedRole
from checker.demo.emulator.world import World


def sow(world: World, seeds: tuple[Seed, ...]) -> tuple[str, ...]:
    """Put certificates, APIs and roles there; the answer is their ids (ARNs of ACM's and of roles), in the order of the seeds.

    Certificates of one call share a key pair, so that sixty of them are quick; their serial numbers and so their
    fingerprints differ. The quota does not hold here.
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


def age(world: World, certificate_id: str, *, account: str, region: str, expires_at: datetime) -> None:
    """Issue a certificate anew so that it ends at an instant, 365 days after its beginning; same id, same key, another PEM."""
    with world.lock:
        shelf = shelf_of(apigateway_backends[account][region])
        shelf.change(certificate_id, lambda held: held.aged(created_at=expires_at - LIFETIME, expires_at=expires_at))


def _put_certificate(seed: SeedCertificate, key: RSAPrivateKey, now: datetime) -> HeldCertificate:
    shelf = shelf_of(apigateway_backends[seed.account][seed.region])
    created_at = seed.created_at or (seed.expires_at - LIFETIME if seed.expires_at else now)
    made = certificate(
        seed.id or shelf.free_id(),
        key=key,
        created_at=created_at,
        expires_at=seed.expires_at or created_at + LIFETIME,
        description=seed.description,
        tags=dict(seed.tags),
    )
    return shelf.put(made)


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
        backend.create_stage(seed.id, name, deployment.id)
    return api.stages


def _put_websocket(seed: SeedApi) -> dict[str, Any]:
    backend = apigatewayv2_backends[seed.account][seed.region]
    asked: dict[str, Any] = {"name": seed.name, "protocol_type": "WEBSOCKET", "route_selection_expression": "$request.body.action"}
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
