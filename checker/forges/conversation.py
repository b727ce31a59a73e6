"""The comments of one pull request, as far as we need them, whichever forge holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class Why(StrEnum):
    """Why a comment is hidden; the words are those of GitHub's `ReportedContentClassifiers`."""

    RESOLVED = "RESOLVED"
    OUTDATED = "OUTDATED"


@value
class Comment:
    """A comment that is there; `id` grows with time, `url` is where a person reads it, `hidden` whether it is folded away."""

    id: int
    body: str
    url: str
    hidden: bool = False

    @property
    def marker(self) -> Marker | None:
        """What its first line says."""
        return read_marker(self.body)


class Conversation(Protocol):
    """What a forge lets us do; each call is tried again within bounds, and raises RefusedError, VanishedError or TfcertError."""

    def ours(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """The comments whose bodies are candidates and that this token wrote, the oldest first; those of others never count."""

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
