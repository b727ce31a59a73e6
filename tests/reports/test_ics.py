"""The calendar of deadlines, read by icalendar."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar
from msgspec.structs import replace
from outcomes import due, judged, many, pair
from world import NOW

from checker.errors import UsageError
from checker.model.inventory import Inventory
from checker.model.policy import Policy, Run
from checker.model.resources import Certificate
from checker.pipeline import check
from checker.reports import FORMATS


def events(outcome) -> list[tuple[str, date, datetime, str]]:
    """Return the UID, day, stamp and title of each event."""
    calendar = Calendar.from_ical(FORMATS["ics"].render(outcome))
    assert calendar.subcomponents
    return [
        (str(each["uid"]), each["dtstart"].dt, each["dtstamp"].dt, str(each["summary"]))
        for each in calendar.walk("VEVENT")
    ]


def at(moment: datetime, outcome, policy: Policy | None = None):
    """Return the outcome of the same documents at another moment or by another policy."""
    documents = tuple(part.document for part in outcome.cases.documents)
    run = Run(as_of=moment, policy=policy or outcome.cases.policy)
    return check(Inventory(documents=documents), None, run)


def test_each_certificate_in_use_has_its_deadlines(tmp_path):
    """A certificate in use has events for introduce, repoint and the end, by the policy's days."""
    found = events(due(tmp_path))
    assert [(day, title.split()[0]) for _, day, _, title in found] == [
        (date(2026, 11, 25), "Introduce"),
        (date(2026, 11, 28), "Repoint"),
        (date(2026, 12, 5), "Client"),
    ]
    assert len({uid for uid, *_ in found}) == 3


def test_the_calendar_of_the_next_day_has_the_same_bytes():
    """The calendar has the same bytes on any later day."""
    outcome = judged(pair("orders", None, "abc123", 200), pair("billing", None, "def456", 12))
    texts = {
        FORMATS["ics"].render(at(NOW + timedelta(days=days), outcome)) for days in (0, 1, 190, 300)
    }
    assert len(texts) == 1


def test_another_policy_moves_the_events_and_keeps_their_uids():
    """Another policy moves the events and keeps their UIDs and stamps."""
    outcome = judged(pair("orders", None, "abc123", 200))
    before, after = events(outcome), events(at(NOW, outcome, Policy(margin_days=20)))
    assert [uid for uid, *_ in before if uid not in {uid for uid, *_ in after}] == []
    assert [(day.isoformat()) for _, day, *_ in before] != [day.isoformat() for _, day, *_ in after]
    assert [stamp for *_, stamp, _ in before] == [stamp for *_, stamp, _ in after]


def test_the_stamp_is_the_creation_of_the_certificate():
    """The stamp is the creation of the certificate, or 365 days before its end."""
    ((_, _, stamp, _), *_) = events(judged(pair("orders", None, "abc123", 200)))
    assert stamp == (NOW + timedelta(days=200 - 365)).astimezone(UTC).replace(microsecond=0)


def test_a_certificate_of_two_states_has_its_events_once():
    """A certificate in two states has its events once; the same id in another account has
    its own.
    """
    one = pair("orders", None, "abc123", 200)
    there = judged(one).cases.documents[0].document
    other = replace(there, source=replace(there.source, path="other.json"))
    twice = check(Inventory(documents=(there, other)), None, Run(as_of=NOW, policy=Policy()))
    assert len(events(twice)) == 3
    moved = tuple(replace(each, place=replace(each.place, account="999999999999")) for each in one)
    assert len(events(judged(one, moved))) == 6


def test_what_has_no_deadline_has_no_event():
    """A certificate without an end or a stage, and an ACM certificate, have no events."""
    stage, certificate = pair("orders", None, "abc123", 12)
    assert events(judged()) == []
    assert events(judged((stage, replace(certificate, expires_at=None)))) == []
    assert (
        events(
            judged(
                (
                    replace(
                        stage,
                        presents=type(stage)(
                            address=None, kind=stage.kind, api_id=None, name=None
                        ).presents,
                    ),
                    certificate,
                )
            )
        )
        == []
    )
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    acm = Certificate(
        address=None, id=arn, kind="acm", place=certificate.place, expires_at=certificate.expires_at
    )
    assert events(judged((replace(stage, presents=replace(stage.presents, id=arn)), acm))) == []


def test_a_thousand_certificates():
    """A thousand certificates each have their three events, sorted by day."""
    found = events(many(1000))
    assert len(found) == len({uid for uid, *_ in found}) == 3000
    assert [day for _, day, *_ in found] == sorted(day for _, day, *_ in found)


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    """Without icalendar the error names `tfcert[formats]`."""
    monkeypatch.setitem(sys.modules, "icalendar", None)
    monkeypatch.delitem(sys.modules, "checker.reports.ics", raising=False)
    with pytest.raises(UsageError, match=r"pip install 'tfcert\[formats\]'"):
        FORMATS["ics"].render(judged())
