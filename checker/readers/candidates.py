"""Which certificates a stage may come to present, where the plan knows the id only after apply."""

from __future__ import annotations

from collections.abc import Sequence

from checker.domain.address import Address, InstanceKey
from checker.domain.stage import PresentsPlanned
from checker.readers.created import Created
from checker.readers.stages import PRESENTED
from checker.readers.trails import Lost, ReferenceTarget, Tracker, Trail
from checker.readers.wiring import PlanScope


class Candidates:
    """The certificates that a plan creates or replaces, and the configuration that leads from a stage to them."""

    def __init__(self, root: PlanScope, created: Sequence[Address]) -> None:
        self._root = root
        self._created = Created(created)
        self._tracker = Tracker()

    def of(self, stage: Address, now: Address | None) -> PresentsPlanned:
        """The certificates that a stage with an unknown id may present after the plan, in the plan's order.

        Only one that the plan creates or replaces can be meant, for every other id that the configuration makes is known
        already. Where the trail is lost in a local value, a data source or another resource, all of them stay candidates:
        one too many can only make a plan look more like a rotation than it is, one too few could hide that a stage moves.

        `now` is the certificate that the stage presents before the plan. Where its keys are others than the one that an
        index probably had (`n[count.index + 1]` reads as `n[count.index]` in a plan), that probability is none.
        """
        start = self._start(stage)
        if start is None:
            return self._anything
        keys = _keys(now)
        lost = False
        groups: list[tuple[Address, ...]] = []
        for target in self._tracker.follow(start):
            match target:
                case Lost(local=False):
                    return self._anything
                case Lost():
                    lost = True
                case ReferenceTarget(address=pattern, hint=hint):
                    groups.append(self._created.meeting(pattern, None if keys and hint not in keys else hint))
        if lost:
            return PresentsPlanned(self._created.all)
        found = self._created.ordered(groups)
        return PresentsPlanned(found) if found else self._anything

    @property
    def _anything(self) -> PresentsPlanned:
        return PresentsPlanned(self._created.all, elsewhere=bool(self._created.all))

    def _start(self, stage: Address) -> Trail | None:
        scope = self._root.descend(stage.modules)
        block = scope.block("managed", stage.type, stage.name) if scope is not None else None
        if scope is None or block is None:
            return None
        expression = scope.argument(block, PRESENTED)
        return None if expression is None else Trail(expression, scope, stage.key, block.for_each_expression)


def _keys(address: Address | None) -> frozenset[InstanceKey]:
    if address is None:
        return frozenset()
    return frozenset({address.key, *(step.key for step in address.modules)} - {None})
