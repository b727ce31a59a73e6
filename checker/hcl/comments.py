"""Tfcert: comments."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checker.hcl.arrivals import is_condition
from checker.hcl.configuration import Configuration, ModulePath, read_foreign
from checker.hcl.references import Reference, ReferenceUse
from checker.hcl.syntax import Block, SourceFile, Span, parses

# A file that begins with a licence keeps it, though it may stand directly above a block that goes.
LICENCE = re.compile(rb"copyright|SPDX|licen[cs]e", re.IGNORECASE)

# What stands before the words of a comment's line: its own signs, and the dash of a list.
LEADERS = re.compile(r"^\s*(?:#+|//+|/\*+|\*(?!/))?[\s-]*")
_NEEDLE = re.compile(rb"tfcert[ \t]*:|tfcert[ \t]+succe", re.IGNORECASE)
_MARK = re.compile(r"tfcert\s*:?\s*succeeds?\b(?!-)[\s:=]*", re.IGNORECASE)
_MEANT = re.compile(
    r"tfcert\s*:?\s*suc?ce?e?d|tfcert\s*:(?!\s*(?:ignore|PEM of)\b).*client_certificate\s*\.",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"""["'`(\[{<]*((?:module\.[\w-]+(?:\[[^\]]*\])?\.)*)([A-Za-z_][\w-]*\.[A-Za-z_][\w-]*)(?:\[[^\]]*\])?(?:\.(?:id|arn))?"""
    r"""(?=$|[\s"'`)\]}>,;:!?]|\.(?:$|[\s"'`)\]}>]))"""
)
_IDENTITY = re.compile(r"""["'`(<]*([\w-]+)["'`)>]*(?=$|[\s,;:.!?])""")
_PEM_OF = re.compile(rb"^[ \t]*(?:#|//)[ \t]*tfcert:[ \t]*PEM of[ \t]+([\w.-]+)", re.MULTILINE)


def succeeds_comment(reference: str) -> str:
    """The comment above a successor, without a line end."""
    return f"# tfcert: succeeds {reference}"


def pem_comment(reference: str) -> str:
    """The comment above the output of a successor's PEM, without a line end."""
    return f"# tfcert: PEM of {reference}, for the backends to trust"


def attached_comments(file: SourceFile, block: Block) -> Span:
    """The comment lines directly above a block, without a blank line between; empty where there are none."""
    start = file.line_start(block.span.start)
    top = start
    comments = {
        file.line_start(span.start): span
        for span in file.body.comments
        if _stands_alone(file, span)
    }
    while top > 0:
        above = file.line_start(top - 1)
        span = next(
            (c for c in comments.values() if file.line_start(max(c.end - 1, c.start)) == above),
            None,
        )
        if span is None:
            break
        top = file.line_start(span.start)
    return Span(top, start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A comment that says what a certificate's block succeeds: `TYPE.NAME`, or an id; `modules` are those that it names before it.

    `gone` is the text that goes with the comment: the comment, and its line where nothing else stands there.
    """

    block: Block
    reference: str
    modules: tuple[str, ...]
    line: int
    gone: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadLineageComment:
    """A comment that is meant to say what a certificate succeeds and cannot be read: why, and the block where it stands."""

    line: int
    why: str
    block: Block | None
    reference: str | None = None


def speaks_of_succession(words: str) -> bool:
    """Whether the words of a comment are meant to say what a certificate succeeds, well or badly written."""
    return _MEANT.search(words) is not None


def lineages(file: SourceFile) -> Iterator[Lineage | UnreadLineageComment]:
    """Every comment of a file that says what a certificate succeeds, in order.

    It stands inside the block, behind its last line, or above it, with blank lines and other comments between at most. Any form of
    comment will do; words may follow the address.
    """
    # Many files say nothing to tfcert: lowering them costs less than a search that ignores case.
    if b"tfcert" not in file.data.lower():
        return
    for span in file.body.comments:
        if _NEEDLE.search(span.of(file.data)):
            yield from _of_comment(file, span)


def lineage_of(file: SourceFile, block: Block) -> tuple[Lineage, ...]:
    """The comments that say what one block succeeds."""
    return tuple(
        each
        for each in lineages(file)
        if isinstance(each, Lineage) and each.block.span == block.span
    )


def without_comments(file: SourceFile, gone: Iterable[Span]) -> bytes:
    """The text of a file without some of its spans."""
    pieces: list[bytes] = []
    start = 0
    for span in sorted(gone):
        pieces.append(file.data[start : span.start])
        start = max(start, span.end)
    return b"".join((*pieces, file.data[start:]))


def block_at(file: SourceFile, span: Span, *, near: bool) -> Block | None:
    """The top-level block that a comment stands in, behind on the last line, or above.

    With `near` it stands directly above; else blank lines and other comments may lie between.
    """
    blocks = file.body.blocks
    following = bisect(blocks, span.start, key=lambda block: block.span.start)
    if following and span.start < file.line_end(blocks[following - 1].span.end - 1):
        return blocks[following - 1]
    if following == len(blocks):
        return None
    if near:
        above = attached_comments(file, blocks[following])
        return blocks[following] if above.start <= span.start < above.end else None
    return blocks[following]


def pem_of(file: SourceFile, block: Block) -> str | None:
    """The certificate, as `TYPE.NAME`, whose PEM tfcert wrote this output for."""
    above = attached_comments(file, block).of(file.data)
    # The last one stands nearest to the block.
    found = [match.group(1).decode() for match in _PEM_OF.finditer(above)]
    return found[-1].rstrip(",") if found else None


def hands_pem_on(reference: Reference) -> bool:
    """Whether a reference gives the PEM to somebody who trusts by it.

    A condition only checks it, and the output that tfcert wrote is not meant to last.
    """
    site = reference.site
    if reference.use is not ReferenceUse.TRUST or is_condition(site):
        return False
    return not (site.block.type == "output" and pem_of(site.file, site.block))


def _of_comment(file: SourceFile, span: Span) -> Iterator[Lineage | UnreadLineageComment]:
    text = span.of(file.data).decode("utf-8")
    lines = text.splitlines(keepends=True)
    offset = span.start
    for number, line in enumerate(lines):
        words = LEADERS.sub("", line).strip().removesuffix("*/").strip()
        if _MEANT.search(words):
            behind = (
                LEADERS.sub("", lines[number + 1]).strip().removesuffix("*/").strip()
                if number + 1 < len(lines)
                else ""
            )
            yield _read(file, span, (offset, line), words, behind)
        offset += len(line.encode())


def _read(
    file: SourceFile, span: Span, at: tuple[int, str], words: str, behind: str
) -> Lineage | UnreadLineageComment:
    offset, line = at
    number = file.line(offset)
    block = block_at(file, span, near=False)
    mark = _MARK.match(words)
    rest = words[mark.end() :].strip() if mark is not None else ""
    wrapped = mark is not None and not rest
    found = _REFERENCE.match(behind if wrapped else rest)
    alone = _IDENTITY.match(rest) if found is None else None
    why = None
    if mark is None:
        why = f"reads {words[:80]!r}"
    elif found is None and (alone is None or not _is_identity(alone, rest)):
        why = f"names no certificate: {rest[:60]!r}" if rest else "names no certificate"
    elif found is not None and re.search(
        r"client_certificate\.", (behind if wrapped else rest)[found.end() :]
    ):
        why = "names more than one certificate"
    else:
        why = _misplaced(file, span, block, found.group(2) if found is not None else "")
    if why is not None or block is None:
        named = found.group(2) if found is not None else None
        return UnreadLineageComment(
            line=number, why=why or "stands at no block", block=block, reference=named
        )
    reference = found.group(2) if found is not None else alone.group(1) if alone is not None else ""
    modules = tuple(re.findall(r"module\.([\w-]+)", found.group(1))) if found is not None else ()
    end = offset + len(line.encode())
    if wrapped:
        end = file.line_end(end)
    gone = _gone(file, span, Span(offset, min(end, span.end)))
    return Lineage(block=block, reference=reference, modules=modules, line=number, gone=gone)


def _is_identity(alone: re.Match[str], rest: str) -> bool:
    """Whether a single word is an id rather than the first word of a sentence: it is all there is, or has a digit."""
    word = alone.group(1)
    return not re.search(r"\w", rest[alone.end() :]) or (
        len(word) > 4 and any(sign.isdigit() for sign in word)
    )


def _misplaced(file: SourceFile, span: Span, block: Block | None, named: str) -> str | None:
    if block is None:
        return "stands at no block"
    label = ".".join(block.labels)
    if block.type != "resource" or "client_certificate" not in label:
        return (
            f"stands at {block.type}{f' {label}' if label else ''}, which is no client certificate"
        )
    if span.start >= block.span.start or block_at(file, span, near=True) is not None:
        return None
    above = next((each for each in reversed(file.body.blocks) if each.span.end <= span.start), None)
    touches = above is not None and not file.data[above.span.end : span.start].count(b"\n") > 1
    own = ".".join(above.labels) if above is not None else ""
    if touches and "client_certificate" in own and own.lower() != named.lower():
        return f"stands between {own} and {label}, and may belong to either"
    return None


def _gone(file: SourceFile, span: Span, line: Span) -> Span:
    """What is cut with a comment's line: the comment, where no other line of it says anything; and its blanks."""
    data = file.data
    end = span.start + len(span.of(data).rstrip(b"\r\n"))
    others = data[span.start : line.start] + b"\n" + data[min(line.end, end) : end]
    if re.search(rb"\w", others):
        return _line_of_several(file, span, Span(line.start, min(line.end, end)))
    start = span.start
    first, last = file.line_start(start), file.line_end(max(end - 1, start))
    before, behind = data[first:start], data[end:last]
    if not before.strip() and not behind.strip():
        above = data[file.line_start(max(first - 1, 0)) : first] if first else b"\n"
        below = data[last : file.line_end(last)] if last < len(data) else b""
        blank = below and not below.strip() and not above.removeprefix(b"\xef\xbb\xbf").strip()
        return Span(first, file.line_end(last) if blank else last)
    if behind.strip():
        return Span(start, end + len(behind) - len(behind.lstrip(b" \t")))
    return Span(first + len(before.rstrip(b" \t")), end)


def _line_of_several(file: SourceFile, span: Span, line: Span) -> Span:
    """One line of a comment that says other things too; the signs that open and close the comment stay."""
    text = line.of(file.data)
    if line.start == span.start:
        return Span(line.start + 2, line.start + len(text.rstrip(b"\r\n")))
    if text.rstrip().endswith(b"*/"):
        return Span(line.start, line.start + text.rindex(b"*/"))
    return line


def _stands_alone(file: SourceFile, span: Span) -> bool:
    return not file.data[file.line_start(span.start) : span.start].strip()


_EXEMPTION_NEEDLE = b"tfcert:"
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
class UnreadExemptionComment:
    """A file that says `tfcert:ignore` and of which tfcert reads no comments."""

    path: str
    json: bool


def tfcert_comments(
    configuration: Configuration,
) -> Iterator[ExemptionComment | UnreadExemptionComment]:
    """Every line of a comment that speaks to tfcert, but for what tfcert writes itself, in the order of the files."""
    homes: dict[str, list[ModulePath]] = {}
    for path in sorted(configuration.modules):
        for name in configuration.modules[path].files:
            homes.setdefault(name, []).append(path)
    for name in sorted(homes):
        file = configuration.files[name]
        if _EXEMPTION_NEEDLE not in file.data:
            continue
        if parses(file):
            yield from _of_file(file, tuple(homes[name]))
        elif _IGNORES.search(file.data):
            yield UnreadExemptionComment(path=name, json=False)
    for name in sorted(
        {name for module in configuration.modules.values() for name in module.foreign}
    ):
        if _IGNORES.search(read_foreign(configuration, name)):
            yield UnreadExemptionComment(path=name, json=name.endswith(".json"))


def exemption_comments(file: SourceFile, within: Span) -> list[Span]:
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
        if _EXEMPTION_NEEDLE not in span.of(file.data):
            continue
        block = block_at(file, span, near=True)
        first = file.line(span.start)
        for offset, line in enumerate(span.of(file.data).decode("utf-8").splitlines()):
            text = LEADERS.sub("", line).removesuffix("*/").strip()
            if "tfcert:" in text and not _OTHERS.match(text) and not speaks_of_succession(text):
                yield ExemptionComment(
                    path=file.path, line=first + offset, text=text, modules=modules, block=block
                )
