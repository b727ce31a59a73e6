"""Which certificates a stage may come to present, where the plan knows the id only after apply."""

from __future__ import annotations

from collections.abc import Sequence

from checker.domain.address import Address
from checker.readers.created import Created
from checker.readers.stages import PRESENTED
from checker.readers.trails import Lost, Tracker, Trail
from checker.readers.wiring import Scope


class Candidates:
    """The certificates that a plan creates or replaces, and the configuration that leads from a stage to them."""

    def __init__(self, root: Scope, created: Sequence[Address]) -> None:
        self._root = root
        self._created = Created(created)
        self._tracker = Tracker()

    def of(self, stage: Address) -> tuple[Address, ...]:
        """The certificates that a stage with an unknown id may present after the plan, in the plan's order.

        Only one that the plan creates or replaces can be meant, for every other id is known already. Where the trail is
        lost in a local value, a data source or another resource, all of them stay candidates: one too many can only make
        a plan look more like a rotation than it is, one too few could hide that a stage moves.
        """
        start = self._start(stage)
        if start is None:
            return self._created.all
        groups: list[tuple[Address, ...]] = []
        for target in self._tracker.follow(start):
            if isinstance(target, Lost):
                return self._created.all
            met = (self._created.meeting(pattern) for pattern in (*target.likely, target.address))
            groups.append(next(filter(None, met), ()))
        return self._created.ordered(groups) or self._created.all

    def _start(self, stage: Address) -> Trail | None:
        scope = self._root.descend(stage.modules)
        block = scope.block("managed", stage.type, stage.name) if scope is not None else None
        if scope is None or block is None:
            return None
        expression = scope.argument(block, PRESENTED)
        return None if expression is None else Trail(expression, scope, stage.key, block.for_each_expression)
