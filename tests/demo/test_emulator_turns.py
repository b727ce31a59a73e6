"""Tests of the emulator with several callers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep

from moto.apigateway.models import APIGatewayBackend

from checker.demo.emulator import SeedApi


def test_requests_are_served_one_at_a_time(aws, monkeypatch):
    """Requests are handled one at a time, because moto does not support threads."""
    aws.seed(SeedApi(id="orders", stages={"prod": None}))
    inside, met = Lock(), []
    made = APIGatewayBackend.create_stage

    def slow(self, *given, **named):
        if not inside.acquire(blocking=False):
            met.append(given)
            return made(self, *given, **named)
        try:
            sleep(0.05)
            return made(self, *given, **named)
        finally:
            inside.release()

    monkeypatch.setattr(APIGatewayBackend, "create_stage", slow)
    deployment = aws.client("apigateway").get_stage(restApiId="orders", stageName="prod")[
        "deploymentId"
    ]

    def create(name):
        answer = aws.client("apigateway").create_stage(
            restApiId="orders", stageName=name, deploymentId=deployment
        )
        return answer["stageName"]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(create, "abcd")) == ["a", "b", "c", "d"]
    assert met == []
