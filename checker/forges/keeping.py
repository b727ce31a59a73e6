"""One comment that stays current, whoever else writes at the same time.

No forge lets a comment be changed on condition, so runs that race can only converge: after creating one each looks again, the
oldest of ours stays with the freshest body, and the others go.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum

from checker.domain.value import value
from checker.forges.conversation import Comment, Conversation, OddAnswerError, RefusedError, VanishedError, Why
from checker.forges.marker import Marker, read_marker

_ROUNDS = 5


class Behavior(StrEnum):
    """What becomes of a comment of an earlier run."""

    UPDATE = "update"
    NEW = "new"
    DELETE_AND_NEW = "delete-and-new"
    HIDE_AND_NEW = "hide-and-new"


class Did(StrEnum):
    """What was done."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "says the same already"
    OUTRUN = "left alone, since a newer run has written it"
    SILENT = "not written, since there is nothing to say"


@value
class Post:
    """What is to stand there: the report, and the marker that goes before it. `always` also says so where all was always well."""

    text: str
    marker: Marker
    always: bool = False

    @property
    def body(self) -> str:
        """The comment: the marker, the report, and a line on how fresh it is."""
        commit = f", commit {self.marker.commit}" if self.marker.commit else ""
        return f"{self.marker.line}\n{self.text.strip()}\n\n<sub>judged at {self.marker.at:%Y-%m-%d %H:%M} UTC{commit}</sub>"


@value
class Kept:
    """What was done, and the comment that stands now; None where there is none."""

    did: Did
    comment: Comment | None = None


def keep(conversation: Conversation, post: Post, behavior: Behavior) -> Kept:
    """Bring the comment up to date; raises RefusedError where the token may not, TfcertError where the forge does not answer."""
    for _ in range(_ROUNDS):
        try:
            return _attempt(conversation, post, behavior)
        except VanishedError as error:
            # Deleted meanwhile: look again. A forge that hides what may not be written answers the same each time.
            last = error
    raise RefusedError("the comments are there and cannot be written", where=last.where, remedy=last.remedy) from last


def said(body: str) -> str:
    """What a comment says, without the lines that tell how fresh it is."""
    return "\n".join(body.replace("\r\n", "\n").strip().split("\n")[1:-1]).strip()


def _attempt(conversation: Conversation, post: Post, behavior: Behavior) -> Kept:
    standing = _ours(conversation, post)
    proven = [comment for comment in standing if comment.proven]
    # Anybody can write a marker with a high number: only a comment that is surely ours lets this run stand back.
    latest = _freshest(proven)
    if latest is not None and latest.marker is not None and post.marker.older_than(latest.marker):
        return Kept(did=Did.OUTRUN, comment=latest)
    if latest is None and post.marker.resolved and not post.always:
        return Kept(did=Did.SILENT)
    if behavior is Behavior.UPDATE:
        edited = _updated(conversation, post, standing)
        if edited is not None:
            return edited
    if latest is not None and said(latest.body) == said(post.body):
        return Kept(did=Did.UNCHANGED, comment=latest)
    made = conversation.create(post.body)
    stays = _converged(conversation, post, made, behavior)
    if post.marker.resolved and not stays.hidden:
        _hide(conversation, stays, Why.RESOLVED)
    return Kept(did=Did.CREATED, comment=stays)


def _updated(conversation: Conversation, post: Post, standing: Sequence[Comment]) -> Kept | None:
    """Update the oldest comment that can be; None where there is none. One that is not ours may be closed to us."""
    for number, comment in enumerate(standing):
        try:
            return _update(conversation, post, standing[number:])
        except (RefusedError, VanishedError):
            if comment.proven:
                raise
    return None


def _update(conversation: Conversation, post: Post, standing: Sequence[Comment]) -> Kept:
    oldest, *others = standing
    before = oldest.marker
    same = said(oldest.body) == said(post.body)
    if not same:
        if before is not None and before.resolved and not post.marker.resolved:
            # First of all, so that findings never stay folded away: what a person hid stays hidden.
            with suppress(RefusedError, VanishedError, OddAnswerError):
                conversation.show(oldest)
        _edit(conversation, post, oldest)
        if post.marker.resolved and not oldest.hidden:
            _hide(conversation, oldest, Why.RESOLVED)
    _delete(conversation, others)
    return Kept(did=Did.UNCHANGED if same else Did.EDITED, comment=oldest)


def _edit(conversation: Conversation, post: Post, comment: Comment) -> None:
    """Edit, and look whether it stayed: an older run that looked before this one wrote may have written after it."""
    for _ in range(_ROUNDS):
        conversation.edit(comment, post.body)
        try:
            marker = conversation.again(comment).marker
        except (RefusedError, OddAnswerError):
            return
        if marker is None or not marker.is_of(post.marker) or not marker.older_than(post.marker):
            return


def _converged(conversation: Conversation, post: Post, made: Comment, behavior: Behavior) -> Comment:
    """What stays of ours once the new one is there, and perhaps those of runs that wrote at the same time."""
    if behavior is Behavior.NEW:
        return made
    found = {comment.id: comment for comment in (made, *_ours(conversation, post)) if comment.proven}
    standing = [found[identity] for identity in sorted(found)]
    best = _freshest(standing) or made
    if behavior is Behavior.UPDATE:
        oldest = standing[0]
        if said(oldest.body) != said(best.body):
            conversation.edit(oldest, best.body)
        _delete(conversation, standing[1:])
        return oldest
    others = [comment for comment in standing if comment.id != best.id]
    if behavior is Behavior.DELETE_AND_NEW:
        _delete(conversation, others)
    else:
        for comment in others:
            if not comment.hidden:
                _hide(conversation, comment, Why.OUTDATED)
    return best


def _hide(conversation: Conversation, comment: Comment, why: Why) -> None:
    # What is said matters, whether it is folded away does not: a token may be allowed the one and not the other.
    with suppress(RefusedError, VanishedError, OddAnswerError):
        conversation.hide(comment, why)


def _delete(conversation: Conversation, comments: Sequence[Comment]) -> None:
    for comment in comments:
        try:
            conversation.delete(comment)
        except VanishedError:
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
        if best is None or best.marker is None or comment.marker is None or not comment.marker.older_than(best.marker):
            best = comment
    return best
