"""The proof that an edit of a file did just what it should: both parsers must see exactly the intended difference."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from checker.domain.errors import UnprovenError, UnreadableError
from checker.hcl.source import SourceFile
from checker.hcl.structure import BlockKey, Leaves, Structure, by_hcl2, by_tree_sitter, keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What an edit of one file should change.

    `added` and `removed` name whole blocks. `clone_of` names the block that an added one repeats, all but its description.
    In the blocks of `renamed`, references to `kind.old` become `kind.new`, `renames` times in all, and `joins` more places than
    before (fewer, if negative) hold the PEMs of both where they held one.
    """

    kind: str
    old: str
    new: str
    added: tuple[BlockKey, ...] = ()
    removed: tuple[BlockKey, ...] = ()
    clone_of: BlockKey | None = None
    renamed: frozenset[BlockKey] = frozenset()
    renames: int = 0
    joins: int = 0


def prove(path: str, before: bytes, after: bytes, intent: Intent) -> None:
    """Hold an edited file against what was intended.

    Raises UnprovenError naming the file and the parser that saw something else; then nothing may be written.
    """
    for reader, read in (("tree-sitter", by_tree_sitter), ("python-hcl2", by_hcl2)):
        old, new = _read(path, before, read), _read(path, after, read)
        complaint = _compare(old, new, intent)
        if complaint is not None:
            raise UnprovenError(
                f"the edit could not be proven: {complaint} (as {reader} reads it)",
                where=path,
                remedy="nothing was written; make the edit by hand from the runbook",
            )
    if keys(by_tree_sitter(SourceFile(path, after))) != keys(by_hcl2(SourceFile(path, after))):
        raise UnprovenError(
            "the edit could not be proven: the two parsers read different blocks",
            where=path,
            remedy="nothing was written; look for a heredoc whose end marker is followed by blanks",
        )


def _read(path: str, data: bytes, read: Callable[[SourceFile], Structure]) -> Structure:
    try:
        return read(SourceFile(path, data))
    except UnreadableError as error:
        raise UnprovenError(error.message, where=error.where, remedy="nothing was written") from error


def _compare(old: Structure, new: Structure, intent: Intent) -> str | None:
    lost, gained = old - new, new - old
    for key in intent.removed:
        entry = next((entry for entry in lost if entry[0] == key and _concerns(entry, intent)), None)
        if entry is None:
            return f"{_print(key)} is still there"
        lost = lost - Counter([entry])
    for key in intent.added:
        entry = next((entry for entry in gained if entry[0] == key), None)
        if entry is None:
            return f"{_print(key)} was not added"
        if intent.clone_of is not None and key[0] == "resource" and not _is_clone(entry[1], intent.clone_of, old):
            return f"{_print(key)} is not a copy of {_print(intent.clone_of)}"
        gained = gained - Counter([entry])
    return _only_renamed(lost, gained, intent)


def _only_renamed(lost: Structure, gained: Structure, intent: Intent) -> str | None:
    strangers = {key for key, _ in (*lost, *gained)} - intent.renamed
    if strangers:
        return f"{_print(min(strangers))} changed"
    if _unnamed(lost, intent) != _unnamed(gained, intent):
        return "more than the certificate's name changed in a reference"
    if _mentions(lost, intent) - _mentions(gained, intent) != intent.renames:
        return f"not exactly {intent.renames} references were renamed"
    if _joins(gained, intent) - _joins(lost, intent) != intent.joins:
        return f"not exactly {intent.joins} places hold both PEMs"
    return None


def _concerns(entry: tuple[BlockKey, Leaves], intent: Intent) -> bool:
    (_kind, labels), leaves = entry
    return bool(labels) or any(_reference(intent.kind, intent.old).search(text) for _, text in leaves)


def _is_clone(leaves: Leaves, source: BlockKey, old: Structure) -> bool:
    def kept(all_leaves: Leaves) -> list[tuple[str, str]]:
        return [leaf for leaf in all_leaves if leaf[0] != "/description"]

    return any(kept(leaves) == kept(other) for key, other in old if key == source)


def _reference(kind: str, name: str) -> re.Pattern[str]:
    # Behind `module.x.` it is the same resource, as the caller of its module names it; behind `data.` it is another one.
    return re.compile(rf"(?<![\w-])(?<!data\.)(?<!data \. ){re.escape(kind)}\s*\.\s*{re.escape(name)}(?![\w-])")


def _unnamed(blocks: Structure, intent: Intent) -> Structure:
    old = _reference(intent.kind, intent.old)
    new = f"{intent.kind}.{intent.new}"
    same = _reference(intent.kind, intent.new)
    both = _both(re.escape(new))
    plain: Structure = Counter()
    for (key, leaves), count in blocks.items():
        unnamed = tuple(sorted((path, both.sub(r"\1", same.sub(new, old.sub(new, text)))) for path, text in leaves))
        plain[(key, unnamed)] += count
    return plain


def _both(name: str) -> re.Pattern[str]:
    """The PEMs of both certificates where one stood, once both have the same name (`checker.patches.trust`)."""
    one = rf"({name}[^(),]*?\.\s*pem_encoded_certificate)"
    return re.compile(
        rf'join\s*\(\s*"\s*\\n\s*"\s*,\s*\[\s*trimspace\s*\(\s*{one}\s*\)\s*,\s*trimspace\s*\(\s*\1\s*\)\s*,?\s*\]\s*\)'
    )


def _joins(blocks: Structure, intent: Intent) -> int:
    old, new = _reference(intent.kind, intent.old), f"{intent.kind}.{intent.new}"
    both, same = _both(re.escape(new)), _reference(intent.kind, intent.new)
    return sum(
        count * sum(len(both.findall(same.sub(new, old.sub(new, text)))) for _, text in leaves)
        for (_, leaves), count in blocks.items()
    )


def _mentions(blocks: Structure, intent: Intent) -> int:
    pattern = _reference(intent.kind, intent.old)
    return sum(count * sum(len(pattern.findall(text)) for _, text in leaves) for (_, leaves), count in blocks.items())


def _print(key: BlockKey) -> str:
    return " ".join((key[0], *(f'"{label}"' for label in key[1])))
