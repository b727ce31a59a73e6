"""A forge in memory with the operations of `tfcert propose`.

It records the calls that write, and can be interrupted before each call.
"""

from __future__ import annotations

from datetime import UTC, datetime

from checker.forges.proposals.decide import (
    Candidate,
    Existing,
    Judged,
    Limits,
    decide,
)
from checker.forges.proposals.execute import Executor, WantedRequest
from checker.forges.proposals.forge import (
    BaseTree,
    BranchCommit,
    BranchState,
    ForgeRequest,
    NewFile,
    OutrunError,
    People,
    Project,
    TreeFile,
)
from checker.forges.proposals.marker import PREFIX, blob_id, branch_names
from checker.forges.retry import RetryPolicy
from checker.model.rotation import Phase

DAY = datetime(2026, 11, 24, tzinfo=UTC)
BOT, PERSON = "bot", "ann"


class KilledError(Exception):
    """The interruption of a run."""


class MemoryForge:
    """Branches as lists of commits since `main`, and requests.

    `before` is called before each call.
    """

    sets_people = False
    text_limit = 65_536
    retries = RetryPolicy()

    def __init__(self):
        self.base = "b0"
        self.base_files = {"main.tf": b"old\n"}
        # By branch: the base it starts from, its commits, and its files.
        self.branches = {}
        self.requests = {}
        self.dressed = {}
        self.remarks = []
        self.writes = []
        self.before = lambda _name: None
        self._next = 0

    # ---- what people do

    def move_base(self):
        """Merge something else into the base."""
        self._next += 1
        self.base = f"b{self._next}-moved"

    def push(self, branch, data=b"by hand\n"):
        """Add a person's commit to a branch."""
        start, commits, files = self.branches[branch]
        commit = BranchCommit(
            name=self._name(),
            parents=(commits[-1].name,),
            message="fix",
            author=PERSON,
            committer=PERSON,
        )
        self.branches[branch] = (start, (*commits, commit), {**files, "other.tf": data})

    def amend(self, branch, data, who=BOT):
        """Replace the content of tfcert's commit and keep its message."""
        start, (commit,), files = self.branches[branch]
        new = BranchCommit(
            name=self._name(),
            parents=commit.parents,
            message=commit.message,
            author=who,
            committer=who,
        )
        self.branches[branch] = (start, (new,), dict.fromkeys(files, data))

    def set(self, number, **changes):
        """Change a request as a person would."""
        from msgspec.structs import replace

        self.requests[number] = replace(self.requests[number], **changes)

    # ---- the protocol

    def viewer(self):
        self._call("viewer")
        return BOT

    def caution(self, viewer):  # noqa: ARG002 -- the protocol's
        return None

    def project(self):
        return Project(name="o/r", default_branch="main")

    def open_requests(self):
        self._call("open_requests")
        return tuple(each for each in self.requests.values() if each.state == "open")

    def closed_requests(self, since):  # noqa: ARG002 -- the protocol's
        self._call("closed_requests")
        return tuple(each for each in self.requests.values() if each.state != "open")

    def requests_of(self, branch):
        self._call("requests_of")
        return tuple(each for each in self.requests.values() if each.branch == branch)

    def request(self, number):
        self._call("request")
        return self.requests[number]

    def base_tree(self, branch):
        self._call("base_tree")
        files = {
            path: TreeFile(mode="100644", blob=blob_id(data, like=""))
            for path, data in self.base_files.items()
        }
        return BaseTree(branch=branch, commit=self.base, tree="", files=files)

    def head(self, branch):
        self._call("head")
        return self.base if branch == "main" else self.branches[branch][1][-1].name

    def branch(self, name, base):  # noqa: ARG002 -- the protocol's
        self._call("branch")
        if name not in self.branches:
            return None
        _, commits, files = self.branches[name]
        return BranchState(
            name=name,
            head=commits[-1].name,
            commits=commits,
            files={path: blob_id(data, like="") for path, data in files.items()},
        )

    def create_branch(self, name, commit):
        self._write("create_branch")
        if name in self.branches:
            raise OutrunError("exists")
        self._commit(name, commit)

    def rewrite_branch(self, state, commit):
        self._write("rewrite_branch")
        there = self.branches.get(state.name)
        if there is None or there[1][-1].name != state.head:
            raise OutrunError("moved")
        self._commit(state.name, commit)

    def open(self, branch, base, title, body, *, draft, people):  # noqa: ARG002 -- the protocol's
        self._write("open")
        if any(each.branch == branch and each.state == "open" for each in self.requests.values()):
            raise OutrunError("exists")
        number = len(self.requests) + 1
        self.requests[number] = ForgeRequest(
            number=number,
            name=f"#{number}",
            url=f"pull/{number}",
            title=title,
            body=body,
            branch=branch,
            base=base,
            own=True,
            state="open",
            created_at=DAY,
        )
        return self.requests[number]

    def dress(self, number, people):
        self._write("dress")
        self.dressed[number] = people

    def edit(self, number, *, title, body):
        self._write("edit")
        changes = {"title": title, "body": body}
        self.set(number, **{key: text for key, text in changes.items() if text is not None})

    def close(self, number, body):
        self._write("close")
        self.set(number, state="closed", body=body)

    def remark(self, number, remark):
        self._call("remark")
        if (number, remark.line) in self.remarks:
            return False
        self._write("remark it")
        self.remarks.append((number, remark.line))
        return True

    def _call(self, name):
        self.before(name)

    def _write(self, name):
        self.before(name)
        self.writes.append(name)

    def _commit(self, branch, commit):
        made = BranchCommit(
            name=self._name(),
            parents=(commit.base.commit,),
            message=commit.message,
            author=BOT,
            committer=BOT,
        )
        files = {file.path: file.data for file in commit.files}
        self.branches[branch] = (commit.base.commit, (made,), files)

    def _name(self):
        self._next += 1
        return f"c{self._next}"


def candidate(name="abc", phase=Phase.INTRODUCE, **more):
    """Return a rotation of the certificate us-east-1/NAME."""
    certificate = f"us-east-1/{name}"
    how = {
        "label": f"aws_api_gateway_client_certificate.{name}",
        "certificates": (certificate,),
        "phase": phase,
        "root": "live",
        "branch": branch_names([certificate], phase)[certificate],
        "deadline": DAY,
    }
    return Candidate(**{**how, **more})


def judged(*candidates, statuses=None, roots=("live",), unsure=()):
    """Return the result of a run that read some root modules."""
    return Judged(
        candidates=candidates,
        statuses=statuses or {},
        roots=frozenset(roots),
        unsure=frozenset(unsure),
    )


def run(
    forge,
    found,
    *,
    data=b"new\n",
    people=None,
    reopen=False,
    limits=None,
    key="default",
    title="title",
):
    """Run a whole `propose` as the command does, and return what it did and what it left alone."""
    viewer = forge.viewer()
    opened = [each for each in forge.open_requests() if each.branch.startswith(PREFIX)]
    base = forge.base_tree("main")
    known = {each.number for each in opened}

    def closed():
        answer = forge.closed_requests(DAY)
        known.update(each.number for each in answer)
        return answer

    decision = decide(
        found,
        [Existing(request=each, branch=forge.branch(each.branch, base)) for each in opened],
        closed,
        key=key,
        base="main",
        viewer=viewer,
        limits=limits or Limits(new=5, open=20),
        reopen=reopen,
    )
    wanted = [
        WantedRequest(
            group=group,
            title=title,
            text="text",
            body="body",
            files=(NewFile(path="main.tf", mode="100644", data=data, exists=True),),
            people=people or People(),
        )
        for group in decision.groups
    ]
    executor = Executor(forge, base, key=key, viewer=viewer, known=known)
    return executor.run(decision.closings, wanted, decision.left), decision.left
