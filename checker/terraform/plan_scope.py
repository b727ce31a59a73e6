"""Look up modules and expressions in a plan's configuration."""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from checker.model.address import InstanceKey, ModuleStep
from checker.terraform.decode import JsonPath, decode


class Expression(Struct, frozen=True, gc=False):
    """An expression: its references, or its constant value.

    `.tf.json` gives both; then the references count.
    """

    references: list[str] = []
    constant_value: Raw | UnsetType = UNSET


class PlanBlock(Struct, frozen=True, gc=False):
    """A resource block.

    Its expressions are decoded one by one, because those of a nested block are arrays of objects.
    """

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
    """The configuration of a module, which all its instances share."""

    resources: list[PlanBlock] = []
    module_calls: dict[str, PlanModuleCall] = {}
    outputs: dict[str, Output] = {}
    variables: dict[str, Variable] = {}


class PlanModuleCall(Struct, frozen=True, gc=False):
    """A module call; its expressions are evaluated in the calling module."""

    module: PlanModule = PlanModule()
    expressions: dict[str, Raw] | None = None
    for_each_expression: Expression | None = None
    count_expression: Raw | UnsetType = UNSET


class ProviderConfig(Struct, frozen=True, gc=False):
    """A provider's configuration; an inherited one in a nested module has no expressions."""

    module_address: str = ""
    expressions: dict[str, Raw] | None = None


class PlanExpressions(Struct, frozen=True, gc=False):
    """The whole `configuration` section."""

    provider_config: dict[str, ProviderConfig] = {}
    root_module: PlanModule = PlanModule()


class PlanScope:
    """One module instance: its declarations, its caller, and its path in the document.

    A step's key is None if the instance is not known. Scopes and their decoded contents are kept,
    so that each is the same object everywhere.
    """

    __slots__ = (
        "_blocks",
        "_decoded",
        "_entered",
        "call",
        "caller",
        "json_path",
        "module",
        "steps",
    )

    def __init__(
        self,
        module: PlanModule,
        json_path: JsonPath,
        steps: tuple[ModuleStep, ...] = (),
        caller: PlanScope | None = None,
        call: PlanModuleCall | None = None,
    ) -> None:
        self.module = module
        self.json_path = json_path
        self.steps = steps
        self.caller = caller
        self.call = call
        self._entered: dict[tuple[str, InstanceKey], PlanScope] = {}
        self._blocks: dict[tuple[str, str, str], PlanBlock] = {}
        self._decoded: dict[tuple[int, str], Expression] = {}

    def enter(self, name: str, key: InstanceKey = None) -> PlanScope | None:
        """Return the scope of a module that this one calls; None if it calls none of that name."""
        known = self._entered.get((name, key))
        call = self.module.module_calls.get(name)
        if known is not None or call is None:
            return known
        json_path = self.json_path.key("module_calls").key(name).key("module")
        self._entered[name, key] = entered = PlanScope(
            call.module, json_path, (*self.steps, ModuleStep(name, key)), self, call
        )
        return entered

    def descend(self, steps: tuple[ModuleStep, ...]) -> PlanScope | None:
        """Return the scope of a module path that starts here."""
        scope: PlanScope | None = self
        for step in steps:
            scope = scope.enter(step.name, step.key) if scope is not None else None
        return scope

    def block(self, mode: str, resource_type: str, name: str) -> PlanBlock | None:
        """Return the block of this module with that type and name."""
        if not self._blocks:
            self._blocks = {
                (block.mode, block.type, block.name): block for block in self.module.resources
            }
        return self._blocks.get((mode, resource_type, name))

    def argument(self, block: PlanBlock, name: str) -> Expression | None:
        """Return the expression of one argument of a block."""
        at = self.json_path.key("resources").key(f"{block.type}.{block.name}").key("expressions")
        return self._expression(block.expressions, name, at)

    def input(self, name: str) -> Expression | None:
        """Return the caller's expression for a variable of this module.

        Evaluate it in the caller's scope.
        """
        return (
            None
            if self.call is None
            else self._expression(self.call.expressions, name, self.json_path.key("expressions"))
        )

    def _expression(
        self, expressions: dict[str, Raw] | None, name: str, at: JsonPath
    ) -> Expression | None:
        raw = (expressions or {}).get(name)
        if raw is None:
            return None
        # The expressions live as long as the document's configuration, so their identity can be a
        # key.
        known = self._decoded.get((id(expressions), name))
        if known is None:
            known = self._decoded[id(expressions), name] = decode(raw, Expression, at.key(name))
        return known
