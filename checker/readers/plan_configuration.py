"""A plan's configuration, decoded when it is first asked: for the provider of a resource, or the way to an unknown id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from msgspec import UNSET, Raw

from checker.domain.address import Address, ModuleStep
from checker.domain.place import Place
from checker.readers.candidates import Candidates
from checker.readers.decoding import decode
from checker.readers.envelope import Envelope
from checker.readers.providers import Providers
from checker.readers.spot import Spot
from checker.readers.wiring import Block, Call, Configuration, Module, Scope


class PlanConfiguration:
    """What a plan's `configuration` and `variables` answer."""

    def __init__(self, found: Envelope, spot: Spot) -> None:
        self._found = found
        self._spot = spot
        self._places: dict[Address, Place] = {}

    def place(self, address: Address) -> Place:
        """Where the provider of a resource says that it lives."""
        block = address.block
        if block not in self._places:
            self._places[block] = self._providers.place(block)
        return self._places[block]

    def provider(self, address: Address) -> str | None:
        """Which provider configuration manages a resource; None for one that the configuration does not hold any more."""
        return self._providers.key(address.block)

    def candidates(self, created: Sequence[Address]) -> Candidates:
        """What tells the certificates, of those created, that a stage with an unknown id may present."""
        return Candidates(self._root, created)

    def single_blocks(self, types: Collection[str]) -> Iterator[Address]:
        """Yield the address of each managed resource of some types that has exactly one instance: no count, no for_each."""
        raw = self._found.configuration
        if raw is UNSET or not any(name.encode() in bytes(raw) for name in types):
            return
        waiting: list[tuple[Module, tuple[ModuleStep, ...]]] = [(self._configuration.root_module, ())]
        while waiting:
            module, steps = waiting.pop()
            for block in module.resources:
                if block.type in types and block.mode == "managed" and _single(block):
                    yield Address(block.type, block.name, modules=steps)
            calls = ((call.module, (*steps, ModuleStep(name, None))) for name, call in module.module_calls.items() if _single(call))
            waiting.extend(calls)

    @cached_property
    def _configuration(self) -> Configuration:
        raw = self._found.configuration
        return Configuration() if raw is UNSET else decode(raw, Configuration, self._spot.key("configuration"))

    @cached_property
    def _root(self) -> Scope:
        return Scope(self._configuration.root_module, self._spot.key("configuration").key("root_module"))

    @cached_property
    def _providers(self) -> Providers:
        raw = self._found.variables
        variables = {} if raw is UNSET else decode(raw, dict[str, Raw], self._spot.key("variables"))
        return Providers(self._configuration, self._root, variables)


def _single(block: Block | Call) -> bool:
    return block.for_each_expression is None and block.count_expression is UNSET
