"""Draft the text of one phase: the edits of many rotations, applied together.

The result is the same as if each rotation were written on the text that the one before leaves.
Rotations whose edits meet are therefore applied one after the other.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from checker.hcl.byte_proof import prove_bytes
from checker.hcl.configuration import Configuration
from checker.hcl.proof import AnyIntent, prove
from checker.hcl.readings import WHOLE, Readers
from checker.hcl.splice import Edit, Removals, splice
from checker.hcl.syntax import SourceFile, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """The edits of one rotation in one phase, and what they intend in each file."""

    edits: tuple[Edit, ...] = ()
    intents: tuple[tuple[str, AnyIntent], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Edits that were applied together, with the configuration before them."""

    before: Configuration
    edits: Mapping[str, tuple[Edit, ...]]
    intents: Mapping[str, tuple[AnyIntent, ...]]


@dataclass(slots=True)
class Draft:
    """The text of a phase while its edits are collected.

    `configuration` is the text that the next edits start from.
    """

    before: Configuration
    configuration: Configuration = field(init=False)
    _batches: list[_Batch] = field(default_factory=list)
    _edits: dict[str, list[Edit]] = field(default_factory=dict)
    _spans: dict[str, list[Span]] = field(default_factory=dict)
    _removals: dict[str, Removals] = field(default_factory=dict)
    _intents: dict[str, list[AnyIntent]] = field(default_factory=dict)
    _names: set[tuple[str, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.configuration = self.before

    def removals(self, path: str) -> Removals:
        """Return what earlier edits remove of a file."""
        return self._removals.setdefault(path, Removals())

    def meets(self, edits: Edits) -> bool:
        """Return whether edits meet those that are not applied yet: then these come first."""
        return any(self._meets(edit) for edit in edits.edits)

    def _meets(self, edit: Edit) -> bool:
        spans, own = self._spans.get(edit.path, []), edit.span
        if spans and edit.path not in self.configuration.files:
            return True
        at = bisect_left(spans, own)
        near = spans[max(at - 1, 0) : at + 1]
        # An insertion beside another edit would have no certain order.
        return any(
            (own.start < each.end and each.start < own.end)
            or (
                (_is_empty(own) or _is_empty(each))
                and own.start <= each.end
                and each.start <= own.end
            )
            for each in near
        )

    def knows(self, names: Iterable[tuple[str, ...]]) -> bool:
        """Return whether edits that are not applied yet belong to one of these certificates."""
        return not self._names.isdisjoint(names)

    def add(self, edits: Edits, names: Iterable[tuple[str, ...]]) -> None:
        """Add the edits of a rotation, which meet no others."""
        self._names.update(names)
        for edit in edits.edits:
            self._edits.setdefault(edit.path, []).append(edit)
            insort(self._spans.setdefault(edit.path, []), edit.span)
            if not edit.text:
                self.removals(edit.path).add(edit.span)
        for path, intent in edits.intents:
            self._intents.setdefault(path, []).append(intent)

    def apply(self) -> None:
        """Apply the collected edits.

        Raises UnprovenError when one of them changes nothing.
        """
        if not self._edits:
            return
        before = self.configuration
        self._batches.append(
            _Batch(
                before=before,
                edits={path: tuple(each) for path, each in self._edits.items()},
                intents={path: tuple(each) for path, each in self._intents.items()},
            )
        )
        texts = {path: before.files[path].data for path in self._edits if path in before.files}
        changed = splice(texts, (edit for each in self._edits.values() for edit in each))
        self.configuration = before.with_text(changed)
        for pending in (self._edits, self._spans, self._removals, self._intents):
            pending.clear()
        self._names.clear()

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the files that the applied edits change, in order."""
        return tuple(sorted({path for batch in self._batches for path in batch.edits}))

    def prove(self, path: str, readers: Readers = WHOLE) -> None:
        """Prove the applied edits of one file: the structure once, the bytes of each batch.

        Raises UnprovenError.
        """
        intents: list[AnyIntent] = []
        for index, batch in enumerate(self._batches):
            if path not in batch.edits:
                continue
            own = batch.intents.get(path, ())
            intents += own
            after = self._batches[index + 1].before if index + 1 < len(self._batches) else None
            after = after or self.configuration
            before = batch.before.files.get(path) or SourceFile(path, b"")
            prove_bytes(before, after.files[path].data, batch.edits[path], own)
        first = self.before.files.get(path)
        data = first.data if first is not None else b""
        prove(path, data, self.configuration.files[path].data, intents, readers)


def _is_empty(span: Span) -> bool:
    return span.start == span.end
