"""The way from an expression to the certificates in it: through variables, outputs and iterations, as far as a plan tells.

Source: terraform internal/command/jsonconfig/expression.go, and what Terraform 1.11.4 was seen to write
(`facts/formats.md` 1.4): an index that is no literal is cut off, a conditional lists all its branches, locals are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from checker.domain.address import Address, InstanceKey
from checker.domain.resource_types import ACM_CERTIFICATE, CERTIFICATES, STAGES
from checker.domain.value import short_value
from checker.readers.decoding import decode
from checker.readers.references import Part, Reference, heads
from checker.readers.spot import Spot
from checker.readers.stages import PRESENTED
from checker.readers.wiring import Expression, PlanScope

_CERTIFICATES = CERTIFICATES | {ACM_CERTIFICATE}
# Resources that hand one argument on, and the attributes by which they do; their `id` is another matter.
_CONDUITS = {
    "aws_acm_certificate_validation": ("certificate_arn", {"certificate_arn"}),
    "terraform_data": ("input", {"input", "output"}),
    **dict.fromkeys(STAGES, (PRESENTED, {PRESENTED})),
}
_ITERATIONS = frozenset({"each", "count"})
_INERT = frozenset({"path", "terraform", "self", *_ITERATIONS})
# Ten thousand stages with ten references each; a document with more is no configuration that a person wrote.
_MOST_REFERENCES = 200_000


class Trail(NamedTuple):
    """Something to follow: an expression, the module instance it is read in, and the instance whose value is asked for.

    `chained` is the for_each expression that `each.value` stands for. `hint` is the key that a cut-off index most
    probably had; it only ever chooses among certificates that the plan creates.
    """

    expression: Expression
    scope: PlanScope
    key: InstanceKey = None
    chained: Expression | None = None
    hint: InstanceKey = None


@short_value
class ReferenceTarget:
    """Certificates that a trail leads to; a key that is None stands for any, most probably for the hint."""

    address: Address
    hint: InstanceKey = None


@short_value
class Lost:
    """The trail ends where a plan does not tell what flows on.

    `local` values are missing in every plan, and mostly hold what the configuration itself makes; whatever else a trail
    ends in (a data source, another resource) may as well hold the id of a certificate that the plan does not know.
    """

    local: bool = False


LOST = Lost()
_Step = Trail | ReferenceTarget | Lost


class Tracker:
    """Follows the trails of one plan, all together over a bounded number of references."""

    def __init__(self) -> None:
        self._left = _MOST_REFERENCES
        # By identity: the scopes keep every expression.
        self._heads: dict[int, tuple[Reference | None, ...]] = {}
        self._constants: dict[int, object] = {}

    def follow(self, start: Trail) -> Iterator[ReferenceTarget | Lost]:
        """Where a trail leads to, each place once."""
        waiting = [start]
        seen: set[object] = set()
        while waiting:
            trail = waiting.pop()
            self._left -= len(trail.expression.references)
            if self._left < 0:
                yield LOST
                return
            references = self._references(trail.expression)
            hint = self._hint(trail, references)
            for reference in references:
                mark = (id(trail.scope), reference, trail.key, id(trail.chained), hint)
                if mark in seen:
                    continue
                seen.add(mark)
                for step in _steps(trail, reference, hint):
                    if isinstance(step, Trail):
                        waiting.append(step)
                    else:
                        yield step

    def _references(self, expression: Expression) -> tuple[Reference | None, ...]:
        known = self._heads.get(id(expression))
        if known is None:
            known = self._heads[id(expression)] = tuple(heads(expression.references))
        return known

    def _hint(self, trail: Trail, references: Sequence[Reference | None]) -> InstanceKey:
        rest = [reference for reference in references if reference is None or reference[0] not in _ITERATIONS]
        if len(rest) == len(references):
            return trail.hint
        if len(rest) != 1:
            return None  # something else may have a part in the index
        if ("each", "value") in references and trail.chained is not None:
            value = self._constant(trail.chained, trail.scope.spot)
            value = value.get(str(trail.key)) if isinstance(value, dict) else trail.key
            return value if isinstance(value, str) else None
        return trail.key

    def _constant(self, expression: Expression, spot: Spot) -> object:
        known = self._constants.get(id(expression))
        if known is None and expression.constant_value:
            known = self._constants[id(expression)] = decode(expression.constant_value, object, spot)
        return known


def _steps(trail: Trail, reference: Reference | None, hint: InstanceKey) -> Iterator[_Step]:
    match reference:
        case ("each", "value", *_) if trail.chained is not None:
            yield Trail(trail.chained, trail.scope, hint=trail.key)
        case (str(root), *_) if root in _INERT:
            pass
        case ("var", str(name), *_):
            yield from _from_caller(trail.scope, name, hint)
        case ("module", str(name), *rest):
            yield from _into_module(trail.scope, name, rest, hint)
        case (str(resource_type), str(name), *rest) if resource_type in _CERTIFICATES:
            yield ReferenceTarget(Address(resource_type, name, _key(rest), trail.scope.steps), hint)
        case (str(resource_type), str(name), *rest) if _hands_on(resource_type, rest):
            yield _through(trail.scope, (resource_type, name), _key(rest), hint)
        case ("local", *_):
            yield Lost(local=True)
        case _:
            yield LOST


def _from_caller(scope: PlanScope, name: str, hint: InstanceKey) -> Iterator[Trail]:
    expression = scope.input(name)
    # A variable of the root module is known before the plan, and so is a default: nothing that is created is in them.
    if expression is not None and scope.caller is not None and scope.call is not None:
        yield Trail(expression, scope.caller, scope.steps[-1].key, scope.call.for_each_expression, hint)


def _into_module(scope: PlanScope, name: str, rest: Sequence[Part], hint: InstanceKey) -> Iterator[_Step]:
    child = scope.enter(name, _key(rest))
    outputs = {} if child is None else child.module.outputs
    # Where the index was cut off, the name of the output was too: then any of them may be meant.
    wanted = [part for part in rest if isinstance(part, str)][:1] or list(outputs)
    for output in wanted:
        found = outputs.get(output)
        expression = None if found is None else found.expression
        yield LOST if child is None or expression is None else Trail(expression, child, hint=hint)


def _hands_on(resource_type: str, rest: Sequence[Part]) -> bool:
    """Whether an attribute is what a resource was given; where an index was cut off, its name was too."""
    names = [part for part in rest if isinstance(part, str)]
    return resource_type in _CONDUITS and (not names or names[0] in _CONDUITS[resource_type][1])


def _through(scope: PlanScope, block: tuple[str, str], key: InstanceKey, hint: InstanceKey) -> _Step:
    declared = scope.block("managed", *block)
    handed = None if declared is None else scope.argument(declared, _CONDUITS[block[0]][0])
    return LOST if declared is None or handed is None else Trail(handed, scope, key, declared.for_each_expression, hint)


def _key(rest: Sequence[Part]) -> InstanceKey:
    return rest[0][0] if rest and isinstance(rest[0], tuple) else None
