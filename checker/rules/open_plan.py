"""What a plan leaves open: what it defers, what it cannot say yet, what is not known here."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.case_values import DocumentCases
from checker.domain.finding import Finding
from checker.domain.outcome import UNVERIFIED
from checker.domain.plan import Action, CertificateChange, StageChange
from checker.domain.severity import Severity
from checker.domain.stage import PresentsPlanned, Stage
from checker.domain.value import replace
from checker.rules.detaching import uncertain
from checker.rules.rule import locate, stage_name


def left_open(document: DocumentCases, severity: Severity) -> Iterator[Finding]:
    """Yield a finding for everything that the plan of a document does not say, or says in words that are not known here."""
    plan = document.document.plan
    if plan is None:
        return
    path = document.document.source.path
    if plan.errored:
        yield _open(
            document,
            severity,
            f"{path} is a plan that ended in an error: what it would do is only known in part",
            "mend what `terraform plan` complained of, and plan again",
        )
    for name in plan.deferred:
        yield _open(
            document,
            severity,
            f"the plan defers what it will do to {name}, so that is not known",
            "apply this plan, then plan again and check that one",
        )
    for unsaid in plan.unsaid:
        yield replace(
            _open(document, severity, unsaid.message, unsaid.remedy),
            address=str(unsaid.address) if unsaid.address is not None else None,
            location=locate(document, unsaid.address),
        )
    changes: tuple[StageChange | CertificateChange, ...] = (*plan.stages, *plan.certificates)
    for strange in changes:
        if strange.action is Action.OTHER:
            yield _open(
                document,
                severity,
                f"the plan would do something to {strange.address} that this tfcert does not know",
                "upgrade tfcert, or look at the plan yourself",
                strange,
            )
    for written, stage in uncertain(document):
        yield replace(
            _open(
                document,
                severity,
                f"{written.address} has stage_name, and the plan does not say which stage it writes: if it is {stage_name(stage)},"
                " that presents no certificate afterwards",
                "take stage_name out of the deployment (the stage has a resource of its own), or plan again with known values",
            ),
            address=str(written.address),
            location=locate(document, written.address),
        )
    for change in plan.stages:
        match change.after:
            case Stage(presents=PresentsPlanned(candidates=()) | PresentsPlanned(elsewhere=True)):
                found = _open(
                    document,
                    severity,
                    f"the plan does not say which certificate {stage_name(change.after)} will present",
                    "its value comes from something that is known only after apply; plan again once that is applied",
                    change,
                )
                yield replace(found, about=change.sides)
            case _:
                pass


def _open(
    document: DocumentCases, severity: Severity, message: str, remedy: str, change: StageChange | CertificateChange | None = None
) -> Finding:
    """That something is not known, filed under the address of the change that leaves it open, if it is one."""
    return Finding(
        rule=UNVERIFIED,
        source=document.document.source.path,
        severity=severity,
        message=message,
        remedy=remedy,
        address=str(change.address) if change is not None else None,
        location=locate(document, change.address) if change is not None else None,
    )
