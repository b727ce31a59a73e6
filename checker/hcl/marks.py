"""Comments that speak to tfcert about the block that they stand in or above: `tfcert:ignore …`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checker.hcl.configuration import Configuration, ModulePath, read_foreign
from checker.hcl.lineage import LEADERS, block_at, speaks_of_succession
from checker.hcl.source import SourceFile, readable
from checker.hcl.syntax import Block, Span

_NEEDLE = b"tfcert:"
# What tfcert itself writes and reads elsewhere.
_OTHERS = re.compile(r"tfcert:\s*PEM of\b", re.IGNORECASE)
_IGNORES = re.compile(rb"tfcert:[ \t]*ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExemptionComment:
    """A line of a comment that names tfcert, and the modules that hold the file.

    `block` is the top-level block that it stands in, directly above, or behind on the last line; None where it stands at none.
    """

    path: str
    line: int
    text: str
    modules: tuple[ModulePath, ...]
    block: Block | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadMark:
    """A file that says `tfcert:ignore` and of which tfcert reads no comments."""

    path: str
    json: bool


def marks(configuration: Configuration) -> Iterator[ExemptionComment | UnreadMark]:
    """Every line of a comment that speaks to tfcert, but for what tfcert writes itself, in the order of the files."""
    homes: dict[str, list[ModulePath]] = {}
    for path in sorted(configuration.modules):
        for name in configuration.modules[path].files:
            homes.setdefault(name, []).append(path)
    for name in sorted(homes):
        file = configuration.files[name]
        if _NEEDLE not in file.data:
            continue
        if readable(file):
            yield from _of_file(file, tuple(homes[name]))
        elif _IGNORES.search(file.data):
            yield UnreadMark(path=name, json=False)
    for name in sorted({name for module in configuration.modules.values() for name in module.foreign}):
        if _IGNORES.search(read_foreign(configuration, name)):
            yield UnreadMark(path=name, json=name.endswith(".json"))


def ignoring(file: SourceFile, within: Span) -> list[Span]:
    """The comments in a range of a file that exempt something, with the whole of their lines where they stand alone."""
    found: list[Span] = []
    for span in file.body.comments:
        if within.start <= span.start < within.end and _IGNORES.search(span.of(file.data)):
            end = span.start + len(span.of(file.data).rstrip(b"\r\n"))
            start = span.start
            while start > within.start and file.data[start - 1 : start] in {b" ", b"\t"}:
                start -= 1
            line_end = file.line_end(max(end - 1, start))
            if start == file.line_start(start) and not file.data[end:line_end].strip():
                end = line_end
            found.append(Span(start, min(end, within.end)))
    return found


def _of_file(file: SourceFile, modules: tuple[ModulePath, ...]) -> Iterator[ExemptionComment]:
    for span in file.body.comments:
        if _NEEDLE not in span.of(file.data):
            continue
        block = block_at(file, span, near=True)
        first = file.line(span.start)
        for offset, line in enumerate(span.of(file.data).decode("utf-8").splitlines()):
            text = LEADERS.sub("", line).removesuffix("*/").strip()
            if "tfcert:" in text and not _OTHERS.match(text) and not speaks_of_succession(text):
                yield ExemptionComment(path=file.path, line=first + offset, text=text, modules=modules, block=block)
