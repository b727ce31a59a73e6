"""Worlds that a test cannot ask for: the emulator refuses them and invents nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from checker.demo.emulator.acm import put_acm
from checker.demo.emulator.certificates import whole_seconds


def test_a_moment_without_a_time_zone_is_refused():
    """A moment is in whole seconds of UTC; one without a time zone is none."""
    with pytest.raises(ValueError, match="names no time zone"):
        whole_seconds(datetime(2026, 11, 23))  # noqa: DTZ001 -- the case
    east = datetime(2026, 11, 23, 2, 0, 0, 7, timezone(timedelta(hours=2)))
    assert whole_seconds(east) == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "arn", ["x", "arn:aws:iam::1:certificate/a", "arn:aws:acm:::certificate/a"]
)
def test_a_certificate_of_acm_needs_an_account_and_a_region(arn):
    """An ARN of another service, or without account or region, is refused."""
    with pytest.raises(ValueError, match="is no ARN of a certificate of ACM"):
        put_acm(SimpleNamespace(arn=arn), None, datetime(2026, 11, 23, tzinfo=UTC))


def test_a_stage_of_a_websocket_api_is_made_once(aws):
    """A second stage of the same name is a conflict, and the first one stays as it is."""
    client = aws.client("apigatewayv2")
    api = client.create_api(Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$x")
    client.create_stage(ApiId=api["ApiId"], StageName="live")
    with pytest.raises(ClientError, match="Stage already exists") as caught:
        client.create_stage(ApiId=api["ApiId"], StageName="live")
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert len(client.get_stages(ApiId=api["ApiId"])["Items"]) == 1
