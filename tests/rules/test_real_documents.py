"""Rules on documents that real terraform wrote: fixtures/formats and fixtures/rotation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.analysis.cases import build_cases
from checker.model.inventory import Inventory
from checker.model.observation import Observations
from checker.model.policy import Policy
from checker.model.rotation import SERIES, Blocked, Phase, Waiting
from checker.rotation.planner import plan_rotations
from checker.rules import judge
from checker.terraform.configuration import read_configuration
from checker.terraform.load import read_source

FIXTURES = Path(__file__).parents[2] / "fixtures"
FORMATS, ROTATION = FIXTURES / "formats", FIXTURES / "rotation"


def read(path: Path, config: Path | None = None):
    document = read_source(str(path), tool=None, stdin=lambda: b"")
    found = read_configuration(str(config), "") if config is not None else None
    return replace(document, declared=found[1]) if found is not None else document


def cases_of(document, as_of: datetime, expect: Phase | None = None):
    return build_cases(
        Inventory(documents=(document,)),
        Observations(asked=False),
        as_of=as_of,
        policy=Policy(),
        expect=expect,
    )


def ends(document) -> datetime:
    return min(
        certificate.expires_at
        for certificate in document.certificates
        if certificate.expires_at is not None
    )


def rules(document, as_of: datetime, expect: Phase | None = None) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in judge(cases_of(document, as_of, expect)):
        found.setdefault(finding.rule, set()).add(finding.severity.word)
    return found


QUIET = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plan-create", set()),
        ("plan-noop", set()),
        ("plan-refresh-only", set()),
        ("plan-replace-nocbd", {"rotation-destroys-in-use", "rotation-unstaged"}),
        ("plan-swap-one-step", {"rotation-destroys-in-use", "rotation-unstaged"}),
        ("plan-repoint-keep-old", {"rotation-unstaged"}),
        ("plan-ignore-changes", set()),
        ("plan-destroy", set()),
        ("plan-moved", set()),
        ("plan-import", set()),
        ("plan-forget", {"rotation-unstaged"}),
    ],
)
def test_i1_real_plans_are_judged_for_what_they_merge(name, expected):
    """I1: recorded plans that merge phases have the expected findings, and correct plans
    have none.
    """
    found = rules(read(FORMATS / f"{name}.json"), QUIET)
    assert {rule for rule in found if rule.startswith(("rotation-", "stage-"))} == expected


STEPS = {
    Phase.INTRODUCE: "02-apply1-add-new",
    Phase.REPOINT: "03-apply2-repoint",
    Phase.RETIRE: "04-apply3-retire-old",
}


@pytest.mark.parametrize(("phase", "step"), STEPS.items())
@pytest.mark.parametrize("expected", SERIES)
def test_a_recorded_rotation_is_one_phase_an_apply(phase, step, expected):
    """Each recorded plan matches its own phase and no other.

    The recorded repoint is premature, because it ran minutes after introduce.
    """
    folder = ROTATION / step
    found = rules(read(folder / "plan.json", folder / "config"), QUIET, expected)
    assert ("plan-exceeds-phase" in found) == (phase is not expected)
    hasty = {"rotation-premature"} if phase is Phase.REPOINT else set()
    assert {rule for rule in found if rule.startswith(("rotation-", "stage-"))} == hasty


def test_the_state_that_is_rotated_is_due_and_says_where():
    """Twelve days before its end the recorded certificate is an error with the line of
    its block.
    """
    folder = ROTATION / "01-refreshed-near-expiry"
    document = read(folder / "state.json", folder / "config")
    as_of = ends(document) - timedelta(days=12)
    cases = cases_of(document, as_of)
    (finding,) = judge(cases)
    assert (finding.rule, finding.severity.word, finding.days_left) == (
        "certificate-expiring",
        "error",
        12,
    )
    assert finding.location is not None
    assert finding.location.file == "main.tf"
    assert rules(read(folder / "terraform.tfstate"), as_of) == {"certificate-expiring": {"error"}}
    rotations = plan_rotations(cases)
    assert rotations
    for rotation in rotations:
        assert not isinstance(rotation.step, Waiting | Blocked), rotation.step
