"""Find the certificates that an unknown id may refer to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address, InstanceKey
from checker.model.resource_types import ACM_CERTIFICATE, CERTIFICATES, STAGES
from checker.model.resources import PresentsPlanned
from checker.terraform.decode import JsonPath, decode
from checker.terraform.plan_scope import Expression, Part, PlanScope, Reference, heads
from checker.terraform.stages import PRESENTED


class Created:
    """Addresses of certificates whose ids are known only after apply, in the plan's order.

    A pattern is an address; a key of None matches any key. Answers are shared and not copied,
    because ten thousand stages may have the same candidates.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._order = {address: index for index, address in enumerate(addresses)}
        self._blocks: dict[Address, list[Address]] = defaultdict(list)
        self._keyed: dict[tuple[Address, InstanceKey], list[Address]] = defaultdict(list)
        self._within: dict[tuple[Address, int, InstanceKey], list[Address]] = defaultdict(list)
        for address in self._order:
            self._blocks[address.block].append(address)
            self._keyed[address.block, address.key].append(address)
            for depth, step in enumerate(address.modules):
                self._within[address.block, depth, step.key].append(address)
        self._known: dict[Address, tuple[Address, ...]] = {}
        gateway = tuple(address for address in self._order if address.type in CERTIFICATES)
        # Any service may use an ACM certificate. It is likely only if no API Gateway one is
        # created.
        self.all = gateway or tuple(self._order)

    def meeting(self, pattern: Address, hint: InstanceKey = None) -> tuple[Address, ...]:
        """Return the addresses that match a pattern; those with the hint if there are any.

        The hint applies only to keys that may be any key.
        """
        narrower = () if hint is None else _narrower(pattern, hint)
        return next(filter(None, map(self._meeting, (*narrower, pattern))), ())

    def _meeting(self, pattern: Address) -> tuple[Address, ...]:
        known = self._known.get(pattern)
        if known is None:
            held = self._held(pattern)
            known = self._known[pattern] = tuple(
                address for address in held if _same_instances(address, pattern)
            )
        return known

    def _held(self, pattern: Address) -> Sequence[Address]:
        """Return the addresses to search for a pattern: the set that one of its keys leaves."""
        block = pattern.block
        if pattern.key is not None:
            return self._keyed.get((block, pattern.key), ())
        for depth, step in enumerate(pattern.modules):
            if step.key is not None and (block, depth, None) not in self._within:
                return self._within.get((block, depth, step.key), ())
        return self._blocks.get(block, ())

    def ordered(self, groups: Sequence[tuple[Address, ...]]) -> tuple[Address, ...]:
        """Return all addresses of the groups, each once, in the plan's order."""
        if len(groups) == 1:
            return groups[0]
        return tuple(
            sorted({address for group in groups for address in group}, key=self._order.__getitem__)
        )


def _narrower(pattern: Address, hint: InstanceKey) -> tuple[Address, ...]:
    """Return the forms that use the hint for a cut-off index, the best first.

    The plan does not show which index was cut off.
    """
    own = replace(pattern, key=hint) if pattern.key is None else pattern
    modules = tuple(
        step if step.key is not None else replace(step, key=hint) for step in pattern.modules
    )
    return (replace(own, modules=modules), replace(pattern, modules=modules), own)


def _same_instances(address: Address, pattern: Address) -> bool:
    steps = zip(address.modules, pattern.modules, strict=True)
    # A module without instances has no key, even if there is a hint.
    return all(step.key is None or wanted.key in {None, step.key} for step, wanted in steps)


_CERTIFICATES = CERTIFICATES | {ACM_CERTIFICATE}
# Resources that pass on one argument, and the attributes for it. Their `id` is another value.
_CONDUITS = {
    "aws_acm_certificate_validation": ("certificate_arn", {"certificate_arn"}),
    "terraform_data": ("input", {"input", "output"}),
    **dict.fromkeys(STAGES, (PRESENTED, {PRESENTED})),
}
_ITERATIONS = frozenset({"each", "count"})
_INERT = frozenset({"path", "terraform", "self", *_ITERATIONS})
# Ten thousand stages with ten references each; no real configuration has more.
_MOST_REFERENCES = 200_000


class OpenReference(NamedTuple):
    """A reference to follow: an expression, its module instance, and the instance that is wanted.

    `chained` is the for_each expression that `each.value` refers to. `hint` is the most probable
    key of a cut-off index. It only chooses among certificates that the plan creates.
    """

    expression: Expression
    scope: PlanScope
    key: InstanceKey = None
    chained: Expression | None = None
    hint: InstanceKey = None


class ReferenceTarget(Struct, frozen=True):
    """Certificates that a reference leads to; a key of None means any key, probably the hint."""

    address: Address
    hint: InstanceKey = None


class UnresolvedReference(Struct, frozen=True):
    """A reference that the plan does not resolve further.

    `local` values are missing in every plan, and mostly contain values that the configuration
    itself makes. Any other end (a data source, another resource) may contain the id of a
    certificate that the plan does not know.
    """

    local: bool = False


LOST = UnresolvedReference()
_Step = OpenReference | ReferenceTarget | UnresolvedReference


class ReferenceResolver:
    """Follows the references of one plan, up to a common limit on the number of references."""

    def __init__(self) -> None:
        self._left = _MOST_REFERENCES
        # By identity: the scopes keep every expression alive.
        self._heads: dict[int, tuple[Reference | None, ...]] = {}
        self._constants: dict[int, object] = {}

    def follow(self, start: OpenReference) -> Iterator[ReferenceTarget | UnresolvedReference]:
        """Yield each target of a reference once."""
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
                    if isinstance(step, OpenReference):
                        waiting.append(step)
                    else:
                        yield step

    def _references(self, expression: Expression) -> tuple[Reference | None, ...]:
        known = self._heads.get(id(expression))
        if known is None:
            known = self._heads[id(expression)] = tuple(heads(expression.references))
        return known

    def _hint(self, trail: OpenReference, references: Sequence[Reference | None]) -> InstanceKey:
        rest = [
            reference
            for reference in references
            if reference is None or reference[0] not in _ITERATIONS
        ]
        if len(rest) == len(references):
            return trail.hint
        if len(rest) != 1:
            return None  # something else may be part of the index
        if ("each", "value") in references and trail.chained is not None:
            value = self._constant(trail.chained, trail.scope.spot)
            value = value.get(str(trail.key)) if isinstance(value, dict) else trail.key
            return value if isinstance(value, str) else None
        return trail.key

    def _constant(self, expression: Expression, spot: JsonPath) -> object:
        known = self._constants.get(id(expression))
        if known is None and expression.constant_value:
            known = self._constants[id(expression)] = decode(
                expression.constant_value, object, spot
            )
        return known


def _steps(trail: OpenReference, reference: Reference | None, hint: InstanceKey) -> Iterator[_Step]:
    match reference:
        case ("each", "value", *_) if trail.chained is not None:
            yield OpenReference(trail.chained, trail.scope, hint=trail.key)
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
            yield UnresolvedReference(local=True)
        case _:
            yield LOST


def _from_caller(scope: PlanScope, name: str, hint: InstanceKey) -> Iterator[OpenReference]:
    expression = scope.input(name)
    # Root module variables and defaults are known before the plan: they contain no created id.
    if expression is not None and scope.caller is not None and scope.call is not None:
        yield OpenReference(
            expression, scope.caller, scope.steps[-1].key, scope.call.for_each_expression, hint
        )


def _into_module(
    scope: PlanScope, name: str, rest: Sequence[Part], hint: InstanceKey
) -> Iterator[_Step]:
    child = scope.enter(name, _key(rest))
    outputs = {} if child is None else child.module.outputs
    # A cut-off index cuts off the output's name too: it may be any output.
    wanted = [part for part in rest if isinstance(part, str)][:1] or list(outputs)
    for output in wanted:
        found = outputs.get(output)
        expression = None if found is None else found.expression
        yield (
            LOST
            if child is None or expression is None
            else OpenReference(expression, child, hint=hint)
        )


def _hands_on(resource_type: str, rest: Sequence[Part]) -> bool:
    """Return whether an attribute is the resource's own argument.

    A cut-off index cuts off the attribute's name too.
    """
    names = [part for part in rest if isinstance(part, str)]
    return resource_type in _CONDUITS and (not names or names[0] in _CONDUITS[resource_type][1])


def _through(
    scope: PlanScope, block: tuple[str, str], key: InstanceKey, hint: InstanceKey
) -> _Step:
    declared = scope.block("managed", *block)
    handed = None if declared is None else scope.argument(declared, _CONDUITS[block[0]][0])
    return (
        LOST
        if declared is None or handed is None
        else OpenReference(handed, scope, key, declared.for_each_expression, hint)
    )


def _key(rest: Sequence[Part]) -> InstanceKey:
    return rest[0][0] if rest and isinstance(rest[0], tuple) else None


class Candidates:
    """The certificates that a plan creates or replaces, and the configuration that uses them."""

    def __init__(self, root: PlanScope, created: Sequence[Address]) -> None:
        self._root = root
        self._created = Created(created)
        self._tracker = ReferenceResolver()

    def of(self, stage: Address, now: Address | None) -> PresentsPlanned:
        """Return the certificates that a stage with an unknown id may present after the plan.

        They are in the plan's order. Only a certificate that the plan creates or replaces is
        possible, because every other id that the configuration makes is already known.

        If a reference ends in a local value, a data source or another resource, all of them stay
        candidates. One candidate too many can only make a plan look more like a rotation than it
        is. One too few could hide that a stage moves.

        `now` is the certificate that the stage presents before the plan. If its keys differ from
        the probable key of an index, the hint is not used. Example: a plan shows `n[count.index +
        1]` as `n[count.index]`.
        """
        start = self._start(stage)
        if start is None:
            return self._anything
        keys = _keys(now)
        lost = False
        groups: list[tuple[Address, ...]] = []
        for target in self._tracker.follow(start):
            match target:
                case UnresolvedReference(local=False):
                    return self._anything
                case UnresolvedReference():
                    lost = True
                case ReferenceTarget(address=pattern, hint=hint):
                    groups.append(
                        self._created.meeting(pattern, None if keys and hint not in keys else hint)
                    )
        if lost:
            return PresentsPlanned(self._created.all)
        found = self._created.ordered(groups)
        return PresentsPlanned(found) if found else self._anything

    @property
    def _anything(self) -> PresentsPlanned:
        return PresentsPlanned(self._created.all, elsewhere=bool(self._created.all))

    def _start(self, stage: Address) -> OpenReference | None:
        scope = self._root.descend(stage.modules)
        block = scope.block("managed", stage.type, stage.name) if scope is not None else None
        if scope is None or block is None:
            return None
        expression = scope.argument(block, PRESENTED)
        return (
            None
            if expression is None
            else OpenReference(expression, scope, stage.key, block.for_each_expression)
        )


def _keys(address: Address | None) -> frozenset[InstanceKey]:
    if address is None:
        return frozenset()
    return frozenset({address.key, *(step.key for step in address.modules)} - {None})
