"""Parse tfcert comments: lineage, PEM outputs and exemptions."""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from checker.hcl.arrivals import is_condition
from checker.hcl.configuration import Configuration, ModulePath, read_foreign
from checker.hcl.passing.passage import WHOLE
from checker.hcl.references import Reference, ReferenceUse
from checker.hcl.splice import Removals
from checker.hcl.syntax import Block, SourceFile, Span, parses

# A licence at the start of a file stays, even directly above a block that is removed.
LICENCE = re.compile(rb"copyright|SPDX|licen[cs]e", re.IGNORECASE)

# The characters before the words of a comment line: comment signs and a list dash.
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
    """Return the comment above a successor, without a line end."""
    return f"# tfcert: succeeds {reference}"


def pem_comment(reference: str) -> str:
    """Return the comment above the output of a successor's PEM, without a line end."""
    return f"# tfcert: PEM of {reference}, for the backends to trust"


def attached_comments(file: SourceFile, block: Block) -> Span:
    """Return the span of the comment lines directly above a block; empty if there are none.

    There is no blank line between the comment lines and the block.
    """
    start = file.line_start(block.span.start)
    top = start
    comments = _by_last_line(file)
    while top > 0:
        span = comments.get(file.line_start(top - 1))
        if span is None:
            break
        top = file.line_start(span.start)
    return Span(top, start)


def _by_last_line(file: SourceFile) -> Mapping[int, Span]:
    """Return the comments that start a line, by the start of their last line."""
    if "comments" not in file.memo:
        found: dict[int, Span] = {}
        for span in file.body.comments:
            if _is_alone(file, span):
                found.setdefault(file.line_start(max(span.end - 1, span.start)), span)
        file.memo["comments"] = found
    known: Mapping[int, Span] = file.memo["comments"]
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A comment that names the predecessor of a certificate's block.

    `reference` is `TYPE.NAME` or an id; `modules` are the module names before it. `removed` is the
    text that is removed with the comment: the comment, and its line if nothing else is on it.
    `comment` is the whole comment, `words` its line with the reference.
    """

    block: Block
    reference: str
    modules: tuple[str, ...]
    line: int
    removed: Span
    comment: Span
    words: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadLineageComment:
    """A comment that seems to name a predecessor but cannot be read.

    `why` is the reason. `block` is the block of the comment; None without one.
    """

    line: int
    why: str
    block: Block | None
    reference: str | None = None


def speaks_of_succession(words: str) -> bool:
    """Return whether a comment seems to name a predecessor, even if it is badly written."""
    return _MEANT.search(words) is not None


def lineages(file: SourceFile) -> Iterator[Lineage | UnreadLineageComment]:
    """Yield every lineage comment of a file, in order.

    A lineage comment names the predecessor of a certificate's block. It is inside the block, after
    its last line, or above it. Only blank lines and other comments may be between. Any form of
    comment works; words may follow the address.
    """
    if "lineages" not in file.memo:
        file.memo["lineages"] = tuple(_lineages(file))
    yield from file.memo["lineages"]


def _lineages(file: SourceFile) -> Iterator[Lineage | UnreadLineageComment]:
    # Many files do not mention tfcert: lower() costs less than a case-insensitive search.
    if b"tfcert" not in file.data.lower():
        return
    for span in file.body.comments:
        if _NEEDLE.search(span.of(file.data)):
            yield from _of_comment(file, span)


def lineage_of(file: SourceFile, block: Block) -> tuple[Lineage, ...]:
    """Return the lineage comments of one block."""
    if "lineages of blocks" not in file.memo:
        found: dict[Span, list[Lineage]] = {}
        for each in lineages(file):
            if isinstance(each, Lineage):
                found.setdefault(each.block.span, []).append(each)
        file.memo["lineages of blocks"] = found
    return tuple(file.memo["lineages of blocks"].get(block.span, ()))


def without_comments(file: SourceFile, removed: Iterable[Span]) -> bytes:
    """Return the text of a file without the given spans."""
    pieces: list[bytes] = []
    start = 0
    for span in sorted(removed):
        pieces.append(file.data[start : span.start])
        start = max(start, span.end)
    return b"".join((*pieces, file.data[start:]))


def block_at(file: SourceFile, span: Span, *, near: bool) -> Block | None:
    """Return the top-level block of a comment; None without one.

    The comment is inside the block, after it on its last line, or above it. With `near`, a comment
    above must be directly above; otherwise blank lines and other comments may be between.
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
    """Return the certificate (`TYPE.NAME`) of a PEM output that tfcert wrote; None for others."""
    above = attached_comments(file, block).of(file.data)
    # The last match is nearest to the block.
    found = [match.group(1).decode() for match in _PEM_OF.finditer(above)]
    return found[-1].rstrip(",") if found else None


def hands_pem_on(reference: Reference) -> bool:
    """Return whether a reference passes the PEM on to a consumer that trusts it.

    A condition or comparison only checks the PEM, and the output that tfcert wrote is temporary:
    none of them counts.
    """
    site = reference.site
    if reference.use is not ReferenceUse.TRUST or is_condition(site):
        return False
    passage = WHOLE.through(reference.traversal, site.file.data)
    if passage is None or passage.compared:
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
            line=number, why=why or "belongs to no block", block=block, reference=named
        )
    reference = found.group(2) if found is not None else alone.group(1) if alone is not None else ""
    modules = tuple(re.findall(r"module\.([\w-]+)", found.group(1))) if found is not None else ()
    end = offset + len(line.encode())
    if wrapped:
        end = file.line_end(end)
    line_span = Span(offset, min(end, span.end))
    (removed,) = _removed_spans(file, span, line_span, Removals())
    return Lineage(
        block=block,
        reference=reference,
        modules=modules,
        line=number,
        removed=removed,
        comment=span,
        words=line_span,
    )


def _is_identity(alone: re.Match[str], rest: str) -> bool:
    """Return whether a single word is an id and not the first word of a sentence.

    An id is the only word, or has a digit and more than 4 characters.
    """
    word = alone.group(1)
    return not re.search(r"\w", rest[alone.end() :]) or (
        len(word) > 4 and any(sign.isdigit() for sign in word)
    )


def _misplaced(file: SourceFile, span: Span, block: Block | None, named: str) -> str | None:
    if block is None:
        return "belongs to no block"
    label = ".".join(block.labels)
    if block.type != "resource" or "client_certificate" not in label:
        return (
            f"belongs to {block.type}{f' {label}' if label else ''}, which is not a client "
            "certificate"
        )
    if span.start >= block.span.start or block_at(file, span, near=True) is not None:
        return None
    above = next((each for each in reversed(file.body.blocks) if each.span.end <= span.start), None)
    touches = above is not None and not file.data[above.span.end : span.start].count(b"\n") > 1
    own = ".".join(above.labels) if above is not None else ""
    if touches and "client_certificate" in own and own.lower() != named.lower():
        return f"is between {own} and {label}, and may belong to either"
    return None


def lineage_removal(file: SourceFile, lineage: Lineage, removals: Removals) -> tuple[Span, ...]:
    """Return the spans that are removed with a lineage comment, beside other removals."""
    return _removed_spans(file, lineage.comment, lineage.words, removals)


def _removed_spans(
    file: SourceFile, span: Span, line: Span, removals: Removals
) -> tuple[Span, ...]:
    """Return the spans to remove with a comment's line.

    It is the whole comment if no other line of it has words, with the blanks around it.
    """
    data = file.data
    end = span.start + len(span.of(data).rstrip(b"\r\n"))
    others = data[span.start : line.start] + b"\n" + data[min(line.end, end) : end]
    if re.search(rb"\w", others):
        return (_line_of_several(file, span, Span(line.start, min(line.end, end))),)
    start = span.start
    first, last = file.line_start(start), file.line_end(max(end - 1, start))
    before, behind = data[first:start], data[end:last]
    if not before.strip() and not behind.strip():
        top, under = removals.before(first), removals.behind(last)
        above = data[file.line_start(max(top - 1, 0)) : top] if top else b"\n"
        below = data[under : file.line_end(under)] if under < len(data) else b""
        if not below or below.strip() or above.removeprefix(b"\xef\xbb\xbf").strip():
            return (Span(first, last),)
        return joined(Span(first, last), Span(under, file.line_end(under)))
    if behind.strip():
        return (Span(start, end + len(behind) - len(behind.lstrip(b" \t"))),)
    return (Span(first + len(before.rstrip(b" \t")), end),)


def joined(first: Span, second: Span) -> tuple[Span, ...]:
    """Return two spans in order, as one if nothing is between them."""
    if first.end == second.start:
        return (Span(first.start, second.end),)
    return (first, second)


def _line_of_several(file: SourceFile, span: Span, line: Span) -> Span:
    """Return the span of one line of a comment that has other words too.

    The signs that open and close the comment stay.
    """
    text = line.of(file.data)
    if line.start == span.start:
        return Span(line.start + 2, line.start + len(text.rstrip(b"\r\n")))
    if text.rstrip().endswith(b"*/"):
        return Span(line.start, line.start + text.rindex(b"*/"))
    return line


def _is_alone(file: SourceFile, span: Span) -> bool:
    return not file.data[file.line_start(span.start) : span.start].strip()


_EXEMPTION_NEEDLE = b"tfcert:"
# Comments that tfcert writes, and reads elsewhere.
_OTHERS = re.compile(r"tfcert:\s*PEM of\b", re.IGNORECASE)
_IGNORES = re.compile(rb"tfcert:[ \t]*ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExemptionComment:
    """A comment line that names tfcert, and the modules of the file.

    `block` is the top-level block that has the comment inside, directly above, or after it on its
    last line; None without one.
    """

    path: str
    line: int
    text: str
    modules: tuple[ModulePath, ...]
    block: Block | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadExemptionComment:
    """A file with `tfcert:ignore` whose comments tfcert does not read."""

    path: str
    json: bool


def tfcert_comments(
    configuration: Configuration,
) -> Iterator[ExemptionComment | UnreadExemptionComment]:
    """Yield every comment line that addresses tfcert, in the order of the files.

    Comments that tfcert writes itself are skipped. A file whose comments tfcert cannot read gives
    an `UnreadExemptionComment`.
    """
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
    """Return the exemption comments in a range of a file.

    The span of a comment that is alone on its lines includes the whole lines.
    """
    found: list[Span] = []
    comments = file.body.comments
    first = bisect_left(comments, within.start, key=lambda span: span.start)
    for span in comments[first:]:
        if span.start >= within.end:
            break
        if _IGNORES.search(span.of(file.data)):
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
