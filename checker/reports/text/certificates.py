"""The table of certificates in the plain-text report, the most urgent first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from checker.model.cases import Case, DocumentCases, Evidence
from checker.model.observation import Observations
from checker.model.outcome import Outcome
from checker.model.policy import Policy
from checker.reports.presenting import presenters_in_words, searched
from checker.reports.text.layout import Line, TextSpan, Tone, wrapped

# Of more rows than the first number, so many are shown as the second, unless all are wanted.
_MOST, _FEW = 12, 3
_MONTHS = 12
_DAYS_OF_A_MONTH = 30
_LEFT = 10
_SOON, _NEAR = 30, 60


def is_empty_scan(part: DocumentCases) -> bool:
    """Return whether an account and region was scanned completely and contains nothing to show."""
    found = part.document
    return found.source.kind == "aws" and not (found.stages or part.cases or found.unread)


def folded_policies(outcome: Outcome) -> Callable[[DocumentCases, Case], Policy]:
    """Return a function that gives the policy of a certificate, whose notice decides the fold."""
    if not outcome.cases.policy.scopes:
        return lambda _part, _case: outcome.cases.policy
    # Imported here: a run without scopes has no use for it.
    from checker.analysis.scoping import Scoping

    scoping = Scoping(outcome.cases)
    return lambda part, case: scoping.policy_of(part, (case,))


def table(
    part: DocumentCases,
    width: int,
    observations: Observations,
    policy_of: Callable[[DocumentCases, Case], Policy] | None,
) -> Iterator[Line]:
    """Yield two lines for each certificate.

    The first has its days left, a mark for each month, its end and its stages; the second its
    address. The certificates beyond the notice are one line, and so are those after the
    first few; with None as `policy_of`, all of them are shown.
    """
    known = sorted((case for case in part.cases if case.id is not None), key=_urgency)
    planned = part.document.plan is not None
    shown = [
        case
        for case in known
        if policy_of is None or _is_near(case, policy_of(part, case), planned=planned)
    ]
    if policy_of is not None:
        # The findings name those that are near their end.
        shown = shown if len(shown) <= _MOST else shown[:_FEW]

    for case in shown:
        presented = _presented(case, part, observations)
        tone = _tone(case) if case.presented else Tone.FAINT
        ends = f"{case.expires_at:%Y-%m-%d}" if case.expires_at is not None else "not known"
        row = (
            TextSpan(f"{_left(case):<{_LEFT}}", tone, whole=True),
            TextSpan(f"{_bar(case)}  ", tone, whole=True),
            TextSpan(f"{ends:<10} ({case.evidence})", whole=True),
            TextSpan(f"  {case.id}, presented by {presented}"),
        )
        yield from wrapped(row, width, indent=2, hanging=2 + _LEFT)
        yield from wrapped((TextSpan(_name(case, part), Tone.STRONG),), width, indent=2 + _LEFT)
    if len(shown) < len(known):
        hidden = set(map(id, shown))
        rest = [case for case in known if id(case) not in hidden]
        yield from wrapped((TextSpan(_rest(rest, among=bool(shown)), Tone.FAINT),), width, indent=2)


def _is_near(case: Case, policy: Policy, *, planned: bool) -> bool:
    """Return whether a certificate is shown: it is near its end, in doubt, or the plan moves it."""
    doubtful = case.evidence is Evidence.GONE or (case.days_left is None and case.presented)
    return doubtful or case.within(policy.notice_days) or (planned and _now(case) != _then(case))


def _rest(cases: Sequence[Case], *, among: bool) -> str:
    more = " more" if among else ""
    noun = f"{len(cases):,}{more} certificate{'s' * (len(cases) != 1)}"
    show = "shows them" if len(cases) != 1 else "shows it"
    first = min((case.expires_at for case in cases if case.expires_at is not None), default=None)
    if first is None:
        return f"{noun} without a known end (--all {show})"
    if len(cases) == 1:
        return f"{noun} ends on {first:%Y-%m-%d} (--all {show})"
    return f"{noun} end on {first:%Y-%m-%d} or later (--all {show})"


def _now(case: Case) -> set[str]:
    return {stage.label for stage in case.subject.now}


def _then(case: Case) -> set[str]:
    # A stage that only AWS shows is not in the plan, which leaves it as it is.
    return {stage.label for stage in (*case.subject.to_be_presented_by, *case.subject.shown_by)}


def _presented(case: Case, part: DocumentCases, observations: Observations) -> str:
    """Return which stages present a certificate, and whether the plan ends or begins that."""
    now, then = _now(case), _then(case)
    words = presenters_in_words(len(now | then), searched(part, case, observations))
    if now == then or part.document.plan is None:
        return words
    if not then:
        return f"{words} until the plan is applied"
    if not now:
        return f"{words} once the plan is applied"
    return f"{len(now)} now, {len(then)} once the plan is applied"


def _urgency(case: Case) -> tuple[bool, int, str, str]:
    return (case.days_left is None, case.days_left or 0, str(case.address), case.id or "")


def _name(case: Case, part: DocumentCases) -> str:
    if case.address is not None:
        return str(case.address)
    if part.document.source.kind != "aws":
        return "(not in this state)"
    return (
        "(unmanaged)"
        if part.document.manages(case.certificate) is False
        else "(not known whether it is managed)"
    )


def _bar(case: Case) -> str:
    if case.days_left is None:
        return "?" * _MONTHS
    filled = max(0, min(_MONTHS, -(-case.days_left // _DAYS_OF_A_MONTH)))
    return "#" * filled + "." * (_MONTHS - filled)


def _left(case: Case) -> str:
    if case.evidence is Evidence.GONE:
        return "gone"
    match case.days_left:
        case None:
            return "not known"
        case 1 | -1:
            return f"{case.days_left} day"
        case days:
            return f"{days} days"


def _tone(case: Case) -> Tone:
    if case.evidence is Evidence.GONE:
        return Tone.ERROR
    if case.days_left is None:
        return Tone.WARNING
    if case.days_left <= _SOON:
        return Tone.ERROR
    return Tone.WARNING if case.days_left <= _NEAR else Tone.GOOD
