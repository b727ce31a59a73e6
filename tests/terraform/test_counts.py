"""Counts of stages and certificates in each recorded document, compared with a simple count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures"
TYPES = {"aws_api_gateway_stage", "aws_apigatewayv2_stage"}, {"aws_api_gateway_client_certificate"}


def recorded():
    """Yield the plans and states among the fixtures."""
    for file in sorted([*FIXTURES.rglob("*.json"), *FIXTURES.rglob("*.tfstate")]):
        document = json.loads(file.read_bytes())
        if isinstance(document, dict) and ("format_version" in document or "lineage" in document):
            yield pytest.param(file, document, id=str(file.relative_to(FIXTURES)))


def in_shown(module, types):
    """Count the resources of these types, in a module and its child modules."""
    own = sum(
        item["type"] in types and item["mode"] == "managed" for item in module.get("resources", ())
    )
    return own + sum(in_shown(child, types) for child in module.get("child_modules", ()))


def in_raw(state, types):
    return sum(
        len(item["instances"])
        for item in state["resources"]
        if item["type"] in types and item["mode"] == "managed"
    )


@pytest.mark.parametrize(("file", "document"), list(recorded()))
def test_as_many_are_read_as_are_there(read_file, file, document):
    """The readers find as many recorded and planned stages and certificates as the simple count."""
    found = read_file(file)
    stages, certificates = TYPES
    if "lineage" in document:
        counted = in_raw(document, stages), in_raw(document, certificates)
    else:
        state = document if "values" in document else document.get("prior_state", {})
        root = state.get("values", {}).get("root_module", {})
        counted = in_shown(root, stages), in_shown(root, certificates)
    assert (len(found.stages), len(found.certificates)) == counted
    if found.plan is not None:
        changes = document.get("resource_changes", ())
        assert len(found.plan.stages) == sum(item["type"] in stages for item in changes)
        assert len(found.plan.certificates) == sum(item["type"] in certificates for item in changes)
    assert all(stage.place.region for stage in found.stages)
    assert all(certificate.expires_at for certificate in found.certificates)
