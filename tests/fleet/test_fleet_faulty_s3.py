"""Faulty S3 buckets: overloaded, with expiring credentials, changing or silent."""

from __future__ import annotations

import json
import os
import re
import threading
import time

import pytest
from bucket import COUNT, Bucket, error
from states import AS_OF
from typer.testing import CliRunner

from checker.cli.app import build

if "CI" not in os.environ:
    pytest.importorskip("obstore", reason="pip install 'tfcert[fleet]'")


@pytest.fixture
def bucket(monkeypatch):
    """Run the bucket, with short retries in tfcert."""
    made = Bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.server.server_port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("checker.fleet.stores.RETRY_SECONDS", 3)
    yield made
    made.server.shutdown()
    made.server.server_close()


def check(*more):
    """Check the bucket offline; return the exit code, the number of states, and the unread
    messages.
    """
    ran = CliRunner().invoke(
        build(),
        ["check", "--states", "s3://fleet/p/", "--offline", "--as-of", AS_OF, "--format", "json",
         *more],
    )  # fmt: skip
    report = json.loads(ran.stdout)
    unread = [
        each["message"] for each in report["findings"] if each["rule"] == "certificate-unverified"
    ]
    return ran.exit_code, len(report["sources"]), unread


def test_the_whole_bucket_is_read(bucket):
    """A bucket with four pages of states is read and clean."""
    assert check() == (0, COUNT, [])


def test_an_overloaded_bucket_is_asked_again(bucket):
    """After a second of 503 SlowDown, every state is read."""
    start = time.monotonic()
    bucket.answer = lambda _: error(503, "SlowDown") if time.monotonic() - start < 1 else None
    assert check() == (0, COUNT, [])


def test_a_bucket_that_stays_overloaded_is_not_clean(bucket):
    """A bucket that stays overloaded is inconclusive, and each state is named."""
    bucket.answer = lambda key: error(503, "SlowDown") if key else None
    start = time.monotonic()
    code, judged, unread = check()
    assert time.monotonic() - start < 60
    assert (code, judged, len(unread)) == (3, 0, COUNT)
    assert all("overloaded" in each or "stopped answering" in each for each in unread)


def test_credentials_that_end_half_way(bucket):
    """If credentials expire halfway, the read states are checked and the others are named."""
    left = [COUNT // 2]

    def answer(key):
        if not key:
            return None
        left[0] -= 1
        return error(400, "ExpiredToken") if left[0] < 0 else None

    bucket.answer = answer
    code, judged, unread = check()
    assert (code, judged, len(unread)) == (3, COUNT // 2, COUNT // 2)
    assert all("have expired" in each for each in unread)


def test_a_listing_that_breaks_off_is_not_clean(bucket):
    """If the second page of a listing is denied, the first is checked, and the run is
    inconclusive.
    """
    pages = []

    def answer(key):
        if key:
            return None
        pages.append(key)
        return error(403, "AccessDenied") if len(pages) > 1 else None

    bucket.answer = answer
    code, judged, unread = check()
    assert (code, judged, len(unread)) == (3, 10, 1)
    assert re.search(r"s3://fleet/p/ could not be read: access to the bucket was denied", unread[0])


def test_objects_that_vanish_and_one_that_is_denied(bucket):
    """A listed state that disappears, and one that is denied, are named."""
    bucket.answer = lambda key: (
        error(404, "NoSuchKey") if key == "p/03.tfstate"
        else error(403, "AccessDenied") if key == "p/04.tfstate"
        else None
    )  # fmt: skip
    code, judged, unread = check()
    assert (code, judged, len(unread)) == (3, COUNT - 2, 2)
    assert "p/03.tfstate could not be read: there is no such object" in unread[0]
    assert "p/04.tfstate could not be read: access to the object was denied" in unread[1]


def test_an_object_that_is_cut_short_is_not_clean(bucket):
    """A truncated state is named, and the run is inconclusive."""
    bucket.answer = lambda key: (200, bucket.objects[key][:200]) if key == "p/05.tfstate" else None
    code, judged, unread = check()
    assert (code, judged, len(unread)) == (3, COUNT - 1, 1)
    assert "truncated" in unread[0]


def test_a_silent_server_ends_with_the_timeouts(bucket):
    """A state whose download hangs is named after the timeout, and the others are checked."""
    over = threading.Event()
    bucket.answer = lambda key: over.wait(60) and None if key == "p/06.tfstate" else None
    start = time.monotonic()
    code, judged, unread = check("--timeout", "1")
    over.set()
    assert time.monotonic() - start < 40
    assert (code, judged, len(unread)) == (3, COUNT - 1, 1)
    assert "did not answer" in unread[0]
