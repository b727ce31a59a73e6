"""Tests of the tags of API Gateway's resources, set and removed by ARN."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from checker.demo.emulator import SeedApi, SeedCertificate


@pytest.fixture(autouse=True)
def account(aws):
    aws.seed(
        SeedCertificate(id="abc123", tags={"made": "by-seed"}),
        SeedApi(id="orders", stages={"prod": None}),
        SeedApi(id="chat", kind="websocket", stages={"live": None}),
    )


@pytest.mark.parametrize(
    "path", ["clientcertificates/abc123", "restapis/orders", "restapis/orders/stages/prod"]
)
def test_tags_are_added_read_and_taken_away(gateway, path):
    """TagResource adds tags to a certificate, an API or a stage, UntagResource removes some, and
    GetTags lists the rest.
    """
    arn = f"arn:aws:apigateway:us-east-1::/{path}"
    gateway.tag_resource(resourceArn=arn, tags={"team": "shop", "env": "prod", "made": "by-hand"})
    gateway.tag_resource(resourceArn=arn, tags={"team": "orders"})
    gateway.untag_resource(resourceArn=arn, tagKeys=["env", "never-there"])
    assert gateway.get_tags(resourceArn=arn)["tags"] == {"team": "orders", "made": "by-hand"}


def test_tags_show_on_what_bears_them(gateway):
    """A certificate and a stage are returned with their tags."""
    gateway.tag_resource(
        resourceArn="arn:aws:apigateway:us-east-1::/clientcertificates/abc123",
        tags={"team": "shop"},
    )
    gateway.tag_resource(
        resourceArn="arn:aws:apigateway:us-east-1::/restapis/orders/stages/prod",
        tags={"env": "prod"},
    )
    certificate = gateway.get_client_certificate(clientCertificateId="abc123")
    assert certificate["tags"] == {"made": "by-seed", "team": "shop"}
    assert gateway.get_stage(restApiId="orders", stageName="prod")["tags"] == {"env": "prod"}


def test_tags_of_a_websocket_stage(aws):
    """A WebSocket stage's tags are set by its ARN and returned with it, apart from those of its
    API.
    """
    websocket = aws.client("apigatewayv2")
    stage, api = (
        "arn:aws:apigateway:us-east-1::/apis/chat/stages/live",
        "arn:aws:apigateway:us-east-1::/apis/chat",
    )
    websocket.tag_resource(ResourceArn=stage, Tags={"env": "prod", "team": "shop"})
    websocket.tag_resource(ResourceArn=api, Tags={"kind": "chat"})
    websocket.untag_resource(ResourceArn=stage, TagKeys=["team"])
    assert websocket.get_tags(ResourceArn=stage)["Tags"] == {"env": "prod"}
    assert websocket.get_stage(ApiId="chat", StageName="live")["Tags"] == {"env": "prod"}
    assert websocket.get_tags(ResourceArn=api)["Tags"] == {"kind": "chat"}


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:apigateway:us-east-1::/clientcertificates/zzzzzz", "NotFoundException"),
        ("arn:aws:apigateway:us-east-1::/restapis/nosuch", "NotFoundException"),
        ("arn:aws:apigateway:us-east-1::/restapis/orders/stages/nosuch", "NotFoundException"),
        ("arn:aws:apigateway:eu-west-1::/clientcertificates/abc123", "BadRequestException"),
        ("arn:aws:apigateway:us-east-1::/restapis/orders/models/x", "BadRequestException"),
        ("arn:aws:sns:us-east-1:123456789012:topic", "BadRequestException"),
    ],
)
def test_an_arn_that_names_nothing_here(gateway, arn, code):
    """GetTags of a missing resource is not found, and of another region, service or kind a bad
    request.
    """
    with pytest.raises(ClientError) as refused:
        gateway.get_tags(resourceArn=arn)
    assert refused.value.response["Error"]["Code"] == code
