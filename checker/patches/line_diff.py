"""The unified diff of two texts, in time that grows with the text, not with its square."""

from __future__ import annotations

import difflib
import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_CONTEXT = 3
_LONG = 200


class _Run(NamedTuple):
    """Lines that both texts have: from `old` and from `new` on.

    The order is the one in which difflib takes them: the longest first, then the earliest.
    """

    negative_length: int
    old: int
    new: int


class _Gap(NamedTuple):
    """The lines between two common parts, whose common lines are not yet searched."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


class LineMatcher(difflib.SequenceMatcher[bytes]):
    """Find the same common lines as difflib.

    difflib takes the longest run of common lines, then searches the lines before and after it anew.
    A file with many equal edits has many runs of one length. The first one is then taken each time,
    and all lines after it are searched again. Here the runs are searched once and kept in order.
    """

    def __init__(self, old: Sequence[bytes], new: Sequence[bytes]) -> None:
        # The base class only makes a diff of the common parts, which are found here.
        super().__init__(a=(), b=(), autojunk=False)
        self._old = old
        self._new = new
        self._places: dict[bytes, list[int]] = {}
        for place, line in enumerate(new):
            self._places.setdefault(line, []).append(place)
        # As difflib: in a long text no run begins with a line that is over 1 % of it.
        if len(new) >= _LONG:
            most = len(new) // 100 + 1
            self._places = {
                line: places for line, places in self._places.items() if len(places) <= most
            }

    def get_matching_blocks(self) -> list[difflib.Match]:
        """Return the common parts in order, and an empty one at the end."""
        found: list[difflib.Match] = []
        for old, new, length in sorted(self._common_parts()):
            last = found[-1] if found else difflib.Match(0, 0, 0)
            if found and (last.a + last.size, last.b + last.size) == (old, new):
                found[-1] = difflib.Match(last.a, last.b, last.size + length)
            elif length:
                found.append(difflib.Match(old, new, length))
        return [*found, difflib.Match(len(self._old), len(self._new), 0)]

    def _common_parts(self) -> Iterator[tuple[int, int, int]]:
        """Yield each common part: its lines in both texts and its length."""
        waiting = list(self._runs())
        heapq.heapify(waiting)
        gaps = [_Gap(0, len(self._old), 0, len(self._new))]
        starts = [0]
        while waiting:
            run = heapq.heappop(waiting)
            length = -run.negative_length
            # Ordered by `old`: the gap where the run starts is the last that starts before it.
            at = max(bisect_right(starts, run.old) - 1, 0)
            pieces = list(self._inside(run, gaps, at))
            if pieces != [run]:
                for piece in pieces:
                    heapq.heappush(waiting, piece)
                continue
            gap = gaps[at]
            old, new, size = self._extended(run.old, run.new, length, gap)
            yield old, new, size
            before = _Gap(gap.old_start, old, gap.new_start, new)
            after = _Gap(old + size, gap.old_end, new + size, gap.new_end)
            left = [each for each in (before, after) if _has_both(each)]
            gaps[at : at + 1] = left
            starts[at : at + 1] = [each.old_start for each in left]
        # Only popular lines are common now: difflib takes those at the start of a gap.
        for gap in gaps:
            yield self._extended(gap.old_start, gap.new_start, 0, gap)

    def _inside(self, run: _Run, gaps: Sequence[_Gap], at: int) -> Iterator[_Run]:
        """Yield the pieces of a run that lie inside one gap each."""
        shift, end = run.new - run.old, run.old - run.negative_length
        for position in range(at, len(gaps)):
            gap = gaps[position]
            if gap.old_start >= end:
                return
            first = max(run.old, gap.old_start, gap.new_start - shift)
            last = min(end, gap.old_end, gap.new_end - shift)
            if first < last:
                yield _Run(first - last, first, first + shift)

    def _runs(self) -> Iterator[_Run]:
        """Yield every longest run of common lines, without the lines that difflib calls popular."""
        lengths: dict[int, int] = {}
        for old, line in enumerate(self._old):
            longer = {new: lengths.get(new - 1, 0) + 1 for new in self._places.get(line, ())}
            for new, length in lengths.items():
                if new + 1 not in longer:
                    yield _Run(-length, old - length, new - length + 1)
            lengths = longer
        for new, length in lengths.items():
            yield _Run(-length, len(self._old) - length, new - length + 1)

    def _extended(self, old: int, new: int, length: int, gap: _Gap) -> tuple[int, int, int]:
        """Add the popular lines around a run."""
        while (
            old > gap.old_start and new > gap.new_start and self._old[old - 1] == self._new[new - 1]
        ):
            old, new, length = old - 1, new - 1, length + 1
        while (
            old + length < gap.old_end
            and new + length < gap.new_end
            and self._old[old + length] == self._new[new + length]
        ):
            length += 1
        return old, new, length


def _has_both(gap: _Gap) -> bool:
    return gap.old_start < gap.old_end and gap.new_start < gap.new_end


def diff_lines(
    old: Sequence[bytes], new: Sequence[bytes], names: tuple[bytes, bytes]
) -> Iterator[bytes]:
    """Yield the lines of a unified diff, as `difflib.unified_diff`; nothing for equal texts."""
    groups = LineMatcher(old, new).get_grouped_opcodes(_CONTEXT)
    for number, group in enumerate(groups):
        if number == 0:
            yield b"--- %s\n" % names[0]
            yield b"+++ %s\n" % names[1]
        first, last = group[0], group[-1]
        yield b"@@ -%s +%s @@\n" % (_range(first[1], last[2]), _range(first[3], last[4]))
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                yield from (b" " + line for line in old[old_start:old_end])
                continue
            yield from (b"-" + line for line in old[old_start:old_end])
            yield from (b"+" + line for line in new[new_start:new_end])


def _range(start: int, stop: int) -> bytes:
    """Return a range of lines as a unified diff has it; an empty one starts a line earlier."""
    length = stop - start
    if length == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + 1 if length else start, length)
