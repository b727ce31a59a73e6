"""The certificates that a plan creates or replaces, found by block and key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from checker.domain.address import Address, InstanceKey
from checker.readers.ours import CERTIFICATES


class Created:
    """Addresses of certificates whose ids are known only after apply, in the plan's order.

    A pattern is an address in which a key that is None stands for any. Answers are shared and not copied, since ten
    thousand stages may well have the same candidates.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._order = {address: index for index, address in enumerate(addresses)}
        self._blocks: dict[Address, list[Address]] = defaultdict(list)
        self._keyed: dict[tuple[Address, InstanceKey], list[Address]] = defaultdict(list)
        for address in self._order:
            self._blocks[address.block].append(address)
            self._keyed[address.block, address.key].append(address)
        self._known: dict[Address, tuple[Address, ...]] = {}
        gateway = tuple(address for address in self._order if address.type in CERTIFICATES)
        # An ACM certificate may serve anything; only where no certificate of API Gateway is created is it the likely one.
        self.all = gateway or tuple(self._order)

    def meeting(self, pattern: Address) -> tuple[Address, ...]:
        """The addresses that a pattern means."""
        known = self._known.get(pattern)
        if known is None:
            block = pattern.block
            held = self._blocks.get(block, ()) if pattern.key is None else self._keyed.get((block, pattern.key), ())
            known = self._known[pattern] = tuple(address for address in held if _same_instances(address, pattern))
        return known

    def ordered(self, groups: Sequence[tuple[Address, ...]]) -> tuple[Address, ...]:
        """All addresses of some groups, each once, in the plan's order."""
        if len(groups) == 1:
            return groups[0]
        return tuple(sorted({address for group in groups for address in group}, key=self._order.__getitem__))


def _same_instances(address: Address, pattern: Address) -> bool:
    steps = zip(address.modules, pattern.modules, strict=True)
    return all(wanted.key is None or wanted.key == step.key for step, wanted in steps)
