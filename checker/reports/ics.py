"""A calendar of deadlines (iCalendar), which stays the same from run to run.

An event is one deadline of one certificate. Its UID names both, and its stamp is the certificate's
creation: so a calendar that reads the file again updates the event and adds none. Source: RFC 5545,
3.8.4.7 (UID) and 3.8.7.2 (DTSTAMP).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event, Timezone, TimezoneStandard

from checker.analysis.scoping import Scoping
from checker.model.cases import Case, DocumentCases
from checker.model.outcome import Outcome
from checker.model.rotation import Rotation
from checker.reports.escape import printable
from checker.reports.presenting import deadlines_of_case

_ENDS = "ends"
_TITLES = {
    "introduce": "Introduce the successor of client certificate {name}",
    "repoint": "Repoint the stages of client certificate {name}",
    _ENDS: "Client certificate {name} ends",
}
_TO_DO = {
    "introduce": "On this day at the latest, apply the patch of phase introduce (tfcert patch).",
    "repoint": "On this day at the latest, apply the patch of phase repoint (tfcert patch).",
    _ENDS: "From then on, a backend that checks dates refuses the calls of its stages.",
}


def render(outcome: Outcome) -> str:
    """Write the deadlines of every certificate that a stage presents, the earliest first.

    A deadline is a day in UTC. A certificate whose end is not known has no event, nor has one that
    ACM renews. A calendar needs a part (RFC 5545, 3.6): without a deadline it is the time zone.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//tfcert//client certificates//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "API Gateway client certificates")
    events = {str(event["uid"]): (event["dtstart"].to_ical(), event) for event in _events(outcome)}
    for _, (_, event) in sorted(events.items(), key=lambda one: (one[1][0], one[0])):
        calendar.add_component(event)
    if not events:
        calendar.add_component(_utc())
    text: str = calendar.to_ical().decode()
    return text


def _events(outcome: Outcome) -> Iterator[Event]:
    scoping = Scoping(outcome.cases)
    of_block = {rotation.label: rotation for rotation in outcome.rotations}
    for part in outcome.cases.documents:
        for case in part.cases:
            if case.presented and case.id is not None and case.expires_at is not None:
                block = str(case.address.block) if case.address is not None else case.id
                yield from _of_case(part, case, of_block.get(block), scoping)


def _of_case(
    part: DocumentCases, case: Case, rotation: Rotation | None, scoping: Scoping
) -> Iterator[Event]:
    assert case.expires_at is not None  # noqa: S101 -- the caller looks
    policy = scoping.policy_of(part, (case,))
    due = deadlines_of_case(case, rotation, policy)
    if due or case.certificate.kind == "gateway":
        for name, at in (*due, (_ENDS, case.expires_at)):
            yield _event(case, name, at)


def _event(case: Case, name: str, at: datetime) -> Event:
    label = printable(str(case.address) if case.address is not None else str(case.id))
    place = case.subject.place
    stages = sorted({stage.label for stage in case.subject.stages})
    day = at.astimezone(UTC).date()
    event = Event()
    event.add("uid", _uid(case, name))
    event.add("dtstamp", case.made_at or datetime(1970, 1, 1, tzinfo=UTC))
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", _TITLES[name].format(name=label))
    event.add(
        "description",
        "\n".join(
            (
                _TO_DO[name],
                f"Certificate {printable(str(case.id))}, {place}.",
                f"Stages: {printable(', '.join(stages))}",
            )
        ),
    )
    event.add("transp", "TRANSPARENT")
    event.add("categories", ["tfcert"])
    return event


def _uid(case: Case, name: str) -> str:
    """Return the UID: the same in every run for one deadline of one certificate."""
    place = case.subject.place
    parts = (place.account or "", place.region or "", case.id or "", name)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:32]}@tfcert"


def _utc() -> Timezone:
    zone = Timezone()
    zone.add("tzid", "UTC")
    standard = TimezoneStandard()
    standard.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 -- RFC 5545, 3.6.5: local time
    standard.add("tzoffsetfrom", timedelta(0))
    standard.add("tzoffsetto", timedelta(0))
    zone.add_component(standard)
    return zone
