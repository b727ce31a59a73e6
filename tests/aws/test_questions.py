"""The questions of a check, divided by account and region, and the merging of their answers."""

from __future__ import annotations

from checker.aws.connection import Connection
from checker.aws.questions import ObservedAnswers, Questions, split_by_account
from checker.model.address import parse
from checker.model.observation import CertificateKey, Gone, StageKey, Unanswered
from checker.model.places import Place
from checker.model.policy import AccountAccess
from checker.model.resources import Presents, Stage, StageKind

HERE = Place("aws", "111122223333", "eu-west-1")
THERE = Place("aws", "444455556666", "eu-west-1")
ARN = "arn:aws:acm:eu-west-1:444455556666:certificate/one"
WHY = Unanswered(reason="no region", remedy="give one")


def certificate(identity, place=HERE):
    return CertificateKey(id=identity, place=place)


def stage(name, place=HERE):
    return StageKey(kind=StageKind.REST, api_id="api", name=name, place=place)


def recorded(identity, place, name="prod"):
    return Stage(
        address=parse(f"aws_api_gateway_stage.{name}"),
        kind=StageKind.REST,
        api_id="api",
        name=name,
        presents=Presents(identity),
        place=place,
    )


def connection():
    accounts = (HERE.account, THERE.account)
    return Connection(accounts=tuple(AccountAccess(account=a, role="check") for a in accounts))


def by_account(certificates=(), surveys=(), stages=(), recorded=()):
    divided = split_by_account(
        connection(),
        certificates=certificates,
        surveys=surveys,
        stages=stages,
        recorded=recorded,
    )
    return {role and role.arn.split(":")[4]: questions for role, questions in divided.items()}


def test_answers_of_all_kinds_are_joined():
    """Merged answers contain those of every part, for all kinds of questions."""
    one = ObservedAnswers(
        certificates={certificate("a"): Gone()}, surveys={HERE: WHY}, counts={HERE: 3}
    )
    two = ObservedAnswers(
        certificates={certificate("b"): WHY}, stages={stage("prod"): Gone()}, counts={THERE: 4}
    )
    assert ObservedAnswers.merge([one, two]) == ObservedAnswers(
        certificates={certificate("a"): Gone(), certificate("b"): WHY},
        surveys={HERE: WHY},
        stages={stage("prod"): Gone()},
        counts={HERE: 3, THERE: 4},
    )


def test_the_later_of_two_answers_counts():
    """A later answer about the same thing replaces the earlier one."""
    key, name = certificate("a"), stage("prod")
    early = ObservedAnswers(
        certificates={key: WHY}, surveys={HERE: WHY}, stages={name: WHY}, counts={HERE: 1}
    )
    late = ObservedAnswers(certificates={key: Gone()}, stages={name: Gone()}, counts={HERE: 2})
    joined = ObservedAnswers.merge(iter((early, late)))
    assert joined.certificates == {key: Gone()}
    assert joined.surveys == {HERE: WHY}
    assert joined.stages == {name: Gone()}
    assert joined.counts == {HERE: 2}


def test_questions_without_a_region_are_divided_off():
    """Without a default region, only questions with their own region are asked."""
    nowhere = Place(account=HERE.account)
    questions = Questions(
        certificates=dict.fromkeys((certificate("a"), certificate("b", nowhere))),
        managed=dict.fromkeys((certificate(ARN, Place()),)),
        surveys=dict.fromkeys((HERE, nowhere)),
        stages=dict.fromkeys((stage("prod"), stage("test", nowhere))),
    )
    assert questions.divide("eu-west-1") == (questions, Questions())
    placed, rest = questions.divide(None)
    assert placed == Questions(
        certificates={certificate("a"): None},
        managed=questions.managed,
        surveys={HERE: None},
        stages={stage("prod"): None},
    )
    assert rest == Questions(
        certificates={certificate("b", nowhere): None},
        surveys={nowhere: None},
        stages={stage("test", nowhere): None},
    )
    assert questions.places == [HERE, nowhere, HERE, nowhere, HERE, nowhere]


def test_one_reason_answers_every_question():
    """One reason answers each certificate, ACM certificate, survey and stage."""
    questions = Questions(
        certificates={certificate("a"): None},
        managed={certificate(ARN): None},
        surveys={HERE: None},
        stages={stage("prod"): None},
    )
    assert questions.all_answered(WHY) == ObservedAnswers(
        certificates={certificate("a"): WHY, certificate(ARN): WHY},
        surveys={HERE: WHY},
        stages={stage("prod"): WHY},
    )


def test_questions_are_divided_by_account():
    """Each question goes to the account of its place, or of its ARN."""
    divided = by_account(
        certificates=(certificate("a"), certificate("b", THERE), certificate(ARN)),
        surveys=(HERE,),
        stages=(stage("prod", THERE),),
    )
    assert divided == {
        HERE.account: Questions(certificates={certificate("a"): None}, surveys={HERE: None}),
        THERE.account: Questions(
            certificates={certificate("b", THERE): None},
            managed={certificate(ARN): None},
            stages={stage("prod", THERE): None},
        ),
    }


def test_a_certificate_without_an_account_is_asked_where_its_stage_is():
    """A certificate without an account is asked in the account of its stage."""
    key = certificate("a", Place(region="eu-west-1"))
    divided = by_account(certificates=(key,), recorded=(recorded("a", THERE),))
    assert divided == {THERE.account: Questions(certificates={key: None})}


def test_stages_that_disagree_prove_no_account():
    """If stages disagree, the certificate is asked with the run's own credentials."""
    key = certificate("a", Place(region="eu-west-1"))
    stages = (recorded("a", HERE), recorded("a", THERE, "test"), recorded("a", THERE, "qa"))
    assert by_account(certificates=(key,), recorded=stages) == {
        None: Questions(certificates={key: None})
    }
