"""Which rotations there are: what is due, and what is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from checker.domain.address import Address
from checker.domain.case_values import Case, Cases, DocumentCases, Evidence
from checker.domain.declared import Declared
from checker.domain.inventory import Document, Inventory
from checker.domain.place import Place
from checker.domain.policy import Policy
from checker.domain.rotation import SERIES, Blocked, Done, Next, Rotation, Waiting, in_order
from checker.domain.subjects import subjects
from checker.domain.value import replace
from checker.rotation.left_to_acm import left_to_acm
from checker.rotation.unpatched import place_scanned, unpatched
from checker.rotation.without_patch import told_only


def plan_rotations(cases: Cases, *, name: str | None = None, even_if_not_due: bool = False) -> tuple[Rotation, ...]:
    """Every rotation of every document, in the order of its predecessor's end.

    `name` overrides the successor's name; `even_if_not_due` adds those of certificates that do not near their end.
    """
    under = _policies(cases)
    found: dict[tuple[str | None, str, Address | None], Rotation] = {}
    for document in cases.documents:
        declared = document.document.declared
        home = declared.directory if declared is not None else place_scanned(document)
        for rotation in _of_document(cases, document, partial(under, document), name, even_if_not_due=even_if_not_due):
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
        for subject in subjects(document):
            address = subject.certificate.address
            retiring = declared is not None and address is not None and _may_retire(declared, address.block)
            retiring = retiring or (address is not None and address.block in left)
            end = subject.certificate.expires_at
            unseen = not subject.presented_by and subject.certificate.kind == "gateway" and (end is None or end - as_of <= notice)
            if subject.key is not None and (subject.certificate.id in leaving or retiring or unseen):
                places.add(subject.key.place)
    return frozenset(places)


def _left_over(document: Document, as_of: datetime) -> frozenset[Address]:
    """The blocks that may be left over, and those that the configuration has no more while the state still has them."""
    from checker.domain.succession import Succession

    declared = document.declared
    recorded = [subject for subject in subjects(document) if subject.certificate.kind == "gateway"]
    succession = Succession(document, ((subject, subject.certificate.expires_at, False) for subject in recorded))
    blocks = {subject.certificate.address.block for subject in recorded if subject.certificate.address is not None}
    gone = {block for block in blocks if declared is not None and declared.certificate(block) is None}
    return frozenset({*gone, *(each.block for each, _ in succession.left_over(as_of))})


def _notices(policy: Policy) -> Iterator[int]:
    """The days that some scope calls due from."""
    for scope in policy.scopes:
        for name, setting in scope.values:
            if name in {"notice_days", "threshold_days"} and isinstance(setting, int):
                yield setting


def _may_retire(declared: Declared, block: Address) -> bool:
    declaration = declared.certificate(block)
    return bool(declared.successors(block)) and (declaration is None or not declaration.pointers)


def _of_document(
    cases: Cases, document: DocumentCases, policed: Callable[[tuple[Case, ...]], Cases], name: str | None, *, even_if_not_due: bool
) -> Iterator[Rotation]:
    declared = document.document.declared
    used = (case for case in document.cases if case.subject.now or (case.presented and document.document.plan is None))
    under = {id(case): policed((case,)) for case in used}
    due = [case for case in document.cases if _due(under.get(id(case)), case, even_if_not_due=even_if_not_due)]
    left = [(case, left_to_acm(under.get(id(case), cases), case, even_if_not_due=even_if_not_due)) for case in document.cases]
    yield from (told_only(under[id(case)], case, why) for case, why in left if why is not None)
    if declared is None:
        yield from (told_only(under[id(case)], case, unpatched(document, case)) for case in due)
        return
    # Only here: a plan or a state that comes alone has nothing to rotate by edits.
    from checker.rotation.configured import configured

    yield from configured(cases, document, due, policed, name=name)


def _policies(cases: Cases) -> Callable[[DocumentCases, tuple[Case, ...]], Cases]:
    """What gives the same cases with the strictest policy that some certificates of a document stand under."""
    if not cases.policy.scopes:
        return lambda _document, _own: cases
    from checker.domain.scoping import Scoping

    scoping = Scoping(cases)
    return lambda document, own: replace(cases, policy=scoping.policy_of(document, own))


def _due(cases: Cases | None, case: Case, *, even_if_not_due: bool) -> bool:
    if cases is None or case.certificate.kind == "acm" or case.id is None:
        return False
    return even_if_not_due or case.evidence is Evidence.GONE or case.within(cases.policy.notice_days)
