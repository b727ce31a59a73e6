"""The rotation of a certificate outside Terraform whose id is a literal in the configuration."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, certificate_at, document, stage, stage_at
from msgspec.structs import replace
from world import HOME, NOW

from checker.model.configuration import (
    ConfigurationFacts,
    DeclaredCertificate,
    DeclaredLiteral,
    Obstacle,
)
from checker.model.inventory import Inventory
from checker.model.location import Location
from checker.model.observation import CertificateKey, Found, Gone, Unanswered
from checker.model.rotation import (
    Blocked,
    Caution,
    ConditionStatus,
    Done,
    Next,
    Phase,
    Waiting,
)
from checker.rotation.unmanaged import keys_needed, literal_rotation

LINE = Location("main.tf", 5)
FOUND = Found(expires_at=NOW + timedelta(days=12))
UNANSWERED = Unanswered(reason="denied", remedy="grant it")
OBSTACLE = Obstacle(reason="it is odd", remedy="mend it", location=LINE)


def literal(*stages, **more):
    blocks = frozenset(map(stage_at, stages or ("prod",)))
    return DeclaredLiteral(
        **{"identity": "old", "module": (), "stages": blocks, "location": LINE, **more}
    )


def successor(name="new", *stages, **more):
    given = {"succeeds_id": "old", "stages": frozenset(map(stage_at, stages)), **more}
    return DeclaredCertificate(block=certificate_at(name), location=LINE, **given)


def facts(*certificates, literals=(), **more):
    return ConfigurationFacts(directory=".", certificates=certificates, literals=literals, **more)


def rotation(declared, *recorded, stages=None, answer=FOUND, name=None, asked=True):
    """Return the rotation of the id `old`, which stage `prod` presents unless `stages` overrides
    it.
    """
    given = document(
        list(recorded),
        [stage("prod", "old")] if stages is None else stages,
        declared=declared,
    )
    ends = {
        each.id: Found(expires_at=each.expires_at)
        for each in recorded
        if each.expires_at is not None
    }
    cases = cases_of(
        given, answers={**ends, **({"old": answer} if answer is not None else {})}, asked=asked
    )
    return literal_rotation(cases, cases.documents[0], declared, "old", name)


LITERAL = (literal(),)
AGED, YOUNG, ENDED = (certificate("new", left) for left in (361, 364, -1))


def test_without_the_id_and_without_a_successor_there_is_no_rotation():
    """Without the literal id and without a successor of it there is no rotation."""
    assert rotation(facts()) is None
    assert rotation(facts(successor(succeeds_id="other"))) is None
    assert rotation(facts(successor())) is not None
    assert rotation(facts(literals=LITERAL)) is not None


@pytest.mark.parametrize(
    ("declared", "recorded", "stages", "expected"),
    [
        (facts(literals=LITERAL), (), None, Next(Phase.INTRODUCE)),
        (
            facts(literals=(literal(obstacles=(OBSTACLE, OBSTACLE)),)),
            (),
            None,
            Blocked("it is odd (main.tf:5)", "mend it"),
        ),
        (
            facts(literals=LITERAL),
            (),
            [stage("prod", "old"), stage("beta", "old")],
            "stage.beta presents it too",
        ),
        (facts(successor(), literals=LITERAL), (), None, "introduce phase is written"),
        (facts(successor(), literals=LITERAL), (AGED,), None, Next(Phase.REPOINT)),
        (facts(successor(), literals=LITERAL), (YOUNG,), None, "until 2026-11-25"),
        (
            facts(successor(), literals=(literal(obstacles=(OBSTACLE,)),)),
            (YOUNG,),
            None,
            "it is odd",
        ),
        (
            facts(successor("new", "beta"), literals=LITERAL),
            (AGED,),
            [stage("prod", "old"), stage("beta", "old")],
            Next(Phase.REPOINT),
        ),
        (
            facts(successor(), successor("newer"), literals=LITERAL),
            (AGED,),
            None,
            "more than one certificate",
        ),
        (facts(successor("new", "prod")), (AGED,), None, "repoint phase is written"),
        (facts(successor("new", "beta")), (AGED,), None, "takes its id from elsewhere"),
        (
            facts(successor("new", "prod")),
            (AGED,),
            [stage("prod", "old"), replace(stage("x", "old"), address=None)],
            "takes its id from elsewhere",
        ),
    ],
)
def test_the_step(declared, recorded, stages, expected):
    """The step for each state of the configuration: introduce, repoint, blocked or waiting."""
    step = rotation(declared, *recorded, stages=stages).step
    if isinstance(expected, str):
        assert expected in step.reason
        assert isinstance(step, Waiting) is (" phase is written" in expected or "until" in expected)
    else:
        assert step == expected


def test_i2_a_written_repoint_waits_for_the_trust_window():
    """I2: a written repoint within the trust window says before which date not to apply it."""
    young = rotation(facts(successor("new", "prod")), YOUNG).step
    aged = rotation(facts(successor("new", "prod")), AGED).step
    assert "do not apply it before 2026-11-25" in young.reason
    assert "do not apply" not in aged.reason


MOVED = [stage("prod", "new")]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Gone(), Done()),
        (FOUND, "--client-certificate-id old"),
        (UNANSWERED, "denied"),
        (None, "AWS was not asked"),
    ],
)
def test_the_last_step_is_the_user_s_and_ends_when_aws_does_not_know_the_id(answer, expected):
    """After repoint, the step names the AWS command that deletes the certificate.

    It is done once AWS does not have it.
    """
    step = rotation_with_answer(answer).step
    if isinstance(expected, str):
        assert expected in (step.remedy if isinstance(step, Blocked) else step.reason)
        assert isinstance(step, Blocked) or step.unverified
    else:
        assert step == expected


def rotation_with_answer(answer, *, pointers=(LINE,)):
    """Return the rotation after repoint, where only this answer of AWS is about the id."""
    declared = facts(successor("new", "prod", pointers=pointers))
    cases = cases_of(document([AGED], MOVED, declared=declared))
    answers = dict(cases.observations.certificates)
    if answer is not None:
        answers[CertificateKey(id="old", place=HOME)] = answer
    cases = replace(cases, observations=replace(cases.observations, certificates=answers))
    return literal_rotation(cases, cases.documents[0], declared, "old", None)


@pytest.mark.parametrize(
    ("answer", "pointers", "expected"),
    [
        (FOUND, (LINE,), Next(Phase.ROLLBACK)),
        (FOUND, (), Waiting),
        (Found(expires_at=NOW), (LINE,), Next(Phase.ROLLBACK)),
        (Found(expires_at=NOW - timedelta(seconds=1)), (LINE,), Blocked),
        (Gone(), (LINE,), Blocked),
        (UNANSWERED, (LINE,), Waiting),
        (None, (LINE,), Waiting),
    ],
)
def test_rollback_needs_a_predecessor_that_has_not_ended(answer, pointers, expected):
    """Rollback needs a predecessor that AWS confirms and that has not ended."""
    back = rotation_with_answer(answer, pointers=pointers).back
    if isinstance(expected, type):
        assert isinstance(back, expected)
        if expected is Waiting:
            assert back.unverified is bool(pointers)
    else:
        assert back == expected


def test_rollback_without_a_successor_has_nothing_to_take_back():
    """Rollback without a successor has nothing to revert."""
    back = rotation(facts(literals=LITERAL)).back
    assert isinstance(back, Waiting)
    assert not back.unverified


@pytest.mark.parametrize("left", [-1, 10, 30])
def test_a_successor_that_ends_soon_is_passed_over_while_the_id_is_there(left):
    """A successor that ends soon is replaced by another with a free name and a caution, unless the
    stage uses it.
    """
    declared = facts(successor("prod_202611"), literals=LITERAL)
    recorded = replace(certificate("p", left), address=certificate_at("prod_202611"))
    found = rotation(declared, recorded)
    assert found.step == Next(Phase.INTRODUCE)
    assert found.successor == certificate_at("prod_202611_2")
    assert found.passed_over == (certificate_at("prod_202611"),)
    assert not found.introduced
    assert [each.phase for each in found.cautions] == [Phase.INTRODUCE]
    kept = rotation(facts(successor("prod_202611", "prod")), recorded)
    assert kept.passed_over == ()
    assert kept.successor == certificate_at("prod_202611")
    assert kept.introduced


@pytest.mark.parametrize(
    ("stages", "name", "expected"),
    [
        (("prod",), None, certificate_at("prod_202611")),
        (("prod", "beta"), None, certificate_at("beta_202611")),
        (("prod",), "mine", certificate_at("mine")),
    ],
)
def test_the_successor_is_named_after_the_first_stage(stages, name, expected):
    """The successor is named after the first stage, or by `--name`, in the module of the id."""
    declared = facts(literals=(literal(*stages),))
    assert rotation(declared, name=name).successor == expected
    inside = facts(literals=(literal(*stages, module=("a", "b")),))
    assert rotation(inside, name=name).successor.module_path == ("a", "b")


def test_a_stage_of_the_cloud_control_provider_gets_a_certificate_of_it():
    """A stage of the Cloud Control provider gets a certificate of the same provider."""
    block = replace(stage_at("prod"), type="awscc_apigateway_stage")
    found = rotation(facts(literals=(literal(stages=frozenset({block})),)), stages=[])
    assert found.successor.type == "awscc_apigateway_client_certificate"


def test_a_name_that_another_block_has_is_not_taken():
    """A name that another block has is blocked, and the remedy is `--name`."""
    declared = facts(successor("prod_202611", succeeds_id=None), literals=LITERAL)
    step = rotation(declared).step
    assert isinstance(step, Blocked)
    assert step.remedy == "choose one with --name"


def test_cautions_and_conditions():
    """The rotation has the repoint cautions of the id, the rollback cautions of the successor, and
    repoint conditions.
    """
    texts = [Caution(phase=phase, text=phase.value) for phase in Phase]
    declared = facts(
        successor(cautions=tuple(texts)),
        literals=(literal(cautions=(texts[1],)),),
    )
    found = rotation(declared, AGED)
    assert [each.text for each in found.cautions] == ["repoint", "rollback"]
    assert {each.phase for each in found.conditions} == {Phase.REPOINT}
    assert [each.holds for each in found.conditions] == [
        *[ConditionStatus.YES] * 4,
        ConditionStatus.UNKNOWN,
    ]
    assert (found.predecessor, found.predecessor_ids, found.stages) == (
        None,
        ("old",),
        (str(stage_at("prod")),),
    )


def test_aws_is_asked_for_a_predecessor_that_only_a_comment_names():
    """AWS is asked for an id that only a `succeeds` comment names, in the successor's account and
    region.
    """
    declared = facts(successor(), successor("other", succeeds_id=None), successor("absent"))

    def keys(given):
        return keys_needed(Inventory(documents=(given,)))

    recorded = [certificate("new"), certificate("other")]
    assert keys(document(recorded, declared=declared)) == {CertificateKey(id="old", place=HOME)}
    assert keys(document([certificate("other")], declared=declared)) == frozenset()
    assert keys(document(recorded)) == frozenset()


@pytest.mark.parametrize(
    ("left", "end", "status"),
    [
        (361, NOW + timedelta(days=12), ConditionStatus.YES),
        (361, NOW + timedelta(days=361), ConditionStatus.NO),
        (361, NOW + timedelta(days=362), ConditionStatus.NO),
        (361, None, ConditionStatus.UNKNOWN),
        (None, NOW + timedelta(days=12), ConditionStatus.UNKNOWN),
    ],
)
def test_the_successor_must_end_later_than_the_certificate_with_the_id(left, end, status):
    """The condition compares the ends of the successor and of the id; an unknown end is
    unconfirmed.
    """
    answer = Found(expires_at=end) if end is not None else UNANSWERED
    found = rotation(facts(successor(), literals=LITERAL), certificate("new", left), answer=answer)
    (condition,) = [each for each in found.conditions if "ends later" in each.text]
    assert condition.text == f"{certificate_at('new')} ends later than old, and not soon"
    assert condition.holds is status
