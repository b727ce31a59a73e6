"""A plan's `configuration`: which expressions lead to a value, through modules' inputs and outputs.

It holds no locals, no lifecycle and no file names. Addresses in it are relative to their module.
Source: terraform internal/command/jsonconfig/config.go and expression.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.domain.address import ModuleStep
from checker.readers.decoding import decode
from checker.readers.spot import Spot


class Expression(Struct, frozen=True, gc=False):
    """An expression: the references in it, or the constant that it is; `.tf.json` gives both, and the references hold."""

    references: list[str] = []
    constant_value: Raw | UnsetType = UNSET


class Block(Struct, frozen=True, gc=False):
    """A resource block; its expressions are decoded one by one, for a nested block's are arrays of objects."""

    type: str
    name: str
    mode: str = "managed"
    provider_config_key: str = ""
    expressions: dict[str, Raw] | None = None
    for_each_expression: Expression | None = None


class Output(Struct, frozen=True, gc=False):
    """An output of a module."""

    expression: Expression | None = None


class Variable(Struct, frozen=True, gc=False):
    """An input of a module."""

    default: Raw | UnsetType = UNSET


class Module(Struct, frozen=True, gc=False):
    """A module as it is written, once however many instances it has."""

    resources: list[Block] = []
    module_calls: dict[str, Call] = {}
    outputs: dict[str, Output] = {}
    variables: dict[str, Variable] = {}


class Call(Struct, frozen=True, gc=False):
    """A module call: the expressions are evaluated in the module that calls."""

    module: Module = Module()
    expressions: dict[str, Raw] | None = None
    for_each_expression: Expression | None = None


class ProviderConfig(Struct, frozen=True, gc=False):
    """A provider's configuration; nested modules that inherit one have an entry without expressions."""

    module_address: str = ""
    expressions: dict[str, Raw] | None = None


class Configuration(Struct, frozen=True, gc=False):
    """The whole section."""

    provider_config: dict[str, ProviderConfig] = {}
    root_module: Module = Module()


@dataclass(frozen=True, slots=True)
class Scope:
    """One module instance: what it declares, who calls it, and where it stands in the document.

    A step's key is None where it is not known which instance is meant.
    """

    module: Module
    spot: Spot
    steps: tuple[ModuleStep, ...] = ()
    caller: Scope | None = None
    call: Call | None = None
    _blocks: dict[tuple[str, str, str], Block] = field(default_factory=dict, compare=False, repr=False)
    _entered: dict[ModuleStep, Scope] = field(default_factory=dict, compare=False, repr=False)

    def enter(self, step: ModuleStep) -> Scope | None:
        """The scope of a module that this one calls; None if it calls none of this name."""
        known = self._entered.get(step)
        call = self.module.module_calls.get(step.name)
        if known is not None or call is None:
            return known
        spot = self.spot.key("module_calls").key(step.name).key("module")
        self._entered[step] = entered = Scope(call.module, spot, (*self.steps, step), self, call)
        return entered

    def descend(self, steps: tuple[ModuleStep, ...]) -> Scope | None:
        """The scope that a module path leads to from here."""
        scope: Scope | None = self
        for step in steps:
            scope = scope.enter(step) if scope is not None else None
        return scope

    def block(self, mode: str, resource_type: str, name: str) -> Block | None:
        """The block of this module with that type and name."""
        if not self._blocks:
            self._blocks.update({(block.mode, block.type, block.name): block for block in self.module.resources})
        return self._blocks.get((mode, resource_type, name))

    def argument(self, block: Block, name: str) -> Expression | None:
        """The expression of one argument of a block."""
        at = self.spot.key("resources").key(f"{block.type}.{block.name}").key("expressions").key(name)
        raw = (block.expressions or {}).get(name)
        return None if raw is None else decode(raw, Expression, at)

    def input(self, name: str) -> Expression | None:
        """The expression that the caller gives for one of this module's variables; to be read in the caller's scope."""
        raw = (self.call.expressions or {}).get(name) if self.call is not None else None
        at = self.spot.key("expressions").key(name)
        return None if raw is None else decode(raw, Expression, at)
