"""Observing all stages of an account and region, on the emulator: the whole list or none."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from counting import calls

from checker.aws.gateway import Api
from checker.demo.emulator import Drop, Hang, ProxyPage, SeedApi, SeedCertificate, access_denied
from checker.model.observation import ObservedStage, Surveyed, Unanswered
from checker.model.places import Place
from checker.model.resources import StageKind

HERE = Place("aws", "123456789012", "us-east-1")
REST, WEBSOCKET = StageKind.REST, StageKind.WEBSOCKET


def test_every_stage_of_both_kinds_is_listed_with_what_it_presents(aws, look):
    """Each REST and WebSocket stage is listed with its certificate; HTTP APIs are left out."""
    aws.seed(
        SeedApi(id="rest1", name="orders", stages={"prod": "abc123", "dev": None}),
        SeedApi(id="sock1", name="chat", kind="websocket", stages={"live": "abc124", "test": None}),
        SeedApi(id="rest2", name="empty", stages={}),
        SeedApi(id="rest3", name="far", stages={"prod": "abc123"}, region="eu-west-1"),
    )
    gateway = aws.client("apigateway")
    gateway.update_stage(
        restApiId="rest1",
        stageName="dev",
        patchOperations=[{"op": "replace", "path": "/clientCertificateId", "value": ""}],
    )
    aws.client("apigatewayv2").create_api(Name="plain", ProtocolType="HTTP")

    seen = look(surveys=[HERE])

    assert seen.surveys == {
        HERE: Surveyed(
            (
                ObservedStage(
                    kind=REST,
                    api_id="rest1",
                    api_name="orders",
                    name="prod",
                    certificate_id="abc123",
                ),
                ObservedStage(
                    kind=REST, api_id="rest1", api_name="orders", name="dev", certificate_id=None
                ),
                ObservedStage(
                    kind=WEBSOCKET,
                    api_id="sock1",
                    api_name="chat",
                    name="live",
                    certificate_id="abc124",
                ),
                ObservedStage(
                    kind=WEBSOCKET,
                    api_id="sock1",
                    api_name="chat",
                    name="test",
                    certificate_id=None,
                ),
            )
        )
    }
    assert calls(seen) == {"GetApis": 1, "GetCallerIdentity": 1, "GetRestApis": 1, "GetStages": 3}


def test_an_account_without_stages_has_an_empty_list(aws, look):
    """An account without stages has an empty survey."""
    assert look(surveys=[HERE]).surveys == {HERE: Surveyed(())}


def test_websocket_apis_and_stages_beyond_the_first_page_are_listed(aws, look):
    """WebSocket APIs and stages beyond the first page are listed."""
    aws.seed(
        *(SeedApi(id=f"sock{n:02}", kind="websocket", stages={}) for n in range(25)),
        SeedApi(id="sock99", kind="websocket", stages={f"s{n:02}": None for n in range(26)}),
    )

    seen = look(surveys=[HERE])

    assert [stage.name for stage in seen.surveys[HERE].stages] == [f"s{n:02}" for n in range(26)]
    assert (calls(seen)["GetApis"], calls(seen)["GetStages"]) == (2, 27)


def test_rest_apis_beyond_the_first_page_are_listed(web, look, stage):
    """REST APIs beyond the first page of 500 are listed, and an empty certificate id means none."""

    def answer(_method, path, _headers):
        url = urlsplit(path)
        if url.path == "/restapis":
            query = parse_qs(url.query)
            assert query["limit"] == ["500"]
            second = query.get("position") == ["next"]
            page = (
                {"item": [{"id": "b"}]} if second else {"item": [{"id": "a"}], "position": "next"}
            )
        elif url.path == "/v2/apis":
            page = {"items": []}
        else:
            page = {"item": [{"stageName": url.path.split("/")[2], "clientCertificateId": ""}]}
        return 200, "application/json", json.dumps(page).encode()

    web(answer)

    seen = look(surveys=[HERE], anchors=[stage("b", "b")])

    assert [str(one) for one in seen.surveys[HERE].stages] == ["a/a", "b/b"]
    assert {one.certificate_id for one in seen.surveys[HERE].stages} == {None}


@pytest.mark.parametrize("fault", [access_denied(), Drop(), ProxyPage(), ProxyPage(status=403)])
@pytest.mark.parametrize(
    "operation", ["GetRestApis", "GetApis", "apigateway:GetStages", "apigatewayv2:GetStages"]
)
def test_one_list_that_fails_leaves_the_whole_survey_unanswered(aws, key, look, operation, fault):
    """If one list fails, the whole survey is unanswered, and other questions are answered."""
    aws.seed(
        SeedCertificate(id="abc123"),
        *(SeedApi(id=f"rest{n}", stages={"prod": None}) for n in range(3)),
        *(SeedApi(id=f"sock{n}", kind="websocket", stages={"prod": None}) for n in range(3)),
    )
    aws.faults.inject(operation, fault, after=0 if operation.endswith("Apis") else 2)

    seen = look([key("abc123")], surveys=[HERE])

    answer = seen.surveys[HERE]
    assert isinstance(answer, Unanswered)
    assert "not every stage could be listed" in answer.reason
    assert operation.rpartition(":")[2] in answer.reason
    assert not isinstance(seen.certificates[key("abc123")], Unanswered)


def test_a_failure_stops_the_rest_of_the_survey(aws, look):
    """After a failure the survey makes no further calls."""
    aws.seed(*(SeedApi(id=f"rest{n:02}", stages={}) for n in range(25)))
    aws.faults.inject("GetStages", access_denied(), after=1, times=1)

    look(surveys=[HERE])

    assert len(aws.calls("GetStages")) < 15


def test_a_survey_of_another_account_is_unanswered_and_names_both(aws, look):
    """A survey of another account is unanswered, and the reason names both accounts."""
    there = Place("aws", "222222222222", "us-east-1")

    seen = look(surveys=[HERE, there])

    assert seen.surveys[HERE] == Surveyed(())
    assert isinstance(seen.surveys[there], Unanswered)
    assert "222222222222" in seen.surveys[there].reason
    assert "123456789012" in seen.surveys[there].reason
    assert calls(seen)["GetRestApis"] == 1


def test_where_no_account_is_recorded_the_list_must_hold_a_recorded_stage(aws, look, stage):
    """Without a recorded account, the survey counts only if it has a recorded stage."""
    aws.seed(SeedApi(id="rest1", stages={"prod": None}))
    somewhere = Place(None, None, "us-east-1")

    proven = look(surveys=[somewhere], anchors=[stage("gone", "prod"), stage("rest1", "prod")])
    unproven = look(surveys=[somewhere], anchors=[stage("gone", "prod"), stage("rest1", "dev")])
    elsewhere = look(surveys=[somewhere], anchors=[stage("rest1", "prod", account="222222222222")])

    assert isinstance(proven.surveys[somewhere], Surveyed)
    assert "GetStage" not in calls(proven)
    assert isinstance(unproven.surveys[somewhere], Unanswered)
    assert isinstance(elsewhere.surveys[somewhere], Unanswered)


def test_without_sts_the_list_must_hold_a_recorded_stage(aws, look, stage):
    """Without STS, the survey counts only if it has a recorded stage."""
    aws.seed(SeedApi(id="rest1", stages={"prod": None}))
    aws.faults.inject("GetCallerIdentity", access_denied())

    proven = look(surveys=[HERE], anchors=[stage("rest1", "prod", account="123456789012")])
    unproven = look(surveys=[HERE])

    assert isinstance(proven.surveys[HERE], Surveyed)
    assert isinstance(unproven.surveys[HERE], Unanswered)
    assert "sts:GetCallerIdentity" in unproven.surveys[HERE].reason


def test_a_place_without_a_region_is_the_connections_if_it_has_a_recorded_stage(
    aws, look, stage, monkeypatch
):
    """A place without a region uses the connection's region, if it has a recorded stage."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    aws.seed(SeedApi(id="rest1", stages={"prod": None}, region="eu-west-1"))
    place = Place("aws", "123456789012", None)

    proven = look(surveys=[place], anchors=[stage("rest1", "prod", region=None)]).surveys[place]
    unproven = look(surveys=[place]).surveys[place]

    assert len(proven.stages) == 1
    assert isinstance(unproven, Unanswered)


def test_a_list_of_stages_that_hangs_is_given_up_on_and_certificates_are_not(aws, key, look):
    """A silent list of stages is given up, and certificates are still answered."""
    aws.seed(SeedCertificate(id="abc123"), *(SeedApi(id=f"rest{n}", stages={}) for n in range(6)))
    aws.faults.inject("GetStages", Hang(seconds=20), after=3)
    began = time.monotonic()

    seen = look([key("abc123")], surveys=[HERE], timeout=3)

    assert time.monotonic() - began < 15
    assert isinstance(seen.surveys[HERE], Unanswered)
    assert not isinstance(seen.certificates[key("abc123")], Unanswered)


class Slow:
    """A gateway in memory with sixty APIs, each answer taking a tenth of a second."""

    def region(self):
        return None

    def endpoint(self, _region):
        return None

    def of(self, _role):
        return self

    def traffic(self):
        return ()

    def account(self, _region):
        return "123456789012"

    def apis(self, _region, kind):
        time.sleep(0.1)
        return tuple(Api(kind=kind, id=f"api{n:02}") for n in range(60)) if kind is REST else ()

    def stages(self, _region, api):
        time.sleep(0.1)
        return (ObservedStage(kind=api.kind, api_id=api.id, name="prod", certificate_id=None),)


def test_a_survey_may_take_longer_than_the_timeout_while_answers_keep_coming(look):
    """A survey may take longer than the timeout while answers keep coming, and keeps
    AWS's order.
    """
    began = time.monotonic()

    seen = look(surveys=[HERE], timeout=1, gateways=Slow())

    assert time.monotonic() - began > 1
    assert [one.api_id for one in seen.surveys[HERE].stages] == [f"api{n:02}" for n in range(60)]
