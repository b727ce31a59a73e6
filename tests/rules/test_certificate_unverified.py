"""I4: an unchecked certificate is never reported as clean."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from builders import cases_of, certificate, document, findings, moving, said, stage
from world import HOME, NOW

from checker.analysis.cases import build_cases
from checker.model.inventory import Inventory
from checker.model.observation import Found, Observations, Unanswered
from checker.model.outcome import Outcome
from checker.model.plan import Plan
from checker.model.policy import FailOn, Policy
from checker.model.resources import PresentsPlanned
from checker.rules import judge

REFUSED = Unanswered(reason="access denied", remedy="grant apigateway:GET")
RULE = "certificate-unverified"


@dataclass
class Said:
    verdict: str
    code: int


def outcome(cases) -> Said:
    result = Outcome(cases=cases, findings=judge(cases), rotations=())
    return Said(str(result.verdict), result.exit_code)


@pytest.mark.parametrize("fail_on", list(FailOn))
@pytest.mark.parametrize(
    "cases",
    [
        lambda policy: cases_of(
            document([certificate("old", 300)]), answers={"old": REFUSED}, policy=policy
        ),
        lambda policy: cases_of(document([certificate("old", 300)]), survey=REFUSED, policy=policy),
        lambda policy: cases_of(document([certificate("old", None)]), policy=policy),
        lambda policy: cases_of(document([certificate("old", None)]), asked=False, policy=policy),
        lambda policy: cases_of(
            document([certificate("old", 300)], plan=Plan(errored=True)), policy=policy
        ),
        lambda policy: cases_of(
            document(
                [certificate("old", 300)],
                plan=Plan(stages=(moving("prod", "old", PresentsPlanned(())),)),
            ),
            policy=policy,
        ),
    ],
    ids=[
        "refused",
        "survey refused",
        "no answer, no date",
        "offline, no date",
        "errored plan",
        "unknown after apply",
    ],
)
def test_i4_what_was_left_unknown_is_inconclusive(cases, fail_on):
    """I4: an unanswered question makes the verdict inconclusive, exit code 3, whatever `--fail-on`
    says.
    """
    assert outcome(cases(Policy(fail_on=fail_on))) == Said("inconclusive", 3)


def test_i4_a_certificate_that_aws_was_not_asked_for_is_not_clean():
    """I4: a run that asks AWS needs an answer for each certificate; a recorded date is
    not enough.
    """
    inventory = Inventory(documents=(document([certificate("old", 300)]),))
    cases = build_cases(inventory, Observations(asked=True), as_of=NOW, policy=Policy())
    assert outcome(cases) == Said("inconclusive", 3)


def test_offline_a_recorded_date_is_judged():
    """An offline run judges the recorded dates."""
    assert outcome(cases_of(document([certificate("old", 300)]), asked=False)) == Said("clean", 0)
    assert outcome(cases_of(document(), asked=False)) == Said("findings", 1)


def test_a_failing_finding_outranks_what_is_unknown():
    """If both apply, the exit code is 1; the unverified finding stays in the report."""
    cases = cases_of(document(), answers={"old": REFUSED})
    assert said(cases) == {"certificate-expiring": "error", RULE: "warning"}
    assert outcome(cases) == Said("findings", 1)
    (finding,) = findings(cases, RULE)
    assert "access denied" in finding.message
    assert finding.remedy == "grant apigateway:GET"


def test_a_certificate_yet_to_be_created_has_nothing_to_verify():
    """A certificate that the plan will create has no finding."""
    from builders import making

    cases = cases_of(document([], [stage("prod", None)], plan=Plan(certificates=(making("new"),))))
    assert said(cases) == {}


def test_the_same_id_in_another_region_is_another_certificate():
    """Certificates with one id in two regions are checked separately."""
    from msgspec.structs import replace

    from checker.model.places import Place

    west = Place("aws", HOME.account, "us-west-2")
    other = replace(certificate("old", 300), place=west)
    cases = cases_of(
        document([certificate("old", 300), other], [replace(stage("prod", "old"), place=west)])
    )
    assert {
        case.subject.key.place.region: bool(case.subject.presented_by) for case in cases.all
    } == {
        "us-east-1": False,
        "us-west-2": True,
    }
    answers = {
        case.subject.key: Found(expires_at=case.expires_at)
        for case in cases.all
        if case.subject.key.place == HOME
    }
    cases = build_cases(
        Inventory(documents=tuple(part.document for part in cases.documents)),
        Observations(asked=True, certificates=answers),
        as_of=NOW,
        policy=Policy(),
    )
    assert said(cases) == {RULE: "warning"}


def test_a_created_certificate_does_not_explain_what_comes_from_elsewhere():
    """A stage whose planned id comes from elsewhere is unverified, even if the plan creates a
    certificate.
    """
    from builders import certificate_at, making, moving

    from checker.model.plan import Action
    from checker.model.resources import PresentsPlanned

    for elsewhere, expected in ((True, {RULE: "warning"}), (False, {})):
        after = PresentsPlanned((certificate_at("new"),), elsewhere=elsewhere)
        plan = Plan(
            certificates=(making("new"),), stages=(moving("prod", None, after, Action.CREATE),)
        )
        assert said(cases_of(document([], [], plan=plan))) == expected
