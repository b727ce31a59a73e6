"""Pull requests, branches and commits through GitHub's REST and GraphQL APIs.

Sources: GitHub's REST API, "Git database", "Pulls", "Commits" (compare) and "Issues"; its GraphQL
reference, `updateRefs` and `viewer`; "Commit signature verification for bots".
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from checker.errors import TfcertError
from checker.forges.comment import GITHUB_LIMIT, InvalidResponseError, RefusedError
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
from checker.forges.rest import ForgeNames
from checker.forges.retry import RetryPolicy

NAMES = ForgeNames(
    forge="GitHub",
    address="GITHUB_API_URL",
    token="GITHUB_TOKEN",  # noqa: S106 -- the variable's name
    remedy="the token needs contents: write and pull-requests: write; docs/propose.md",
)
# The user of the token that GitHub Actions makes for a run.
WORKFLOW_USER = "github-actions[bot]"
# GitHub signs a bot's commit as this committer.
_WEB_FLOW = "web-flow"
# A compare has at most 250 commits and 300 files.
_MOST_FILES = 300
_VIEWER = "query { viewer { login } }"
_UPDATE = (
    "mutation($repository: ID!, $updates: [RefUpdate!]!) "
    "{ updateRefs(input: {repositoryId: $repository, refUpdates: $updates}) { clientMutationId } }"
)


class GithubProposals:
    """One repository on GitHub, or on a GitHub Enterprise Server."""

    sets_people = False
    text_limit = GITHUB_LIMIT

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

        def client(address: str) -> ProposalClient:
            return ProposalClient(
                address,
                authorization=f"Bearer {token}",
                names=NAMES,
                where=repository,
                retries=retries,
                recorded=recorded,
            )

        self._client = client(base_url)
        address = base_url.rstrip("/")
        # GitHub Enterprise Server has GraphQL beside the REST API: /api/v3 and /api/graphql.
        self._graphql = client(
            address.removesuffix("/v3") if address.endswith("/api/v3") else base_url
        )
        self._repository = f"/repos/{quote(repository)}"
        self._owner = repository.partition("/")[0]
        self._project: Project | None = None
        self._user: str | None = None

    def viewer(self) -> str | None:
        """Return the login of the token's user, by GraphQL: REST tells it to no App's token."""

        def ask() -> str:
            answer = self._graphql.send(
                "POST", "/graphql", body={"query": _VIEWER, "variables": {}}
            )
            return self._client.checked(lambda: str(answer["data"]["viewer"]["login"]))

        try:
            self._user = self.retries.ask(ask)
        except (RefusedError, InvalidResponseError, OutrunError):
            self._user = None
        return comparable(self._user) if self._user is not None else None

    def caution(self, viewer: str | None) -> str | None:
        """Return why no workflow will run on the requests of this token; None if one does.

        Source: GitHub, "Triggering a workflow from a workflow": events of GITHUB_TOKEN start none.
        """
        if viewer != comparable(WORKFLOW_USER):
            return None
        return (
            "GITHUB_TOKEN is the token that GitHub Actions makes for a run: pull requests made "
            "with it start no workflow, so no gate judges them; use the token of a GitHub App "
            "(docs/propose.md)"
        )

    def project(self) -> Project:
        """Return the repository."""
        if self._project is None:
            self._project = self._client.read(
                lambda found: Project(
                    name=text(found["full_name"]),
                    default_branch=text(found["default_branch"]),
                    node=text(found["node_id"]),
                ),
                self._repository,
            )
        return self._project

    def open_requests(self) -> Sequence[ForgeRequest]:
        """Return all open pull requests, the oldest first."""
        found = {
            each.number: each
            for page in self._client.pages(
                f"{self._repository}/pulls", state="open", sort="created", direction="desc"
            )
            for each in self._requests(page)
        }
        return tuple(found[number] for number in sorted(found))

    def closed_requests(self, since: datetime) -> Sequence[ForgeRequest]:
        """Return the pull requests that were made since then and are closed or merged."""
        found: list[ForgeRequest] = []
        for page in self._client.pages(
            f"{self._repository}/pulls", state="closed", sort="created", direction="desc"
        ):
            requests = self._requests(page)
            found += [each for each in requests if each.created_at >= since]
            if any(each.created_at < since for each in requests):
                break
        return tuple(found)

    def requests_of(self, branch: str) -> Sequence[ForgeRequest]:
        """Return all pull requests of a branch, the oldest first."""
        page = self._client.get(
            f"{self._repository}/pulls",
            {"head": f"{self._owner}:{branch}", "state": "all", "per_page": "100"},
        )
        return tuple(sorted(self._requests(page), key=lambda each: each.number))

    def request(self, number: int) -> ForgeRequest:
        """Return the current version of a pull request."""
        return self._client.read(self._request, f"{self._repository}/pulls/{number}")

    def base_tree(self, branch: str) -> BaseTree:
        """Return the head of a branch with its files."""
        head = self.head(branch)
        if head is None:
            raise TfcertError(
                f"there is no branch {branch!r}", where=self._where, remedy="name one with --base"
            )
        tree = self._client.read(
            lambda found: text(found["tree"]["sha"]), f"{self._repository}/git/commits/{head}"
        )
        listed = self._client.get(f"{self._repository}/git/trees/{tree}", {"recursive": "1"})
        if self._client.checked(lambda: bool(listed["truncated"])):
            raise TfcertError(
                f"GitHub lists only a part of the files of {branch}",
                where=self._where,
                remedy="a repository of this size cannot be read through the API",
            )
        return BaseTree(
            branch=branch,
            commit=head,
            tree=tree,
            files=self._client.checked(
                lambda: {
                    text(each["path"]): TreeFile(mode=text(each["mode"]), blob=text(each["sha"]))
                    for each in listed["tree"]
                    if each["type"] == "blob"
                }
            ),
        )

    def blob(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._client.read(
            lambda found: b64decode(found["content"]), f"{self._repository}/git/blobs/{name}"
        )

    def branch(self, name: str, base: BaseTree) -> BranchState | None:
        """Compare a branch with the base; None if there is no such branch."""
        head = self.head(name)
        if head is None:
            return None
        return self._client.read(
            lambda found: _state(name, head, found),
            f"{self._repository}/compare/{base.commit}...{head}",
        )

    def create_branch(self, name: str, commit: NewCommit) -> None:
        """Make a commit and its branch; raises OutrunError if the branch exists."""
        made = self._commit(commit)
        self._client.write(
            "POST",
            f"{self._repository}/git/refs",
            {"ref": f"refs/heads/{name}", "sha": made},
            settled=lambda: made if self.head(name) == made else None,
        )

    def rewrite_branch(self, state: BranchState, commit: NewCommit) -> None:
        """Move a branch from its known head to a new commit; raises OutrunError if it moved.

        REST cannot update on a condition; GraphQL's updateRefs compares the head and moves it.
        """
        made = self._commit(commit)

        def settled() -> Mapping[str, Any] | None:
            return {"data": {}} if self.head(state.name) == made else None

        update = {
            "name": f"refs/heads/{state.name}",
            "beforeOid": state.head,
            "afterOid": made,
            "force": True,
        }
        answer = self._graphql.write(
            "POST",
            "/graphql",
            {
                "query": _UPDATE,
                "variables": {"repository": self.project().node, "updates": [update]},
            },
            settled=settled,
        )
        if not isinstance(answer, dict) or (answer.get("errors") and settled() is None):
            raise OutrunError(f"GitHub does not move {state.name}", where=self._where)

    def open(
        self, branch: str, base: str, title: str, body: str, *, draft: bool, people: People
    ) -> ForgeRequest:
        """Open a pull request; raises OutrunError if the branch has one."""
        del people  # `dress` adds them

        def settled() -> Mapping[str, Any] | None:
            page = self._client.get(
                f"{self._repository}/pulls",
                {"head": f"{self._owner}:{branch}", "state": "open", "per_page": "100"},
            )
            return next(iter(page), None) if isinstance(page, list) else None

        made = self._client.write(
            "POST",
            f"{self._repository}/pulls",
            {
                "title": title,
                "head": branch,
                "base": base,
                "body": body,
                "draft": draft,
                "maintainer_can_modify": False,
            },
            settled=settled,
        )
        return self._client.checked(lambda: self._request(made))

    def dress(self, number: int, people: People) -> None:
        """Add labels, assignees and reviewers; ORGANISATION/TEAM is a team."""
        issue = f"{self._repository}/issues/{number}"
        if people.labels:
            self._client.write("POST", f"{issue}/labels", {"labels": list(people.labels)})
        if people.assignees:
            self._client.write("POST", f"{issue}/assignees", {"assignees": list(people.assignees)})
        if people.reviewers:
            self._client.write(
                "POST",
                f"{self._repository}/pulls/{number}/requested_reviewers",
                {
                    "reviewers": [each for each in people.reviewers if "/" not in each],
                    "team_reviewers": [
                        each.partition("/")[2] for each in people.reviewers if "/" in each
                    ],
                },
            )

    def edit(self, number: int, *, title: str | None, body: str | None) -> None:
        """Replace the title or the text of a pull request."""
        self._client.write(
            "PATCH",
            f"{self._repository}/pulls/{number}",
            {
                **({"title": title} if title is not None else {}),
                **({"body": body} if body is not None else {}),
            },
        )

    def close(self, number: int, body: str) -> None:
        """Replace the text of a pull request and close it, in one call."""
        self._client.write(
            "PATCH", f"{self._repository}/pulls/{number}", {"state": "closed", "body": body}
        )

    def remark(self, number: int, remark: Remark) -> bool:
        """Comment on a pull request once; return whether the comment is new."""
        return self._client.comment_once(
            f"{self._repository}/issues/{number}/comments",
            remark,
            lambda each: each["body"] or "",
        )

    def issues(self) -> Sequence[ForgeIssue]:
        """Return the issues of the token's user, closed ones too."""
        return tuple(
            each
            for page in self._client.pages(
                f"{self._repository}/issues", state="all", creator=self._user or ""
            )
            for each in self._client.checked(partial(_issues, page))
        )

    def create_issue(self, title: str, body: str) -> ForgeIssue:
        """Create an issue."""

        def settled() -> Mapping[str, Any] | None:
            found = next((each for each in self.issues() if each.body == body), None)
            return (
                {
                    "number": found.number,
                    "html_url": found.url,
                    "body": found.body,
                    "state": "open" if found.is_open else "closed",
                }
                if found is not None
                else None
            )

        made = self._client.write(
            "POST", f"{self._repository}/issues", {"title": title, "body": body}, settled=settled
        )
        return self._client.checked(lambda: _issue(made))

    def edit_issue(self, number: int, body: str) -> None:
        """Replace the text of an issue."""
        self._client.write("PATCH", f"{self._repository}/issues/{number}", {"body": body})

    def close_issue(self, number: int) -> None:
        """Close an issue."""
        self._client.write("PATCH", f"{self._repository}/issues/{number}", {"state": "closed"})

    def head(self, branch: str) -> str | None:
        """Return the commit of a branch; None if there is no such branch."""
        try:
            return self._client.read(
                lambda found: text(found["object"]["sha"]),
                f"{self._repository}/git/ref/heads/{quote(branch)}",
            )
        except AbsentError:
            return None

    def _commit(self, commit: NewCommit) -> str:
        """Make the files, the tree and the commit; without an author, GitHub signs it."""
        entries = [
            {
                "path": file.path,
                "mode": file.mode,
                "type": "blob",
                "sha": self._made(
                    "git/blobs",
                    {"content": b64encode(file.data).decode(), "encoding": "base64"},
                ),
            }
            for file in commit.files
        ]
        tree = self._made("git/trees", {"base_tree": commit.base.tree, "tree": entries})
        return self._made(
            "git/commits",
            {"message": commit.message, "tree": tree, "parents": [commit.base.commit]},
        )

    def _made(self, kind: str, body: Mapping[str, object]) -> str:
        answer = self._client.write("POST", f"{self._repository}/{kind}", body)
        return self._client.checked(lambda: text(answer["sha"]))

    def _requests(self, page: Any) -> list[ForgeRequest]:
        return self._client.checked(lambda: [self._request(each) for each in page])

    def _request(self, found: Any) -> ForgeRequest:
        head = found.get("head") or {"ref": "", "repo": None}
        name = (head["repo"] or {}).get("full_name", "")
        return ForgeRequest(
            number=number(found["number"]),
            name=f"#{found['number']}",
            url=text(found["html_url"]),
            title=text(found["title"]),
            body=found["body"] or "",
            branch=text(head["ref"]),
            base=text((found.get("base") or {"ref": ""})["ref"]),
            own=name.lower() == self.project().name.lower(),
            state="merged" if found.get("merged_at") else text(found["state"]),
            created_at=datetime.fromisoformat(found["created_at"]),
        )


def comparable(login: str) -> str:
    """Return a login as it is compared: GraphQL and REST differ in the ending of a bot's."""
    return login.lower().removesuffix("[bot]")


def _state(name: str, head: str, found: Any) -> BranchState:
    commits = tuple(_commit(each) for each in found["commits"])
    files: dict[str, str | None] = {}
    for each in found.get("files", ()):
        if each.get("previous_filename"):
            files[text(each["previous_filename"])] = None
        files[text(each["filename"])] = None if each["status"] == "removed" else each["sha"]
    return BranchState(
        name=name,
        head=head,
        commits=commits,
        files=files,
        complete=len(commits) == found["total_commits"] and len(files) < _MOST_FILES,
    )


def _commit(found: Any) -> BranchCommit:
    author, committer = (
        comparable(login) if (login := (found.get(key) or {}).get("login")) is not None else None
        for key in ("author", "committer")
    )
    return BranchCommit(
        name=text(found["sha"]),
        parents=tuple(text(each["sha"]) for each in found["parents"]),
        message=text(found["commit"]["message"]),
        author=author,
        committer=author if committer == _WEB_FLOW else committer,
    )


def _issues(page: Sequence[Any]) -> list[ForgeIssue]:
    # GitHub lists pull requests as issues too.
    return [_issue(each) for each in page if "pull_request" not in each]


def _issue(found: Any) -> ForgeIssue:
    return ForgeIssue(
        number=number(found["number"]),
        url=text(found["html_url"]),
        body=found["body"] or "",
        is_open=found["state"] == "open",
    )
