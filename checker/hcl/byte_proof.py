"""Prove that edits change no byte of a file except what they intend.

The structure of a file (`checker.hcl.proof`) has neither comments nor blanks nor the order of
blocks: these are compared here, byte by byte.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

from checker.errors import UnprovenError, UnreadableError
from checker.hcl.comments import attached_comments, speaks_of_succession
from checker.hcl.companions.joins import join_of
from checker.hcl.proof import AnyIntent, Argument, Intent, Names, Replacement
from checker.hcl.readings import BlockKey
from checker.hcl.splice import Edit
from checker.hcl.syntax import BOM, Attribute, Block, SourceFile, Span

_OURS = re.compile(rb"# tfcert: (?:succeeds|PEM of) [\w.-]+(?:, for the backends to trust)?\s*")


def prove_bytes(
    before: SourceFile, after: bytes, edits: Sequence[Edit], intents: Sequence[AnyIntent]
) -> None:
    """Check a text before and after its edits.

    Every byte outside the edits must stay. Each edit must be one of these: a certificate's name
    becomes another; a place has one PEM or both; an id becomes a reference, or the reverse; an id
    in a trigger becomes both PEMs; a number rises by one; an argument is added to a block; whole
    blocks and their comments are added on lines of their own; whole blocks, their comments, a
    lineage comment or a blank line beside them are removed. Raises UnprovenError otherwise.
    """
    check = _Check(before, intents)
    try:
        check.outside(after, edits)
        for edit in edits:
            check.edit(edit)
        check.clones(after)
    except UnreadableError as error:
        raise UnprovenError(
            error.message, where=error.where, remedy="nothing was written"
        ) from error


class _Check:
    def __init__(self, before: SourceFile, intents: Sequence[AnyIntent]) -> None:
        self._before = before
        self._data = before.data
        self._intents = [each for each in intents if isinstance(each, Intent)]
        self._names = Names(self._intents)
        self._renames = {(each.old.encode(), each.new.encode()) for each in self._intents}
        self._replacements = [each for each in intents if isinstance(each, Replacement)]
        self._added = {key for each in self._intents for key in each.added}
        self._removed = Counter(key for each in self._intents for key in each.removed)
        self._blanks = sum(self._removed.values())

    def _refuse(self, why: str, at: int) -> NoReturn:
        raise UnprovenError(
            f"the edit could not be proven: {why}",
            where=f"{self._before.path}:{self._before.line(at)}",
            remedy="nothing was written; edit the file manually, as the runbook describes",
        )

    def outside(self, after: bytes, edits: Sequence[Edit]) -> None:
        """Check that the text after is the text before with the edits, and nothing else."""
        at = there = 0
        for edit in sorted(edits, key=lambda each: (each.span.start, each.span.end)):
            start, length = edit.span.start, edit.span.start - at
            there += length
            if (
                length < 0
                or self._data[at:start] != after[there - length : there]
                or after[there : there + len(edit.text)] != edit.text
            ):
                self._refuse("a byte outside the edit changed", at)
            at, there = edit.span.end, there + len(edit.text)
        if self._data[at:] != after[there:]:
            self._refuse("a byte outside the edit changed", at)

    def edit(self, edit: Edit) -> None:
        """Check that one edit is of a known kind."""
        if not edit.text:
            self._removal(edit.span)
        elif edit.span.start == edit.span.end:
            self._insertion(edit)
        elif not (
            self._is_replacement(edit.span.of(self._data), edit.text)
            or self._is_raised(edit)
            or self._is_trigger(edit)
        ):
            self._refuse("an edit replaces more than a name or an id", edit.span.start)

    def _is_replacement(self, old: bytes, new: bytes) -> bool:
        if (old, new) in self._renames:
            return True
        was, becomes = old.decode("utf-8", "replace"), new.decode("utf-8", "replace")
        pem = "pem_encoded_certificate" in was and "pem_encoded_certificate" in becomes
        if pem and self._names.as_one(was) == self._names.as_one(becomes):
            return True
        return any(
            _is_exchange(was, becomes, each) or _is_exchange(becomes, was, each)
            for each in self._replacements
        )

    def _is_raised(self, edit: Edit) -> bool:
        """Return whether a number of an argument that is to rise becomes one more."""
        found = self._argument(edit.span)
        if found is None or not any(found[0] in each.raised for each in self._intents):
            return False
        was, becomes = edit.span.of(self._data), edit.text
        whole = found[1].value == edit.span and was.isdigit() and becomes.isdigit()
        return whole and becomes == str(int(was) + 1).encode()

    def _is_trigger(self, edit: Edit) -> bool:
        """Return whether an id in a trigger becomes both PEMs, the old one first."""
        found = self._argument(edit.span)
        own = [each for each in self._intents if found and found[0] in each.triggers]
        was = edit.span.of(self._data).decode("utf-8", "replace")
        for intent in own:
            named = re.fullmatch(
                rf"({re.escape(intent.kind)}\s*\.\s*){re.escape(intent.old)}"
                r"(\s*(?:\[[^\]]*\])?\s*\.\s*)(?:id|arn)",
                was,
            )
            if named is not None:
                old, new = (
                    f"{named[1]}{name}{named[2]}pem_encoded_certificate".encode()
                    for name in (intent.old, intent.new)
                )
                return edit.text == join_of(old, new)
        return False

    def _argument(self, span: Span) -> tuple[Argument, Attribute] | None:
        """Return the argument directly in a block that contains a range; None without one."""
        for block in self._before.body.blocks:
            if block.span.start <= span.start and span.end <= block.span.end:
                for attribute in block.body.attributes:
                    if attribute.span.start <= span.start and span.end <= attribute.span.end:
                        return (_key(block), attribute.name), attribute
        return None

    def _is_added_argument(self, edit: Edit) -> bool:
        """Return whether an argument is added on a line of its own in its block."""
        at, data = edit.span.start, self._data
        if data[at - 1 : at] != b"\n":
            return False
        inside = {
            _key(block)
            for block in self._before.body.blocks
            if block.span.start < at < block.span.end
        }
        return any(
            each.block in inside
            and re.fullmatch(
                rb"(?:\r?\n)?[ \t]*%s = %s\r?\n(?:\r?\n)?"
                % (re.escape(each.name.encode()), re.escape(each.value.encode())),
                edit.text,
            )
            for intent in self._intents
            for each in intent.arguments
        )

    def _insertion(self, edit: Edit) -> None:
        if self._is_added_argument(edit):
            return
        at, data = edit.span.start, self._data
        on_its_own = at in {0, 3, len(data)} or data[at - 1 : at] == b"\n"
        blocks = self._before.body.blocks
        above = bisect_left(blocks, at, key=lambda block: block.span.start)
        if not on_its_own or (above and blocks[above - 1].span.end > at):
            self._refuse("something was added inside a line or a block", at)
        added = SourceFile(self._before.path, edit.text)
        if added.body.attributes or any(
            _key(block) not in self._added for block in added.body.blocks
        ):
            self._refuse("an unknown block was added", at)
        known = self._comments()
        for span in added.body.comments:
            text = span.of(edit.text)
            if text.rstrip() not in known and not _OURS.fullmatch(text):
                self._refuse("an unknown comment was added", at)

    def _comments(self) -> set[bytes]:
        """Return the comments that a copy may repeat."""
        if "comment texts" not in self._before.memo:
            self._before.memo["comment texts"] = {
                span.of(self._data).rstrip() for span in self._before.body.comments
            }
        known: set[bytes] = self._before.memo["comment texts"]
        sources = [each.source for each in self._intents if each.source is not None]
        return known.union(
            span.of(source).rstrip()
            for source in sources
            for span in SourceFile(self._before.path, source).body.comments
        )

    def _removal(self, removed: Span) -> None:
        """Check that a removed range has only removed blocks, their comments and a blank line."""
        pieces = [*self._removed_blocks(removed), *self._removed_comments(removed)]
        kept = bytearray(removed.of(self._data))
        for piece in pieces:
            start, end = max(piece.start, removed.start), min(piece.end, removed.end)
            kept[start - removed.start : end - removed.start] = b"x" * (end - start)
        rest = bytes(kept)
        if removed.start == 0:
            rest = rest.removeprefix(BOM)
        if rest.strip(b" \t\r\nx"):
            self._refuse("more than a block and its comments was removed", removed.start)
        self._blanks -= sum(not line.strip() for line in rest.splitlines())
        if self._blanks < 0:
            self._refuse("more blank lines than blocks were removed", removed.start)

    def _removed_blocks(self, removed: Span) -> list[Span]:
        blocks = self._before.body.blocks
        found: list[Span] = []
        first = bisect_right(blocks, removed.start, key=lambda block: block.span.end)
        for block in blocks[first:]:
            if block.span.start >= removed.end:
                break
            key = _key(block)
            if not (removed.start <= block.span.start and block.span.end <= removed.end):
                # A lineage comment inside a block goes without it.
                continue
            if not self._removed[key]:
                self._refuse("another block was removed", block.span.start)
            self._removed[key] -= 1
            found.append(block.span)
        return found

    def _removed_comments(self, removed: Span) -> list[Span]:
        comments = self._before.body.comments
        found: list[Span] = []
        first = bisect_right(comments, removed.start, key=lambda span: span.end)
        for span in comments[first:]:
            if span.start >= removed.end:
                break
            text = span.of(self._data)
            if speaks_of_succession(text.decode("utf-8", "replace")):
                self._blanks += 1
            elif not self._goes_with_block(span, removed):
                self._refuse("a comment was removed", span.start)
            found.append(span)
        return found

    def _goes_with_block(self, span: Span, removed: Span) -> bool:
        """Return whether a comment is inside, directly above or at the end of a removed block."""
        blocks = self._before.body.blocks
        at = bisect_right(blocks, span.start, key=lambda block: block.span.start)
        for block in blocks[max(at - 1, 0) : at + 1]:
            inside = removed.start <= block.span.start and block.span.end <= removed.end
            above = attached_comments(self._before, block)
            line_end = self._before.line_end(block.span.end)
            start = min(above.start, self._before.line_start(block.span.start))
            if inside and start <= span.start < line_end:
                return True
        return False

    def clones(self, after: bytes) -> None:
        """Check that each copy has the comments of its model, in order."""
        file = SourceFile(self._before.path, after)
        for intent in self._intents:
            if intent.clone_of is None:
                continue
            source = (
                self._before
                if intent.source is None
                else SourceFile(self._before.path, intent.source)
            )
            models = source.blocks(*_flat(intent.clone_of))
            for key in intent.added:
                copies = file.blocks(*_flat(key)) if key[0] == "resource" else ()
                for model, copy in zip(models[:1], copies[:1], strict=False):
                    text = model.span.of(source.data)
                    # Lineage and exemptions stay with the predecessor.
                    if b"tfcert" not in text and _inside(source, model) != _inside(file, copy):
                        self._refuse("a comment was lost in the copy", model.span.start)


def _inside(file: SourceFile, block: Block) -> list[bytes]:
    comments = file.body.comments
    first = bisect_left(comments, block.span.start, key=lambda span: span.start)
    last = bisect_left(comments, block.span.end, key=lambda span: span.start)
    return [span.of(file.data) for span in comments[first:last]]


def _key(block: Block) -> BlockKey:
    return (block.type, block.labels)


def _flat(key: BlockKey) -> tuple[str, ...]:
    return (key[0], *key[1])


def _is_exchange(plain: str, reference: str, intent: Replacement) -> bool:
    """Return whether a plain text and a reference are exchanged, each with or without its signs."""
    texts = {each.strip('"') for each in intent.plain}
    return plain.strip('"') in texts and reference.strip(' ${}"') == intent.reference
