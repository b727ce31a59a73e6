"""The state as `show -json` prints it, alone or as a plan's prior state."""

from __future__ import annotations

from checker.domain.address import Address
from checker.domain.resource_types import concerns
from checker.domain.value import replace
from checker.readers.envelope import ShownModule, ShownResource, ShownValues
from checker.readers.records import NOTHING, Record, given, marked, read_address, read_key
from checker.readers.spot import Spot


def shown_records(values: ShownValues | None, spot: Spot) -> list[Record]:
    """The objects of ours in a shown state, deposed ones included, module by module in the document's order.

    `spot` is that of the `values`. Source: terraform internal/command/jsonstate/state.go.
    """
    records: list[Record] = []
    if values is None or values.root_module is None:
        return records
    # A stack and not recursion: how deep modules nest is the document's choice.
    waiting: list[tuple[ShownModule, Spot]] = [(values.root_module, spot.key("root_module"))]
    while waiting:
        module, here = waiting.pop()
        ours = [(index, resource) for index, resource in enumerate(module.resources) if resource.type]
        for index, resource in ours:
            if not concerns(resource.type, resource.mode):
                continue
            at = here.key("resources").item(index)
            records.append(
                Record(
                    address=_absolute(resource, module.address, at),
                    type=resource.type,
                    attributes=given(resource.values) or NOTHING,
                    spot=at.key("values"),
                    deposed=resource.deposed_key,
                    sensitive=marked(resource.sensitive_values, at.key("sensitive_values")),
                    # It names the provider and not which of its configurations: all that it shows is of one, or none is told.
                    provider="",
                    tainted=resource.tainted is True,
                )
            )
        children = here.key("child_modules")
        waiting.extend((child, children.item(index)) for index, child in reversed(list(enumerate(module.child_modules))))
    return records


def _absolute(resource: ShownResource, module: str, spot: Spot) -> Address:
    """The whole address: Terraform 0.12 wrote it relative to its module, and without the key of the instance.

    Source: terraform-json, testdata/no_changes/state.json (written by Terraform 0.12.0).
    """
    address = read_address(resource.address, spot.key("address"))
    if module and not address.modules:
        address = replace(address, modules=read_address(f"{module}.{resource.address}", spot.key("address")).modules)
    if address.key is None and resource.index is not None:
        address = replace(address, key=read_key(resource.index, spot.key("index")))
    return address
