"""Merge requests, branches and commits through GitLab's REST API, on gitlab.com or elsewhere.

Sources: GitLab's REST API, "Commits", "Branches", "Repositories" (tree, blob, compare),
"Repository files", "Merge requests", "Notes", "Issues" and "Users".
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from checker.errors import TfcertError
from checker.forges.comment import GITLAB_LIMIT, InvalidResponseError, RefusedError
from checker.forges.proposals.client import AbsentError, ProposalClient, number, text
from checker.forges.proposals.forge import (
    BaseTree,
    BranchCommit,
    BranchState,
    ForgeIssue,
    ForgeRequest,
    NewCommit,
    OutrunError,
    People,
    Project,
    Remark,
    TreeFile,
)
from checker.forges.proposals.marker import blob_id
from checker.forges.rest import ForgeNames
from checker.forges.retry import RetryPolicy

NAMES = ForgeNames(
    forge="GitLab",
    address="CI_API_V4_URL",
    token="GITLAB_TOKEN",  # noqa: S106 -- the variable's name
    remedy="the token needs the scope api and the role Developer; docs/propose.md",
)
_DRAFT = "Draft: "
# More files differ in no branch of ours.
_MOST_FILES = 100


class GitlabProposals:
    """One project on GitLab; `repository` is its id or its path."""

    sets_people = True
    text_limit = GITLAB_LIMIT

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        repository: str,
        retries: RetryPolicy,
        recorded: Callable[[str], None] | None = None,
    ) -> None:
        self.retries = retries
        self._where = repository
        self._client = ProposalClient(
            base_url,
            authorization=token,
            names=NAMES,
            where=repository,
            retries=retries,
            recorded=recorded,
            header="PRIVATE-TOKEN",
        )
        self._project_path = f"/projects/{quote(repository, safe='')}"
        self._repository = f"{self._project_path}/repository"
        self._user: str | None = None

    def viewer(self) -> str | None:
        """Return the address with which GitLab signs the commits of the token's user."""

        def read(found: Any) -> tuple[str, str | None]:
            address = found.get("commit_email") or found.get("email") or None
            return text(found["username"]), address

        try:
            self._user, address = self._client.read(read, "/user")
        except (RefusedError, AbsentError, InvalidResponseError):
            return None
        return address

    def caution(self, viewer: str | None) -> str | None:
        """Return None: a merge request of any token starts pipelines."""
        del viewer
        return None

    def project(self) -> Project:
        """Return the project."""
        return self._client.read(
            lambda found: Project(
                name=text(found["path_with_namespace"]),
                default_branch=text(found["default_branch"]),
            ),
            self._project_path,
        )

    def open_requests(self) -> Sequence[ForgeRequest]:
        """Return all open merge requests, the oldest first."""
        return self._listed(state="opened")

    def closed_requests(self, since: datetime) -> Sequence[ForgeRequest]:
        """Return the merge requests that were made since then and are closed or merged."""
        after = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            *self._listed(state="closed", created_after=after),
            *self._listed(state="merged", created_after=after),
        )

    def requests_of(self, branch: str) -> Sequence[ForgeRequest]:
        """Return all merge requests of a branch, the oldest first."""
        return self._listed(state="all", source_branch=branch)

    def request(self, number: int) -> ForgeRequest:
        """Return the current version of a merge request."""
        return self._client.read(_request, f"{self._project_path}/merge_requests/{number}")

    def base_tree(self, branch: str) -> BaseTree:
        """Return the head of a branch with its files."""
        head = self.head(branch)
        if head is None:
            raise TfcertError(
                f"there is no branch {branch!r}", where=self._where, remedy="name one with --base"
            )
        files: dict[str, TreeFile] = {}
        for page in self._client.pages(f"{self._repository}/tree", ref=head, recursive="true"):
            files |= self._client.checked(partial(_files, page))
        return BaseTree(branch=branch, commit=head, tree="", files=files)

    def blob(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._client.read(
            lambda found: b64decode(found["content"]), f"{self._repository}/blobs/{name}"
        )

    def branch(self, name: str, base: BaseTree) -> BranchState | None:
        """Compare a branch with the base; None if there is no such branch."""
        head = self.head(name)
        if head is None:
            return None
        query = {"from": base.commit, "to": head, "straight": "false"}
        found = self._client.get(f"{self._repository}/compare", query)
        commits, paths, complete = self._client.checked(partial(_compared, found))
        # Of several commits, one is a person's: then the files do not matter.
        complete = complete and len(paths) <= _MOST_FILES and len(commits) <= 1
        return BranchState(
            name=name,
            head=head,
            commits=commits,
            files={
                path: self._blob_name(path, head) if there else None
                for path, there in paths.items()
            }
            if complete
            else {},
            complete=complete,
        )

    def create_branch(self, name: str, commit: NewCommit) -> None:
        """Make a commit and its branch; raises OutrunError if the branch exists."""
        self._commit(name, commit, force=False)

    def rewrite_branch(self, state: BranchState, commit: NewCommit) -> None:
        """Replace a branch by a new commit; raises OutrunError if its head is another one now.

        GitLab cannot update on a condition, so the head is read again right before.
        """
        if self.head(state.name) != state.head:
            raise OutrunError(f"{state.name} has moved", where=self._where)
        self._commit(state.name, commit, force=True)

    def open(
        self, branch: str, base: str, title: str, body: str, *, draft: bool, people: People
    ) -> ForgeRequest:
        """Open a merge request; raises OutrunError if the branch has one."""

        def settled() -> Any | None:
            found = self._client.get(
                f"{self._project_path}/merge_requests",
                {"state": "opened", "source_branch": branch},
            )
            return next(iter(found), None) if isinstance(found, list) else None

        assignees = [self._user_id(name) for name in people.assignees]
        reviewers = [self._user_id(name) for name in people.reviewers]
        made = self._client.write(
            "POST",
            f"{self._project_path}/merge_requests",
            {
                "source_branch": branch,
                "target_branch": base,
                "title": f"{_DRAFT if draft else ''}{title}",
                "description": body,
                "remove_source_branch": True,
                **({"labels": ",".join(people.labels)} if people.labels else {}),
                **({"assignee_ids": assignees} if assignees else {}),
                **({"reviewer_ids": reviewers} if reviewers else {}),
            },
            settled=settled,
        )
        return self._client.checked(lambda: _request(made))

    def dress(self, number: int, people: People) -> None:
        """Do nothing: `open` sets labels and people."""

    def edit(self, number: int, *, title: str | None, body: str | None) -> None:
        """Replace the title or the text of a merge request; a draft stays one."""
        fields: dict[str, object] = {}
        if title is not None:
            # Read again: a title without the prefix would end the draft.
            draft = self._client.read(
                lambda found: text(found["title"]).startswith(_DRAFT),
                f"{self._project_path}/merge_requests/{number}",
            )
            fields["title"] = f"{_DRAFT if draft else ''}{title}"
        if body is not None:
            fields["description"] = body
        self._client.write("PUT", f"{self._project_path}/merge_requests/{number}", fields)

    def close(self, number: int, body: str) -> None:
        """Replace the text of a merge request and close it, in one call."""
        self._client.write(
            "PUT",
            f"{self._project_path}/merge_requests/{number}",
            {"state_event": "close", "description": body},
        )

    def remark(self, number: int, remark: Remark) -> bool:
        """Comment on a merge request once; return whether the comment is new."""
        return self._client.comment_once(
            f"{self._project_path}/merge_requests/{number}/notes",
            remark,
            lambda each: text(each["body"]),
        )

    def issues(self) -> Sequence[ForgeIssue]:
        """Return the issues of the token's user, closed ones too."""
        return tuple(
            each
            for page in self._client.pages(
                f"{self._project_path}/issues",
                state="all",
                scope="all",
                author_username=self._user or "",
            )
            for each in self._client.checked(partial(_issues, page))
        )

    def create_issue(self, title: str, body: str) -> ForgeIssue:
        """Create an issue."""

        def settled() -> Mapping[str, Any] | None:
            found = next((each for each in self.issues() if each.body == body), None)
            return (
                {
                    "iid": found.number,
                    "web_url": found.url,
                    "description": found.body,
                    "state": "opened" if found.is_open else "closed",
                }
                if found is not None
                else None
            )

        made = self._client.write(
            "POST",
            f"{self._project_path}/issues",
            {"title": title, "description": body},
            settled=settled,
        )
        return self._client.checked(lambda: _issue(made))

    def edit_issue(self, number: int, body: str) -> None:
        """Replace the text of an issue."""
        self._client.write("PUT", f"{self._project_path}/issues/{number}", {"description": body})

    def close_issue(self, number: int) -> None:
        """Close an issue."""
        self._client.write("PUT", f"{self._project_path}/issues/{number}", {"state_event": "close"})

    def _listed(self, **query: str) -> tuple[ForgeRequest, ...]:
        found = {
            each.number: each
            for page in self._client.pages(
                f"{self._project_path}/merge_requests",
                order_by="created_at",
                sort="desc",
                **query,
            )
            for each in self._client.checked(partial(_requests, page))
        }
        return tuple(found[number] for number in sorted(found))

    def head(self, branch: str) -> str | None:
        """Return the commit of a branch; None if there is no such branch."""
        try:
            return self._client.read(
                lambda found: text(found["commit"]["id"]),
                f"{self._repository}/branches/{quote(branch, safe='')}",
            )
        except AbsentError:
            return None

    def _blob_name(self, path: str, commit: str) -> str:
        return self._client.read(
            lambda found: text(found["blob_id"]),
            f"{self._repository}/files/{quote(path, safe='')}",
            ref=commit,
        )

    def _commit(self, branch: str, commit: NewCommit, *, force: bool) -> None:
        """Make a commit on the base; without an author, GitLab signs it for the token's user."""
        blobs = {file.path: blob_id(file.data, like=commit.base.commit) for file in commit.files}

        def settled() -> bool | None:
            state = self.branch(branch, commit.base)
            return True if state is not None and state.has(blobs, base=commit.base.commit) else None

        self._client.write(
            "POST",
            f"{self._repository}/commits",
            {
                "branch": branch,
                "start_sha": commit.base.commit,
                "commit_message": commit.message,
                "actions": [
                    {
                        "action": "update" if file.exists else "create",
                        "file_path": file.path,
                        "content": b64encode(file.data).decode(),
                        "encoding": "base64",
                    }
                    for file in commit.files
                ],
                **({"force": True} if force else {}),
            },
            settled=settled,
        )

    def _user_id(self, name: str) -> int:
        found = self._client.get("/users", {"username": name})
        ids = self._client.checked(lambda: [number(each["id"]) for each in found])
        if not ids:
            raise TfcertError(
                f"there is no user {name!r}", where=self._where, remedy="name a user of GitLab"
            )
        return ids[0]


def _files(page: Sequence[Any]) -> dict[str, TreeFile]:
    return {
        text(each["path"]): TreeFile(mode=text(each["mode"]), blob=text(each["id"]))
        for each in page
        if each["type"] == "blob"
    }


def _compared(found: Any) -> tuple[tuple[BranchCommit, ...], dict[str, bool], bool]:
    """Return the commits of a comparison, whether each path is still there, and if it is whole."""
    commits = tuple(
        BranchCommit(
            name=text(each["id"]),
            parents=tuple(text(parent) for parent in each["parent_ids"]),
            message=text(each["message"]),
            author=each.get("author_email"),
            committer=_committer(each),
        )
        for each in found["commits"]
    )
    paths: dict[str, bool] = {}
    for each in found["diffs"]:
        if each["old_path"] != each["new_path"]:
            paths[text(each["old_path"])] = False
        paths[text(each["new_path"])] = not each["deleted_file"]
    return commits, paths, not found.get("compare_timeout", False)


def _committer(found: Any) -> str | None:
    """Return the committer; where the server signs, it commits itself, for the author."""
    committer = found.get("committer_email") or ""
    return found.get("author_email") if committer.startswith("noreply@") else committer or None


def _requests(page: Sequence[Any]) -> list[ForgeRequest]:
    return [_request(each) for each in page]


def _request(found: Any) -> ForgeRequest:
    state = {"opened": "open"}.get(found["state"], found["state"])
    source, target = found.get("source_project_id"), found.get("target_project_id")
    return ForgeRequest(
        number=number(found["iid"]),
        name=f"!{found['iid']}",
        url=text(found["web_url"]),
        title=text(found["title"]).removeprefix(_DRAFT),
        body=found["description"] or "",
        branch=found.get("source_branch") or "",
        base=found.get("target_branch") or "",
        own=source == target,
        state=text(state),
        created_at=datetime.fromisoformat(found["created_at"]),
    )


def _issues(page: Sequence[Any]) -> list[ForgeIssue]:
    return [_issue(each) for each in page]


def _issue(found: Any) -> ForgeIssue:
    return ForgeIssue(
        number=number(found["iid"]),
        url=text(found["web_url"]),
        body=found["description"] or "",
        is_open=found["state"] in {"open", "opened"},
    )
