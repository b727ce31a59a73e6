"""Which rotations there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from checker.analysis.certificate_uses import certificate_uses
from checker.analysis.succession import Guess, Succession
from checker.model.address import Address, AddressError, parse, print_key
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.inventory import Document, Inventory
from checker.model.observation import AcmDoesNotRenew, AcmRenews, Found
from checker.model.places import Place
from checker.model.policy import Policy
from checker.model.rotation import (
    SERIES,
    Blocked,
    Caution,
    Done,
    Next,
    Phase,
    Rotation,
    TakenUp,
    TrustConsumer,
    Waiting,
    sort_rotations,
)
from checker.rotation.claims import claim, passed_cautions, unfit
from checker.rotation.next_step import next_step, removal
from checker.rotation.rollback import rollback
from checker.rotation.state import (
    RotationState,
    conditions,
    foreign_rotation,
    stage_addresses,
    successor_name,
    unwritten_rotation,
    with_deadlines,
)
from checker.rotation.taken_out import block_of, taken_out
from checker.rotation.unmanaged import literal_rotation


def place_scanned(document: DocumentCases) -> str | None:
    """The account and region that a document of a scan is of: addresses recur in them, and mean other certificates."""
    return document.document.source.path if document.document.source.kind == "aws" else None


def unpatched(document: DocumentCases, case: Case) -> Blocked:
    """Why there is no patch, and who rotates it instead."""
    if document.document.source.kind != "aws":
        return Blocked(
            "the configuration is not at hand",
            "pass the folder of its .tf files with --config to get patches",
        )
    where = f"certificate {case.id} ({case.certificate.place})"
    match case.certificate.managed:
        case True:
            return Blocked(
                f"{where} is Terraform's, and a scan writes no patches",
                "run `tfcert patch` where its state is",
            )
        case False:
            return Blocked(
                f"{where} is in no state that was given",
                "rotate it by hand: `tfcert scan` prints the steps",
            )
        case None:
            return Blocked(
                f"whether {where} is Terraform's is not known: no state that was given says it",
                "give `tfcert scan` the states; what is in none of them is rotated by hand, by the steps that it prints",
            )


_ELSEWHERE = "it is a certificate of ACM, which tfcert leaves alone: the stage follows what ACM has under the ARN"


def acm_rotation(cases: Cases, case: Case, *, even_if_not_due: bool) -> Blocked | Waiting | None:
    """Why a certificate of ACM that stages present and that is due gets no patch, and what a person does; None for any other."""
    if case.certificate.kind != "acm" or not case.subject.presented_by or case.id is None:
        return None
    if not (
        even_if_not_due or case.evidence is Evidence.GONE or case.within(cases.policy.notice_days)
    ):
        return None
    match case.observation:
        case Found(renewal=AcmRenews()):
            return Waiting(f"{_ELSEWHERE}, and ACM renews it by itself")
        case Found(renewal=AcmDoesNotRenew(reason=reason, remedy=remedy)):
            return Blocked(f"{_ELSEWHERE}; {reason}", remedy)
        case _:
            return Blocked(
                _ELSEWHERE,
                "look at it in ACM (`aws acm describe-certificate`), and re-import or replace it there",
            )


def plan_rotations(
    cases: Cases, *, name: str | None = None, even_if_not_due: bool = False
) -> tuple[Rotation, ...]:
    """Every rotation of every document, in the order of its predecessor's end.

    `name` overrides the successor's name; `even_if_not_due` adds those of certificates that do not near their end.
    """
    under = _policies(cases)
    found: dict[tuple[str | None, str, Address | None], Rotation] = {}
    for document in cases.documents:
        if _is_outdated(cases, document):
            continue
        home = _home(document)
        for rotation in _of_document(
            cases, document, partial(under, document), name, even_if_not_due=even_if_not_due
        ):
            key = (home, rotation.label, rotation.successor)
            found[key] = min(found.get(key, rotation), rotation, key=_caution)
    return sort_rotations(found.values())


def _home(document: DocumentCases) -> str | None:
    declared = document.document.declared
    return declared.directory if declared is not None else place_scanned(document)


def _is_outdated(cases: Cases, document: DocumentCases) -> bool:
    """Whether a state at hand has done already what the document's plan does: then the state decides."""
    stale = document.stale
    return stale is not None and any(
        other.document.source.path == stale.by and _home(other) == _home(document)
        for other in cases.documents
    )


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


def surveys_needed(inventory: Inventory, policy: Policy, as_of: datetime) -> frozenset[Place]:
    """The places whose stages AWS must list.

    That is where a plan destroys a certificate, where one may be ready to be retired, and where one is due that no recorded stage
    presents: a stage outside Terraform may.
    """
    places: set[Place] = set()
    notice = timedelta(days=max((policy.notice_days, *_notices(policy))))
    for document in inventory.documents:
        leaving = {
            change.before.id
            for change in (document.plan.certificates if document.plan is not None else ())
            if change.action.destroys and change.before is not None
        }
        declared = document.declared
        left = _left_over(document, as_of) if declared is not None else frozenset()
        for subject in certificate_uses(document):
            address = subject.certificate.address
            retiring = (
                declared is not None
                and address is not None
                and _may_retire(declared, address.block)
            )
            retiring = retiring or (address is not None and address.block in left)
            end = subject.certificate.expires_at
            unseen = (
                not subject.presented_by
                and subject.certificate.kind == "gateway"
                and (end is None or end - as_of <= notice)
            )
            if subject.key is not None and (
                subject.certificate.id in leaving or retiring or unseen
            ):
                places.add(subject.key.place)
    return frozenset(places)


def _left_over(document: Document, as_of: datetime) -> frozenset[Address]:
    """The blocks that may be left over, and those that the configuration has no more while the state still has them."""
    from checker.analysis.succession import Succession

    declared = document.declared
    recorded = [
        subject for subject in certificate_uses(document) if subject.certificate.kind == "gateway"
    ]
    succession = Succession(
        document, ((subject, subject.certificate.expires_at, False) for subject in recorded)
    )
    blocks = {
        subject.certificate.address.block
        for subject in recorded
        if subject.certificate.address is not None
    }
    gone = {
        block for block in blocks if declared is not None and declared.certificate(block) is None
    }
    return frozenset({*gone, *(each.block for each, _ in succession.left_over(as_of))})


def _notices(policy: Policy) -> Iterator[int]:
    """The days that some scope calls due from."""
    for scope in policy.scopes:
        for name, setting in scope.values:
            if name in {"notice_days", "threshold_days"} and isinstance(setting, int):
                yield setting


def _may_retire(declared: ConfigurationFacts, block: Address) -> bool:
    declaration = declared.certificate(block)
    return bool(declared.successors(block)) and (declaration is None or not declaration.pointers)


def _of_document(
    cases: Cases,
    document: DocumentCases,
    policed: Callable[[tuple[Case, ...]], Cases],
    name: str | None,
    *,
    even_if_not_due: bool,
) -> Iterator[Rotation]:
    declared = document.document.declared
    used = (
        case
        for case in document.cases
        if case.subject.now or (case.presented and document.document.plan is None)
    )
    under = {id(case): policed((case,)) for case in used}
    due = [
        case
        for case in document.cases
        if _due(under.get(id(case)), case, even_if_not_due=even_if_not_due)
    ]
    left = [
        (case, acm_rotation(under.get(id(case), cases), case, even_if_not_due=even_if_not_due))
        for case in document.cases
    ]
    yield from (
        unwritten_rotation(under[id(case)], case, why) for case, why in left if why is not None
    )
    if declared is None:
        yield from (
            unwritten_rotation(under[id(case)], case, unpatched(document, case)) for case in due
        )
        return

    yield from configured_rotations(cases, document, due, policed, name=name)


def _policies(cases: Cases) -> Callable[[DocumentCases, tuple[Case, ...]], Cases]:
    """What gives the same cases with the strictest policy that some certificates of a document stand under."""
    if not cases.policy.scopes:
        return lambda _document, _own: cases
    from checker.analysis.scoping import Scoping

    scoping = Scoping(cases)
    return lambda document, own: replace(cases, policy=scoping.policy_of(document, own))


def _due(cases: Cases | None, case: Case, *, even_if_not_due: bool) -> bool:
    if cases is None or case.certificate.kind == "acm" or case.id is None:
        return False
    return (
        even_if_not_due or case.evidence is Evidence.GONE or case.within(cases.policy.notice_days)
    )


def configured_rotations(
    cases: Cases,
    document: DocumentCases,
    due: list[Case],
    under: Callable[[tuple[Case, ...]], Cases],
    *,
    name: str | None,
) -> Iterator[Rotation]:
    """What is due, under way or left over; `under` gives the cases with the policy that some certificates stand under."""
    declared = document.document.declared
    if declared is None:
        return
    missing = _taken_out(declared, document)
    for block, several in missing.items():
        yield taken_out(under(several), declared, block, several)
    for identity, case in _loose(declared, due, missing).items():
        own = under((case,)) if case is not None else cases
        rotation = literal_rotation(own, document, declared, identity, name)
        if rotation is not None:
            successor = rotation.successor
            there = (
                document.of_block(successor)
                if rotation.introduced and successor is not None
                else ()
            )
            yield with_deadlines(own, rotation, (case,), there) if case is not None else rotation
        elif case is not None:
            yield foreign_rotation(own, declared, case)
    succession = Succession.of_cases(document)
    blocks = _blocks(document, declared, due, succession)
    left = {each.block: (each, later) for each, later in succession.left_over(cases.as_of)}
    # What only AWS shows on a stage, outside Terraform, stays a leftover of this configuration where something succeeded it.
    elsewhere = {
        case.address.block
        for case in due
        if case.address is not None and not case.subject.presented_by
    }
    blocks = {block: None for block in blocks if block not in left or block not in elsewhere}
    for block in (each for each in blocks if each not in missing):
        yield _rotation(under(document.of_block(block)), document, succession, block, name)
    for block, (each, later) in left.items():
        if block not in blocks:
            yield _left_over_blocks(under(document.of_block(block)), document, each, later)


def _taken_out(
    declared: ConfigurationFacts, document: DocumentCases
) -> dict[Address, tuple[Case, ...]]:
    """The certificates in use whose block is declared and that the state does not have, by block."""
    found: dict[Address, tuple[Case, ...]] = {}
    for case in document.cases:
        block = block_of(declared, document, case)
        if block is not None:
            found[block] = (*found.get(block, ()), case)
    return found


def _loose(
    declared: ConfigurationFacts, due: list[Case], missing: dict[Address, tuple[Case, ...]]
) -> dict[str, Case | None]:
    """The ids that no address of this state has: under way by their comment, or due; those to be imported have no part in it."""
    back = {case.id for several in missing.values() for case in several}
    under_way = {
        each.succeeds_id: None for each in declared.certificates if each.succeeds_id is not None
    }
    return {
        **under_way,
        **{
            case.id: case
            for case in due
            if case.address is None and case.id is not None and case.id not in back
        },
    }


def _blocks(
    document: DocumentCases, declared: ConfigurationFacts, due: list[Case], succession: Succession
) -> dict[Address, None]:
    """The blocks to rotate: due, under way by their comment or by a manual edit, or gone from the configuration and in state."""
    blocks = dict.fromkeys(case.address.block for case in due if case.address is not None)
    for case in document.cases:
        address = (
            case.address
            if case.subject.presented_by and case.certificate.kind == "gateway"
            else None
        )
        guess = (
            succession.guess(address.block)
            if address is not None and not declared.successors(address.block)
            else None
        )
        if guess is not None and guess.moved:
            blocks[guess.predecessor] = None
    blocks.update(
        dict.fromkeys(each.succeeds for each in declared.certificates if each.succeeds is not None)
    )
    for case in document.cases:
        address = case.address if case.certificate.kind == "gateway" else None
        removed = (
            address is not None
            and case.id is not None
            and declared.certificate(address.block) is None
        )
        if (
            removed
            and address is not None
            and address.module_path in declared.modules
            and not declared.may_declare(address)
        ):
            blocks[address.block] = None
    return blocks


def _rotation(
    cases: Cases, document: DocumentCases, succession: Succession, block: Address, name: str | None
) -> Rotation:
    declared = succession.declared
    found = claim(cases, document, declared, block)
    guess = succession.guess(block) if found.successor is None and name is None else None
    if guess is not None and _is_empty(declared, guess, block, cases.as_of):
        guess = None
    reason = (
        unfit(cases, document, document.of_block(block), guess.successor)
        if guess is not None
        else found.unfit
    )
    passed = found.passed_over
    if guess is not None and reason is not None and not guess.moved:
        passed, guess, reason = (*passed, (guess.successor, reason)), None, None
    standing = RotationState(
        cases=cases,
        document=document,
        declared=declared,
        block=block,
        own=document.of_block(block),
        declaration=declared.certificate(block),
        successor=guess.successor if guess is not None else found.successor,
        guess=guess,
        unfit=reason,
    )
    written = standing.successor is not None
    successor = (
        standing.successor.block
        if standing.successor is not None
        else _named(succession, block, name, cases.as_of, passed)
    )
    planned = with_deadlines(
        cases,
        Rotation(
            predecessor=block,
            predecessor_ids=standing.ids,
            successor=successor if written or standing.declaration is not None else None,
            step=next_step(standing, successor, found.contested),
            back=rollback(standing),
            stages=stage_addresses(standing.presenters),
            introduced=written and guess is None,
            conditions=conditions(standing, successor),
            cautions=(*_cautions(standing), *passed_cautions(passed), *_spares(succession, block)),
            trust=_trust(standing),
            taken_up=TakenUp(guess=guess.text, applied=guess.applied)
            if guess is not None
            else None,
            passed_over=tuple(each.block for each, _ in passed),
            instances=tuple(
                Address(successor.type, successor.name, case.address.key, case.address.modules)
                for case in standing.own
                if case.address is not None
            ),
        ),
        standing.own,
        standing.successor_cases,
    )
    # What is only deleted has no deadlines.
    mere = standing.declaration is None and standing.successor is None and not standing.presenters
    if mere or _is_unused(standing):
        planned = replace(planned, introduce_by=None, repoint_by=None)
    return planned if mere else _named_unused(standing, planned)


def _is_unused(standing: RotationState) -> bool:
    """Whether no stage presents the predecessor or its successor, as in a file copied elsewhere."""
    every = (*standing.own, *standing.successor_cases)
    used = any(case.presented or case.subject.presented_by for case in every)
    return bool(standing.own) and not standing.presenters and not used


def _named_unused(standing: RotationState, planned: Rotation) -> Rotation:
    """Name a certificate that no stage presents as that, where AWS was not asked about others."""
    step = planned.step
    if not isinstance(step, Waiting) or not step.unverified or step.until is not None:
        return planned
    if not _is_unused(standing):
        return planned
    where = "plan" if standing.document.document.plan is not None else "state"
    said = f"no stage in this {where} presents it; {step.reason}"
    return replace(planned, step=replace(step, reason=said))


def _spares(succession: Succession, block: Address) -> Iterator[Caution]:
    for each in succession.spares(block):
        for phase in (Phase.REPOINT, Phase.RETIRE):
            yield Caution(
                phase=phase,
                text=f"{each.block} ({each.location}) looks like a second successor, and nothing refers to it: no phase uses it; "
                "if it is not for something else, remove its block in an apply of its own",
            )


def _is_empty(declared: ConfigurationFacts, guess: Guess, block: Address, as_of: datetime) -> bool:
    """Whether only its name speaks for a guess: it is the name that introduce would choose, and the block has none of the rest."""
    own, other = declared.certificate(block), guess.successor
    same = other.block == replace(block, name=successor_name(block.name, as_of.date()))
    described = own is not None and own.description is not None and other.description is None
    return same and described and not (guess.moved or guess.applied or guess.several)


def _left_over_blocks(
    cases: Cases,
    document: DocumentCases,
    each: DeclaredCertificate,
    later: DeclaredCertificate | None,
) -> Rotation:
    """The removal of a certificate that nobody retired; it has no deadlines."""
    own = document.of_block(each.block)
    standing = RotationState(
        cases=cases,
        document=document,
        declared=_declared(document),
        block=each.block,
        own=own,
        declaration=each,
        successor=later,
    )
    ends = [case.expires_at for case in own if case.expires_at is not None]
    return Rotation(
        predecessor=each.block,
        predecessor_ids=standing.ids,
        successor=later.block if later is not None else None,
        step=removal(standing),
        end=min(ends, default=None),
        conditions=tuple(
            each for each in conditions(standing, each.block) if each.phase is Phase.RETIRE
        ),
        cautions=tuple(caution for caution in each.cautions if caution.phase is Phase.RETIRE),
        trust=each.trust,
        left_over=True,
    )


def _declared(document: DocumentCases) -> ConfigurationFacts:
    return document.document.declared or ConfigurationFacts(directory="")


def _trust(standing: RotationState) -> tuple[TrustConsumer, ...]:
    """The consumers of the predecessor's PEM; one that the successor's PEM reaches too holds both."""
    own = standing.declaration.trust if standing.declaration is not None else ()
    others = (
        frozenset(each.place for each in standing.successor.trust)
        if standing.successor is not None
        else frozenset()
    )
    return tuple(replace(each, both=each.both or each.place in others) for each in own)


def _cautions(standing: RotationState) -> Iterator[Caution]:
    """Rollback edits where the successor is referred to, every other phase where the predecessor is."""
    guess = standing.guess
    if guess is not None and guess.moved:
        yield from _hashed(standing.declared, guess)
    if guess is not None and guess.moved and not guess.applied:
        for consumer in guess.successor.trust:
            yield Caution(
                phase=Phase.INTRODUCE,
                text=f"{consumer.what} ({consumer.location}) gets the old PEM back, and both with --trust-bundle; else "
                "give the new PEM to the backend manually before repoint: outside Terraform, since each apply writes it again",
            )
    for declaration, back in ((standing.declaration, False), (standing.successor, True)):
        if declaration is not None:
            own = (
                caution
                for caution in declaration.cautions
                if (caution.phase is Phase.ROLLBACK) == back
            )
            # What introduce leaves out of a successor that it writes says nothing about one that is written already.
            yield from (
                each
                for each in own
                if each.phase is not Phase.INTRODUCE or standing.successor is None
            )
    if standing.successor is not None and not standing.successor_cases:
        for run in standing.successor.creation_runs:
            yield Caution(
                phase=Phase.INTRODUCE,
                text=f"{run} of the successor runs when it is created, with the successor alone, in place of the old certificate:"
                " take it out before the apply, and do manually, for both certificates, what it does",
            )


def _hashed(declared: ConfigurationFacts, guess: Guess) -> Iterator[Caution]:
    """What hashes a file that taking up edits: that of the successor's block, of its references, and of its trust consumers."""
    own = guess.successor
    given_back = () if guess.applied else (*own.pointers, *(each.location for each in own.trust))
    edited = {place.file for place in (own.location, *given_back)}
    plan = "the plan of repoint" if guess.applied else "its plan"
    for each in declared.hashes:
        if each.file is None or each.file in edited:
            yield Caution(
                phase=Phase.INTRODUCE,
                text=f"{each.place} hashes {each.file or 'every file'}, which introduce edits: {plan} also replaces what that "
                "triggers, and publishes whatever was not deployed yet",
            )


def _named(
    succession: Succession,
    block: Address,
    name: str | None,
    as_of: datetime,
    passed: tuple[tuple[DeclaredCertificate, str], ...],
) -> Address:
    if name is not None:
        return replace(block, name=name)
    in_use = frozenset(succession.names_in_use(block))
    same = [each.block for each in succession.declared.certificates] if passed else []
    taken = frozenset(
        each.name for each in same if (each.type, each.modules) == (block.type, block.modules)
    )
    return replace(block, name=successor_name(block.name, as_of.date(), in_use, taken))


def choose_rotations(
    cases: Cases, rotations: tuple[Rotation, ...], only: frozenset[str]
) -> Iterator[Rotation]:
    """The rotations of the certificates named, by address or id; all of them where none is named.

    One instance out of several of a block comes out blocked: a copy of the block has all instances, and rotates them at once.
    """
    for rotation in rotations:
        if (
            not only
            or {rotation.label, *rotation.predecessor_ids, *map(str, rotation.passed_over)} & only
        ):
            yield _several(cases, rotation, only)
        elif _instances(rotation, only):
            yield _one_of_several(cases, rotation, _instances(rotation, only))


def _several(cases: Cases, rotation: Rotation, only: frozenset[str]) -> Rotation:
    """By an id that is one instance's, as by its address."""
    if (
        not only
        or {rotation.label, *map(str, rotation.passed_over)} & only
        or rotation.predecessor is None
    ):
        return rotation
    named = tuple(
        case.address
        for case in cases.all
        if case.address is not None
        and case.id in only
        and case.address.block == rotation.predecessor
    )
    return _one_of_several(cases, rotation, named)


def _instances(rotation: Rotation, only: frozenset[str]) -> tuple[Address, ...]:
    return tuple(
        address
        for text in sorted(only)
        if (address := _address(text)) is not None and address.block == rotation.predecessor
    )


def _address(text: str) -> Address | None:
    try:
        return parse(text)
    except AddressError:
        return None


def _one_of_several(cases: Cases, rotation: Rotation, named: tuple[Address, ...]) -> Rotation:
    all_of_it = {
        case.address
        for case in cases.all
        if case.address is not None and case.address.block == rotation.predecessor
    }
    if all_of_it <= set(named):
        return rotation
    first = named[0]
    return replace(
        rotation,
        step=Blocked(
            f"{first} is one of {len(all_of_it)} instances, and a copy of the block would rotate them all",
            f"rotate all of them (--only '{rotation.label}'), or this one by hand: add another key beside "
            f"{print_key(first.key) or 'it'}, apply, let its stage take the new key, apply, and take the old key away "
            "when no stage presents it",
        ),
    )
