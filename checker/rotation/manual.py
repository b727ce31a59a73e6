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

    `successor_id` is set if the successor already exists. `managed` is true if Terraform
    creates the successor and deletes the predecessor. `gone` is true if AWS no longer knows the
    predecessor. `complete` is true if every stage of the place was listed.
    """

    certificate_id: str
    place: Place
    access: Access
    stages: tuple[Stage, ...]
    left_to_terraform: tuple[Stage, ...]
    successor_id: str | None
    managed: bool
    gone: bool
    complete: bool
    trust_window_days: int


def manual_steps(target: ManualTarget) -> tuple[ManualStep, ...]:
    """Return the steps that remain; an existing successor is used."""
    return (_sign_in(target), *_introduction(target), *_repoint(target), *_retirement(target))


def _introduction(target: ManualTarget) -> tuple[ManualStep, ...]:
    if target.managed:
        return (_introduce_in_terraform(),)
    return (_introduce(target), _trust(target)) if target.stages or target.left_to_terraform else ()


def _retirement(target: ManualTarget) -> tuple[ManualStep, ...]:
    return () if target.managed or target.gone else (_distrust(target), _delete(target))


def _aws(target: ManualTarget, service: str, operation: str, **options: str | Shell) -> str:
    return aws_command(
        target.access,
        target.place,
        service,
        operation,
        {key.replace("_", "-"): text for key, text in options.items()},
    )


def _sign_in(target: ManualTarget) -> ManualStep:
    role = assume_role_line(target.access, target.place)
    account = target.place.account
    caller = _aws(target, "sts", "get-caller-identity", query="Account", output="text")
    return ManualStep(
        does="in a shell of its own, sign in so that you may write: POST and DELETE on client "
        "certificates, PATCH on stages of API Gateway"
        + (
            "; the role of the scan should only read, so name another one"
            if role is not None
            else ""
        ),
        commands=(*((role,) if role is not None else ()), caller),
        then=f"it prints {account}"
        if account is not None
        else "it prints the account that you mean",
    )


def _introduce(target: ManualTarget) -> ManualStep:
    task = "the successor is there already" if target.successor_id else "make the successor"
    operation = ("apigateway", "get-client-certificate")
    fetch = _aws(
        target,
        *operation,
        client_certificate_id=SUCCESSOR,
        query="pemEncodedCertificate",
        output="text",
    )
    generate = _aws(
        target,
        "apigateway",
        "generate-client-certificate",
        description=f"{SUCCEEDS} {target.certificate_id}",
        query="clientCertificateId",
        output="text",
    )
    return ManualStep(
        does=f"introduce: {task}; no stage presents it yet",
        commands=(
            f"NEW={safe_name(target.successor_id)}"
            if target.successor_id is not None
            else f"NEW=$({generate})",
            f"{fetch} > {SUCCESSOR_FILE}",
            f"openssl x509 -in {SUCCESSOR_FILE} -noout -enddate -fingerprint -sha256",
        ),
        then="it prints an end about a year from when it was made",
    )


def _trust(target: ManualTarget) -> ManualStep:
    window = target.trust_window_days
    wait = (
        f", and leave them {window} day{'s' * (window != 1)} to learn it"
        if window and not target.gone
        else ""
    )
    beside = f", to be trusted beside {safe_name(target.certificate_id)}" if not target.gone else ""
    both = (
        "every backend trusts it"
        if target.gone
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


def _introduce_in_terraform() -> ManualStep:
    return ManualStep(
        does="introduce: Terraform makes the successor (tfcert patch, where its state is); give "
        "its PEM to the backends beside the old one, then put its id behind NEW=",
        # `read` would take the next pasted line as the answer.
        commands=("NEW=",),
        then="every backend trusts both; as long as no id stands there, the shell refuses the "
        "lines below",
    )


def _repoint(target: ManualTarget) -> Iterator[ManualStep]:
    old = safe_name(target.certificate_id)
    back = (
        ""
        if target.gone
        else f"; if it does not, the same update-stage with {old} for the new id moves the stage "
        "back"
    )
    for stage in target.stages:
        yield ManualStep(
            does=f"repoint {safe_name(f'{stage.api_id}/{stage.name}')}, and watch its backend "
            "before the next one",
            commands=_move(target, stage),
            then="it prints the new id, and the backend lets the calls "
            f"in{back}{_DEPLOYMENT if stage is target.stages[0] else ''}",
        )
    if target.left_to_terraform and not target.managed:
        names = ", ".join(safe_name(str(stage.address)) for stage in target.left_to_terraform)
        yield ManualStep(
            does=f"repoint in Terraform: set client_certificate_id of {names} to the new id, "
            "and apply",
            then="the plan updates those stages in place and nothing else. A stage of Terraform "
            "that the AWS CLI moves is moved back by the next apply",
        )


def _move(target: ManualTarget, stage: Stage) -> tuple[str, str]:
    api, stage_name = stage.api_id or "", stage.name or ""
    match stage.kind:
        case StageKind.REST:
            stage_options = {"rest_api_id": api, "stage_name": stage_name}
            patch = Shell(f"op=replace,path=/clientCertificateId,value={SUCCESSOR.text}")
            move = _aws(
                target,
                "apigateway",
                "update-stage",
                **stage_options,
                patch_operations=patch,
                query="stageName",
            )
            read_back = _aws(
                target,
                "apigateway",
                "get-stage",
                **stage_options,
                query="clientCertificateId",
                output="text",
            )
        case StageKind.WEBSOCKET:
            stage_options = {"api_id": api, "stage_name": stage_name}
            move = _aws(
                target,
                "apigatewayv2",
                "update-stage",
                **stage_options,
                client_certificate_id=SUCCESSOR,
                query="StageName",
            )
            read_back = _aws(
                target,
                "apigatewayv2",
                "get-stage",
                **stage_options,
                query="ClientCertificateId",
                output="text",
            )
    return move, read_back


def _distrust(target: ManualTarget) -> ManualStep:
    old = safe_name(target.certificate_id)
    incomplete = (
        ""
        if target.complete
        else " This scan did not list every stage: one that it did not see may present it still."
    )
    return ManualStep(
        does=f"see that no stage presents {old} any more, then have the backends stop trusting "
        f"it.{incomplete}",
        commands=(scan_again(target.access, target.place),),
        then=f"the scan lists everything, and says that {old} is presented by no stage",
    )


def _delete(target: ManualTarget) -> ManualStep:
    return ManualStep(
        does=f"retire: delete {safe_name(target.certificate_id)}",
        commands=(
            _aws(
                target,
                "apigateway",
                "delete-client-certificate",
                client_certificate_id=target.certificate_id,
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
        for each in _document_rotations(scoping, document)
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


def _document_rotations(scoping: Scoping, document: DocumentCases) -> Iterator[ManualRotation]:
    for case in document.cases:
        if case.certificate.kind != "gateway" or case.id is None or case.subject.key is None:
            continue
        owned = document.document.manages(case.certificate)
        successor = successor_in_state(document, case)
        policy = scoping.policy_of(document, (case,))
        if not _is_due(policy, case, begun=successor is not None):
            continue
        stages = case.subject.presented_by
        manual = tuple(stage for stage in stages if stage.address is None)
        if owned and not manual:
            continue
        target = ManualTarget(
            certificate_id=case.id,
            place=case.subject.key.place,
            access=document.document.access or Access(),
            stages=manual,
            left_to_terraform=tuple(stage for stage in stages if stage.address is not None),
            successor_id=successor.id if successor is not None else None,
            managed=owned is True,
            gone=case.evidence is Evidence.GONE,
            complete=not document.document.unread,
            trust_window_days=policy.trust_window_days,
        )
        yield ManualRotation(
            certificate_id=case.id,
            place=target.place,
            managed=owned,
            successor=target.successor_id,
            ends=case.expires_at,
            stages=tuple(sorted(each.label for each in manual)),
            steps=manual_steps(target),
        )


def _is_due(policy: Policy, case: Case, *, begun: bool) -> bool:
    """Return whether a manual rotation of the certificate is due.

    A presented certificate is due if it is near its end or gone. One that no stage presents is due
    if its rotation has begun and AWS still has it.
    """
    if not case.subject.presented_by:
        return begun and case.evidence is Evidence.OBSERVED
    return case.evidence is Evidence.GONE or case.within(policy.notice_days)
