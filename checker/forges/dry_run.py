"""A dry run: record the changes to comments without writing them, for `--dry-run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from checker.forges.comment import Comment, Conversation, HideReason

_NEW_ID = 2**62


class DryRunConversation:
    """A read-only conversation.

    `done` lists the actions that a real run takes, `body` is the text that it posts. The wrapped
    conversation is optional.
    """

    def __init__(self, real: Conversation | None) -> None:
        self._real = real
        self.done: list[str] = []
        self.body: str | None = None

    def own_comments(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """Return the existing comments."""
        return self._real.own_comments(candidate) if self._real is not None else ()

    def create(self, body: str) -> Comment:
        """Record a new comment."""
        self.done.append("would create a comment")
        self.body = body
        return Comment(id=_NEW_ID, body=body, url="a new comment")

    def edit(self, comment: Comment, body: str) -> None:
        """Record the new body."""
        self.done.append(f"would edit {comment.url}")
        self.body = body

    def again(self, comment: Comment) -> Comment:
        """Return the comment as a real run leaves it."""
        return replace(comment, body=self.body or comment.body)

    def delete(self, comment: Comment) -> None:
        """Record the deletion."""
        self.done.append(f"would delete {comment.url}")

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Record that the comment is hidden."""
        self.done.append(f"would hide {comment.url} as {why.lower()}")

    def show(self, comment: Comment) -> None:
        """Record that the comment is shown again."""
        self.done.append(f"would show {comment.url}")
