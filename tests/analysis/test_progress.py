"""The recorded successor of a certificate: by its block, by its id, and in a scan."""

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
)
from msgspec.structs import replace
from world import HOME, NOW

from checker.analysis.progress import (
    ends_its_use,
    second_successors,
    successor_in_state,
    takes_forward,
)
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.inventory import Source
from checker.model.location import Location
from checker.model.observation import Found, Gone
from checker.model.plan import Action, Plan
from checker.model.policy import Policy
from checker.model.resources import PresentsPlanned


def found(given, answers=None, identity="old"):
    (part,) = cases_of(given, answers=answers).documents
    case = successor_in_state(part, part.by_id(identity))
    return case.id if case is not None else None


@pytest.mark.parametrize(
    ("left", "expected"), [(200, "new"), (13, "new"), (12, None), (5, None), (None, "new")]
)
def test_a_successor_ends_later(left, expected):
    """A successor must end later than its predecessor; an unknown end counts as later."""
    given = document(
        [certificate("old", 12), certificate("new", left)], declared=lineage(old=None, new="old")
    )
    assert found(given) == expected


def test_a_successor_that_aws_does_not_know_does_not_count():
    """A successor that AWS does not have is skipped for the next one."""
    declared = lineage(old=None, new="old", newer="old")
    three = [certificate("old"), certificate("new", 200), certificate("newer", 300)]
    assert found(document(three, declared=declared)) == "new"
    assert found(document(three, declared=declared), {"new": Gone()}) == "newer"


def test_without_a_comment_or_a_configuration_there_is_no_successor():
    """Without a `succeeds` comment or a configuration there is no successor."""
    two = [certificate("old"), certificate("new", 200)]
    assert found(document(two, declared=lineage(old=None, new=None))) is None
    assert found(document(two)) is None


def test_an_instance_is_succeeded_by_the_same_instance():
    """An instance is succeeded by the instance with the same key."""

    def keyed(name, identity, key, left):
        address = replace(certificate_at(name), key=key)
        return replace(certificate(identity, left), address=address)

    declared = lineage(old=None, new="old")
    several = [keyed("old", "old", "a", 12), keyed("new", "newb", "b", 300)]
    assert found(document(several, declared=declared)) is None
    assert found(document([*several, keyed("new", "newa", "a", 200)], declared=declared)) == "newa"


def succeeding_id(*identities):
    blocks = tuple(
        DeclaredCertificate(
            block=certificate_at(f"new{number}"),
            location=Location("main.tf", number + 1),
            succeeds_id=identity,
        )
        for number, identity in enumerate(identities)
    )
    return ConfigurationFacts(directory=".", certificates=blocks)


@pytest.mark.parametrize(
    ("identities", "expected"),
    [(("old",), "new0"), (("other", "old"), "new1"), ((None,), None), ((), None)],
)
def test_a_certificate_outside_terraform_is_succeeded_by_its_id(identities, expected):
    """A certificate outside Terraform is succeeded by the block whose comment has its id."""
    outside = replace(certificate("old"), address=None)
    recorded = [outside, certificate("new0", 200), certificate("new1", 200)]
    assert found(document(recorded, declared=succeeding_id(*identities))) == expected


@pytest.mark.parametrize(
    ("succeeds", "left", "expected"),
    [("old", 200, "new"), ("old", 5, None), ("other", 200, None), (None, 200, None)],
)
def test_in_a_scan_the_description_names_the_predecessor(succeeds, left, expected):
    """In a scan, the successor's description names the predecessor."""
    outside = [replace(certificate(name, None), address=None) for name in ("old", "new")]
    scan = replace(document(outside), source=Source(path="aws://1", kind="aws"))
    answers = {
        "old": Found(expires_at=NOW + timedelta(days=12)),
        "new": Found(expires_at=NOW + timedelta(days=left), succeeds=succeeds),
    }
    assert found(scan, answers) == expected


def judged(question, given, answers=None, **policy):
    (part,) = cases_of(given, answers=answers).documents
    more = (Policy(**policy),) if question is takes_forward else ()
    return question(part, part.by_id("old"), *more)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((moving("prod", "old", None, Action.DELETE),), True),
        ((moving("prod", "old", None),), False),
        ((moving("other", "old", None, Action.DELETE),), False),
        ((), False),
    ],
)
def test_a_plan_that_destroys_every_stage_ends_the_use(stages, expected):
    """A plan ends the use of a certificate if it deletes every stage; detaching is not enough."""
    assert judged(ends_its_use, document(plan=Plan(stages=stages))) is expected


def test_a_use_that_goes_on_or_never_began_does_not_end():
    """The use continues if one stage remains or a new one is added; an unused certificate has no
    use to end.
    """
    gone = moving("prod", "old", None, Action.DELETE)
    two = [stage("prod", "old"), stage("beta", "old")]
    assert not judged(ends_its_use, document(stages=two, plan=Plan(stages=(gone,))))
    assert not judged(
        ends_its_use, document(plan=Plan(stages=(gone, moving("new", None, "old", Action.CREATE))))
    )
    assert not judged(ends_its_use, document(stages=[], plan=Plan(stages=(gone,))))
    assert not judged(ends_its_use, document())


TOUCHED = making("spare", Action.UPDATE)
LINEAGE = lineage(old=None, new="old")


@pytest.mark.parametrize(
    ("plan", "declared", "expected"),
    [
        (None, LINEAGE, False),
        (Plan(), LINEAGE, False),
        (Plan(certificates=(making("new"),)), LINEAGE, True),
        (Plan(certificates=(replace(TOUCHED, imported=True),)), LINEAGE, False),
        (Plan(certificates=(making("other"),)), LINEAGE, False),
        (Plan(certificates=(making("old"),)), LINEAGE, False),
        (Plan(certificates=(making("new", Action.UPDATE),)), LINEAGE, False),
        (
            Plan(certificates=(replace(making("new", Action.UPDATE), imported=True),)),
            LINEAGE,
            True,
        ),
        (Plan(certificates=(making("new"),)), None, True),
        (Plan(certificates=(TOUCHED,)), None, False),
        (Plan(certificates=(making("new"), TOUCHED)), None, False),
        (
            Plan(certificates=(making("new"),), stages=(moving("prod", "old", None),)),
            None,
            False,
        ),
        (
            Plan(
                certificates=(making("new"),),
                stages=(moving("prod", "old", "old", Action.NO_OP),),
            ),
            None,
            True,
        ),
    ],
)
def test_a_plan_that_introduces_the_successor_takes_the_rotation_forward(plan, declared, expected):
    """A plan that introduces the successor is a step forward.

    Without a configuration it must only create certificates.
    """
    given = document(plan=plan, declared=declared)
    assert judged(takes_forward, given) is expected


@pytest.mark.parametrize(
    ("left", "answers", "expected"),
    [(12, {}, True), (300, {}, False), (300, {"beside": Gone()}, True)],
)
def test_without_the_configuration_each_due_certificate_needs_a_new_one(left, answers, expected):
    """Without the configuration, a plan must create one certificate per due certificate."""
    stages = [stage("prod", "old"), stage("beta", "beside")]
    recorded = [certificate("old"), certificate("beside", left)]
    one = document(recorded, stages, Plan(certificates=(making("new"),)))
    assert judged(takes_forward, one, answers) is not expected
    two = document(recorded, stages, Plan(certificates=(making("new"), making("newer"))))
    assert judged(takes_forward, two, answers)


@pytest.mark.parametrize("declared", [None, LINEAGE])
@pytest.mark.parametrize(
    ("region", "expected"), [(HOME.region, True), ("us-west-2", False), (None, True)]
)
def test_a_certificate_of_another_region_is_no_successor(region, expected, declared):
    """A plan that creates a certificate in another region introduces nothing for this one."""
    change = making("new")
    made = replace(change.after, place=replace(HOME, region=region))
    plan = Plan(certificates=(replace(change, after=made),))
    assert judged(takes_forward, document(plan=plan, declared=declared)) is expected


def test_due_certificates_of_other_regions_need_no_new_one_here():
    """Without the configuration, the due certificates of a region are compared with its new ones."""
    away = replace(HOME, region="us-west-2")
    recorded = [certificate("old"), replace(certificate("beside"), place=away)]
    stages = [stage("prod", "old"), replace(stage("beta", "beside"), place=away)]
    change = making("new")
    here = replace(change, after=replace(change.after, place=HOME))
    there = replace(change, after=replace(change.after, place=away))
    for made, expected in ((here, True), (there, False)):
        given = document(recorded, stages, Plan(certificates=(made,)))
        assert judged(takes_forward, given) is expected


def test_an_import_of_the_due_certificate_introduces_nothing():
    """Without the configuration, an imported certificate counts only if it is another one."""
    for identity, expected in (("old", False), ("new", True)):
        change = replace(making("new", Action.NO_OP), imported=True)
        plan = Plan(certificates=(replace(change, after=certificate(identity, 300)),))
        assert judged(takes_forward, document(plan=plan)) is expected


def test_an_instance_is_introduced_by_the_same_instance():
    """A new instance must have the same key as the certificate that it succeeds."""
    address = replace(certificate_at("old"), key="a")

    def introduced(key):
        change = making("new")
        change = replace(change, address=replace(change.address, key=key))
        old = replace(certificate("old"), address=address)
        return judged(
            takes_forward, document([old], plan=Plan(certificates=(change,)), declared=LINEAGE)
        )

    assert introduced("a")
    assert not introduced("b")


def test_a_certificate_that_is_gone_is_created_again_at_its_address():
    """Creating a certificate at its own address is a step forward only if AWS does not have it."""
    given = document(plan=Plan(certificates=(making("old"),)), declared=lineage(old=None))
    assert not judged(takes_forward, given)
    assert judged(takes_forward, given, {"old": Gone()})


@pytest.mark.parametrize(
    ("stages", "made", "expected"),
    [
        ((), "old_two", True),
        ((), "other", False),
        ((moving("prod", "old", PresentsPlanned(())),), "old_two", False),
        ((moving("prod", "old", PresentsPlanned(()), Action.NO_OP),), "old_two", True),
        ((moving("beta", None, "x"),), "old_two", True),
    ],
)
def test_a_guessed_successor_counts_if_no_stage_moves_in_the_same_plan(stages, made, expected):
    """A successor guessed by its name counts if its plan moves no stage of the certificate."""
    plan = Plan(certificates=(making(made),), stages=stages)
    given = document(plan=plan, declared=lineage(old=None, **{made: None}))
    assert judged(takes_forward, given) is expected


@pytest.mark.parametrize(
    ("left", "action", "target", "expected"),
    [
        (200, Action.UPDATE, "new", True),
        (31, Action.UPDATE, "new", True),
        (30, Action.UPDATE, "new", False),
        (5, Action.UPDATE, "new", False),
        (200, Action.NO_OP, "new", False),
        (200, Action.UPDATE, "old", False),
    ],
)
def test_a_plan_that_moves_a_stage_to_a_lasting_certificate_takes_it_forward(
    left, action, target, expected
):
    """A plan that moves a stage is a step forward if the new certificate ends later and beyond the
    threshold.
    """
    plan = Plan(stages=(moving("other", "x", "y"), moving("prod", "old", target, action)))
    given = document([certificate("old"), certificate("new", left)], plan=plan, declared=LINEAGE)
    assert judged(takes_forward, given) is expected


@pytest.mark.parametrize(
    ("left", "created", "expected"),
    [
        (200, ("newer",), ["newer"]),
        (20, ("newer",), []),
        (None, ("newer",), ["newer"]),
        (200, ("new",), []),
        ((), ("newer",), []),
        ((), ("new", "newer"), ["newer"]),
        ((), ("newer", "new"), ["new"]),
        (200, ("other",), []),
    ],
)
def test_a_second_successor_is_named_with_the_first(left, created, expected):
    """A second successor is named with the first, which is in state or created in the same plan."""
    declared = lineage(old=None, new="old", newer="old", other=None)
    recorded = [certificate("old"), *([certificate("new", left)] if left != () else [])]
    plan = Plan(certificates=tuple(map(making, created)))
    (part,) = cases_of(document(recorded, plan=plan, declared=declared)).documents
    found = list(second_successors(part, Policy()))
    assert [change.address.name for change, _, _ in found] == expected
    assert all(old == certificate_at("old") for _, old, _ in found)
    assert all(other.name in {"new", "newer"} for _, _, other in found)


def test_a_second_successor_needs_a_plan_and_a_configuration():
    """A second successor needs a plan and a configuration.

    A deposed object does not count as one; an imported one does.
    """
    declared = lineage(old=None, new="old", newer="old")
    recorded = [certificate("old"), certificate("new", 200)]
    created = replace(making("newer"), deposed="d1")

    def names(**more):
        (part,) = cases_of(document(recorded, **more)).documents
        return [change.address.name for change, _, _ in second_successors(part, Policy())]

    assert names(declared=declared) == []
    assert names(plan=Plan(certificates=(making("newer"),))) == []
    assert names(plan=Plan(certificates=(created,)), declared=declared) == []
    imported = replace(making("newer", Action.NO_OP), imported=True)
    assert names(plan=Plan(certificates=(imported,)), declared=declared) == ["newer"]
