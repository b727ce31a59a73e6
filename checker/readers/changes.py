"""The planned change of one object of ours: its action, and how the object is before and after."""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.domain.address import Address
from checker.domain.place import Place
from checker.domain.plan import Action
from checker.domain.value import replace, value
from checker.readers.decoding import decode
from checker.readers.differences import differing
from checker.readers.envelope import ResourceChange
from checker.readers.records import ALL, Record, given, marked, read_address
from checker.readers.spot import Spot

_ACTIONS = {action.value: action for action in Action}


class _Change(Struct, frozen=True, gc=False):
    actions: list[str]
    before: Raw | UnsetType = UNSET
    after: Raw | UnsetType = UNSET
    after_unknown: Raw | UnsetType = UNSET
    before_sensitive: Raw | UnsetType = UNSET
    after_sensitive: Raw | UnsetType = UNSET
    importing: Raw | UnsetType = UNSET


@value
class Change:
    """One entry of `resource_changes` that is ours; `before` or `after` is None where there is no object."""

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
        """The address under which the prior state may know the object."""
        return self.previous_address or self.address

    def placed(self, place: Place) -> Change:
        """The same, with what the provider's configuration says of where the object lives."""
        before = None if self.before is None else replace(self.before, place=self.before.place.or_else(place))
        after = None if self.after is None else replace(self.after, place=self.after.place.or_else(place))
        return replace(self, before=before, after=after)

    def changed(self) -> frozenset[str]:
        """The attributes that an update or a replacement changes; empty for every other action."""
        if self.before is None or self.after is None or not (self.action is Action.UPDATE or self.action.creates):
            return frozenset()
        before = decode(self.before.attributes, dict[str, object], self.before.spot)
        after = decode(self.after.attributes, dict[str, object], self.after.spot)
        unknown = frozenset(after) if self.after.unknown is ALL else self.after.unknown
        return differing(before, after, unknown)


def _action(actions: list[str]) -> Action:
    """The action; one that no released Terraform or OpenTofu writes is `other`: it changes something, and what is not known."""
    return _ACTIONS.get("+".join(actions), Action.OTHER)


def read_change(entry: ResourceChange, spot: Spot) -> Change:
    """Read one entry, at its spot in the document.

    Raises UnreadableError at a leaf of the wrong type.
    """
    here = spot.key("change")
    planned = decode(entry.change, _Change, here)
    address = read_address(entry.address, spot.key("address"))
    previous = entry.previous_address
    unknown = marked(planned.after_unknown, here.key("after_unknown"))

    def record(attributes: Raw | UnsetType, marks: Raw | UnsetType, side: str) -> Record | None:
        found = given(attributes)
        if found is None:
            return None
        return Record(
            address=address,
            type=entry.type,
            attributes=found,
            spot=here.key(side),
            deposed=entry.deposed,
            sensitive=marked(marks, here.key(f"{side}_sensitive")),
            unknown=unknown if side == "after" else frozenset(),
        )

    return Change(
        address=address,
        type=entry.type,
        action=_action(planned.actions),
        before=record(planned.before, planned.before_sensitive, "before"),
        after=record(planned.after, planned.after_sensitive, "after"),
        previous_address=None if previous is None else read_address(previous, spot.key("previous_address")),
        deposed=entry.deposed,
        reason=entry.action_reason,
        imported=given(planned.importing) is not None,
    )
