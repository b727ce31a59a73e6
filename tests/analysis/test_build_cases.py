"""Documents and answers of AWS become cases: the stages and the end of each certificate."""

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
    """The case of one certificate, with the answer of AWS about it."""
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
    """Days are rounded down, so a certificate that ended a second ago has -1 left."""
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
    """ACM returns no fingerprint; with another end the certificate is another one."""
    recorded = Certificate(
        address=None, id="old", place=HOME, expires_at=END, fingerprint="recorded"
    )
    assert only(recorded, answer).fingerprint == expected


def test_an_answer_counts_for_its_own_place_only():
    """The same id may exist in two regions."""
    other = CertificateKey(id="old", place=HOME.__class__("aws", HOME.account, "eu-west-1"))
    built = cases(document([certificate("old")], []), certificates={other: Gone()})
    assert built.all[0].evidence is Evidence.RECORDED


def test_everything_else_passes_through():
    """The time, the policy, what was unread and the expected phase."""
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
    """AWS does not have the certificate that the plan deletes."""
    plan = Plan(certificates=(making("old", Action.DELETE),))
    built = cases(document(plan=plan), document(), certificates={KEY: Gone()})
    first, second = built.documents
    assert first.stale is not None
    assert second.stale is None


def test_cases_are_found_by_their_block_and_by_their_id():
    """A deposed object and a certificate that is not created yet are no instances of a block."""
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
    """After the plan it is at its new address only; a deposed object is another object."""
    after = stages_after(document([], [stage("prod", "old")], Plan(stages=(change,))))
    assert {each.address.name: each.presents.id for each in after} == expected


def test_without_a_plan_the_recorded_stages_stay():
    """And a stage that the plan deletes is gone after it."""
    recorded = document([], [stage("prod", "old"), stage("beta", "old")])
    assert stages_after(recorded) == recorded.stages
    plan = Plan(stages=(moving("prod", "old", None, Action.DELETE),))
    after = stages_after(document([], [stage("prod", "old"), stage("beta", "old")], plan))
    assert [each.name for each in after] == ["beta"]


def test_a_certificate_is_joined_with_its_stages_now_and_after_the_plan():
    """A planned certificate has the stages that may present it; none presents it now."""
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
    """It has the place of the stage, and no address."""
    (case,) = cases(document([], [stage("prod", "other")])).all
    assert (case.id, case.address, case.subject.key.place) == ("other", None, HOME)


def test_one_id_in_two_regions_is_two_certificates():
    """Each with its own stages, now and after the plan."""
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
    """Nor is a planned change that creates nothing, or a deposed object."""
    unknown = Certificate(address=certificate("old").address, id=None)
    changes = (making("old", Action.UPDATE), replace(making("fresh"), deposed="d1"))
    built = cases(document([unknown], [], Plan(certificates=changes)))
    assert built.all == ()
