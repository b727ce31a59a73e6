"""Answers of a forge to `tfcert propose` that do not fit, and its limits."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from checker.errors import TfcertError
from checker.forges.comment import InvalidResponseError
from checker.forges.proposals.client import PAGE, ProposalClient, _pause, number, text
from checker.forges.rest import ForgeNames
from checker.forges.retry import RetryPolicy

NAMES = ForgeNames(forge="Forge", token="TOKEN", address="URL", remedy="allow it")


@pytest.fixture
def client(monkeypatch):
    """Return a function that makes a client which gets the same answer to each question."""

    def answering(answer):
        made = ProposalClient(
            "https://forge.example", authorization="x", names=NAMES, where="a/b",
            retries=RetryPolicy(),
        )  # fmt: skip
        monkeypatch.setattr(made, "send", lambda *_, **__: answer)
        return made

    return answering


def test_a_list_without_an_end_is_not_read_for_ever(client, monkeypatch):
    """More pages than a run reads are an error, and no shorter list."""
    monkeypatch.setattr("checker.forges.proposals.client._PAGES", 3)
    with pytest.raises(TfcertError, match=f"Forge lists more than {3 * PAGE} entries"):
        list(client([1] * PAGE).pages("/issues"))
    assert list(client([1]).pages("/issues")) == [[1]]


@pytest.mark.parametrize("answer", [None, {"a": 1}, "text", 5])
def test_a_list_that_is_none_is_refused(client, answer):
    """Another value in the place of a list is an answer that does not fit."""
    with pytest.raises(InvalidResponseError, match="a list is not a list"):
        list(client(answer).pages("/issues"))


@pytest.mark.parametrize(("take", "wrong"), [(text, 5), (text, None), (number, "5")])
def test_a_value_of_another_type_is_refused(client, take, wrong):
    """A text that is a number, and a number that is a text, do not fit the API."""
    assert (text("a"), number(7)) == ("a", 7)
    with pytest.raises(InvalidResponseError):
        client({"value": wrong}).read(lambda found: take(found["value"]), "/")


@pytest.mark.parametrize(
    ("status", "headers", "what", "seconds"),
    [
        (429, {"Retry-After": "7"}, "", 7),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1060"}, "", 61),
        (403, {"RateLimit-Remaining": "0", "RateLimit-Reset": "900"}, "", 1),
        (403, {"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "1060"}, "", None),
        (403, {}, "secondary rate limit", 60),
        (403, {}, "forbidden", None),
        (500, {}, "rate limit", None),
    ],
)
def test_a_limit_says_how_long_to_wait(monkeypatch, status, headers, what, seconds):
    """The pause is the one that the forge names; without a limit there is none."""
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    answer = SimpleNamespace(status_code=status, headers=headers)
    assert _pause(answer, what) == seconds
