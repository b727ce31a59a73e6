"""The certificates that a plan creates or replaces, found by block and key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from checker.domain.address import Address, InstanceKey
from checker.domain.resource_types import CERTIFICATES
from checker.domain.value import replace


class Created:
    """Addresses of certificates whose ids are known only after apply, in the plan's order.

    A pattern is an address in which a key that is None stands for any. Answers are shared and not copied, since ten
    thousand stages may well have the same candidates.
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
        # An ACM certificate may serve anything; only where no certificate of API Gateway is created is it the likely one.
        self.all = gateway or tuple(self._order)

    def meeting(self, pattern: Address, hint: InstanceKey = None) -> tuple[Address, ...]:
        """The addresses that a pattern means; those with the hint for a key that may be any, if there are such."""
        narrower = () if hint is None else _narrower(pattern, hint)
        return next(filter(None, map(self._meeting, (*narrower, pattern))), ())

    def _meeting(self, pattern: Address) -> tuple[Address, ...]:
        known = self._known.get(pattern)
        if known is None:
            held = self._held(pattern)
            known = self._known[pattern] = tuple(address for address in held if _same_instances(address, pattern))
        return known

    def _held(self, pattern: Address) -> Sequence[Address]:
        """The addresses among which those that a pattern means are: as few as one of its keys leaves."""
        block = pattern.block
        if pattern.key is not None:
            return self._keyed.get((block, pattern.key), ())
        for depth, step in enumerate(pattern.modules):
            if step.key is not None and (block, depth, None) not in self._within:
                return self._within.get((block, depth, step.key), ())
        return self._blocks.get(block, ())

    def ordered(self, groups: Sequence[tuple[Address, ...]]) -> tuple[Address, ...]:
        """All addresses of some groups, each once, in the plan's order."""
        if len(groups) == 1:
            return groups[0]
        return tuple(sorted({address for group in groups for address in group}, key=self._order.__getitem__))


def _narrower(pattern: Address, hint: InstanceKey) -> tuple[Address, ...]:
    """The forms with the hint for an index that was cut off, the best first: which one was cut off is not known."""
    own = replace(pattern, key=hint) if pattern.key is None else pattern
    modules = tuple(step if step.key is not None else replace(step, key=hint) for step in pattern.modules)
    return (replace(own, modules=modules), replace(pattern, modules=modules), own)


def _same_instances(address: Address, pattern: Address) -> bool:
    steps = zip(address.modules, pattern.modules, strict=True)
    # A module without instances has no key, whatever the hint for it is.
    return all(step.key is None or wanted.key in {None, step.key} for step, wanted in steps)
