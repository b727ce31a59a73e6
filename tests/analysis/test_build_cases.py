"""Building cases from documents and AWS answers: the stages and the end date of each
certificate.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import certificate, document, making, moving, stage, stage_at
from msgspec.structs import replace
from world import HOME, NOW

from checker.analysis.cases import build_cases
from checker.analysis.certificate_uses import stages_after
from checker.model.address import Address
from checker.model.cases import Evidence
from checker.model.inventory import Inventory, Unread
from checker.model.observation import CertificateKey, Found, Gone, Observations, Unanswered
from checker.model.plan import Action, Plan, StageChange
from checker.model.policy import Policy
from checker.model.resources import Certificate, PresentsPlanned
from checker.model.rotation import Phase

END = NOW + timedelta(days=12)
LATER = NOW + timedelta(days=40)
MISSING = Unanswered(reason="denied", remedy="grant it")
KEY = CertificateKey(id="old", place=HOME)


def cases(*documents, certificates=None, **more):
    return build_cases(
        Inventory(documents=documents),
        Observations(asked=True, certificates=certificates or {}),
        as_of=NOW,
        policy=Policy(),
        **more,
    )


def only(recorded, answer=None):
    """Return the case of one certificate with this answer of AWS."""
    built = cases(
        document([recorded], []), certificates={KEY: answer} if answer is not None else {}
    )
    ((case,),) = (each.cases for each in built.documents)
    return case


@pytest.mark.parametrize(
    ("left", "answer", "evidence", "end", "days_left"),
    [
        (12, None, Evidence.RECORDED, END, 12),
        (None, None, Evidence.UNKNOWN, None, None),
        (12, Found(expires_at=LATER), Evidence.OBSERVED, LATER, 40),
        (None, Found(expires_at=LATER), Evidence.OBSERVED, LATER, 40),
        (12, Gone(), Evidence.GONE, END, 12),
        (None, Gone(), Evidence.GONE, None, None),
        (12, MISSING, Evidence.UNANSWERED, END, 12),
        (None, MISSING, Evidence.UNANSWERED, None, None),
        (timedelta(seconds=-1), None, Evidence.RECORDED, NOW - timedelta(seconds=1), -1),
        (timedelta(hours=47), None, Evidence.RECORDED, NOW + timedelta(hours=47), 1),
        (0, None, Evidence.RECORDED, NOW, 0),
    ],
)
def test_the_end_comes_from_aws_else_from_the_record(left, answer, evidence, end, days_left):
    """The end date comes from AWS, else from state; remaining days are rounded down."""
    case = only(certificate("old", left), answer)
    assert (case.evidence, case.expires_at, case.days_left) == (evidence, end, days_left)
    assert case.observation == answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, "recorded"),
        (Gone(), "recorded"),
        (MISSING, "recorded"),
        (Found(expires_at=END, fingerprint="seen"), "seen"),
        (Found(expires_at=LATER, fingerprint="seen"), "seen"),
        (Found(expires_at=END), "recorded"),
        (Found(expires_at=LATER), None),
    ],
)
def test_a_recorded_fingerprint_does_not_outlive_a_renewal(answer, expected):
    """A recorded fingerprint is dropped if AWS gives another end date without a fingerprint."""
    recorded = Certificate(
        address=None, id="old", place=HOME, expires_at=END, fingerprint="recorded"
    )
    assert only(recorded, answer).fingerprint == expected


def test_an_answer_counts_for_its_own_place_only():
    """An answer counts only for its own region, because ids may repeat."""
    other = CertificateKey(id="old", place=HOME.__class__("aws", HOME.account, "eu-west-1"))
    built = cases(document([certificate("old")], []), certificates={other: Gone()})
    assert built.all[0].evidence is Evidence.RECORDED


def test_everything_else_passes_through():
    """The time, the policy, unread sources and the expected phase are copied to the cases."""
    unread = Unread(path="live", reason="denied", remedy="grant it")
    built = build_cases(
        Inventory(documents=(document(),), unread=(unread,)),
        Observations(asked=True, certificates={KEY: Gone()}),
        as_of=NOW,
        policy=Policy(name="mine"),
        expect=Phase.REPOINT,
    )
    assert (built.as_of, built.policy.name, built.unread, built.expect) == (
        NOW,
        "mine",
        (unread,),
        Phase.REPOINT,
    )
    assert built.observations.answer_for("old", HOME) == Gone()
    assert built.documents[0].document == document()
    assert built.documents[0].stale is None


def test_a_plan_that_is_done_already_is_stale_in_its_own_document_only():
    """A plan that is already applied is stale in its own document only."""
    plan = Plan(certificates=(making("old", Action.DELETE),))
    built = cases(document(plan=plan), document(), certificates={KEY: Gone()})
    first, second = built.documents
    assert first.stale is not None
    assert second.stale is None


def test_cases_are_found_by_their_block_and_by_their_id():
    """Cases are found by block and by id; a deposed or planned certificate is no instance of a
    block.
    """
    keyed = Address("aws_api_gateway_client_certificate", "old", "a")
    deposed = Certificate(address=keyed, id="old2", place=HOME, deposed="d1")
    instance = Certificate(address=keyed, id="old1", place=HOME)
    plan = Plan(certificates=(making("fresh"),))
    (found,) = cases(document([certificate("old"), deposed, instance], [], plan)).documents
    assert [case.id for case in found.of_block(keyed.block)] == ["old", "old1"]
    assert found.of_block(making("fresh").address) == ()
    assert found.by_id("old2") == found.cases[1]
    assert found.by_id("other") is None


def moved(before, after, *, previous=None, deposed=None):
    change = moving("new", before, after)
    return StageChange(
        address=change.address,
        action=Action.UPDATE,
        before=change.before,
        after=change.after,
        previous_address=previous,
        deposed=deposed,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (moved("old", "fresh"), {"new": "fresh", "prod": "old"}),
        (moved("old", "fresh", previous=stage_at("prod")), {"new": "fresh"}),
        (
            moved("old", "fresh", previous=stage_at("prod"), deposed="d1"),
            {"new": "fresh", "prod": "old"},
        ),
    ],
)
def test_a_stage_that_a_moved_block_renames_is_one_stage(change, expected):
    """A stage that a `moved` block renames is one stage, at its new address; a deposed object is
    another one.
    """
    after = stages_after(document([], [stage("prod", "old")], Plan(stages=(change,))))
    assert {each.address.name: each.presents.id for each in after} == expected


def test_without_a_plan_the_recorded_stages_stay():
    """Without a plan the recorded stages remain; a stage that the plan deletes does not."""
    recorded = document([], [stage("prod", "old"), stage("beta", "old")])
    assert stages_after(recorded) == recorded.stages
    plan = Plan(stages=(moving("prod", "old", None, Action.DELETE),))
    after = stages_after(document([], [stage("prod", "old"), stage("beta", "old")], plan))
    assert [each.name for each in after] == ["beta"]


def test_a_certificate_is_joined_with_its_stages_now_and_after_the_plan():
    """A certificate has the stages that present it now and those that may after the plan."""
    fresh = making("fresh")
    plan = Plan(
        certificates=(fresh, making("spare")),
        stages=(moving("prod", "old", PresentsPlanned((fresh.address,))),),
    )
    built = cases(document([certificate("old")], [stage("prod", "old"), stage("b", "old")], plan))
    found = {
        case.id or case.address.name: (
            [each.name for each in case.subject.now],
            [each.name for each in case.subject.to_be_presented_by],
            case.presented,
        )
        for case in built.all
    }
    assert found == {
        "old": (["prod", "b"], ["b"], True),
        "fresh": ([], ["prod"], True),
        "spare": ([], [], False),
    }


def test_a_certificate_that_only_a_stage_names_is_a_case_too():
    """A certificate that only a stage names is a case with the stage's place and no address."""
    (case,) = cases(document([], [stage("prod", "other")])).all
    assert (case.id, case.address, case.subject.key.place) == ("other", None, HOME)


def test_one_id_in_two_regions_is_two_certificates():
    """One id in two regions is two certificates, each with its own stages."""
    far = HOME.__class__("aws", HOME.account, "eu-west-1")
    here, there = (replace(certificate("old"), place=place) for place in (HOME, far))
    stages = [replace(stage(each.region, "old"), place=each) for each in (HOME, far)]
    built = cases(document([here, there], stages))
    assert [
        (case.subject.key.place, [each.name for each in case.subject.now]) for case in built.all
    ] == [(HOME, ["us-east-1"]), (far, ["eu-west-1"])]
    assert [[each.name for each in case.subject.to_be_presented_by] for case in built.all] == [
        ["us-east-1"],
        ["eu-west-1"],
    ]


def test_an_object_without_an_id_is_no_recorded_certificate():
    """An object without an id, an update and a deposed creation are no cases."""
    unknown = Certificate(address=certificate("old").address, id=None)
    changes = (making("old", Action.UPDATE), replace(making("fresh"), deposed="d1"))
    built = cases(document([unknown], [], Plan(certificates=changes)))
    assert built.all == ()
