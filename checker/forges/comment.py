"""Create, update, replace or hide the report's comment on a pull request."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from checker.errors import TfcertError

_OPENS, _CLOSES = "<!-- tfcert comment ", " -->"
_REFERENCE = re.compile(r"\[//\]: # \(tfcert comment ([A-Za-z0-9_-]+=*)\)")


class MarkerForm(StrEnum):
    """How a marker is hidden.

    HTML: an HTML comment. REFERENCE: a link definition, for a forge that shows HTML as text. It has
    no character that ends it, and no Markdown reader shows it (CommonMark, "Link reference
    definitions").
    """

    HTML = "html"
    REFERENCE = "reference"


class Marker(Struct, frozen=True, kw_only=True):
    """The hidden first line of a comment. `key` and `repository` identify it, case-sensitively.

    `at` is the time of the check, timezone-aware. `run` is the pipeline's run number, None outside
    of a pipeline; a repeated run keeps its number. `resolved` means that the check had no findings
    left.
    """

    key: str
    repository: str
    at: datetime
    commit: str | None = None
    run: int | None = None
    resolved: bool = False

    def is_of(self, other: Marker) -> bool:
        """Return whether both mark the same comment."""
        return (self.key, self.repository) == (other.key, other.repository)

    def older_than(self, other: Marker) -> bool:
        """Return whether this marker is from an earlier run.

        Run numbers are compared where both have one. So a branch that is reset to an older commit
        still gets the newer comment, and a repeated run does not count as newer.
        """
        if self.run is not None and other.run is not None and self.run != other.run:
            return self.run < other.run
        return self.at < other.at

    @property
    def line(self) -> str:
        """Return the marker as an HTML comment; none of its values can end it."""
        text = (
            json.dumps(self._fields)
            .replace("--", "-\\u002d")
            .replace("<", "\\u003c")
            .replace(">", "\\u003e")
        )
        return f"{_OPENS}{text}{_CLOSES}"

    @property
    def reference(self) -> str:
        """Return the marker as a link definition; none of its values can end it."""
        hidden = urlsafe_b64encode(json.dumps(self._fields).encode()).decode()
        return f"[//]: # (tfcert comment {hidden})"

    @property
    def _fields(self) -> dict[str, object]:
        return {
            "key": self.key,
            "repository": self.repository,
            "at": self.at.astimezone(UTC).isoformat(),
            "commit": self.commit,
            "run": self.run,
            "resolved": self.resolved,
        }


def read_marker(body: str) -> Marker | None:
    """Parse the marker of a comment.

    None if there is no marker, or if it is not alone in the first line.
    """
    first = body.replace("\r\n", "\n").partition("\n")[0].rstrip()
    reference = _REFERENCE.fullmatch(first)
    if reference is None and not (first.startswith(_OPENS) and first.endswith(_CLOSES)):
        return None
    try:
        hidden = urlsafe_b64decode(reference[1]) if reference is not None else None
        fields = json.loads(hidden or first[len(_OPENS) : -len(_CLOSES)])
        made = Marker(
            key=fields["key"],
            repository=fields["repository"],
            at=datetime.fromisoformat(fields["at"]),
            commit=fields["commit"],
            run=fields["run"],
            resolved=fields["resolved"],
        )
        sound = _is_sound(made)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
    return made if sound else None


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
        # Raises OverflowError for a time that has no year in UTC; tfcert writes it in UTC.
        and made.at.astimezone(UTC).tzinfo is not None
    )


GITHUB_LIMIT = 65_536
GITLAB_LIMIT = 1_000_000
AZURE_LIMIT = 150_000
BITBUCKET_LIMIT = 32_768


class RefusedError(TfcertError):
    """The token may not write here, as on a pull request from a fork.

    The forge answers 403, or 404 where it hides a 403.
    """


class CommentGoneError(TfcertError):
    """The comment was deleted after it was listed, or the token may not see it."""


class InvalidResponseError(TfcertError):
    """The response does not match the API.

    A feature may be switched off, or a proxy answers instead of the forge.
    """


def describe_exception(error: Exception) -> str:
    """Return how a response differs from the API, by the error that the client raised."""
    match error:
        case RecursionError():
            return "it is nested too deeply"
        case LookupError():
            return "a property is missing"
        case ValueError() | ArithmeticError():
            return "a value cannot be read"
        case _:
            return "a value has another type"


class HideReason(StrEnum):
    """The reason for hiding a comment, as in GitHub's `ReportedContentClassifiers`."""

    RESOLVED = "RESOLVED"
    OUTDATED = "OUTDATED"


class Comment(Struct, frozen=True, kw_only=True):
    """An existing comment.

    `id` grows with time, `url` is its web page, `hidden` is whether the forge hides it. `proven` is
    False where the forge does not return the author: another user may have written the comment to
    block this run.
    """

    id: int
    body: str
    url: str
    hidden: bool = False
    proven: bool = True

    @property
    def marker(self) -> Marker | None:
        """Return the marker in the first line."""
        return read_marker(self.body)


class CommentPage:
    """One page of a list of comments; `number` counts from 0."""

    def __init__(self, number: int, seen: set[int], where: str) -> None:
        self.number = number
        self._seen = seen
        self._where = where

    def is_last(self, ids: Sequence[int], *, size: int) -> bool:
        """Return whether this is the last page.

        Raises InvalidResponseError if all its comments were on earlier pages.
        """
        if ids and self._seen.issuperset(ids):
            raise InvalidResponseError(
                "the forge lists the same comments again and again", where=self._where
            )
        self._seen.update(ids)
        return len(ids) < size


def pages(most: int, *, where: str) -> Iterator[CommentPage]:
    """Yield the pages to request.

    Raises InvalidResponseError if there are more pages than a pull request can have.
    """
    seen: set[int] = set()
    for number in range(most):
        yield CommentPage(number, seen, where)
    raise InvalidResponseError(
        f"the forge lists more than {len(seen)} comments",
        where=where,
        remedy="check that this is its REST API",
    )


class Conversation(Protocol):
    """The comment operations of a forge.

    Each call is retried within limits. It raises RefusedError, CommentGoneError or another
    TfcertError.
    """

    def own_comments(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Return the candidates that this token wrote, the oldest first.

        Where the forge does not return the author, return those that the token may have written.
        """

    def create(self, body: str) -> Comment:
        """Add a comment."""

    def edit(self, comment: Comment, body: str) -> None:
        """Replace the body of a comment."""

    def again(self, comment: Comment) -> Comment:
        """Return the current version of a comment."""

    def delete(self, comment: Comment) -> None:
        """Delete a comment."""

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Hide a comment, where the forge can."""

    def show(self, comment: Comment) -> None:
        """Show a hidden comment again."""


_ROUNDS = 5


class Behavior(StrEnum):
    """How to handle an existing comment."""

    UPDATE = "update"
    NEW = "new"
    DELETE_AND_NEW = "delete-and-new"
    HIDE_AND_NEW = "hide-and-new"


class CommentAction(StrEnum):
    """The action that was taken."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "says the same already"
    OUTRUN = "left alone, since a newer run has written it"
    SILENT = "not written, since there is nothing to say"


class Post(Struct, frozen=True, kw_only=True):
    """The comment to post: the report, and the marker before it.

    `always` posts it even if there never were findings. `form` says how the marker is hidden.
    """

    text: str
    marker: Marker
    always: bool = False
    form: MarkerForm = MarkerForm.HTML

    @property
    def body(self) -> str:
        """Return the comment: the marker, the report, and a line with its time and commit."""
        commit = f", commit {self.marker.commit}" if self.marker.commit else ""
        judged = f"judged at {self.marker.at:%Y-%m-%d %H:%M} UTC{commit}"
        if self.form is MarkerForm.REFERENCE:
            # A definition needs an empty line between it and a paragraph.
            return f"{self.marker.reference}\n\n{self.text.strip()}\n\n*{judged}*"
        return f"{self.marker.line}\n{self.text.strip()}\n\n<sub>{judged}</sub>"


class CommentResult(Struct, frozen=True, kw_only=True):
    """The action that was taken, and the current comment; None if there is no comment."""

    did: CommentAction
    comment: Comment | None = None


def update_comment(conversation: Conversation, post: Post, behavior: Behavior) -> CommentResult:
    """Create or update the comment.

    Raises RefusedError if the token may not write, TfcertError if the forge does not answer.
    """
    for _ in range(_ROUNDS):
        try:
            return _attempt(conversation, post, behavior)
        except CommentGoneError as error:
            # Deleted meanwhile: list again. A forge that hides a missing permission answers the
            # same each time.
            last = error
    raise RefusedError(
        "the comments exist, and the token may not edit them", where=last.where, remedy=last.remedy
    ) from last


def comment_body(body: str) -> str:
    """Return the report in a comment, without the marker and the line with its time."""
    return "\n".join(body.replace("\r\n", "\n").strip().split("\n")[1:-1]).strip()


def _attempt(conversation: Conversation, post: Post, behavior: Behavior) -> CommentResult:
    comments = _own_comments(conversation, post)
    proven = [comment for comment in comments if comment.proven]
    # Anybody can write a marker with a high number: this run only yields to a proven comment.
    latest = _freshest(proven)
    if latest is not None and latest.marker is not None and post.marker.older_than(latest.marker):
        return CommentResult(did=CommentAction.OUTRUN, comment=latest)
    if latest is None and post.marker.resolved and not post.always:
        return CommentResult(did=CommentAction.SILENT)
    if behavior is Behavior.UPDATE:
        edited = _updated(conversation, post, comments)
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
    conversation: Conversation, post: Post, comments: Sequence[Comment]
) -> CommentResult | None:
    """Update the oldest comment that the token may edit; None if there is no such comment.

    The token may be unable to edit a comment that is not proven.
    """
    for number, comment in enumerate(comments):
        try:
            return _update(conversation, post, comments[number:])
        except (RefusedError, CommentGoneError):
            if comment.proven:
                raise
    return None


def _update(conversation: Conversation, post: Post, comments: Sequence[Comment]) -> CommentResult:
    oldest, *others = comments
    before = oldest.marker
    same = comment_body(oldest.body) == comment_body(post.body)
    if not same:
        if before is not None and before.resolved and not post.marker.resolved:
            # Show the comment before the edit, so that new findings are never hidden. A comment
            # that a person hid stays hidden.
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
    """Edit the comment, then check whether the edit is still there.

    An older run that listed the comments before this edit may have written after it.
    """
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
    """Return the one comment to keep after a new one was created.

    Other runs may have created comments at the same time.
    """
    if behavior is Behavior.NEW:
        return made
    found = {
        comment.id: comment
        for comment in (made, *_own_comments(conversation, post))
        if comment.proven
    }
    comments = [found[identity] for identity in sorted(found)]
    best = _freshest(comments) or made
    if behavior is Behavior.UPDATE:
        oldest = comments[0]
        if comment_body(oldest.body) != comment_body(best.body):
            conversation.edit(oldest, best.body)
        _delete(conversation, comments[1:])
        return oldest
    others = [comment for comment in comments if comment.id != best.id]
    if behavior is Behavior.DELETE_AND_NEW:
        _delete(conversation, others)
    else:
        for comment in others:
            if not comment.hidden:
                _hide(conversation, comment, HideReason.OUTDATED)
    return best


def _hide(conversation: Conversation, comment: Comment, why: HideReason) -> None:
    # Hiding is optional: a token may be allowed to write comments and not to hide them.
    with suppress(RefusedError, CommentGoneError, InvalidResponseError):
        conversation.hide(comment, why)


def _delete(conversation: Conversation, comments: Sequence[Comment]) -> None:
    for comment in comments:
        try:
            conversation.delete(comment)
        except CommentGoneError:
            continue  # another run deleted it first
        except RefusedError:
            if comment.proven:
                raise


def _own_comments(conversation: Conversation, post: Post) -> list[Comment]:
    def candidate(body: str) -> bool:
        marker = read_marker(body)
        return marker is not None and marker.is_of(post.marker)

    return sorted(conversation.own_comments(candidate), key=lambda comment: comment.id)


def _freshest(comments: Sequence[Comment]) -> Comment | None:
    """Return the comment of the latest run; of two from the same run, the later comment."""
    best: Comment | None = None
    for comment in comments:
        if (
            best is None
            or best.marker is None
            or comment.marker is None
            or not comment.marker.older_than(best.marker)
        ):
            best = comment
    return best
