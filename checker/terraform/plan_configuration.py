"""Answer questions about a plan's configuration, which is decoded on first use.

The questions are about the provider of a resource and the origin of an unknown id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from msgspec import UNSET, Raw

from checker.errors import UnreadableError
from checker.model.address import Address, AddressError, ModuleStep, parse
from checker.model.places import Place, in_region, place_of_arn
from checker.terraform.candidates import Candidates
from checker.terraform.decode import JsonPath, decode
from checker.terraform.plan_references import Reference, heads
from checker.terraform.plan_scope import (
    Expression,
    PlanBlock,
    PlanExpressions,
    PlanModule,
    PlanModuleCall,
    PlanScope,
    ProviderConfig,
)
from checker.terraform.schema import Envelope

# The first words of references that are not resources; their targets are not looked up.
_NO_RESOURCES = frozenset(
    {"var", "local", "module", "each", "count", "data", "path", "terraform", "self"}
)


class PlanConfiguration:
    """The answers from a plan's `configuration` and `variables`."""

    def __init__(self, found: Envelope, json_path: JsonPath) -> None:
        self._found = found
        self._json_path = json_path
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
            else decode(raw, PlanExpressions, self._json_path.key("configuration"))
        )

    @cached_property
    def _root(self) -> PlanScope:
        return PlanScope(
            self._configuration.root_module, self._json_path.key("configuration").key("root_module")
        )

    @cached_property
    def _providers(self) -> Providers:
        raw = self._found.variables
        variables = (
            {} if raw is UNSET else decode(raw, dict[str, Raw], self._json_path.key("variables"))
        )
        return Providers(self._configuration, self._root, variables)


def _single(block: PlanBlock | PlanModuleCall) -> bool:
    return block.for_each_expression is None and block.count_expression is UNSET


_DEEPEST = 100


class Providers:
    """The provider configurations of one plan.

    They may contain keys in clear text, so only places are ever read.
    """

    def __init__(
        self, configuration: PlanExpressions, root: PlanScope, variables: dict[str, Raw]
    ) -> None:
        self.configuration = configuration
        self.root = root
        self.variables = variables

    def place(self, address: Address) -> Place:
        """Return the place of the provider that manages a resource.

        The place is unknown if the environment or a profile sets it. A configuration that cannot be
        resolved is not an error, because the ARNs of existing objects are a better source.
        """
        block = self._block(address)
        config = self._config(block.provider_config_key)[1] if block is not None else None
        if config is None:
            return Place()
        try:
            return self._place(config)
        except UnreadableError:
            return Place()

    def key(self, address: Address) -> str | None:
        """Return a key that all resources of one provider configuration share.

        It is None for a resource that is not declared, and where OpenTofu's `for_each` makes
        several configurations of one provider block: a plan does not show their keys.
        """
        block = self._block(address)
        if block is None:
            return None
        key, config = self._config(block.provider_config_key)
        return None if config is not None and _each(config) else key

    def _block(self, address: Address) -> PlanBlock | None:
        scope = self.root.descend(address.modules)
        return (
            scope.block("data" if address.data else "managed", address.type, address.name)
            if scope
            else None
        )

    def _config(self, key: str) -> tuple[str, ProviderConfig | None]:
        module, _, name = key.rpartition(":")
        while True:
            found = f"{module}:{name}" if module else name
            config = self.configuration.provider_config.get(found)
            # An entry without expressions inherits. Terraform does not resolve that across two
            # levels.
            if (config is not None and config.expressions) or not module:
                return found, config
            module = module.rpartition(".module.")[0]

    def _place(self, config: ProviderConfig) -> Place:
        scope = self.root.descend(_module_steps(config.module_address))
        expressions = config.expressions or {}
        if scope is None:
            return Place()
        role = self._text(
            _nested(expressions.get("assume_role"), scope.json_path).get("role_arn"), scope
        )
        accounts = expressions.get("allowed_account_ids")
        account = place_of_arn(role).account or (
            self._only(accounts, scope) if accounts is not None else None
        )
        return in_region(self._text(expressions.get("region"), scope), account)

    def _text(self, raw: Raw | None, scope: PlanScope) -> str | None:
        value = self._constant(raw, scope)
        return value if isinstance(value, str) else None

    def _only(self, raw: Raw, scope: PlanScope) -> str | None:
        value = self._constant(raw, scope)
        return (
            value[0]
            if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)
            else None
        )

    def _constant(self, raw: Raw | None, scope: PlanScope | None) -> object:
        """Return the value of an expression: a constant, or a variable with a constant value."""
        for _ in range(_DEEPEST):
            if raw is None or scope is None:
                return None
            expression = decode(raw, Expression, scope.json_path)
            if not expression.references:
                constant = expression.constant_value
                return None if constant is UNSET else decode(constant, object, scope.json_path)
            names = list(heads(expression.references))
            if len(names) != 1 or names[0] is None or names[0][0] != "var" or len(names[0]) != 2:
                return None
            name = str(names[0][1])
            if scope.caller is None:
                return self._root_variable(name)
            given = (scope.call.expressions or {}).get(name) if scope.call else None
            if given is None:
                return self._default(scope, name)
            raw, scope = given, scope.caller
        return None

    def _root_variable(self, name: str) -> object:
        raw = self.variables.get(name)
        if raw is None:
            return self._default(self.root, name)
        return decode(raw, dict[str, object], self.root.json_path).get("value")

    def _default(self, scope: PlanScope, name: str) -> object:
        variable = scope.module.variables.get(name)
        return (
            None
            if variable is None or variable.default is UNSET
            else decode(variable.default, object, scope.json_path)
        )


def _each(config: ProviderConfig) -> bool:
    """Return whether a provider block refers to `each`.

    Source: opentofu internal/command/jsonconfig/config.go, which writes neither the `for_each` of a
    provider block nor the key of a resource's provider.
    """
    return any(b'"each.' in bytes(raw) for raw in (config.expressions or {}).values())


def _nested(raw: Raw | None, json_path: JsonPath) -> dict[str, Raw]:
    """Return the expressions of a nested block; none if there are several blocks.

    The block is an object, or an array of objects.
    """
    if raw is None:
        return {}
    if not bytes(raw).lstrip().startswith(b"["):
        return decode(raw, dict[str, Raw], json_path)
    blocks = decode(raw, list[dict[str, Raw]], json_path)
    return blocks[0] if len(blocks) == 1 else {}


def _module_steps(module_address: str) -> tuple[ModuleStep, ...]:
    try:
        return parse(f"{module_address}.a.a").modules if module_address else ()
    except AddressError:
        return ()
