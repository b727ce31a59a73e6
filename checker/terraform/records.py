"""Read resource instances of both forms of state."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from checker.model.address import Address, AddressError, InstanceKey, parse
from checker.model.places import Place, in_region, place_of_arn
from checker.model.resource_types import HOLDERS, is_relevant
from checker.terraform.decode import AGAIN, JsonPath, decode, items, members
from checker.terraform.schema import (
    RawResource,
    ShownModule,
    ShownResource,
    ShownValues,
    check_levels,
    is_small,
)

NOTHING = Raw(b"{}")
ALL = frozenset({"*"})
_MODES = frozenset({"managed", "data"})
_EXACT = 2**53  # every whole number up to here has an exact floating-point form


class Record(Struct, frozen=True, kw_only=True):
    """An object of a relevant type: its attributes as JSON, and the names of the sensitive ones.

    `unknown` names the attributes that are known only after terraform apply. `place` is any other
    known location. `provider` is equal for objects of one provider configuration, as far as the
    document shows it, and None otherwise.
    """

    address: Address
    type: str
    attributes: Raw
    json_path: JsonPath
    deposed: str | None = None
    sensitive: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    place: Place = Place()
    provider: str | None = None
    tainted: bool = False

    def hides(self, name: str) -> bool:
        """Return whether the document marks this attribute, or the whole object, as sensitive."""
        return name in self.sensitive or self.sensitive is ALL

    def awaits(self, name: str) -> bool:
        """Return whether this attribute is known only after terraform apply."""
        return name in self.unknown or self.unknown is ALL

    def place_by(self, region: str | None, *arns: str | None) -> Place:
        """Return the place of the object, by its `region` and its ARNs, else its provider's.

        With the provider aws 6, a resource may have another region than its provider. Source:
        terraform-provider-aws, "Enhanced Region Support".
        """
        found = in_region(None if self.hides_region else region)
        for arn in arns:
            found = found.or_else(place_of_arn(arn))
        return found.or_else(self.limited(self.place))

    @property
    def hides_region(self) -> bool:
        """Return whether its own region is sensitive, or known only after terraform apply."""
        return self.hides("region") or self.awaits("region")

    def limited(self, place: Place) -> Place:
        """Return another source's place, without a region if the object's own is not shown."""
        return replace(place, region=None) if self.hides_region else place


def optional_value(value: Raw | UnsetType) -> Raw | None:
    """Return a value that may be missing or null in a document; both are None."""
    return None if value is UNSET or bytes(value).strip() == b"null" else value


def read_address(text: str, json_path: JsonPath) -> Address:
    """Parse the address of a relevant object.

    Raises UnreadableError for text that is not an address, without quoting it.
    """
    try:
        return parse(text)
    except AddressError as error:
        raise json_path.unreadable("is not the address of a resource instance") from error


def read_key(key: float | str | None, json_path: JsonPath) -> InstanceKey:
    """Read the key of an instance; raises UnreadableError for a number that cannot be a key."""
    if not isinstance(key, float):
        return key
    # Some writers print every number as a float; only a whole one can be an instance's key.
    if not key.is_integer() or not 0 <= key < _EXACT:
        raise json_path.unreadable("is not the key of an instance")
    return int(key)


def marked_attributes(marks: Raw | UnsetType, json_path: JsonPath) -> frozenset[str]:
    """Return the attributes that a parallel object of marks marks, as a whole or in part.

    The objects of marks are `*_sensitive` and `after_unknown`. Source: terraform,
    docs/internals/json-format: true for a marked leaf or subtree; unmarked ones are left out, or
    are empty objects and arrays.
    """
    if marks is UNSET:
        return frozenset()
    found = decode(marks, object, json_path)
    if isinstance(found, dict):
        return frozenset(name for name, mark in found.items() if _any_true(mark))
    return ALL if found is True else frozenset()


def _any_true(mark: object) -> bool:
    waiting = [mark]
    while waiting:
        one = waiting.pop()
        if one is True:
            return True
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def marked_in_state(paths: Iterable[list[dict[str, Raw]]], json_path: JsonPath) -> frozenset[str]:
    """Return the attributes that a raw state's `sensitive_attributes` name, as a whole or in part.

    Source: terraform internal/states/statefile/version4.go, `marshalPaths`.
    """
    names: set[str] = set()
    for index, path in enumerate(paths):
        if not path:
            return ALL
        step = path[0].get("value", NOTHING)
        names.add(decode(step, str, json_path.item(index).item(0).key("value")))
    return frozenset(names)


class _Instance(Struct, frozen=True, gc=False):
    index_key: int | float | str | None = None
    deposed: str | None = None
    status: str | None = None
    provider: str | None = None
    attributes: Raw | UnsetType = UNSET
    attributes_flat: Raw | UnsetType = UNSET
    sensitive_attributes: list[list[dict[str, Raw]]] | None = None


def raw_records(
    resources: Iterable[RawResource], json_path: JsonPath, text: Raw | None = None
) -> list[Record]:
    """Return the relevant objects of a raw state, including deposed ones.

    `json_path` is the path of the `resources`, and `text` is their JSON. Raises UnreadableError for
    a relevant resource or instance with a duplicate property. Source: terraform
    internal/states/statefile/version4.go.
    """
    records: list[Record] = []
    texts: list[Raw] | None = None
    if text is not None and is_small(text):
        check_levels(text, json_path, ())
    for index, resource in enumerate(resources):
        _check_mode(resource, json_path.item(index))
        if resource.type and is_relevant(resource.type, resource.mode):
            texts = texts or items(UNSET if text is None else text, json_path)
            if texts:
                members(texts[index], json_path.item(index))
            records.extend(_instances(resource, json_path.item(index)))
    return records


def _check_mode(resource: RawResource | ShownResource, json_path: JsonPath) -> None:
    """Raise UnreadableError for a stage or a certificate in a mode that a state does not have."""
    if resource.type in HOLDERS and resource.mode not in _MODES:
        raise json_path.key("mode").unreadable("is neither managed nor data", AGAIN)


def _whole(attributes: Raw | None, resource_type: str, json_path: JsonPath) -> Raw:
    """Return the attributes; raises UnreadableError for a stage or a certificate without any.

    Without them a stage would look like one that presents nothing. Terraform and OpenTofu write all
    attributes of an object, also those that are null.
    """
    if attributes is None and resource_type in HOLDERS:
        raise json_path.unreadable("are missing", AGAIN)
    return attributes or NOTHING


def _instances(resource: RawResource, json_path: JsonPath) -> Iterable[Record]:
    data = "data." if resource.mode == "data" else ""
    module = f"{resource.module}." if resource.module else ""
    block = read_address(f"{module}{data}{resource.type}.{resource.name}", json_path)
    if block.key is not None:
        raise json_path.key("name").unreadable("is not the name of a resource")
    at = json_path.key("instances")
    instances = decode(resource.instances, list[_Instance], at)
    for index, (instance, text) in enumerate(
        zip(instances, items(resource.instances, at), strict=True)
    ):
        here = at.item(index)
        members(text, here)
        attributes = optional_value(instance.attributes)
        if attributes is None and optional_value(instance.attributes_flat) is not None:
            raise here.key("attributes_flat").unreadable(
                "has attributes in the form of Terraform 0.11",
                "refresh the state once: `terraform apply -refresh-only`",
            )
        yield Record(
            address=replace(block, key=read_key(instance.index_key, here.key("index_key"))),
            type=resource.type,
            attributes=_whole(attributes, resource.type, here.key("attributes")),
            json_path=here.key("attributes"),
            deposed=instance.deposed,
            sensitive=marked_in_state(
                instance.sensitive_attributes or (), here.key("sensitive_attributes")
            ),
            # OpenTofu writes it here if the provider has for_each.
            provider=instance.provider or resource.provider,
            tainted=instance.status == "tainted",
        )


def shown_records(
    values: ShownValues | None, json_path: JsonPath, *, planned: bool = False
) -> list[Record]:
    """Return the relevant objects of a shown state, including deposed ones.

    They are in the document's order, module by module. `json_path` is the path of the `values`.
    With `planned` they are a plan's planned values, where a forgotten object has none. Raises
    UnreadableError for a stage or a certificate of a state that has no values.
    Source: terraform internal/command/jsonstate/state.go.
    """
    records: list[Record] = []
    if values is None or values.root_module is None:
        return records
    # A stack and no recursion, because the document decides how deep modules nest.
    waiting: list[tuple[ShownModule, JsonPath]] = [
        (values.root_module, json_path.key("root_module"))
    ]
    while waiting:
        module, here = waiting.pop()
        relevant = [
            (index, resource) for index, resource in enumerate(module.resources) if resource.type
        ]
        for index, resource in relevant:
            at = here.key("resources").item(index)
            _check_mode(resource, at)
            if not is_relevant(resource.type, resource.mode):
                continue
            records.append(
                Record(
                    address=_absolute(resource, module.address, at),
                    type=resource.type,
                    attributes=_whole(
                        optional_value(resource.values),
                        "" if planned else resource.type,
                        at.key("values"),
                    ),
                    json_path=at.key("values"),
                    deposed=resource.deposed_key,
                    sensitive=marked_attributes(
                        resource.sensitive_values, at.key("sensitive_values")
                    ),
                    # A shown state does not name provider configurations, so all count as one.
                    provider="",
                    tainted=resource.tainted is True,
                )
            )
        children = here.key("child_modules")
        waiting.extend(
            (child, children.item(index))
            for index, child in reversed(list(enumerate(module.child_modules)))
        )
    return records


def _absolute(resource: ShownResource, module: str, json_path: JsonPath) -> Address:
    """Return the whole address.

    Terraform 0.12 wrote it relative to its module, and without the key of the instance. Source:
    terraform-json, testdata/no_changes/state.json (written by Terraform 0.12.0).
    """
    address = read_address(resource.address, json_path.key("address"))
    if module and not address.modules:
        address = replace(
            address,
            modules=read_address(f"{module}.{resource.address}", json_path.key("address")).modules,
        )
    if address.key is None and resource.index is not None:
        address = replace(address, key=read_key(resource.index, json_path.key("index")))
    return address
