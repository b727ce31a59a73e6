"""Exemptions: what they suppress, what they cannot suppress, and certificates of several stages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    CERTIFICATE,
    STAGE,
    cases_of,
    certificate,
    document,
    lineage,
    making,
    moving,
    stage,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from world import NOW

from checker.model.conditions import Conditions
from checker.model.exemptions import Exemption, FaultyExemption
from checker.model.finding import SuppressedBy
from checker.model.location import Location
from checker.model.observation import Found, Gone, Unanswered
from checker.model.outcome import Outcome
from checker.model.plan import Action, Plan
from checker.model.policy import Policy, Scope
from checker.model.severity import Severity
from checker.rules import RULES, judge

TODAY = NOW.date()
OLD = f"{CERTIFICATE}.old"


def exemption(
    rule="certificate-expiring",
    *addresses,
    certificate_id=None,
    until=3,
    kind=SuppressedBy.POLICY,
    **more,
):
    return Exemption(
        rule=rule,
        until=TODAY + timedelta(days=until),
        reason="moved soon",
        kind=kind,
        addresses=frozenset(addresses),
        certificate_id=certificate_id,
        location=Location("tfcert.toml", 3),
        **more,
    )


def judged(found, *exemptions, **more):
    return judge(
        cases_of(found, policy=Policy(exemptions=exemptions, **more.pop("policy", {})), **more)
    )


def standing(findings):
    """Return the rules of counted findings and of suppressed findings."""
    return (
        sorted(one.rule for one in findings if one.suppression is None),
        sorted(one.rule for one in findings if one.suppression is not None),
    )


@pytest.mark.parametrize(
    "entry",
    [
        exemption("certificate-expiring", OLD),
        exemption(certificate_id="old"),
        exemption("certificate-expiring", f"{STAGE}.prod"),
    ],
    ids=["address", "id", "its only stage"],
)
def test_an_exempted_finding_stays_and_does_not_count(entry):
    """An exempted finding stays in the report and does not count.

    The exemption names the certificate's address, its id, or its only stage.
    """
    cases = cases_of(document(), policy=Policy(exemptions=(entry,)))
    (found,) = judge(cases)
    assert found.suppression is not None
    assert (found.severity, found.suppression.reason, found.suppression.until) == (
        Severity.ERROR,
        "moved soon",
        entry.until,
    )
    assert (found.suppression.kind, found.suppression.location) == (
        SuppressedBy.POLICY,
        Location("tfcert.toml", 3),
    )
    outcome = Outcome(cases=cases, findings=(found,), rotations=())
    assert (str(outcome.verdict), outcome.exit_code) == ("clean", 0)


def test_a_certificate_of_several_stages_is_not_exempted_by_one_of_them():
    """A certificate of several stages needs an exemption for each; a single one is unused and names
    the other stage.
    """
    found = document(None, [stage("prod", "old"), stage("dev", "old")])
    one, other = (
        exemption("certificate-expiring", f"{STAGE}.prod"),
        exemption("certificate-expiring", f"{STAGE}.dev", until=2),
    )
    findings = judged(found, one)
    assert standing(findings) == (["certificate-expiring", "exemption-unused"], [])
    assert (
        f"{STAGE}.dev presents certificate old as well"
        in next(f for f in findings if f.rule == "exemption-unused").message
    )
    (both,) = judged(found, one, other)
    assert both.suppression is not None
    assert both.suppression.until == other.until


def test_the_exemption_of_the_instance_comes_before_that_of_its_block():
    """If the exemptions of an instance and of its block end on one day, the instance's applies."""
    recorded = certificate("old")
    for key in "abcdefghijkl":
        keyed = replace(recorded, address=replace(recorded.address, key=key))
        found = document([keyed], [stage("prod", "old")])
        own = replace(exemption("certificate-expiring", f'{OLD}["{key}"]'), reason="the instance")
        block = replace(exemption("certificate-expiring", OLD), reason="the block")
        (one,) = judged(found, block, own)
        assert one.suppression.reason == "the instance"


def test_an_address_without_keys_means_every_instance_of_the_block():
    """An exemption for an address without a key covers all instances; one with a key covers that
    instance.
    """
    first, second = certificate("old"), certificate("older")
    keyed = [
        replace(each, address=replace(each.address, name="old", key=key))
        for each, key in ((first, "a"), (second, "b"))
    ]
    found = document(keyed, [stage("prod", "old"), stage("dev", "older")])
    assert standing(judged(found, exemption("certificate-expiring", OLD))) == (
        [],
        ["certificate-expiring"] * 2,
    )
    assert standing(judged(found, exemption("certificate-expiring", f'{OLD}["a"]'))) == (
        ["certificate-expiring"],
        ["certificate-expiring"],
    )


def test_an_id_does_not_exempt_a_certificate_that_is_named_otherwise():
    """An exemption does not match a longer id, a longer address or another rule."""
    for entry in (
        exemption(certificate_id="o"),
        exemption("certificate-expiring", f"{CERTIFICATE}.ol"),
        exemption("certificate-gone", OLD),
    ):
        counted, suppressed = standing(judged(document(), entry))
        assert (counted, suppressed) == (["certificate-expiring", "exemption-unused"], [])


def test_what_cannot_be_exempted_is_not():
    """Some rules, such as certificate-expired and rotation-destroys-in-use, cannot be exempted."""
    assert {rule.name for rule in RULES if not rule.exemptable} == {
        "certificate-expired",
        "rotation-destroys-in-use",
        "certificate-unverified",
        "certificate-quota",
        "exemption-invalid",
        "exemption-expired",
        "exemption-unused",
    }
    expired = document([certificate("old", -1)])
    assert (
        "certificate-expired" in standing(judged(expired, exemption("certificate-expired", OLD)))[0]
    )
    destroys = document(plan=Plan(certificates=(making("old", Action.DELETE),)))
    assert (
        "rotation-destroys-in-use"
        in standing(judged(destroys, exemption("rotation-destroys-in-use", OLD)))[0]
    )


def test_i4_what_was_not_checked_cannot_be_exempted():
    """I4: certificate-unverified cannot be exempted, and the verdict stays inconclusive."""
    away = {"old": Unanswered(reason="no credentials", remedy="log in")}
    cases = cases_of(
        document([certificate("old", 300)]),
        answers=away,
        policy=Policy(exemptions=(exemption("certificate-unverified", OLD),)),
    )
    outcome = Outcome(cases=cases, findings=judge(cases), rotations=())
    assert (str(outcome.verdict), outcome.exit_code) == ("inconclusive", 3)


@given(st.integers(-5, 20), st.integers(0, 20))
def test_an_exemption_holds_from_today_until_its_day_and_never_past_the_end(until, left):
    """An exemption applies from today to its last day.

    The finding counts if that day is past, or after the certificate's end.
    """
    findings = judged(
        document([certificate("old", left)]), exemption("certificate-expiring", OLD, until=until)
    )
    fate = "exemption-expired" if until < 0 else "exemption-invalid" if until > left else None
    if fate is None:
        assert standing(findings) == ([], ["certificate-expiring"])
    else:
        assert standing(findings) == (["certificate-expiring", fate], [])


def test_the_end_that_counts_is_the_one_that_aws_says():
    """The limit of an exemption is the end date from AWS, also for a finding about a stage."""
    recorded = document([certificate("old", 100)], plan=Plan(stages=(moving("prod", "old", None),)))
    entry = exemption("stage-detached", f"{STAGE}.prod", until=50)
    assert standing(judged(recorded, entry)) == ([], ["stage-detached"])
    sooner = {"old": Found(expires_at=NOW + timedelta(days=40))}
    assert "stage-detached" in standing(judged(recorded, entry, answers=sooner))[0]
    assert "exemption-invalid" in standing(judged(recorded, entry, answers=sooner))[0]


def test_a_finding_about_a_stage_is_exempted_by_the_stage():
    """A finding about a stage is exempted by the stage's address or by the certificate's id."""
    found = document([certificate("old", 300)], plan=Plan(stages=(moving("prod", "old", None),)))
    for entry in (
        exemption("stage-detached", f"{STAGE}.prod"),
        exemption("stage-detached", certificate_id="old"),
    ):
        assert standing(judged(found, entry)) == ([], ["stage-detached"])
    assert (
        "stage-detached" in standing(judged(found, exemption("stage-detached", f"{STAGE}.dev")))[0]
    )


def test_a_certificate_without_an_address_is_exempted_by_all_of_its_stages_or_its_id():
    """A certificate without an address is exempted by its id; one of its several stages is not
    enough.
    """
    gone = {"lost": Gone()}
    found = document([], [stage("a", "lost"), stage("b", "lost")])
    assert (
        "certificate-gone"
        in standing(judged(found, exemption("certificate-gone", f"{STAGE}.a"), answers=gone))[0]
    )
    assert standing(
        judged(found, exemption("certificate-gone", certificate_id="lost"), answers=gone)
    ) == ([], ["certificate-gone"])


def apart(findings):
    """Return the findings without managed-twice, which two documents with the same resources always
    have.
    """
    return [one for one in findings if one.rule != "managed-twice"]


def test_an_exemption_may_be_narrowed_to_documents_and_places():
    """An exemption for one root module does not apply to another module with the same address, and
    is not unused there.
    """
    here = replace(document(), directory="/repo/live", workspace="prod")
    there = replace(here, source=replace(here.source, path="there.json"), directory="/repo/test")
    homes = {"policy": {"homes": ("/repo",)}}
    narrowed = exemption("certificate-expiring", OLD, where=Conditions(directory=("live",)))
    findings = apart(
        judge(cases_of(here, there, policy=Policy(exemptions=(narrowed,), homes=("/repo",))))
    )
    assert [(one.source, one.suppression is not None) for one in findings] == [
        (here.source.path, True),
        ("there.json", False),
    ]
    assert standing(judged(there, narrowed, **homes)) == (["certificate-expiring"], [])
    abroad = exemption("certificate-expiring", OLD, where=Conditions(account=("999999999999",)))
    assert standing(judged(here, abroad)) == (["certificate-expiring", "exemption-unused"], [])


def inline(*exemptions, faulty=()):
    return replace(lineage(old=None), exemptions=exemptions, faulty=faulty)


def test_a_comment_exempts_in_its_own_configuration_alone():
    """An exemption in a comment applies only to documents of its own configuration."""
    entry = exemption("certificate-expiring", OLD, kind=SuppressedBy.COMMENT)
    here = document(declared=inline(entry))
    there = replace(document(), source=replace(here.source, path="there.json"))
    findings = apart(judge(cases_of(here, there)))
    assert [(one.source, one.suppression is not None) for one in findings] == [
        (here.source.path, True),
        ("there.json", False),
    ]
    assert findings[0].suppression.kind is SuppressedBy.COMMENT


def test_an_exemption_in_a_plan_that_cures_stays_used():
    """An exemption also suppresses the warning that a fixing plan leaves, so it is not unused."""
    found = document(plan=Plan(certificates=(making("new"),)))
    (one,) = judged(found, exemption("certificate-expiring", OLD))
    assert (one.severity, one.suppression is not None) == (Severity.WARNING, True)


def test_a_suppressed_error_does_not_hide_another():
    """An exemption of one certificate leaves the error of another one counted."""
    found = document(
        [certificate("old"), certificate("other")], [stage("prod", "old"), stage("dev", "other")]
    )
    assert standing(judged(found, exemption("certificate-expiring", OLD))) == (
        ["certificate-expiring"],
        ["certificate-expiring"],
    )


def test_a_faulty_comment_is_said_once_whichever_documents_share_it():
    """A faulty exemption comment is reported once, although a plan and a state share the
    configuration.
    """
    wrong = FaultyExemption(
        reason="it has no until", remedy="write one", location=Location("main.tf", 3)
    )
    here = document([certificate("old", 300)], declared=inline(faulty=(wrong,)))
    findings = apart(
        judge(cases_of(here, replace(here, source=replace(here.source, path="there.json"))))
    )
    assert [(one.rule, one.location) for one in findings] == [
        ("exemption-invalid", Location("main.tf", 3))
    ]


def test_scopes_and_exemptions_go_together():
    """An exemption suppresses a finding that a scope lowered; where a scope switches the rule off,
    it is unused.
    """
    lowered = Scope(
        conditions=Conditions(stage=("prod",)), rules=(("certificate-expiring", Severity.NOTE),)
    )
    off = replace(lowered, rules=(("certificate-expiring", None),))
    (one,) = judged(
        document(), exemption("certificate-expiring", OLD), policy={"scopes": (lowered,)}
    )
    assert (one.severity, one.suppression is not None) == (Severity.NOTE, True)
    (left,) = judged(document(), exemption("certificate-expiring", OLD), policy={"scopes": (off,)})
    assert left.rule == "exemption-unused"
