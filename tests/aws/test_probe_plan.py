"""Planning a probe: the backends behind a stage and the method for each, without any call
to them.
"""

from __future__ import annotations

import pytest
from probing import ACCOUNT, NEW, OLD, gateways, plan, seeded, subject

from checker.demo.emulator import SeedApi, SeedMethod, access_denied
from checker.demo.emulator.faults import Injection
from checker.model.places import Place
from checker.model.resources import StageKind

A, B = "https://a.test", "https://b.test"


def called(found):
    return [(str(each.backend), each.method) for each in found.targets]


def reasons(found):
    return [each.reason for each in found.not_probed]


def test_each_distinct_backend_is_called_once_by_the_first_method_that_reaches_it(aws):
    """Each distinct backend is called once.

    Host, port and VPC link distinguish backends; paths do not.
    """
    seeded(
        aws,
        {
            "GET /health": f"{A}/health",
            "GET /other": f"{A.upper().replace('HTTPS', 'https')}:443/other",
            "GET /port": f"{A}:8443/",
            "GET /link": SeedMethod(uri=f"{A}/", vpc_link="l1nk00"),
            "POST /orders": f"{B}/orders",
            "OPTIONS /health": SeedMethod(type="MOCK"),
        },
    )
    found = plan(subject("GET /health", "GET /other", "GET /port", "GET /link"))

    assert called(found) == [
        ("https://a.test:443", "GET /health"),
        ("https://a.test:443 by VPC link l1nk00", "GET /link"),
        ("https://a.test:8443", "GET /port"),
    ]
    assert [(str(each.backend), each.reason) for each in found.not_probed] == [
        ("https://b.test:443", "no named method reaches it")
    ]
    assert found.calls == 9


def test_nothing_is_called_while_planning(aws):
    """Planning makes only read calls, and no test call."""
    seeded(aws, {"GET /health": f"{A}/health"})
    aws.forget_calls()
    plan(subject("GET /health"))
    # A call that an earlier test gave up may still arrive. The least-privilege test checks which
    # reads are allowed.
    asked = {call.operation for call in aws.calls()}
    assert {"GetCallerIdentity", "GetResources", "GetStage"} <= asked
    assert "TestInvokeMethod" not in asked


def test_stage_variables_are_filled_in(aws):
    """Stage variables are filled in for hosts, ports and VPC links."""
    seeded(
        aws,
        {
            "GET /health": "https://${stageVariables.host}:${stageVariables.port}/health",
            "GET /link": SeedMethod(uri=f"{A}/", vpc_link="${stageVariables.link}"),
        },
        variables={"host": "Own.Test", "port": "8443", "link": "l1nk00"},
    )
    assert called(plan(subject("GET /health", "GET /link"))) == [
        ("https://own.test:8443", "GET /health"),
        ("https://a.test:443 by VPC link l1nk00", "GET /link"),
    ]


def test_a_variable_that_the_stage_does_not_have_is_said(aws):
    """A stage variable that is not set is reported, because the backend is unknown."""
    seeded(aws, {"GET /health": "https://${stageVariables.host}/health", "GET /ok": f"{A}/"})
    found = plan(subject("GET /health", "GET /ok"))
    assert called(found) == [("https://a.test:443", "GET /ok")]
    assert reasons(found) == [
        "an integration names the stage variable host, which the stage does not have"
    ]


@pytest.mark.parametrize("uri", ["https://{server}/", "https://user:secret@{server}/x"])
def test_an_integration_without_a_host_is_said(aws, uri):
    """An integration without a host is reported without its URI, which may have a password."""
    seeded(aws, {"GET /x": SeedMethod(uri=uri)})
    found = plan(subject("GET /x"))
    assert reasons(found) == ["the URI of an integration names no host"]
    assert "secret" not in repr(found)


def test_a_password_in_a_uri_is_not_part_of_the_backend(aws):
    """A user and password in a URI are removed."""
    seeded(aws, {"GET /x": "https://user:secret@a.test/x"})
    found = plan(subject("GET /x"))
    assert called(found) == [("https://a.test:443", "GET /x")]
    assert "secret" not in repr(found)


def test_a_private_integration_without_a_link_is_said(aws):
    """A private integration without a VPC link is reported."""
    seeded(aws, {"GET /x": SeedMethod(uri=f"{A}/", vpc_link="")})
    assert reasons(plan(subject("GET /x"))) == ["a private integration names no VPC link"]


def test_without_a_named_method_nothing_is_called(aws):
    """Without a method nothing is called; `--any-get` uses the first GET without parameters."""
    seeded(
        aws,
        {
            "GET /a/{id}": f"{A}/",
            "GET /b": SeedMethod(uri=f"{A}/", parameters={"method.request.querystring.q": True}),
            "POST /c": f"{A}/",
            "ANY /d": f"{A}/",
            "GET /e": SeedMethod(uri=f"{A}/", parameters={"method.request.querystring.q": False}),
            "POST /only": f"{B}/",
        },
    )
    assert called(plan(subject())) == []
    found = plan(subject(), any_get=True)
    assert called(found) == [("https://a.test:443", "GET /e")]
    assert "it has no GET without parameters" in found.not_probed[0].reason


def test_an_any_method_answers_a_get(aws):
    """An ANY method answers a GET."""
    seeded(aws, {"ANY /": f"{A}/"})
    assert called(plan(subject(), any_get=True)) == [("https://a.test:443", "GET /")]
    assert called(plan(subject("GET /"))) == [("https://a.test:443", "GET /")]


def test_a_named_path_is_matched_as_api_gateway_matches_it(aws):
    """A named path is matched as API Gateway does: literal, then parameter, then greedy."""
    seeded(
        aws,
        {
            "GET /{proxy+}": f"{A}/1",
            "GET /orders/{id}": "https://b.test/2",
            "GET /orders/ping": "https://c.test/3",
        },
    )

    def reached(method):
        return called(plan(subject(method)))[0]

    assert reached("GET /health?deep=1") == ("https://a.test:443", "GET /health?deep=1")
    assert reached("GET /orders/42") == ("https://b.test:443", "GET /orders/42")
    assert reached("GET /orders/ping") == ("https://c.test:443", "GET /orders/ping")
    assert reached("GET /orders/42/lines") == ("https://a.test:443", "GET /orders/42/lines")


def test_a_method_that_may_change_something_needs_unsafe(aws):
    """A method other than GET, HEAD and OPTIONS needs --unsafe."""
    seeded(aws, {"POST /x": f"{A}/", "HEAD /y": f"{B}/"})
    found = plan(subject("POST /x", "HEAD /y"))
    assert called(found) == [("https://b.test:443", "HEAD /y")]
    assert "POST /x may change something in the backend (--unsafe)" in found.not_probed[0].reason
    assert len(plan(subject("POST /x", "HEAD /y"), unsafe=True).targets) == 2


def test_why_a_named_method_reaches_nothing_is_said(aws):
    """The reason says why a named method reaches no backend."""
    seeded(aws, {"GET /mock": SeedMethod(type="MOCK"), "GET /x": f"{A}/"})
    found = plan(subject("GET /missing", "GET /mock"))
    (reason,) = reasons(found)
    assert reason == (
        "no named method reaches it: the API has no GET /missing; "
        "GET /mock leads to no backend that is known (integration: MOCK)"
    )


def test_an_api_whose_integrations_present_no_certificate_is_not_probed(aws):
    """An API with only mock or AWS integrations, or none, is not probed."""
    seeded(aws, {"GET /mock": SeedMethod(type="MOCK")})
    aws.seed(SeedApi(id="api2", stages={"live": None}))
    found = plan(subject("GET /mock"), subject("GET /mock", api="api2"))
    assert [reason.rpartition(": ")[2] for reason in reasons(found)] == [
        "it has MOCK",
        "it has no integration",
    ]


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ({"kind": StageKind.WEBSOCKET}, "a WebSocket API has no test call"),
        ({"api": None}, "the API or the name of the stage is not known"),
        ({"new": None}, "the successor of the rotation is not known"),
        ({"old": None, "new": None}, "the predecessor and the successor of the rotation is not known"),
        ({"new": "arn:aws:acm:us-east-1:123456789012:certificate/x"}, "whether a test call accepts one is not documented"),
        ({"account": "999999999999"}, f"the credentials are of account {ACCOUNT}"),
        ({"api": "gone00"}, "it does not exist"),
        ({"name": "gone"}, "it does not exist"),
    ],
)  # fmt: skip
def test_what_cannot_be_probed_says_why_and_what_to_do(aws, of, why):
    """Each stage that cannot be probed has a reason and a remedy."""
    seeded(aws, {"GET /health": f"{A}/health"})
    found = plan(subject("GET /health", **of))
    assert called(found) == []
    assert why in reasons(found)[0]
    assert found.not_probed[0].remedy


@pytest.mark.parametrize("of", [{"api": "gone00"}, {"name": "gone"}])
def test_a_stage_that_aws_does_not_have_is_a_matter_of_place(aws, of):
    """For a missing stage the remedy is to check account and region."""
    seeded(aws, {"GET /health": f"{A}/health"})
    (found,) = plan(subject("GET /health", **of)).not_probed
    assert "account and region" in found.remedy
    assert "report it" not in found.remedy


def test_a_websocket_stage_is_not_even_asked_about(aws):
    """A WebSocket stage costs no call to AWS."""
    aws.forget_calls()
    plan(subject("GET /health", kind=StageKind.WEBSOCKET))
    assert aws.calls() == ()


@pytest.mark.parametrize("operation", ["GetResources", "GetStage", "GetCallerIdentity"])
def test_a_denied_read_names_what_to_allow(aws, operation):
    """A denied read names the missing permission and policies/iam/probe.json."""
    seeded(aws, {"GET /health": f"{A}/health"})
    aws.faults.add(Injection(operation=operation, fault=access_denied()))
    found = plan(subject("GET /health"))
    assert called(found) == []
    assert "was denied" in reasons(found)[0]
    if operation == "GetResources":
        assert found.not_probed[0].remedy == (
            "allow apigateway:GET on /restapis/*/resources; see policies/iam/probe.json"
        )


def test_what_is_beyond_the_limit_is_not_probed(aws):
    """Backends beyond `--max-calls` are not probed; each needs three calls."""
    seeded(aws, {f"GET /{name}": f"https://{name}.test/" for name in "abc"})
    wanted = subject("GET /a", "GET /b", "GET /c")
    found = plan(wanted, max_calls=7)
    assert [each.method for each in found.targets] == ["GET /a", "GET /b"]
    assert found.calls == 6
    assert str(found.not_probed[0].backend) == "https://c.test:443"
    assert "--max-calls" in found.not_probed[0].remedy
    assert len(plan(wanted).targets) == 3
    assert plan(wanted, max_calls=0).targets == ()


def test_each_api_and_stage_is_read_once(aws):
    """Each API and stage is read once, also for several rotations."""
    seeded(aws, {"GET /health": f"{A}/health"})
    aws.forget_calls()
    found = plan(*[subject("GET /health")] * 3)
    assert len(found.targets) == 3
    assert sorted(call.operation for call in aws.calls()) == [
        "GetCallerIdentity",
        "GetResources",
        "GetStage",
    ]


def test_a_long_api_is_read_to_its_end(aws):
    """Resources beyond the first page are read."""
    seeded(aws, {f"GET /r{number:03}": f"https://h{number:03}.test/" for number in range(505)})
    found = plan(subject("GET /r504"), any_get=False)
    assert called(found) == [("https://h504.test:443", "GET /r504")]
    assert len(found.not_probed) == 504


def test_the_account_and_the_region_that_answered_are_in_the_plan(aws):
    """The plan has the account and region that answered."""
    seeded(aws, {"GET /health": f"{A}/health"})
    found = plan(
        subject("GET /health", account=None, region=None), using=gateways(region="us-east-1")
    )
    (target,) = found.targets
    assert target.pair.stage.place == Place("aws", ACCOUNT, "us-east-1")
    assert (target.pair.predecessor.id, target.pair.successor.id) == (OLD, NEW)


def test_headers_are_in_no_text_of_a_plan(aws):
    """Header values are not in the plan's text."""
    seeded(aws, {"GET /health": f"{A}/health"})
    found = plan(subject("GET /health", headers={"Authorization": "s3cret"}))
    assert len(found.targets) == 1
    assert "s3cret" not in repr(found)
