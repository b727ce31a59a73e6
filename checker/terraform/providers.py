"""Return the region and account of provider blocks."""

from __future__ import annotations

from msgspec import UNSET, Raw

from checker.errors import UnreadableError
from checker.model.address import Address, AddressError, ModuleStep, parse
from checker.model.places import Place, partition_of_region, place_of_arn
from checker.terraform.decode import JsonPath, decode
from checker.terraform.plan_scope import (
    Expression,
    PlanBlock,
    PlanExpressions,
    PlanScope,
    ProviderConfig,
    heads,
)


def in_region(region: str | None, account: str | None = None) -> Place:
    """Return the place of a region, with its partition; unknown for None and the empty string."""
    if not region:
        return Place(account=account)
    return Place(partition_of_region(region), account, region)


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

        It is None for a resource that is not declared.
        """
        block = self._block(address)
        return self._config(block.provider_config_key)[0] if block is not None else None

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
        scope = self.root.descend(_steps(config.module_address))
        expressions = config.expressions or {}
        if scope is None:
            return Place()
        role = self._text(
            _nested(expressions.get("assume_role"), scope.spot).get("role_arn"), scope
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
            expression = decode(raw, Expression, scope.spot)
            if not expression.references:
                constant = expression.constant_value
                return None if constant is UNSET else decode(constant, object, scope.spot)
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
        return decode(raw, dict[str, object], self.root.spot).get("value")

    def _default(self, scope: PlanScope, name: str) -> object:
        variable = scope.module.variables.get(name)
        return (
            None
            if variable is None or variable.default is UNSET
            else decode(variable.default, object, scope.spot)
        )


def _nested(raw: Raw | None, spot: JsonPath) -> dict[str, Raw]:
    """Return the expressions of a nested block; none if there are several blocks.

    The block is an object, or an array of objects.
    """
    if raw is None:
        return {}
    if not bytes(raw).lstrip().startswith(b"["):
        return decode(raw, dict[str, Raw], spot)
    blocks = decode(raw, list[dict[str, Raw]], spot)
    return blocks[0] if len(blocks) == 1 else {}


def _steps(module_address: str) -> tuple[ModuleStep, ...]:
    try:
        return parse(f"{module_address}.a.a").modules if module_address else ()
    except AddressError:
        return ()
