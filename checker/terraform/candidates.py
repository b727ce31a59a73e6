"""Find the certificates that an unknown id may refer to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from checker.model.address import Address, InstanceKey
from checker.model.resource_types import CERTIFICATES
from checker.model.resources import PresentsPlanned
from checker.terraform.plan_references import (
    OpenReference,
    ReferenceResolver,
    ReferenceTarget,
    UnresolvedReference,
)
from checker.terraform.plan_scope import PlanScope
from checker.terraform.stages import PRESENTED


class CreatedCertificates:
    """Addresses of certificates whose ids are known only after apply, in the plan's order.

    A pattern is an address; a key of None matches any key. Answers are shared and not copied,
    because ten thousand stages may have the same candidates.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._order = {address: index for index, address in enumerate(addresses)}
        self._by_block: dict[Address, list[Address]] = defaultdict(list)
        self._by_key: dict[tuple[Address, InstanceKey], list[Address]] = defaultdict(list)
        self._by_module_key: dict[tuple[Address, int, InstanceKey], list[Address]] = defaultdict(
            list
        )
        for address in self._order:
            self._by_block[address.block].append(address)
            self._by_key[address.block, address.key].append(address)
            for depth, step in enumerate(address.modules):
                self._by_module_key[address.block, depth, step.key].append(address)
        self._matches: dict[Address, tuple[Address, ...]] = {}
        gateway = tuple(address for address in self._order if address.type in CERTIFICATES)
        # Any service may use an ACM certificate. It is likely only if no API Gateway one is
        # created.
        self.all = gateway or tuple(self._order)

    def matching(self, pattern: Address, hint: InstanceKey = None) -> tuple[Address, ...]:
        """Return the addresses that match a pattern; those with the hint if there are any.

        The hint applies only to keys that may be any key.
        """
        hinted = () if hint is None else _with_hint(pattern, hint)
        return next(filter(None, map(self._match, (*hinted, pattern))), ())

    def _match(self, pattern: Address) -> tuple[Address, ...]:
        known = self._matches.get(pattern)
        if known is None:
            nearby = self._near(pattern)
            known = self._matches[pattern] = tuple(
                address for address in nearby if _same_instances(address, pattern)
            )
        return known

    def _near(self, pattern: Address) -> Sequence[Address]:
        """Return the addresses that may match a pattern, by one of its keys."""
        block = pattern.block
        if pattern.key is not None:
            return self._by_key.get((block, pattern.key), ())
        for depth, step in enumerate(pattern.modules):
            if step.key is not None and (block, depth, None) not in self._by_module_key:
                return self._by_module_key.get((block, depth, step.key), ())
        return self._by_block.get(block, ())

    def ordered(self, groups: Sequence[tuple[Address, ...]]) -> tuple[Address, ...]:
        """Return all addresses of the groups, each once, in the plan's order."""
        if len(groups) == 1:
            return groups[0]
        return tuple(
            sorted({address for group in groups for address in group}, key=self._order.__getitem__)
        )


def _with_hint(pattern: Address, hint: InstanceKey) -> tuple[Address, ...]:
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


class Candidates:
    """The certificates that a plan creates or replaces, and the configuration that uses them."""

    def __init__(self, root: PlanScope, created: Sequence[Address]) -> None:
        self._root = root
        self._created = CreatedCertificates(created)
        self._resolver = ReferenceResolver()

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
        local = False
        groups: list[tuple[Address, ...]] = []
        for target in self._resolver.follow(start):
            match target:
                case UnresolvedReference(local=False):
                    return self._anything
                case UnresolvedReference():
                    local = True
                case ReferenceTarget(address=pattern, hint=hint):
                    groups.append(
                        self._created.matching(pattern, None if keys and hint not in keys else hint)
                    )
        if local:
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
