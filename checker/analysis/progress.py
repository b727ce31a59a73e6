"""The progress of a rotation: its recorded successor, and what a plan does for it."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.address import Address
from checker.model.cases import Case, DocumentCases, Evidence
from checker.model.observation import Found
from checker.model.plan import Action, CertificateChange, Plan
from checker.model.policy import Policy
from checker.model.resources import Presents, PresentsPlanned


def successor_in_state(document: DocumentCases, case: Case) -> Case | None:
    """Return the recorded successor of a certificate, by lineage; None if there is no successor.

    A certificate that AWS does not know, or that ends no later, does not count.
    """
    if document.document.source.kind == "aws":
        candidates = _described_successors(document, case.id)
    elif case.address is not None:
        candidates = _block_successors(document, case.address)
    else:
        candidates = _id_successors(document, case.id)
    return next((other for other in candidates if _outlasts(other, case)), None)


def _described_successors(document: DocumentCases, identity: str | None) -> Iterator[Case]:
    """Yield the certificates of a scan whose description names the predecessor.

    In a scan no certificate is in state. The manual steps write that description.
    """
    for other in document.cases:
        observed = other.observation
        if identity and isinstance(observed, Found) and observed.succeeds == identity:
            yield other


def _block_successors(document: DocumentCases, address: Address) -> Iterator[Case]:
    """Yield the same instance of each block whose comment names the predecessor's block."""
    declared = document.document.declared
    for successor in declared.successors(address.block) if declared is not None else ():
        for other in document.of_block(successor.block):
            if other.address is not None and other.address.instance == address.instance:
                yield other


def _id_successors(document: DocumentCases, identity: str | None) -> Iterator[Case]:
    """Yield the instances of each block whose comment names the predecessor's id."""
    declared = document.document.declared
    for each in declared.certificates if declared is not None and identity is not None else ():
        if each.succeeds_id == identity:
            yield from document.of_block(each.block)


def takes_forward(document: DocumentCases, case: Case, policy: Policy) -> bool:
    """Return whether the document's plan is the next step of the certificate's rotation.

    Such a plan introduces the successor, or moves stages to a certificate that lasts.
    """
    plan = document.document.plan
    return plan is not None and (
        _introduces(document, plan, case, policy) or _moves(document, plan, case, policy)
    )


def ends_its_use(document: DocumentCases, case: Case) -> bool:
    """Return whether the plan destroys every stage that presents the certificate.

    No stage presents the certificate after such a plan.
    """
    plan = document.document.plan
    if plan is None or not case.subject.now or case.subject.to_be_presented_by:
        return False
    leaving = {change.address for change in plan.stages if change.action is Action.DELETE}
    return all(stage.address in leaving for stage in case.subject.now)


def _introduces(document: DocumentCases, plan: Plan, case: Case, policy: Policy) -> bool:
    declared = document.document.declared
    # The successor is of the same region.
    home = case.certificate.place
    created = [
        change
        for change in _appearing(plan)
        if change.after is None or change.after.place.may_be(home)
    ]
    if declared is not None and case.address is not None:
        blocks = {successor.block for successor in declared.successors(case.address.block)}
        if case.evidence is Evidence.GONE:
            # A certificate that was deleted outside Terraform is created again at its address.
            blocks.add(case.address.block)
        if not blocks:
            blocks = _guessed_successor(
                document, plan, case.address.block, {change.address.block for change in created}
            )
        return any(
            change.address.block in blocks and change.address.key == case.address.key
            for change in created
        )
    # Without the configuration the lineage is unknown: a plan counts if it only creates
    # certificates, and enough of them in the certificate's region.
    if any(change.action.changes for change in plan.stages):
        return False
    if any(
        change.action.changes and change.action is not Action.CREATE for change in plan.certificates
    ):
        return False
    due = [
        other
        for other in document.cases
        if other.presented
        and other.certificate.place.may_be(home)
        and (other.within(policy.notice_days) or other.evidence is Evidence.GONE)
    ]
    known = {other.id for other in due if other.id is not None}
    new = [change for change in created if change.after is None or change.after.id not in known]
    return 0 < len(due) <= len(new)


def _appearing(plan: Plan) -> Iterator[CertificateChange]:
    """Yield the certificates that are new in state; one that was created elsewhere is imported."""
    for change in plan.certificates:
        if change.action is Action.CREATE or change.imported:
            yield change


def _guessed_successor(
    document: DocumentCases, plan: Plan, block: Address, created: set[Address]
) -> set[Address]:
    """Return the guessed successor that a plan creates and that no comment names.

    Empty if the plan moves a stage to a certificate that it creates.
    """
    if any(
        isinstance(change.presented[1], PresentsPlanned) and change.action.changes
        for change in plan.stages
    ):
        return set()
    if not any(
        address.module_path == block.module_path and address.type == block.type
        for address in created
    ):
        return set()
    # Imported here: most plans create no certificate.
    from checker.analysis.succession import Succession

    guess = Succession.of_cases(document).guess(block)
    return {guess.successor.block} if guess is not None and not guess.several else set()


def second_successors(
    document: DocumentCases, policy: Policy
) -> Iterator[tuple[CertificateChange, Address, Address]]:
    """Yield planned certificates that succeed one which already has a successor.

    Each tuple has the planned certificate, its predecessor, and the other successor. The other
    successor is in state and lasts, or the same plan creates it.
    """
    declared, plan = document.document.declared, document.document.plan
    if declared is None or plan is None:
        return
    created = [change for change in _appearing(plan) if change.deposed is None]
    earlier: set[Address] = set()
    for change in created:
        own = declared.certificate(change.address.block)
        if own is None or own.succeeds is None:
            continue
        predecessors = [
            case for case in document.of_block(own.succeeds) if case.expires_at is not None
        ]
        for other in declared.successors(own.succeeds):
            cases = [
                case
                for case in document.of_block(other.block)
                if not case.within(policy.threshold_days)
            ]
            lasting = [case for case in cases if all(_outlasts(case, old) for old in predecessors)]
            if other.block != own.block and (lasting or other.block in earlier):
                yield change, own.succeeds, other.block
                break
        earlier.add(own.block)


def _moves(document: DocumentCases, plan: Plan, case: Case, policy: Policy) -> bool:
    for change in plan.stages:
        match change.presented:
            case Presents(id=old), Presents(id=new) if (
                old == case.id and new != old and change.action.changes
            ):
                other = document.by_id(new)
                if (
                    other is not None
                    and _outlasts(other, case)
                    and not other.within(policy.threshold_days)
                ):
                    return True
            case _:
                pass
    return False


def _outlasts(other: Case, case: Case) -> bool:
    if other.evidence is Evidence.GONE:
        return False
    return other.days_left is None or case.days_left is None or other.days_left > case.days_left
