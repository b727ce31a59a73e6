"""What a run needs of a forge to keep its requests, and the values that it exchanges with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from checker.errors import TfcertError
from checker.forges.proposals.marker import (
    RequestMarker,
    claimed_content,
    content_hash,
    read_request_marker,
)
from checker.forges.retry import RetryPolicy


class OutrunError(TfcertError):
    """The forge refuses a change, because another run or a person was faster."""


class Project(Struct, frozen=True, kw_only=True):
    """The repository on the forge: its names there, and its default branch.

    `node` is the id for GitHub's GraphQL.
    """

    name: str
    default_branch: str
    node: str = ""


class TreeFile(Struct, frozen=True, kw_only=True):
    """A file of a commit: its mode as git writes it, and the name of its content."""

    mode: str
    blob: str


class BaseTree(Struct, frozen=True, kw_only=True):
    """The head of the base branch, and all files of its commit by path.

    `tree` is the name of the tree, where the forge has it.
    """

    branch: str
    commit: str
    tree: str
    files: Mapping[str, TreeFile]


class BranchCommit(Struct, frozen=True, kw_only=True):
    """A commit of a branch; `author` and `committer` are the forge's names, None if unknown."""

    name: str
    parents: tuple[str, ...]
    message: str
    author: str | None
    committer: str | None


class BranchState(Struct, frozen=True, kw_only=True):
    """A branch compared with the base: its own commits, and the files in which it differs.

    `files` has the blob of each file, None for a deleted one. `complete` is whether the forge
    returned all commits and files.
    """

    name: str
    head: str
    commits: tuple[BranchCommit, ...]
    files: Mapping[str, str | None]
    complete: bool = True

    def is_ours(self, viewer: str | None) -> bool:
        """Return whether nothing on the branch is a person's, so that it may be rewritten.

        tfcert writes one commit. Its trailer must match the files, and its author and committer
        must be the token's user, or equal if the forge does not tell who that is. A branch without
        commits of its own has nothing to lose.
        """
        if not self.complete:
            return False
        if not self.commits:
            return True
        if len(self.commits) > 1:
            return False
        commit = self.commits[0]
        blobs = {path: blob for path, blob in self.files.items() if blob is not None}
        return (
            len(commit.parents) == 1
            and len(blobs) == len(self.files)
            and claimed_content(commit.message) == content_hash(blobs)
            and commit.author is not None
            and commit.author == commit.committer
            and viewer in {None, commit.author}
        )

    def has(self, files: Mapping[str, str], *, base: str) -> bool:
        """Return whether the branch is one commit on `base` with exactly these blobs."""
        return (
            self.complete
            and len(self.commits) == 1
            and self.commits[0].parents == (base,)
            and dict(self.files) == dict(files)
        )


class ForgeRequest(Struct, frozen=True, kw_only=True):
    """A pull request or merge request.

    `name` is its number as the forge writes it. `branch` is its head branch, `own` whether that is
    in the same repository. `state` is open, closed or merged.
    """

    number: int
    name: str
    url: str
    title: str
    body: str
    branch: str
    base: str
    own: bool
    state: str
    created_at: datetime

    @property
    def marker(self) -> RequestMarker | None:
        """Return the marker in the last line of its text."""
        return read_request_marker(self.body)


class NewFile(Struct, frozen=True, kw_only=True):
    """A file of a commit to make; `exists` is whether the base has it."""

    path: str
    mode: str
    data: bytes
    exists: bool


class NewCommit(Struct, frozen=True, kw_only=True):
    """A commit to make on the head of the base."""

    base: BaseTree
    message: str
    files: tuple[NewFile, ...]


class People(Struct, frozen=True, kw_only=True):
    """Labels and people of a new request."""

    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to add."""
        return not (self.labels or self.assignees or self.reviewers)


class Remark(Struct, frozen=True, kw_only=True):
    """A comment on a request; `line` is its hidden first line, by which it is found again."""

    line: str
    text: str

    @property
    def body(self) -> str:
        """Return the comment."""
        return f"{self.line}\n{self.text}"


class ForgeIssue(Struct, frozen=True, kw_only=True):
    """An issue of the repository."""

    number: int
    url: str
    body: str
    is_open: bool = True


class ProposalForge(Protocol):
    """The operations on a forge; each call is retried within limits, and raises TfcertError.

    `sets_people` is whether `open` sets labels and people itself.
    """

    retries: RetryPolicy
    sets_people: bool
    text_limit: int

    def viewer(self) -> str | None:
        """Return the user of the token; None if the forge does not tell."""

    def caution(self, viewer: str | None) -> str | None:
        """Return what a user must know of a token; None if there is nothing."""

    def project(self) -> Project:
        """Return the repository."""

    def open_requests(self) -> Sequence[ForgeRequest]:
        """Return all open requests, the oldest first."""

    def closed_requests(self, since: datetime) -> Sequence[ForgeRequest]:
        """Return the requests that were made since then and are closed or merged."""

    def requests_of(self, branch: str) -> Sequence[ForgeRequest]:
        """Return all requests of a branch, the oldest first."""

    def request(self, number: int) -> ForgeRequest:
        """Return the current version of a request."""

    def base_tree(self, branch: str) -> BaseTree:
        """Return the head of a branch with its files."""

    def head(self, branch: str) -> str | None:
        """Return the commit of a branch; None if there is no such branch."""

    def blob(self, name: str) -> bytes:
        """Return the content of a file."""

    def branch(self, name: str, base: BaseTree) -> BranchState | None:
        """Compare a branch with the base; None if there is no such branch."""

    def create_branch(self, name: str, commit: NewCommit) -> None:
        """Make a commit and its branch; raises OutrunError if the branch exists."""

    def rewrite_branch(self, state: BranchState, commit: NewCommit) -> None:
        """Move a branch from its known head to a new commit; raises OutrunError if it moved."""

    def open(
        self, branch: str, base: str, title: str, body: str, *, draft: bool, people: People
    ) -> ForgeRequest:
        """Open a request; raises OutrunError if the branch has one."""

    def dress(self, number: int, people: People) -> None:
        """Add labels and people to a request."""

    def edit(self, number: int, *, title: str | None, body: str | None) -> None:
        """Replace the title or the text of a request."""

    def close(self, number: int, body: str) -> None:
        """Replace the text of a request and close it, in one call."""

    def remark(self, number: int, remark: Remark) -> bool:
        """Comment on a request once; return whether the comment is new."""

    def issues(self) -> Sequence[ForgeIssue]:
        """Return the issues of the token's user, closed ones too; `viewer` was called before."""

    def create_issue(self, title: str, body: str) -> ForgeIssue:
        """Create an issue."""

    def edit_issue(self, number: int, body: str) -> None:
        """Replace the text of an issue."""

    def close_issue(self, number: int) -> None:
        """Close an issue."""


def touched(requests: Collection[ForgeRequest], prefix: str) -> tuple[ForgeRequest, ...]:
    """Return the requests whose branch is in this repository and has the prefix."""
    return tuple(each for each in requests if each.own and each.branch.startswith(prefix))
