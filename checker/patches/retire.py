"""Retire: remove the predecessor's block and everything that exists only for it.

Other references to the predecessor move to the successor.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.errors import UnprovenError
from checker.hcl.comments import (
    LICENCE,
    Lineage,
    attached_comments,
    lineage_of,
    lineages,
    pem_of,
    without_comments,
)
from checker.hcl.configuration import Configuration
from checker.hcl.proof import BlockKey, Intent, prove
from checker.hcl.references import Reference, ReferenceUse, Site
from checker.hcl.splice import Edit, splice
from checker.hcl.syntax import Block, SourceFile, Span, parses
from checker.patches.edits import BlockPair, find_block, key_of, references_to, rename, tests_of


def retire(configuration: Configuration, step: BlockPair) -> Configuration:
    """Remove the predecessor's block and everything that exists only for it.

    This is its import and moved blocks, the output that introduce wrote for it, and the lineage
    comment. Other references to it (PEM, dates, depends_on) move to the successor; without a
    successor (`successor` is the predecessor itself) there may be none. Raises UnprovenError when
    something still points to its id, when one expression names both certificates, or when the edit
    cannot be proven.
    """
    chosen = (*_kept_references(configuration, step), *tests_of(configuration, step.predecessor))
    removed = _removed(configuration, step)
    before = {path: file.data for path, file in configuration.files.items()}
    current = _without_own_lineage(
        configuration.with_text(splice(before, rename(step, chosen))), step
    )
    for key in removed:
        current = _without(current, step, key)
    current = _without_lineage(current, step) if step.successor != step.predecessor else current
    for path, file in current.files.items():
        if file.data != before[path]:
            own = [reference for reference in chosen if reference.site.file.path == path]
            intent = Intent(
                kind=step.predecessor.type,
                old=step.predecessor.name,
                new=step.successor.name,
                removed=tuple(key for holder, key in removed if holder == path),
                renamed=frozenset(key_of(reference.site.block) for reference in own),
                renames=len(own),
            )
            prove(path, before[path], file.data, intent)
    return current


def _kept_references(configuration: Configuration, step: BlockPair) -> Iterator[Reference]:
    """Yield the references that stay in the text, and name the successor from now on."""
    file, _ = find_block(configuration, step.predecessor)
    # Repoint may have moved an id beside a PEM that retire moves: only equal uses conflict.
    beside = {
        (reference.site.file.path, reference.site.attribute.span, reference.use)
        for reference in references_to(configuration, step.successor)
    }
    for reference in references_to(configuration, step.predecessor):
        site = reference.site
        where = f"{site.file.path}:{reference.line}"
        if _goes(site, step) or _is_history(site):
            continue
        if step.successor == step.predecessor:
            raise UnprovenError(
                f"something still refers to {step.predecessor}, and nothing is known to succeed it",
                where=where,
                remedy="take that reference away manually, then ask again",
            )
        if reference.use is ReferenceUse.POINTER:
            raise UnprovenError(
                f"something still refers to the id of {step.predecessor}",
                where=where,
                remedy="repoint it first (--phase repoint)",
            )
        if (site.file.path, site.attribute.span, reference.use) in beside:
            raise UnprovenError(
                f"one expression names both {step.predecessor} and its successor",
                where=where,
                remedy="leave only the successor there by hand,"
                f" then ask again; the block stands in {file.path}",
            )
        yield reference


def _goes(site: Site, step: BlockPair) -> bool:
    """Return whether the block of a reference exists only for the predecessor."""
    block = site.block
    if block.type == "output":
        return pem_of(site.file, block) == step.predecessor.in_module
    if block.type in {"import", "moved"}:
        return site.path == ("to",)
    return block.type == "resource" and block.labels == (
        step.predecessor.type,
        step.predecessor.name,
    )


def _is_history(site: Site) -> bool:
    """Return whether a block records the history of an instance of the predecessor.

    The record is never true of the successor.
    """
    return (site.block.type, site.path) in {("moved", ("from",)), ("removed", ("from",))}


def _removed(configuration: Configuration, step: BlockPair) -> list[tuple[str, BlockKey]]:
    file, block = find_block(configuration, step.predecessor)
    found = [(file.path, key_of(block))]
    seen: set[tuple[str, Span]] = set()
    for reference in references_to(configuration, step.predecessor):
        site = reference.site
        if (
            (site.file.path, site.block.span) not in seen
            and site.block.type != "resource"
            and _goes(site, step)
        ):
            seen.add((site.file.path, site.block.span))
            found.append((site.file.path, key_of(site.block)))
    return found


def _without(
    configuration: Configuration, step: BlockPair, wanted: tuple[str, BlockKey]
) -> Configuration:
    path, key = wanted
    file = configuration.files[path]
    for block in file.body.blocks:
        if key_of(block) == key and (block.labels or _mentions(configuration, step, file, block)):
            return _cut(configuration, file, _whole(file, block))
    raise UnprovenError(
        f"a block to be removed was not found: {key[0]}", where=path, remedy="nothing was written"
    )


def _mentions(
    configuration: Configuration, step: BlockPair, file: SourceFile, block: Block
) -> bool:
    return any(
        reference.site.file.path == file.path
        and reference.site.block.span == block.span
        and _goes(reference.site, step)
        for reference in references_to(configuration, step.predecessor)
    )


def _whole(file: SourceFile, block: Block) -> Span:
    """Return the span of a block with its comments and one blank line.

    Without that line a gap of two would remain.
    """
    above = attached_comments(file, block)
    keeps_comment = above.start <= 3 and LICENCE.search(above.of(file.data)) is not None
    start, end = above.end if keeps_comment else above.start, file.line_end(block.span.end)
    # A byte-order mark before the file's first block is not text.
    before = file.data[file.line_start(max(start - 1, 0)) : start].removeprefix(b"\xef\xbb\xbf")
    behind = file.data[end : file.line_end(end)]
    if end < len(file.data) and not behind.strip() and not before.strip():
        return Span(start, file.line_end(end))
    if end == len(file.data) and start > 0 and not before.strip():
        return Span(file.line_start(start - 1), end)
    return Span(start, end)


def _without_own_lineage(configuration: Configuration, step: BlockPair) -> Configuration:
    """Remove the predecessor's own lineage comment if a blank line separates it from the block.

    Otherwise the comment would seem to belong to the next block.
    """
    file, block = find_block(configuration, step.predecessor)
    whole = _whole(file, block)
    gone = [
        each.gone
        for each in lineage_of(file, block)
        if not (whole.start <= each.gone.start < whole.end)
    ]
    return (
        configuration.with_text({file.path: without_comments(file, gone)})
        if gone
        else configuration
    )


def _without_lineage(configuration: Configuration, step: BlockPair) -> Configuration:
    """Remove every comment that names the predecessor, in any form.

    This includes the comment of a successor that was skipped.
    """
    own = step.predecessor.in_module.lower()
    changed: dict[str, bytes] = {}
    for file in configuration.in_module(step.successor.module_path, b"client_certificate"):
        found = (
            [each for each in lineages(file) if isinstance(each, Lineage)] if parses(file) else []
        )
        gone = [each.gone for each in found if each.reference.lower() == own]
        if gone:
            changed[file.path] = without_comments(file, gone)
    return configuration.with_text(changed) if changed else configuration


def _cut(configuration: Configuration, file: SourceFile, span: Span) -> Configuration:
    return configuration.with_text(
        splice({file.path: file.data}, [Edit(path=file.path, span=span, text=b"")])
    )
