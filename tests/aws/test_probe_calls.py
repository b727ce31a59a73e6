"""The calls of a probe: which, in which order and pace, and how their answers are used."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from datetime import timedelta

import pytest
from granting import allows, grants
from probing import NEW, NOW, OLD, Web, gateways, pair, plan, probe, seeded, subject

from checker.aws import probe as probes
from checker.aws import responses
from checker.aws.boto_gateway import BotoGateway
from checker.aws.errors import action_for
from checker.aws.probe import ProbeWish, run_probe
from checker.aws.session import RequestPace
from checker.demo.backend import DemoBackend
from checker.demo.emulator import SeedMethod, access_denied, throttled, unavailable
from checker.demo.emulator.faults import Drop, Hang, Injection
from checker.model.probe import ProbeVerdict

BOTH, SUCCESSOR, PREDECESSOR, NOT_REQUIRED, UNREACHABLE, UNKNOWN = ProbeVerdict


@pytest.fixture
def site():
    made = Web()
    yield made
    made.close()


@pytest.fixture
def backend():
    with DemoBackend() as made:
        yield made


SPACING = probes._SPACING  # noqa: SLF001 -- the pace that a run has


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Remove the pauses between calls, so that only tests about them wait."""
    monkeypatch.setattr(probes, "_SPACING", 0.0)
    monkeypatch.setattr(probes, "_WAITS", (0.0, 0.0))


def pem(aws, identity):
    found = aws.client("apigateway").get_client_certificate(clientCertificateId=identity)
    return found["pemEncodedCertificate"]


def inject(aws, fault, **rest):
    aws.faults.add(Injection(operation="TestInvokeMethod", fault=fault, **rest))


def verdicts(report):
    return [each.verdict for each in report.results]


def statuses(result):
    return [each.status for each in (result.control, result.predecessor, result.successor)]


@pytest.mark.parametrize(
    ("trusted", "verdict", "seen"),
    [
        ((OLD,), PREDECESSOR, [500, 200, 500]),
        ((NEW,), SUCCESSOR, [500, 500, 200]),
        ((OLD, NEW), BOTH, [500, 200, 200]),
        ((), UNKNOWN, [500, 500, 500]),
    ],
)
def test_a_backend_is_asked_three_times_without_and_with_each_certificate(
    aws, backend, trusted, verdict, seen
):
    """A backend is called three times, and the verdict is what it trusts at this moment."""
    seeded(aws, {"GET /health": f"{backend.url}/health", "POST /orders": f"{backend.url}/orders"})
    backend.trust([pem(aws, identity) for identity in trusted])
    report = probe(subject("GET /health"))

    (result,) = report.results
    assert result.verdict is verdict
    assert statuses(result) == seen
    assert report.calls == len(aws.calls("TestInvokeMethod")) == 3
    assert set(backend.requests) <= {"GET /health"}
    assert not report.interrupted


def test_the_calls_carry_the_certificates_in_a_fixed_order(aws, site, monkeypatch):
    """The calls come in the order: control, predecessor, successor."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    sent = []
    own = BotoGateway.call_backend
    monkeypatch.setattr(
        BotoGateway,
        "call_backend",
        lambda self, region, call: (sent.append(call), own(self, region, call))[1],
    )
    report = probe(subject("GET /health", headers={"X-Token": "s3cret"}))

    assert [call.certificate_id for call in sent] == [None, OLD, NEW]
    assert site.seen == ["GET /health"] * 3
    assert verdicts(report) == [NOT_REQUIRED]
    assert "s3cret" not in repr(sent)


def test_headers_and_stage_variables_reach_the_backend_and_no_report(aws, site):
    """Headers and stage variables reach the backend and no report."""
    got = []
    site.answer = lambda _verb, _path, headers: (got.append(headers["Authorization"]), 401)[1]
    seeded(
        aws,
        {"GET /health": "http://${stageVariables.host}/health"},
        variables={"host": site.url.removeprefix("http://")},
    )
    report = probe(subject("GET /health", headers={"Authorization": "s3cret"}))
    assert got == ["s3cret"] * 3
    assert verdicts(report) == [UNKNOWN]
    assert "give a header" in report.results[0].reason
    assert "s3cret" not in repr(report)


def test_bodies_and_logs_are_not_kept(aws, site, monkeypatch):
    """Bodies, headers and logs of answers are not kept."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    own = responses.parse_test_answer
    monkeypatch.setattr(
        responses,
        "parse_test_answer",
        lambda answer: own(
            {**answer, "body": "b0dy", "log": "l0g handshake", "headers": {"a": "h3ad"}}
        ),
    )
    kept = repr(probe(subject("GET /health")))
    assert not any(word in kept for word in ("b0dy", "l0g", "h3ad"))


@pytest.mark.parametrize("form", ["console", "json", "chatty", "none"])
def test_the_form_of_the_log_changes_no_verdict(aws, backend, form):
    """The form of the log does not change the verdict."""
    aws.write_test_log(form)
    seeded(aws, {"GET /health": f"{backend.url}/health"})
    for trusted, verdict in (((OLD,), PREDECESSOR), ((NEW,), SUCCESSOR), ((OLD, NEW), BOTH), ((), UNKNOWN)):  # fmt: skip
        backend.trust([pem(aws, identity) for identity in trusted])
        assert verdicts(probe(subject("GET /health"))) == [verdict]


def test_an_ended_predecessor_is_no_yardstick(aws, site):
    """Whether the predecessor has expired is judged by the time of the run."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    answers = iter([400, 401, 401] * 2)
    site.answer = lambda *_: next(answers)
    found = [
        verdicts(probe(subject("GET /health", ends=NOW + timedelta(days=days)))) for days in (1, 0)
    ]
    assert found == [[BOTH], [PREDECESSOR]]


def test_the_refused_statuses_are_those_of_the_subject(aws, site):
    """The refused statuses of a subject are used."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    answers = iter([418, 200, 418])
    site.answer = lambda *_: next(answers)
    assert verdicts(probe(subject("GET /health", refused=(418,)))) == [PREDECESSOR]


def test_a_backend_that_does_not_listen_is_unreachable(aws):
    """A backend that does not listen is unreachable."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    seeded(aws, {"GET /health": f"https://127.0.0.1:{port}/"})
    assert verdicts(probe(subject("GET /health"))) == [UNREACHABLE]


@pytest.mark.parametrize("fault", [unavailable(), unavailable(500), Drop()])
def test_a_call_that_may_have_reached_the_backend_is_not_repeated(aws, site, fault):
    """A call that may have reached the backend is not repeated."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    inject(aws, fault, times=1, after=2)
    report = probe(subject("GET /health"))
    assert len(aws.calls("TestInvokeMethod")) == report.calls == 3
    assert verdicts(report) == [UNKNOWN]
    assert report.results[0].successor.status is None
    assert "the call with the successor gave no status" in report.results[0].reason


def test_a_throttled_call_is_made_again_a_few_times(aws, site):
    """A throttled call is retried, because it did not reach the backend."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    inject(aws, throttled(), times=2)
    report = probe(subject("GET /health"))
    assert verdicts(report) == [NOT_REQUIRED]
    assert len(aws.calls("TestInvokeMethod")) == 5
    assert report.calls == len(site.seen) == 3


def test_a_call_that_stays_throttled_ends_the_probe_of_its_backend(aws, site):
    """A call that stays throttled ends the probe of its backend."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    inject(aws, throttled(), times=None)
    report = probe(subject("GET /health"))
    assert report.results == ()
    assert "was throttled" in report.not_probed[0].reason
    assert (len(aws.calls("TestInvokeMethod")), report.calls) == (3, 0)


def test_a_denied_call_says_what_to_allow(aws, site):
    """A denied call names the missing permission, and no other call to that backend is made."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    inject(aws, access_denied(), times=None)
    report = probe(subject("GET /health"))
    (missed,) = report.not_probed
    assert "was denied: the credentials lack apigateway:POST on" in missed.reason
    assert missed.remedy == (
        "allow apigateway:POST on /restapis/*/resources/*/methods/*; see policies/iam/probe.json"
    )
    assert (site.seen, report.calls, len(aws.calls("TestInvokeMethod"))) == ([], 0, 1)


def test_a_certificate_that_aws_no_longer_has_leaves_the_verdict_unknown(aws, site):
    """A certificate that AWS no longer has leaves the verdict unknown."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    answers = iter([403, 200])
    site.answer = lambda *_: next(answers)
    report = probe(subject("GET /health", old="g0ne00"))
    assert verdicts(report) == [UNKNOWN]
    assert "the call with the predecessor gave no status" in report.results[0].reason


def test_a_slow_call_ends_with_the_timeout(aws, site):
    """A slow call ends with the timeout, and the next calls are made."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    using = gateways(timeout=6.0)
    planned = plan(subject("GET /health"), using=using)
    inject(aws, Hang(seconds=20), times=1)
    begun = time.monotonic()
    report = run_probe(using, ProbeWish(now=NOW), planned)
    # This is less than the hang, even on a busy machine.
    assert time.monotonic() - begun < 20
    assert report.results[0].control.status is None
    assert (report.calls, len(site.seen)) == (3, 2)


def test_ctrl_c_returns_what_was_answered(aws, site):
    """After Ctrl-C the answered backends are returned, and no further call is made."""
    other = Web()
    try:
        seeded(
            aws,
            {
                "GET /a": f"{site.url}/a",
                "GET /b": f"{other.url}/b",
                "GET /c": "http://127.0.0.1:1/",
            },
        )
        begun = threading.Event()

        def slow(*_):
            begun.set()
            time.sleep(1)
            return 200

        other.answer = slow
        using = gateways()
        planned = plan(subject("GET /a", "GET /b", "GET /c"), using=using)
        main = threading.main_thread().ident
        threading.Thread(
            target=lambda: (begun.wait(20), signal.pthread_kill(main, signal.SIGINT)), daemon=True
        ).start()
        report = run_probe(using, ProbeWish(now=NOW), planned)
        time.sleep(1.5)
    finally:
        other.close()
    assert report.interrupted
    assert [each.target.path for each in report.results] == ["/a"]
    assert [str(each.backend) for each in report.not_probed] == [other.url, "http://127.0.0.1:1"]
    assert all("interrupted" in each.reason for each in report.not_probed)
    assert report.calls == 4
    assert other.seen == ["GET /b"]


def test_an_api_gets_at_most_two_calls_a_second(aws, site, monkeypatch):
    """An API gets at most two calls a second, over all its backends."""
    monkeypatch.setattr(probes, "_SPACING", SPACING)
    other = Web()
    try:
        seeded(aws, {"GET /a": f"{site.url}/a", "GET /b": f"{other.url}/b"})
        arrivals = []
        for each in (site, other):
            each.answer = lambda *_: (arrivals.append(time.monotonic()), 200)[1]
        probe(subject("GET /a", "GET /b"))
    finally:
        other.close()
    assert len(arrivals) == 6
    for first, third in zip(arrivals, arrivals[2:], strict=False):
        assert third - first > 0.9


def test_the_calls_keep_the_pace_of_all_calls_of_the_run(aws, site, monkeypatch):
    """Reads and test calls share the request pace of the run."""
    waited = []
    own = RequestPace.wait
    monkeypatch.setattr(RequestPace, "wait", lambda self: (waited.append(self), own(self))[1])
    seeded(aws, {"GET /health": f"{site.url}/health"})
    probe(subject("GET /health"))
    assert len(waited) == 5
    assert len({id(each) for each in waited}) == 1


def test_the_calls_are_counted_with_the_traffic(aws, site):
    """Test calls are counted in the traffic."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    using = gateways()
    probe(subject("GET /health"), using=using)
    sent = {each.operation: each.sent for each in using.traffic()}
    assert sent["TestInvokeMethod"] == 3


def test_a_greedy_path_is_sent_as_it_was_named(aws, site):
    """A named path for a greedy resource is sent unchanged, with its query."""
    mapped = {"integration.request.path.proxy": "method.request.path.proxy"}
    seeded(aws, {"ANY /{proxy+}": SeedMethod(uri=f"{site.url}/{{proxy}}", mapped=mapped)})
    probe(subject("GET /deep/health?x=1"))
    assert site.seen == ["GET /deep/health?x=1"] * 3


def test_a_status_may_be_mapped_by_an_integration_of_type_http(aws, site):
    """If an HTTP integration may map the status, three equal answers confirm nothing, and the
    reason says so.
    """
    site.answer = lambda *_: 403
    seeded(aws, {"GET /h": SeedMethod(uri=f"{site.url}/h", type="HTTP", responses={"200": ""})})
    (result,) = probe(subject("GET /h")).results
    assert result.verdict is NOT_REQUIRED
    assert "integration of type HTTP may map" in result.reason


def test_the_policy_allows_every_call_and_each_of_its_lines_is_needed(aws, site):
    """The policy allows each call of a probe, and each grant is needed."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    aws.forget_calls()
    probe(subject("GET /health"))
    calls = aws.calls()
    own = grants("probe.json")
    assert [call for call in calls if not any(allows(grant, call) for grant in own)] == []
    assert [grant for grant in own if not any(allows(grant, call) for call in calls)] == []


def test_the_policy_allows_no_write():
    """The policy allows POST only on methods, which is the test call, and no write."""
    own = grants("probe.json")
    assert [resource for action, resource in own if action == "apigateway:POST"] == [
        "arn:aws:apigateway:*::/restapis/*/resources/*/methods/*"
    ]
    assert {action for action, _ in own} == {
        "apigateway:GET",
        "apigateway:POST",
        "sts:GetCallerIdentity",
    }


def test_everything_is_answered_where_all_other_operations_are_denied(aws, site):
    """A probe works if only its reads and the test call are allowed."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    aws.faults.allow_only("GetResources", "GetStage", "TestInvokeMethod", "GetCallerIdentity")
    assert verdicts(probe(subject("GET /health"))) == [NOT_REQUIRED]


def test_a_denial_names_an_action_that_the_policy_has():
    """The permission named after a denied call is in the policy."""
    resources = {resource.partition("::")[2] for _, resource in grants("probe.json")} - {""}
    assert {
        action_for(name).partition(" on ")[2] for name in ("GetResources", "TestInvokeMethod")
    } <= resources


@pytest.mark.parametrize(
    "answer",
    [{}, {"status": "ok"}, {"status": True}, {"status": 42}, [], {"status": None, "log": "x"}],
)
def test_an_answer_that_is_none_of_aws_confirms_nothing(aws, site, web, answer):
    """An answer that is not from AWS confirms nothing."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    planned = plan(subject("GET /health"))
    web(lambda *_: (200, "application/json", json.dumps(answer).encode()))
    report = run_probe(gateways(), ProbeWish(now=NOW), planned)
    assert verdicts(report) in ([UNKNOWN], [])
    assert not any(each.verdict.confirms for each in report.results)


def test_the_pair_of_a_result_is_that_of_the_subject(aws, site):
    """A result has the certificates and fingerprints of its subject."""
    seeded(aws, {"GET /health": f"{site.url}/health"})
    (result,) = probe(subject("GET /health")).results
    assert result.target.pair == pair()
