"""Tests of the emulator with a caller that sends a request again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from moto.apigateway.models import APIGatewayBackend

from checker.demo.emulator import Drop, SeedApi
from checker.demo.emulator.repeats import Repeats


@pytest.fixture
def deployment(aws, gateway):
    aws.seed(SeedApi(id="orders", stages={"prod": None}))
    return gateway.get_stage(restApiId="orders", stageName="prod")["deploymentId"]


def _with_invocation(client, invocation):
    def put(request, **_):
        request.headers["amz-sdk-invocation-id"] = invocation

    client.meta.events.register("before-send.api-gateway.*", put)
    return client


def test_a_repeated_attempt_gets_the_first_answer(aws, gateway, deployment):
    """A repeated attempt of one call gets the first answer, and does not fail because the stage
    already exists.
    """
    caller = _with_invocation(aws.client("apigateway"), "one-call")
    first, second = (
        caller.create_stage(restApiId="orders", stageName="new", deploymentId=deployment)
        for _ in range(2)
    )
    assert first["createdDate"] == second["createdDate"]
    assert {stage["stageName"] for stage in gateway.get_stages(restApiId="orders")["item"]} == {
        "new",
        "prod",
    }


def test_a_repeated_read_is_one_call(aws, deployment):
    """A second attempt of a read that was served is answered, and is not in the log of calls.

    An attempt that met a fault was not served, so the next one is.
    """
    caller = _with_invocation(aws.client("apigateway"), "one-call")
    aws.forget_calls()
    for _ in range(2):
        assert caller.get_stages(restApiId="orders")["item"]
    assert len(aws.calls("GetStages")) == 1
    aws.faults.inject("GetStages", Drop(), times=1)
    caller = _with_invocation(aws.client("apigateway"), "another-call")
    with pytest.raises(ConnectionClosedError):
        caller.get_stages(restApiId="orders")
    assert caller.get_stages(restApiId="orders")["item"]
    assert len(aws.calls("GetStages")) == 3


def test_another_call_is_no_repeat(aws, deployment):
    """Two different calls that create the same stage are a conflict."""
    asked = {"restApiId": "orders", "stageName": "new", "deploymentId": deployment}
    _with_invocation(aws.client("apigateway"), "one").create_stage(**asked)
    with pytest.raises(ClientError, match="Stage already exists"):
        _with_invocation(aws.client("apigateway"), "two").create_stage(**asked)


def test_a_failed_attempt_is_made_again(aws, deployment, monkeypatch):
    """An internal error of the emulator is listed, and the next attempt of the call is handled
    anew.
    """
    caller = _with_invocation(aws.client("apigateway"), "one-call")
    asked = {"restApiId": "orders", "stageName": "new", "deploymentId": deployment}

    def fail(*_, **__):
        raise LookupError("a table changed")

    with monkeypatch.context() as broken:
        broken.setattr(APIGatewayBackend, "create_stage", fail)
        with pytest.raises(ClientError):
            caller.create_stage(**asked)
    (failure,) = aws.failures()
    assert failure.startswith("POST /restapis/orders/stages: ")
    assert "LookupError: a table changed" in failure
    assert caller.create_stage(**asked)["stageName"] == "new"


def test_an_attempt_waits_for_the_first():
    """A second attempt waits while the first one is running, and is not handled in parallel."""
    handled = []

    def slow(environ, start):
        handled.append(environ)
        sleep(0.1)
        start("201 Created", [("Content-Length", "2")])
        return [b"{}"]

    repeats, statuses = Repeats(), []

    def ask(_):
        environ = {"REQUEST_METHOD": "POST", "HTTP_AMZ_SDK_INVOCATION_ID": "one"}
        return b"".join(repeats.serve(slow, environ, lambda status, _: statuses.append(status)))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, range(3))) == [b"{}"] * 3
    assert len(handled) == 1
    assert statuses == ["201 Created"] * 3
