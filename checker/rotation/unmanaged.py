"""Rotations of certificates outside Terraform whose id is a literal in the configuration."""

from __future__ import annotations

from checker.model.address import Address, ModuleStep
from checker.model.cases import Cases, DocumentCases, days_between
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.inventory import Inventory
from checker.model.observation import CertificateKey, Found, Gone, Observation, Unanswered
from checker.model.rotation import Blocked, Done, Next, Phase, Rotation, Step, Waiting
from checker.rotation.claims import PassedOver, passed_cautions, unfit
from checker.rotation.hindrances import first_obstacle
from checker.rotation.next_step import repoint_not_applied, repoint_step
from checker.rotation.phase_conditions import repoint_conditions
from checker.rotation.stage_pairs import stage_pairs
from checker.rotation.state import (
    LiteralId,
    LiteralState,
    RotationState,
    stage_addresses,
    successor_name,
)
from checker.rotation.trust_evidence import trust_evidence


def keys_needed(inventory: Inventory) -> frozenset[CertificateKey]:
    """Return the predecessors that only a comment still names, once the stages have moved.

    tfcert asks AWS whether they still exist.
    """
    return frozenset(
        CertificateKey(id=certificate.succeeds_id, place=recorded.place)
        for document in inventory.documents
        if document.declared is not None
        for certificate in document.declared.certificates
        if certificate.succeeds_id is not None
        for recorded in document.certificates
        if recorded.address is not None and recorded.address.block == certificate.block
    )


def literal_rotation(
    cases: Cases,
    document: DocumentCases,
    declared: ConfigurationFacts,
    identity: str,
    name: str | None,
) -> Rotation | None:
    """Return the rotation of a literal id.

    None if the configuration does not contain the id and none of its certificates succeeds it.
    """
    literal = declared.literal(identity)
    claimants = [each for each in declared.certificates if each.succeeds_id == identity]
    if literal is None and not claimants:
        return None
    passed = _passed_over(cases, document, claimants) if literal is not None else ()
    successors = [each for each in claimants if each not in {other for other, _ in passed}]
    state = RotationState(
        cases=cases,
        document=document,
        declared=declared,
        predecessor=LiteralId(id=identity, literal=literal),
        successor=successors[0] if successors else None,
    )
    block = (
        state.successor.block
        if state.successor is not None
        else _new_block(state, name, avoid_declared=bool(passed))
    )
    return Rotation(
        predecessor=None,
        predecessor_ids=state.ids,
        successor=block,
        step=_several(successors) if len(successors) > 1 else _step(state, block),
        back=_rollback(state),
        stages=stage_addresses(state.presenters),
        introduced=bool(successors),
        conditions=tuple(repoint_conditions(state, block)),
        evidence=trust_evidence(state),
        pairs=stage_pairs(state),
        passed_over=tuple(each.block for each, _ in passed),
        cautions=(
            *passed_cautions(passed),
            *(literal.cautions if literal is not None else ()),
            *(
                each
                for successor in successors
                for each in successor.cautions
                if each.phase is Phase.ROLLBACK
            ),
        ),
    )


def _passed_over(
    cases: Cases, document: DocumentCases, claimants: list[DeclaredCertificate]
) -> PassedOver:
    """Return the successors that have ended or are near their end.

    Another one is introduced while the id is still in the configuration.
    """
    reasons = ((each, unfit(cases, document, (), each)) for each in claimants)
    return tuple((each, reason) for each, reason in reasons if reason)


def _several(successors: list[DeclaredCertificate]) -> Blocked:
    names = ", ".join(str(each.block) for each in successors)
    return Blocked(
        f"more than one certificate claims to succeed it: {names}",
        "keep one `# tfcert: succeeds` comment",
    )


def _new_block(state: LiteralState, name: str | None, *, avoid_declared: bool) -> Address:
    """Return the block that introduce writes, beside the stage that has the id.

    With `avoid_declared` it takes no name that a certificate of the configuration has.
    """
    literal = state.predecessor.literal
    assert literal is not None  # noqa: S101 -- without a successor there is a literal
    stage = min(literal.stages, key=str)
    kind = (
        "aws_api_gateway_client_certificate"
        if stage.type.startswith("aws_")
        else "awscc_apigateway_client_certificate"
    )
    taken = frozenset(
        each.block.name for each in (state.declared.certificates if avoid_declared else ())
    )
    return Address(
        kind,
        name or successor_name(stage.name, state.cases.as_of.date(), (), taken),
        None,
        tuple(ModuleStep(step) for step in literal.module),
    )


def _step(state: LiteralState, block: Address) -> Step:
    successor = state.successor
    if successor is None:
        if state.declared.certificate(block) is not None:
            return Blocked(f"the name {block} is taken by another block", "choose one with --name")
        return _hindered(state) or Next(Phase.INTRODUCE)
    if state.predecessor.literal is not None:
        return repoint_step(state, successor, _hindered(state))
    if not state.presenters:
        return _left_over(state)
    names = ", ".join(sorted(str(stage.address) for stage in state.presenters))
    if state.uncovered_blocks(successor.stages):
        return Blocked(
            f"{names} still presents it, and takes its id from elsewhere",
            "move that stage manually",
        )
    return repoint_not_applied(state, names)


def _hindered(state: LiteralState) -> Blocked | None:
    """Return why repoint would not move every stage that presents the certificate."""
    literal, successor = state.predecessor.literal, state.successor
    blocked = first_obstacle(literal.obstacles if literal is not None else ())
    if blocked is not None:
        return blocked
    moved = {
        *(literal.stages if literal is not None else ()),
        *(successor.stages if successor is not None else ()),
    }
    for stage in state.uncovered_blocks(moved):
        return Blocked(
            f"{stage.address} presents it too, and takes its id from somewhere else",
            "move that stage manually, at the source of its id",
        )
    return None


def _answer(state: LiteralState) -> Observation | None:
    """Return the answer of AWS about the predecessor, in whichever place it was asked for."""
    answers = state.cases.observations.certificates.items()
    return next((answer for key, answer in answers if key.id == state.predecessor.id), None)


def _left_over(state: LiteralState) -> Step:
    """Return the step after repoint: a user deletes the certificate, since no patch can.

    The user may do so once AWS shows no stage that presents it.
    """
    identity = state.predecessor.id
    match _answer(state):
        case Gone():
            return Done()
        case Found():
            return Blocked(
                f"certificate {identity} is not managed by Terraform, so no patch can delete it",
                "once `aws apigateway get-stages` and `tfcert` show no stage that presents it: "
                "`aws apigateway delete-client-certificate --client-certificate-id "
                f"{identity}`",
            )
        case Unanswered(reason=reason):
            return Waiting(
                f"AWS has not confirmed whether {identity} still exists: {reason}",
                unverified=True,
            )
        case None:
            return Waiting(f"AWS was not asked whether {identity} still exists", unverified=True)


def _rollback(state: LiteralState) -> Step:
    successor = state.successor
    if successor is None or not successor.pointers:
        return Waiting(
            "nothing refers to a successor of it: the repoint phase is not written, and there is "
            "nothing to roll back"
        )
    identity = state.predecessor.id
    match _answer(state):
        case Gone():
            return Blocked(
                f"AWS does not know {identity} any more",
                "keep its successor, or rotate to another one",
            )
        case Found(expires_at=end):
            if days_between(state.cases.as_of, end) < 0:
                return Blocked(
                    f"{identity} ended on {end:%Y-%m-%d}",
                    "keep its successor, or rotate to another one",
                )
            return Next(Phase.ROLLBACK)
        case Unanswered() | None:
            return Waiting(f"AWS has not confirmed that {identity} still exists", unverified=True)
