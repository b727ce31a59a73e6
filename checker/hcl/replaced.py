"""The proof that an edit put a reference where a literal or a variable stood, and changed nothing else."""

from __future__ import annotations

import re
from collections import Counter

from checker.domain.errors import UnprovenError
from checker.hcl.source import SourceFile
from checker.hcl.structure import Structure, by_hcl2, by_tree_sitter


def prove_replaced(path: str, before: bytes, after: bytes, *, plain: frozenset[str], reference: str, times: int) -> None:
    """Hold an edited file against it: what is `plain` (a quoted id, `var.name`) became `reference`, so many times.

    Raises UnprovenError naming the file and the parser that saw something else; then nothing may be written.
    """
    for reader, read in (("tree-sitter", by_tree_sitter), ("python-hcl2", by_hcl2)):
        old, new = read(SourceFile(path, before)), read(SourceFile(path, after))
        lost, gained = old - new, new - old
        same = _same(lost, plain, reference) == _same(gained, plain, reference)
        if not same or _count(gained, reference) - _count(lost, reference) != times:
            raise UnprovenError(
                f"the edit could not be proven: not exactly {times} times the id became a reference (as {reader} reads it)",
                where=path,
                remedy="nothing was written; make the edit by hand from the runbook",
            )


def _same(blocks: Structure, plain: frozenset[str], reference: str) -> Structure:
    found: Structure = Counter()
    for (key, leaves), count in blocks.items():
        found[(key, tuple((path, _normal(text, plain, reference)) for path, text in leaves))] += count
    return found


def _normal(text: str, plain: frozenset[str], reference: str) -> str:
    text = _tight(text)
    for each in plain:
        pattern = rf'"\s*{re.escape(each[1:-1])}\s*"' if each.startswith('"') else rf"(?<![\w.-]){re.escape(each)}(?![\w-])"
        text = re.sub(pattern, reference, text)
    # python-hcl2 writes an expression as a template and a literal in quotes alone; a template may hold nothing but the reference.
    return reference if re.fullmatch(rf'"?\s*\$\{{\s*{re.escape(reference)}\s*\}}\s*"?', text) else text


def _tight(text: str) -> str:
    """Without the blanks that tree-sitter's tokens are joined by, around the dots of a reference."""
    return re.sub(r"\s*\.\s*", ".", text)


def _count(blocks: Structure, reference: str) -> int:
    pattern = re.compile(rf"(?<![\w.-]){re.escape(reference)}(?![\w-])")
    return sum(count * sum(len(pattern.findall(_tight(text))) for _, text in leaves) for (_, leaves), count in blocks.items())
