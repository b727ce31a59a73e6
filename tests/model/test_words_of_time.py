"""Times in words, and the reasons of a backend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from checker.model.deadlines import left_in_words
from checker.model.trust import BundleCertificate, TrustBackend, TrustStatus

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0, "in less than a day"),
        (23.9, "in less than a day"),
        (24, "in 1 day"),
        (47.9, "in 1 day"),
        (48, "in 2 days"),
        (24_000, "in 1,000 days"),
        (-0.1, "less than a day ago"),
        (-24, "1 day ago"),
        (-49, "2 days ago"),
    ],
)
def test_the_time_left_is_in_whole_days(hours, words):
    assert left_in_words(NOW + timedelta(hours=hours), NOW) == words


def test_the_reason_of_a_backend():
    """A bundle that was not read, an unknown certificate, one that is missing, and one that ended."""
    has = BundleCertificate(fingerprint="f", subject="s", ends=NOW + timedelta(days=1))
    backend = TrustBackend(name="b", stages=("*",), server="go", certificates=(has,))
    unread = TrustBackend(name="b", stages=("*",))
    given = TrustBackend(name="b", stages=("*",), consumer="x", unread="it was denied")
    asked = TrustBackend(name="b", stages=("*",), consumer="x")
    for one, fingerprint, at, expected in (
        (unread, "f", NOW, (TrustStatus.UNKNOWN, "no bundle of it was given")),
        (asked, "f", NOW, (TrustStatus.UNKNOWN, "its consumer is read only with --trust")),
        (given, "f", NOW, (TrustStatus.UNKNOWN, "it was denied")),
        (
            backend,
            None,
            NOW,
            (TrustStatus.UNKNOWN, "the fingerprint of the certificate is not known"),
        ),
        (
            backend,
            "g",
            NOW,
            (TrustStatus.REFUSED, "its bundle does not have the certificate"),
        ),
        (backend, "f", NOW, (TrustStatus.CONFIRMED, "its bundle has the certificate")),
        (backend, "f", has.ends, (TrustStatus.REFUSED, "the certificate has ended")),
    ):
        assert one.judge(fingerprint, at) == expected
