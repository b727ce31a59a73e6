"""Answers of AWS are looked up by id, account and region, because ids may repeat."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checker.model.observation import CertificateKey, Found, Gone, Observations
from checker.model.places import Place

OURS, THEIRS = Place("aws", "111122223333", "us-east-1"), Place("aws", "444455556666", "us-east-1")
FAR, UNPLACED = Place("aws", "111122223333", "eu-west-1"), Place(None, None, "us-east-1")
FOUND = Found(expires_at=datetime(2027, 3, 1, tzinfo=UTC))


def told(**answers):
    places = {"ours": OURS, "theirs": THEIRS, "far": FAR, "unplaced": UNPLACED}
    return Observations(
        asked=True,
        certificates={CertificateKey(id="a", place=places[name]): a for name, a in answers.items()},
    )


@pytest.mark.parametrize(
    ("answers", "place", "said"),
    [
        ({"ours": FOUND, "theirs": Gone()}, OURS, FOUND),
        ({"ours": FOUND, "theirs": Gone()}, THEIRS, Gone()),
        ({"ours": FOUND, "far": Gone()}, FAR, Gone()),
        ({"theirs": FOUND}, OURS, None),
        ({"far": FOUND}, OURS, None),
        ({"unplaced": FOUND}, OURS, FOUND),
        ({"unplaced": FOUND, "ours": Gone()}, OURS, Gone()),
        ({}, OURS, None),
    ],
)
def test_what_was_said_of_a_certificate_is_said_of_its_own_place(answers, place, said):
    """An answer counts for its own place, or for all places if it has an unknown account."""
    assert told(**answers).answer_for("a", place) == said
    assert told(**answers).answer_for("b", place) is None


@pytest.mark.parametrize(
    ("held", "place", "count"),
    [
        ({OURS: 3, THEIRS: 60}, OURS, 3),
        ({OURS: 3, THEIRS: 60}, THEIRS, 60),
        ({OURS: 3, THEIRS: 60}, UNPLACED, None),
        ({OURS: 3, FAR: 60}, UNPLACED, 3),
        ({UNPLACED: 3}, OURS, 3),
        ({FAR: 60}, OURS, None),
    ],
)
def test_what_an_account_holds_is_told_where_it_is_clear_of_which(held, place, count):
    """A count of certificates is returned only if exactly one place fits."""
    assert Observations(asked=True, certificate_counts=held).certificate_count(place) == count
