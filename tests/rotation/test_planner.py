"""Tests of the planner: which rotations exist, which of two states decides, and what to ask AWS."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import (
    cases_of,
    certificate,
    certificate_at,
    document,
    lineage,
    making,
    moving,
    stage,
    stage_at,
)
from msgspec.structs import replace
from world import HOME, NOW

from checker.model.conditions import Conditions
from checker.model.inventory import Inventory, Source
from checker.model.location import Location
from checker.model.observation import AcmDoesNotRenew, AcmRenews, Found, Gone, Unanswered
from checker.model.plan import Action, Plan
from checker.model.policy import Policy, Scope
from checker.model.resources import PresentsPlanned
from checker.model.rotation import Blocked, Done, Next, Phase, Rotation, Waiting
from checker.rotation.next_step import inside_window
from checker.rotation.planner import (
    _caution,
    acm_rotation,
    choose_rotations,
    plan_rotations,
    stages_due,
    surveys_needed,
    unpatched,
)
from checker.rotation.state import ManagedBlock, RotationState, with_deadlines

STEPS = (
    Blocked("why", "do"),
    Waiting("why", unverified=True),
    Waiting("why"),
    Next(Phase.INTRODUCE),
    Next(Phase.REPOINT),
    Next(Phase.RETIRE),
    Done(),
)
POINTED = (Location("main.tf", 5),)
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def test_the_state_that_lags_behind_decides():
    """The most cautious of several states decides: from a blocked rotation to a finished one, an
    unverified wait before a verified one.
    """
    ranks = [
        _caution(Rotation(predecessor=None, predecessor_ids=(), successor=None, step=step))
        for step in STEPS
    ]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def workspace(name, *, applied, left=12, directory="live"):
    """Return a state of a configuration where `new` succeeds `old`, with or without `new`
    in state.
    """
    old, new = lineage(old=None, new="old").certificates
    used = replace(old, pointers=POINTED, stages=frozenset({stage_at("prod")}))
    declared = replace(lineage(), certificates=(used, new), directory=directory)
    recorded = [certificate("old", left), *([certificate("new", 361)] if applied else [])]
    given = document(recorded, [stage("prod", "old")], declared=declared)
    return replace(given, source=Source(path=f"{name}.json", kind="state"))


@pytest.mark.parametrize("first", [True, False])
def test_one_configuration_with_two_states_has_one_rotation(first):
    """Two states of one configuration give one rotation, which waits for the state without the
    successor.
    """
    both = [workspace("a", applied=first), workspace("b", applied=not first)]
    (rotation,) = plan_rotations(cases_of(*both, survey=[]))
    assert isinstance(rotation.step, Waiting)
    assert "not applied" in rotation.step.reason


def test_two_configurations_have_a_rotation_each():
    """Two configurations with the same addresses each have a rotation."""
    both = [workspace("a", applied=True, directory="x"), workspace("b", applied=True)]
    assert len(plan_rotations(cases_of(*both, survey=[]))) == 2


@pytest.mark.parametrize(
    ("left", "presented", "even", "due"),
    [
        (60, True, False, True),
        (61, True, False, False),
        (61, True, True, True),
        (None, True, False, False),
        (None, True, True, True),
        (-1, True, False, True),
        (12, False, False, False),
        (12, False, True, False),
    ],
)
def test_a_presented_certificate_near_its_end_is_due(left, presented, even, due):
    """A certificate in use is due within the notice; without a configuration its rotation is
    blocked.
    """
    given = document([certificate("old", left)], [stage("prod", "old" if presented else None)])
    rotations = plan_rotations(cases_of(given, asked=False), even_if_not_due=even)
    assert [each.step for each in rotations] == (
        [Blocked("the configuration is not available", unpatched_remedy())] if due else []
    )


def unpatched_remedy():
    (part,) = cases_of(document()).documents
    return unpatched(part, part.cases[0]).remedy


def test_a_certificate_that_aws_does_not_know_is_due():
    """A certificate that AWS does not have is due, whatever its recorded end."""
    given = document([certificate("old", 300)])
    assert plan_rotations(cases_of(given)) == ()
    assert len(plan_rotations(cases_of(given, answers={"old": Gone()}))) == 1


def test_a_certificate_that_only_the_plan_presents_is_not_due_yet():
    """A certificate that only the plan presents is not due, and a scope's notice decides for one in
    use.
    """
    plan = Plan(stages=(moving("prod", None, "old"),))
    given = document([certificate("old", 12)], [stage("prod", None)], plan)
    assert plan_rotations(cases_of(given)) == ()
    scope = Scope(conditions=Conditions(stage=("prod",)), values=(("notice_days", 5),))
    assert plan_rotations(cases_of(document([certificate("old", 12)]))) != ()
    policy = Policy(scopes=(scope,), threshold_days=3)
    assert plan_rotations(cases_of(document([certificate("old", 12)]), policy=policy)) == ()


@pytest.mark.parametrize(
    ("kind", "managed", "words"),
    [
        ("state", None, "configuration"),
        ("aws", True, "Terraform"),
        ("aws", False, "none of the given"),
        ("aws", None, "no given state shows"),
    ],
)
def test_why_there_is_no_patch(kind, managed, words):
    """The reason for no patch depends on who manages the certificate."""
    given = replace(
        document([replace(certificate("old"), managed=managed)]),
        source=Source(path="x", kind=kind),
    )
    (part,) = cases_of(given).documents
    assert words in unpatched(part, part.cases[0]).reason


def acm(answer, *, left=12, presented=True, even=False):
    recorded = replace(certificate(ARN, left), kind="acm", address=None)
    given = document([recorded], [stage("prod", ARN if presented else None)])
    cases = cases_of(given, answers={ARN: answer} if answer is not None else {}, asked=True)
    return acm_rotation(cases, cases.all[0], even_if_not_due=even)


RENEWS = Found(expires_at=NOW + timedelta(days=12), renewal=AcmRenews())
STUCK = Found(expires_at=NOW + timedelta(days=12), renewal=AcmDoesNotRenew("no DNS", "add it"))


@pytest.mark.parametrize(
    ("answer", "expected"), [(RENEWS, Waiting), (STUCK, Blocked), (Gone(), Blocked)]
)
def test_a_certificate_of_acm_gets_no_patch(answer, expected):
    """An ACM certificate waits if ACM renews it; else the rotation is blocked with the action in
    ACM.
    """
    found = acm(answer)
    assert isinstance(found, expected)
    if answer is STUCK:
        assert found.remedy == "add it"
        assert "no DNS" in found.reason


@pytest.mark.parametrize(
    ("answer", "more", "due"),
    [
        (RENEWS, {"presented": False}, False),
        (replace(RENEWS, expires_at=NOW + timedelta(days=61)), {}, False),
        (replace(RENEWS, expires_at=NOW + timedelta(days=60)), {}, True),
        (replace(RENEWS, expires_at=NOW + timedelta(days=61)), {"even": True}, True),
        (Gone(), {"left": 300}, True),
    ],
)
def test_only_a_presented_certificate_of_acm_near_its_end_is_named(answer, more, due):
    """An ACM certificate has a rotation only if a stage presents it and it is due."""
    assert (acm(answer, **more) is not None) is due
    cases = cases_of(document())
    assert acm_rotation(cases, cases.all[0], even_if_not_due=True) is None


def places(given, **policy):
    return surveys_needed(Inventory(documents=(given,)), Policy(**policy), NOW)


def rotating(*, pointers=(), declared_old=True):
    declared = lineage(old=None, new="old")
    old, new = declared.certificates
    kept = (replace(old, pointers=pointers), new) if declared_old else (new,)
    return replace(declared, certificates=kept)


TWO = [certificate("old", 300), certificate("new", 361)]
BOTH = [stage("prod", "old"), stage("b", "new")]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (document([certificate("old", 12)]), False),
        (document([certificate("old", 12)], []), True),
        (document([certificate("old", 60)], []), True),
        (document([certificate("old", 61)], []), False),
        (document([certificate("old", None)], []), True),
        (document([replace(certificate("old", 12), kind="acm")], []), False),
        (document(TWO, BOTH, declared=rotating()), True),
        (document(TWO, BOTH, declared=rotating(pointers=POINTED)), False),
        (document(TWO, BOTH, declared=rotating(declared_old=False)), True),
        (document(TWO, BOTH, declared=lineage(old=None, new=None)), False),
        (document(TWO, BOTH, declared=lineage(new=None)), True),
        (document(plan=Plan(certificates=(making("old", Action.DELETE),))), True),
        (document(plan=Plan(certificates=(making("old", Action.REPLACE),))), True),
        (document(plan=Plan(certificates=(making("old", Action.UPDATE),))), False),
    ],
)
def test_i2_aws_is_asked_for_all_stages_where_a_certificate_may_be_deleted(given, asked):
    """I2: AWS is asked for all stages if a certificate may be retired, or if a due one has no
    recorded stage.
    """
    assert places(given) == (frozenset({HOME}) if asked else frozenset())


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ((), False),
        ((("notice_days", 90),), True),
        ((("threshold_days", 90),), True),
        ((("margin_days", 90),), False),
        ((("notice_days", 10),), False),
    ],
)
def test_a_scope_may_call_a_certificate_due_earlier(values, asked):
    """The longest notice or threshold of all scopes decides whether AWS is asked for all stages."""
    scope = Scope(conditions=Conditions(), values=values)
    assert bool(places(document([certificate("old", 90)], []), scopes=(scope,))) is asked
    assert places(document([certificate("old", 60)], []), scopes=(scope,)) == {HOME}


@pytest.mark.parametrize("ends", [(12, 40), (40, 12), (12, None), (None, 12)])
def test_the_instance_that_ends_first_sets_the_deadlines(ends):
    """The instance that ends first sets the deadlines of a block; an instance with an unknown end
    sets none.
    """
    several = [
        replace(certificate(f"old{key}", left), address=replace(certificate_at("old"), key=key))
        for key, left in enumerate(ends)
    ]
    cases = cases_of(document(several, []))
    plain = Rotation(predecessor=None, predecessor_ids=(), successor=None, step=Done())
    dated = with_deadlines(cases, plain, cases.all)
    assert dated.end == NOW + timedelta(days=12)
    assert dated.repoint_by == NOW + timedelta(days=5)
    assert dated.introduce_by == NOW + timedelta(days=2)
    assert with_deadlines(cases, plain, ()) == plain


@pytest.mark.parametrize(
    ("end", "successors", "late"),
    [
        (4, (), False),
        (3, (), False),
        (2, (), True),
        (-1, (), True),
        (2, (361,), False),
        (2, (364,), False),
        (2, (365,), True),
        (4, (365,), False),
        (4, (364, 365), False),
        (2.5, (364, 365), True),
        (4, (365, None), True),
    ],
)
def test_a_rotation_is_late_if_the_window_of_the_youngest_successor_ends_too_late(
    end, successors, late
):
    """A rotation is late if the trust window of its youngest successor ends after the certificate.

    The window of three days counts from the creation of that successor, 365 days before its end, or
    from now.
    """
    cases = cases_of(
        document(
            [certificate("old", end), *(certificate(f"n{i}", s) for i, s in enumerate(successors))],
        )
    )
    rotation = Rotation(
        predecessor=None,
        predecessor_ids=("old",),
        successor=certificate_at("new"),
        step=Next(Phase.REPOINT),
        stages=("prod",),
    )
    old, *others = cases.all
    dated = with_deadlines(cases, rotation, (old,), tuple(others))
    assert (dated.late is not None) is late
    if dated.late is not None:
        assert dated.late.introduced is bool(successors)
    for change in ({"stages": ()}, {"successor": None}, {"step": Blocked("why", "do")}):
        assert with_deadlines(cases, replace(rotation, **change), (old,), ()).late is None


KEYED = [
    replace(certificate(f"old{key}"), address=replace(certificate_at("old"), key=key))
    for key in ("a", "b")
]
A, B = (str(each.address) for each in KEYED)


@pytest.mark.parametrize(
    ("only", "chosen", "blocked"),
    [
        ((), True, False),
        ((str(certificate_at("old")),), True, False),
        (("olda",), True, True),
        (("olda", "oldb"), True, False),
        (("olda", "loose"), True, True),
        ((A,), True, True),
        ((A, B), True, False),
        ((str(certificate_at("passed")),), True, False),
        ((str(certificate_at("other")),), False, False),
        (("nothing like an address",), False, False),
    ],
)
def test_one_instance_of_several_is_not_rotated_alone(only, chosen, blocked):
    """A rotation chosen by one of several instances is blocked; by all instances or the block it is
    not.
    """
    cases = cases_of(document([*KEYED, certificate("other")], [stage("prod", "loose")]))
    rotation = Rotation(
        predecessor=certificate_at("old"),
        predecessor_ids=("olda", "oldb"),
        successor=None,
        step=Next(Phase.INTRODUCE),
        passed_over=(certificate_at("passed"),),
    )
    found = tuple(choose_rotations(cases, (rotation,), frozenset(only)))
    assert bool(found) is chosen
    if chosen:
        assert isinstance(found[0].step, Blocked) is blocked
    if blocked:
        assert found[0].step.reason.startswith(f"{A} is one of 2 instances")
        assert '["a"]' in found[0].step.remedy


def test_an_unanswered_question_does_not_make_a_certificate_due():
    """An unanswered question does not make a certificate due; its recorded end counts."""
    given = document([certificate("old", 300)])
    missing = Unanswered(reason="denied", remedy="grant it")
    assert plan_rotations(cases_of(given, answers={"old": missing})) == ()


def repointing(directory):
    """Return a saved plan of the configuration in a folder, which moves the stage to the
    successor.
    """
    given = workspace("plan", applied=True, directory=directory)
    return replace(
        given,
        source=Source(path="plan.json", kind="plan"),
        plan=Plan(stages=(moving("prod", "old", "new"),)),
    )


@pytest.mark.parametrize(("directory", "count"), [("live", 1), ("other", 2)])
def test_the_state_decides_beside_a_plan_that_it_has_done_already(directory, count):
    """A state of the same configuration replaces a plan that is already applied; another state does
    not.
    """
    state = replace(
        workspace("a", applied=True, directory=directory),
        stages=(stage("prod", "new"),),
        certificates=(certificate("old"), certificate("new", 361)),
    )
    cases = cases_of(repointing("live"), state, survey=[])
    assert [part.stale is not None for part in cases.documents] == [True, False]
    rotations = [
        each for each in plan_rotations(cases) if each.predecessor == certificate_at("old")
    ]
    assert len(rotations) == count
    stages = {each.stages for each in rotations}
    assert stages == ({()} if count == 1 else {(), (str(stage_at("prod")),)})


def test_a_plan_that_aws_has_done_keeps_its_rotation():
    """A plan that is already applied keeps its rotation if there is no state."""
    plan = document(
        [certificate("old"), certificate("spare", 300)],
        plan=Plan(certificates=(making("spare", Action.DELETE),)),
    )
    cases = cases_of(plan, answers={"spare": Gone()})
    assert cases.documents[0].stale is not None
    assert [each.label for each in plan_rotations(cases)] == [str(certificate_at("old"))]


@pytest.mark.parametrize(
    ("left", "presents", "policy", "due"),
    [
        (60, "old", {}, True),
        (61, "old", {}, False),
        (None, "old", {}, True),
        (12, None, {}, False),
        (300, PresentsPlanned(()), {}, True),
        (90, "old", {"notice_days": 90}, True),
    ],
)
def test_the_stages_of_an_api_are_due_with_its_certificate(left, presents, policy, due):
    """A due certificate selects all stages of its API for the survey, and none of another API."""
    beside = replace(stage("beta", None), name="beta")
    elsewhere = replace(stage("far", None), api_id="api2")
    stages = [stage("prod", presents), beside, elsewhere]
    given = document([certificate("old", left)], stages)
    found = stages_due(Inventory(documents=(given,)), Policy(**policy), NOW)
    assert [each.name for each in found] == (["prod", "beta"] if due else [])


def test_one_id_in_two_scanned_places_has_a_rotation_in_each():
    """One id in two scanned regions has a rotation in each."""
    far = replace(HOME, region="eu-west-1")
    scans = [
        replace(
            document(
                [replace(certificate("old"), address=None, place=place)],
                [replace(stage("prod", "old"), address=None, place=place)],
            ),
            source=Source(path=f"aws://{place.region}", kind="aws"),
        )
        for place in (HOME, far)
    ]
    assert [each.label for each in plan_rotations(cases_of(*scans))] == ["old", "old"]


def instances(*lefts):
    return [
        replace(certificate(f"old{key}", left), address=replace(certificate_at("old"), key=key))
        for key, left in enumerate(lefts)
    ]


@pytest.mark.parametrize(
    ("lefts", "overrun"), [((9, 40), True), ((40, 9), True), ((10, 40), False), ((40, 40), False)]
)
def test_the_window_is_compared_with_the_instance_that_ends_first(lefts, overrun):
    """The instance that ends first decides whether the trust window ends too late for repoint."""
    declared = lineage(old=None, new="old")
    given = document([*instances(*lefts), certificate("new", 365)], declared=declared)
    cases = cases_of(given)
    (part,) = cases.documents
    state = RotationState(
        cases=cases,
        document=part,
        declared=declared,
        predecessor=ManagedBlock(
            block=certificate_at("old"),
            instances=part.of_block(certificate_at("old")),
            declaration=declared.certificates[0],
        ),
        successor=declared.certificates[1],
    )
    waiting = inside_window(state)
    assert waiting is not None
    assert ("that is after repoint-by (2026-11-25)" in waiting.reason) is overrun


@pytest.mark.parametrize("lefts", [(-5, -9), (-9, -5)])
def test_a_left_over_block_ends_with_its_first_instance(lefts):
    """A leftover block ends with its first instance, and has no deadlines."""
    given = document(instances(*lefts), [], declared=lineage(old=None))
    (rotation,) = plan_rotations(cases_of(given, survey=[]))
    assert rotation.left_over
    assert rotation.end == NOW - timedelta(days=9)
    assert rotation.repoint_by is None


def test_without_a_configuration_its_folder_is_asked_for():
    """Without a configuration the remedy names `--config`."""
    assert unpatched_remedy() == "pass the folder of its .tf files with --config to get patches"
