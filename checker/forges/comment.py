"""One current comment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from checker.errors import TfcertError

_OPENS, _CLOSES = "<!-- tfcert comment ", " -->"


class Marker(Struct, frozen=True, kw_only=True):
    """Identity is `key` and `repository`, both to the letter. `at` is when the outcome was judged, timezone-aware.

    `run` is the number that the pipeline counts its runs by, None outside of one; a repeated run keeps its number.
    `resolved` says that all was well.
    """

    key: str
    repository: str
    at: datetime
    commit: str | None = None
    run: int | None = None
    resolved: bool = False

    def is_of(self, other: Marker) -> bool:
        """Whether both mark the same comment."""
        return (self.key, self.repository) == (other.key, other.repository)

    def older_than(self, other: Marker) -> bool:
        """Whether it tells of an earlier run.

        By the runs' numbers where both have one: a branch that is pushed back to an older commit is judged anew all the same, and
        a run that is repeated is no newer for it.
        """
        if self.run is not None and other.run is not None and self.run != other.run:
            return self.run < other.run
        return self.at < other.at

    @property
    def line(self) -> str:
        """The hidden line; nothing in it can end the HTML comment."""
        fields = {
            "key": self.key,
            "repository": self.repository,
            "at": self.at.astimezone(UTC).isoformat(),
            "commit": self.commit,
            "run": self.run,
            "resolved": self.resolved,
        }
        text = (
            json.dumps(fields)
            .replace("--", "-\\u002d")
            .replace("<", "\\u003c")
            .replace(">", "\\u003e")
        )
        return f"{_OPENS}{text}{_CLOSES}"


def read_marker(body: str) -> Marker | None:
    """The marker of a comment; None for a comment that has none, or has it anywhere but alone in the first line."""
    first = body.replace("\r\n", "\n").partition("\n")[0].rstrip()
    if not first.startswith(_OPENS) or not first.endswith(_CLOSES):
        return None
    try:
        fields = json.loads(first[len(_OPENS) : -len(_CLOSES)])
        made = Marker(
            key=fields["key"],
            repository=fields["repository"],
            at=datetime.fromisoformat(fields["at"]),
            commit=fields["commit"],
            run=fields["run"],
            resolved=fields["resolved"],
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return made if _is_sound(made) else None


def _is_sound(made: Marker) -> bool:
    texts = (
        isinstance(made.key, str)
        and isinstance(made.repository, str)
        and isinstance(made.commit, str | None)
    )
    return (
        texts
        and isinstance(made.run, int | None)
        and isinstance(made.resolved, bool)
        and made.at.tzinfo is not None
    )


GITHUB_LIMIT = 65_536
GITLAB_LIMIT = 1_000_000


class RefusedError(TfcertError):
    """The forge does not let this token write here, as with a pull request from a fork: 403, or 404, which hides a 403."""


class CommentGoneError(TfcertError):
    """The comment is not there: somebody deleted it since it was listed, or the token may not see it."""


class InvalidResponseError(TfcertError):
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


class HideReason(StrEnum):
    """Why a comment is hidden; the words are those of GitHub's `ReportedContentClassifiers`."""

    RESOLVED = "RESOLVED"
    OUTDATED = "OUTDATED"


class Comment(Struct, frozen=True, kw_only=True):
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
            raise InvalidResponseError(
                "the forge lists the same comments again and again", where=self._where
            )
        self._seen.update(ids)
        return len(ids) < size


def pages(most: int, *, where: str) -> Iterator[CommentPage]:
    """Yield pages to ask for; OddAnswerError where there are more of them than a pull request can have."""
    seen: set[int] = set()
    for number in range(most):
        yield CommentPage(number, seen, where)
    raise InvalidResponseError(
        f"the forge lists more than {len(seen)} comments",
        where=where,
        remedy="is that its REST API?",
    )


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

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Fold a comment away, where the forge can."""

    def show(self, comment: Comment) -> None:
        """Unfold a comment again."""


_ROUNDS = 5


class Behavior(StrEnum):
    """What becomes of a comment of an earlier run."""

    UPDATE = "update"
    NEW = "new"
    DELETE_AND_NEW = "delete-and-new"
    HIDE_AND_NEW = "hide-and-new"


class CommentAction(StrEnum):
    """What was done."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "says the same already"
    OUTRUN = "left alone, since a newer run has written it"
    SILENT = "not written, since there is nothing to say"


class Post(Struct, frozen=True, kw_only=True):
    """What is to stand there: the report, and the marker that goes before it. `always` also says so where all was always well."""

    text: str
    marker: Marker
    always: bool = False

    @property
    def body(self) -> str:
        """The comment: the marker, the report, and a line on how fresh it is."""
        commit = f", commit {self.marker.commit}" if self.marker.commit else ""
        return f"{self.marker.line}\n{self.text.strip()}\n\n<sub>judged at {self.marker.at:%Y-%m-%d %H:%M} UTC{commit}</sub>"


class CommentResult(Struct, frozen=True, kw_only=True):
    """What was done, and the comment that stands now; None where there is none."""

    did: CommentAction
    comment: Comment | None = None


def update_comment(conversation: Conversation, post: Post, behavior: Behavior) -> CommentResult:
    """Bring the comment up to date; raises RefusedError where the token may not, TfcertError where the forge does not answer."""
    for _ in range(_ROUNDS):
        try:
            return _attempt(conversation, post, behavior)
        except CommentGoneError as error:
            # Deleted meanwhile: look again. A forge that hides what may not be written answers the same each time.
            last = error
    raise RefusedError(
        "the comments are there and cannot be written", where=last.where, remedy=last.remedy
    ) from last


def comment_body(body: str) -> str:
    """What a comment says, without the lines that tell how fresh it is."""
    return "\n".join(body.replace("\r\n", "\n").strip().split("\n")[1:-1]).strip()


def _attempt(conversation: Conversation, post: Post, behavior: Behavior) -> CommentResult:
    standing = _ours(conversation, post)
    proven = [comment for comment in standing if comment.proven]
    # Anybody can write a marker with a high number: only a comment that is surely ours lets this run stand back.
    latest = _freshest(proven)
    if latest is not None and latest.marker is not None and post.marker.older_than(latest.marker):
        return CommentResult(did=CommentAction.OUTRUN, comment=latest)
    if latest is None and post.marker.resolved and not post.always:
        return CommentResult(did=CommentAction.SILENT)
    if behavior is Behavior.UPDATE:
        edited = _updated(conversation, post, standing)
        if edited is not None:
            return edited
    if latest is not None and comment_body(latest.body) == comment_body(post.body):
        return CommentResult(did=CommentAction.UNCHANGED, comment=latest)
    made = conversation.create(post.body)
    stays = _converged(conversation, post, made, behavior)
    if post.marker.resolved and not stays.hidden:
        _hide(conversation, stays, HideReason.RESOLVED)
    return CommentResult(did=CommentAction.CREATED, comment=stays)


def _updated(
    conversation: Conversation, post: Post, standing: Sequence[Comment]
) -> CommentResult | None:
    """Update the oldest comment that can be; None where there is none. One that is not ours may be closed to us."""
    for number, comment in enumerate(standing):
        try:
            return _update(conversation, post, standing[number:])
        except (RefusedError, CommentGoneError):
            if comment.proven:
                raise
    return None


def _update(conversation: Conversation, post: Post, standing: Sequence[Comment]) -> CommentResult:
    oldest, *others = standing
    before = oldest.marker
    same = comment_body(oldest.body) == comment_body(post.body)
    if not same:
        if before is not None and before.resolved and not post.marker.resolved:
            # First of all, so that findings never stay folded away: what a person hid stays hidden.
            with suppress(RefusedError, CommentGoneError, InvalidResponseError):
                conversation.show(oldest)
        _edit(conversation, post, oldest)
        if post.marker.resolved and not oldest.hidden:
            _hide(conversation, oldest, HideReason.RESOLVED)
    _delete(conversation, others)
    return CommentResult(
        did=CommentAction.UNCHANGED if same else CommentAction.EDITED, comment=oldest
    )


def _edit(conversation: Conversation, post: Post, comment: Comment) -> None:
    """Edit, and look whether it stayed: an older run that looked before this one wrote may have written after it."""
    for _ in range(_ROUNDS):
        conversation.edit(comment, post.body)
        try:
            marker = conversation.again(comment).marker
        except (RefusedError, InvalidResponseError):
            return
        if marker is None or not marker.is_of(post.marker) or not marker.older_than(post.marker):
            return


def _converged(
    conversation: Conversation, post: Post, made: Comment, behavior: Behavior
) -> Comment:
    """What stays of ours once the new one is there, and perhaps those of runs that wrote at the same time."""
    if behavior is Behavior.NEW:
        return made
    found = {
        comment.id: comment for comment in (made, *_ours(conversation, post)) if comment.proven
    }
    standing = [found[identity] for identity in sorted(found)]
    best = _freshest(standing) or made
    if behavior is Behavior.UPDATE:
        oldest = standing[0]
        if comment_body(oldest.body) != comment_body(best.body):
            conversation.edit(oldest, best.body)
        _delete(conversation, standing[1:])
        return oldest
    others = [comment for comment in standing if comment.id != best.id]
    if behavior is Behavior.DELETE_AND_NEW:
        _delete(conversation, others)
    else:
        for comment in others:
            if not comment.hidden:
                _hide(conversation, comment, HideReason.OUTDATED)
    return best


def _hide(conversation: Conversation, comment: Comment, why: HideReason) -> None:
    # What is said matters, whether it is folded away does not: a token may be allowed the one and not the other.
    with suppress(RefusedError, CommentGoneError, InvalidResponseError):
        conversation.hide(comment, why)


def _delete(conversation: Conversation, comments: Sequence[Comment]) -> None:
    for comment in comments:
        try:
            conversation.delete(comment)
        except CommentGoneError:
            continue  # another run was faster
        except RefusedError:
            if comment.proven:
                raise


def _ours(conversation: Conversation, post: Post) -> list[Comment]:
    def candidate(body: str) -> bool:
        marker = read_marker(body)
        return marker is not None and marker.is_of(post.marker)

    return sorted(conversation.ours(candidate), key=lambda comment: comment.id)


def _freshest(standing: Sequence[Comment]) -> Comment | None:
    """The one of the latest run; of two from the same, the later comment."""
    best: Comment | None = None
    for comment in standing:
        if (
            best is None
            or best.marker is None
            or comment.marker is None
            or not comment.marker.older_than(best.marker)
        ):
            best = comment
    return best
