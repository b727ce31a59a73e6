"""Edit the places that pass the PEM on.

They have both PEMs from introduce on, and only the new one from retire on. Repoint never changes
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from checker.errors import UnprovenError
from checker.hcl.comments import hands_pem_on
from checker.hcl.configuration import Configuration
from checker.hcl.consumers import Consumer, consumers
from checker.hcl.file_hashes import file_hashes
from checker.hcl.references import Reference
from checker.hcl.splice import Edit
from checker.hcl.syntax import Span
from checker.model.rotation import Delivery
from checker.patches.draft import Draft, Edits
from checker.patches.edits import BlockPair, intent_of, references_to, renamed_blocks


class _Place(Struct, frozen=True, kw_only=True):
    """A reference to the predecessor's PEM, its text, and the same text for the successor.

    `both` is the span of the join around them; None without a join.
    """

    reference: Reference
    old: bytes
    new: bytes
    both: Span | None


def add_successor_pem(draft: Draft, step: BlockPair) -> Edits:
    """Give every consumer of the predecessor's PEM the successor's PEM too.

    The successor's PEM is the second, since a backend may trust only the first. A place under
    ignore_changes is skipped, since Terraform sends no edit of it, and so is one that takes exactly
    one certificate.

    Raises UnprovenError for a place that cannot take two PEMs, and for one that breaks when the PEM
    changes.
    """
    configuration = draft.configuration
    found = consumers(configuration, references_to(configuration, step.predecessor), ())
    breaking = next((each for each in found if each.delivered.delivery in _BREAKING), None)
    if breaking is not None:
        site = breaking.arrival.site
        raise UnprovenError(
            f"{breaking.what} uses the PEM, and an apply that"
            f" changes it breaks there: {breaking.delivered.effect}",
            where=f"{site.file.path}:{breaking.arrival.line}",
            remedy=f"{breaking.delivered.needs}; or leave --trust-bundle out",
        )
    ignored = _unedited(found)
    places = [
        place
        for place in _places(configuration, step)
        if place.both is None
        and (place.reference.site.file.path, place.reference.name.start) not in ignored
    ]
    for place in places:
        if not _is_single(place.reference):
            raise UnprovenError(
                "the PEM is taken from a list of certificates"
                " here, and two cannot be joined in its place",
                where=f"{place.reference.site.file.path}:{place.reference.line}",
                remedy="leave --trust-bundle out, and let it give"
                " both PEMs manually between introduce and repoint",
            )
    hashed = next(
        file_hashes(configuration, sorted({place.reference.site.file.path for place in places})),
        None,
    )
    if hashed is not None:
        raise UnprovenError(
            f"{hashed.hashed or 'every file'} is hashed, and hands the"
            " PEM on: a join in it would trigger the hash in introduce",
            where=f"{hashed.path}:{hashed.line}",
            remedy="leave --trust-bundle out, or let the trigger"
            " depend on the resources rather than on the file",
        )
    edits = [
        Edit(
            path=place.reference.site.file.path,
            span=place.reference.traversal.span,
            text=b'join("\\n", [trimspace(%s), trimspace(%s)])' % (place.old, place.new),
        )
        for place in places
    ]
    return _edits(step, places, edits, joins=1, renames=0)


def drop_predecessor_pem(draft: Draft, step: BlockPair) -> Edits:
    """Remove the predecessor's PEM from every join that `add_successor_pem` wrote.

    There are no edits if there is no join.
    """
    places = [place for place in _places(draft.configuration, step) if place.both is not None]
    edits = [
        Edit(path=place.reference.site.file.path, span=place.both, text=place.new)
        for place in places
        if place.both
    ]
    return _edits(step, places, edits, joins=-1, renames=1)


_BREAKING = frozenset({Delivery.BREAKS, Delivery.KEY})
_UNEDITED = frozenset({Delivery.IGNORED, Delivery.ONE})


def _unedited(found: tuple[Consumer, ...]) -> set[tuple[str, int]]:
    """Return the references whose consumers all take no edit.

    They are under ignore_changes, so that Terraform would never send it, or take one certificate.
    """
    kept: dict[tuple[str, int], bool] = {}
    for consumer in found:
        start = consumer.start
        position = (start.site.file.path, start.name.start)
        kept[position] = kept.get(position, True) and consumer.delivered.delivery in _UNEDITED
    return {position for position, unedited in kept.items() if unedited}


def _places(configuration: Configuration, step: BlockPair) -> Iterator[_Place]:
    for reference in references_to(configuration, step.predecessor):
        if not hands_pem_on(reference):
            continue
        data, span = reference.site.file.data, reference.traversal.span
        old = span.of(data)
        new = (
            data[span.start : reference.name.start]
            + step.successor.name.encode()
            + data[reference.name.end : span.end]
        )
        both = _join_around(reference, old, new)
        yield _Place(reference=reference, old=old, new=new, both=both)


def _is_single(reference: Reference) -> bool:
    """Return whether the reference is one string.

    That is `x.name.pem`, or one instance of it by its key, without a splat.
    """
    steps = reference.traversal.steps
    text = reference.traversal.span.of(reference.site.file.data)
    indexed = len(steps) == 3 and steps[1].name is None
    return (len(steps) == 2 or indexed) and steps[-1].name is not None and b"*" not in text


def _join_around(reference: Reference, old: bytes, new: bytes) -> Span | None:
    attribute, start = reference.site.attribute.span, reference.traversal.span.start
    pattern = re.compile(
        rb'join\(\s*"\\n"\s*,\s*\[\s*trimspace\(\s*(%s)\s*\)\s*,\s*trimspace\(\s*%s\s*\)\s*,?\s*\]\s*\)'
        % (re.escape(old), re.escape(new))
    )
    matches = pattern.finditer(reference.site.file.data, attribute.start, attribute.end)
    found = next((match for match in matches if match.start(1) == start), None)
    return Span(found.start(), found.end()) if found is not None else None


def _edits(
    step: BlockPair, places: list[_Place], edits: list[Edit], *, joins: int, renames: int
) -> Edits:
    blocks = renamed_blocks(place.reference for place in places)
    return Edits(
        edits=tuple(edits),
        intents=tuple(
            (
                path,
                intent_of(
                    step,
                    renamed={key: renames * count for key, count in counts.items()},
                    joins={key: joins * count for key, count in counts.items()},
                ),
            )
            for path, counts in blocks.items()
        ),
    )
