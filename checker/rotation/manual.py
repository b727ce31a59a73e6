"""The manual rotation of a certificate by the AWS CLI: its steps for the runbook."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.analysis.progress import successor_in_state
from checker.analysis.scoping import Scoping
from checker.model.cases import Case, Cases, DocumentCases, Evidence
from checker.model.places import Access, Place
from checker.model.policy import Policy
from checker.model.resources import Stage, StageKind
from checker.model.rotation import ManualRotation, ManualStep
from checker.rotation.aws_cli import (
    SUCCESSOR,
    SUCCESSOR_FILE,
    Shell,
    assume_role_line,
    aws_command,
    safe_name,
    scan_again,
)

SUCCEEDS = "tfcert: succeeds"
# The texts of AWS disagree on whether a stage change needs a deployment, so tfcert claims nothing.
_DEPLOYMENT = (
    ". The texts of AWS disagree on whether a deployment is needed: if the backend still sees the "
    "old one after some minutes, deploy the stage again, and mind that create-deployment publishes "
    "whatever else of the API is not deployed yet"
)


class ManualTarget(Struct, frozen=True, kw_only=True):
    """A manual rotation: a certificate, its place, and the stages that a user or Terraform moves.

    `made` is the id of the successor if it already exists. `terraforms` is true if Terraform
    creates the successor and deletes the predecessor. `gone` is true if AWS no longer knows the
    predecessor. `whole` is true if every stage of the place was listed.
    """

    certificate_id: str
    place: Place
    access: Access
    stages: tuple[Stage, ...]
    left_to_terraform: tuple[Stage, ...]
    made: str | None
    terraforms: bool
    gone: bool
    whole: bool
    trust_window_days: int


def manual_steps(hand: ManualTarget) -> tuple[ManualStep, ...]:
    """Return the steps that remain; an existing successor is used."""
    return (_sign_in(hand), *_take_in(hand), *_repoint(hand), *_let_go(hand))


def _take_in(hand: ManualTarget) -> tuple[ManualStep, ...]:
    if hand.terraforms:
        return (_from_terraform(),)
    return (_introduce(hand), _trust(hand)) if hand.stages or hand.left_to_terraform else ()


def _let_go(hand: ManualTarget) -> tuple[ManualStep, ...]:
    return () if hand.terraforms or hand.gone else (_distrust(hand), _delete(hand))


def _call(hand: ManualTarget, service: str, operation: str, **options: str | Shell) -> str:
    return aws_command(
        hand.access,
        hand.place,
        service,
        operation,
        {key.replace("_", "-"): text for key, text in options.items()},
    )


def _sign_in(hand: ManualTarget) -> ManualStep:
    role = assume_role_line(hand.access, hand.place)
    account = hand.place.account
    whose = _call(hand, "sts", "get-caller-identity", query="Account", output="text")
    return ManualStep(
        does="in a shell of its own, sign in so that you may write: POST and DELETE on client "
        "certificates, PATCH on stages of API Gateway"
        + (
            "; the role of the scan should only read, so name another one"
            if role is not None
            else ""
        ),
        commands=(*((role,) if role is not None else ()), whose),
        then=f"it prints {account}"
        if account is not None
        else "it prints the account that you mean",
    )


def _introduce(hand: ManualTarget) -> ManualStep:
    asked = ("apigateway", "get-client-certificate")
    fetched = _call(
        hand, *asked, client_certificate_id=SUCCESSOR, query="pemEncodedCertificate", output="text"
    )
    makes = _call(
        hand,
        "apigateway",
        "generate-client-certificate",
        description=f"{SUCCEEDS} {hand.certificate_id}",
        query="clientCertificateId",
        output="text",
    )
    return ManualStep(
        does="introduce: "
        f"{'the successor is there already' if hand.made else 'make the successor'}; no stage "
        "presents it yet",
        commands=(
            f"NEW={safe_name(hand.made)}" if hand.made is not None else f"NEW=$({makes})",
            f"{fetched} > {SUCCESSOR_FILE}",
            f"openssl x509 -in {SUCCESSOR_FILE} -noout -enddate -fingerprint -sha256",
        ),
        then="it prints an end about a year from when it was made",
    )


def _trust(hand: ManualTarget) -> ManualStep:
    window = hand.trust_window_days
    wait = (
        f", and leave them {window} day{'s' * (window != 1)} to learn it"
        if window and not hand.gone
        else ""
    )
    beside = f", to be trusted beside {safe_name(hand.certificate_id)}" if not hand.gone else ""
    both = (
        "every backend trusts it"
        if hand.gone
        else (
            "every backend trusts both; with the defaults of OpenSSL a file with both accepts only "
            "the first of them (docs/trust.md of tfcert)"
        )
    )
    return ManualStep(
        does=f"give the new PEM file to every backend{beside}{wait}",
        then=f"{both}. See it before a stage moves: aws apigateway test-invoke-method with "
        "--client-certificate-id really calls the backend of a REST API",
    )


def _from_terraform() -> ManualStep:
    return ManualStep(
        does="introduce: Terraform makes the successor (tfcert patch, where its state is); give "
        "its PEM to the backends beside the old one, then put its id behind NEW=",
        # `read` would take the next pasted line as the answer.
        commands=("NEW=",),
        then="every backend trusts both; as long as no id stands there, the shell refuses the "
        "lines below",
    )


def _repoint(hand: ManualTarget) -> Iterator[ManualStep]:
    old = safe_name(hand.certificate_id)
    back = (
        ""
        if hand.gone
        else f"; if it does not, the same update-stage with {old} for the new id moves the stage "
        "back"
    )
    for stage in hand.stages:
        yield ManualStep(
            does=f"repoint {safe_name(f'{stage.api_id}/{stage.name}')}, and watch its backend "
            "before the next one",
            commands=_move(hand, stage),
            then="it prints the new id, and the backend lets the calls "
            f"in{back}{_DEPLOYMENT if stage is hand.stages[0] else ''}",
        )
    if hand.left_to_terraform and not hand.terraforms:
        names = ", ".join(safe_name(str(stage.address)) for stage in hand.left_to_terraform)
        yield ManualStep(
            does=f"repoint in Terraform: set client_certificate_id of {names} to the new id, "
            "and apply",
            then="the plan updates those stages in place and nothing else. A stage of Terraform "
            "that the AWS CLI moves is moved back by the next apply",
        )


def _move(hand: ManualTarget, stage: Stage) -> tuple[str, str]:
    api, stage_name = stage.api_id or "", stage.name or ""
    match stage.kind:
        case StageKind.REST:
            one = {"rest_api_id": api, "stage_name": stage_name}
            moved = Shell(f"op=replace,path=/clientCertificateId,value={SUCCESSOR.text}")
            move = _call(
                hand, "apigateway", "update-stage", **one, patch_operations=moved, query="stageName"
            )
            seen = _call(
                hand, "apigateway", "get-stage", **one, query="clientCertificateId", output="text"
            )
        case StageKind.WEBSOCKET:
            one = {"api_id": api, "stage_name": stage_name}
            move = _call(
                hand,
                "apigatewayv2",
                "update-stage",
                **one,
                client_certificate_id=SUCCESSOR,
                query="StageName",
            )
            seen = _call(
                hand, "apigatewayv2", "get-stage", **one, query="ClientCertificateId", output="text"
            )
    return move, seen


def _distrust(hand: ManualTarget) -> ManualStep:
    old = safe_name(hand.certificate_id)
    unseen = (
        ""
        if hand.whole
        else " This scan did not list every stage: one that it did not see may present it still."
    )
    return ManualStep(
        does=f"see that no stage presents {old} any more, then have the backends stop trusting "
        f"it.{unseen}",
        commands=(scan_again(hand.access, hand.place),),
        then=f"the scan lists everything, and says that {old} is presented by no stage",
    )


def _delete(hand: ManualTarget) -> ManualStep:
    return ManualStep(
        does=f"retire: delete {safe_name(hand.certificate_id)}",
        commands=(
            _call(
                hand,
                "apigateway",
                "delete-client-certificate",
                client_certificate_id=hand.certificate_id,
            ),
        ),
        then="it prints nothing, and another scan does not list it",
    )


def manual_rotations(cases: Cases) -> tuple[ManualRotation, ...]:
    """Return the manual rotations, ordered by the end of the certificate.

    They cover certificates that are not known to be managed by Terraform. They also cover stages
    outside Terraform that present a managed certificate.
    """
    scoping = Scoping(cases)
    found = (
        each
        for document in cases.documents
        if document.document.source.kind == "aws"
        for each in _of(scoping, document)
    )
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.ends is None,
                str(each.ends),
                str(each.place),
                each.certificate_id,
            ),
        )
    )


def stage_label(stage: Stage) -> str:
    """Return the name of a stage in a manual rotation: its address, or its API and name."""
    return str(stage.address) if stage.address is not None else f"{stage.api_id}/{stage.name}"


def _of(scoping: Scoping, document: DocumentCases) -> Iterator[ManualRotation]:
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
        hand = ManualTarget(
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
        yield ManualRotation(
            certificate_id=case.id,
            place=hand.place,
            managed=owned,
            successor=hand.made,
            ends=case.expires_at,
            stages=tuple(sorted(map(stage_label, by_hand))),
            steps=manual_steps(hand),
        )


def _is_due(policy: Policy, case: Case, *, begun: bool) -> bool:
    """Return whether a manual rotation of the certificate is due.

    A presented certificate is due if it is near its end or gone. One that no stage presents is due
    if its rotation has begun and AWS still has it.
    """
    if not case.subject.presented_by:
        return begun and case.evidence is Evidence.OBSERVED
    return case.evidence is Evidence.GONE or case.within(policy.notice_days)
