"""What a plan leaves open: what it defers, what it cannot say yet, what is not known here."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.cases import DocumentCases
from checker.domain.finding import Finding
from checker.domain.outcome import UNVERIFIED
from checker.domain.plan import Action, CertificateChange, StageChange
from checker.domain.severity import Severity
from checker.domain.stage import PresentsPlanned, Stage
from checker.rules.rule import locate, stage_name


def left_open(document: DocumentCases, severity: Severity) -> Iterator[Finding]:
    """Yield a finding for everything that the plan of a document does not say, or says in words that are not known here."""
    plan = document.document.plan
    if plan is None:
        return
    if plan.errored:
        yield Finding(
            rule=UNVERIFIED,
            source=document.document.source.path,
            severity=severity,
            message=f"{document.document.source.path} is a plan that ended in an error: what it would do is only known in part",
            remedy="mend what `terraform plan` complained of, and plan again",
        )
    for name in plan.deferred:
        yield Finding(
            rule=UNVERIFIED,
            source=document.document.source.path,
            severity=severity,
            message=f"the plan defers what it will do to {name}, so that is not known",
            remedy="apply this plan, then plan again and check that one",
        )
    changes: tuple[StageChange | CertificateChange, ...] = (*plan.stages, *plan.certificates)
    for strange in changes:
        if strange.action is Action.OTHER:
            yield Finding(
                rule=UNVERIFIED,
                source=document.document.source.path,
                severity=severity,
                message=f"the plan would do something to {strange.address} that this tfcert does not know",
                remedy="upgrade tfcert, or look at the plan yourself",
                address=str(strange.address),
                location=locate(document, strange.address),
            )
    for change in plan.stages:
        match change.after:
            case Stage(presents=PresentsPlanned(candidates=()) | PresentsPlanned(elsewhere=True)):
                yield Finding(
                    rule=UNVERIFIED,
                    source=document.document.source.path,
                    severity=severity,
                    message=f"the plan does not say which certificate {stage_name(change.after)} will present",
                    remedy="its value comes from something that is known only after apply; plan again once that is applied",
                    address=str(change.address),
                    location=locate(document, change.address),
                    about=change.sides,
                )
            case _:
                pass
