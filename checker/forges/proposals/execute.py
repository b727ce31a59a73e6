"""Carry out a decision: branches, commits, requests and comments, each call safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from checker.errors import TfcertError
from checker.forges.proposals.decide import Closing, Left, RequestGroup
from checker.forges.proposals.forge import (
    BaseTree,
    BranchState,
    ForgeRequest,
    NewCommit,
    NewFile,
    OutrunError,
    People,
    ProposalForge,
    Remark,
)
from checker.forges.proposals.marker import (
    RequestMarker,
    blob_id,
    commit_message,
    content_hash,
    without_marker,
)

_PERSONS = "<!-- tfcert propose: a commit of a person -->"
_PERSONS_TEXT = (
    "This branch has a commit that tfcert did not write, so tfcert leaves branch and request as "
    "they are. It does not update them when the base branch moves or a date changes.\n\n"
    "To give the request back to tfcert, delete the branch; the next run with `--reopen` makes "
    "it again."
)


class WantedRequest(Struct, frozen=True, kw_only=True):
    """The request that a group should have: its texts, and the files of its commit.

    `text` is the commit's; `body` has no marker yet.
    """

    group: RequestGroup
    title: str
    text: str
    body: str
    files: tuple[NewFile, ...]
    people: People = People()
    draft: bool = False


class RequestResult(Struct, frozen=True, kw_only=True):
    """What was done for one request; `failed` is an error of the forge.

    `request` is None if there is none, `group` if it is about no group. `blocked` means that a
    person has to act, so that the rotation goes on.
    """

    what: str
    did: str
    request: ForgeRequest | None = None
    failed: bool = False
    blocked: bool = False
    group: RequestGroup | None = None


class Executor:
    """The changes of one run; `key` is the job's, `known` the requests that the run has read.

    A request with a higher number than those was made since.
    """

    def __init__(
        self,
        forge: ProposalForge,
        base: BaseTree,
        *,
        key: str,
        viewer: str | None,
        known: Collection[int],
    ) -> None:
        self._forge = forge
        self._base = base
        self._key = key
        self._viewer = viewer
        self._newest = max(known, default=0)

    def run(
        self, closings: Sequence[Closing], wanted: Sequence[WantedRequest], left: Sequence[Left]
    ) -> tuple[RequestResult, ...]:
        """Close what is not needed, keep what is open current, then open what is new."""
        results = [self._tried(each.request.name, self._close, each) for each in closings]
        kept = [each for each in wanted if each.group.request is not None]
        new = [each for each in wanted if each.group.request is None]
        for work, given in ((self._keep, kept), (self._open, new)):
            results += [
                replace(self._tried(_what(each.group), work, each), group=each.group)
                for each in given
            ]
        results += [self._tried(each.what, self._remark, each) for each in left if each.persons]
        return tuple(results)

    def _tried(
        self, what: str, work: Callable[..., RequestResult], *given: object
    ) -> RequestResult:
        """Do one piece of work; an error of the forge does not stop the others."""
        try:
            return work(*given)
        except OutrunError as error:
            return RequestResult(what=what, did=f"left for the next run: {error}")
        except TfcertError as error:
            return RequestResult(what=what, did=f"not done: {error}", failed=True)

    def _close(self, closing: Closing) -> RequestResult:
        number, what = closing.request.number, closing.request.name
        now = self._forge.request(number)
        marker = now.marker
        if now.state != "open" or marker is None:
            return RequestResult(what=what, did=f"left alone: it is {now.state} now", request=now)
        marked = replace(marker, closed=closing.reason)
        text = f"**tfcert closed this request:** {closing.reason}.\n\n{without_marker(now.body)}"
        self._forge.close(number, f"{text}\n\n{marked.line}")
        return RequestResult(what=what, did=f"closed: {closing.reason}", request=now)

    def _keep(self, wanted: WantedRequest) -> RequestResult:
        existing = wanted.group.request
        if existing is None:
            raise AssertionError("a group without a request")
        request = existing.request
        did: list[str] = []
        if existing.branch is None:
            if self._create(wanted, request.branch) is None:
                did.append("branch made again")
        elif not existing.branch.has(self._blobs(wanted), base=self._base.commit):
            self._rewrite(existing.branch, wanted)
            did.append("rewritten on the head of the base")
        did += self._texts(wanted, request)
        return RequestResult(
            what=_what(wanted.group), did=", ".join(did) or "is current", request=request
        )

    def _texts(self, wanted: WantedRequest, request: ForgeRequest) -> list[str]:
        """Bring title, text, labels and people of a request up to date."""
        old = request.marker
        was_dressed = old is None or old.dressed
        if not was_dressed:
            self._forge.dress(request.number, wanted.people)
        body = self._body(wanted, dressed=True)
        new_title = wanted.title if request.title != wanted.title else None
        new_body = body if _plain(request.body) != _plain(body) else None
        if new_title is None and new_body is None:
            return []
        self._forge.edit(request.number, title=new_title, body=new_body)
        return ["text edited" if was_dressed else "labels and people added"]

    def _open(self, wanted: WantedRequest) -> RequestResult:
        group = wanted.group
        what = _what(group)
        refused = self._prepare(wanted)
        if refused is not None:
            return RequestResult(what=what, did=refused, blocked=True)
        there = self._forge.requests_of(group.branch)
        others = [each for each in there if each.number > self._newest]
        if others:
            return RequestResult(what=what, did="another run has opened it", request=others[-1])
        if any(each.state == "merged" for each in there) and self._base_moved():
            # It may have been merged after the base was read: then the change is there already.
            raise OutrunError("a request of this branch was merged, and the base has moved")
        dressed = wanted.people.is_empty or self._forge.sets_people
        try:
            made = self._forge.open(
                group.branch,
                self._base.branch,
                wanted.title,
                self._body(wanted, dressed=dressed),
                draft=wanted.draft,
                people=wanted.people,
            )
        except OutrunError as error:
            there = [each for each in self._forge.requests_of(group.branch) if each.state == "open"]
            if not there and not self._base_moved():
                raise _refused(error, _NO_REQUEST) from error
            if not there:
                raise
            return RequestResult(what=what, did="another run has opened it", request=there[-1])
        if not dressed:
            self._forge.dress(made.number, wanted.people)
            self._forge.edit(made.number, title=None, body=self._body(wanted, dressed=True))
        return RequestResult(what=what, did="opened", request=made)

    def _prepare(self, wanted: WantedRequest) -> str | None:
        """Make the branch, or bring it up to date; return why that is not possible."""
        branch = wanted.group.branch
        state = self._forge.branch(branch, self._base)
        if state is None:
            state = self._create(wanted, branch)
        return self._adopt(state, wanted) if state is not None else None

    def _create(self, wanted: WantedRequest, branch: str) -> BranchState | None:
        """Make a branch; return it as it is if another run has made it meanwhile, else None."""
        try:
            self._forge.create_branch(branch, self._commit(wanted))
        except OutrunError as error:
            state = self._forge.branch(branch, self._base)
            if state is None:
                raise _refused(error, _NO_BRANCH) from error
            return state
        return None

    def _rewrite(self, state: BranchState, wanted: WantedRequest) -> None:
        """Make the commit of a branch again; raises OutrunError if the branch moved meanwhile."""
        try:
            self._forge.rewrite_branch(state, self._commit(wanted))
        except OutrunError as error:
            if self._forge.head(state.name) == state.head:
                raise _refused(error, _NO_BRANCH) from error
            raise

    def _base_moved(self) -> bool:
        return self._forge.head(self._base.branch) != self._base.commit

    def _adopt(self, state: BranchState, wanted: WantedRequest) -> str | None:
        """Bring a branch without a request up to date; return why that is not possible."""
        if state.has(self._blobs(wanted), base=self._base.commit) and state.is_ours(self._viewer):
            return None
        if not state.is_ours(self._viewer):
            return (
                f"left alone: branch {state.name} has a commit that is not of tfcert; "
                "delete the branch, and the next run makes it again"
            )
        self._rewrite(state, wanted)
        return None

    def _remark(self, left: Left) -> RequestResult:
        if left.request is None:
            raise AssertionError("a remark without a request")
        new = self._forge.remark(left.request.number, Remark(line=_PERSONS, text=_PERSONS_TEXT))
        did = f"left alone: {left.reason}{'; commented' if new else ''}"
        return RequestResult(what=left.what, did=did, request=left.request)

    def _blobs(self, wanted: WantedRequest) -> dict[str, str]:
        return {file.path: blob_id(file.data, like=self._base.commit) for file in wanted.files}

    def _commit(self, wanted: WantedRequest) -> NewCommit:
        group = wanted.group
        return NewCommit(
            base=self._base,
            message=commit_message(
                wanted.title,
                wanted.text,
                phase=group.phase,
                certificates=group.certificates,
                content=content_hash(self._blobs(wanted)),
            ),
            files=wanted.files,
        )

    def _body(self, wanted: WantedRequest, *, dressed: bool) -> str:
        group = wanted.group
        marker = RequestMarker(
            key=self._key,
            phase=group.phase,
            certificates=group.certificates,
            roots=group.roots,
            dressed=dressed,
        )
        return f"{wanted.body.rstrip()}\n\n{marker.line}"


_NO_BRANCH = (
    "no branch may be called `tfcert` or `tfcert/ID`, and the repository's rules must let the "
    "token make and replace branches `tfcert/**`"
)
_NO_REQUEST = "the repository's rules must let the token open requests for branches `tfcert/**`"


def _refused(error: OutrunError, why: str) -> TfcertError:
    """Return the error for a change that the forge refuses although nobody was faster."""
    return TfcertError(
        error.message, where=error.where, remedy=f"if the next run says so too: {why}"
    )


def _what(group: RequestGroup) -> str:
    names = ", ".join(each.label for each in group.members)
    number = f"{group.request.request.name} " if group.request is not None else ""
    return f"{number}{group.phase} of {names}"


def _plain(body: str) -> str:
    return "\n".join(line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n"))
