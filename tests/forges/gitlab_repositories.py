"""A stand-in of GitLab with whole projects: branches, commits, files, merge requests, notes and
issues, over real bare git repositories.

Sources: GitLab's REST API pages and, where they are silent, its source. A commit with `start_sha`
to an existing branch is refused without `force` (Commits::CreateService). A merge request is closed
once its source branch is gone, and merged once the target has its commits
(MergeRequests::RefreshService).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bare_repository import BareRepository, GitError
from gitlab_stand_in import BOT, PERSON, GitlabStandIn
from strict_server import Answer, ViolationError

SHA = re.compile(r"[0-9a-f]{40}\Z")
MODES = {False: "100644", True: "100755"}


@dataclass(kw_only=True)
class MergeRequest:
    """A merge request, or an issue if `head` is None."""

    number: int
    title: str
    body: str | None
    by: int
    at: datetime
    head: str | None = None
    base: str | None = None
    open: bool = True
    merged_at: datetime | None = None
    closed_by: int | None = None
    sha: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[int] = field(default_factory=list)
    reviewers: list[int] = field(default_factory=list)
    removes_branch: bool = False

    @property
    def draft(self):
        return self.title.startswith("Draft: ")

    @property
    def state(self):
        if self.merged_at is not None:
            return "merged"
        return "opened" if self.open else "closed"


@dataclass(kw_only=True)
class GitlabProject:
    """A project of the server with its requests, and a record of who moved which branch."""

    name: str
    id: int
    repository: BareRepository
    requests: list[MergeRequest] = field(default_factory=list)
    moves: list[tuple[int, str, str | None, str | None]] = field(default_factory=list)

    def pulls(self, *, branch=None):
        return [one for one in self.requests if one.head is not None and branch in {None, one.head}]


class RefusalError(Exception):
    """An answer that ends a request."""

    def __init__(self, status, message):
        super().__init__(message)
        self.answer = Answer(status=status, body={"message": message})


class GitlabRepositories(GitlabStandIn):
    """A server with several projects by id and path.

    People act through `push`, `close`, `reopen` and `merge`.
    """

    def __init__(self, *, now=datetime(2026, 11, 23, tzinfo=UTC)):
        super().__init__()
        self.now = now
        self.projects = {}
        self.users = {"ann": PERSON, "bob": 14}
        self.notes = {}
        self.viewer = PERSON
        self._numbers = 0

    def project(self, folder, name="acme/gateway", **how):
        """Add a project in a new folder."""
        repository = BareRepository(folder, **how)
        made = GitlabProject(name=name, id=42 + len(self.projects), repository=repository)
        repository.moved = lambda *move: self._moved(made, *move)
        self.projects[name] = self.projects[str(made.id)] = made
        return made

    # ---- what people do

    def as_person(self, identity=PERSON):
        """Let the next actions be those of a person, not of the last token."""
        self.viewer = identity
        return self

    def push(self, project, files, *, branch=None, by="Ann", **more):
        """Commit to a branch as a person."""
        with self.lock:
            self.as_person()
            return project.repository.put(
                files, branch=branch, who=by, date=self.now.isoformat(), **more
            )

    def close(self, request, *, by=PERSON):
        with self.lock:
            request.open, request.closed_by = False, by

    def reopen(self, request):
        with self.lock:
            request.open, request.closed_by = True, None

    def open_as_person(self, project, branch):
        """Open a merge request as a person does."""
        with self.lock:
            self.as_person()
            asked = {"title": "Mine", "description": "Mine.", "source_branch": branch}
            target = {"target_branch": project.repository.branch}
            project.requests.append(self._open(project, {**asked, **target}))

    def merge(self, project, request, *, by=PERSON, delete=True, squash=False):
        """Merge a request with a merge commit or a squash, and return that commit, or None if the two
        sides conflict.
        """
        with self.lock:
            repository = project.repository
            base = repository.head(request.base)
            tree = repository.merge(base, request.sha)
            if tree is None:
                return None
            self.as_person(by)
            who = (f"user{by}", f"user{by}@example.com")
            message = f"Merge branch '{request.head}' into '{request.base}'\n"
            parents = [base] if squash else [base, request.sha]
            new = repository.write_commit(
                tree, parents, message, author=who, date=self.now.isoformat()
            )
            # A squash is no ancestor, so the branch's move alone would not tell.
            request.open, request.merged_at, request.closed_by = False, self.now, by
            repository.move(request.base, new, base)
            if delete and repository.head(request.head) is not None:
                repository.move(request.head, None, repository.head(request.head))
            return new

    # ---- requests

    def handle(self, path, request):  # noqa: PLR0911 -- likewise
        token = request.headers.get("private-token")
        if token not in self.tokens:
            return Answer(status=401, body={"message": "401 Unauthorized"})
        self.viewer, writes = self.tokens[token]
        if path.endswith("/user"):
            return Answer(status=200, body=self._me())
        if path.endswith("/users"):
            name = request.query.get("username")
            known = [
                self._user(identity) for login, identity in self.users.items() if login == name
            ]
            return Answer(status=200, body=known)
        project = self.projects.get(request.values["id"])
        if project is None:
            return Answer(status=404, body={"message": "404 Project Not Found"})
        if request.method != "GET" and not writes:
            return Answer(status=403, body={"message": "403 Forbidden"})
        try:
            return self._answer(project, path.partition("/{id}")[2], request)
        except RefusalError as refusal:
            return refusal.answer

    def _answer(self, project, path, request):  # noqa: PLR0911 -- an answer each
        first = path.split("/")[1] if path else ""
        if first == "repository":
            return self._git(project, path.partition("/repository/")[2], request)
        if first == "":
            return Answer(status=200, body=self._project(project))
        number = next(
            (int(request.values[name]) for name in _NUMBERS if name in request.values), None
        )
        found = next((one for one in project.requests if one.number == number), None)
        if number is None:
            return self._many(project, first, request)
        if found is None or (found.head is None) != (first == "issues"):
            raise RefusalError(404, "404 Not found")
        if "notes" in path:
            self.notes.setdefault(number, [])
            if "note_id" in request.values:
                return self._single(request, number)
            if request.method == "GET":
                return self._page(request, number)
            made = self.add(request.body["body"], by=self.viewer, number=number)
            return Answer(status=201, body=self._shown(made, number))
        if path.endswith("/merge"):
            self.merge(project, found, by=self.viewer)
        elif request.method == "PUT":
            self._edit(project, found, request.body)
        return Answer(status=200, body=self._shown_request(project, found))

    def page(self, request, found):
        """Return a page of a list, with the headers for its number."""
        size, page = int(request.query.get("per_page", 20)), int(request.query.get("page", 1))
        more = str(page + 1) if len(found) > page * size else ""
        headers = {"X-Page": str(page), "X-Per-Page": str(size), "X-Next-Page": more}
        return Answer(status=200, body=found[(page - 1) * size : page * size], headers=headers)

    # ---- the repository

    def _git(self, project, path, request):  # noqa: C901, PLR0911 -- an operation each
        values, query, repository = request.values, request.query, project.repository
        match path, request.method:
            case "branches/{branch}", "GET":
                return Answer(status=200, body=self._branch(project, values["branch"]))
            case "branches/{branch}", "DELETE":
                self._branch(project, values["branch"])
                repository.move(values["branch"], None, repository.head(values["branch"]))
                return Answer(status=204)
            case "branches", "POST":
                return self._new_branch(project, request.body)
            case "tree", "GET":
                sha = self._resolved(project, query.get("ref"), "404 Tree Not Found")
                recursive = query.get("recursive") == "true"
                found = repository.tree(sha, recursive=recursive)
                return self.page(request, [_tree_entry(entry) for entry in found])
            case "blobs/{sha}", "GET":
                if repository.kind(values["sha"]) != "blob":
                    raise RefusalError(404, "404 Blob Not Found")
                data = repository.blob(values["sha"])
                shown = {"size": len(data), "encoding": "base64", "sha": values["sha"]}
                return Answer(status=200, body={**shown, "content": _base64(data)})
            case "files/{file_path}", "GET":
                return self._file(project, values["file_path"], query["ref"])
            case "compare", "GET":
                return self._compare(project, query)
            case "commits/{sha}", "GET":
                sha = self._resolved(project, values["sha"], "404 Commit Not Found")
                return Answer(status=200, body=self._commit(project, sha))
            case "commits", "POST":
                return self._new_commit(project, request.body)
        raise ViolationError(f"the stand-in has no {request.method} {path}")

    def _resolved(self, project, ref, otherwise):
        """Return the commit of a branch's name or of an id, or of the default branch if none is
        named.
        """
        found = project.repository.head(ref or project.repository.branch)
        if found is None and ref and SHA.match(ref) and project.repository.kind(ref) == "commit":
            found = ref
        if found is None:
            raise RefusalError(404, otherwise)
        return found

    def _branch(self, project, name):
        sha = project.repository.head(name)
        if sha is None:
            raise RefusalError(404, "404 Branch Not Found")
        default = name == project.repository.branch
        return {
            "name": name,
            "commit": self._commit(project, sha),
            "protected": default,
            "default": default,
            "merged": False,
            "can_push": True,
        }

    def _new_branch(self, project, body):
        if project.repository.head(body["branch"]) is not None:
            raise RefusalError(400, "Branch already exists")
        sha = self._resolved(project, body["ref"], "Invalid reference name")
        project.repository.move(body["branch"], sha, None)
        return Answer(status=201, body=self._branch(project, body["branch"]))

    def _file(self, project, path, ref):
        repository = project.repository
        sha = self._resolved(project, ref, "404 Commit Not Found")
        entry = repository.entry(sha, path)
        if entry is None or entry.kind != "blob":
            raise RefusalError(404, "404 File Not Found")
        data = repository.blob(entry.sha)
        shown = {
            "file_name": path.rpartition("/")[2],
            "file_path": path,
            "size": len(data),
            "encoding": "base64",
            "content": _base64(data),
            "content_sha256": hashlib.sha256(data).hexdigest(),
            "ref": ref,
            "blob_id": entry.sha,
            "commit_id": sha,
            "last_commit_id": repository.history(sha, path)[0],
            "execute_filemode": entry.mode == "100755",
        }
        return Answer(status=200, body=shown)

    def _compare(self, project, query):
        repository = project.repository
        old = self._resolved(project, query["from"], "404 Ref Not Found")
        new = self._resolved(project, query["to"], "404 Ref Not Found")
        start = old if query.get("straight") == "true" else repository.merge_base(old, new)
        commits = [self._commit(project, each) for each in repository.between(old, new)]
        diffs = [_diff(change) for change in (repository.changes(start, new) if start else ())]
        body = {
            "commit": commits[-1] if commits else None,
            "commits": commits,
            "diffs": diffs,
            "compare_timeout": False,
            "compare_same_ref": old == new,
            "web_url": f"{self.origin}/{project.name}/-/compare/{old}...{new}",
        }
        return Answer(status=200, body=body)

    def _new_commit(self, project, body):
        repository, branch = project.repository, body["branch"]
        old, start = repository.head(branch), body.get("start_sha")
        if start and body.get("start_branch"):
            raise RefusalError(400, "You can't pass both start_branch and start_sha")
        if start and repository.kind(start) != "commit":
            raise RefusalError(400, f"Cannot find start_sha '{start}'")
        if body.get("start_branch", branch) != branch:
            start = repository.head(body["start_branch"])
        if start is not None and old is not None and not body.get("force"):
            raise RefusalError(
                400,
                f"A branch called '{branch}' already exists. "
                "Switch to that branch in order to make changes",
            )
        parent = start or old
        if parent is None:
            raise RefusalError(400, "You can only create or edit files when you are on a branch")
        entries = [self._action(repository, parent, each) for each in body["actions"]]
        try:
            tree = repository.write_tree(parent, entries)
            who = (f"user{self.viewer}", self._email(self.viewer))
            author = (body.get("author_name", who[0]), body.get("author_email", who[1]))
            made = repository.write_commit(
                tree,
                [parent],
                body["commit_message"],
                author=author,
                committer=who,
                date=self.now.isoformat(),
            )
            repository.move(branch, made, old)
        except GitError as error:
            raise RefusalError(400, str(error)) from error
        return Answer(status=201, body=self._commit(project, made))

    def _action(self, repository, parent, action):
        path, entry = action["file_path"], repository.entry(parent, action["file_path"])
        kind, there = action["action"], entry is not None and entry.kind == "blob"
        if kind == "create" and there:
            raise RefusalError(400, "A file with this name already exists")
        if kind != "create" and not there:
            raise RefusalError(400, "A file with this name doesn't exist")
        last = action.get("last_commit_id")
        if last is not None and last != repository.history(parent, path)[0]:
            raise RefusalError(400, f"The file has changed since you started editing it: {path}")
        mode = entry.mode if there else "100644"
        if kind == "delete":
            return mode, None, path
        if kind == "chmod":
            return MODES[action["execute_filemode"]], entry.sha, path
        if kind == "move":
            raise ViolationError("the stand-in moves no files")
        # A new file has no execute bit, and one that is there keeps its mode: `execute_filemode` is for chmod alone.
        data = action.get("content", "").encode()
        if action.get("encoding") == "base64":
            try:
                data = base64.b64decode(action["content"], validate=True)
            except binascii.Error:
                raise RefusalError(400, "content is not valid Base64") from None
        return mode, repository.write_blob(data), path

    def _commit(self, project, sha):
        commit = project.repository.commit(sha)
        return {
            "id": sha,
            "short_id": sha[:8],
            "parent_ids": list(commit.parents),
            "title": commit.message.partition("\n")[0],
            "message": commit.message,
            "author_name": commit.author,
            "author_email": commit.email,
            "authored_date": commit.date,
            "committer_name": commit.committer,
            "committer_email": commit.committer_email,
            "committed_date": commit.date,
            "created_at": commit.date,
            "trailers": {},
            "web_url": f"{self.origin}/{project.name}/-/commit/{sha}",
        }

    # ---- merge requests and issues

    def _many(self, project, kind, request):
        query, body = request.query, request.body
        if request.method == "POST":
            made = self._open(project, body) if kind == "merge_requests" else self._issue(body)
            project.requests.append(made)
            return Answer(status=201, body=self._shown_request(project, made))
        found = [one for one in project.requests if (one.head is None) == (kind == "issues")]
        state, after = query.get("state", "all"), query.get("created_after")
        tests = {
            "source_branch": lambda one: one.head == query["source_branch"],
            "target_branch": lambda one: one.base == query["target_branch"],
            "author_username": lambda one: f"user{one.by}" == query["author_username"],
            "created_after": lambda one: one.at >= datetime.fromisoformat(after),
        }
        found = [
            one
            for one in found
            if state in {"all", one.state}
            and all(test(one) for name, test in tests.items() if name in query)
        ]
        found.sort(key=lambda one: (one.at, one.number), reverse=query.get("sort") != "asc")
        return self.page(request, [self._shown_request(project, one) for one in found])

    def _open(self, project, body):
        head, base = body["source_branch"], body["target_branch"]
        for name in (head, base):
            if project.repository.head(name) is None:
                raise RefusalError(422, {"base": [f"Branch {name} does not exist"]})
        self._refuse_second(project, head, base)
        if len(body.get("description") or "") > 1_048_576:
            raise RefusalError(
                400, {"description": ["is too long (maximum is 1048576 characters)"]}
            )
        self._numbers += 1
        return MergeRequest(
            number=self._numbers,
            title=body["title"],
            body=body.get("description"),
            by=self.viewer,
            at=self.now,
            head=head,
            base=base,
            sha=project.repository.head(head),
            labels=list(filter(None, body.get("labels", "").split(","))),
            assignees=list(body.get("assignee_ids", ())),
            reviewers=list(body.get("reviewer_ids", ())),
            removes_branch=body.get("remove_source_branch", False),
        )

    def _refuse_second(self, project, head, base):
        for other in project.pulls(branch=head):
            if other.open and other.base == base:
                what = "Another open merge request already exists for this source branch"
                raise RefusalError(409, [f"{what}: !{other.number}"])

    def _issue(self, body):
        self._numbers += 1
        return MergeRequest(
            number=self._numbers,
            title=body["title"],
            body=body.get("description"),
            by=self.viewer,
            at=self.now,
            labels=list(filter(None, body.get("labels", "").split(","))),
        )

    def _edit(self, project, found, body):
        event = body.get("state_event")
        if event == "reopen" and found.merged_at is None and not found.open and found.head:
            self._refuse_second(project, found.head, found.base)
            if project.repository.head(found.head) is None:
                raise RefusalError(422, {"base": ["Source branch does not exist"]})
        if event is not None and found.merged_at is None:
            found.open = event == "reopen"
            found.closed_by = None if found.open else self.viewer
        found.title = body.get("title", found.title)
        found.body = body.get("description", found.body)
        if "labels" in body:
            found.labels = list(filter(None, body["labels"].split(",")))

    def _moved(self, project, branch, old, new):
        """Update the merge requests after a branch moved, as GitLab does."""
        project.moves.append((self.viewer, branch, old, new))
        for one in project.pulls():
            if not one.open:
                continue
            if one.head == branch:
                if new is None:
                    one.open, one.closed_by = False, self.viewer
                else:
                    one.sha = new
            if one.base == branch and new and project.repository.is_ancestor(one.sha, new):
                one.open, one.merged_at, one.closed_by = False, self.now, self.viewer

    # ---- how GitLab shows them

    def _project(self, project):
        return {
            "id": project.id,
            "default_branch": project.repository.branch,
            "path_with_namespace": project.name,
            "name": project.name.rpartition("/")[2],
            "web_url": f"{self.origin}/{project.name}",
        }

    def _shown_request(self, project, one):
        at = one.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        shown = {
            "id": one.number + 1000,
            "iid": one.number,
            "project_id": project.id,
            "title": one.title,
            "description": one.body,
            "state": one.state,
            "created_at": at,
            "author": self._user(one.by),
            "labels": one.labels,
            "web_url": f"{self.origin}/{project.name}/-/merge_requests/{one.number}",
        }
        if one.head is None:
            return shown
        merged = one.merged_at and one.merged_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {
            **shown,
            "updated_at": at,
            "merged_at": merged,
            "closed_at": None if one.open or merged else at,
            "source_branch": one.head,
            "target_branch": one.base,
            "source_project_id": project.id,
            "target_project_id": project.id,
            "assignees": [self._user(each) for each in one.assignees],
            "reviewers": [self._user(each) for each in one.reviewers],
            "draft": one.draft,
            "sha": one.sha,
            "force_remove_source_branch": one.removes_branch,
        }

    def _me(self):
        mail = self._email(self.viewer)
        return {**self._user(self.viewer), "email": mail, "commit_email": mail}

    def _email(self, identity):
        return f"user{identity}@noreply.gitlab.example"


_NUMBERS = ("merge_request_iid", "issue_iid", "noteable_id")
# The client's token is the bot's; people act without a token.
assert BOT != PERSON


def _tree_entry(entry):
    return {
        "id": entry.sha,
        "name": entry.path.rpartition("/")[2],
        "type": entry.kind,
        "path": entry.path,
        "mode": entry.mode,
    }


def _diff(change):
    return {
        "old_path": change.path,
        "new_path": change.path,
        "a_mode": change.old_mode if change.status != "A" else "0",
        "b_mode": change.mode if change.status != "D" else "0",
        "new_file": change.status == "A",
        "renamed_file": False,
        "deleted_file": change.status == "D",
        "diff": "@@ -1 +1 @@\n",
    }


def _base64(data):
    return base64.b64encode(data).decode()
