"""What would be written, and is not: `--dry-run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from checker.forges.comment import Comment, Conversation, HideReason

_YET_TO_COME = 2**62


class DryRunConversation:
    """A conversation that is only read, if it is there at all; `done` tells what would be done, `body` what would be posted."""

    def __init__(self, real: Conversation | None) -> None:
        self._real = real
        self.done: list[str] = []
        self.body: str | None = None

    def ours(self, candidate: Callable[[str], bool]) -> Sequence[Comment]:
        """What is really there."""
        return self._real.ours(candidate) if self._real is not None else ()

    def create(self, body: str) -> Comment:
        """Remember the comment."""
        self.done.append("would create a comment")
        self.body = body
        return Comment(id=_YET_TO_COME, body=body, url="a new comment")

    def edit(self, comment: Comment, body: str) -> None:
        """Remember the new body."""
        self.done.append(f"would edit {comment.url}")
        self.body = body

    def again(self, comment: Comment) -> Comment:
        """What would be there by now."""
        return replace(comment, body=self.body or comment.body)

    def delete(self, comment: Comment) -> None:
        """Remember the deletion."""
        self.done.append(f"would delete {comment.url}")

    def hide(self, comment: Comment, why: HideReason) -> None:
        """Remember that it would be folded away."""
        self.done.append(f"would hide {comment.url} as {why.lower()}")

    def show(self, comment: Comment) -> None:
        """Remember that it would be unfolded."""
        self.done.append(f"would show {comment.url}")
