"""Say under which condition a block has instances, by its `count` or `for_each`."""

from __future__ import annotations

from collections.abc import Iterator

from checker.hcl.arrivals import Arrival
from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.passing.passage import condition_of, guards
from checker.hcl.syntax import Block, SourceFile, Traversal


def exists_only_if(configuration: Configuration, arrival: Arrival, other: ModulePath) -> str:
    """Return the condition of a block and of the module calls around it; empty without one.

    `other` is the module of the certificate: conditions of calls around both say nothing. So does
    one that asks whether the value itself is there.
    """
    return next(filter(None, _conditions(configuration, arrival, other)), "")


def block_only_if(configuration: Configuration, module: ModulePath, *labels: str) -> str:
    """Return the condition under which a resource has instances; empty without one."""
    found = configuration.blocks(module, "resource", *labels)
    return next((_of(file, block) for file, block in found), "")


def _conditions(configuration: Configuration, arrival: Arrival, other: ModulePath) -> Iterator[str]:
    site = arrival.site
    yield _of(site.file, site.block, arrival.traversal)
    for depth in range(len(site.module), 0, -1):
        inner = site.module[:depth]
        if inner == other[:depth]:
            return
        for file, block in configuration.blocks(inner[:-1], "module", inner[-1]):
            yield _of(file, block)


def _of(file: SourceFile, block: Block, value: Traversal | None = None) -> str:
    """Return the condition; empty for a plain number and for a `for_each` without a condition."""
    count, each = block.attribute("count"), block.attribute("for_each")
    deciding = count if count is not None else each
    if deciding is None or (value is not None and guards(value, deciding.expression, file.data)):
        return ""
    condition = condition_of(deciding.expression, file.data)
    if deciding is each:
        return "its for_each is not empty" if condition else ""
    is_number = deciding.value.of(file.data).strip().isdigit()
    return condition or ("" if is_number else "its count is not 0")
