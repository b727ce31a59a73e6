"""Which rotations there are: what is due, and what is under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from checker.domain.address import Address
from checker.domain.cases import Case, Cases, DocumentCases, Evidence
from checker.domain.declared import Declared
from checker.domain.inventory import Inventory
from checker.domain.place import Place
from checker.domain.rotation import SERIES, Blocked, Caution, Done, Next, Phase, Rotation, Waiting, in_order
from checker.domain.subjects import subjects
from checker.domain.value import replace
from checker.rotation.conditions import conditions
from checker.rotation.left_to_acm import left_to_acm
from checker.rotation.naming import successor_name
from checker.rotation.rollback import rollback
from checker.rotation.standing import Standing
from checker.rotation.steps import step
from checker.rotation.unmanaged import unmanaged
from checker.rotation.unpatched import place_scanned, unpatched
from checker.rotation.without_patch import addresses, dated, not_in_this_state, told_only


def plan_rotations(cases: Cases, *, name: str | None = None, even_if_not_due: bool = False) -> tuple[Rotation, ...]:
    """Every rotation of every document, in the order of its predecessor's end.

    `name` overrides the successor's name; `even_if_not_due` adds those of certificates that do not near their end.
    """
    found: dict[tuple[str | None, str, Address | None], Rotation] = {}
    for document in cases.documents:
        declared = document.document.declared
        home = declared.directory if declared is not None else place_scanned(document)
        for rotation in _of_document(cases, document, name, even_if_not_due=even_if_not_due):
            key = (home, rotation.label, rotation.successor)
            found[key] = min(found.get(key, rotation), rotation, key=_caution)
    return in_order(found.values())


def _caution(rotation: Rotation) -> int:
    """How little may be done: of several states of one configuration, as workspaces have, the one that lags behind decides."""
    match rotation.step:
        case Blocked():
            return 0
        case Waiting(unverified=unverified):
            return 1 if unverified else 2
        case Next(phase=phase):
            return 3 + SERIES.index(phase)
        case Done():
            return 6


def surveys_needed(inventory: Inventory) -> frozenset[Place]:
    """The places whose stages AWS must list: where a plan destroys a certificate, or one may be ready to be retired."""
    places: set[Place] = set()
    for document in inventory.documents:
        leaving = {
            change.before.id
            for change in (document.plan.certificates if document.plan is not None else ())
            if change.action.destroys and change.before is not None
        }
        declared = document.declared
        for subject in subjects(document):
            address = subject.certificate.address
            retiring = declared is not None and address is not None and _may_retire(declared, address.block)
            if subject.key is not None and (subject.certificate.id in leaving or retiring):
                places.add(subject.key.place)
    return frozenset(places)


def _may_retire(declared: Declared, block: Address) -> bool:
    declaration = declared.certificate(block)
    return bool(declared.successors(block)) and (declaration is None or not declaration.pointers)


def _of_document(cases: Cases, document: DocumentCases, name: str | None, *, even_if_not_due: bool) -> Iterator[Rotation]:
    declared = document.document.declared
    under = {id(case): _under(cases, document, (case,)) for case in document.cases if case.subject.presented_by}
    due = [case for case in document.cases if _due(under.get(id(case)), case, even_if_not_due=even_if_not_due)]
    left = [(case, left_to_acm(under.get(id(case), cases), case, even_if_not_due=even_if_not_due)) for case in document.cases]
    yield from (told_only(under[id(case)], case, why) for case, why in left if why is not None)
    if declared is None:
        yield from (told_only(under[id(case)], case, unpatched(document, case)) for case in due)
        return
    for identity, case in _loose(declared, due).items():
        own = under[id(case)] if case is not None else cases
        rotation = unmanaged(own, document, declared, identity, case, name)
        if rotation is not None:
            yield dated(own, rotation, (case,)) if case is not None else rotation
        elif case is not None:
            yield not_in_this_state(own, declared, case)
    for block in _blocks(document, declared, due):
        yield _rotation(_under(cases, document, document.of_block(block)), document, declared, block, name)


def _under(cases: Cases, document: DocumentCases, own: tuple[Case, ...]) -> Cases:
    """The same with the strictest policy that these certificates stand under."""
    if not cases.policy.scopes:
        return cases
    from checker.domain.scoping import policy_of

    return replace(cases, policy=policy_of(cases, document, own))


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


def _due(cases: Cases | None, case: Case, *, even_if_not_due: bool) -> bool:
    if cases is None or case.certificate.kind == "acm" or case.id is None:
        return False
    return even_if_not_due or case.evidence is Evidence.GONE or case.within(cases.policy.notice_days)


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
        ),
        standing.own,
    )


def _cautions(standing: Standing) -> Iterator[Caution]:
    """Rollback edits where the successor is referred to, every other phase where the predecessor is."""
    for declaration, back in ((standing.declaration, False), (standing.successor, True)):
        if declaration is not None:
            yield from (caution for caution in declaration.cautions if (caution.phase is Phase.ROLLBACK) == back)


def _named(block: Address, name: str | None, as_of: datetime) -> Address:
    return replace(block, name=name or successor_name(block.name, as_of.date()))
