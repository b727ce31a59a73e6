"""What the plans of a run do to certificates and stages, as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from checker.model.cases import DocumentCases
from checker.model.plan import Action, CertificateChange, Plan, StageChange
from checker.model.resources import Presents, PresentsNothing, PresentsPlanned


class PlannedChange(Struct, frozen=True, kw_only=True):
    """The changes of one or several plans.

    `moved` are stages that get another certificate; `made_at` is the creation of the youngest of
    these certificates (None if it is not known, or not made yet), and `old_ends` the first end of
    the certificates that they leave. `given` are stages that get their first certificate,
    `detached` those that keep none, and `removed` the deleted ones that presented one. `unclear` is
    True if a plan may do more than these numbers show.
    """

    created: int = 0
    replaced: int = 0
    deleted: int = 0
    forgotten: int = 0
    moved: int = 0
    given: int = 0
    detached: int = 0
    removed: int = 0
    made_at: datetime | None = None
    old_ends: datetime | None = None
    unclear: bool = False

    @property
    def touches(self) -> bool:
        """Return whether the plans change any certificate, or what any stage presents."""
        return any(getattr(self, name) for name in COUNTS)


COUNTS = (
    "created",
    "replaced",
    "deleted",
    "forgotten",
    "moved",
    "given",
    "detached",
    "removed",
)


def planned_change(documents: Iterable[DocumentCases]) -> PlannedChange | None:
    """Return what the plans among the documents change; None if there is no plan."""
    return joined(_of(part) for part in documents if part.document.plan is not None)


def joined(changes: Iterable[PlannedChange | None]) -> PlannedChange | None:
    """Return the sum of changes; None if there are none."""
    known = [change for change in changes if change is not None]
    if not known:
        return None
    made = [change.made_at for change in known if change.made_at is not None]
    # A stage moves to a certificate of unknown age: then no age is given.
    aged = all(change.made_at is not None for change in known if change.moved)
    return PlannedChange(
        **{name: sum(getattr(change, name) for change in known) for name in COUNTS},
        made_at=max(made) if made and aged else None,
        old_ends=min(
            (change.old_ends for change in known if change.old_ends is not None), default=None
        ),
        unclear=any(change.unclear for change in known),
    )


def _of(part: DocumentCases) -> PlannedChange:
    plan = part.document.plan
    assert plan is not None  # noqa: S101 -- the caller leaves other documents out
    counts = dict.fromkeys(COUNTS, 0)
    made: list[datetime | None] = []
    ends: list[datetime] = []
    kinds = [
        *map(_certificate_kind, plan.certificates),
        *map(_stage_kind, plan.stages),
    ]
    for kind in kinds:
        if kind is not None:
            counts[kind] += 1
    for change in plan.stages:
        if _stage_kind(change) != "moved":
            continue
        before, after = change.presented
        new = part.by_id(after.id) if isinstance(after, Presents) else None
        made.append(new.made_at if new is not None else None)
        old = part.by_id(before.id) if isinstance(before, Presents) else None
        if old is not None and old.expires_at is not None:
            ends.append(old.expires_at)
    known = [moment for moment in made if moment is not None]
    return PlannedChange(
        **counts,
        made_at=max(known) if known and len(known) == len(made) else None,
        old_ends=min(ends, default=None),
        unclear=part.stale is not None or _is_unclear(plan),
    )


def _stage_kind(change: StageChange) -> str | None:
    """Return which count a change of a stage adds to."""
    kind: str | None = None
    if change.action.changes and change.deposed is None:
        match change.presented:
            case Presents(id=old), Presents(id=new):
                kind = "moved" if old != new else None
            case Presents(), PresentsPlanned():
                kind = "moved"
            case Presents(), None:
                kind = "removed"
            case Presents(), _:
                kind = "detached"
            case PresentsNothing() | None, Presents() | PresentsPlanned():
                kind = "given"
            case _:
                pass
    return kind


def _is_unclear(plan: Plan) -> bool:
    """Return whether a plan changes what stages present in a way that its changes do not show."""
    return bool(
        plan.errored
        or plan.complete is False
        or plan.deferred
        or plan.unknown_changes
        or plan.deleted_apis
        or plan.clashes
        or any(change.writes and change.action.changes for change in plan.deployments)
        or any(change.action is Action.OTHER for change in plan.stages)
        or any(change.action is Action.OTHER for change in plan.certificates)
    )


def _certificate_kind(change: CertificateChange) -> str | None:
    """Return which count a change of a certificate adds to."""
    if change.action in {Action.FORGET, Action.CREATE_FORGET, Action.FORGET_CREATE}:
        return "forgotten"
    if change.action.creates:
        if change.action.destroys:
            return "replaced"
        return None if change.imported else "created"
    return "deleted" if change.action.destroys else None
