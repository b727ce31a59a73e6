"""Reading plans that real Terraform made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checker.model.plan import Action
from checker.model.resources import Presents, PresentsPlanned, StageKind

OLD = "aws_api_gateway_client_certificate.old"
NEW = "aws_api_gateway_client_certificate.new"
S = "aws_api_gateway_stage.s"


def told(presents):
    """Return the certificate of a stage as short text."""
    match presents:
        case Presents(id):
            return id
        case PresentsPlanned(candidates):
            return {str(address) for address in candidates}
        case _:
            return None


def actions(changes):
    return [(str(change.address), change.action.value) for change in changes]


@pytest.mark.parametrize(
    ("name", "certificates", "stages"),
    [
        ("create", [(OLD, "create")], [(S, "create", {OLD})]),
        ("noop", [(OLD, "no-op")], [(S, "no-op", "e2f4fo")]),
        ("repoint-keep-old", [(NEW, "create"), (OLD, "no-op")], [(S, "update", {NEW})]),
        ("swap-one-step", [(NEW, "create"), (OLD, "delete")], [(S, "update", {NEW})]),
        ("replace-nocbd", [(OLD, "delete+create")], [(S, "update", {OLD})]),
        ("tainted-and-deposed", [(OLD, "create+delete"), (OLD, "delete")], [(S, "update", {OLD})]),
        ("forget", [(NEW, "create"), (OLD, "forget")], [(S, "update", {NEW})]),
        ("ignore-changes", [(NEW, "create"), (OLD, "no-op")], [(S, "no-op", "e2f4fo")]),
        (
            "import",
            [("aws_api_gateway_client_certificate.imp", "update"), (OLD, "no-op")],
            [(S, "no-op", "e2f4fo")],
        ),
        (
            "moved",
            [("aws_api_gateway_client_certificate.renamed", "update")],
            [(S, "no-op", "e2f4fo")],
        ),
        ("errored-prevent-destroy", [(OLD, "delete+create")], []),
        ("destroy", [(OLD, "delete")], [(S, "delete", "gone")]),
        ("refresh-only", [], []),
    ],
)
def test_what_each_plan_does(fixtures, read_file, name, certificates, stages):
    """Each recorded plan has the expected actions, and the expected certificate of the stage
    afterwards.
    """
    plan = read_file(fixtures / f"formats/plan-{name}.json").plan
    assert actions(plan.certificates) == certificates
    found = [
        (
            str(change.address),
            change.action.value,
            "gone" if change.after is None else told(change.after.presents),
        )
        for change in plan.stages
    ]
    assert found == stages


@pytest.mark.parametrize(
    "name",
    [
        "noop",
        "repoint-keep-old",
        "swap-one-step",
        "replace-nocbd",
        "forget",
        "ignore-changes",
        "moved",
        "errored-prevent-destroy",
        "destroy",
        "refresh-only",
    ],
)
def test_what_was_recorded_before(fixtures, read_file, name):
    """Each recorded plan has the one stage and certificate of its prior state."""
    document = read_file(fixtures / f"formats/plan-{name}.json")
    (stage,) = document.stages
    assert (stage.kind, stage.api_id, stage.name, told(stage.presents)) == (
        StageKind.REST,
        "33ggyulflt",
        "prod",
        "e2f4fo",
    )
    (certificate,) = document.certificates
    assert (certificate.id, certificate.pem) == ("e2f4fo", None)
    assert certificate.expires_at == datetime(2024, 11, 13, 22, 13, 20, tzinfo=UTC)
    assert certificate.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert {stage.place.region, certificate.place.region} == {"us-east-1"}


def test_nothing_was_recorded_before_a_first_plan(fixtures, read_file):
    """A first plan, which creates everything, has no recorded objects."""
    document = read_file(fixtures / "formats/plan-create.json")
    assert (document.stages, document.certificates) == ((), ())
    assert actions(document.plan.deployments) == [("aws_api_gateway_deployment.d", "create")]
    assert document.plan.certificates[0].after.place.region == "us-east-1"
    assert (document.source.kind, document.source.tool_version, document.source.format_version) == (
        "plan",
        "1.11.4",
        "1.2",
    )


@pytest.mark.parametrize(
    "name", ["repoint-keep-old", "swap-one-step", "replace-nocbd", "tainted-and-deposed", "forget"]
)
def test_a_repoint_changes_one_attribute_and_no_deployment(fixtures, read_file, name):
    """A repoint changes one attribute; drift of tags and unchanged deployments do not count."""
    plan = read_file(fixtures / f"formats/plan-{name}.json").plan
    assert plan.stages[0].changed == {"client_certificate_id"}
    assert plan.deployments == ()


def test_a_deposed_object_has_a_change_of_its_own(fixtures, read_file):
    """A deposed object has its own change, with its deposed key."""
    document = read_file(fixtures / "formats/plan-tainted-and-deposed.json")
    current, deposed = document.plan.certificates
    assert (current.deposed, current.reason, current.before.id, current.after.id) == (
        None,
        "replace_because_tainted",
        "vyib0s",
        None,
    )
    assert (deposed.deposed, deposed.action, deposed.before.id, deposed.after) == (
        "125d5822",
        Action.DELETE,
        "e2f4fo",
        None,
    )
    assert [(one.id, one.deposed) for one in document.certificates] == [
        ("vyib0s", None),
        ("e2f4fo", "125d5822"),
    ]


def test_a_moved_object_is_recorded_once(fixtures, read_file):
    """A moved object is recorded once, under its new address."""
    document = read_file(fixtures / "formats/plan-moved.json")
    assert str(document.plan.certificates[0].previous_address) == OLD
    assert [str(one.address) for one in document.certificates] == [
        "aws_api_gateway_client_certificate.renamed"
    ]


@pytest.mark.parametrize(
    ("name", "errored", "complete", "notices"),
    [
        ("create", False, True, []),
        ("errored-prevent-destroy", True, False, ["The plan ended in an error"]),
        ("refresh-only", False, True, ["The plan is refresh-only"]),
    ],
)
def test_what_every_report_must_say(fixtures, read_file, name, errored, complete, notices):
    """A failed or refresh-only plan gives a notice in a full sentence."""
    document = read_file(fixtures / f"formats/plan-{name}.json")
    assert (document.plan.errored, document.plan.complete) == (errored, complete)
    assert len(document.notices) == len(notices)
    for notice, start in zip(document.notices, notices, strict=True):
        assert notice.startswith(start)
        assert notice.endswith(".")


STAGES = [
    'aws_api_gateway_stage.this["dev"]',
    'aws_api_gateway_stage.this["prod"]',
    "module.canary.aws_api_gateway_stage.this",
]
BACKEND = "aws_api_gateway_client_certificate.backend"


@pytest.mark.parametrize(
    ("step", "action", "before", "after", "certificates"),
    [
        ("00-create", "create", None, {BACKEND}, [(BACKEND, "create")]),
        (
            "02-apply1-add-new",
            "no-op",
            "uv6ysy",
            "uv6ysy",
            [(BACKEND, "no-op"), (f"{BACKEND}_v2", "create")],
        ),
        (
            "03-apply2-repoint",
            "update",
            "uv6ysy",
            "kt4vd3",
            [(BACKEND, "no-op"), (f"{BACKEND}_v2", "no-op")],
        ),
        (
            "04-apply3-retire-old",
            "no-op",
            "kt4vd3",
            "kt4vd3",
            [(BACKEND, "delete"), (f"{BACKEND}_v2", "no-op")],
        ),
    ],
)
def test_a_whole_rotation(fixtures, read_file, step, action, before, after, certificates):
    """Each apply of a recorded rotation is read, with for_each and a module."""
    document = read_file(fixtures / f"rotation/{step}/plan.json")
    assert [str(change.address) for change in document.plan.stages] == STAGES
    for change in document.plan.stages:
        assert change.action.value == action
        assert (
            None if change.before is None else told(change.before.presents),
            told(change.after.presents),
        ) == (before, after)
        assert change.changed == ({"client_certificate_id"} if action == "update" else set())
    assert actions(document.plan.certificates) == certificates
    assert {stage.place.account for stage in document.stages} <= {"123456789012"}


def test_the_pem_wins_over_the_attribute(fixtures, read_file):
    """The end date comes from the PEM, not from the recorded attribute."""
    (certificate,) = read_file(
        fixtures / "rotation/01-refreshed-near-expiry/plan.json"
    ).certificates
    assert (certificate.id, certificate.pem is None) == ("uv6ysy", False)
    assert certificate.expires_at == datetime(2026, 12, 5, 22, 47, 41, tzinfo=UTC)
    assert certificate.fingerprint == "3c0635ef" + certificate.fingerprint[8:]
    assert len(certificate.fingerprint) == 64
