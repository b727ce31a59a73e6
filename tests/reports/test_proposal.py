"""Tests of the title and the text of a phase's pull request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from checker.model.address import parse
from checker.model.deadlines import Late, late_plan
from checker.model.policy import Applies
from checker.model.rotation import (
    Caution,
    Condition,
    ConditionStatus,
    Next,
    Phase,
    Rotation,
)
from checker.reports.markdown import size
from checker.reports.markdown.escape import sentence
from checker.reports.proposal import Proposal, ProposedRotation, body, title

DAY = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OLD = "aws_api_gateway_client_certificate.orders"


def rotation(phase=Phase.INTRODUCE, name=OLD, *conditions):
    """Return a rotation of a certificate that ends on 5 December."""
    return Rotation(
        predecessor=parse(name),
        predecessor_ids=("abc",),
        successor=parse(f"{name}_202611"),
        step=Next(phase),
        end=datetime(2026, 12, 5, tzinfo=UTC),
        introduce_by=datetime(2026, 11, 25, tzinfo=UTC),
        repoint_by=datetime(2026, 11, 28, tzinfo=UTC),
        stages=("aws_api_gateway_stage.live", "aws_api_gateway_stage.test"),
        conditions=conditions,
    )


def proposal(*rotations, phase=Phase.INTRODUCE, **more):
    found = rotations or (rotation(phase),)
    how = {
        "phase": phase,
        "rotations": tuple(ProposedRotation(rotation=each, root="live/orders") for each in found),
        "expected": str(phase),
        "as_of": DAY,
    }
    return Proposal(**{**how, **more})


@pytest.mark.parametrize(
    ("phase", "ends"),
    [
        (Phase.INTRODUCE, "(1 of 3): introduce by 25 Nov"),
        (Phase.REPOINT, "(2 of 3): repoint by 28 Nov"),
        (Phase.RETIRE, "(3 of 3): retire"),
    ],
)
def test_the_title_says_which_phase_and_until_when(phase, ends):
    """The title names the certificate or the number of rotations, the phase, and its deadline or
    "now".
    """
    assert title(proposal(phase=phase)) == (f"Rotate API Gateway client certificate orders {ends}")
    two = proposal(rotation(phase), rotation(phase, f"{OLD}_2"), phase=phase)
    assert title(two) == f"Rotate API Gateway client certificates of 2 rotations {ends}"
    late = title(proposal(phase=phase, as_of=DAY + timedelta(days=30)))
    assert late.endswith("retire" if phase is Phase.RETIRE else f"{phase} now")


def test_the_first_two_lines_say_what_to_do_and_what_breaks_if_not():
    """The first two lines say what to do and what breaks otherwise, each with its date.

    With on-merge the verb is "merge".
    """
    first, second = body(proposal(), limit=10**6).split("\n\n")[:2]
    assert first == (
        "**Merge and apply by 2026-11-25**: it makes the successor of `orders` and moves no stage."
    )
    assert second == (
        "If not: the certificate ends on 2026-12-05, and backends that check dates then refuse "
        "the calls of 2 stages."
    )
    merged = body(proposal(applies=Applies.ON_MERGE), limit=10**6)
    assert merged.startswith("**Merge by 2026-11-25**:")
    late = body(proposal(as_of=DAY + timedelta(days=30)), limit=10**6)
    assert late.startswith("**Merge and apply now (it was due on 2026-11-25)**")
    assert "the certificate ended on 2026-12-05" in late
    retired = body(proposal(phase=Phase.RETIRE), limit=10**6).split("\n\n")
    assert retired[0].startswith("**Merge and apply, at any time**: it removes `orders`")
    assert retired[1].startswith("If not: nothing breaks")


def test_an_open_condition_comes_before_the_merge():
    """A request with an unconfirmed condition says to check it first, and a condition that is met
    is ticked.
    """
    conditions = (
        Condition(phase=Phase.REPOINT, text="AWS knows the successor", holds=ConditionStatus.YES),
        Condition(
            phase=Phase.REPOINT, text="every backend trusts it", holds=ConditionStatus.UNKNOWN
        ),
    )
    text = body(
        proposal(rotation(Phase.REPOINT, OLD, *conditions), phase=Phase.REPOINT), limit=10**6
    )
    assert text.startswith("**Check the conditions below, then merge and apply by 2026-11-28**")
    assert "- AWS knows the successor (holds now)" in text
    assert "- **open:** every backend trusts it (not confirmed)" in text
    held = body(
        proposal(rotation(Phase.REPOINT, OLD, conditions[0]), phase=Phase.REPOINT), limit=10**6
    )
    assert held.startswith("**Merge and apply by 2026-11-28**")


def test_a_text_does_not_change_from_day_to_day():
    """The text stays the same from day to day until a deadline passes."""
    texts = {
        body(proposal(as_of=DAY + timedelta(days=days, hours=days)), limit=10**6)
        for days in range(4)
    }
    assert len(texts) == 1


def test_the_plan_is_judged_by_what_it_may_have():
    """The text names the phase for `--expect`, or `next` if rotations of the root module are in
    different phases.
    """
    assert "--expect introduce\n" in body(proposal(), limit=10**6)
    assert "--expect next\n" in body(proposal(expected="next"), limit=10**6)
    adopted = body(proposal(comments_only=True), limit=10**6)
    assert "no apply follows" in adopted
    assert "--expect" not in adopted


def test_what_a_phase_does_besides_is_told():
    """The text has the cautions of its own phase and the places that use the PEM."""
    changed = replace(
        rotation(),
        cautions=(
            Caution(phase=Phase.INTRODUCE, text="it also runs a script"),
            Caution(phase=Phase.RETIRE, text="it also deletes a file"),
        ),
    )
    shown = ProposedRotation(
        rotation=changed, root="", pem=("terraform output x",), trust=("main.tf:3: it keeps",)
    )
    text = body(proposal(rotations=(shown,)), limit=10**6)
    assert "careful: it also runs a script" in text
    assert "deletes a file" not in text
    assert "terraform output x" in text
    assert "- `main.tf:3`: it keeps" in text


@pytest.mark.parametrize("limit", [2_000, 8_000, 60_000])
def test_a_text_fits_its_limit(limit):
    """A long text fits the limit, keeps the plan command, and counts the omitted rotations."""
    conditions = [
        Condition(phase=phase, text=f"condition {number}", holds=ConditionStatus.NO)
        for phase in (Phase.INTRODUCE, Phase.REPOINT)
        for number in range(4)
    ]
    many = [rotation(Phase.INTRODUCE, f"{OLD}_{number}", *conditions) for number in range(400)]
    text = body(proposal(*many), limit=limit)
    assert size(text) <= limit
    assert "--expect introduce" in text
    assert "more rotations" in text
    assert text.count("<details>") == text.count("</details>")


def test_a_foreign_name_is_code():
    """Names from a configuration are code, so that they make no mention or link."""
    shown = replace(rotation(), stages=("module.x.aws_api_gateway_stage.y",))
    condition = Condition(
        phase=Phase.INTRODUCE, text="told to @everyone #12 <b>", holds=ConditionStatus.NO
    )
    text = body(proposal(replace(shown, conditions=(condition,))), limit=10**6)
    assert "`@everyone` `#12` `<b>`" in text


def test_without_a_known_end_the_text_promises_no_date():
    """Without a known end the text says that the certificate may have ended."""
    text = body(proposal(replace(rotation(), end=None)), limit=10**6)
    assert "If not: the stages present a certificate that may have ended." in text


def test_a_late_rotation_has_its_reason_and_risks():
    """A rotation whose trust window does not fit says why, and which risk each way has."""
    late = Late(ends=datetime(2026, 11, 21, tzinfo=UTC), window_ends=None, introduced=False)
    text = " ".join(body(proposal(replace(rotation(), late=late)), limit=10**6).split())
    plan = late_plan(late, DAY)
    assert plan.risks
    assert all(f"- {sentence(each)}" in text for each in (plan.why, *plan.risks))


def test_retire_names_the_old_pem():
    """Retire says that the old PEM has to be gone, and that nothing follows."""
    text = body(proposal(phase=Phase.RETIRE), limit=10**6)
    assert "### The backends\n\nThe old PEM has to be gone from every backend." in text
    assert "### What follows\n\nNothing: the rotation ends with it." in text
