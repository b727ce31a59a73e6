"""Plan the rotations of one document whose configuration was parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec.structs import replace

from checker.analysis.succession import Guess, Succession
from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.rotation import Caution, Phase, Rotation, TakenUp, TrustConsumer, Waiting
from checker.rotation.claims import Claim, PassedOver, claim, passed_cautions, unfit
from checker.rotation.next_step import next_step, removal
from checker.rotation.phase_conditions import conditions
from checker.rotation.rollback import rollback
from checker.rotation.stage_pairs import stage_pairs
from checker.rotation.state import (
    ManagedBlock,
    ManagedState,
    RotationState,
    foreign_rotation,
    stage_addresses,
    successor_name,
    with_deadlines,
)
from checker.rotation.taken_out import block_of, taken_out
from checker.rotation.trust_evidence import trust_evidence
from checker.rotation.unmanaged import literal_rotation


def configured_rotations(
    cases: Cases,
    document: DocumentCases,
    due: list[Case],
    under: Callable[[tuple[Case, ...]], Cases],
    *,
    name: str | None,
) -> Iterator[Rotation]:
    """Yield the rotations that are due, under way or left over.

    `under` returns the cases with the strictest policy that applies to the given certificates.
    """
    declared = document.document.declared
    if declared is None:
        return
    missing = _taken_out(declared, document)
    for block, several in missing.items():
        yield taken_out(under(several), declared, block, several)
    for identity, case in _without_address(declared, due, missing).items():
        own = under((case,)) if case is not None else cases
        found = _outside_terraform(own, document, declared, (identity, case), name)
        if found is not None:
            yield found
    succession = Succession.of_cases(document)
    left = {each.block: (each, later) for each, later in succession.left_over(cases.as_of)}
    blocks = _blocks(document, declared, due, succession)
    # A certificate that was succeeded here is left over, even if AWS shows it on a stage outside
    # Terraform.
    elsewhere = {
        case.address.block
        for case in due
        if case.address is not None and not case.subject.presented_by
    }
    rotated = {block: None for block in blocks if block not in left or block not in elsewhere}
    for block in rotated:
        if block not in missing:
            yield _rotation(under(document.of_block(block)), document, succession, block, name)
    for block, (each, later) in left.items():
        if block not in rotated:
            yield _left_over_blocks(under(document.of_block(block)), document, each, later)


def _outside_terraform(
    cases: Cases,
    document: DocumentCases,
    declared: ConfigurationFacts,
    certificate: tuple[str, Case | None],
    name: str | None,
) -> Rotation | None:
    """Return the rotation of a certificate that is not in this state, by its id.

    Its case is None if it is not due: then only a comment names its id, and it has no deadlines.
    """
    identity, case = certificate
    rotation = literal_rotation(cases, document, declared, identity, name)
    if case is None:
        return rotation
    if rotation is None:
        return foreign_rotation(cases, declared, case)
    applied = (
        document.of_block(rotation.successor)
        if rotation.introduced and rotation.successor is not None
        else ()
    )
    return with_deadlines(cases, rotation, (case,), applied)


def _taken_out(
    declared: ConfigurationFacts, document: DocumentCases
) -> dict[Address, tuple[Case, ...]]:
    """Return the certificates in use whose block is declared but missing from state, by block."""
    found: dict[Address, tuple[Case, ...]] = {}
    for case in document.cases:
        block = block_of(declared, document, case)
        if block is not None:
            found[block] = (*found.get(block, ()), case)
    return found


def _without_address(
    declared: ConfigurationFacts, due: list[Case], missing: dict[Address, tuple[Case, ...]]
) -> dict[str, Case | None]:
    """Return the ids that have no address in this state, with their case where one is due.

    An id is among them if a comment names it as the predecessor, or if its certificate is due.
    Certificates that are to be imported are left out.
    """
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
    """Return the blocks to rotate.

    These are blocks that are due, blocks whose rotation is under way (by a comment or by a manual
    edit), and blocks that are in state but no longer in the configuration.
    """
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
    guess, reason, passed = _successor(cases, document, succession, found, guessed=name is None)
    state = RotationState(
        cases=cases,
        document=document,
        declared=declared,
        predecessor=ManagedBlock(
            block=block,
            instances=document.of_block(block),
            declaration=declared.certificate(block),
        ),
        successor=guess.successor if guess is not None else found.successor,
        guess=guess,
        unfit=reason,
    )
    successor = (
        state.successor.block
        if state.successor is not None
        else _new_block(succession, block, name, cases.as_of, passed)
    )
    known = state.successor is not None or state.predecessor.declaration is not None
    planned = with_deadlines(
        cases,
        Rotation(
            predecessor=block,
            predecessor_ids=state.ids,
            successor=successor if known else None,
            step=next_step(state, successor, found.contested),
            back=rollback(state),
            stages=stage_addresses(state.presenters),
            introduced=state.successor is not None and guess is None,
            conditions=conditions(state, successor),
            evidence=trust_evidence(state),
            pairs=stage_pairs(state),
            cautions=(
                *_cautions(state),
                *passed_cautions(passed),
                *_spare_cautions(succession, block),
            ),
            trust=_trust_consumers(state),
            taken_up=TakenUp(guess=guess.text, applied=guess.applied)
            if guess is not None
            else None,
            passed_over=tuple(each.block for each, _ in passed),
            instances=tuple(
                Address(successor.type, successor.name, case.address.key, case.address.modules)
                for case in state.instances
                if case.address is not None
            ),
        ),
        state.instances,
        state.successor_cases,
    )
    return _without_use(state, planned)


def _successor(
    cases: Cases, document: DocumentCases, succession: Succession, found: Claim, *, guessed: bool
) -> tuple[Guess | None, str | None, PassedOver]:
    """Return the guessed successor, why no stage should move to the successor, and what is passed.

    There is a guess only if no comment names a successor and the user gave no name (`guessed`). A
    guess to which no stage moves yet is passed over if it is unfit.
    """
    guess = succession.guess(found.predecessor) if found.successor is None and guessed else None
    if guess is None or _is_empty(succession.declared, guess, found.predecessor, cases.as_of):
        return None, found.unfit, found.passed_over
    reason = unfit(cases, document, document.of_block(found.predecessor), guess.successor)
    if reason is not None and not guess.moved:
        return None, None, (*found.passed_over, (guess.successor, reason))
    return guess, reason, found.passed_over


def _without_use(state: ManagedState, planned: Rotation) -> Rotation:
    """Return the rotation without deadlines where no stage needs them; else as it is."""
    # A certificate that is only deleted has no deadlines.
    only_deleted = (
        state.predecessor.declaration is None and state.successor is None and not state.presenters
    )
    unused = _is_unused(state)
    if only_deleted or unused:
        planned = replace(planned, introduce_by=None, repoint_by=None)
    return _explain_unused(state, planned) if unused and not only_deleted else planned


def _is_unused(state: ManagedState) -> bool:
    """Return whether no stage presents the predecessor or its successor, as in a copied file."""
    every = (*state.instances, *state.successor_cases)
    used = any(case.presented or case.subject.presented_by for case in every)
    return bool(state.instances) and not state.presenters and not used


def _explain_unused(state: ManagedState, planned: Rotation) -> Rotation:
    """Say of an unused certificate that no stage here presents it, if AWS was not asked."""
    step = planned.step
    if not isinstance(step, Waiting) or not step.unverified or step.until is not None:
        return planned
    where = "plan" if state.document.document.plan is not None else "state"
    reason = f"no stage in this {where} presents it; {step.reason}"
    return replace(planned, step=replace(step, reason=reason))


def _spare_cautions(succession: Succession, block: Address) -> Iterator[Caution]:
    for each in succession.spares(block):
        for phase in (Phase.REPOINT, Phase.RETIRE):
            yield Caution(
                phase=phase,
                text=f"{each.block} ({each.location}) looks like a second successor, and nothing "
                "refers to it: no phase uses it; if it is not for something else, remove its block "
                "in a separate apply",
            )


def _is_empty(declared: ConfigurationFacts, guess: Guess, block: Address, as_of: datetime) -> bool:
    """Return whether the name is the only evidence for a guess.

    The successor has the name that introduce would choose, and no description although the
    predecessor has one. No stage moves to it, it is not applied, and there is no other candidate.
    """
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
    """Return the removal of a certificate that was left over; it has no deadlines."""
    own = document.of_block(each.block)
    state = RotationState(
        cases=cases,
        document=document,
        declared=_declared(document),
        predecessor=ManagedBlock(block=each.block, instances=own, declaration=each),
        successor=later,
    )
    ends = [case.expires_at for case in own if case.expires_at is not None]
    return Rotation(
        predecessor=each.block,
        predecessor_ids=state.ids,
        successor=later.block if later is not None else None,
        step=removal(state),
        end=min(ends, default=None),
        conditions=tuple(
            each for each in conditions(state, each.block) if each.phase is Phase.RETIRE
        ),
        cautions=tuple(caution for caution in each.cautions if caution.phase is Phase.RETIRE),
        trust=each.trust,
        left_over=True,
    )


def _declared(document: DocumentCases) -> ConfigurationFacts:
    return document.document.declared or ConfigurationFacts(directory="")


def _trust_consumers(state: ManagedState) -> tuple[TrustConsumer, ...]:
    """Return the consumers of the predecessor's PEM.

    A consumer that also gets the successor's PEM is marked as having both.
    """
    own = state.predecessor.declaration.trust if state.predecessor.declaration is not None else ()
    others = (
        frozenset(each.place for each in state.successor.trust)
        if state.successor is not None
        else frozenset()
    )
    return tuple(_with_both(each) if each.place in others else each for each in own)


def _with_both(consumer: TrustConsumer) -> TrustConsumer:
    """Return a consumer whose text has both PEMs; tfcert edits no other form than its own."""
    return replace(consumer, both=True, joined=consumer.joined if consumer.written else None)


def _cautions(state: ManagedState) -> Iterator[Caution]:
    """Yield the cautions of every phase.

    Cautions about rollback come from the references to the successor, all others from the
    references to the predecessor.
    """
    guess = state.guess
    if guess is not None and guess.moved:
        yield from _hash_cautions(state.declared, guess)
    if guess is not None and guess.moved and not guess.applied:
        for consumer in guess.successor.trust:
            yield Caution(
                phase=Phase.INTRODUCE,
                text=f"{consumer.what} ({consumer.location}) gets the old PEM back, and both with "
                "--trust-bundle; else give the new PEM to the backend manually before repoint: "
                "outside Terraform, since each apply writes it again",
            )
    for declaration, back in ((state.predecessor.declaration, False), (state.successor, True)):
        if declaration is not None:
            own = (
                caution
                for caution in declaration.cautions
                if (caution.phase is Phase.ROLLBACK) == back
            )
            # Introduce cautions concern a successor that introduce writes, not an existing one.
            yield from (
                each for each in own if each.phase is not Phase.INTRODUCE or state.successor is None
            )
    if state.successor is not None and not state.successor_cases:
        for run in state.successor.creation_runs:
            yield Caution(
                phase=Phase.INTRODUCE,
                text=f"{run} of the successor runs when it is created, with the successor alone, "
                "in place of the old certificate: take it out before the apply, and do manually, "
                "for both certificates, what it does",
            )


def _hash_cautions(declared: ConfigurationFacts, guess: Guess) -> Iterator[Caution]:
    """Yield a caution for each hash of a file that introduce edits.

    When tfcert takes up a successor, it edits the files of its block, of its references and of its
    trust consumers.
    """
    own = guess.successor
    given_back = () if guess.applied else (*own.pointers, *(each.location for each in own.trust))
    edited = {place.file for place in (own.location, *given_back)}
    plan = "the plan of repoint" if guess.applied else "its plan"
    for each in declared.hashes:
        if each.file is None or each.file in edited:
            yield Caution(
                phase=Phase.INTRODUCE,
                text=f"{each.place} hashes {each.file or 'every file'}, which introduce edits: "
                f"{plan} also replaces what that triggers, and publishes whatever was not deployed "
                "yet",
            )


def _new_block(
    succession: Succession,
    block: Address,
    name: str | None,
    as_of: datetime,
    passed: PassedOver,
) -> Address:
    if name is not None:
        return replace(block, name=name)
    in_use = frozenset(succession.names_in_use(block))
    same = [each.block for each in succession.declared.certificates] if passed else []
    taken = frozenset(
        each.name for each in same if (each.type, each.modules) == (block.type, block.modules)
    )
    return replace(block, name=successor_name(block.name, as_of.date(), in_use, taken))
