"""A patch as a report carries it."""

from __future__ import annotations

from checker.domain.rotation import Phase
from checker.domain.value import value


@value
class WrittenPatch:
    """One phase of the rotations of one configuration, as text that `git apply` takes.

    `file_name` is where `tfcert patch --phase all --out` would store it (`1-introduce.patch`); where a run reads several
    configurations the folder of each comes before it. `diff` has the header of comments, which says what must hold first.
    `rotations` are the labels of the predecessors, `unmet` the conditions that do not hold yet, or that nobody has confirmed.
    """

    phase: Phase
    file_name: str
    diff: str
    rotations: tuple[str, ...]
    unmet: tuple[str, ...] = ()
