"""Deadlines as text: every report uses the same words, and none calls a past date a deadline."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from msgspec import Struct


class Late(Struct, frozen=True, kw_only=True):
    """The trust window does not fit before the certificate's end, or the certificate has ended.

    `window_ends` is the end of the trust window: of the successor in state, or of one that is
    applied now. It is None if AWS does not give the creation date of the successor. `introduced`
    says whether the successor is in state.
    """

    ends: datetime
    window_ends: datetime | None
    introduced: bool


class LatePlan(Struct, frozen=True, kw_only=True):
    """The plan for a late rotation: the cause, the steps in order, and the risk of each choice."""

    why: str
    steps: tuple[str, ...]
    risks: tuple[str, ...]


def moment(instant: datetime) -> str:
    """Format an instant in UTC: a date, with hours and minutes unless it is midnight.

    It is rounded up to the minute, so that the printed time is never before the instant.
    """
    at = instant.astimezone(UTC)
    if at.second or at.microsecond:
        at = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return (
        f"{at:%Y-%m-%d}"
        if at.timetz().replace(tzinfo=None) == time()
        else f"{at:%Y-%m-%d %H:%M} UTC"
    )


def due(by: datetime, as_of: datetime) -> str:
    """Format a deadline: `by 2026-11-29`, or `now (was due 2026-11-29)` from that moment on."""
    return f"by {by:%Y-%m-%d}" if as_of < by else f"now (was due {by:%Y-%m-%d})"


def left_in_words(at: datetime, as_of: datetime) -> str:
    """Format the time until a moment or since it, in whole days, rounded down.

    It counts elapsed time, not dates: two days after midnight is `2 days ago` from the first moment
    on, and the last moment before is `in less than a day`.
    """
    ahead = at >= as_of
    days = abs(at - as_of) // timedelta(days=1)
    words = f"{days:,} day{'s' * (days != 1)}" if days else "less than a day"
    return f"in {words}" if ahead else f"{words} ago"


def late_plan(late: Late, as_of: datetime) -> LatePlan:
    """Return the steps and the risks of a late rotation, in the order with the least loss."""
    ended = late.ends <= as_of
    if ended:
        why = f"Late: the certificate ended on {late.ends:%Y-%m-%d}."
        end = (
            "Until a stage moves, it presents a certificate that has ended: "
            "a backend that checks dates refuses its calls now."
        )
    else:
        window = (
            f"the trust window ends on {late.window_ends:%Y-%m-%d}, after"
            if late.window_ends
            else "the trust window outlasts"
        )
        why = f"Late: {window} the certificate's end on {late.ends:%Y-%m-%d}."
        end = (
            f"If a stage waits beyond {late.ends:%Y-%m-%d}, it presents a certificate that has "
            "ended: a backend that checks dates refuses its calls."
        )
    introduce = (
        ()
        if late.introduced
        else ("Apply introduce now: it makes the successor and touches no stage.",)
    )
    return LatePlan(
        why=why,
        steps=(
            *introduce,
            (
                "Give the successor's PEM to every backend, beside the old one: "
                "`tfcert bundle` writes both."
            ),
            "Ask the owner of each backend to confirm that it trusts both.",
            "Then repoint without waiting for the trust window: `tfcert patch --phase repoint`.",
        ),
        risks=(
            (
                "If a stage moves before its backend trusts the successor, "
                "that backend refuses every call of the stage."
            ),
            end,
        ),
    )
