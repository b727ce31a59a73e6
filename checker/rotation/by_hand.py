"""What a scan found due and no patch of tfcert's reaches: rotated by a person, with the AWS CLI."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.access import Access
from checker.domain.by_hand import HandRotation
from checker.domain.case_values import Case, Cases, DocumentCases, Evidence
from checker.domain.policy import Policy
from checker.domain.progress import successor_in_state
from checker.domain.scoping import Scoping
from checker.domain.stage import Stage
from checker.rotation.hand_steps import Hand, steps


def hand_rotations(cases: Cases) -> tuple[HandRotation, ...]:
    """The rotations by hand, by their ends: of what is not known to be Terraform's, and of other stages that present what is."""
    scoping = Scoping(cases)
    found = (each for document in cases.documents if document.document.source.kind == "aws" for each in _of(scoping, document))
    return tuple(sorted(found, key=lambda each: (each.ends is None, str(each.ends), str(each.place), each.certificate_id)))


def stage_label(stage: Stage) -> str:
    """How a rotation by hand names a stage: by its address, or by API and name."""
    return str(stage.address) if stage.address is not None else f"{stage.api_id}/{stage.name}"


def _of(scoping: Scoping, document: DocumentCases) -> Iterator[HandRotation]:
    for case in document.cases:
        if case.certificate.kind != "gateway" or case.id is None or case.subject.key is None:
            continue
        owned = document.document.manages(case.certificate)
        successor = successor_in_state(document, case)
        policy = scoping.policy_of(document, (case,))
        if not _is_due(policy, case, begun=successor is not None):
            continue
        stages = case.subject.presented_by
        by_hand = tuple(stage for stage in stages if stage.address is None)
        if owned and not by_hand:
            continue
        hand = Hand(
            certificate_id=case.id,
            place=case.subject.key.place,
            access=document.document.access or Access(),
            stages=by_hand,
            left_to_terraform=tuple(stage for stage in stages if stage.address is not None),
            made=successor.id if successor is not None else None,
            terraforms=owned is True,
            gone=case.evidence is Evidence.GONE,
            whole=not document.document.unread,
            trust_window_days=policy.trust_window_days,
        )
        yield HandRotation(
            certificate_id=case.id,
            place=hand.place,
            managed=owned,
            successor=hand.made,
            ends=case.expires_at,
            stages=tuple(sorted(map(stage_label, by_hand))),
            steps=steps(hand),
        )


def _is_due(policy: Policy, case: Case, *, begun: bool) -> bool:
    """Whether a stage presents what nears its end or is gone; or a rotation was begun, and only the old one is left to go."""
    if not case.subject.presented_by:
        return begun and case.evidence is Evidence.OBSERVED
    return case.evidence is Evidence.GONE or case.within(policy.notice_days)
