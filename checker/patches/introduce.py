"""Introduce: add the successor after the predecessor, and an output of its PEM."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from checker.errors import UnprovenError
from checker.hcl.comments import (
    LICENCE,
    attached_comments,
    exemption_comments,
    lineage_of,
    pem_comment,
    succeeds_comment,
)
from checker.hcl.configuration import Configuration, literal_string
from checker.hcl.file_hashes import file_hashes
from checker.hcl.provisioners import left_out
from checker.hcl.readings import BlockKey
from checker.hcl.references import ReferenceUse
from checker.hcl.splice import Edit
from checker.hcl.syntax import Block, SourceFile, Span
from checker.patches.draft import Draft, Edits
from checker.patches.edits import BlockPair, find_block, intent_of, references_to

# A description such as "expires 2026-12-05" would be wrong for the successor.
_DATED = re.compile(
    r"\b\d{4}[-/.]\d{1,2}\b|\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b|\b(?:19|20)\d{2}\b|expir",
    re.IGNORECASE,
)
_OURS = re.compile(rb"tfcert[ \t]*:[ \t]*(?:succeeds|PEM of)\b", re.IGNORECASE)
_SKIPS = re.compile(
    rb"(?:checkov:skip|tfsec:ignore|trivy:ignore|tflint-ignore|kics-scan|nosemgrep)"
)


def introduce(draft: Draft, step: BlockPair) -> Edits:
    """Add a copy of the predecessor's block under the successor's name, after the predecessor.

    If something hashes the predecessor's file, the copy is written to a new file beside it. The
    body is kept (provider, count, for_each, tags, lifecycle, comments). A description with a date
    is rewritten. Blocks that run at creation are left out: they would pass on only the successor.
    Raises UnprovenError when a name is taken.
    """
    configuration = draft.configuration
    file, block = find_block(configuration, step.predecessor)
    at = file.line_end(block.span.end)
    before = file.data[file.line_start(block.span.start) : block.span.start]
    indent = before if not before.strip() else b""
    newline = file.newline
    parts = [_comments(file, block, indent, step), indent, _clone(file, block, step), newline]
    added: list[BlockKey] = [("resource", (step.successor.type, step.successor.name))]
    output = _output(configuration, block, step)
    if output is not None:
        name, text = output
        parts += [newline, text.replace(b"\n", newline)]
        added.append(("output", (name,)))
    if any(file_hashes(configuration, [file.path])):
        path = _path_beside(configuration, file, step)
        return _edits(path, 0, b"".join(parts), step, added, _bare(file, block), file.data)
    text = newline + b"".join(parts)
    if not file.data[:at].endswith(b"\n"):
        # The file has no final newline, and it stays so.
        text = newline + text.removesuffix(newline)
    source = _bare(file, block) if _left_out(file, block) else None
    return _edits(file.path, at, text, step, added, source)


def _edits(
    path: str,
    at: int,
    text: bytes,
    step: BlockPair,
    added: list[BlockKey],
    source: bytes | None,
    beside: bytes | None = None,
) -> Edits:
    clone_of = ("resource", (step.predecessor.type, step.predecessor.name))
    intent = intent_of(step, added=tuple(added), clone_of=clone_of, source=source, beside=beside)
    return Edits(edits=(Edit(path=path, span=Span(at, at), text=text),), intents=((path, intent),))


def _bare(file: SourceFile, block: Block) -> bytes:
    """Return the predecessor's block with its comments, and without what the successor leaves out.

    The proof compares the copy with this text.
    """
    whole = Span(attached_comments(file, block).start, file.line_end(block.span.end))
    return _without(file, whole, _left_out(file, block))


def _path_beside(configuration: Configuration, file: SourceFile, step: BlockPair) -> str:
    path = posixpath.join(posixpath.dirname(file.path), f"tfcert_{step.successor.name}.tf")
    if path in configuration.files or Path(configuration.root, path).exists():
        raise UnprovenError(
            f"{path} exists already",
            where=configuration.root,
            remedy="choose another name with --name",
        )
    return path


def _comments(file: SourceFile, block: Block, indent: bytes, step: BlockPair) -> bytes:
    """Return the comments above the successor: the predecessor's, and the lineage comment.

    Retire removes the predecessor's comments with its block. A licence is not copied, and neither
    is a comment with a date; a comment that tells another checker to skip the block always is. A
    tfcert exemption was decided for the predecessor, and stays with it.
    """
    own = attached_comments(file, block)
    lineage = [
        each.removed
        for each in lineage_of(file, block)
        if own.start <= each.removed.start and each.removed.end <= own.end
    ]
    above = _without(file, own, sorted([*exemption_comments(file, own), *lineage]))
    lines = [line for line in above.splitlines(keepends=True) if not _OURS.search(line)]
    if LICENCE.search(above) or _DATED.search(above.decode("utf-8", "replace")):
        lines = [
            line
            for line in lines
            if _SKIPS.search(line) and line.lstrip().startswith((b"#", b"//"))
        ]
    return (
        b"".join(lines)
        + indent
        + succeeds_comment(step.predecessor.in_module).encode()
        + file.newline
    )


def _without(file: SourceFile, whole: Span, gone: list[Span]) -> bytes:
    pieces: list[bytes] = []
    start = whole.start
    for span in gone:
        pieces.append(file.data[start : span.start])
        start = span.end
    return b"".join((*pieces, file.data[start : whole.end]))


def _clone(file: SourceFile, block: Block, step: BlockPair) -> bytes:
    label = block.label_spans[1]
    out = _left_out(file, block)
    lineage = [
        each.removed
        for each in lineage_of(file, block)
        if block.span.start <= each.removed.start < block.span.end
    ]
    comments = {
        *exemption_comments(file, block.span),
        *(Span(span.start, min(span.end, block.span.end)) for span in lineage),
    }
    gone = [
        *out,
        *(
            span
            for span in comments
            if not any(each.start <= span.start < each.end for each in out)
        ),
    ]
    edits = [(label, step.successor.name.encode()), *((span, b"") for span in gone)]
    description = block.attribute("description")
    if description is not None:
        text = literal_string(file.data, block, "description")
        if text is not None and _DATED.search(text):
            edits.append(
                (
                    description.value,
                    f'"{step.successor.name}, successor of {step.predecessor.name}"'.encode(),
                )
            )
    pieces: list[bytes] = []
    start = block.span.start
    for span, new in sorted(edits, key=lambda edit: edit[0]):
        pieces += (file.data[start : span.start], new)
        start = span.end
    return b"".join((*pieces, file.data[start : block.span.end]))


def _left_out(file: SourceFile, block: Block) -> list[Span]:
    """Return the spans that the successor does not repeat.

    Each includes the comments above it and one blank line, so that no gap remains.
    """
    found: list[Span] = []
    for inner in left_out(file, block):
        start, end = attached_comments(file, inner).start, file.line_end(inner.span.end)
        above = file.line_start(max(start - 1, 0))
        if (
            above > block.span.start
            and not file.data[above:start].strip()
            and (not found or found[-1].end <= above)
        ):
            start = above
        found.append(Span(start, end))
    return found


def _output(
    configuration: Configuration, block: Block, step: BlockPair
) -> tuple[str, bytes] | None:
    """Return an output of the successor's PEM, or None.

    It is None inside a module, where no user would see the output, and for a type without a PEM.
    """
    if step.predecessor.modules or not step.predecessor.type.startswith("aws_"):
        return None
    name = f"{step.successor.name}_pem"
    if next(configuration.blocks((), "output", name), None) is not None:
        raise UnprovenError(
            f"an output {name} exists already",
            where=configuration.root,
            remedy="choose another name with --name",
        )
    address = step.successor.in_module
    value = f"{address}.pem_encoded_certificate"
    if block.attribute("count") is not None:
        value = f"{address}[*].pem_encoded_certificate"
    elif block.attribute("for_each") is not None:
        value = (
            f"{{ for key, certificate in {address} : key => certificate.pem_encoded_certificate }}"
        )
    body = (
        f"  value     = {value}\n  sensitive = true\n"
        if _sensitive(configuration, step)
        else f"  value = {value}\n"
    )
    return name, f'{pem_comment(address)}\noutput "{name}" {{\n{body}}}\n'.encode()


def _sensitive(configuration: Configuration, step: BlockPair) -> bool:
    """Return whether an output of the predecessor's PEM is sensitive, and so its successor's."""
    for reference in references_to(configuration, step.predecessor):
        block = reference.site.block
        if block.type == "output" and reference.use is ReferenceUse.TRUST:
            mark = block.attribute("sensitive")
            if mark is not None and mark.value.of(reference.site.file.data).strip() == b"true":
                return True
    return False
