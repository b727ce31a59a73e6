"""Probes of backends: what is called, what comes back, and what that shows about trust.

A probe calls a backend three times through API Gateway's TestInvokeMethod: without a client
certificate (the control call), with the predecessor and with the successor.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from checker.model.trust import StagePair

PROBE_VERSION = 1
# The statuses with which servers refuse a client certificate; nginx has 495 and 496 for it alone.
# Source: nginx, ngx_http_ssl_module, "Error Processing".
REFUSED_STATUSES = (400, 401, 403, 495, 496)
_ONLY_CERTIFICATES = frozenset({495, 496})
CALLS_PER_BACKEND = 3


class ProbeVerdict(StrEnum):
    """What the three calls show about one backend."""

    BOTH = "trusts both"
    SUCCESSOR_ONLY = "trusts the successor only"
    PREDECESSOR_ONLY = "trusts the predecessor only"
    NOT_REQUIRED = "requires no certificate"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"

    @property
    def confirms(self) -> bool:
        """Return whether the backend trusts the successor."""
        return self in {ProbeVerdict.BOTH, ProbeVerdict.SUCCESSOR_ONLY}

    @property
    def refuses(self) -> bool:
        """Return whether the backend refuses the successor."""
        return self is ProbeVerdict.PREDECESSOR_ONLY


class ProbeBackend(Struct, frozen=True, kw_only=True):
    """A backend behind an API; `vpc_link` is the id of the link that leads to it, if any.

    `scheme` is `https` or `http`; `host` is in lower case.
    """

    scheme: str
    host: str
    port: int
    vpc_link: str | None = None

    def __str__(self) -> str:
        link = f" by VPC link {self.vpc_link}" if self.vpc_link is not None else ""
        return f"{self.scheme}://{self.host}:{self.port}{link}"


class ProbeTarget(Struct, frozen=True, kw_only=True):
    """One backend of one stage with its two certificates, and the method that reaches it.

    `pair` has the stage, with the account that was asked, and both certificates; neither is None.
    `verb` and `path` are what is called, such as GET and `/health`; `resource_id` is the API's
    resource, which may be `/{proxy+}`.
    """

    pair: StagePair
    backend: ProbeBackend
    verb: str
    path: str
    resource_id: str

    @property
    def method(self) -> str:
        """Return the method as a policy names it."""
        return f"{self.verb} {self.path}"


class ProbeAnswer(Struct, frozen=True, kw_only=True):
    """What one call gave: the HTTP status, or the reason why there is none.

    `tls_failure` is whether API Gateway's log mentions a failed TLS handshake; None without a log.
    It explains a verdict and never decides one: the form of the log is not documented. `latency` is
    in milliseconds.
    """

    status: int | None = None
    tls_failure: bool | None = None
    reason: str | None = None
    latency: int | None = None


class ProbedBackend(Struct, frozen=True, kw_only=True):
    """A backend that was probed: its verdict, the reason in words, and the three answers."""

    target: ProbeTarget
    verdict: ProbeVerdict
    reason: str
    control: ProbeAnswer
    predecessor: ProbeAnswer
    successor: ProbeAnswer


class NotProbed(Struct, frozen=True, kw_only=True):
    """A stage, or one backend of it, that was not probed: why, and what to do instead.

    `backend` is None if no backend of the stage could be named.
    """

    pair: StagePair
    reason: str
    remedy: str
    backend: ProbeBackend | None = None


class ProbeReport(Struct, frozen=True, kw_only=True):
    """The results of a probe.

    `calls` is the number of calls of TestInvokeMethod that were sent. `interrupted`: the user
    stopped the run, and the results are those that were complete by then.
    """

    made_at: datetime
    results: tuple[ProbedBackend, ...] = ()
    not_probed: tuple[NotProbed, ...] = ()
    calls: int = 0
    interrupted: bool = False
    version: int = PROBE_VERSION


class _Call(StrEnum):
    """What a call shows by itself. FAILED: a status from 500, of API Gateway or of the backend."""

    PASSED = "passed"
    REFUSED = "refused"
    FAILED = "failed"
    NOTHING = "nothing"


# API Gateway is expected to answer 500 for a failed handshake; its documentation does not say it.
# 502 to 504 also mean that the backend is down or slow.
_HANDSHAKE = 500
_FORBIDDEN = 403
_DOWN = frozenset({502, 503, 504})
_SLOW = frozenset({503, 504})
# A caller that is limited or too slow gets these, whatever its certificate. Source: RFC 9110,
# 15.5.9 (408), RFC 8470, 5.2 (425), and RFC 6585, 4 (429).
_LATER = frozenset({408, 425, 429})


def judge(
    control: ProbeAnswer,
    predecessor: ProbeAnswer,
    successor: ProbeAnswer,
    refused_statuses: Collection[int] = REFUSED_STATUSES,
    *,
    predecessor_ended: bool = False,
) -> tuple[ProbeVerdict, str]:
    """Return what three answers show, and why; the why is a clause without a period.

    Only statuses decide; the log only explains. A status from 500 is a failed call, as a refused
    handshake gives it. A refused successor is refused, whatever the control call gave. The
    predecessor is the yardstick: a status that refuses counts as accepted if the predecessor gets
    the same one, and the control call is refused with another. An ended predecessor is no
    yardstick, and neither is a status that only means a refused certificate (495, 496), or a 403
    where the control call failed. If the control call passed, nothing is confirmed. A status of a
    slow or busy backend (408, 425, 429, 503, 504) refuses and confirms nothing by itself.
    """
    found = _Three(
        control=_status(control),
        predecessor=_status(predecessor),
        successor=_status(successor),
        refused=frozenset(refused_statuses),
        ended=predecessor_ended,
    )
    if successor.tls_failure is True and found.kind(found.successor) is _Call.PASSED:
        why = "its log mentions a TLS failure, and its status is"
        return ProbeVerdict.UNKNOWN, f"the call with the successor: {why} {successor.status}"
    verdict = found.verdict()
    calls = (
        ("with the successor", successor),
        ("without a certificate", control),
        ("with the predecessor", predecessor),
    )
    for name, answer in calls:
        if verdict is ProbeVerdict.UNKNOWN and _status(answer) is None:
            return verdict, f"the call {name} gave no status: {answer.reason or 'no answer came'}"
    return verdict, found.in_words(verdict, handshake=successor.tls_failure is True)


def _status(answer: ProbeAnswer) -> int | None:
    return _HANDSHAKE if answer.status is None and answer.tls_failure else answer.status


class _Three(Struct, frozen=True, kw_only=True):
    """The statuses of the three calls, and what counts as refused."""

    control: int | None
    predecessor: int | None
    successor: int | None
    refused: frozenset[int]
    ended: bool

    def kind(self, status: int | None) -> _Call:
        if status is None:
            return _Call.NOTHING
        if status in self.refused:
            return _Call.REFUSED
        if status in _LATER:
            return _Call.NOTHING
        return _Call.FAILED if status >= 500 else _Call.PASSED

    @property
    def _kinds(self) -> tuple[_Call, _Call]:
        return self.kind(self.control), self.kind(self.predecessor)

    @property
    def _alike(self) -> bool:
        return self.control == self.predecessor == self.successor

    def verdict(self) -> ProbeVerdict:
        match self.kind(self.successor):
            case _Call.PASSED:
                return self._when_passed()
            case _Call.REFUSED:
                return self._when_refused()
            case _Call.FAILED:
                return self._when_failed()
            case _Call.NOTHING:
                return ProbeVerdict.UNKNOWN

    def _when_passed(self) -> ProbeVerdict:
        match self._kinds:
            case (_Call.NOTHING, _) | (_, _Call.NOTHING):
                return ProbeVerdict.UNKNOWN
            case _Call.PASSED, _:
                return ProbeVerdict.NOT_REQUIRED
            case _ if self._hurried & {self.control, self.predecessor}:
                return ProbeVerdict.UNKNOWN
            case _, _Call.PASSED:
                fits = self.ended or self._like_the_predecessor
                return ProbeVerdict.BOTH if fits else ProbeVerdict.UNKNOWN
            case _:
                return ProbeVerdict.SUCCESSOR_ONLY

    def _when_refused(self) -> ProbeVerdict:
        control, predecessor = self._kinds
        missing = predecessor is _Call.NOTHING or self.predecessor in self._hurried
        unmeasured = missing and self.control == self.successor
        unproven = control is _Call.NOTHING and predecessor is not _Call.PASSED
        if self._alike or unmeasured or unproven:
            return ProbeVerdict.UNKNOWN
        measured = self.predecessor == self.successor and not self.ended
        other_means = control in {_Call.REFUSED, _Call.FAILED}
        if measured and other_means and self.successor not in _ONLY_CERTIFICATES:
            unclear = self._forbidden or self.control in self._hurried
            return ProbeVerdict.UNKNOWN if unclear else ProbeVerdict.BOTH
        return ProbeVerdict.PREDECESSOR_ONLY

    def _when_failed(self) -> ProbeVerdict:
        if _Call.PASSED in self._kinds:
            decided = self.successor not in _SLOW or self.successor == self.control
            return ProbeVerdict.PREDECESSOR_ONLY if decided else ProbeVerdict.UNKNOWN
        down = {self.control, self.predecessor, self.successor} <= _DOWN
        return ProbeVerdict.UNREACHABLE if down else ProbeVerdict.UNKNOWN

    @property
    def _hurried(self) -> frozenset[int]:
        """Return the statuses of a slow or busy backend, which say nothing about a certificate."""
        return (_SLOW | _LATER) - self.refused

    @property
    def _forbidden(self) -> bool:
        """Return whether both certificates get 403, and no certificate a failed handshake.

        HAProxy and Envoy refuse certificates that are not pinned in this way, and an application
        that wants a header looks the same.
        """
        return self.successor == _FORBIDDEN and self.kind(self.control) is _Call.FAILED

    @property
    def _like_the_predecessor(self) -> bool:
        statuses = (self.predecessor or 0, self.successor or 0)
        return statuses[0] == statuses[1] or all(200 <= status < 300 for status in statuses)

    def in_words(self, verdict: ProbeVerdict, *, handshake: bool) -> str:
        """Return the statuses, and what to do about a verdict that confirms nothing."""
        without = self.control if self.control is not None else "no status"
        before = self.predecessor if self.predecessor is not None else "no status"
        seen = (
            f"it answers the successor with {self.successor}, the predecessor with {before}, "
            f"and a call without a certificate with {without}"
        )
        match verdict:
            case ProbeVerdict.PREDECESSOR_ONLY if handshake:
                hint = "; the log mentions a TLS failure"
            case ProbeVerdict.PREDECESSOR_ONLY if self.predecessor != self.successor == 401:
                hint = "; if the application wants a header, give it"
            case ProbeVerdict.NOT_REQUIRED:
                hint = "; a call without a certificate passes too"
            case ProbeVerdict.UNKNOWN if self._hurried & {
                self.control,
                self.predecessor,
                self.successor,
            }:
                hint = "; a slow or busy backend answers so: run it again"
            case ProbeVerdict.UNKNOWN if self._alike:
                hint = "; if the application authenticates by other means, give a header"
            case ProbeVerdict.UNKNOWN if self.predecessor == self.successor and self._forbidden:
                hint = (
                    "; 403 may be for the certificate or for the caller: give a header, or take "
                    "403 out of refused_statuses"
                )
            case ProbeVerdict.UNKNOWN if self.kind(self.successor) is _Call.FAILED:
                hint = "; run it again"
            case _:
                hint = ""
        return seen + hint
