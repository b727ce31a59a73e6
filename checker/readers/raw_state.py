"""The state as Terraform stores it (version 4): what `state pull` prints, and what lies in a bucket."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.domain.resource_types import concerns
from checker.domain.value import replace
from checker.readers.decoding import decode, items, members
from checker.readers.envelope import RawResource
from checker.readers.records import NOTHING, Record, given, marked_in_state, read_address, read_key
from checker.readers.repeated import check_levels, is_small
from checker.readers.spot import Spot


class _Instance(Struct, frozen=True, gc=False):
    index_key: int | float | str | None = None
    deposed: str | None = None
    status: str | None = None
    attributes: Raw | UnsetType = UNSET
    attributes_flat: Raw | UnsetType = UNSET
    sensitive_attributes: list[list[dict[str, Raw]]] | None = None


def raw_records(resources: Iterable[RawResource], spot: Spot, text: Raw | None = None) -> list[Record]:
    """The objects of ours in a raw state, deposed ones included; `spot` is that of the `resources`.

    `text` is their JSON. Raises UnreadableError for a resource or an instance of ours that holds a property twice.
    Source: terraform internal/states/statefile/version4.go.
    """
    records: list[Record] = []
    texts: list[Raw] | None = None
    if text is not None and is_small(text):
        check_levels(text, spot, ())
    for index, resource in enumerate(resources):
        if resource.type and concerns(resource.type, resource.mode):
            texts = texts or items(UNSET if text is None else text, spot)
            if texts:
                members(texts[index], spot.item(index))
            records.extend(_instances(resource, spot.item(index)))
    return records


def _instances(resource: RawResource, spot: Spot) -> Iterable[Record]:
    data = "data." if resource.mode == "data" else ""
    module = f"{resource.module}." if resource.module else ""
    block = read_address(f"{module}{data}{resource.type}.{resource.name}", spot)
    if block.key is not None:
        raise spot.key("name").unreadable("is not the name of a resource")
    at = spot.key("instances")
    instances = decode(resource.instances, list[_Instance], at)
    for index, (instance, text) in enumerate(zip(instances, items(resource.instances, at), strict=True)):
        here = at.item(index)
        members(text, here)
        attributes = given(instance.attributes)
        if attributes is None and given(instance.attributes_flat) is not None:
            raise here.key("attributes_flat").unreadable(
                "holds attributes in the form of Terraform 0.11", "refresh the state once: `terraform apply -refresh-only`"
            )
        yield Record(
            address=replace(block, key=read_key(instance.index_key, here.key("index_key"))),
            type=resource.type,
            attributes=attributes or NOTHING,
            spot=here.key("attributes"),
            deposed=instance.deposed,
            sensitive=marked_in_state(instance.sensitive_attributes or (), here.key("sensitive_attributes")),
            provider=resource.provider,
            tainted=instance.status == "tainted",
        )
