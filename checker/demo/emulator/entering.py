"""Which roles may be assumed, and with which external id, where a seeder has said so; moto lets every role be assumed."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from checker.demo.emulator.calls import RecordedCall
from checker.demo.emulator.wanted import SeedRole


def refused(roles: Mapping[str, SeedRole], call: RecordedCall, body: bytes) -> bool:
    """Whether a call asks for a role that is not there, or not as its trust policy wants; no roles at all refuse nothing.

    Source: AWS's IAM user guide, "The confused deputy problem": the condition `sts:ExternalId` of a role's trust policy.
    """
    if not roles or not call.matches("sts:AssumeRole"):
        return False
    asked = parse_qs(body.decode("utf-8", "replace"))
    role = roles.get("".join(asked.get("RoleArn", [])))
    return role is None or (role.external_id is not None and asked.get("ExternalId") != [role.external_id])
