"""Edit the places that pass the PEM on.

They have both PEMs from introduce on, and only the new one from retire on. Repoint never changes
them. With each edit goes what makes Terraform send it (`checker.hcl.companions`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from checker.errors import UnprovenError
from checker.hcl.comments import hands_pem_on
from checker.hcl.companions.joins import is_single, join_around, join_of, pem_text, renamed_text
from checker.hcl.companions.kinds import Companion, ObjectVersion, RaisedVersion, TriggerOnPem
from checker.hcl.configuration import Configuration
from checker.hcl.consumers import consumers, edited_references, id_arrivals
from checker.hcl.file_hashes import file_hashes
from checker.hcl.proof import AddedArgument, Intent
from checker.hcl.references import Reference
from checker.hcl.splice import Edit
from checker.hcl.syntax import Span
from checker.patches.draft import Draft, Edits
from checker.patches.edits import BlockPair, intent_of, key_of, references_to, renamed_blocks

_Position = tuple[str, int]


class _Place(Struct, frozen=True, kw_only=True):
    """A reference to the predecessor's PEM, and its text.

    `both` is the span of the join around it and around the successor's PEM; None without a join.
    """

    reference: Reference
    both: Span | None

    @property
    def position(self) -> _Position:
        return _position(self.reference)


def add_successor_pem(draft: Draft, step: BlockPair) -> Edits:
    """Give the consumers of the predecessor's PEM the successor's PEM too.

    The successor's PEM is the second, since a backend may trust only the first. A place is left as
    it is if Terraform would not send the edit, or if something that takes its text may break.

    Raises UnprovenError for a place that cannot take two PEMs, and for one in a hashed file.
    """
    configuration = draft.configuration
    found = references_to(configuration, step.predecessor)
    ids = tuple(id_arrivals(configuration, found))
    edited = edited_references(configuration, found, ids)
    given = _given(configuration, step, found)
    places = [
        place
        for place in _places(configuration, step)
        if place.both is None and place.position in edited and place.position not in given
    ]
    for place in places:
        if not is_single(place.reference):
            raise UnprovenError(
                "the PEM is taken from a list of certificates"
                " here, and two cannot be joined in its place",
                where=f"{place.reference.site.file.path}:{place.reference.line}",
                remedy="leave --trust-bundle out, and let it give"
                " both PEMs manually between introduce and repoint",
            )
    companions = _companions(edited, places)
    paths = {
        *(place.reference.site.file.path for place in places),
        *(each.file.path for each in companions),
    }
    hashed = next(file_hashes(configuration, sorted(paths)), None)
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
            text=join_of(
                renamed_text(place.reference, None),
                renamed_text(place.reference, step.successor.name),
            ),
        )
        for place in places
    ]
    return _edits(step, places, edits, companions, joins=1, renames=0)


def drop_predecessor_pem(draft: Draft, step: BlockPair) -> Edits:
    """Remove the predecessor's PEM from every join that `add_successor_pem` wrote.

    There are no edits if there is no join.
    """
    configuration = draft.configuration
    places = [place for place in _places(configuration, step) if place.both is not None]
    edits = [
        Edit(
            path=place.reference.site.file.path,
            span=place.both,
            text=renamed_text(place.reference, step.successor.name),
        )
        for place in places
        if place.both
    ]
    companions: tuple[Companion, ...] = ()
    if places:
        found = references_to(configuration, step.predecessor)
        ids = tuple(id_arrivals(configuration, found))
        companions = _companions(edited_references(configuration, found, ids), places)
    return _edits(step, places, edits, companions, joins=-1, renames=1)


def _given(
    configuration: Configuration, step: BlockPair, found: tuple[Reference, ...]
) -> frozenset[_Position]:
    """Return the references of places to which somebody gave both PEMs, in a form of their own."""
    new = references_to(configuration, step.successor)
    both = {each.place for each in consumers(configuration, new, ())}
    own = consumers(configuration, found, ()) if both else ()
    return frozenset(_position(each.start) for each in own if each.place in both)


def _companions(
    edited: Mapping[_Position, tuple[Companion, ...]], places: Iterable[_Place]
) -> tuple[Companion, ...]:
    """Return the edits that make Terraform send the places, each once."""
    own = (each for place in places for each in edited.get(place.position, ()))
    unique = {(each.file.path, each.span.start): each for each in own}
    return tuple(unique[at] for at in sorted(unique))


def _places(configuration: Configuration, step: BlockPair) -> Iterator[_Place]:
    for reference in references_to(configuration, step.predecessor):
        if hands_pem_on(reference):
            yield _Place(reference=reference, both=join_around(reference, step.successor.name))


def _position(reference: Reference) -> _Position:
    return (reference.site.file.path, reference.name.start)


def _edits(
    step: BlockPair,
    places: list[_Place],
    edits: list[Edit],
    companions: tuple[Companion, ...],
    *,
    joins: int,
    renames: int,
) -> Edits:
    blocks = renamed_blocks(place.reference for place in places)
    return Edits(
        edits=(*edits, *(_companion_edit(step, each) for each in companions)),
        intents=(
            *(
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
            *_companion_intents(step, companions),
        ),
    )


def _companion_edit(step: BlockPair, companion: Companion) -> Edit:
    match companion:
        case RaisedVersion(number=number):
            text = str(number + 1).encode()
        case TriggerOnPem(reference=reference):
            text = join_of(pem_text(reference, None), pem_text(reference, step.successor.name))
        case ObjectVersion():
            text = companion.text
    return Edit(path=companion.file.path, span=companion.span, text=text)


def _companion_intents(
    step: BlockPair, companions: Iterable[Companion]
) -> Iterator[tuple[str, Intent]]:
    for each in companions:
        key = key_of(each.block)
        match each:
            case RaisedVersion(site=site):
                yield each.file.path, intent_of(step, raised=Counter({(key, site.path[0]): 1}))
            case TriggerOnPem():
                yield (
                    each.file.path,
                    intent_of(step, joins={key: 1}, triggers=Counter({(key, each.name): 1})),
                )
            case ObjectVersion():
                argument = AddedArgument(block=key, name=each.name, value=each.value)
                yield each.file.path, intent_of(step, arguments=(argument,))
