"""Retire: remove the predecessor's block and everything that exists only for it.

Other references to the predecessor move to the successor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from checker.errors import UnprovenError
from checker.hcl.comments import (
    LICENCE,
    Lineage,
    attached_comments,
    joined,
    lineage_of,
    lineage_removal,
    lineages,
    pem_of,
)
from checker.hcl.configuration import Configuration
from checker.hcl.references import Reference, ReferenceUse, Site
from checker.hcl.splice import Edit, Removals
from checker.hcl.syntax import BOM, Block, SourceFile, Span, parses
from checker.patches.draft import Draft, Edits
from checker.patches.edits import (
    BlockPair,
    find_block,
    intent_of,
    key_of,
    references_to,
    rename,
    renamed_blocks,
    tests_of,
)


def retire(draft: Draft, step: BlockPair) -> Edits:
    """Remove the predecessor's block and everything that exists only for it.

    This is its import and moved blocks, the output that introduce wrote for it, and the lineage
    comment. Other references to it (PEM, dates, depends_on) move to the successor; without a
    successor (`successor` is the predecessor itself) there may be none. Raises UnprovenError when
    something still points to its id, or when one expression names both certificates.
    """
    configuration = draft.configuration
    chosen = (*_kept_references(configuration, step), *tests_of(configuration, step.predecessor))
    renamed = renamed_blocks(chosen)
    file, block = find_block(configuration, step.predecessor)
    removed = [(file, block), *_removed_with(configuration, step)]
    cuts = _Cuts(draft)
    cuts.own_lineage(file, block)
    for holder, each in removed:
        cuts.cut(holder, *cuts.whole(holder, each))
    if step.successor != step.predecessor:
        cuts.lineage(step)
    edits = (*rename(step, chosen), *cuts.edits())
    return Edits(
        edits=edits,
        intents=tuple(
            (
                path,
                intent_of(
                    step,
                    removed=tuple(key_of(each) for holder, each in removed if holder.path == path),
                    renamed=renamed.get(path, Counter()),
                ),
            )
            for path in sorted({edit.path for edit in edits})
        ),
    )


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
                f"something still refers to {step.predecessor}, and no successor of it is known",
                where=where,
                remedy="remove that reference manually, then run tfcert again",
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
                remedy="remove the predecessor from it manually,"
                f" then run tfcert again; the block is in {file.path}",
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


def _removed_with(
    configuration: Configuration, step: BlockPair
) -> Iterator[tuple[SourceFile, Block]]:
    """Yield the other blocks that exist only for the predecessor."""
    seen: set[tuple[str, Span]] = set()
    for reference in references_to(configuration, step.predecessor):
        site = reference.site
        if (
            (site.file.path, site.block.span) not in seen
            and site.block.type != "resource"
            and _goes(site, step)
        ):
            seen.add((site.file.path, site.block.span))
            yield site.file, site.block


class _Cuts:
    """The ranges that one rotation removes, beside those that others remove in the same phase."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._removals: dict[str, Removals] = {}
        self._removed_spans: list[tuple[str, Span]] = []

    def edits(self) -> list[Edit]:
        """Return the edits that remove the ranges."""
        return [Edit(path=path, span=removed, text=b"") for path, removed in self._removed_spans]

    def cut(self, file: SourceFile, *removed: Span) -> None:
        """Remove ranges of a file."""
        for span in removed:
            self._of(file).add(span)
            self._removed_spans.append((file.path, span))

    def _of(self, file: SourceFile) -> Removals:
        if file.path not in self._removals:
            self._removals[file.path] = Removals(self._draft.removals(file.path))
        return self._removals[file.path]

    def whole(self, file: SourceFile, block: Block) -> tuple[Span, ...]:
        """Return the spans of a block with its comments and one blank line.

        Without that line a gap of two would remain.
        """
        removals, data = self._of(file), file.data
        above = attached_comments(file, block)
        licence = LICENCE.search(above.of(data)) is not None
        keeps_comment = licence and removals.before(above.start) <= len(BOM)
        start = above.end if keeps_comment else above.start
        end = file.line_end(block.span.end)
        top, under = removals.before(start), removals.behind(end)
        # A byte-order mark before the file's first block is not text.
        before = data[file.line_start(max(top - 1, 0)) : top].removeprefix(BOM)
        behind = data[under : file.line_end(under)]
        if under < len(data) and not behind.strip() and not before.strip():
            return joined(Span(start, end), Span(under, file.line_end(under)))
        if under == len(data) and top > 0 and not before.strip():
            return joined(Span(file.line_start(top - 1), top), Span(start, end))
        return (Span(start, end),)

    def own_lineage(self, file: SourceFile, block: Block) -> None:
        """Remove the predecessor's own lineage comment if a blank line separates it from the block.

        Otherwise the comment would seem to belong to the next block.
        """
        whole = self.whole(file, block)
        for each in lineage_of(file, block):
            if not any(span.start <= each.removed.start < span.end for span in whole):
                self.cut(file, *lineage_removal(file, each, self._of(file)))

    def lineage(self, step: BlockPair) -> None:
        """Remove every comment that names the predecessor, in any form.

        This includes the comment of a successor that was skipped.
        """
        own = step.predecessor.in_module.lower()
        for file, each in _lineages_by_name(self._draft.configuration, step).get(own, ()):
            inside = any(
                path == file.path and span.start <= each.removed.start < span.end
                for path, span in self._removed_spans
            )
            if not inside:
                self.cut(file, *lineage_removal(file, each, self._of(file)))


def _lineages_by_name(
    configuration: Configuration, step: BlockPair
) -> Mapping[str, list[tuple[SourceFile, Lineage]]]:
    """Return the lineage comments of the successor's module by the certificate that they name."""
    key = ("lineages", step.successor.module_path)
    if key not in configuration.memo:
        found: dict[str, list[tuple[SourceFile, Lineage]]] = {}
        for file in configuration.in_module(step.successor.module_path, b"client_certificate"):
            for each in lineages(file) if parses(file) else ():
                if isinstance(each, Lineage):
                    found.setdefault(each.reference.lower(), []).append((file, each))
        configuration.memo[key] = found
    known: Mapping[str, list[tuple[SourceFile, Lineage]]] = configuration.memo[key]
    return known
