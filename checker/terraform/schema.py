"""Define the msgspec structs of plans and states."""

from collections.abc import Collection
from threading import local
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.model.resource_types import KEPT, RECORDED
from checker.terraform.decode import AGAIN, JsonPath, decode, items, members

# Annotations are not postponed here: msgspec would compile each of them again at every start.


_NOTHING = Raw(b"null")


class _Decoded(local):
    """The number of shown resources that this thread has decoded.

    `checker.terraform.schema` compares it with the number of resources that were kept.
    """

    count = 0


decoded = _Decoded()


class ShownResource(Struct, gc=False):
    """One resource instance of `show -json`; `deposed_key` marks an object to be deleted.

    Nothing is kept of a resource of another type, here and below: a hundred thousand of them would
    need a quarter of the document's size in memory. Only for that reason, these three classes are
    not frozen.
    """

    type: str
    address: str = ""
    mode: str = "managed"
    index: int | float | str | None = None
    values: Raw | UnsetType = UNSET
    sensitive_values: Raw | UnsetType = UNSET
    deposed_key: str | None = None
    tainted: bool | None = None

    def __post_init__(self) -> None:
        decoded.count += 1
        if self.type not in RECORDED:
            self.type = self.address = self.mode = ""
            self.index = None
            self.values = self.sensitive_values = UNSET


class ShownModule(Struct, frozen=True, gc=False):
    """One module instance of `show -json`, with the modules that it calls."""

    address: str = ""
    resources: list[ShownResource] = []
    child_modules: list["ShownModule"] = []


class ShownValues(Struct, frozen=True, gc=False):
    """The values of a state as `show -json` prints them."""

    root_module: ShownModule | None = None


class PriorState(Struct, frozen=True, gc=False):
    """The state that a plan was made from, after its refresh."""

    values: ShownValues | None = None


class ResourceChange(Struct, gc=False):
    """The planned change of one object; the key is the address together with `deposed`."""

    type: str
    change: Raw
    address: str = ""
    mode: str = "managed"
    deposed: str | None = None
    previous_address: str | None = None
    action_reason: str | None = None

    def __post_init__(self) -> None:
        if self.type not in KEPT:
            self.type = self.address = self.mode = ""
            self.change = _NOTHING


class DeferredChange(Struct, frozen=True, gc=False):
    """A change that a plan defers to a later plan."""

    resource_change: Raw


class RawResource(Struct, gc=False):
    """One resource block of a raw state, with all its instances."""

    type: str
    name: str
    instances: Raw
    mode: str = "managed"
    module: str = ""
    provider: str = ""

    def __post_init__(self) -> None:
        if self.type not in RECORDED:
            self.type = self.name = self.module = self.mode = self.provider = ""
            self.instances = _NOTHING


class Envelope(Struct, frozen=True, gc=False):
    """The top-level properties of a plan or a state that tfcert knows."""

    format_version: str | None = None
    terraform_version: str | None = None

    resource_changes: list[ResourceChange] | None = None
    resource_drift: list[ResourceChange] | None = None
    prior_state: PriorState | None = None
    deferred_changes: list[DeferredChange] | None = None
    configuration: Raw | UnsetType = UNSET
    variables: Raw | UnsetType = UNSET
    planned_values: Raw | UnsetType = UNSET
    output_changes: Raw | UnsetType = UNSET
    errored: bool | UnsetType = UNSET
    complete: bool | UnsetType = UNSET
    applyable: bool | UnsetType = UNSET

    values: ShownValues | None = None

    version: int | UnsetType = UNSET
    lineage: Raw | UnsetType = UNSET
    resources: list[RawResource] | None = None
    modules: Raw | UnsetType = UNSET
    backend: Raw | UnsetType = UNSET
    action_invocations: Raw | UnsetType = UNSET
    deferred_action_invocations: Raw | UnsetType = UNSET


_FIELDS: dict[str, Any] = {
    name: None if kind == Raw | UnsetType else kind if kind != bool | UnsetType else bool
    for name, kind in Envelope.__annotations__.items()
}
_FIELDS |= {"version": int}


def read_envelope(top: dict[str, Raw], json_path: JsonPath) -> Envelope:
    """Read the properties of a plan or a state that tfcert knows.

    Raises UnreadableError at a leaf of the wrong type.
    """
    known = {name: raw_value for name, raw_value in top.items() if name in _FIELDS}

    shown: dict[str, Any] = {"prior_state": read_prior, "values": read_values}
    read: dict[str, Any] = {}
    for name, raw_value in known.items():
        kind, at = _FIELDS[name], json_path.key(name)
        if kind is None:
            read[name] = raw_value
        elif name in shown and bytes(memoryview(raw_value)[:1]) != b"n":
            read[name] = shown[name](raw_value, at)
        else:
            read[name] = decode(raw_value, kind, at)
    return Envelope(**read)


# Up to this size, in bytes, the check of each level takes one or two milliseconds.
SMALL = 64 * 1024
_LEVELS = frozenset({"values", "root_module", "resources", "child_modules"})


def read_values(raw: Raw, json_path: JsonPath) -> ShownValues:
    """Read the values of a shown state; raises UnreadableError for a duplicate property."""
    before = decoded.count
    found = decode(raw, ShownValues, json_path)
    _check(raw, found, decoded.count - before, json_path)
    return found


def read_prior(raw: Raw, json_path: JsonPath) -> PriorState:
    """Read a plan's prior state; raises UnreadableError for a duplicate property."""
    before = decoded.count
    found = decode(raw, PriorState, json_path)
    _check(raw, found.values, decoded.count - before, json_path)
    return found


def is_small(raw: Raw) -> bool:
    """Return whether a text is small enough to check each of its levels."""
    return memoryview(raw).nbytes <= SMALL


def check_levels(raw: Raw, json_path: JsonPath, levels: Collection[str] = _LEVELS) -> None:
    """Raise UnreadableError for a duplicate property, from here down to the level of resources."""
    waiting = [(raw, json_path)]
    while waiting:
        text, here = waiting.pop()
        match bytes(memoryview(text)[:1]):
            case b"{":
                waiting.extend(
                    (raw_value, here.key(name))
                    for name, raw_value in members(text, here).items()
                    if name in levels
                )
            case b"[":
                waiting.extend(
                    (raw_value, here.item(index))
                    for index, raw_value in enumerate(items(text, here))
                )
            case _:
                pass


def _check(raw: Raw, found: ShownValues | None, count: int, json_path: JsonPath) -> None:
    lost = count != _resources(found)
    if lost or is_small(raw):
        check_levels(raw, json_path)
    if lost:
        raise json_path.unreadable(
            "has a list of resources twice: which of the two counts differs from parser to parser",
            AGAIN,
        )


def _resources(values: ShownValues | None) -> int:
    waiting: list[ShownModule] = (
        [values.root_module] if values is not None and values.root_module is not None else []
    )
    count = 0
    while waiting:
        module = waiting.pop()
        count += len(module.resources)
        waiting.extend(module.child_modules)
    return count
