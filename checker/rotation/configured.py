"""Rotations of certificates whose configuration is at hand: of a block, or of an id that no address of the state has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from checker.domain.address import Address
from checker.domain.cases import Case, Cases, DocumentCases
from checker.domain.declared import Declared
from checker.domain.rotation import Caution, Phase, Rotation, TrustConsumer
from checker.domain.value import replace
from checker.rotation.conditions import conditions
from checker.rotation.naming import successor_name
from checker.rotation.rollback import rollback
from checker.rotation.standing import Standing
from checker.rotation.steps import step
from checker.rotation.unmanaged import unmanaged
from checker.rotation.without_patch import addresses, dated, not_in_this_state


def configured(
    cases: Cases, document: DocumentCases, due: list[Case], under: Callable[[tuple[Case, ...]], Cases], *, name: str | None
) -> Iterator[Rotation]:
    """What is due, under way or left over; `under` gives the cases with the policy that some certificates stand under."""
    declared = document.document.declared
    if declared is None:
        return
    for identity, case in _loose(declared, due).items():
        own = under((case,)) if case is not None else cases
        rotation = unmanaged(own, document, declared, identity, name)
        if rotation is not None:
            yield dated(own, rotation, (case,)) if case is not None else rotation
        elif case is not None:
            yield not_in_this_state(own, declared, case)
    for block in _blocks(document, declared, due):
        yield _rotation(under(document.of_block(block)), document, declared, block, name)


def _loose(declared: Declared, due: list[Case]) -> dict[str, Case | None]:
    """The ids that no address of this state has: under way by their comment, or due."""
    under_way = {each.succeeds_id: None for each in declared.certificates if each.succeeds_id is not None}
    return {**under_way, **{case.id: case for case in due if case.address is None and case.id is not None}}


def _blocks(document: DocumentCases, declared: Declared, due: list[Case]) -> dict[Address, None]:
    """The blocks to rotate: due, under way by their comment, or gone from the configuration and still in state."""
    blocks = dict.fromkeys(case.address.block for case in due if case.address is not None)
    blocks.update(dict.fromkeys(each.succeeds for each in declared.certificates if each.succeeds is not None))
    for case in document.cases:
        address = case.address if case.certificate.kind == "gateway" else None
        removed = address is not None and case.id is not None and declared.certificate(address.block) is None
        if removed and address is not None and address.module_path in declared.modules and not declared.unread:
            blocks[address.block] = None
    return blocks


def _rotation(cases: Cases, document: DocumentCases, declared: Declared, block: Address, name: str | None) -> Rotation:
    successors = declared.successors(block)
    standing = Standing(
        cases=cases,
        document=document,
        declared=declared,
        block=block,
        own=document.of_block(block),
        declaration=declared.certificate(block),
        successor=successors[0] if successors else None,
    )
    written = standing.successor is not None
    successor = successors[0].block if successors else _named(block, name, cases.as_of)
    return dated(
        cases,
        Rotation(
            predecessor=block,
            predecessor_ids=standing.ids,
            successor=successor if written or standing.declaration is not None else None,
            step=step(standing, successor),
            back=rollback(standing),
            stages=addresses(standing.presenters),
            introduced=written,
            conditions=conditions(standing, successor),
            cautions=tuple(_cautions(standing)),
            trust=_trust(standing),
        ),
        standing.own,
    )


def _trust(standing: Standing) -> tuple[TrustConsumer, ...]:
    """The consumers of the predecessor's PEM; one that the successor's PEM reaches too holds both."""
    own = standing.declaration.trust if standing.declaration is not None else ()
    others = frozenset(each.place for each in standing.successor.trust) if standing.successor is not None else frozenset()
    return tuple(replace(each, both=each.both or each.place in others) for each in own)


def _cautions(standing: Standing) -> Iterator[Caution]:
    """Rollback edits where the successor is referred to, every other phase where the predecessor is."""
    for declaration, back in ((standing.declaration, False), (standing.successor, True)):
        if declaration is not None:
            yield from (caution for caution in declaration.cautions if (caution.phase is Phase.ROLLBACK) == back)


def _named(block: Address, name: str | None, as_of: datetime) -> Address:
    return replace(block, name=name or successor_name(block.name, as_of.date()))
