"""Recorded text of the findings about AWS answers, exemptions and the policy.

The texts are in `fixtures/scenarios/answers.json`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from builders import (
    STAGE,
    cases_of,
    certificate,
    document,
    lineage,
    stage,
)
from msgspec.structs import replace
from recorded import assert_recorded, plain, texts
from test_certificate_drifted import drifted, ending
from test_certificate_quota import HERE, holding
from test_exempting import OLD, exemption
from world import NOW

from checker.analysis.certificate_uses import stage_key
from checker.model.conditions import Conditions
from checker.model.exemptions import FaultyExemption
from checker.model.inventory import Source, Unread
from checker.model.location import Location
from checker.model.observation import (
    AcmDoesNotRenew,
    AcmRenews,
    Found,
    Gone,
    ObservedStage,
    Unanswered,
)
from checker.model.places import Place
from checker.model.policy import Policy, Scope
from checker.model.resources import PresentsPlanned, StageKind
from checker.model.severity import FailOn, Severity
from checker.rules import judge

FILE = Path(__file__).parents[2] / "fixtures" / "scenarios" / "answers.json"
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/1"
WEST = Place("aws", "123456789012", "us-west-2")
REFUSED = Unanswered(reason="access denied", remedy="grant it")
PUBLIC = [stage("prod", ARN)]
SHOWN = ObservedStage(kind=StageKind.REST, api_id="api9", name="b", certificate_id="old")


def acm(left):
    return replace(certificate(ARN, left), kind="acm", address=None)


def renewal(left, of):
    return {ARN: Found(expires_at=NOW + timedelta(days=left), renewal=of)}


STUCK = AcmDoesNotRenew("no DNS record", "add the record")
ONE = document()
THREE = document(
    [certificate("old"), certificate("new", 45), certificate("third", None)],
    [stage("prod", "old"), stage("b", "new"), stage("c", "third"), stage("bare", None)],
)


def after(cases, **answers):
    """Return the cases with other answers about stages or about the number of certificates."""
    return replace(cases, observations=replace(cases.observations, **answers))


def scanned(managed):
    one = document(
        [replace(certificate("old"), address=None, managed=managed)],
        [replace(stage("prod", "old"), address=None, managed=managed)],
    )
    unread = (Unread(path="us-west-2", reason="it timed out", remedy="scan it again"),)
    return replace(one, source=Source(path="aws:1", kind="aws"), unread=unread)


SWITCHED_ON = Policy(
    rules=(("stage-without-certificate", Severity.WARNING), ("certificate-expiring", Severity.NOTE))
)
SCOPED = Policy(
    scopes=(
        Scope(
            conditions=Conditions(stage=("prod",)),
            values=(("threshold_days", 5), ("notice_days", 20)),
        ),
    ),
    fail_on=FailOn.WARNING,
)
EXEMPTIONS = {
    "by its address": exemption("certificate-expiring", OLD),
    "by its id": exemption(certificate_id="old"),
    "by its stage": exemption("certificate-expiring", f"{STAGE}.prod"),
    "expired": exemption("certificate-expiring", OLD, until=-1),
    "too long": exemption("certificate-expiring", OLD, until=40),
    "of another": exemption("certificate-expiring", f"{STAGE}.other"),
    "of two others": exemption("certificate-expiring", f"{STAGE}.a", f"{STAGE}.b"),
    "of another rule": exemption("certificate-gone", OLD),
    "of a rule for plans": exemption("stage-detached", f"{STAGE}.prod"),
    "with a condition": exemption(
        "certificate-expiring", OLD, where=Conditions(workspace=("blue",))
    ),
    "with a region": exemption("certificate-expiring", OLD, where=Conditions(region=("eu-*",))),
}
FAULTY = FaultyExemption(
    reason="the comment has no date", remedy="write until", location=Location("main.tf", 2)
)
CASES = {
    **{
        f"{left} days left": cases_of(document([certificate("old", left)]))
        for left in (61, 60, 31, 30, 29, 1, 0, -1, -400)
    },
    "half a day left": cases_of(document([certificate("old", 0.5)])),
    "three certificates": cases_of(THREE),
    "three certificates, offline": cases_of(THREE, asked=False),
    "gone": cases_of(ONE, answers={"old": Gone()}),
    "gone and not used": cases_of(document(None, []), answers={"old": Gone()}),
    "not answered": cases_of(ONE, answers={"old": REFUSED}),
    "a survey without an answer": cases_of(ONE, survey=REFUSED),
    "a survey with another stage": cases_of(ONE, survey=[SHOWN]),
    "not used": cases_of(document([certificate("old", 200)], []), survey=[]),
    "not used and near its end": cases_of(document([certificate("old", 20)], []), survey=[]),
    "not used and ended": cases_of(document([certificate("old", -3)], []), survey=[]),
    "used outside": cases_of(document([certificate("old", 200)], []), survey=[SHOWN]),
    "not used, with a successor": cases_of(
        document(
            [certificate("old", 200), certificate("new", 300)],
            [stage("prod", "new")],
            declared=lineage(old=None, new="old"),
        ),
        survey=[],
    ),
    "a scan, managed": cases_of(scanned(managed=True), survey=[]),
    "a scan, not managed": cases_of(scanned(managed=False), survey=[]),
    "a scan, nobody knows": cases_of(scanned(managed=None), survey=[]),
    **{
        f"ACM: {name}, {left} days left": cases_of(
            document([acm(left)], PUBLIC), answers=renewal(left, of)
        )
        for left in (61, 60, 30, 20, -2)
        for name, of in (("renews", AcmRenews()), ("stuck", STUCK), ("nothing", None))
    },
    "ACM: gone": cases_of(document([acm(20)], PUBLIC), answers={ARN: Gone()}),
    "another certificate": drifted("old", "other", ending(300)),
    "another certificate near its end": drifted("old", "other", ending(30)),
    "another certificate that ended": drifted("old", "other", ending(-3)),
    "another certificate that is gone": drifted("old", "other", Gone()),
    "another certificate without an answer": drifted("old", "other", REFUSED),
    "no certificate": drifted("old", None),
    "a certificate where state has none": drifted(None, "other", ending(300)),
    "a stage that is gone": drifted("old", Gone()),
    "a stage without an answer": drifted("old", REFUSED),
    "another end": cases_of(ONE, answers={"old": Found(expires_at=NOW + timedelta(days=9))}),
    "an end a day later": cases_of(
        ONE, answers={"old": Found(expires_at=NOW + timedelta(days=13))}
    ),
    "elsewhere": cases_of(
        document([certificate("old", 300)], [replace(stage("prod", "old"), place=WEST)])
    ),
    "a sensitive id": cases_of(document(None, [stage("prod", PresentsPlanned(()))])),
    "without a certificate": cases_of(document([], [stage("prod", None)]), policy=SWITCHED_ON),
    "a note": cases_of(ONE, policy=SWITCHED_ON),
    "a scope": cases_of(ONE, policy=SCOPED),
    "no room": holding({HERE: 60}, cases_of(ONE)),
    "room for one": holding({HERE: 59}, cases_of(ONE)),
    **{
        f"an exemption {name}": cases_of(ONE, policy=Policy(exemptions=(entry,)))
        for name, entry in EXEMPTIONS.items()
    },
    "an exemption of one of two stages": cases_of(
        document(None, [stage("prod", "old"), stage("dev", "old")]),
        policy=Policy(exemptions=(EXEMPTIONS["by its stage"],)),
    ),
    **{
        f"an exemption of another rule for {count} stages": cases_of(
            document(None, [stage(name, "old") for name in "abc"]),
            policy=Policy(
                exemptions=(
                    exemption("certificate-gone", *(f"{STAGE}.{n}" for n in "abc"[:count])),
                )
            ),
        )
        for count in (1, 2, 3)
    },
    "an exemption in a comment that is faulty": cases_of(
        document(declared=replace(lineage(old=None), faulty=(FAULTY,)))
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_word_about_an_answer(name):
    """The findings and suppressions of each case equal the recorded text."""
    judged = judge(CASES[name])
    suppressed = [plain(each.suppression) for each in judged if each.suppression is not None]
    assert_recorded(name, [*texts(judged), *suppressed], FILE)


def test_every_word_about_two_stages_with_one_cause():
    """Two stages with one cause share a finding, with the recorded text."""
    stages = [stage("prod", "old"), stage("b", "old")]
    cases = after(
        cases_of(document([certificate("old", 300)], stages)),
        stages={stage_key(each): REFUSED for each in stages},
    )
    assert_recorded("two stages without an answer", texts(judge(cases)), FILE)
