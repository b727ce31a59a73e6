"""The verdict on three calls to a backend: without a certificate, with the predecessor, with the
successor.
"""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import assert_recorded

from checker.model.probe import REFUSED_STATUSES, ProbeAnswer, ProbeVerdict, judge

BOTH, SUCCESSOR, PREDECESSOR, NOT_REQUIRED, UNREACHABLE, UNKNOWN = ProbeVerdict

STATUSES = st.sampled_from(
    [None, 200, 204, 302, 404, *REFUSED_STATUSES, 418, 429, 500, 502, 503, 504]
)
LOGS = st.sampled_from([None, True, False])


@st.composite
def answers(draw):
    """Draw an answer of a call; only a failed call may have a TLS failure in its log."""
    status = draw(STATUSES)
    return ProbeAnswer(status=status, tls_failure=draw(LOGS) if (status or 0) >= 500 else None)


def verdict(control, predecessor, successor, **rest):
    three = (ProbeAnswer(status=status) for status in (control, predecessor, successor))
    return judge(*three, **rest)[0]


@pytest.mark.parametrize(
    ("control", "predecessor", "successor", "expected"),
    [
        # nginx answers HTTP 400 without a certificate, and with one that it does not trust.
        (400, 200, 400, PREDECESSOR),
        (400, 400, 200, SUCCESSOR),
        (400, 200, 200, BOTH),
        (400, 400, 400, UNKNOWN),
        (496, 495, 495, PREDECESSOR),
        # The server ends the handshake: API Gateway answers 500 without a log.
        (500, 200, 500, PREDECESSOR),
        (500, 500, 200, SUCCESSOR),
        (500, 200, 200, BOTH),
        (500, 500, 500, UNKNOWN),
        # A handshake without a certificate fails, and a wrong certificate gets 403 (pinned).
        (500, 200, 403, PREDECESSOR),
        (500, 403, 200, SUCCESSOR),
        # Optional verification: a refused successor is refused although the control call passed.
        (200, 200, 400, PREDECESSOR),
        (200, 400, 400, PREDECESSOR),
        (200, 200, 500, PREDECESSOR),
        (200, 500, 500, PREDECESSOR),
        (200, 400, 200, NOT_REQUIRED),
        (200, 200, 200, NOT_REQUIRED),
        (404, 404, 404, NOT_REQUIRED),
        # The application requires a header: the predecessor's answer is the reference.
        (400, 401, 401, BOTH),
        (500, 401, 401, BOTH),
        (400, 403, 403, BOTH),
        # HAProxy and Envoy answer 403 to unpinned certificates, and end the handshake without one.
        (500, 403, 403, UNKNOWN),
        (401, 401, 401, UNKNOWN),
        (400, 401, 400, PREDECESSOR),
        # Both certificates fail, but a call without one gets an answer: the cause is unknown.
        (403, 500, 500, UNKNOWN),
        (400, 200, 404, UNKNOWN),
        (400, 200, 204, BOTH),
        (504, 504, 504, UNREACHABLE),
        (502, 503, 504, UNREACHABLE),
        (400, 200, 503, UNKNOWN),
        (504, 200, 504, PREDECESSOR),
        # A slow or busy backend proves nothing about the certificate of that call.
        (504, 200, 200, UNKNOWN),
        (503, 403, 200, UNKNOWN),
        (403, 504, 200, UNKNOWN),
        (429, 200, 200, UNKNOWN),
        (403, 429, 200, UNKNOWN),
        (403, 403, 429, UNKNOWN),
        (403, 200, 429, UNKNOWN),
        (200, 200, 429, UNKNOWN),
        (403, 429, 403, UNKNOWN),
        (429, 429, 429, UNKNOWN),
        (429, 200, 403, PREDECESSOR),
        (504, 401, 401, UNKNOWN),
        (401, 504, 401, UNKNOWN),
        (None, 200, 200, UNKNOWN),
        (400, None, 200, UNKNOWN),
        (400, 200, None, UNKNOWN),
        (None, 200, 403, PREDECESSOR),
        (None, None, 403, UNKNOWN),
        (403, None, 403, UNKNOWN),
        (None, None, None, UNKNOWN),
    ],
)
def test_each_pattern_of_statuses_has_one_meaning(control, predecessor, successor, expected):
    """Each combination of three statuses has one verdict: a call is refused by status or by
    failing.
    """
    assert verdict(control, predecessor, successor) is expected


def test_an_ended_predecessor_is_no_yardstick():
    """An expired predecessor is no reference for the successor: its status proves nothing."""
    assert verdict(400, 401, 401, predecessor_ended=True) is PREDECESSOR
    assert verdict(400, 400, 200, predecessor_ended=True) is SUCCESSOR
    assert verdict(400, 200, 404, predecessor_ended=True) is BOTH


def test_the_refused_statuses_are_the_users():
    """The refused statuses are configurable; others count as passed."""
    assert verdict(404, 200, 404, refused_statuses=[404]) is PREDECESSOR
    assert verdict(404, 200, 200, refused_statuses=[404]) is BOTH
    assert verdict(403, 403, 403, refused_statuses=[404]) is NOT_REQUIRED
    assert verdict(500, 200, 500, refused_statuses=[]) is PREDECESSOR


def test_a_handshake_that_failed_without_a_status_counts_as_failed():
    """A failed TLS handshake without a status counts as a failed call."""
    failed, passed = ProbeAnswer(tls_failure=True), ProbeAnswer(status=200)
    assert judge(failed, passed, failed)[0] is PREDECESSOR
    assert judge(failed, passed, passed)[0] is BOTH


def test_the_reason_says_why_a_call_gave_no_status():
    """The reason explains the first call without a status."""
    none = ProbeAnswer(reason="the call was denied")
    found = judge(ProbeAnswer(status=400), ProbeAnswer(status=200), none)
    assert found == (UNKNOWN, "the call with the successor gave no status: the call was denied")


def test_a_header_is_the_way_out_where_all_calls_are_refused_alike():
    """If all calls are refused alike, the reason says to give a header."""
    assert "give a header" in judge(*[ProbeAnswer(status=401)] * 3)[1]


@given(answers(), answers(), answers(), st.booleans())
def test_a_refused_successor_is_never_trusted(control, predecessor, successor, ended):
    """A refused successor is confirmed only if the predecessor got the same status and the control
    call did not.
    """
    found, reason = judge(control, predecessor, successor, predecessor_ended=ended)
    refused = successor.status in REFUSED_STATUSES
    yardstick = not ended and predecessor.status == successor.status != control.status
    if refused and not yardstick:
        assert not found.confirms
    if successor.status is None or successor.status >= 500:
        assert not found.confirms
    assert reason


@given(answers(), answers(), answers(), st.booleans())
def test_nothing_is_confirmed_if_the_control_call_passed_or_is_missing(
    control, predecessor, successor, ended
):
    """Nothing is confirmed if the control call passed or has no status."""
    found, _ = judge(control, predecessor, successor, predecessor_ended=ended)
    if control.status is None or (control.status < 500 and control.status not in REFUSED_STATUSES):
        assert not found.confirms


@given(answers(), answers(), answers(), st.booleans())
def test_nothing_is_confirmed_by_the_haste_of_a_backend(control, predecessor, successor, ended):
    """Nothing is confirmed by a status of a slow or busy backend (429, 503, 504)."""
    found, _ = judge(control, predecessor, successor, predecessor_ended=ended)
    hurried = {429, 503, 504}
    if hurried & {successor.status, control.status}:
        assert not found.confirms


@given(answers(), answers(), answers(), st.booleans(), st.tuples(LOGS, LOGS, LOGS))
def test_the_logs_change_no_verdict(control, predecessor, successor, ended, logs):
    """The statuses alone decide; different logs give the same verdict."""
    three = (control, predecessor, successor)
    found, _ = judge(*three, predecessor_ended=ended)
    for order in permutations(logs):
        other = (
            ProbeAnswer(status=each.status, tls_failure=log if (each.status or 0) >= 500 else None)
            for each, log in zip(three, order, strict=True)
        )
        assert judge(*other, predecessor_ended=ended)[0] is found


@given(answers(), st.booleans())
def test_three_calls_alike_confirm_and_refuse_nothing(answer, ended):
    """Three equal answers neither confirm nor refuse."""
    found, _ = judge(answer, answer, answer, predecessor_ended=ended)
    assert not found.confirms
    assert not found.refuses


def test_a_log_alone_confirms_and_refuses_nothing():
    """A passed call whose log has a TLS failure gives an unknown verdict."""
    passed, odd = ProbeAnswer(status=200), ProbeAnswer(status=200, tls_failure=True)
    assert judge(ProbeAnswer(status=400), passed, odd)[0] is UNKNOWN


RECORDED = Path(__file__).parents[2] / "fixtures" / "scenarios" / "probe.json"


def test_every_word_of_a_verdict():
    """The reason for each combination of statuses equals the recorded text."""
    statuses = (None, 200, 204, 400, 401, 403, 404, 500, 503)
    found = {
        f"{control}, {predecessor}, {successor}": judge(
            *(ProbeAnswer(status=each) for each in (control, predecessor, successor))
        )[1]
        for control in statuses
        for predecessor in statuses
        for successor in statuses
    }
    failed = ProbeAnswer(status=500, tls_failure=True)
    found["a handshake"] = judge(ProbeAnswer(status=400), ProbeAnswer(status=200), failed)[1]
    found["no answer"] = judge(*[ProbeAnswer(status=None, reason="it timed out")] * 3)[1]
    assert_recorded("verdicts", found, RECORDED)
