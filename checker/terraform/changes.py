"""Read one `resource_changes` entry, and write the notices about a plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from checker.model.address import Address, AddressError, parse
from checker.model.places import Place
from checker.model.plan import Action, UnknownChange
from checker.model.resource_types import APIS, CERTIFICATES, CHANGED, OTHER_WRITERS, STAGES
from checker.terraform.decode import JsonPath, decode
from checker.terraform.records import ALL, Record, marked_attributes, optional_value, read_address
from checker.terraform.schema import Envelope, ResourceChange
from checker.terraform.stages import PRESENTED

_TAGS = frozenset({"tags", "tags_all"})

# Compiled on first use: few plans have a CloudFormation stack, or actions.
IN_TEMPLATE = (
    rb"AWS::ApiGateway(?:V2)?::(?:Stage|ClientCertificate|Deployment|RestApi|Api)\b"
    rb"|AWS::Serverless::(?:Api|Application)\b"
)
_WRITER = "api_?gateway|cloudformation|cloudcontrol|serverless"


def changed_attributes(
    before: Mapping[str, object], after: Mapping[str, object], unknown: frozenset[str]
) -> frozenset[str]:
    """Return the top-level attributes that differ, or that are known only after terraform apply.

    Two differences are not a change: tags that are null on one side and empty on the other (the
    provider writes either after a refresh), and a certificate id that goes from the empty string to
    null.
    """
    names = before.keys() | after.keys()
    return unknown | {
        name
        for name in names
        if _settled(name, before.get(name)) != _settled(name, after.get(name))
    }


def _settled(name: str, value: object) -> object:
    if name in _TAGS:
        return value or None
    if name == PRESENTED:
        return value or None
    # True equals 1 in Python, but not in JSON.
    return str(value) if isinstance(value, bool) else value


_ACTIONS = {action.value: action for action in Action}


class _Change(Struct, frozen=True, gc=False):
    actions: list[str]
    before: Raw | UnsetType = UNSET
    after: Raw | UnsetType = UNSET
    after_unknown: Raw | UnsetType = UNSET
    before_sensitive: Raw | UnsetType = UNSET
    after_sensitive: Raw | UnsetType = UNSET
    importing: Raw | UnsetType = UNSET


class Change(Struct, frozen=True, kw_only=True):
    """One relevant entry of `resource_changes`; `before` or `after` is None without an object."""

    address: Address
    type: str
    action: Action
    before: Record | None
    after: Record | None
    previous_address: Address | None
    deposed: str | None
    reason: str | None
    imported: bool

    @property
    def formerly(self) -> Address:
        """Return the address that the prior state may have for the object."""
        return self.previous_address or self.address

    def placed(self, place: Place) -> Change:
        """Return the change with the place from the provider's configuration."""
        before = (
            None
            if self.before is None
            else replace(self.before, place=self.before.place.or_else(place))
        )
        after = (
            None
            if self.after is None
            else replace(self.after, place=self.after.place.or_else(place))
        )
        return replace(self, before=before, after=after)

    def changed(self) -> frozenset[str]:
        """Return the attributes that an update or replacement changes; empty for other actions."""
        if (
            self.before is None
            or self.after is None
            or not (self.action is Action.UPDATE or self.action.creates)
        ):
            return frozenset()
        before = decode(self.before.attributes, dict[str, object], self.before.json_path)
        after = decode(self.after.attributes, dict[str, object], self.after.json_path)
        unknown = frozenset(after) if self.after.unknown is ALL else self.after.unknown
        return changed_attributes(before, after, unknown)


def _action(actions: list[str]) -> Action:
    """Return the action; `other` if no released Terraform or OpenTofu writes it.

    An `other` action changes something, but the change is not known.
    """
    return _ACTIONS.get("+".join(actions), Action.OTHER)


def read_change(entry: ResourceChange, json_path: JsonPath) -> Change:
    """Read one entry at its path in the document.

    Raises UnreadableError at a leaf of the wrong type.
    """
    here = json_path.key("change")
    planned = decode(entry.change, _Change, here)
    address = read_address(entry.address, json_path.key("address"))
    previous = entry.previous_address
    unknown = marked_attributes(planned.after_unknown, here.key("after_unknown"))

    def record(attributes: Raw | UnsetType, marks: Raw | UnsetType, side: str) -> Record | None:
        found = optional_value(attributes)
        if found is None:
            return None
        return Record(
            address=address,
            type=entry.type,
            attributes=found,
            json_path=here.key(side),
            deposed=entry.deposed,
            sensitive=marked_attributes(marks, here.key(f"{side}_sensitive")),
            unknown=unknown if side == "after" else frozenset(),
        )

    return Change(
        address=address,
        type=entry.type,
        action=_action(planned.actions),
        before=record(planned.before, planned.before_sensitive, "before"),
        after=record(planned.after, planned.after_sensitive, "after"),
        previous_address=None
        if previous is None
        else read_address(previous, json_path.key("previous_address")),
        deposed=entry.deposed,
        reason=entry.action_reason,
        imported=optional_value(planned.importing) is not None,
    )


_SHOWN = 3


def plan_notices(found: Envelope, json_path: JsonPath) -> Iterator[str]:
    """Yield the notices about a plan, as whole sentences that are shown unchanged."""
    if found.errored is True:
        yield (
            "The plan ended in an error: what it would have done to the remaining resources is "
            "not in it."
        )
    elif found.complete is False:
        yield (
            "The plan is not complete (it was limited by -target, or changes were deferred): "
            "another plan is needed after it."
        )
    if found.resource_changes is None and not found.deferred_changes and found.errored is not True:
        yield (
            "The plan is refresh-only, or has no changes listed: it says what is recorded, and "
            "plans nothing."
        )
    yield from (
        f"The plan defers what it will do to {name}: it was not checked."
        for name in deferred(found, json_path)
    )
    yield from (sentence for _, sentence in drift(found, json_path))
    yield from _actions(found, json_path)


def deferred(found: Envelope, json_path: JsonPath) -> tuple[str, ...]:
    """Return the relevant objects whose changes the plan defers to a later plan.

    Each is an address, or a type if the address is not known yet.
    """
    return tuple(
        _named(change)
        for change, at in _deferred(found, json_path)
        if change.mode == "managed" and _concerns(change, at)
    )


def _concerns(change: ResourceChange, json_path: JsonPath) -> bool:
    """Return whether a deferred change may concern a stage or a certificate.

    A deleted API takes its stages with it. A template counts unless it is known and has none.
    """
    if change.type in CHANGED:
        return True
    if change.type in APIS:
        return "delete" in decode(change.change, _Change, json_path.key("change")).actions
    if change.type not in OTHER_WRITERS:
        return False
    text = bytes(change.change)
    shown = any(
        re.search(rf'"{name}"\s*:\s*"'.encode(), text) for name in OTHER_WRITERS[change.type]
    )
    return not shown or re.search(IN_TEMPLATE, text) is not None


def imports(changes: Iterable[Change]) -> Iterator[str]:
    """Yield a sentence for each object that the plan imports.

    A list of actions shows an import as no change or as an update.
    """
    for change in changes:
        if change.imported and change.action.creates:
            yield (
                f"{change.address} is imported by this plan and replaced: what is imported is "
                "destroyed, and a new one created."
            )
        elif change.imported:
            yield (
                f"{change.address} is imported by this plan: it is there already, and is not "
                "created."
            )


def forgotten(changes: Iterable[Change]) -> Iterator[str]:
    """Yield a sentence for each object that the plan removes from the state but keeps in AWS.

    This is `removed` with `destroy = false`.
    """
    for change in changes:
        if "forget" in change.action.value.split("+"):
            yield (
                f"{change.address} is taken out of the state by this plan and stays in AWS: no "
                "later plan shows it, and its owner "
                "rotates or deletes it there."
            )


def _deferred(found: Envelope, json_path: JsonPath) -> Iterator[tuple[ResourceChange, JsonPath]]:
    for index, entry in enumerate(found.deferred_changes or ()):
        at = json_path.key("deferred_changes").item(index).key("resource_change")
        yield decode(entry.resource_change, ResourceChange, at), at


def _named(change: ResourceChange) -> str:
    try:
        # The address of an instance that is not known yet has a star as its key.
        return str(parse(change.address.replace("[*]", "")))
    except AddressError:
        return f"a resource of type {change.type}"


def drift(found: Envelope, json_path: JsonPath) -> Iterator[tuple[Address, str]]:
    """Yield each stage or certificate that was changed outside Terraform, with a sentence."""
    at = json_path.key("resource_drift")
    for index, entry in enumerate(found.resource_drift or ()):
        if (
            entry.mode == "managed"
            and (entry.type in STAGES or entry.type in CERTIFICATES)
            and entry.deposed is None
        ):
            change = read_change(entry, at.item(index))
            if change.action is Action.DELETE:
                sentence = f"{change.address} was deleted outside Terraform since the last apply."
                yield change.address, sentence
            elif entry.type in STAGES and PRESENTED in _differences(change):
                sentence = (
                    f"{change.address} was given another client certificate, or none, "
                    "outside Terraform since the last apply."
                )
                yield change.address, sentence


def _differences(change: Change) -> frozenset[str]:
    return change.changed() if change.action is Action.UPDATE else frozenset()


class _Trigger(Struct, frozen=True, gc=False):
    triggering_resource_address: str | None = None


class _Action(Struct, frozen=True, gc=False):
    address: str | None = None
    type: str | None = None
    lifecycle_action_trigger: _Trigger | None = None


class _DeferredAction(Struct, frozen=True, gc=False):
    action_invocation: _Action = _Action()


def _invoked(found: Envelope, json_path: JsonPath) -> tuple[list[_Action], list[_Action]]:
    """Return the actions that a plan runs, and those that it defers.

    Source: Terraform 1.14, internal/command/jsonplan/action_invocations.go.
    """
    now, later = found.action_invocations, found.deferred_action_invocations
    at = json_path.key("deferred_action_invocations")
    return (
        [] if now is UNSET else decode(now, list[_Action], json_path.key("action_invocations")),
        [
            one.action_invocation
            for one in ([] if later is UNSET else decode(later, list[_DeferredAction], at))
        ],
    )


def _actions(found: Envelope, json_path: JsonPath) -> Iterator[str]:
    """Yield a sentence for the actions that a plan runs."""
    for actions, verb in zip(_invoked(found, json_path), ("runs", "puts off"), strict=True):
        if actions:
            what = "1 action" if len(actions) == 1 else f"{len(actions)} actions"
            names = sorted({_shown(action) for action in actions})
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield (
                f"The plan {verb} {what} ({', '.join(names[:_SHOWN])}{more}): an action can "
                "change anything, stages and certificates too, and what it does is in no plan. It "
                "was not checked."
            )


def unknown_actions(found: Envelope, json_path: JsonPath) -> Iterator[UnknownChange]:
    """Yield the actions whose type is of a service that writes stages or certificates."""
    for action in dict.fromkeys(chain(*_invoked(found, json_path))):
        if re.search(_WRITER, action.type or ""):
            yield UnknownChange(
                message=f"the plan runs or defers the action {_shown(action)}, which may write "
                "stages or client certificates: what it does is not in the plan",
                remedy="read what the provider says of that action, and run `tfcert scan` after "
                "the apply",
            )


def _shown(action: _Action) -> str:
    name = (
        action.address if action.address and action.address.isprintable() else "without an address"
    )
    trigger = action.lifecycle_action_trigger
    by = trigger.triggering_resource_address if trigger is not None else None
    return f"{name}, triggered by {by}" if by and by.isprintable() else name
