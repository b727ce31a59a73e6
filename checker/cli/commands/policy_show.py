"""Print the policy as a policy file, with the source of each value in a comment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from msgspec import Struct

from checker.cli.policy_options import ResolvedPolicy
from checker.model.conditions import Conditions
from checker.model.exemptions import Exemption
from checker.model.policy import (
    Policy,
    ProbeSettings,
    ProposeSettings,
    Scope,
    Setting,
    Weight,
    Weights,
)
from checker.policyfile.resolve import Layer
from checker.policyfile.schema import OFF, VALUES
from checker.rules import RULES

FIELDS = tuple(name for name in VALUES if name != "rules")
_PACK = "pack default"
_PLAIN = ("address", "account", "region", "workspace", "directory", "stage", "api")


class PolicyLine(Struct, frozen=True):
    """A line of a policy file, and where its value comes from; `width` aligns the comments."""

    text: str
    origin: str | None = None
    width: int = 0

    @property
    def shown(self) -> str:
        """Return the line with its origin in a comment."""
        return self.text if self.origin is None else f"{self.text:<{self.width}}  # {self.origin}"


def policy_lines(resolved: ResolvedPolicy) -> Iterator[PolicyLine]:
    """Yield the lines of the policy: values, rules and all tables."""
    policy = resolved.policy
    yield PolicyLine(f"name = {json.dumps(policy.name, ensure_ascii=False)}")
    yield from _aligned(
        (f"{name} = {value_text(getattr(policy, name))}", origin(resolved, name)) for name in FIELDS
    )
    yield PolicyLine("")
    yield PolicyLine("[rules]")
    weights = dict(policy.rules)
    yield from _aligned(
        (
            f"{rule.name} = {weight_text(weights.get(rule.name, rule.weight))}",
            rule_origin(resolved, rule.name),
        )
        for rule in RULES
    )
    for scope in policy.scopes:
        yield PolicyLine("")
        yield PolicyLine("[[scope]]", str(scope.location))
        yield from map(PolicyLine, _scope(scope))
    for exemption in policy.exemptions:
        yield PolicyLine("")
        yield PolicyLine("[[exemption]]", str(exemption.location))
        yield from map(PolicyLine, _exemption(exemption))
    yield from _accounts(resolved)
    yield from _backends(resolved)
    yield from _probe(resolved)
    yield from _propose(resolved)
    yield from _comment(resolved)


def origin(resolved: ResolvedPolicy, field: str) -> str:
    """Return the source of a field's value, without scopes."""
    setting, by = _last_word(resolved, field)
    # The value differs from the last setting only if a larger threshold raises the notice.
    return (
        by
        if setting == getattr(resolved.policy, field)
        else f"follows threshold_days ({origin(resolved, 'threshold_days')})"
    )


def _last_word(resolved: ResolvedPolicy, field: str) -> tuple[object, str]:
    for given in reversed(resolved.overrides):
        if given.field == field:
            return given.value, given.by
    for layer in reversed(resolved.layers):
        if field in dict(layer.settings):
            return dict(layer.settings)[field], str(layer.location(field))
    return getattr(Policy(), field), _PACK


def rule_origin(resolved: ResolvedPolicy, rule: str) -> str:
    """Return the source of a rule's weight, without scopes."""
    for layer in reversed(resolved.layers):
        if rule in dict(layer.rules):
            return str(layer.location("rules", rule))
    return _PACK


def value_text(setting: object) -> str:
    """Return a value as TOML."""
    return str(setting) if isinstance(setting, int) else json.dumps(str(setting))


def weight_text(weight: Weight) -> str:
    """Return the weight of a rule as TOML."""
    return json.dumps(OFF if weight is None else weight.word)


def _aligned(entries: Iterable[tuple[str, str]]) -> Iterator[PolicyLine]:
    rows = list(entries)
    width = max(len(text) for text, _ in rows)
    return (PolicyLine(text, where, width) for text, where in rows)


def _scope(scope: Scope) -> Iterator[str]:
    if scope.name is not None:
        yield f"name = {json.dumps(scope.name, ensure_ascii=False)}"
    yield from _conditions(scope.conditions)
    yield from _values(scope.values, scope.rules)
    yield from (f"probe.{line}" for line in probe_texts(scope.probe))
    yield from (f"propose.{line}" for line in propose_texts(scope.propose))


def probe_texts(probe: ProbeSettings) -> Iterator[str]:
    """Yield the settings of `tfcert probe` as TOML."""
    if probe.methods:
        yield f"method = {_texts(probe.methods)}"
    if probe.refused_statuses is not None:
        yield f"refused_statuses = {json.dumps(probe.refused_statuses)}"
    for name, variable in probe.headers:
        yield f"headers.{json.dumps(name)} = {json.dumps(f'env:{variable}')}"


def propose_texts(propose: ProposeSettings) -> Iterator[str]:
    """Yield the settings of `tfcert propose` as TOML."""
    for name in ("reviewers", "labels", "schedule"):
        texts: tuple[str, ...] = getattr(propose, name)
        if texts:
            yield f"{name} = {_texts(texts)}"
    if propose.group is not None:
        yield f"group = {json.dumps(str(propose.group))}"
    if propose.limit is not None:
        yield f"limit = {propose.limit}"


def _values(values: tuple[Setting, ...], rules: Weights) -> Iterator[str]:
    yield from (f"{name} = {value_text(setting)}" for name, setting in values)
    yield from (f"rules.{name} = {weight_text(weight)}" for name, weight in rules)


def _conditions(conditions: Conditions) -> Iterator[str]:
    for name in _PLAIN:
        patterns: tuple[str, ...] = getattr(conditions, name)
        if patterns:
            yield f"{name} = {_texts(patterns)}"
    yield from (
        f"tags.{json.dumps(key, ensure_ascii=False)} = {_texts(patterns)}"
        for key, patterns in conditions.tags
    )


def _texts(patterns: tuple[str, ...]) -> str:
    return json.dumps(patterns[0] if len(patterns) == 1 else list(patterns), ensure_ascii=False)


def _exemption(exemption: Exemption) -> Iterator[str]:
    yield f"rule = {json.dumps(exemption.rule)}"
    yield from (
        f"address = {json.dumps(address, ensure_ascii=False)}" for address in exemption.addresses
    )
    if exemption.certificate_id is not None:
        yield f"certificate_id = {json.dumps(exemption.certificate_id)}"
    yield f"until = {exemption.until}"
    yield f"reason = {json.dumps(exemption.reason, ensure_ascii=False)}"
    if exemption.owner is not None:
        yield f"owner = {json.dumps(exemption.owner, ensure_ascii=False)}"
    yield from _conditions(exemption.where)


def _accounts(resolved: ResolvedPolicy) -> Iterator[PolicyLine]:
    for access in resolved.policy.accounts:
        layer = next(layer for layer in reversed(resolved.layers) if access in layer.accounts)
        yield PolicyLine("")
        where = str(layer.location("accounts", access.account))
        yield PolicyLine(f'[accounts."{access.account}"]', where)
        if access.role is not None:
            yield PolicyLine(f"role = {json.dumps(access.role)}")
        if access.external_id is not None:
            yield PolicyLine(f"external_id = {json.dumps(access.external_id)}")


def _backends(resolved: ResolvedPolicy) -> Iterator[PolicyLine]:
    for backend in resolved.policy.backends:
        layer = next(layer for layer in reversed(resolved.layers) if backend in layer.backends)
        yield PolicyLine("")
        where = str(layer.location("trust", "backends", backend.name))
        yield PolicyLine(f"[trust.backends.{backend.name}]", where)
        yield PolicyLine(f"stages = {_texts(backend.stages)}")
        if backend.bundle is not None:
            yield PolicyLine(f"bundle = {json.dumps(backend.bundle, ensure_ascii=False)}")
        if backend.consumer is not None:
            yield PolicyLine(f"consumer = {json.dumps(backend.consumer, ensure_ascii=False)}")
        if backend.server is not None:
            yield PolicyLine(f"server = {json.dumps(backend.server)}")


def _probe(resolved: ResolvedPolicy) -> Iterator[PolicyLine]:
    lines = tuple(probe_texts(resolved.policy.probe))
    if not lines:
        return
    layer = next(each for each in reversed(resolved.layers) if each.probe != ProbeSettings())
    yield PolicyLine("")
    yield PolicyLine("[probe]", str(layer.location("probe")))
    yield from map(PolicyLine, lines)


def _propose(resolved: ResolvedPolicy) -> Iterator[PolicyLine]:
    lines = tuple(propose_texts(resolved.policy.propose))
    if not lines:
        return
    layer = next(each for each in reversed(resolved.layers) if each.propose != ProposeSettings())
    yield PolicyLine("")
    yield PolicyLine("[propose]", str(layer.location("propose")))
    yield from map(PolicyLine, lines)


def _comment(resolved: ResolvedPolicy) -> Iterator[PolicyLine]:
    said = [
        (name, value, layer.location("comment", name))
        for name in ("applies", "rule_pages")
        for layer in _last_with(resolved, name)
        for value in (getattr(layer, name),)
    ]
    if not said:
        return
    yield PolicyLine("")
    yield PolicyLine("[comment]")
    yield from _aligned(
        (f"{name} = {json.dumps(str(value))}", str(where)) for name, value, where in said
    )


def _last_with(resolved: ResolvedPolicy, name: str) -> tuple[Layer, ...]:
    layers = [layer for layer in resolved.layers if getattr(layer, name) is not None]
    return tuple(layers[-1:])
