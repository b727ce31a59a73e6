"""The comments of one pull request, as far as we need them, whichever forge holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

from checker.domain.errors import TfcertError
from checker.domain.value import value
from checker.forges.marker import Marker, read_marker

GITHUB_LIMIT = 65_536
GITLAB_LIMIT = 1_000_000


class RefusedError(TfcertError):
    """The forge does not let this token write here, as with a pull request from a fork: 403, or 404, which hides a 403."""


class VanishedError(TfcertError):
    """The comment is not there: somebody deleted it since it was listed, or the token may not see it."""


class OddAnswerError(TfcertError):
    """The forge answers what its API does not have, as where a part of it is switched off or a proxy answers instead."""


def oddness(error: Exception) -> str:
    """Return in words how an answer is not what the API has, by what the client's code stumbled over."""
    match error:
        case RecursionError():
            return "it is nested too deeply"
        case LookupError():
            return "a property is missing"
        case ValueError():
            return "a value cannot be read"
        case _:
            return "a value has another type"


class Why(StrEnum):
    """Why a comment is hidden; the words are those of GitHub's `ReportedContentClassifiers`."""

    RESOLVED = "RESOLVED"
    OUTDATED = "OUTDATED"


@value
class Comment:
    """A comment that is there; `id` grows with time, `url` is where a person reads it, `hidden` whether it is folded away.

    `proven` is False where the forge does not tell who wrote it: then somebody else may have, to hold this run up.
    """

    id: int
    body: str
    url: str
    hidden: bool = False
    proven: bool = True

    @property
    def marker(self) -> Marker | None:
        """What its first line says."""
        return read_marker(self.body)


class CommentPage:
    """One page of a list of comments; `number` counts from 0."""

    def __init__(self, number: int, seen: set[int], where: str) -> None:
        self.number = number
        self._seen = seen
        self._where = where

    def is_last(self, ids: Sequence[int], *, size: int) -> bool:
        """Whether no page follows one with these comments. Raises OddAnswerError for comments that were on another page."""
        if ids and self._seen.issuperset(ids):
            raise OddAnswerError("the forge lists the same comments again and again", where=self._where)
        self._seen.update(ids)
        return len(ids) < size


def pages(most: int, *, where: str) -> Iterator[CommentPage]:
    """Yield pages to ask for; OddAnswerError where there are more of them than a pull request can have."""
    seen: set[int] = set()
    for number in range(most):
        yield CommentPage(number, seen, where)
    raise OddAnswerError(f"the forge lists more than {len(seen)} comments", where=where, remedy="is that its REST API?")


class Conversation(Protocol):
    """What a forge lets us do; each call is tried again within bounds, and raises RefusedError, VanishedError or TfcertError."""

    def ours(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """The candidates that this token wrote, the oldest first; where that is not told, those that it may have written."""

    def create(self, body: str) -> Comment:
        """Add a comment."""

    def edit(self, comment: Comment, body: str) -> None:
        """Give a comment another body."""

    def again(self, comment: Comment) -> Comment:
        """The comment as it is by now."""

    def delete(self, comment: Comment) -> None:
        """Take a comment away."""

    def hide(self, comment: Comment, why: Why) -> None:
        """Fold a comment away, where the forge can."""

    def show(self, comment: Comment) -> None:
        """Unfold a comment again."""
