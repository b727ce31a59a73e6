"""Read a file as blocks and leaves, by each of two independent parsers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checker.collector import collector_paused
from checker.errors import UnprovenError
from checker.hcl.grammar import parser
from checker.hcl.syntax import Block, SourceFile, TextCache, descendants

if TYPE_CHECKING:
    from tree_sitter import Node


BlockKey = tuple[str, tuple[str, ...]]
Leaves = tuple[tuple[str, str], ...]
Structure = Counter[tuple[BlockKey, Leaves]]
Readers = Mapping[str, Callable[[SourceFile], Structure]]

# A structure takes about thirty times the memory of its text.
_MOST = 1 << 21
_NOT_A_LINE_END = re.compile(rb"[^\r\n]")


@dataclass(frozen=True, slots=True)
class _Unread:
    """Why python-hcl2 cannot read a text; the line is None if it is not known."""

    line: int | None
    cause: Exception


_BY_TREE_SITTER: TextCache[Structure] = TextCache(_MOST)
_BY_HCL2: TextCache[Structure | _Unread] = TextCache(_MOST)
_PARTS: TextCache[Structure | _Unread] = TextCache(_MOST)


def by_tree_sitter(file: SourceFile) -> Structure:
    """Return the structure as tree-sitter reads it.

    The result is cached, so callers must not change it. Raises UnreadableError for a syntax error.
    """
    blocks = file.body.blocks
    return _BY_TREE_SITTER.get(
        file.data,
        lambda data: Counter(
            ((block.type, block.labels), tuple(_block_leaves(block, data, ""))) for block in blocks
        ),
    )


def by_hcl2(file: SourceFile) -> Structure:
    """Return the structure as python-hcl2 reads the whole file.

    The result is cached, so callers must not change it. Raises UnprovenError when python-hcl2
    cannot read the file.
    """
    return _read(file, _BY_HCL2.get(file.data, lambda _: _loads(_plain(file))))


def by_hcl2_in_parts(file: SourceFile) -> Structure:
    """Return the structure as python-hcl2 reads each top-level block on its own.

    tree-sitter chooses the blocks here, so this reading proves nothing: it only finds quickly
    which of many edits is at fault. Raises UnprovenError like `by_hcl2`.
    """
    plain = _plain(file)
    found: Structure = Counter()
    spans = [each.span for each in file.body.attributes]
    for span in (*spans, *(block.span for block in file.body.blocks)):
        found.update(_read(file, _PARTS.get(span.of(plain), _loads)))
    return found


# The readings of a proof, and those of the search for the edit at fault.
WHOLE: Readers = {"tree-sitter": by_tree_sitter, "python-hcl2": by_hcl2}
IN_PARTS: Readers = {"tree-sitter": by_tree_sitter, "python-hcl2": by_hcl2_in_parts}


def block_counts(structure: Structure) -> Counter[BlockKey]:
    """Return how often each block, by type and labels, is declared."""
    found: Counter[BlockKey] = Counter()
    for (key, _leaves), count in structure.items():
        found[key] += count
    return found


def _read(file: SourceFile, result: Structure | _Unread) -> Structure:
    if not isinstance(result, _Unread):
        return result
    line = result.line
    raise UnprovenError(
        "python-hcl2, the second parser that proves an edit, cannot read this file",
        where=f"{file.path}:{line}" if line is not None and line > 0 else file.path,
        remedy="make the edit manually from the runbook, or simplify that line",
    ) from result.cause


def _loads(plain: bytes) -> Structure | _Unread:
    import hcl2
    from lark.exceptions import LarkError

    options = hcl2.SerializationOptions(with_comments=False)
    try:
        with collector_paused():
            # `hcl2.loads` with another parser; it adds the same line end.
            tree = hcl2.transform(parser().parse(plain.decode("utf-8") + "\n"))
            read = hcl2.serialize(tree, serialization_options=options)
    except (LarkError, RecursionError, ValueError) as error:
        line = getattr(error, "line", None)
        # The traceback would keep the parser's whole state.
        return _Unread(line if isinstance(line, int) else None, error.with_traceback(None))
    found: Structure = Counter()
    for kind, blocks in read.items():
        if not isinstance(blocks, list):
            found[(("", (kind,)), (("", repr(blocks)),))] += 1
            continue
        for block in blocks:
            labels, body = _unwrap(block)
            found[((kind, labels), tuple(_value_leaves(body, "")))] += 1
    return found


def _plain(file: SourceFile) -> bytes:
    """Return the text with blanks for comments and a byte-order mark, which trip python-hcl2."""
    text = bytearray(file.data)
    if text.startswith(b"\xef\xbb\xbf"):
        text[:3] = b"   "
    for span in file.body.comments:
        text[span.start : span.end] = _NOT_A_LINE_END.sub(b" ", text[span.start : span.end])
    return bytes(text)


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
