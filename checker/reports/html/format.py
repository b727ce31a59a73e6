"""Names, dates and time scales as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from checker.model.address import Address, print_key
from checker.model.cases import Case, Evidence
from checker.model.deadlines import left_in_words
from checker.model.observation import Found
from checker.model.policy import Policy
from checker.reports.escape import printable

if TYPE_CHECKING:
    from markupsafe import Markup


_DAY = timedelta(days=1)
_NAMES = "January February March April May June July August September October November December"
MONTHS = tuple(_NAMES.split())


class Name(NamedTuple):
    """An address in two parts: the leading path, and the resource's own name."""

    lead: str
    own: str

    def __str__(self) -> str:
        return self.lead + self.own


class StageName(NamedTuple):
    """A stage in a list; `when` is the planned change, empty if there is none.

    `again` means that the leading path is the same as for the previous stage and is not repeated.
    """

    name: Name
    when: str
    again: bool = False


def listed(stages: Iterable[StageName]) -> Iterator[StageName]:
    """Yield the stages in their order, and mark repeated leading paths."""
    lead = None
    for stage in stages:
        yield stage._replace(again=stage.name.lead == lead)
        lead = stage.name.lead


class Date(NamedTuple):
    """A moment: the instant in RFC 3339, and its day."""

    instant: str
    day: str


class Deadline(NamedTuple):
    """A deadline: its date, the time until then or since then in words, and whether it passed."""

    date: Date
    left: str
    passed: bool


def name_of(address: Address | None, otherwise: str) -> Name:
    """Split an address before its own name; without an address, use the other name."""
    if address is None:
        return Name("", otherwise)
    own = f"{address.name}{print_key(address.key)}"
    return Name(str(address)[: -len(own)], own)


def split(text: str) -> Name:
    """Split an address that is available as text only.

    It is split at the dot before the last word outside of brackets.
    """
    head = text.partition("[")[0] if text.endswith("]") else text
    at = head.rfind(".") + 1
    return Name(text[:at], text[at:])


def date_of(moment: datetime) -> Date:
    """Format a moment for a reader and for a machine."""
    moment = moment.astimezone(UTC)
    return Date(f"{moment.isoformat()[:19]}Z", day_of(moment))


def day_of(moment: date) -> str:
    """Format a day as every report does: 2026-12-06."""
    return f"{moment:%Y-%m-%d}"


def month_of(moment: datetime) -> str:
    """Format a month in words: December 2026."""
    return f"{MONTHS[moment.month - 1]} {moment.year}"


def deadline_of(by: datetime, as_of: datetime) -> Deadline:
    """Format a deadline, as seen from a moment."""
    return Deadline(date_of(by), "now" if by == as_of else left_in_words(by, as_of), by < as_of)


NOW = 18.0
_AHEAD = 81.0
_REACH = 400.0
_TICKS = (
    (-365, "a year ago"),
    (0, "now"),
    (7, "1 week"),
    (30, "30 days"),
    (60, "60 days"),
    (120, "120 days"),
    (240, "240 days"),
    (365, "1 year"),
)


class Tick(Struct, frozen=True):
    """A mark of the scale: its position in per cent of the width, its text, and its day."""

    at: str
    label: str
    day: str
    name: str


def place(days: float) -> float:
    """Return the position of a moment in a number of days, in per cent of the width.

    A moment outside of the scale is at its edge.
    """
    share = sqrt(min(abs(days), _REACH) / _REACH)
    return NOW + _AHEAD * share if days >= 0 else NOW - NOW * share


def percent(at: float) -> str:
    """Format a position for the page: a hundredth of a per cent is a tenth of a pixel."""
    return f"{at:.2f}".rstrip("0").rstrip(".") + "%"


def ticks(as_of: datetime) -> Iterator[Tick]:
    """Yield the marks of the scale for a moment."""
    for days, label in _TICKS:
        day = as_of + timedelta(days=days)
        name = "ago" if days < 0 else "now" if days == 0 else f"d{days}"
        yield Tick(percent(place(days)), label, day_of(day), name)


_A_LIFE = timedelta(days=365)


class LifeSpan(NamedTuple):
    """A part of the line: `life`, `notice`, `threshold`, `planned` or `unknown`.

    `planned` is a life that has not begun, `unknown` is one without an end.
    """

    kind: str
    at: str
    width: str


class LifeMark(NamedTuple):
    """A sign on the line: `introduce`, `repoint`, `end` or `recorded`.

    `end` is an end that AWS confirmed, `recorded` is one that AWS has not confirmed.
    """

    kind: str
    at: str


class Life(NamedTuple):
    """The parts and signs of the line."""

    stretches: tuple[LifeSpan, ...]
    marks: tuple[LifeMark, ...]


def life_of(
    case: Case, due: tuple[tuple[str, datetime], ...], policy: Policy, as_of: datetime
) -> Life:
    """Return the line of one certificate.

    A certificate of API Gateway without a known beginning began 365 days before its end.
    """
    end = case.expires_at
    if end is None:
        kind = "planned" if case.id is None else "unknown"
        return Life(stretches=(_stretch(kind, as_of, as_of + _A_LIFE, as_of),), marks=())
    start = _start(case, end)
    threshold, notice = (
        end - timedelta(days=policy.threshold_days),
        end - timedelta(days=policy.notice_days),
    )
    spans = (
        ("life", start, min(end, notice)),
        ("notice", max(start, notice), min(end, threshold)),
        ("threshold", max(start, threshold), end),
    )
    stretches = tuple(
        _stretch(kind, first, last, as_of) for kind, first, last in spans if first < last
    )
    last = "end" if case.evidence is Evidence.OBSERVED else "recorded"
    marks = (*due, (last, end))
    return Life(
        stretches=stretches,
        marks=tuple(LifeMark(kind, percent(_share(moment, as_of))) for kind, moment in marks),
    )


def _start(case: Case, end: datetime) -> datetime:
    created = case.observation.created_at if isinstance(case.observation, Found) else None
    return min(created or case.certificate.created_at or end - _A_LIFE, end)


def _stretch(kind: str, first: datetime, last: datetime, as_of: datetime) -> LifeSpan:
    start, end = _share(first, as_of), _share(last, as_of)
    return LifeSpan(kind, percent(start), percent(max(end - start, 0.1)))


def _share(moment: datetime, as_of: datetime) -> float:
    return place((moment - as_of) / _DAY)


def named(name: Name) -> Markup:
    """Format an address with its own name emphasised."""
    from markupsafe import Markup, escape

    # A long leading path breaks at its dots first.
    lead = (
        f"<span>{str(escape(printable(name.lead))).replace('.', '.<wbr>')}</span>"
        if name.lead
        else ""
    )
    # Both parts are escaped.
    return Markup(f'<code class="name">{lead}{escape(printable(name.own))}</code>')  # noqa: S704


def dated(date: Date) -> Markup:
    """Format a day, with its instant for machines."""
    from markupsafe import Markup

    # Only digits and dashes.
    return Markup(f'<time datetime="{date.instant}">{date.day}</time>')  # noqa: S704


def draw_life(life: Life) -> Markup:
    """Draw a certificate's line as SVG: its parts, then the past and now, then its signs."""
    from markupsafe import Markup

    stretches = "".join(
        f'<rect class="{part.kind}" x="{part.at}" width="{part.width}"/>' for part in life.stretches
    )
    marks = "".join(
        f'<use href="#m-{mark.kind}" class="{mark.kind}" x="{mark.at}"/>' for mark in life.marks
    )
    return Markup(f'{stretches}<use href="#m-grid"/>{marks}')  # noqa: S704 -- our own text


_CODE = re.compile(r"`([^`]+)`")
# A date or an instant is not broken at its dashes.
_WHOLE = re.compile(r"\b\d{4}-\d\d-\d\d(?: \d\d:\d\d UTC)?\b")
_STARTS = re.compile(r"[a-z]+(?:[,:]? [a-z0-9'`]|$)")


def prose(text: str, starts: bool = True) -> Markup:  # noqa: FBT001, FBT002 -- a filter of Jinja
    """Format a sentence for the page: capitalised, unless it begins with a name or an address."""
    from markupsafe import Markup, escape

    text = printable(text)
    if starts and _STARTS.match(text):
        text = text[0].upper() + text[1:]
    made = _WHOLE.sub(r'<span class="whole">\g<0></span>', str(escape(text)))
    return Markup(_CODE.sub(r"<code>\1</code>", made))  # noqa: S704 -- escaped before
