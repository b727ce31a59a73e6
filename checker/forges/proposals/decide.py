"""Decide which requests there should be: groups of rotations, and an action for each request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from checker.forges.proposals.forge import BranchState, ForgeRequest
from checker.forges.proposals.marker import RequestMarker
from checker.model.policy import Grouping
from checker.model.rotation import Phase


class Candidate(Struct, frozen=True, kw_only=True):
    """A rotation whose next phase may be written now.

    `certificates` are REGION/ID, those that end first before others. `deadline` orders candidates;
    None comes last. `scheduled` is whether a new request may be opened today, `overdue` whether the
    deadline has passed.
    """

    label: str
    certificates: tuple[str, ...]
    phase: Phase
    root: str
    branch: str
    deadline: datetime | None = None
    grouping: Grouping = Grouping.ROOT
    scheduled: bool = True
    overdue: bool = False

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Return the sort key: the most urgent first."""
        return self.deadline or datetime.max.replace(tzinfo=UTC), self.root, self.label


class RotationStatus(Struct, frozen=True, kw_only=True):
    """Why a rotation has no next phase now; `unverified` if that could not be found out."""

    reason: str
    unverified: bool = False


class Judged(Struct, frozen=True, kw_only=True):
    """The result of a run for all rotations that it read.

    `statuses` has, by certificate, those that are no candidates. `roots` are the folders that were
    read; in the `unsure` ones AWS did not answer for a certificate.
    """

    candidates: tuple[Candidate, ...]
    statuses: Mapping[str, RotationStatus]
    roots: frozenset[str]
    unsure: frozenset[str] = frozenset()


class Existing(Struct, frozen=True, kw_only=True):
    """An open request with its branch; `branch` is None if it was deleted."""

    request: ForgeRequest
    branch: BranchState | None


class Limits(Struct, frozen=True, kw_only=True):
    """How many requests may be new in a run, and open at once."""

    new: int
    open: int


class RequestGroup(Struct, frozen=True, kw_only=True):
    """The rotations of one request, the most urgent first; `request` is None for a new one."""

    members: tuple[Candidate, ...]
    request: Existing | None = None

    @property
    def phase(self) -> Phase:
        """Return the phase, which all members share."""
        return self.members[0].phase

    @property
    def branch(self) -> str:
        """Return the branch: that of the request, else that of the most urgent member."""
        return self.request.request.branch if self.request else self.members[0].branch

    @property
    def certificates(self) -> tuple[str, ...]:
        """Return the certificates of all members."""
        return tuple(dict.fromkeys(each for one in self.members for each in one.certificates))

    @property
    def roots(self) -> tuple[str, ...]:
        """Return the root modules of all members, sorted."""
        return tuple(sorted({each.root for each in self.members}))


class Left(Struct, frozen=True, kw_only=True):
    """A request or a rotation for which nothing is done, and why.

    `persons` is whether a person's commit is the reason. `blocked` makes exit code 3. `overdue`
    means that the deadline of a rotation has passed, and that a person's decision stops it.
    """

    what: str
    reason: str
    request: ForgeRequest | None = None
    persons: bool = False
    blocked: bool = False
    overdue: bool = False


class Closing(Struct, frozen=True, kw_only=True):
    """A request to close, and why."""

    request: ForgeRequest
    reason: str


class Decision(Struct, frozen=True, kw_only=True):
    """The groups to keep or open, the requests to close, and what is left alone."""

    groups: tuple[RequestGroup, ...]
    closings: tuple[Closing, ...]
    left: tuple[Left, ...]


def decide(
    judged: Judged,
    existing: Sequence[Existing],
    declined: Callable[[], Sequence[ForgeRequest]],
    *,
    key: str,
    base: str,
    viewer: str | None,
    limits: Limits,
    reopen: bool,
) -> Decision:
    """Return which requests there should be.

    `existing` are the open requests on branches of ours, the oldest first. `declined` returns the
    requests that are closed or merged; it is called only if a new request may be opened.
    """
    left: list[Left] = []
    own: list[Existing] = []
    claimed: set[tuple[str, Phase]] = set()
    taken: set[str] = set()
    for each in existing:
        marker = each.request.marker
        others = _others(each.request, key, base)
        if others is not None:
            taken.add(each.request.branch)
            left.append(_left(each, others))
        elif marker is None:
            raise AssertionError("a request without a marker")
        elif each.branch is not None and not each.branch.is_ours(viewer):
            if _ended(judged, marker) is None:
                claimed |= {(certificate, marker.phase) for certificate in marker.certificates}
                late = any(
                    one.overdue and one.phase is marker.phase
                    for one in judged.candidates
                    if not set(marker.certificates).isdisjoint(one.certificates)
                )
                entry = _left(each, "its branch has a commit that is not of tfcert", True)
                left.append(replace(entry, overdue=late))
            else:
                own.append(each)
        else:
            own.append(each)
    free = [
        each
        for each in judged.candidates
        if each.branch not in taken
        and not any((certificate, each.phase) in claimed for certificate in each.certificates)
    ]
    kept, new, unmatched = _match(_grouped(free), own)
    # Read for --reopen too: the caller tells by them whether another run was faster.
    read = declined() if new else ()
    refused = frozenset() if reopen else _declined(read, key)
    if refused:
        new, declined_members = _without(new, refused)
        left += [
            Left(
                what=f"{each.label}: {each.phase}",
                reason="a person closed its request; --reopen opens another one",
                overdue=each.overdue,
            )
            for each in declined_members
        ]
    closings, stay = _closings(judged, unmatched, kept)
    left += stay
    opened, waiting = _limited(new, limits, len(kept) + len(left_open(left)))
    return Decision(groups=(*kept, *opened), closings=closings, left=(*left, *waiting))


def _others(request: ForgeRequest, key: str, base: str) -> str | None:
    """Return why a request on a branch of ours is not this run's; None if it is."""
    marker = request.marker
    if marker is None:
        return "its text has no marker of tfcert any more, so a person has it now"
    if marker.key != key:
        return "it is a request of another --key"
    return f"it is for the branch {request.base}" if request.base != base else None


def left_open(left: Collection[Left]) -> tuple[ForgeRequest, ...]:
    """Return the open requests that are left alone."""
    return tuple(each.request for each in left if each.request is not None)


def _left(each: Existing, reason: str, persons: bool = False) -> Left:  # noqa: FBT001, FBT002 -- private
    return Left(what=each.request.name, reason=reason, request=each.request, persons=persons)


def _grouped(candidates: Sequence[Candidate]) -> list[RequestGroup]:
    found: dict[tuple[Phase, Grouping, str], list[Candidate]] = {}
    for each in sorted(candidates, key=lambda one: one.order):
        match each.grouping:
            case Grouping.CERTIFICATE:
                name = f"{each.root}\n{each.label}"
            case Grouping.ROOT:
                name = each.root
            case Grouping.ALL:
                name = ""
        found.setdefault((each.phase, each.grouping, name), []).append(each)
    groups = [RequestGroup(members=tuple(members)) for members in found.values()]
    return sorted(groups, key=lambda group: group.members[0].order)


def _match(
    groups: Sequence[RequestGroup], own: Sequence[Existing]
) -> tuple[list[RequestGroup], list[RequestGroup], list[Existing]]:
    """Give each group the oldest open request of its phase that has one of its certificates.

    Return the groups with a request, those without, and the requests that no group has.
    """
    unmatched = list(own)
    kept: list[RequestGroup] = []
    new: list[RequestGroup] = []
    for group in groups:
        found = next(
            (
                each
                for each in unmatched
                if (marker := each.request.marker) is not None
                and marker.phase is group.phase
                and not set(marker.certificates).isdisjoint(group.certificates)
            ),
            None,
        )
        if found is None:
            new.append(group)
        else:
            unmatched.remove(found)
            kept.append(replace(group, request=found))
    return kept, new, unmatched


def _declined(requests: Sequence[ForgeRequest], key: str) -> frozenset[tuple[str, Phase]]:
    """Return the certificates and phases whose newest request a person closed."""
    newest: dict[tuple[str, Phase], bool] = {}
    for each in sorted(requests, key=lambda request: request.number):
        marker = each.marker
        if not each.own or marker is None or marker.key != key:
            continue
        for certificate in marker.certificates:
            newest[certificate, marker.phase] = each.state == "closed" and marker.closed is None
    return frozenset(each for each, is_declined in newest.items() if is_declined)


def _without(
    groups: Sequence[RequestGroup], refused: frozenset[tuple[str, Phase]]
) -> tuple[list[RequestGroup], list[Candidate]]:
    taken: list[Candidate] = []
    left: list[RequestGroup] = []
    for group in groups:
        stays = tuple(
            each
            for each in group.members
            if not any((certificate, each.phase) in refused for certificate in each.certificates)
        )
        taken += [each for each in group.members if each not in stays]
        if stays:
            left.append(replace(group, members=stays))
    return left, taken


def _closings(
    judged: Judged, unmatched: Sequence[Existing], kept: Sequence[RequestGroup]
) -> tuple[tuple[Closing, ...], list[Left]]:
    closings: list[Closing] = []
    left: list[Left] = []
    for each in unmatched:
        marker = each.request.marker
        if marker is None:
            continue
        reason = _ended(judged, marker) or _replaced(marker, kept)
        if marker.closed is not None:
            left.append(_left(each, "tfcert closed it, and a person opened it again"))
        elif reason is None:
            left.append(_left(each, _why_open(judged, marker)))
        else:
            closings.append(Closing(request=each.request, reason=reason))
    return tuple(closings), left


def _ended(judged: Judged, marker: RequestMarker) -> str | None:
    """Return why no certificate of a request needs it any more; None if one does, or may do so.

    A root module that was not read, and a rotation that could not be verified, say nothing.
    """
    if not set(marker.roots) <= judged.roots:
        return None
    wanted = {
        (certificate, each.phase) for each in judged.candidates for certificate in each.certificates
    }
    if any((certificate, marker.phase) in wanted for certificate in marker.certificates):
        return None
    now = {
        certificate: f"{each.phase} is next"
        for each in judged.candidates
        for certificate in each.certificates
    }
    reasons: dict[str, None] = {}
    for certificate in marker.certificates:
        status = judged.statuses.get(certificate)
        if status is not None and status.unverified:
            return None
        found = now.get(certificate) or (status.reason if status is not None else None)
        if found is None and not judged.unsure.isdisjoint(marker.roots):
            return None
        reasons[found or "its certificate is in no rotation any more"] = None
    return "; ".join(reasons)


def _replaced(marker: RequestMarker, kept: Sequence[RequestGroup]) -> str | None:
    """Return the request that has all certificates of another one."""
    for group in kept:
        if (
            group.request is not None
            and group.phase is marker.phase
            and set(marker.certificates) <= set(group.certificates)
        ):
            return f"{group.request.request.name} has its change"
    return None


def _why_open(judged: Judged, marker: RequestMarker) -> str:
    unread = sorted(set(marker.roots) - judged.roots)
    if unread:
        return f"this run has not read {', '.join(unread)}"
    unverified = [
        status.reason
        for certificate in marker.certificates
        if (status := judged.statuses.get(certificate)) is not None and status.unverified
    ]
    if not judged.unsure.isdisjoint(marker.roots):
        unverified.append("AWS did not answer for every certificate")
    return "; ".join(dict.fromkeys(unverified)) or "another request has a part of its change"


def _limited(
    new: Sequence[RequestGroup], limits: Limits, is_open: int
) -> tuple[list[RequestGroup], list[Left]]:
    opened: list[RequestGroup] = []
    left: list[Left] = []
    for group in new:
        if not any(each.scheduled for each in group.members):
            reason = "its policy's schedule opens no request today"
        elif len(opened) >= limits.new:
            reason = f"this run has opened {limits.new} (--limit)"
        elif is_open + len(opened) >= limits.open:
            reason = f"{is_open + len(opened)} requests are open (--open-limit)"
        else:
            opened.append(group)
            continue
        names = ", ".join(each.label for each in group.members)
        left.append(Left(what=f"{names}: {group.phase}", reason=reason))
    return opened, left
