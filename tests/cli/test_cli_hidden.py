"""Sensitive values are not taken for clean."""

from __future__ import annotations

import json


def test_i4_a_hidden_id_is_not_clean(outcome, story):
    """I4: a stage whose certificate id is marked sensitive makes the verdict inconclusive."""
    state = json.loads((story / "terraform.tfstate").read_bytes())
    state["resources"] = [
        entry for entry in state["resources"] if entry["type"] == "aws_api_gateway_stage"
    ]
    for resource in state["resources"]:
        for instance in resource["instances"]:
            instance["sensitive_attributes"] = [
                [{"type": "get_attr", "value": "client_certificate_id"}]
            ]
    (story / "hidden.tfstate").write_text(json.dumps(state))
    document, code = outcome("hidden.tfstate", "--offline", "--as-of", "2026-01-01", cwd=story)
    assert (code, document["verdict"]) == (3, "inconclusive")
    assert "rj3hhn" not in json.dumps(document)
