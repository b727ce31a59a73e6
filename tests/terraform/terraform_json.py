"""Builders of small documents in the shapes that Terraform writes."""

from __future__ import annotations

from checker.model.address import parse

CERTIFICATE = "aws_api_gateway_client_certificate"
STAGE = "aws_api_gateway_stage"


def change(address, actions, *, before=None, after=None, unknown=(), **more):
    """Return an entry of resource_changes; `unknown` names attributes that are known only after
    apply.
    """
    block = parse(address.replace("[*]", ""))
    body = {
        "actions": list(actions),
        "before": before,
        "after": after,
        "after_unknown": dict.fromkeys(unknown, True),
    }
    body |= {
        key: more.pop(key)
        for key in ("before_sensitive", "after_sensitive", "importing")
        if key in more
    }
    return {
        "address": address,
        "mode": "managed",
        "type": block.type,
        "name": block.name,
        "change": body,
    } | more


def created(address):
    """Return the creation of a certificate."""
    return change(
        address,
        ["create"],
        after={"description": "d"},
        unknown=["id", "arn", "pem_encoded_certificate"],
    )


def moved_to_unknown(address, **before):
    """Return an update of a stage to a certificate with an unknown id."""
    values = {"stage_name": "prod", "rest_api_id": "a1"}
    return change(
        address,
        ["update"],
        before=values | {"client_certificate_id": "old111"} | before,
        after=values,
        unknown=["client_certificate_id"],
    )


def expression(value):
    """Return an expression: a list of texts is references, anything else a constant."""
    return {"references": value} if isinstance(value, list) else {"constant_value": value}


def block(resource_type, name, expressions=None, **more):
    """Return a resource of a plan's configuration."""
    found = {
        "address": f"{resource_type}.{name}",
        "mode": "managed",
        "type": resource_type,
        "name": name,
    }
    found["provider_config_key"] = more.pop("provider_config_key", "aws")
    if expressions:
        found["expressions"] = {key: expression(value) for key, value in expressions.items()}
    return found | {key: expression(value) for key, value in more.items()}


def call(module, expressions=None, **more):
    """Return a module call."""
    found = {"source": "./m", "module": module}
    if expressions:
        found["expressions"] = {key: expression(value) for key, value in expressions.items()}
    return found | {key: expression(value) for key, value in more.items()}


def output(references):
    """Return an output of a module."""
    return {"expression": {"references": references}}


def shown(address, values, **more):
    """Return a resource of a shown state."""
    found = parse(address)
    mode = "data" if found.data else "managed"
    return {
        "address": address,
        "mode": mode,
        "type": found.type,
        "name": found.name,
        "values": values,
    } | more


def plan(*changes, root=None, prior=(), providers=None, **top):
    """Return a plan of format 1.2."""
    document = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {}},
        "resource_changes": list(changes),
        "configuration": {"provider_config": providers or {}, "root_module": root or {}},
    }
    if prior:
        document["prior_state"] = {
            "format_version": "1.0",
            "values": {"root_module": {"resources": list(prior)}},
        }
    return document | top


def shown_state(*resources):
    """Return a state as `terraform show -json` prints it."""
    return {
        "format_version": "1.0",
        "terraform_version": "1.11.4",
        "values": {"root_module": {"resources": list(resources)}},
    }


def raw_state(*resources):
    """Return a state as Terraform stores it."""
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "l",
        "outputs": {},
        "resources": list(resources),
    }


def raw(resource_type, name, *instances, **more):
    """Return a resource of a raw state."""
    return {
        "mode": "managed",
        "type": resource_type,
        "name": name,
        "provider": "p",
        "instances": list(instances),
    } | more
