"""A plan is stale if AWS shows that its changes are made already."""

from __future__ import annotations

import pytest
from builders import certificate, document, making, moving, stage
from world import HOME

from checker.analysis.certificate_uses import stage_key
from checker.analysis.stale_plans import StalePlans
from checker.model.inventory import Inventory
from checker.model.observation import (
    CertificateKey,
    Found,
    Gone,
    Observations,
    ObservedStage,
    Unanswered,
)
from checker.model.plan import Action, Plan
from checker.model.resources import StageKind

DENIED = Unanswered(reason="denied", remedy="grant it")
PROD = "aws_api_gateway_stage.prod"


def signs(plan, shown=None, answer=None):
    """Return the signs that a plan is stale, by AWS's answers about stage `prod` and `old`."""
    one = document([certificate("old"), certificate("new")], [stage("prod", "old")], plan)
    seen = (
        ObservedStage(kind=StageKind.REST, api_id="api1", name="prod", certificate_id=shown)
        if isinstance(shown, str | None)
        else shown
    )
    observations = Observations(
        asked=True,
        certificates={CertificateKey(id="old", place=HOME): answer} if answer is not None else {},
        stages={stage_key(stage("prod", "old")): seen},
    )
    found = StalePlans(Inventory(documents=(one,)), observations).find(one)
    assert found is None or (found.by, found.by_aws) == ("AWS", True)
    return found.signs if found is not None else ()


@pytest.mark.parametrize(
    ("change", "shown", "expected"),
    [
        (moving("prod", "old", "new"), "new", (f"{PROD} presents new already",)),
        (moving("prod", "old", "new"), "old", ()),
        (moving("prod", "old", "new"), None, ()),
        (moving("prod", "old", "new"), Gone(), ()),
        (moving("prod", "old", "new"), DENIED, ()),
        (moving("prod", "old", None), None, (f"{PROD} presents no certificate already",)),
        (moving("prod", "old", None), "old", ()),
        (moving("prod", "old", "old"), "old", ()),
        (moving("prod", "old", "new", Action.REPLACE), "new", ()),
        (moving("prod", None, "new", Action.CREATE), "new", ()),
    ],
)
def test_a_stage_that_presents_the_planned_certificate_already(change, shown, expected):
    assert signs(Plan(stages=(change,)), shown) == expected


def test_a_certificate_that_the_plan_deletes_and_aws_does_not_have():
    """A deletion and a removal from the state; nothing else needs the certificate to be there."""
    gone = "certificate old (aws_api_gateway_client_certificate.old) is gone already"
    present = Found(expires_at=certificate("old").expires_at)
    for action, answer, expected in (
        (Action.DELETE, Gone(), (gone,)),
        (Action.REPLACE, Gone(), (gone,)),
        (Action.FORGET, Gone(), (gone,)),
        (Action.UPDATE, Gone(), ()),
        (Action.DELETE, present, ()),
        (Action.DELETE, DENIED, ()),
    ):
        assert signs(Plan(certificates=(making("old", action),)), "old", answer) == expected
    assert signs(Plan(certificates=(making("new", Action.DELETE),)), "old", Gone()) == ()
