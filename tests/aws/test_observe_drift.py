"""Observing what recorded stages present, on the emulator."""

from __future__ import annotations

import json
import time

import pytest
from counting import calls

from checker.analysis.certificate_uses import stage_key
from checker.demo.emulator import Drop, Hang, SeedApi, SeedCertificate, access_denied
from checker.model.observation import Found, Gone, ObservedStage, Unanswered
from checker.model.places import Place
from checker.model.resources import StageKind

ACCOUNT = "123456789012"
HOME = Place("aws", ACCOUNT, "us-east-1")


@pytest.fixture
def shown(look):
    """Return a function that observes the drift of stages and gives each stage's answer."""

    def ask(stages, wanted=(), surveys=(), **rest):
        seen = look(wanted, surveys, stages, drift=stages, **rest)
        return [seen.stages[stage_key(each)] for each in stages], seen

    return ask


def test_each_api_that_state_names_takes_one_call_and_no_other_api_any(aws, stage, shown):
    """Each recorded API takes one call, and other APIs take none."""
    aws.seed(
        SeedApi(id="rest1", stages={"prod": "aaaaaa", "beta": None}),
        SeedApi(id="sock1", kind="websocket", stages={"live": None}),
        SeedApi(id="rest2", stages={"prod": "cccccc"}),
        SeedCertificate(id="aaaaaa"),
    )
    stages = [
        stage("rest1", "prod", account=ACCOUNT, presents="aaaaaa"),
        stage("rest1", "beta", account=ACCOUNT),
        stage("sock1", "live", account=ACCOUNT, kind=StageKind.WEBSOCKET),
    ]

    answers, seen = shown(stages)

    assert [answer.certificate_id for answer in answers] == ["aaaaaa", None, None]
    assert calls(seen)["GetStages"] == 2
    assert {"GetRestApis", "GetApis"}.isdisjoint(calls(seen))


def test_without_drift_no_stage_is_asked_for(aws, stage, look):
    """With --no-drift no stage is asked."""
    seen = look((), (), [stage("rest1", "prod", account=ACCOUNT)])
    assert (seen.stages, aws.calls()) == ({}, ())


def test_a_certificate_that_no_document_names_is_asked_for_as_well(aws, key, stage, shown):
    """A certificate that only a stage in AWS presents is observed too."""
    aws.seed(
        SeedApi(id="rest1", stages={"prod": "byhand"}),
        SeedCertificate(id="byhand"),
        SeedCertificate(id="aaaaaa"),
    )
    recorded = stage("rest1", "prod", account=ACCOUNT, presents="aaaaaa")

    (answer,), seen = shown([recorded], wanted=[key("aaaaaa")])

    assert answer.certificate_id == "byhand"
    assert isinstance(seen.certificates[key("byhand")], Found)
    assert isinstance(seen.certificates[key("aaaaaa")], Found)


def test_what_is_not_there_is_gone_in_its_own_account_alone(aws, stage, shown):
    """A missing stage or API is gone in its recorded account; without an account it is
    unanswered.
    """
    aws.seed(SeedApi(id="rest1", stages={"beta": None}), SeedApi(id="rest3", stages={}))
    there = [stage(api, "prod", account=ACCOUNT) for api in ("rest1", "rest2", "rest3")]
    unplaced = stage("rest2", "prod")
    theirs = stage("rest1", "beta", account="222222222222")

    answers, seen = shown([*there, unplaced, theirs])

    assert answers[:3] == [Gone(), Gone(), Gone()]
    assert isinstance(answers[3], Unanswered)
    assert isinstance(answers[4], Unanswered)
    assert "222222222222" in answers[4].reason
    assert calls(seen)["GetStages"] == 3


def test_a_failure_touches_the_stages_of_its_api_alone(aws, stage, shown):
    """A failed call affects only the stages of its API."""
    aws.seed(
        SeedApi(id="rest1", stages={"prod": None}),
        SeedApi(id="sock1", kind="websocket", stages={"live": None}),
    )
    aws.faults.inject("apigatewayv2:GetStages", access_denied())
    stages = [
        stage("rest1", "prod", account=ACCOUNT),
        stage("sock1", "live", account=ACCOUNT, kind=StageKind.WEBSOCKET),
    ]

    answers, _ = shown(stages)

    assert isinstance(answers[0], ObservedStage)
    assert isinstance(answers[1], Unanswered)
    assert "/apis/*/stages" in answers[1].reason


@pytest.mark.parametrize("fault", [Hang(), Drop()])
def test_where_nothing_is_answered_every_stage_has_an_answer_all_the_same(aws, stage, shown, fault):
    """If no call is answered, each stage is unanswered within the timeout."""
    aws.faults.inject("GetStages", fault)
    stages = [stage(f"rest{n}", "prod", account=ACCOUNT) for n in range(12)]

    answers, _ = shown(stages, timeout=1.0)

    assert {type(answer) for answer in answers} == {Unanswered}


def test_what_a_survey_lists_anyway_is_not_asked_for_again(aws, stage, shown):
    """Stages that a survey lists are not asked again."""
    aws.seed(SeedApi(id="rest1", stages={"prod": None}))
    stages = [stage("rest1", "prod", account=ACCOUNT), stage("rest1", "beta", account=ACCOUNT)]

    answers, seen = shown(stages, surveys=[HOME])

    assert isinstance(answers[0], ObservedStage)
    assert answers[1] == Gone()
    assert calls(seen)["GetStages"] == 1


def test_where_the_survey_failed_the_stages_are_unanswered(aws, stage, shown):
    """If the survey failed, its stages are unanswered, not gone."""
    aws.seed(SeedApi(id="rest1", stages={"prod": None}))
    aws.faults.inject("GetApis", access_denied())
    answers, _ = shown([stage("rest1", "prod", account=ACCOUNT)], surveys=[HOME])
    assert isinstance(answers[0], Unanswered)


@pytest.mark.parametrize(
    "item",
    [
        {"stageName": "prod", "clientCertificateId": 5},
        {"stageName": "prod", "clientCertificateId": ["a"]},
        {"stageName": 5},
        {},
    ],
)
def test_a_stage_that_is_not_as_aws_answers_is_unanswered(web, stage, shown, item):
    """A malformed stage in an answer is unanswered."""
    body = json.dumps({"item": [item]}).encode()
    web(
        lambda _method, path, _headers: (
            (403, "text/html", b"") if path == "/" else (200, "application/json", body)
        )
    )

    (answer,), _ = shown([stage("rest1", "prod", account=ACCOUNT)])

    assert isinstance(answer, Unanswered)
    assert "not by AWS" in answer.reason


class Late:
    """A gateway in memory with slow stages, each with an unrecorded certificate, and endless
    certificate lists.
    """

    def of(self, _role):
        return self

    def region(self):
        return None

    def endpoint(self, _region):
        return None

    def traffic(self):
        return ()

    def account(self, _region):
        return ACCOUNT

    def stages(self, _region, api):
        time.sleep(4)
        return (ObservedStage(kind=api.kind, api_id=api.id, name="prod", certificate_id="byhand"),)

    def certificates(self, _region):
        time.sleep(30)


def test_what_is_presented_besides_is_waited_for_no_longer_than_the_region_has_left(stage, shown):
    """An unrecorded certificate is waited for only as long as the region's time lasts."""
    began = time.monotonic()

    _, seen = shown([stage("rest1", "prod", account=ACCOUNT)], timeout=5, gateways=Late())

    assert time.monotonic() - began < 8.5
    (answer,) = seen.certificates.values()
    assert isinstance(answer, Unanswered)
