"""Plan the rotations of all documents, and select among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from checker.analysis.certificate_uses import certificate_uses
from checker.model.address import Address, AddressError, parse, print_key
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.configuration import ConfigurationFacts
from checker.model.inventory import Document, Inventory
from checker.model.observation import AcmDoesNotRenew, AcmRenews, Found
from checker.model.places import Place
from checker.model.policy import Policy
from checker.model.resources import PresentsPlanned, Stage, StageKind
from checker.model.rotation import (
    SERIES,
    Blocked,
    Done,
    Next,
    Rotation,
    Waiting,
    sort_rotations,
)


def place_scanned(document: DocumentCases) -> str | None:
    """Return the account and region of a scan's document; None for other documents.

    Addresses recur in several places, where they mean different certificates.
    """
    return document.document.source.path if document.document.source.kind == "aws" else None


def unpatched(document: DocumentCases, case: Case) -> Blocked:
    """Return why there is no patch, and who rotates the certificate instead."""
    if document.document.source.kind != "aws":
        return Blocked(
            "the configuration is not available",
            "pass the folder of its .tf files with --config to get patches",
        )
    where = f"certificate {case.id} ({case.certificate.place})"
    match case.certificate.managed:
        case True:
            return Blocked(
                f"Terraform manages {where}, and a scan writes no patches",
                "run `tfcert patch` where its state is",
            )
        case False:
            return Blocked(
                f"{where} is in none of the given states",
                "rotate it manually: `tfcert scan` prints the steps",
            )
        case None:
            return Blocked(
                f"no given state shows whether Terraform manages {where}",
                "pass the states to `tfcert scan`; it prints the manual steps for a certificate "
                "that is in none of them",
            )


_ELSEWHERE = (
    "it is a certificate of ACM, which tfcert leaves alone: the stage follows what ACM has under "
    "the ARN"
)


def acm_rotation(cases: Cases, case: Case, *, even_if_not_due: bool) -> Blocked | Waiting | None:
    """Return why an ACM certificate that is due gets no patch, and what the user must do.

    Return None for any other certificate, and for one that no stage presents.
    """
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
                "look at it in ACM (`aws acm describe-certificate`), and re-import or replace it "
                "there",
            )


def plan_rotations(
    cases: Cases, *, name: str | None = None, even_if_not_due: bool = False
) -> tuple[Rotation, ...]:
    """Return the rotations of all documents, ordered by the end of the predecessor.

    `name` overrides the successor's name. `even_if_not_due` adds certificates that are not near
    their end.
    """
    under = _policies(cases)
    found: dict[tuple[str | None, str, Address | None], Rotation] = {}
    for document in cases.documents:
        if _is_outdated(cases, document):
            continue
        origin = _origin(document)
        for rotation in _of_document(
            cases, document, partial(under, document), name, even_if_not_due=even_if_not_due
        ):
            key = (origin, rotation.label, rotation.successor)
            found[key] = min(found.get(key, rotation), rotation, key=_caution)
    return sort_rotations(found.values())


def _origin(document: DocumentCases) -> str | None:
    declared = document.document.declared
    return declared.directory if declared is not None else place_scanned(document)


def _is_outdated(cases: Cases, document: DocumentCases) -> bool:
    """Return whether a state at hand already has the changes of the plan: the state decides."""
    stale = document.stale
    return stale is not None and any(
        other.document.source.path == stale.by and _origin(other) == _origin(document)
        for other in cases.documents
    )


def _caution(rotation: Rotation) -> int:
    """Return a sort key, which is lowest where the least may be done.

    One configuration may have several states, for example one per workspace. The state that lags
    behind decides.
    """
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
    """Return the places whose stages AWS must list.

    These are the places where a plan destroys a certificate, where a certificate may be ready for
    retire, and where a certificate is due that no recorded stage presents. A stage outside
    Terraform may present it.
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
            without_stage = (
                not subject.presented_by
                and subject.certificate.kind == "gateway"
                and (end is None or end - as_of <= notice)
            )
            if subject.key is not None and (
                subject.certificate.id in leaving or retiring or without_stage
            ):
                places.add(subject.key.place)
    return frozenset(places)


def stages_due(inventory: Inventory, policy: Policy, as_of: datetime) -> tuple[Stage, ...]:
    """Return the stages of each API that presents a certificate within the notice.

    The recorded dates decide, with the longest notice of any scope. A certificate whose end is not
    recorded is due. So is a stage whose document does not say what it presents.
    """
    notice = timedelta(days=max((policy.notice_days, *_notices(policy))))
    due: set[tuple[StageKind, str | None, Place]] = set()
    for document in inventory.documents:
        unknown = [
            stage for stage in document.stages if isinstance(stage.presents, PresentsPlanned)
        ]
        near = [
            stage
            for subject in certificate_uses(document)
            if subject.certificate.expires_at is None
            or subject.certificate.expires_at - as_of <= notice
            for stage in subject.stages
        ]
        due |= {(stage.kind, stage.api_id, stage.place) for stage in (*unknown, *near)}
    return tuple(
        stage for stage in inventory.stages if (stage.kind, stage.api_id, stage.place) in due
    )


def _left_over(document: Document, as_of: datetime) -> frozenset[Address]:
    """Return the blocks that may be left over, and those that only the state still has."""
    # Imported here: a document without configuration has nothing to match successors in.
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
    """Yield the numbers of days before the end at which some scope calls a certificate due."""
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
    with_policy: Callable[[tuple[Case, ...]], Cases],
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
    under = {id(case): with_policy((case,)) for case in used}
    due = [
        case
        for case in document.cases
        if _due(under.get(id(case)), case, even_if_not_due=even_if_not_due)
    ]
    left = [
        (case, acm_rotation(under.get(id(case), cases), case, even_if_not_due=even_if_not_due))
        for case in document.cases
    ]
    unwritten = [(case, why) for case, why in left if why is not None]
    if declared is None:
        unwritten += [(case, unpatched(document, case)) for case in due]
    if unwritten:
        # Imported here, and below: in most runs no rotation is due.
        from checker.rotation.state import unwritten_rotation

        yield from (unwritten_rotation(under[id(case)], case, why) for case, why in unwritten)
    if declared is not None:
        from checker.rotation.configured import configured_rotations

        yield from configured_rotations(cases, document, due, with_policy, name=name)


def _policies(cases: Cases) -> Callable[[DocumentCases, tuple[Case, ...]], Cases]:
    """Return a function that applies the strictest policy of some certificates to the cases."""
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


def choose_rotations(
    cases: Cases, rotations: tuple[Rotation, ...], only: frozenset[str]
) -> Iterator[Rotation]:
    """Yield the rotations of the named certificates; all rotations if `only` is empty.

    A certificate is named by its address or its id.

    If only some instances of a block are named, the rotation is blocked: a copy of the block has
    all instances, and rotates them at once.
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
    """Return the rotation that an id selects; blocked if the id is one instance out of several."""
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
            f"{first} is one of {len(all_of_it)} instances, and a copy of the block would rotate "
            "them all",
            f"rotate all of them (--only '{rotation.label}'), or this one manually: add another "
            f"key beside {print_key(first.key) or 'it'}, apply, let its stage take the new key, "
            "apply, and take the old key away when no stage presents it",
        ),
    )
