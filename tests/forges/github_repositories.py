"""A stand-in of GitHub with whole repositories: git data, pull requests, issues and comments, over
real bare git repositories.

Sources: GitHub's REST and GraphQL reference and, for messages, the answers that people quote in
public issues: "Reference already exists", "Update is not a fast forward", "state cannot be changed.
The … branch was force-pushed or recreated." A number of an issue or a pull request is never used
twice on one server, even in different repositories.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from bare_repository import BareRepository, GitError
from github_git import GitData, known_only, missing, wrong
from github_stand_in import BOT, DESCRIPTION, PERSON, REPOSITORY, GithubStandIn, GraphError
from strict_server import Answer, ViolationError

REFUSED = "Resource not accessible by integration"


@dataclass(kw_only=True)
class Request:
    """A pull request, or an issue if `head` is None."""

    number: int
    title: str
    body: str | None
    by: str
    at: datetime
    head: str | None = None
    base: str | None = None
    draft: bool = False
    open: bool = True
    merged_at: datetime | None = None
    closed_by: str | None = None
    sealed: bool = False
    sha: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Project:
    """A repository of the server with its requests, and a record of who moved which branch."""

    name: str
    repository: BareRepository
    requests: list[Request] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    moves: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)

    def pulls(self, *, branch=None):
        return [one for one in self.requests if one.head is not None and branch in {None, one.head}]


class GithubRepositories(GithubStandIn):
    """A server with several repositories by name.

    People act through `as_person`, and the client acts through its requests.
    """

    def __init__(self, *, now=datetime(2026, 11, 23, tzinfo=UTC)):
        super().__init__()
        self.now = now
        # An App, a user, and a token that may only read.
        self.tokens = {"writes": (BOT, True), "personal": (PERSON, True), "reads": (BOT, False)}
        self.projects = {}
        self.tree_limit = 100_000
        self.collaborators = {"ann", "bob"}
        self.comments = {}
        self.viewer = PERSON
        self._git = GitData(DESCRIPTION, self)
        self._numbers = 0
        self._viewer, self._writes = PERSON, True

    def project(self, folder, name=REPOSITORY, **how):
        """Add a repository in a new folder."""
        made = Project(name=name, repository=BareRepository(folder, **how))
        made.repository.moved = lambda *move: self._moved(made, *move)
        self.projects[name] = made
        return made

    # ---- what people do

    def as_person(self, login=PERSON):
        """Let the next actions be those of a person, not of the last token."""
        self.viewer = login
        return self

    def push(self, project, files, *, branch=None, by="Ann", **more):
        """Commit to a branch as a person."""
        with self.lock:
            self.as_person(by.lower())
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
        """Open a pull request as a person does."""
        with self.lock:
            self.as_person()
            asked = {
                "title": "Mine",
                "body": "Mine.",
                "head": branch,
                "base": project.repository.branch,
            }
            assert self._open(project, asked).status == 201

    def merge(self, project, request, *, by=PERSON, delete=True, squash=False):
        """Merge a pull request with a merge commit or a squash, and return that commit, or None if
        the two sides conflict.
        """
        with self.lock:
            repository = project.repository
            base = repository.head(request.base)
            tree = repository.merge(base, request.sha)
            if tree is None:
                return None
            self.as_person(by)
            who = (by.title(), f"{by}@example.com")
            message = f"Merge pull request #{request.number}\n"
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

    def respond(self, request):
        token = request.headers.get("authorization", "").partition(" ")[2]
        self.viewer = self.tokens.get(token, (PERSON, False))[0]
        return super().respond(request)

    def is_app(self):
        return self.viewer == BOT

    def identity(self):
        """Return the author of a commit that names none."""
        return self.viewer, f"{self.viewer}@users.noreply.github.com"

    def user(self, login):
        made = DESCRIPTION.smallest(DESCRIPTION.schema("simple-user"))
        kind = "Bot" if login == BOT or login.endswith("[bot]") else "User"
        return {**made, "login": login, "type": kind}

    def move(self, project, branch, new, old):
        """Move a branch for a token, and return the refusal if git refuses."""
        try:
            project.repository.move(branch, new, old)
        except GitError as error:
            return wrong(str(error))
        return None

    def page(self, request, found, *, plain=False):
        """Return a page of a list, with its header Link."""
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        if size > 100 and not plain:
            raise ViolationError("per_page is at most 100")
        more = len(found) > page * size
        link = {"Link": f'<{self.url}{request.path}?page={page + 1}>; rel="next"'} if more else {}
        return Answer(status=200, body=found[(page - 1) * size : page * size], headers=link)

    def handle(self, path, request):
        if path == "/user":
            return super().handle(path, request)
        project = self.projects.get(f"{request.values['owner']}/{request.values['repo']}")
        if project is None:
            return missing()
        if request.method != "GET" and not self._writes:
            known_only(Answer(status=403, body={"message": REFUSED}))
        answer = self._git.answer(project, path, request)
        return answer if answer is not None else self._answer(project, path, request)

    def _answer(self, project, path, request):  # noqa: PLR0911 -- an answer each
        last = path.rsplit("/{repo}", 1)[-1]
        values, body = request.values, request.body
        if last == "":
            return Answer(status=200, body=self._repository(project))
        if last.startswith("/issues/comments/"):
            return self._single(request)
        if last == "/pulls":
            if request.method == "POST":
                return self._open(project, body)
            return self.page(request, self._listed(project, request.query))
        if last == "/issues":
            if request.method == "POST":
                return self._issue(project, body)
            return self.page(request, self._issues(project, request.query))
        number = int(values.get("pull_number") or values["issue_number"])
        pull = "pull_number" in values
        found = next((one for one in project.requests if one.number == number), None)
        if found is None or (pull and found.head is None):
            known = request.method == "GET"
            return missing() if known else known_only(missing())
        return self._one(project, found, last.rpartition("}")[2], request, pull=pull)

    def _one(self, project, found, part, request, *, pull):  # noqa: PLR0911 -- likewise
        body = request.body
        match part, request.method:
            case "", "GET":
                shown = self._pull(project, found) if pull else self._shown_issue(project, found)
                return Answer(status=200, body=shown)
            case "", "PATCH":
                return self._edit(project, found, body, pull=pull)
            case "/comments", _:
                self.comments.setdefault(found.number, [])
                return self._thread_of(request)
            case "/labels", "POST":
                found.labels += [name for name in body["labels"] if name not in found.labels]
                return Answer(status=200, body=self._labels(found))
            case "/labels", "GET":
                return Answer(status=200, body=self._labels(found))
            case "/assignees", "POST":
                # A person who cannot be assigned is omitted without an error.
                known = self.collaborators & set(body["assignees"])
                found.assignees += sorted(known - set(found.assignees))
                return Answer(status=201, body=self._shown_issue(project, found))
            case "/requested_reviewers", "POST":
                return self._review(project, found, body)
            case "/merge", "PUT":
                self.merge(project, found, by=self.viewer, delete=False)
                done = {"sha": found.sha, "merged": True, "message": "merged"}
                return Answer(status=200, body=done)
        raise ViolationError(f"the stand-in has no {request.method} {part}")

    # ---- pull requests

    def _open(self, project, body):
        repository, head, base = project.repository, body["head"], body["base"]
        owner, colon, branch = head.rpartition(":")
        branch = branch if colon else head
        if colon and owner != project.name.partition("/")[0]:
            return wrong("head is invalid", resource="PullRequest", field="head", code="invalid")
        sha, at = repository.head(branch), repository.head(base)
        for name, commit in (("head", sha), ("base", at)):
            if commit is None:
                error = {"resource": "PullRequest", "field": name, "code": "invalid"}
                return Answer(status=422, body={"message": "Validation Failed", "errors": [error]})
        about = {"resource": "PullRequest", "code": "custom"}
        label = f"{project.name.partition('/')[0]}:{branch}"
        if any(one.open and one.base == base for one in project.pulls(branch=branch)):
            return wrong(f"A pull request already exists for {label}.", **about)
        if repository.is_ancestor(sha, at):
            return wrong(f"No commits between {base} and {branch}", **about)
        if len(body.get("body") or "") > 65_536:
            return wrong("body is too long (maximum is 65536 characters)", **about)
        self._numbers += 1
        made = Request(
            number=self._numbers,
            title=body["title"],
            body=body.get("body"),
            by=self.viewer,
            at=self.now,
            head=branch,
            base=base,
            draft=body.get("draft", False),
            sha=sha,
        )
        project.requests.append(made)
        return Answer(status=201, body=self._pull(project, made))

    def _edit(self, project, found, body, *, pull):  # noqa: C901 -- a refusal each
        state, about = body.get("state"), {"resource": "PullRequest", "code": "custom"}
        if pull and state == "open" and not found.open:
            head = project.repository.head(found.head)
            why = None
            if found.merged_at is not None:
                why = "The pull request is merged."
            elif head is None:
                why = f"The {found.head} branch has been deleted."
            elif found.sealed or not project.repository.is_ancestor(found.sha, head):
                why = f"The {found.head} branch was force-pushed or recreated."
            elif any(
                one.open and one.base == found.base for one in project.pulls(branch=found.head)
            ):
                why = "There is already an open pull request from this branch."
            if why is not None:
                return wrong(f"state cannot be changed. {why}", field="state", **about)
        if len(body.get("body") or "") > 65_536:
            return wrong("body is too long (maximum is 65536 characters)", **about)
        for name in ("title", "body"):
            if name in body:
                setattr(found, name, body[name])
        if state is not None:
            found.open = state == "open"
            found.closed_by = None if found.open else self.viewer
        shown = self._pull(project, found) if pull else self._shown_issue(project, found)
        return Answer(status=200, body=shown)

    def _review(self, project, found, body):
        names = set(body.get("reviewers", ()))
        if found.by in names:
            return wrong("Review cannot be requested from pull request author.")
        if names - self.collaborators:
            return wrong(
                "Reviews may only be requested from collaborators. "
                "One or more of the users or teams you specified is not a collaborator "
                f"of the {project.name} repository."
            )
        found.reviewers += sorted(names - set(found.reviewers))
        found.teams += [name for name in body.get("team_reviewers", ()) if name not in found.teams]
        return Answer(status=201, body=self._simple(project, found))

    def _listed(self, project, query):
        found = [one for one in project.pulls() if _state(one, query.get("state", "open"))]
        owner, colon, branch = query.get("head", "").rpartition(":")
        if colon:
            ours = owner == project.name.partition("/")[0]
            found = [one for one in found if ours and one.head == branch]
        if "base" in query:
            found = [one for one in found if one.base == query["base"]]
        found.sort(key=lambda one: (one.at, one.number))
        default = "asc" if query.get("sort", "created") != "created" else "desc"
        if query.get("direction", default) == "desc":
            found.reverse()
        return [self._simple(project, one) for one in found]

    def _moved(self, project, branch, old, new):
        """Update the pull requests after a branch moved, as GitHub does."""
        project.moves.append((self.viewer, branch, old, new))
        repository = project.repository
        for one in project.pulls():
            if one.head == branch:
                if one.open and new is not None:
                    one.sha = new
                if not one.open:
                    # A push of another history to the branch of a closed request prevents its
                    # reopening.
                    one.sealed |= new is None or not repository.is_ancestor(one.sha, new)
                elif new is None or repository.is_ancestor(new, repository.head(one.base)):
                    one.open, one.closed_by, one.sealed = False, self.viewer, True
            if one.open and one.base == branch and new and repository.is_ancestor(one.sha, new):
                one.open, one.merged_at, one.closed_by = False, self.now, self.viewer

    # ---- issues

    def _issue(self, project, body):
        self._numbers += 1
        made = Request(
            number=self._numbers,
            title=body["title"],
            body=body.get("body"),
            by=self.viewer,
            at=self.now,
            labels=list(body.get("labels", ())),
        )
        project.requests.append(made)
        return Answer(status=201, body=self._shown_issue(project, made))

    def _issues(self, project, query):
        found = [one for one in project.requests if _state(one, query.get("state", "open"))]
        if "creator" in query:
            found = [one for one in found if one.by == query["creator"]]
        labels = set(filter(None, query.get("labels", "").split(",")))
        found = [one for one in found if labels <= set(one.labels)]
        found.sort(key=lambda one: (one.at, one.number), reverse=query.get("direction") != "asc")
        return [self._shown_issue(project, one) for one in found]

    # ---- how GitHub shows them

    def _repository(self, project):
        made = DESCRIPTION.smallest(DESCRIPTION.schema("full-repository"))
        owner, _, name = project.name.partition("/")
        return {
            **made,
            "node_id": f"R_{project.name}",
            "name": name,
            "full_name": project.name,
            "default_branch": project.repository.branch,
            "owner": self.user(owner),
        }

    def _simple(self, project, one):
        made = DESCRIPTION.smallest(DESCRIPTION.schema("pull-request-simple"))
        return {**made, **self._about(project, one, made)}

    def _pull(self, project, one):
        made = DESCRIPTION.smallest(DESCRIPTION.schema("pull-request"))
        merged = one.merged_at is not None
        more = {
            "merged": merged,
            "mergeable": None,
            "merged_by": self.user(one.closed_by) if merged else None,
        }
        return {**made, **self._about(project, one, made), **more}

    def _about(self, project, one, made):
        at = one.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        merged = one.merged_at and one.merged_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        full = {**made["head"]["repo"], "full_name": project.name} if made["head"]["repo"] else None
        base_repository = {**made["base"]["repo"], "full_name": project.name}
        owner = project.name.partition("/")[0]
        return {
            "number": one.number,
            "state": "open" if one.open else "closed",
            "title": one.title,
            "body": one.body,
            "draft": one.draft,
            "user": self.user(one.by),
            "html_url": f"{self.origin}/{project.name}/pull/{one.number}",
            "created_at": at,
            "updated_at": at,
            "closed_at": None if one.open else merged or at,
            "merged_at": merged,
            "labels": [
                {
                    **_first(made["labels"]),
                    "id": 1,
                    "node_id": "l",
                    "name": name,
                    "url": "https://github.example/l",
                    "description": "",
                    "color": "ededed",
                    "default": False,
                }
                for name in one.labels
            ],
            "requested_reviewers": [self.user(login) for login in one.reviewers],
            "head": {
                **made["head"],
                "ref": one.head,
                "sha": one.sha,
                "label": f"{owner}:{one.head}",
                "repo": full or {**base_repository},
            },
            "base": {
                **made["base"],
                "ref": one.base,
                "sha": project.repository.head(one.base) or one.sha,
                "label": f"{owner}:{one.base}",
                "repo": base_repository,
            },
        }

    def _shown_issue(self, project, one):
        made = DESCRIPTION.smallest(DESCRIPTION.schema("issue"))
        url = f"{self.url}/repos/{project.name}/pulls/{one.number}"
        pull = {"pull_request": {"url": url, "html_url": url, "diff_url": url, "patch_url": url}}
        return {
            **made,
            "number": one.number,
            "title": one.title,
            "body": one.body,
            "state": "open" if one.open else "closed",
            "user": self.user(one.by),
            "html_url": f"{self.origin}/{project.name}/issues/{one.number}",
            "labels": self._labels(one),
            "assignees": [self.user(login) for login in one.assignees],
            **(pull if one.head is not None else {}),
        }

    def _labels(self, one):
        made = DESCRIPTION.smallest(DESCRIPTION.schema("label"))
        return [{**made, "name": name} for name in one.labels]

    # ---- GraphQL

    def update_refs(self, repository_id, updates):
        """Run the mutation updateRefs, which changes all branches or none, and only if each is
        where the caller expects.
        """
        if not self._writes:
            raise GraphError("FORBIDDEN", REFUSED)
        project = self.projects.get(repository_id.removeprefix("R_"))
        if project is None:
            raise GraphError(
                "NOT_FOUND", f"Could not resolve to a node with the global id of '{repository_id}'."
            )
        for update in updates:
            branch, old = update["name"].removeprefix("refs/heads/"), None
            old = project.repository.head(branch)
            before, new = update.get("beforeOid"), update["afterOid"]
            if before is not None and before != (old or "0" * 40):
                raise GraphError("UNPROCESSABLE", f"Expected {update['name']} to point to {before}")
            if project.repository.kind(new) != "commit":
                raise GraphError("UNPROCESSABLE", "Object does not exist")
            if old and not update.get("force") and not project.repository.is_ancestor(old, new):
                raise GraphError("UNPROCESSABLE", "Update is not a fast forward")
            if self.move(project, branch, new, old) is not None:
                raise GraphError("UNPROCESSABLE", "Reference cannot be updated")


def _state(one, wanted):
    return wanted == "all" or one.open == (wanted == "open")


def _first(found):
    return found[0] if found else {}
