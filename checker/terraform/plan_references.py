"""Follow the references of a plan's configuration to certificates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from checker.model.address import Address, AddressError, InstanceKey, parse
from checker.model.resource_types import ACM_CERTIFICATE, CERTIFICATES, STAGES
from checker.terraform.decode import JsonPath, decode
from checker.terraform.plan_scope import Expression, PlanScope
from checker.terraform.stages import PRESENTED

_NAME = re.compile(r"[^\W\d][\w-]*")
_INDEX = re.compile(r'\[(?:[0-9]{1,18}|"(?:[^"\\]|\\.)*")\]')


# A name is a text. An index is a tuple of its one key: `[0]`, `["a.b"]`. No other form hashes as
# fast.
Part = str | tuple[int | str]
Reference = tuple[Part, ...]


def heads(references: Sequence[str]) -> Iterator[Reference | None]:
    """Yield the full references, without the shorter forms after each; None for an unknown form."""
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
            key = _literal_key(found.group()) if found else None
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


def _literal_key(text: str) -> tuple[int | str] | None:
    try:
        key = parse(f"a.a{text}").key  # keys have the same quotes as in an address
    except AddressError:
        return None
    return None if key is None else (key,)


_CERTIFICATES = CERTIFICATES | {ACM_CERTIFICATE}
# Resources that pass on one argument, and the attributes that have its value. Their `id` is
# another value.
_PASSED_ON = {
    "aws_acm_certificate_validation": ("certificate_arn", {"certificate_arn"}),
    "terraform_data": ("input", {"input", "output"}),
    **dict.fromkeys(STAGES, (PRESENTED, {PRESENTED})),
}
_ITERATIONS = frozenset({"each", "count"})
_NO_ORIGINS = frozenset({"path", "terraform", "self", *_ITERATIONS})
# Ten thousand stages with ten references each; no real configuration has more.
_MOST_REFERENCES = 200_000


class OpenReference(NamedTuple):
    """A reference to follow: an expression, its module instance, and the instance that is wanted.

    `for_each` is the expression that `each.value` refers to. `hint` is the most probable
    key of a cut-off index. It only chooses among certificates that the plan creates.
    """

    expression: Expression
    scope: PlanScope
    key: InstanceKey = None
    for_each: Expression | None = None
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


UNRESOLVED = UnresolvedReference()
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
            here = waiting.pop()
            self._left -= len(here.expression.references)
            if self._left < 0:
                yield UNRESOLVED
                return
            for step in self._new_steps(here, seen):
                if isinstance(step, OpenReference):
                    waiting.append(step)
                else:
                    yield step

    def _new_steps(self, here: OpenReference, seen: set[object]) -> Iterator[_Step]:
        """Yield the steps of the references that were not followed before."""
        references = self._references(here.expression)
        hint = self._hint(here, references)
        for reference in references:
            mark = (id(here.scope), reference, here.key, id(here.for_each), hint)
            if mark not in seen:
                seen.add(mark)
                yield from _steps(here, reference, hint)

    def _references(self, expression: Expression) -> tuple[Reference | None, ...]:
        known = self._heads.get(id(expression))
        if known is None:
            known = self._heads[id(expression)] = tuple(heads(expression.references))
        return known

    def _hint(self, here: OpenReference, references: Sequence[Reference | None]) -> InstanceKey:
        """Return the most probable key of a cut-off index in an expression.

        A plan writes `c[each.key].id` as the references `each.key` and `c`. With exactly one other
        reference, `each` or `count` is probably its index.
        """
        others = [
            reference
            for reference in references
            if reference is None or reference[0] not in _ITERATIONS
        ]
        if len(others) == len(references):
            return here.hint
        if len(others) != 1:
            return None
        if ("each", "value") in references and here.for_each is not None:
            return self._each_value(here.for_each, here)
        return here.key

    def _each_value(self, for_each: Expression, here: OpenReference) -> str | None:
        """Return the `each.value` of an instance: a map's value, or the key itself for a set."""
        found = self._constant(for_each, here.scope.json_path)
        value = found.get(str(here.key)) if isinstance(found, dict) else here.key
        return value if isinstance(value, str) else None

    def _constant(self, expression: Expression, json_path: JsonPath) -> object:
        known = self._constants.get(id(expression))
        if known is None and expression.constant_value:
            known = self._constants[id(expression)] = decode(
                expression.constant_value, object, json_path
            )
        return known


def _steps(here: OpenReference, reference: Reference | None, hint: InstanceKey) -> Iterator[_Step]:
    match reference:
        case ("each", "value", *_) if here.for_each is not None:
            yield OpenReference(here.for_each, here.scope, hint=here.key)
        case (str(root), *_) if root in _NO_ORIGINS:
            pass
        case ("var", str(name), *_):
            yield from _from_caller(here.scope, name, hint)
        case ("module", str(name), *rest):
            yield from _into_module(here.scope, name, rest, hint)
        case (str(resource_type), str(name), *rest) if resource_type in _CERTIFICATES:
            yield ReferenceTarget(Address(resource_type, name, _key(rest), here.scope.steps), hint)
        case (str(resource_type), str(name), *rest) if _passes_on(resource_type, rest):
            yield _from_argument(here.scope, (resource_type, name), _key(rest), hint)
        case ("local", *_):
            yield UnresolvedReference(local=True)
        case _:
            yield UNRESOLVED


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
            UNRESOLVED
            if child is None or expression is None
            else OpenReference(expression, child, hint=hint)
        )


def _passes_on(resource_type: str, rest: Sequence[Part]) -> bool:
    """Return whether an attribute is the resource's own argument.

    A cut-off index cuts off the attribute's name too.
    """
    names = [part for part in rest if isinstance(part, str)]
    return resource_type in _PASSED_ON and (not names or names[0] in _PASSED_ON[resource_type][1])


def _from_argument(
    scope: PlanScope, block: tuple[str, str], key: InstanceKey, hint: InstanceKey
) -> _Step:
    declared = scope.block("managed", *block)
    expression = None if declared is None else scope.argument(declared, _PASSED_ON[block[0]][0])
    return (
        UNRESOLVED
        if declared is None or expression is None
        else OpenReference(expression, scope, key, declared.for_each_expression, hint)
    )


def _key(rest: Sequence[Part]) -> InstanceKey:
    return rest[0][0] if rest and isinstance(rest[0], tuple) else None
