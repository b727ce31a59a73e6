"""Answer questions about a plan's configuration, which is decoded on first use.

The questions are about the provider of a resource and the origin of an unknown id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from msgspec import UNSET, Raw

from checker.model.address import Address, ModuleStep
from checker.model.places import Place
from checker.terraform.candidates import Candidates
from checker.terraform.decode import JsonPath, decode
from checker.terraform.plan_scope import (
    PlanBlock,
    PlanExpressions,
    PlanModule,
    PlanModuleCall,
    PlanScope,
    Reference,
    heads,
)
from checker.terraform.providers import Providers
from checker.terraform.schema import Envelope

# The first words of references that are not resources; their targets are not looked up.
_NO_RESOURCES = frozenset(
    {"var", "local", "module", "each", "count", "data", "path", "terraform", "self"}
)


class PlanConfiguration:
    """The answers from a plan's `configuration` and `variables`."""

    def __init__(self, found: Envelope, spot: JsonPath) -> None:
        self._found = found
        self._spot = spot
        self._places: dict[Address, Place] = {}

    def place(self, address: Address) -> Place:
        """Return the place of a resource, as its provider configuration gives it."""
        block = address.block
        if block not in self._places:
            self._places[block] = self._providers.place(block)
        return self._places[block]

    def provider(self, address: Address) -> str | None:
        """Return the provider configuration of a resource; None if the plan has it no longer."""
        return self._providers.key(address.block)

    def candidates(self, created: Sequence[Address]) -> Candidates:
        """Return the finder of created certificates that a stage with an unknown id may present."""
        return Candidates(self._root, created)

    def takes_same(self, one: Address, two: Address, argument: str) -> bool | None:
        """Return whether two resources use the same value for an argument.

        Returns None if their references do not show it. A plan omits an index that is not a
        literal: instances with different keys are taken to refer to different instances.
        """
        if one.modules != two.modules:
            return None
        taken = [self._reference(address, argument) for address in (one, two)]
        if None in taken or any(part[0] in _NO_RESOURCES for part in taken if part):
            return None
        same = taken[0] == taken[1]
        return same and (one.key is None or two.key is None or one.key == two.key)

    def refers(self, one: Address, argument: str, other: Address) -> bool:
        """Return whether a resource's argument refers to another resource of the same module."""
        found = self._reference(one, argument) if one.modules == other.modules else None
        return found is not None and found[:2] == (other.type, other.name)

    def _reference(self, address: Address, argument: str) -> Reference | None:
        """Return the reference of an argument that is exactly one reference."""
        scope = self._root.descend(address.modules)
        block = scope.block("managed", address.type, address.name) if scope is not None else None
        expression = (
            scope.argument(block, argument) if scope is not None and block is not None else None
        )
        found = tuple(heads(expression.references)) if expression is not None else ()
        return found[0] if len(found) == 1 else None

    def single_blocks(self, types: Collection[str]) -> Iterator[Address]:
        """Yield the addresses of managed resources of some types without count and for_each.

        Each of them has exactly one instance.
        """
        raw = self._found.configuration
        if raw is UNSET or not any(name.encode() in bytes(raw) for name in types):
            return
        waiting: list[tuple[PlanModule, tuple[ModuleStep, ...]]] = [
            (self._configuration.root_module, ())
        ]
        while waiting:
            module, steps = waiting.pop()
            for block in module.resources:
                if block.type in types and block.mode == "managed" and _single(block):
                    yield Address(block.type, block.name, modules=steps)
            calls = (
                (call.module, (*steps, ModuleStep(name, None)))
                for name, call in module.module_calls.items()
                if _single(call)
            )
            waiting.extend(calls)

    @cached_property
    def _configuration(self) -> PlanExpressions:
        raw = self._found.configuration
        return (
            PlanExpressions()
            if raw is UNSET
            else decode(raw, PlanExpressions, self._spot.key("configuration"))
        )

    @cached_property
    def _root(self) -> PlanScope:
        return PlanScope(
            self._configuration.root_module, self._spot.key("configuration").key("root_module")
        )

    @cached_property
    def _providers(self) -> Providers:
        raw = self._found.variables
        variables = {} if raw is UNSET else decode(raw, dict[str, Raw], self._spot.key("variables"))
        return Providers(self._configuration, self._root, variables)


def _single(block: PlanBlock | PlanModuleCall) -> bool:
    return block.for_each_expression is None and block.count_expression is UNSET
