"""Tests of the paths by which another process controls the emulator."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from checker.demo.emulator import SeedCertificate

NOON = "2026-11-23T12:00:00+00:00"


@pytest.fixture
def order(aws):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{aws.endpoint}/_tfcert/{path}", data=data, method=method)
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    return send


def test_the_clock_is_driven(aws, order):
    """The clock can be set, moved and released over HTTP, and each answer shows its time."""
    assert order("POST", "clock", {"set": NOON})["now"] == NOON
    assert (
        order("POST", "clock", {"advance": {"days": -353, "hours": 1}})["now"]
        == "2025-12-05T13:00:00+00:00"
    )
    order("POST", "clock", {"run": True})
    assert abs(aws.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_settings_are_set_one_by_one(order):
    """Each setting can be changed alone, and each answer shows all settings."""
    assert order("POST", "settings", {"delete_in_use": "allow"})["certificate_quota"] == 60
    state = order("POST", "settings", {"certificate_quota": 2})
    assert (state["delete_in_use"], state["certificate_quota"]) == ("allow", 2)


def test_an_account_is_seeded_aged_and_emptied(gateway, order):
    """Certificates and APIs can be created with chosen ids and aged, and a reset removes them."""
    order("POST", "clock", {"set": NOON})
    seeds = [
        {"type": "certificate", "id": "abc123", "expires_at": NOON, "tags": {"team": "shop"}},
        {"type": "certificate", "id": "gone12", "created_at": NOON},
        {
            "type": "api",
            "id": "orders",
            "name": "Orders",
            "stages": {"prod": "abc123", "beta": None},
        },
        {"type": "api", "kind": "websocket", "id": "chat", "stages": {"live": "abc123"}},
    ]
    assert order("POST", "seed", seeds) == ["abc123", "gone12", "orders", "chat"]
    ends = {
        item["clientCertificateId"]: item["expirationDate"]
        for item in gateway.get_client_certificates()["items"]
    }
    noon = datetime.fromisoformat(NOON)
    assert ends == {"abc123": noon, "gone12": noon + timedelta(days=365)}
    assert gateway.get_rest_api(restApiId="orders")["name"] == "Orders"
    assert (
        gateway.get_stage(restApiId="orders", stageName="prod")["clientCertificateId"] == "abc123"
    )
    order("POST", "age", {"id": "gone12", "days_left": 12.5})
    aged = gateway.get_client_certificate(clientCertificateId="gone12")
    assert aged["expirationDate"] == noon + timedelta(days=12, hours=12)
    order("POST", "reset")
    assert gateway.get_client_certificates()["items"] == gateway.get_rest_apis()["items"] == []


def test_faults_are_set_and_cleared(gateway, order):
    """Faults of every kind and a list of allowed operations are set over HTTP, shown, and
    cleared.
    """
    fault = {
        "type": "answer",
        "status": 429,
        "code": "TooManyRequestsException",
        "message": "slow down",
    }
    order("POST", "faults", {"operation": "GetRestApis", "fault": fault, "times": 1})
    order("POST", "faults", {"operation": "GetStages", "fault": {"type": "drop"}})
    order("POST", "faults", {"operation": "GetStages", "fault": {"type": "hang", "seconds": 1}})
    state = order(
        "POST", "faults", {"operation": "GetStages", "fault": {"type": "page", "status": 502}}
    )
    assert [one["fault"]["type"] for one in state["faults"]] == ["answer", "drop", "hang", "page"]
    with pytest.raises(ClientError, match="slow down"):
        gateway.get_rest_apis()
    assert order("POST", "allow", {"operations": ["GetRestApis"]})["allowed"] == ["GetRestApis"]
    gateway.get_rest_apis()
    with pytest.raises(ClientError, match="AccessDenied"):
        gateway.get_client_certificates()
    state = order("DELETE", "faults")
    assert (state["faults"], state["allowed"]) == ([], None)
    gateway.get_client_certificates()


def test_calls_are_listed_without_the_orders(gateway, order):
    """The log lists the calls to AWS without the calls to the control paths, and can be emptied."""
    gateway.get_rest_apis()
    assert [call["operation"] for call in order("GET", "calls")] == ["GetRestApis"]
    assert order("DELETE", "calls")["calls"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"set": "2026-11-23T12:00:00"}),
        ("clock", {"set": "yesterday"}),
        ("clock", {"sett": NOON}),
        ("clock", {"advance": {"fortnights": 1}}),
        ("clock", {"advance": {"days": 1e300}}),
        ("settings", {"delete_in_use": "perhaps"}),
        ("faults", {"operation": "*", "fault": {"type": "flood"}}),
        ("seed", [{"type": "certificate", "region": "mars-north-1"}]),
        ("age", {"id": "zzzzzz", "days_left": 1}),
        ("age", {"id": "abc123"}),
        ("allow", []),
    ],
)
def test_an_order_that_makes_no_sense(aws, order, path, body):
    """An order that cannot be carried out is answered with 400 and a reason, and changes
    nothing.
    """
    aws.seed(SeedCertificate(id="abc123"))
    aws.clock.set(datetime.fromisoformat(NOON))
    before = order("GET", "")
    with pytest.raises(HTTPError) as refused:
        order("POST", path, body)
    assert refused.value.code == 400
    assert json.load(refused.value)["error"]
    assert order("GET", "") == before


def test_a_path_that_is_none(order):
    """A control path that does not exist is answered with 404 and its name."""
    with pytest.raises(HTTPError) as refused:
        order("GET", "nonsense")
    assert refused.value.code == 404
    assert "/_tfcert/nonsense" in json.load(refused.value)["error"]
