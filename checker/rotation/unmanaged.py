"""Rotations of certificates outside Terraform whose id is a literal in the configuration."""

from __future__ import annotations

from msgspec import Struct

from checker.model.address import Address, ModuleStep
from checker.model.cases import Cases, DocumentCases, days_between
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate, DeclaredLiteral
from checker.model.inventory import Inventory
from checker.model.observation import CertificateKey, Found, Gone, Observation, Unanswered
from checker.model.resources import Stage
from checker.model.rotation import Blocked, Done, Next, Phase, Rotation, Step, Waiting
from checker.rotation.claims import passed_cautions, unfit
from checker.rotation.next_step import inside_window, repoint_not_applied, successor_unready
from checker.rotation.state import (
    RotationState,
    conditions,
    stage_addresses,
    successor_name,
)


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


class _Standing(Struct, frozen=True, kw_only=True):
    cases: Cases
    document: DocumentCases
    declared: ConfigurationFacts
    identity: str
    literal: DeclaredLiteral | None
    successor: DeclaredCertificate | None

    @property
    def presenters(self) -> tuple[Stage, ...]:
        return self.document.document.presenting(self.identity)

    @property
    def answer(self) -> Observation | None:
        return next(
            (
                said
                for key, said in self.cases.observations.certificates.items()
                if key.id == self.identity
            ),
            None,
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
    claimants = tuple(each for each in declared.certificates if each.succeeds_id == identity)
    # A successor that has ended or is near its end is passed over while the id is still in the
    # configuration: another one is introduced.
    passed = tuple(
        (each, why)
        for each in claimants
        if literal is not None and (why := unfit(cases, document, (), each))
    )
    successors = tuple(each for each in claimants if each not in {other for other, _ in passed})
    if literal is None and not claimants:
        return None
    standing = _Standing(
        cases=cases,
        document=document,
        declared=declared,
        identity=identity,
        literal=literal,
        successor=successors[0] if successors else None,
    )
    block = (
        successors[0].block
        if successors
        else _named(literal, cases, name, declared if passed else None)
    )
    step = _step(standing, block) if len(successors) < 2 else _several(successors)
    return Rotation(
        predecessor=None,
        predecessor_ids=(identity,),
        successor=block,
        step=step,
        back=_back(standing),
        stages=stage_addresses(standing.presenters),
        introduced=bool(successors),
        conditions=tuple(
            each for each in conditions(_of(standing, block), block) if each.phase is Phase.REPOINT
        ),
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


def _several(successors: tuple[DeclaredCertificate, ...]) -> Blocked:
    names = ", ".join(str(each.block) for each in successors)
    return Blocked(
        f"more than one certificate claims to succeed it: {names}",
        "keep one `# tfcert: succeeds` comment",
    )


def _named(
    literal: DeclaredLiteral | None,
    cases: Cases,
    name: str | None,
    declared: ConfigurationFacts | None,
) -> Address:
    assert literal is not None  # noqa: S101 -- without a successor there is a literal
    first = min(literal.stages, key=str)
    kind = (
        "aws_api_gateway_client_certificate"
        if first.type.startswith("aws_")
        else "awscc_apigateway_client_certificate"
    )
    modules = tuple(ModuleStep(step) for step in literal.module)
    taken = (
        frozenset(each.block.name for each in declared.certificates)
        if declared is not None
        else frozenset()
    )
    return Address(
        kind, name or successor_name(first.name, cases.as_of.date(), (), taken), None, modules
    )


def _of(standing: _Standing, block: Address) -> RotationState:
    """Return the rotation state of the successor alone, to check its conditions and readiness.

    It is its own block, and has no predecessor in state.
    """
    return RotationState(
        cases=standing.cases,
        document=standing.document,
        declared=standing.declared,
        block=block,
        own=(),
        declaration=None,
        successor=standing.successor,
    )


def _step(standing: _Standing, block: Address) -> Step:
    literal, successor = standing.literal, standing.successor
    if successor is None:
        if standing.declared.certificate(block) is not None:
            return Blocked(f"the name {block} is taken by another block", "choose one with --name")
        return _hindered(standing) or Next(Phase.INTRODUCE)
    if literal is not None:
        unready = successor_unready(_of(standing, block), successor)
        return (
            unready
            if isinstance(unready, Blocked)
            else _hindered(standing)
            or unready
            or inside_window(_of(standing, block))
            or Next(Phase.REPOINT)
        )
    if standing.presenters:
        names = ", ".join(sorted(str(stage.address) for stage in standing.presenters))
        covered = all(
            stage.address is not None and stage.address.block in successor.stages
            for stage in standing.presenters
        )
        if not covered:
            return Blocked(
                f"{names} still presents it, and takes its id from elsewhere",
                "move that stage by hand",
            )
        return repoint_not_applied(_of(standing, block), names)
    return _left_over(standing)


def _hindered(standing: _Standing) -> Blocked | None:
    literal = standing.literal
    for obstacle in literal.obstacles if literal is not None else ():
        where = f" ({obstacle.location})" if obstacle.location is not None else ""
        return Blocked(f"{obstacle.reason}{where}", obstacle.remedy)
    moved = {
        *(literal.stages if literal is not None else ()),
        *(standing.successor.stages if standing.successor else ()),
    }
    for stage in standing.presenters:
        if stage.address is None or stage.address.block not in moved:
            return Blocked(
                f"{stage.address} presents it too, and takes its id from somewhere else",
                "move that stage by hand where its id comes from",
            )
    return None


def _left_over(standing: _Standing) -> Step:
    """Return the step after repoint: a user deletes the certificate, since no patch can.

    The user may do so once AWS shows no stage that presents it.
    """
    match standing.answer:
        case Gone():
            return Done()
        case Found():
            return Blocked(
                f"certificate {standing.identity} is not Terraform's, so no patch can delete it",
                "once `aws apigateway get-stages` and `tfcert` show no stage that presents it: "
                "`aws apigateway delete-client-certificate --client-certificate-id "
                f"{standing.identity}`",
            )
        case Unanswered(reason=reason):
            return Waiting(
                f"AWS has not said whether {standing.identity} still lives: {reason}",
                unverified=True,
            )
        case None:
            return Waiting(
                f"AWS was not asked whether {standing.identity} still lives", unverified=True
            )


def _back(standing: _Standing) -> Step:
    successor = standing.successor
    if successor is None or not successor.pointers:
        return Waiting(
            "nothing refers to a successor of it: the repoint phase is not written, and there is "
            "nothing to roll back"
        )
    match standing.answer:
        case Gone():
            return Blocked(
                f"AWS does not know {standing.identity} any more",
                "go on with its successor, or rotate to another one",
            )
        case Found(expires_at=end):
            if days_between(standing.cases.as_of, end) < 0:
                return Blocked(
                    f"{standing.identity} ended on {end:%Y-%m-%d}",
                    "go on with its successor, or rotate to another one",
                )
            return Next(Phase.ROLLBACK)
        case Unanswered() | None:
            return Waiting(
                f"AWS has not confirmed that {standing.identity} still lives", unverified=True
            )
