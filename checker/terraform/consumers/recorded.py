"""Read the named consumers of a PEM from a state or plan.

This is a second pass over the document, only for a configuration with consumers of a rotation. The
first pass keeps nothing of resources of these types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import local

from msgspec import Raw, Struct

from checker.errors import UnreadableError
from checker.model.address import Address, AddressError, parse
from checker.model.inventory import Document
from checker.model.plan import Action, ConsumerChange
from checker.model.trust import BundleCertificate, BundleFault, HeldBundle, without_pem
from checker.terraform.consumers.certificates import bundles_in
from checker.terraform.decode import Buffer, JsonPath, decode, members
from checker.terraform.records import read_key

# The attributes that take the PEM, by the block's address.
Consumers = Mapping[Address, frozenset[str]]


class _Types(local):
    """The resource types that this thread reads now."""

    names: frozenset[str] = frozenset()


_types = _Types()
_NOTHING = Raw(b"null")


class _Shown(Struct, gc=False):
    """A resource instance of `show -json`; nothing is kept of another type."""

    type: str
    address: str = ""
    mode: str = "managed"
    index: int | float | str | None = None
    values: Raw = _NOTHING
    deposed_key: str | None = None

    def __post_init__(self) -> None:
        if self.type not in _types.names:
            self.type = self.address = ""
            self.values = _NOTHING


class _Module(Struct, frozen=True, gc=False):
    resources: list[_Shown] = []
    child_modules: list[_Module] = []


class _Values(Struct, frozen=True, gc=False):
    root_module: _Module | None = None


class _Prior(Struct, frozen=True, gc=False):
    values: _Values | None = None


class _Instance(Struct, frozen=True, gc=False):
    index_key: int | float | str | None = None
    deposed: str | None = None
    attributes: Raw = _NOTHING


class _Stored(Struct, gc=False):
    """A resource block of a raw state; nothing is kept of another type."""

    type: str
    name: str
    instances: Raw
    mode: str = "managed"
    module: str = ""

    def __post_init__(self) -> None:
        if self.type not in _types.names:
            self.type = self.name = self.module = ""
            self.instances = _NOTHING


class _Actions(Struct, frozen=True, gc=False):
    actions: list[str]


class _Changed(Struct, gc=False):
    """A planned change; nothing is kept of another type."""

    type: str
    change: Raw
    address: str = ""
    mode: str = "managed"
    deposed: str | None = None

    def __post_init__(self) -> None:
        if self.type not in _types.names:
            self.type = self.address = ""
            self.change = _NOTHING


def with_consumers(document: Document, data: Buffer, consumers: Consumers) -> Document:
    """Return the document with what it records of these consumers, and plans for them.

    A part that cannot be read is left out: then the consumer is not confirmed.
    """
    from msgspec.structs import replace

    with _reading(consumers):
        try:
            top = members(data, JsonPath(document.source.path))
            held = tuple(_held(document, top, consumers))
            changes = tuple(_changes(top, consumers, JsonPath(document.source.path)))
        except UnreadableError:
            return document
    plan = document.plan
    return replace(
        document,
        held=held,
        plan=replace(plan, consumers=changes) if plan is not None else None,
    )


@contextmanager
def _reading(consumers: Consumers) -> Iterator[None]:
    _types.names = frozenset(block.type for block in consumers)
    try:
        yield
    finally:
        _types.names = frozenset()


def _held(document: Document, top: Mapping[str, Raw], consumers: Consumers) -> Iterator[HeldBundle]:
    path = JsonPath(document.source.path)
    kind = document.source.kind
    source = f"{'state' if kind == 'directory' else kind} {document.source.path}"
    for address, attributes in _recorded(top, path):
        names = consumers.get(address.block)
        if not names:
            continue
        known = members(attributes, path) if bytes(attributes) != bytes(_NOTHING) else {}
        found = [_read(known.get(name), name, path) for name in sorted(names)]
        reasons = [each for each in found if isinstance(each, str)]
        certificates = (one for each in found if not isinstance(each, str) for one in each)
        yield HeldBundle(
            consumer=without_pem(address),
            # An attribute that is not known may have what the others lack.
            certificates=None if reasons else tuple(dict.fromkeys(certificates)),
            reason="; ".join(reasons) or None,
            source=source,
            document=document.source.path,
        )


def _recorded(top: Mapping[str, Raw], path: JsonPath) -> Iterator[tuple[Address, Raw]]:
    """Yield the current objects of the named types, with their attributes as JSON."""
    shown: _Values | None = None
    if "resources" in top:
        yield from _stored(decode(top["resources"], list[_Stored], path), path)
    elif "prior_state" in top:
        prior = decode(top["prior_state"], _Prior | None, path)  # type: ignore[arg-type]  # a union
        shown = prior.values if prior is not None else None
    elif "values" in top:
        shown = decode(top["values"], _Values | None, path)  # type: ignore[arg-type]  # a union
    waiting = [shown.root_module] if shown is not None and shown.root_module is not None else []
    while waiting:
        module = waiting.pop()
        waiting.extend(module.child_modules)
        for each in module.resources:
            if each.type and each.mode == "managed" and each.deposed_key is None:
                address = _address(each.address)
                if address is not None:
                    yield address, each.values


def _stored(resources: list[_Stored], path: JsonPath) -> Iterator[tuple[Address, Raw]]:
    from msgspec.structs import replace

    for each in resources:
        block = _address(".".join(filter(None, (each.module, each.type, each.name))))
        if block is None or not each.type or each.mode != "managed":
            continue
        for instance in decode(each.instances, list[_Instance], path):
            if instance.deposed is None:
                yield replace(block, key=read_key(instance.index_key, path)), instance.attributes


def _address(text: str) -> Address | None:
    try:
        return parse(text)
    except AddressError:
        return None


def _read(value: Raw | None, name: str, path: JsonPath) -> tuple[BundleCertificate, ...] | str:
    """Return the certificates of all texts in an attribute; the reason if there are none."""
    if value is None or bytes(value) == bytes(_NOTHING):
        why = "is write-only" if name.endswith("_wo") else "is not in the document"
        return f"{name} {why}"
    try:
        found = bundles_in(decode(value, object, path))
    except BundleFault as fault:
        return f"{name} {fault}"
    if not found:
        return f"{name} has no certificate in PEM form there, or only a hash of it"
    return tuple(one for each in found for one in each)


def _changes(
    top: Mapping[str, Raw], consumers: Consumers, path: JsonPath
) -> Iterator[ConsumerChange]:
    if "resource_changes" not in top:
        return
    for each in decode(top["resource_changes"], list[_Changed], path):
        address = _address(each.address) if each.type and each.mode == "managed" else None
        if address is None or each.deposed is not None or address.block not in consumers:
            continue
        actions = "+".join(decode(each.change, _Actions, path).actions)
        yield ConsumerChange(
            address=without_pem(address), action=_ACTIONS.get(actions, Action.OTHER)
        )


_ACTIONS = {action.value: action for action in Action}
