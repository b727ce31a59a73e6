"""The top of every document that Terraform and OpenTofu write, as far as tfcert looks.

One shape for plans and states, because a document's kind shows only in which properties it has, and a second pass over
100 MB to find out would double the time. What is `Raw` is checked as JSON but kept as a view, and decoded only where the
resource is one of ours. Source: terraform internal/command/jsonplan and jsonstate, internal/states/statefile/version4.go.
"""

# Annotations are not postponed here: msgspec would compile each of them again, at every start.
from threading import local
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.domain.resource_types import KEPT
from checker.readers.decoding import decode
from checker.readers.spot import Spot

_NOTHING = Raw(b"null")


class _Decoded(local):
    """How many shown resources this thread has decoded: `checker.readers.repeated` compares that with what was kept."""

    count = 0


decoded = _Decoded()


class ShownResource(Struct, gc=False):
    """One resource instance of `show -json`; `deposed_key` marks an object that waits for its deletion.

    Of a resource that is none of ours nothing is kept, here and below: a hundred thousand of them would need a quarter of
    the document's size in memory. That is the one reason why these three are not frozen.
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
        if self.type not in KEPT:
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
    """What a plan does to one object; the key is the address together with `deposed`."""

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
    """A change that a plan puts off to a later plan."""

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
        if self.type not in KEPT:
            self.type = self.name = self.module = self.mode = self.provider = ""
            self.instances = _NOTHING


class Envelope(Struct, frozen=True, gc=False):
    """Everything that tfcert knows a plan or a state to have at its top."""

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


def read_envelope(top: dict[str, Raw], spot: Spot) -> Envelope:
    """Read the properties of a plan or a state that tfcert knows.

    Raises UnreadableError at the leaf that has a wrong type.
    """
    known = {name: held for name, held in top.items() if name in _FIELDS}
    from checker.readers.repeated import read_prior, read_values

    shown: dict[str, Any] = {"prior_state": read_prior, "values": read_values}
    read: dict[str, Any] = {}
    for name, held in known.items():
        kind, at = _FIELDS[name], spot.key(name)
        if kind is None:
            read[name] = held
        elif name in shown and bytes(memoryview(held)[:1]) != b"n":
            read[name] = shown[name](held, at)
        else:
            read[name] = decode(held, kind, at)
    return Envelope(**read)
