"""Which certificates a stage may come to present, where the plan knows the id only after apply.

Source of the rules: terraform's docs/internals/json-format, and `facts/formats.md` 1.4 and 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from checker.domain.address import Address, InstanceKey, ModuleStep
from checker.readers.decoding import decode
from checker.readers.ours import ACM_CERTIFICATE, CERTIFICATES
from checker.readers.references import Index, Part, Reference, heads
from checker.readers.stages import PRESENTED
from checker.readers.wiring import Expression, Scope

# Resources that hand one argument on as their own attribute.
_CONDUITS = {"aws_acm_certificate_validation": "certificate_arn", "terraform_data": "input"}
_INERT = frozenset({"path", "terraform", "self", "count", "each"})
_MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class _Target:
    """A certificate block that is referred to; a key that is None stands for any. `likely` narrows it by a hint."""

    address: Address
    likely: Address


@dataclass(frozen=True, slots=True)
class _Trail:
    """Something to follow: an expression, the module instance it is read in, and the instance whose value is asked for.

    `chained` is the for_each expression that `each.value` stands for. `hint` is the key that an index which is no
    literal most probably has; it only ever orders candidates that the plan creates.
    """

    expression: Expression
    scope: Scope
    key: InstanceKey = None
    chained: Expression | None = None
    hint: InstanceKey = None


def candidates(stage: Address, root: Scope, created: Sequence[Address]) -> tuple[Address, ...]:
    """The certificates, of those that the plan creates or replaces, that the stage may present after it.

    Only these can be meant, for the id of every other certificate is known already. Where the trail is lost in a local
    value, a data source or another resource, all that are created stay candidates: too many can only make a plan look
    more like a rotation than it is, one too few could hide that a stage moves.
    """
    scope = root.descend(stage.modules)
    block = scope.block("managed", stage.type, stage.name) if scope is not None else None
    expression = scope.argument(block, PRESENTED) if scope is not None and block is not None else None
    if scope is None or block is None or expression is None:
        return _all(created)
    found: list[Address] = []
    for target in _follow(_Trail(expression, scope, stage.key, block.for_each_expression)):
        if target is None:
            return _all(created)
        likely = [address for address in created if _meets(address, target.likely)]
        found.extend(likely or [address for address in created if _meets(address, target.address)])
    return tuple(address for address in created if address in found) or _all(created)


def _all(created: Sequence[Address]) -> tuple[Address, ...]:
    gateway = tuple(address for address in created if address.type in CERTIFICATES)
    return gateway or tuple(created)


def _meets(address: Address, pattern: Address) -> bool:
    return (
        (address.type, address.name, address.module_path) == (pattern.type, pattern.name, pattern.module_path)
        and pattern.key in (None, address.key)
        and all(want.key in (None, step.key) for step, want in zip(address.modules, pattern.modules, strict=True))
    )


def _follow(start: _Trail) -> Iterator[_Target | None]:
    """Yield the certificate blocks that a trail leads to, and None wherever it is lost."""
    waiting = [start]
    seen: set[object] = set()
    while waiting:
        trail = waiting.pop()
        references = list(heads(trail.expression.references))
        hint = _hint(trail, references)
        for reference in references:
            mark = (trail.scope.steps, reference, trail.key, hint)
            if mark in seen:
                continue
            seen.add(mark)
            if len(seen) > _MOST_STEPS:
                yield None
                return
            for step in _step(trail, reference, hint):
                if isinstance(step, _Trail):
                    waiting.append(step)
                else:
                    yield step


def _hint(trail: _Trail, references: Sequence[Reference | None]) -> InstanceKey:
    roots = {reference[:2] for reference in references if reference is not None and reference[0] in ("each", "count")}
    if ("each", "value") in roots and trail.chained is not None and isinstance(trail.key, str):
        constant = trail.chained.constant_value
        values = decode(constant, object, trail.scope.spot) if constant else None
        value = values.get(trail.key) if isinstance(values, dict) else None
        return value if isinstance(value, str) else trail.key
    return trail.key if roots else trail.hint


def _step(trail: _Trail, reference: Reference | None, hint: InstanceKey) -> Iterator[_Trail | _Target | None]:
    match reference:
        case ("each", "value", *_):
            if trail.chained is not None:
                yield _Trail(trail.chained, trail.scope, hint=trail.key)
        case (str(root), *_) if root in _INERT:
            pass
        case ("var", str(name), *_):
            yield from _from_caller(trail.scope, name, hint)
        case ("module", str(name), *rest):
            yield from _into_module(trail.scope, name, rest, hint)
        case ("local" | "data" | "ephemeral", *_):
            yield None
        case (str(resource_type), str(name), *rest):
            yield from _at_resource(trail.scope, (resource_type, name), _leading_key(rest), hint)
        case _:
            yield None


def _from_caller(scope: Scope, name: str, hint: InstanceKey) -> Iterator[_Trail]:
    expression = scope.input(name)
    # A variable of the root module is known before the plan, and so is a default: no created certificate is in it.
    if expression is not None and scope.caller is not None and scope.call is not None:
        yield _Trail(expression, scope.caller, scope.steps[-1].key, scope.call.for_each_expression, hint)


def _into_module(scope: Scope, name: str, rest: Sequence[Part], hint: InstanceKey) -> Iterator[_Trail | None]:
    key = _leading_key(rest)
    child = scope.enter(ModuleStep(name, key))
    if child is None:
        yield None
        return
    names = [part for part in rest if isinstance(part, str)][:1]
    # An index that is no literal cuts the reference off at the module: then any output may be meant.
    outputs = child.module.outputs
    for output in names or outputs:
        found = outputs.get(output)
        if found is None or found.expression is None:
            yield None
        else:
            yield _Trail(found.expression, child, hint=hint)


def _at_resource(scope: Scope, block: tuple[str, str], key: InstanceKey, hint: InstanceKey) -> Iterator[_Trail | _Target | None]:
    resource_type, name = block
    if resource_type in CERTIFICATES or resource_type == ACM_CERTIFICATE:
        address = Address(resource_type, name, key, scope.steps)
        guessed = tuple(step if step.key is not None else replace(step, key=hint) for step in scope.steps)
        yield _Target(address, replace(address, key=hint if key is None else key, modules=guessed))
        return
    declared = scope.block("managed", resource_type, name)
    handed = scope.argument(declared, _CONDUITS[resource_type]) if declared and resource_type in _CONDUITS else None
    yield None if handed is None or declared is None else _Trail(handed, scope, key, declared.for_each_expression, hint)


def _leading_key(rest: Sequence[Part]) -> InstanceKey:
    return rest[0].key if rest and isinstance(rest[0], Index) else None
