"""The rule type, constructors of findings, and the remedies that several rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.location import Location
from checker.model.observation import AcmDoesNotRenew, AcmRenews, Found
from checker.model.outcome import UNVERIFIED
from checker.model.plan import Action, CertificateChange, Plan, StageChange, StalePlan
from checker.model.resources import PresentsPlanned, Stage
from checker.model.severity import Severity
from checker.rules.detaching import uncertain

if TYPE_CHECKING:
    from checker.model.exemptions import Exemption


class Needs(StrEnum):
    """The input that a run must have so that a rule can find anything.

    Without it, an exemption of the rule is not reported as unused.
    """

    NOTHING = "nothing"
    PLAN = "a plan"
    PHASE = "a plan and --expect"
    AWS = "AWS"
    PRESENTED = "what stages present in AWS"
    SURVEY = "every stage of an account and region"


class Judges(StrEnum):
    """What a rule judges at a time, which decides how often it runs where a policy has scopes.

    FACTS: what was read, whatever the policy's days are. It runs once.
    EACH: each certificate, stage or change of a stage, by the days of its own policy. It runs once
    for each set of scopes, on `judged`, `judged_stages` and `judged_changes` of each document.
    PLACE: each account and region as a whole. It runs once for each set of scopes of a place, on
    the certificates there.
    EXEMPTIONS: the exemptions that the other findings used. It runs last.
    """

    FACTS = "facts"
    EACH = "each"
    PLACE = "place"
    EXEMPTIONS = "exemptions"


class Subject(StrEnum):
    """What the findings of a rule are about; a report that tells what is cured needs to know.

    RUN: a plan as a whole, an account and region, several states, or an exemption.
    """

    CERTIFICATE = "certificate"
    STAGE = "stage"
    RUN = "run"


class RuleHeadline(Struct, frozen=True, kw_only=True):
    """A sentence at the top of the HTML page, for a rule's findings.

    Of several rules, the headline with the lowest `rank` is shown. It counts the findings of all
    rules that share it: `one` is for one finding, `many` for more. `{count}` is their number, and
    `{soonest}` is the time until the first end.
    """

    rank: int
    one: str
    many: str


_DO_NOT_APPLY = "Do not apply this plan as it is."
DO_NOT_APPLY = RuleHeadline(rank=0, one=_DO_NOT_APPLY, many=_DO_NOT_APPLY)
NEAR_ITS_END = RuleHeadline(
    rank=3,
    one="A certificate in use ends {soonest}.",
    many="{count} certificates in use near their end, the first {soonest}.",
)


class Rule(Struct, frozen=True, kw_only=True):
    """A rule of the catalogue; its page is the docstring of the module that defines `check`.

    `judges` says how often it runs where a policy has scopes. `mildest` is the lowest weight that a
    policy may give it; None where a policy may switch it off. `mildest_because` completes the
    sentence "it cannot be milder, since ...". Where `exemptable` is False, exemptions of it do not
    count. `is_answered` is
    whether a run knows what the rule asks beyond the end of a certificate: else no finding is no
    answer. A rule that is `off` runs only where a policy gives it a weight. `headline` is the HTML
    page's sentence about its findings. Where `cured_by_rotation` is True, a rotation of the
    certificate is what to do about a finding, so the page lists no other action.
    """

    name: str
    severity: Severity
    says: str
    check: Callable[[Cases], Iterator[Finding]]
    judges: Judges
    mildest: Severity | None = None
    mildest_because: str = ""
    exemptable: bool = True
    needs: Needs = Needs.NOTHING
    is_answered: Callable[[Cases, DocumentCases, Case], bool] | None = None
    off: bool = False
    headline: RuleHeadline | None = None
    cured_by_rotation: bool = False
    subject: Subject = Subject.CERTIFICATE

    @property
    def weight(self) -> Severity | None:
        """The default weight; None where the rule is off until a policy names it."""
        return None if self.off else self.severity

    @property
    def weight_word(self) -> str:
        """The default weight as a policy would write it."""
        return "off" if self.off else self.severity.word


def locate(document: DocumentCases, address: Address | None) -> Location | None:
    """Return the file and line of an address's block, where the configuration is at hand."""
    declared = document.document.declared
    return (
        declared.locations.get(address.block)
        if declared is not None and address is not None
        else None
    )


def stage_name(stage: Stage) -> str:
    """Return the name of a stage in findings.

    It is the address, or API and stage name where Terraform knows no address.
    """
    if stage.address is not None:
        return (
            f"{stage.address} (deposed object {stage.deposed})"
            if stage.deposed is not None
            else str(stage.address)
        )
    called = f" ({stage.api_name})" if stage.api_name is not None else ""
    return f"stage {stage.api_id or '?'}/{stage.name or '?'}{called}"


def list_stages(stages: Iterable[Stage]) -> str:
    """Return the names of stages in one line: at most three, and how many more."""
    names = sorted({stage_name(stage) for stage in stages})
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def presenters(case: Case) -> tuple[Stage, ...]:
    """Return every stage that presents the certificate, now or after the plan; each once."""
    seen: dict[str, Stage] = {}
    for stage in case.subject.stages:
        seen.setdefault(stage_name(stage), stage)
    return tuple(seen.values())


def subject_address(case: Case) -> Address | None:
    """Return the address for a finding about a certificate.

    It is the certificate's own address, or else the address of a stage that presents it.
    """
    if case.address is not None:
        return case.address
    return next((stage.address for stage in presenters(case) if stage.address is not None), None)


def certificate_finding(
    case: Case, document: DocumentCases, rule: str, severity: Severity, message: str, remedy: str
) -> Finding:
    """Return a finding about a certificate, with its address and place in the configuration."""
    address = subject_address(case)
    return Finding(
        rule=rule,
        source=document.document.source.path,
        severity=severity,
        message=message,
        remedy=remedy,
        address=str(address) if address is not None else None,
        certificate_id=case.id,
        days_left=case.days_left,
        location=locate(document, address),
        about=case.subject,
    )


def exemption_finding(
    exemption: Exemption, rule: str, severity: Severity, message: str, remedy: str
) -> Finding:
    """Return a finding about an exemption itself, with the name and the location in it."""
    return Finding(
        rule=rule,
        severity=severity,
        message=message,
        remedy=remedy,
        address=min(exemption.addresses, default=None),
        certificate_id=exemption.certificate_id,
        location=exemption.location,
    )


def format_day(instant: datetime) -> str:
    """Return a date as reports print it, in UTC."""
    return instant.strftime("%Y-%m-%d")


def format_days(count: int) -> str:
    """Return a number of days in words: `1 day`, `12 days`."""
    return f"{count} day" if abs(count) == 1 else f"{count} days"


_MANUALLY = "rotate it manually, by the steps that `tfcert scan` prints"


def rotate_remedy(document: DocumentCases, case: Case) -> str:
    """Return the remedy for a certificate that needs rotation.

    A scan also finds certificates that no patch reaches.
    """
    if document.document.source.kind != "aws":
        return "run `tfcert patch`"
    match document.document.manages(case.certificate):
        case True:
            return "run `tfcert patch` where its state is"
        case False:
            return f"no state that was given has it: {_MANUALLY}"
        case None:
            return (
                f"run `tfcert patch` where its state is, or, if it is not Terraform's, {_MANUALLY}"
            )


NOTHING_TO_DO = "nothing to do: ACM renews it by itself, and reports no failure"
_NOT_KNOWN = (
    "ACM was not asked whether it renews it by itself; if it was imported, re-import it under the "
    "same ARN (`aws acm import-certificate --certificate-arn`): API Gateway follows by itself"
)


def acm_renews(case: Case) -> bool:
    """Return whether ACM renews the certificate and reports no failed renewal."""
    return isinstance(case.observation, Found) and isinstance(case.observation.renewal, AcmRenews)


def acm_remedy(case: Case) -> str | None:
    """Return the remedy for an ACM certificate near or past its end; None for API Gateway's own."""
    match case.observation:
        case Found(renewal=AcmDoesNotRenew(remedy=remedy)):
            return remedy
        case Found(renewal=AcmRenews()):
            return NOTHING_TO_DO
        case _:
            return _NOT_KNOWN if case.certificate.kind == "acm" else None


def open_plan_findings(document: DocumentCases, severity: Severity) -> Iterator[Finding]:
    """Yield a finding for each unknown in the plan of a document.

    The plan leaves it out, or has a value that this version does not know.
    """
    plan = document.document.plan
    if plan is None:
        return
    path = document.document.source.path
    if plan.errored:
        yield _open(
            document,
            severity,
            f"{path} is a plan that ended in an error: only a part of its changes is known",
            "fix the error that `terraform plan` reports, and plan again",
        )
    yield from _stale(document, severity)
    for name in plan.deferred:
        yield _open(
            document,
            severity,
            f"the plan defers its changes to {name}, so they are not known",
            "apply this plan, then plan again and check that one",
        )
    for unknown in plan.unknown_changes:
        yield replace(
            _open(document, severity, unknown.message, unknown.remedy),
            address=str(unknown.address) if unknown.address is not None else None,
            location=locate(document, unknown.address),
        )
    yield from _unknown_actions(document, plan, severity)
    yield from _unknown_writers(document, severity)
    yield from _unknown_certificates(document, plan, severity)


def _unknown_actions(document: DocumentCases, plan: Plan, severity: Severity) -> Iterator[Finding]:
    changes: tuple[StageChange | CertificateChange, ...] = (*plan.stages, *plan.certificates)
    for strange in changes:
        if strange.action is Action.OTHER:
            yield _open(
                document,
                severity,
                f"the plan has an action for {strange.address} that this version of tfcert does "
                "not know",
                "upgrade tfcert, or check the plan yourself",
                strange,
            )


def _unknown_writers(document: DocumentCases, severity: Severity) -> Iterator[Finding]:
    for written, stage in uncertain(document):
        yield replace(
            _open(
                document,
                severity,
                f"{written.address} has stage_name, and the plan does not say which stage it "
                f"writes: if it is {stage_name(stage)}, that presents no certificate afterwards",
                "take stage_name out of the deployment (the stage has a resource of its own), or "
                "plan again with known values",
            ),
            address=str(written.address),
            location=locate(document, written.address),
        )


def _unknown_certificates(
    document: DocumentCases, plan: Plan, severity: Severity
) -> Iterator[Finding]:
    for change in plan.stages:
        match change.after:
            case Stage(presents=PresentsPlanned(candidates=()) | PresentsPlanned(elsewhere=True)):
                found = _open(
                    document,
                    severity,
                    f"the plan does not say which certificate {stage_name(change.after)} will "
                    "present",
                    "its value comes from something that is known only after apply; plan again "
                    "once that is applied",
                    change,
                )
                yield replace(found, about=change.sides)
            case _:
                pass


_SHOWN = 3
_AGAIN_REMEDY = "make the plan again: `terraform plan -out plan.tfplan`"


def stale_remedy(stale: StalePlan) -> str:
    """Return the remedy for a stale plan.

    A state has no date, so it may be the older of the two.
    """
    if stale.by_aws:
        return _AGAIN_REMEDY
    return (
        f"{_AGAIN_REMEDY}; if {stale.by} is older than the plan, pass the current state "
        "(`terraform state pull`)"
    )


def _stale(document: DocumentCases, severity: Severity) -> Iterator[Finding]:
    stale = document.stale
    if stale is not None:
        more = len(stale.signs) - _SHOWN
        signs = "; ".join(stale.signs[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        path = document.document.source.path
        message = f"{path} is stale, made before changes that {stale.by} shows: {signs}"
        yield _open(document, severity, message, stale_remedy(stale))


def _open(
    document: DocumentCases,
    severity: Severity,
    message: str,
    remedy: str,
    change: StageChange | CertificateChange | None = None,
) -> Finding:
    """Return a finding for an unknown, with the address of the change that causes it."""
    return Finding(
        rule=UNVERIFIED,
        source=document.document.source.path,
        severity=severity,
        message=message,
        remedy=remedy,
        address=str(change.address) if change is not None else None,
        location=locate(document, change.address) if change is not None else None,
    )
