"""Modules and expressions of a plan's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.model.address import AddressError, InstanceKey, ModuleStep, parse
from checker.terraform.decode import JsonPath, decode


class Expression(Struct, frozen=True, gc=False):
    """An expression: the references in it, or the constant that it is; `.tf.json` gives both, and the references hold."""

    references: list[str] = []
    constant_value: Raw | UnsetType = UNSET


class PlanBlock(Struct, frozen=True, gc=False):
    """A resource block; its expressions are decoded one by one, for a nested block's are arrays of objects."""

    type: str
    name: str
    mode: str = "managed"
    provider_config_key: str = ""
    expressions: dict[str, Raw] | None = None
    for_each_expression: Expression | None = None
    count_expression: Raw | UnsetType = UNSET


class Output(Struct, frozen=True, gc=False):
    """An output of a module."""

    expression: Expression | None = None


class Variable(Struct, frozen=True, gc=False):
    """An input of a module."""

    default: Raw | UnsetType = UNSET


class PlanModule(Struct, frozen=True, gc=False):
    """A module as it is written, once however many instances it has."""

    resources: list[PlanBlock] = []
    module_calls: dict[str, PlanModuleCall] = {}
    outputs: dict[str, Output] = {}
    variables: dict[str, Variable] = {}


class PlanModuleCall(Struct, frozen=True, gc=False):
    """A module call: the expressions are evaluated in the module that calls."""

    module: PlanModule = PlanModule()
    expressions: dict[str, Raw] | None = None
    for_each_expression: Expression | None = None
    count_expression: Raw | UnsetType = UNSET


class ProviderConfig(Struct, frozen=True, gc=False):
    """A provider's configuration; nested modules that inherit one have an entry without expressions."""

    module_address: str = ""
    expressions: dict[str, Raw] | None = None


class PlanExpressions(Struct, frozen=True, gc=False):
    """The whole section."""

    provider_config: dict[str, ProviderConfig] = {}
    root_module: PlanModule = PlanModule()


class PlanScope:
    """One module instance: what it declares, who calls it, and where it stands in the document.

    A step's key is None where it is not known which instance is meant. Scopes, and what is decoded in them, are kept, so
    that each is itself wherever it is met.
    """

    __slots__ = ("_blocks", "_decoded", "_entered", "call", "caller", "module", "spot", "steps")

    def __init__(
        self,
        module: PlanModule,
        spot: JsonPath,
        steps: tuple[ModuleStep, ...] = (),
        caller: PlanScope | None = None,
        call: PlanModuleCall | None = None,
    ) -> None:
        self.module = module
        self.spot = spot
        self.steps = steps
        self.caller = caller
        self.call = call
        self._entered: dict[tuple[str, InstanceKey], PlanScope] = {}
        self._blocks: dict[tuple[str, str, str], PlanBlock] = {}
        self._decoded: dict[tuple[int, str], Expression] = {}

    def enter(self, name: str, key: InstanceKey = None) -> PlanScope | None:
        """The scope of a module that this one calls; None if it calls none of this name."""
        known = self._entered.get((name, key))
        call = self.module.module_calls.get(name)
        if known is not None or call is None:
            return known
        spot = self.spot.key("module_calls").key(name).key("module")
        self._entered[name, key] = entered = PlanScope(
            call.module, spot, (*self.steps, ModuleStep(name, key)), self, call
        )
        return entered

    def descend(self, steps: tuple[ModuleStep, ...]) -> PlanScope | None:
        """The scope that a module path leads to from here."""
        scope: PlanScope | None = self
        for step in steps:
            scope = scope.enter(step.name, step.key) if scope is not None else None
        return scope

    def block(self, mode: str, resource_type: str, name: str) -> PlanBlock | None:
        """The block of this module with that type and name."""
        if not self._blocks:
            self._blocks = {
                (block.mode, block.type, block.name): block for block in self.module.resources
            }
        return self._blocks.get((mode, resource_type, name))

    def argument(self, block: PlanBlock, name: str) -> Expression | None:
        """The expression of one argument of a block."""
        at = self.spot.key("resources").key(f"{block.type}.{block.name}").key("expressions")
        return self._expression(block.expressions, name, at)

    def input(self, name: str) -> Expression | None:
        """The expression that the caller gives for one of this module's variables; to be read in the caller's scope."""
        return (
            None
            if self.call is None
            else self._expression(self.call.expressions, name, self.spot.key("expressions"))
        )

    def _expression(
        self, expressions: dict[str, Raw] | None, name: str, at: JsonPath
    ) -> Expression | None:
        raw = (expressions or {}).get(name)
        if raw is None:
            return None
        # The expressions live as long as the document's configuration does, so their identity is a name.
        known = self._decoded.get((id(expressions), name))
        if known is None:
            known = self._decoded[id(expressions), name] = decode(raw, Expression, at.key(name))
        return known


_NAME = re.compile(r"[^\W\d][\w-]*")
_INDEX = re.compile(r'\[(?:[0-9]{1,18}|"(?:[^"\\]|\\.)*")\]')


# A name is a text, an index a tuple of its one key: `[0]`, `["a.b"]`. Nothing else hashes as fast.
Part = str | tuple[int | str]
Reference = tuple[Part, ...]


def heads(references: Sequence[str]) -> Iterator[Reference | None]:
    """The references themselves, without the shorter forms that follow each; None for one that is not understood."""
    before = ""
    for text in references:
        if not _shortens(text, before):
            yield _take_apart(text)
        before = text


def _shortens(text: str, longer: str) -> bool:
    return len(text) < len(longer) and longer.startswith(text) and longer[len(text)] in ".["


def _take_apart(text: str) -> Reference | None:
    parts: list[Part] = []
    at = 0
    while at < len(text):
        if parts and text[at] == ".":
            at += 1
        elif parts and text[at] == "[":
            found = _INDEX.match(text, at)
            key = _key(found.group()) if found else None
            if found is None or key is None:
                return None
            parts.append(key)
            at = found.end()
            continue
        elif parts:
            return None
        name = _NAME.match(text, at)
        if name is None:
            return None
        parts.append(name.group())
        at = name.end()
    return tuple(parts) or None


def _key(text: str) -> tuple[int | str] | None:
    try:
        key = parse(f"a.a{text}").key  # the quoting of keys is the address's own
    except AddressError:
        return None
    return None if key is None else (key,)
