"""What a file declares, as each of two independent parsers reads it: blocks by type and labels, with their values.

Comments, blanks and the order of blocks are no structure. python-hcl2 rejects byte-order marks and some comments that Terraform
takes (`facts/hcl.md` 1), so it is handed the text with both blanked out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.domain.errors import UnprovenError
from checker.hcl.source import SourceFile
from checker.hcl.syntax import Block, descendants

if TYPE_CHECKING:
    from tree_sitter import Node

BlockKey = tuple[str, tuple[str, ...]]
Leaves = tuple[tuple[str, str], ...]
Structure = Counter[tuple[BlockKey, Leaves]]


def keep_grammar_in(directory: Path) -> None:
    """Let python-hcl2 keep its compiled grammar in a private folder of the user.

    It would write into site-packages, and where that is read-only every run costs seconds without a word
    (`facts/performance.md` 3). The cache is a pickle: a folder that others may write to is not used.
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
    """The structure as tree-sitter reads it."""
    return Counter(((block.type, block.labels), tuple(sorted(_block_leaves(block, file.data, "")))) for block in file.body.blocks)


@lru_cache(maxsize=256)
def by_hcl2(file: SourceFile) -> Structure:
    """The structure as python-hcl2 reads it; nobody may change it, since a text is read once however often it is asked about.

    Raises UnprovenError when it cannot read the file.
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


def keys(structure: Structure) -> Counter[BlockKey]:
    """How often each block, by type and labels, is declared."""
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
