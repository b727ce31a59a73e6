"""Tests of the certificates that stages present in the emulator, and of what moto lacks
for stages.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from checker.demo.emulator import SeedApi, SeedCertificate

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACM = "arn:aws:acm:us-east-1:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"


def present(gateway, id_, stage="prod"):
    patch = [{"op": "replace", "path": "/clientCertificateId", "value": id_}]
    return gateway.update_stage(restApiId="orders", stageName=stage, patchOperations=patch)


@pytest.fixture
def websocket(aws):
    return aws.client("apigatewayv2")


@pytest.fixture(autouse=True)
def account(aws):
    aws.seed(
        SeedCertificate(id="first1"),
        SeedCertificate(id="second"),
        SeedApi(id="orders", stages={"prod": None, "beta": None}),
        SeedApi(id="chat", kind="websocket", stages={"live": None}),
    )


def test_a_rest_stage_presents_what_it_is_told_to(gateway):
    """UpdateStage sets the certificate of one stage, and every operation that reads the stage shows
    it.
    """
    assert present(gateway, "first1")["clientCertificateId"] == "first1"
    assert (
        gateway.get_stage(restApiId="orders", stageName="prod")["clientCertificateId"] == "first1"
    )
    shown = {
        stage["stageName"]: stage.get("clientCertificateId")
        for stage in gateway.get_stages(restApiId="orders")["item"]
    }
    assert shown == {"prod": "first1", "beta": None}
    assert present(gateway, "second")["clientCertificateId"] == "second"


def test_the_empty_string_takes_the_certificate_off(gateway):
    """UpdateStage with an empty value removes the certificate from the stage."""
    present(gateway, "first1")
    assert "clientCertificateId" not in present(gateway, "")
    assert "clientCertificateId" not in gateway.get_stage(restApiId="orders", stageName="prod")


def test_a_stage_cannot_present_what_is_not_there(gateway):
    """An unknown certificate id is refused, and the rest of the request is not applied."""
    patch = [
        {"op": "replace", "path": "/description", "value": "changed"},
        {"op": "replace", "path": "/clientCertificateId", "value": "nosuch"},
    ]
    with pytest.raises(ClientError) as refused:
        gateway.update_stage(restApiId="orders", stageName="prod", patchOperations=patch)
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
    stage = gateway.get_stage(restApiId="orders", stageName="prod")
    assert (stage.get("description"), stage.get("clientCertificateId")) == ("", None)


def test_a_stage_may_present_a_certificate_of_acm(gateway):
    """A stage accepts the ARN of an ACM certificate, as AWS does since September 2026."""
    assert present(gateway, ACM)["clientCertificateId"] == ACM


def test_other_changes_leave_the_certificate_alone(gateway):
    """A stage keeps its certificate when it is changed in another way or deployed to."""
    present(gateway, "first1")
    patch = [{"op": "replace", "path": "/description", "value": "changed"}]
    assert (
        gateway.update_stage(restApiId="orders", stageName="prod", patchOperations=patch)[
            "description"
        ]
        == "changed"
    )
    root = gateway.get_resources(restApiId="orders")["items"][0]["id"]
    where = {"restApiId": "orders", "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_integration(**where, type="MOCK")
    deployment = gateway.create_deployment(restApiId="orders", stageName="prod")["id"]
    stage = gateway.get_stage(restApiId="orders", stageName="prod")
    assert (stage["deploymentId"], stage["clientCertificateId"]) == (deployment, "first1")
    only = gateway.get_stages(restApiId="orders", deploymentId=deployment)["item"]
    assert [stage["stageName"] for stage in only] == ["prod"]


def test_a_stage_that_was_deleted_presents_nothing_when_it_is_made_again(gateway):
    """A stage that is deleted and created again presents no certificate."""
    deployment = present(gateway, "first1")["deploymentId"]
    gateway.delete_stage(restApiId="orders", stageName="prod")
    made = gateway.create_stage(restApiId="orders", stageName="prod", deploymentId=deployment)
    assert "clientCertificateId" not in made


def test_dates_of_stages_come_from_the_clock(aws, gateway, websocket):
    """The creation and change dates of REST and WebSocket stages come from the clock."""
    aws.clock.set(NOON)
    deployment = gateway.get_stage(restApiId="orders", stageName="beta")["deploymentId"]
    gateway.create_stage(restApiId="orders", stageName="new", deploymentId=deployment)
    websocket.create_stage(ApiId="chat", StageName="new")
    aws.clock.advance(days=3)
    changed = present(gateway, "first1", stage="new")
    assert (changed["createdDate"], changed["lastUpdatedDate"]) == (NOON, NOON + timedelta(days=3))
    changed = websocket.update_stage(ApiId="chat", StageName="new", Description="changed")
    assert (changed["CreatedDate"], changed["LastUpdatedDate"]) == (NOON, NOON + timedelta(days=3))


def test_a_websocket_stage_presents_what_it_is_told_to(websocket):
    """A WebSocket stage can be created with a certificate, changed to another, and
    changed to none.
    """
    made = websocket.create_stage(
        ApiId="chat", StageName="new", ClientCertificateId="first1", Tags={"team": "shop"}
    )
    assert (made["ClientCertificateId"], made["Tags"]) == ("first1", {"team": "shop"})
    websocket.update_stage(
        ApiId="chat", StageName="new", ClientCertificateId="second", StageVariables={"a": "b"}
    )
    shown = {
        stage["StageName"]: stage.get("ClientCertificateId")
        for stage in websocket.get_stages(ApiId="chat")["Items"]
    }
    assert shown == {"live": None, "new": "second"}
    left = websocket.update_stage(ApiId="chat", StageName="new", ClientCertificateId="")
    assert "ClientCertificateId" not in left
    assert left["StageVariables"] == {"a": "b"}


def test_a_websocket_stage_cannot_present_what_is_not_there(websocket):
    """An unknown certificate id makes the creation or the change of a WebSocket stage fail without
    an effect.
    """
    with pytest.raises(ClientError, match="BadRequestException"):
        websocket.create_stage(ApiId="chat", StageName="new", ClientCertificateId="nosuch")
    with pytest.raises(ClientError, match="BadRequestException"):
        websocket.update_stage(
            ApiId="chat", StageName="live", ClientCertificateId="nosuch", Description="changed"
        )
    assert [
        (stage["StageName"], stage.get("Description"))
        for stage in websocket.get_stages(ApiId="chat")["Items"]
    ] == [("live", None)]


def test_an_http_api_presents_no_certificate(websocket):
    """A stage of an HTTP API is refused a certificate."""
    api = websocket.create_api(Name="plain", ProtocolType="HTTP")["ApiId"]
    with pytest.raises(ClientError, match="WebSocket APIs only"):
        websocket.create_stage(ApiId=api, StageName="prod", ClientCertificateId="first1")


def test_a_websocket_deployment_has_a_life(websocket):
    """A deployment of a WebSocket API can be created, read, listed, described, and deleted once no
    stage uses it.
    """
    id_ = websocket.create_deployment(ApiId="chat", StageName="live", Description="first")[
        "DeploymentId"
    ]
    assert websocket.get_stage(ApiId="chat", StageName="live")["DeploymentId"] == id_
    with pytest.raises(ClientError, match="BadRequestException"):
        websocket.delete_deployment(ApiId="chat", DeploymentId=id_)
    other = websocket.create_deployment(ApiId="chat")["DeploymentId"]
    websocket.update_stage(ApiId="chat", StageName="live", DeploymentId=other)
    websocket.update_deployment(ApiId="chat", DeploymentId=other, Description="second")
    websocket.delete_deployment(ApiId="chat", DeploymentId=id_)
    listed = [
        (one["DeploymentId"], one["Description"])
        for one in websocket.get_deployments(ApiId="chat")["Items"]
    ]
    assert listed == [(other, "second")]
    with pytest.raises(ClientError, match="NotFoundException"):
        websocket.get_deployment(ApiId="chat", DeploymentId=id_)


def test_apis_come_in_pages(aws, gateway, websocket):
    """More than 25 APIs of either kind need a second page, which exposes a reader of the first page
    only.
    """
    aws.seed(*[SeedApi(id=f"rest{number}") for number in range(30)])
    aws.seed(*[SeedApi(id=f"ws{number}", kind="websocket") for number in range(30)])
    first = gateway.get_rest_apis()
    rest = [*first["items"], *gateway.get_rest_apis(position=first["position"])["items"]]
    assert (len(first["items"]), len({api["id"] for api in rest}), len(rest)) == (25, 31, 31)
    pages = list(websocket.get_paginator("get_apis").paginate())
    assert [len(page["Items"]) for page in pages] == [25, 6]
    assert (
        len(
            list(
                gateway.get_paginator("get_rest_apis").paginate(PaginationConfig={"PageSize": 500})
            )
        )
        == 1
    )
