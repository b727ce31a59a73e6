"""What a report must say about a plan besides its findings: that it is not whole, or that AWS was changed behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import UNSET, Struct

from checker.domain.address import AddressError, parse
from checker.domain.plan import Action
from checker.domain.resource_types import CERTIFICATES, CHANGED, STAGES
from checker.readers.changes import Change, read_change
from checker.readers.decoding import decode
from checker.readers.envelope import Envelope, ResourceChange
from checker.readers.spot import Spot
from checker.readers.stages import PRESENTED

_SHOWN = 3


def plan_notices(found: Envelope, spot: Spot) -> Iterator[str]:
    """Whole sentences, each to be shown as it is."""
    if found.errored is True:
        yield "The plan ended in an error: what it would have done to the remaining resources is not in it."
    elif found.complete is False:
        yield "The plan is not complete (it was limited by -target, or changes were deferred): another plan is needed after it."
    if found.resource_changes is None and found.errored is not True:
        yield "The plan is refresh-only, or has no changes listed: it says what is recorded, and plans nothing."
    yield from (f"The plan defers what it will do to {name}: it was not checked." for name in deferred(found, spot))
    yield from _drifted(found, spot)
    yield from _actions(found, spot)


def deferred(found: Envelope, spot: Spot) -> tuple[str, ...]:
    """The objects of ours whose changes the plan puts off to a later one, by address or, where that is not known yet, by type."""
    return tuple(_named(change) for change in _deferred(found, spot) if change.type in CHANGED and change.mode == "managed")


def imports(changes: Iterable[Change]) -> Iterator[str]:
    """A sentence for each object that the plan imports, which a list of actions shows as nothing, or as an update."""
    for change in changes:
        if change.imported and change.action.creates:
            yield f"{change.address} is imported by this plan and replaced: what is imported is destroyed, and a new one created."
        elif change.imported:
            yield f"{change.address} is imported by this plan: it is there already, and is not created."


def forgotten(changes: Iterable[Change]) -> Iterator[str]:
    """A sentence for each object that the plan takes out of the state and leaves in AWS (`removed` with `destroy = false`)."""
    for change in changes:
        if "forget" in change.action.value.split("+"):
            yield (
                f"{change.address} is taken out of the state by this plan and stays in AWS: no later plan shows it, and its owner "
                "rotates or deletes it there."
            )


def _deferred(found: Envelope, spot: Spot) -> Iterator[ResourceChange]:
    at = spot.key("deferred_changes")
    for index, entry in enumerate(found.deferred_changes or ()):
        yield decode(entry.resource_change, ResourceChange, at.item(index).key("resource_change"))


def _named(change: ResourceChange) -> str:
    try:
        # Instances that are not known yet are written with a star for their key.
        return str(parse(change.address.replace("[*]", "")))
    except AddressError:
        return f"a resource of type {change.type}"


def _drifted(found: Envelope, spot: Spot) -> Iterator[str]:
    at = spot.key("resource_drift")
    for index, entry in enumerate(found.resource_drift or ()):
        if entry.mode == "managed" and (entry.type in STAGES or entry.type in CERTIFICATES) and entry.deposed is None:
            change = read_change(entry, at.item(index))
            if change.action is Action.DELETE:
                yield f"{change.address} was deleted outside Terraform since the last apply."
            elif entry.type in STAGES and PRESENTED in _differences(change):
                yield f"{change.address} was given another client certificate, or none, outside Terraform since the last apply."


def _differences(change: Change) -> frozenset[str]:
    return change.changed() if change.action is Action.UPDATE else frozenset()


class _Trigger(Struct, frozen=True, gc=False):
    triggering_resource_address: str | None = None


class _Action(Struct, frozen=True, gc=False):
    address: str | None = None
    lifecycle_action_trigger: _Trigger | None = None


class _DeferredAction(Struct, frozen=True, gc=False):
    action_invocation: _Action = _Action()


def _actions(found: Envelope, spot: Spot) -> Iterator[str]:
    """A sentence for the actions that a plan runs. Source: Terraform 1.14, jsonplan `action_invocations`."""
    at = spot.key("action_invocations")
    now = [] if found.action_invocations is UNSET else decode(found.action_invocations, list[_Action], at)
    at = spot.key("deferred_action_invocations")
    raw = found.deferred_action_invocations
    later = [one.action_invocation for one in ([] if raw is UNSET else decode(raw, list[_DeferredAction], at))]
    for actions, verb in ((now, "runs"), (later, "puts off")):
        if actions:
            what = "1 action" if len(actions) == 1 else f"{len(actions)} actions"
            names = sorted({_shown(action) for action in actions})
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield (
                f"The plan {verb} {what} ({', '.join(names[:_SHOWN])}{more}): an action can "
                "change anything, stages and certificates too, and what it does is in no plan. It was not checked."
            )


def _shown(action: _Action) -> str:
    name = action.address if action.address and action.address.isprintable() else "without an address"
    trigger = action.lifecycle_action_trigger
    by = trigger.triggering_resource_address if trigger is not None else None
    return f"{name}, triggered by {by}" if by and by.isprintable() else name
