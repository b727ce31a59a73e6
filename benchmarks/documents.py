"""Generate plans in the shape of `terraform show -json`; 1 % of the resources are of interest.

These are stages and certificates. The sections have Terraform's order and proportions: planned
values a quarter, changes a half, prior state a quarter, configuration the rest. Attribute values
are synthetic, and the same seed gives the same bytes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

PROVIDER = "registry.terraform.io/hashicorp/aws"
OTHERS = (
    "aws_iam_role", "aws_iam_policy", "aws_lambda_function", "aws_s3_bucket", "aws_sqs_queue",
    "aws_sns_topic", "aws_dynamodb_table", "aws_cloudwatch_log_group", "aws_security_group",
    "aws_subnet", "aws_route", "aws_instance",
)  # fmt: skip
MODULES = 12
EACH_HUNDRED = 100
CERTIFICATE, STAGE = "aws_api_gateway_client_certificate", "aws_api_gateway_stage"


def write_plan(path: Path, size: int, seed: int = 1) -> int:
    """Write a plan of about `size` bytes, compact as from Terraform; return its resource count."""
    count = max(200, size * 200 // len("".join(_pieces(200, seed))))
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(_pieces(count, seed))
    return count


def _pieces(count: int, seed: int) -> Iterator[str]:
    yield (
        '{"format_version":"1.2","terraform_version":"1.11.4",'
        '"variables":{"region":{"value":"eu-west-1"}},"planned_values":'
    )
    yield from _values(count, seed)
    yield ',"resource_changes":['
    for number in range(count):
        yield "," * bool(number) + _text(_change(number, seed))
    yield (
        '],"output_changes":{},"prior_state":'
        '{"format_version":"1.0","terraform_version":"1.11.4","values":'
    )
    yield from _values(count, seed)
    yield '},"configuration":{"provider_config":{"aws":{"name":"aws","full_name":"' + PROVIDER
    yield '","expressions":{"region":{"references":["var.region"]}}}},"root_module":{"resources":['
    for number in range(0, count, 10):
        yield "," * bool(number) + _text(_block(number))
    yield ']}},"timestamp":"2026-11-25T00:00:00Z","applyable":true,"complete":true,"errored":false}'


def _values(count: int, seed: int) -> Iterator[str]:
    yield '{"root_module":{"resources":['
    roots = [number for number in range(count) if number % MODULES == 0]
    for index, number in enumerate(roots):
        yield "," * bool(index) + _text(_resource(number, seed))
    yield '],"child_modules":['
    for module in range(1, MODULES):
        yield "," * (module > 1) + f'{{"address":"module.m{module}","resources":['
        for index, number in enumerate(range(module, count, MODULES)):
            yield "," * bool(index) + _text(_resource(number, seed))
        yield "]}"
    yield "]}}"


def _kind(number: int) -> str:
    place = number % (2 * EACH_HUNDRED)
    return {7: CERTIFICATE, 107: STAGE}.get(place, OTHERS[number % len(OTHERS)])


def _named(number: int) -> dict[str, object]:
    kind, module = _kind(number), number % MODULES
    own = f"{kind}.r{number}"
    return {
        "address": f"module.m{module}.{own}" if module else own,
        **({"module_address": f"module.m{module}"} if module else {}),
        "mode": "managed",
        "type": kind,
        "name": f"r{number}",
    }


def _attributes(number: int, seed: int) -> dict[str, object]:
    kind, dice = _kind(number), random.Random(seed * 1_000_003 + number)
    if kind == CERTIFICATE:
        return {
            "arn": f"arn:aws:apigateway:eu-west-1::/clientcertificates/c{number + 100:07d}",
            "created_date": "2026-11-01T00:00:00Z",
            "description": "shown to backends",
            "expiration_date": "2027-11-01T00:00:00Z",
            "id": f"c{number + 100:07d}",
            "pem_encoded_certificate": "",
            "tags": {},
        }
    if kind == STAGE:
        return {
            "arn": f"arn:aws:apigateway:eu-west-1::/restapis/api{number}/stages/prod",
            "client_certificate_id": f"c{number:07d}",
            "execution_arn": f"arn:aws:execute-api:eu-west-1:111122223333:api{number}/prod",
            "id": f"ags-api{number}-prod",
            "rest_api_id": f"api{number}",
            "stage_name": "prod",
            "tags": {"team": "payments"},
        }
    values: dict[str, object] = {
        "arn": f"arn:aws:x:eu-west-1:111122223333:{number}",
        "id": f"{dice.getrandbits(64):016x}",
    }
    for index in range(dice.randrange(8, 24)):
        values[f"attribute_{index}"] = dice.choice(
            (
                None,
                True,
                dice.randrange(10**6),
                f"{dice.getrandbits(96):x}",
                [f"{dice.getrandbits(40):x}"] * 3,
                {'a "b"': "c\n"},
            )
        )
    if dice.randrange(200) == 0:
        values["description"] = "für den Zugang zum Äußeren"
    values["policy"] = json.dumps(
        {"Statement": [{"Action": ["s3:GetObject"], "Resource": f"{dice.getrandbits(200):x}"}]}
    )
    return values


def _resource(number: int, seed: int) -> dict[str, object]:
    named = _named(number)
    named.pop("module_address", None)
    return {
        **named,
        "provider_name": PROVIDER,
        "schema_version": 0,
        "values": _attributes(number, seed),
        "sensitive_values": {"tags": {}},
        "depends_on": [f"aws_iam_role.r{number // 2}"],
    }


def _change(number: int, seed: int) -> dict[str, object]:
    values = _attributes(number, seed)
    change = {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}}
    return {
        **_named(number),
        "provider_name": PROVIDER,
        "change": {**change, "before_sensitive": {"tags": {}}, "after_sensitive": {"tags": {}}},
    }


def _block(number: int) -> dict[str, object]:
    kind = _kind(number)
    return {
        "address": f"{kind}.r{number}",
        "mode": "managed",
        "type": kind,
        "name": f"r{number}",
        "provider_config_key": "aws",
        "expressions": {
            "name": {"constant_value": f"r{number}"},
            "role": {"references": ["var.role"]},
        },
        "schema_version": 0,
    }


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
