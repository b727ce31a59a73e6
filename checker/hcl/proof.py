"""Prove an edit with two parsers, tree-sitter and python-hcl2."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.errors import UnprovenError, UnreadableError
from checker.hcl.syntax import Block, SourceFile, descendants

if TYPE_CHECKING:
    from tree_sitter import Node


BlockKey = tuple[str, tuple[str, ...]]
Leaves = tuple[tuple[str, str], ...]
Structure = Counter[tuple[BlockKey, Leaves]]


def set_grammar_cache(directory: Path) -> None:
    """Set a private folder of the user as the cache of python-hcl2's compiled grammar.

    By default python-hcl2 writes into site-packages; if that is read-only, every run silently costs
    seconds. The cache is a pickle: a folder that others can write to is not used.
    """
    import hcl2.parser

    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError:
        return
    if status.st_uid == os.getuid() and not status.st_mode & 0o022:
        hcl2.parser.PARSER_FILE = directory / f"hcl2-{_hcl2_version()}.grammar"


@lru_cache(maxsize=256)
def by_tree_sitter(file: SourceFile) -> Structure:
    """Return the structure as tree-sitter reads it."""
    return Counter(
        ((block.type, block.labels), tuple(sorted(_block_leaves(block, file.data, ""))))
        for block in file.body.blocks
    )


@lru_cache(maxsize=256)
def by_hcl2(file: SourceFile) -> Structure:
    """Return the structure as python-hcl2 reads it.

    The result is cached, so callers must not change it. Raises UnprovenError when python-hcl2
    cannot read the file.
    """
    import hcl2
    from lark.exceptions import LarkError

    options = hcl2.SerializationOptions(with_comments=False)
    try:
        read = hcl2.loads(_plain(file), serialization_options=options)
    except (LarkError, RecursionError, ValueError) as error:
        line = getattr(error, "line", None)
        raise UnprovenError(
            "python-hcl2, the second parser that proves an edit, cannot read this file",
            where=f"{file.path}:{line}" if isinstance(line, int) and line > 0 else file.path,
            remedy="make the edit by hand from the runbook, or simplify that line",
        ) from error
    found: Structure = Counter()
    for kind, blocks in read.items():
        if not isinstance(blocks, list):
            found[(("", (kind,)), (("", repr(blocks)),))] += 1
            continue
        for block in blocks:
            labels, body = _unwrap(block)
            found[((kind, labels), tuple(sorted(_value_leaves(body, ""))))] += 1
    return found


def block_counts(structure: Structure) -> Counter[BlockKey]:
    """Return how often each block, by type and labels, is declared."""
    found: Counter[BlockKey] = Counter()
    for (key, _leaves), count in structure.items():
        found[key] += count
    return found


def _hcl2_version() -> str:
    from importlib.metadata import version

    return version("python-hcl2")


def _plain(file: SourceFile) -> str:
    text = bytearray(file.data)
    if text.startswith(b"\xef\xbb\xbf"):
        text[:3] = b"   "
    for span in file.body.comments:
        for at in range(span.start, span.end):
            if text[at] not in b"\r\n":
                text[at] = 0x20
    return text.decode("utf-8")


def _unwrap(block: Any) -> tuple[tuple[str, ...], Any]:
    labels: list[str] = []
    while isinstance(block, dict) and "__is_block__" not in block and len(block) == 1:
        label, block = next(iter(block.items()))
        labels.append(label.strip('"'))
    return tuple(labels), block


def _value_leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "__is_block__":
                yield from _value_leaves(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _value_leaves(inner, f"{path}[{index}]")
    else:
        yield path, value if isinstance(value, str) else repr(value)


def _block_leaves(block: Block, data: bytes, path: str) -> Iterator[tuple[str, str]]:
    for attribute in block.body.attributes:
        yield f"{path}/{attribute.name}", " ".join(_tokens(attribute.expression, data))
    for index, inner in enumerate(block.body.blocks):
        here = f"{path}/{inner.type}[{index}]"
        yield here, " ".join(inner.labels)
        yield from _block_leaves(inner, data, here)


def _tokens(node: Node, data: bytes) -> Iterator[str]:
    for token in descendants(node):
        if not token.child_count and token.type != "comment":
            yield data[token.start_byte : token.end_byte].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The intended changes of an edit of one file.

    `added` and `removed` name whole blocks. `clone_of` names the block that an added one repeats,
    except its description. In the blocks of `renamed`, references to `kind.old` become `kind.new`,
    `renames` times in all. `joins` is the number of additional places (fewer, if negative) with
    both PEMs instead of one.
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
    """Check an edited file against the intent.

    Raises UnprovenError with the file and the parser that disagrees; then nothing may be written.
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
    if block_counts(by_tree_sitter(SourceFile(path, after))) != block_counts(
        by_hcl2(SourceFile(path, after))
    ):
        raise UnprovenError(
            "the edit could not be proven: the two parsers read different blocks",
            where=path,
            remedy="nothing was written; look for a heredoc whose end marker is followed by blanks",
        )


def _read(path: str, data: bytes, read: Callable[[SourceFile], Structure]) -> Structure:
    try:
        return read(SourceFile(path, data))
    except UnreadableError as error:
        raise UnprovenError(
            error.message, where=error.where, remedy="nothing was written"
        ) from error


def _compare(old: Structure, new: Structure, intent: Intent) -> str | None:
    lost, gained = old - new, new - old
    for key in intent.removed:
        entry = next(
            (entry for entry in lost if entry[0] == key and _concerns(entry, intent)), None
        )
        if entry is None:
            return f"{_print(key)} is still there"
        lost = lost - Counter([entry])
    for key in intent.added:
        entry = next((entry for entry in gained if entry[0] == key), None)
        if entry is None:
            return f"{_print(key)} was not added"
        if (
            intent.clone_of is not None
            and key[0] == "resource"
            and not _is_clone(entry[1], intent.clone_of, old)
        ):
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
    return bool(labels) or any(
        _reference(intent.kind, intent.old).search(text) for _, text in leaves
    )


def _is_clone(leaves: Leaves, source: BlockKey, old: Structure) -> bool:
    def kept(all_leaves: Leaves) -> list[tuple[str, str]]:
        return [leaf for leaf in all_leaves if leaf[0] != "/description"]

    return any(kept(leaves) == kept(other) for key, other in old if key == source)


def _reference(kind: str, name: str) -> re.Pattern[str]:
    # After `module.x.` it is the same resource, as its module's caller names it; after `data.` it
    # is another one.
    return re.compile(
        rf"(?<![\w-])(?<!data\.)(?<!data \. ){re.escape(kind)}\s*\.\s*{re.escape(name)}(?![\w-])"
    )


def _unnamed(blocks: Structure, intent: Intent) -> Structure:
    old = _reference(intent.kind, intent.old)
    new = f"{intent.kind}.{intent.new}"
    same = _reference(intent.kind, intent.new)
    both = _both(re.escape(new))
    plain: Structure = Counter()
    for (key, leaves), count in blocks.items():
        unnamed = tuple(
            sorted(
                (path, both.sub(r"\1", same.sub(new, old.sub(new, text)))) for path, text in leaves
            )
        )
        plain[(key, unnamed)] += count
    return plain


def _both(name: str) -> re.Pattern[str]:
    """Return the pattern of a join of both PEMs (`checker.patches.trust`).

    It matches once both certificates have the same name in the text.
    """
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
    return sum(
        count * sum(len(pattern.findall(text)) for _, text in leaves)
        for (_, leaves), count in blocks.items()
    )


def _print(key: BlockKey) -> str:
    return " ".join((key[0], *(f'"{label}"' for label in key[1])))


def prove_replaced(
    path: str, before: bytes, after: bytes, *, plain: frozenset[str], reference: str, times: int
) -> None:
    """Check that `plain` texts became `reference`, exactly `times` times.

    A `plain` text is a quoted id or `var.name`. Raises UnprovenError with the file and the parser
    that disagrees; then nothing may be written.
    """
    for reader, read in (("tree-sitter", by_tree_sitter), ("python-hcl2", by_hcl2)):
        old, new = read(SourceFile(path, before)), read(SourceFile(path, after))
        lost, gained = old - new, new - old
        same = _same(lost, plain, reference) == _same(gained, plain, reference)
        if not same or _count(gained, reference) - _count(lost, reference) != times:
            raise UnprovenError(
                f"the edit could not be proven: not exactly {times} times"
                f" the id became a reference (as {reader} reads it)",
                where=path,
                remedy="nothing was written; make the edit by hand from the runbook",
            )


def _same(blocks: Structure, plain: frozenset[str], reference: str) -> Structure:
    found: Structure = Counter()
    for (key, leaves), count in blocks.items():
        found[(key, tuple((path, _normal(text, plain, reference)) for path, text in leaves))] += (
            count
        )
    return found


def _normal(text: str, plain: frozenset[str], reference: str) -> str:
    text = _tight(text)
    for each in plain:
        pattern = (
            rf'"\s*{re.escape(each[1:-1])}\s*"'
            if each.startswith('"')
            else rf"(?<![\w.-]){re.escape(each)}(?![\w-])"
        )
        text = re.sub(pattern, reference, text)
    # python-hcl2 writes an expression as a template, and a literal in quotes only. A template may
    # contain nothing but the reference.
    return (
        reference
        if re.fullmatch(rf'"?\s*\$\{{\s*{re.escape(reference)}\s*\}}\s*"?', text)
        else text
    )


def _tight(text: str) -> str:
    """Return the text without blanks around dots, since blanks join tree-sitter's tokens."""
    return re.sub(r"\s*\.\s*", ".", text)


def _count(blocks: Structure, reference: str) -> int:
    pattern = re.compile(rf"(?<![\w.-]){re.escape(reference)}(?![\w-])")
    return sum(
        count * sum(len(pattern.findall(_tight(text))) for _, text in leaves)
        for (_, leaves), count in blocks.items()
    )
