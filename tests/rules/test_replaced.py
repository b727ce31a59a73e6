"""The reason why a plan replaces a certificate determines the remedy."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate_at, document, findings, making, moving
from msgspec.structs import replace

from checker.model.plan import Action, Plan
from checker.model.resources import PresentsPlanned

REASONS = {
    "replace_because_tainted": "run `terraform untaint 'aws_api_gateway_client_certificate.old'`",
    "replace_by_triggers": "take replace_triggered_by out",
    "replace_by_request": "plan without -replace",
    "replace_because_cannot_update": None,
    None: None,
}


@pytest.mark.parametrize(("reason", "remedy"), REASONS.items())
@pytest.mark.parametrize("action", [Action.REPLACE, Action.REPLACE_CREATE_FIRST])
def test_the_remedy_undoes_the_reason(reason, remedy, action):
    """The remedy first removes the cause of the replacement, then names `tfcert patch`."""
    planned = PresentsPlanned((certificate_at("old"),))
    plan = Plan(
        certificates=(replace(making("old", action), reason=reason),),
        stages=(moving("prod", "old", planned),),
    )
    for rule in ("rotation-destroys-in-use", "rotation-unstaged"):
        (finding,) = findings(cases_of(document(plan=plan)), rule)
        assert (
            finding.remedy.startswith(remedy)
            if remedy
            else "terraform untaint" not in finding.remedy
        )
        assert "`tfcert patch`" in finding.remedy
