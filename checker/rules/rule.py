"""What a rule is: a name, a weight, a sentence, and a function from cases to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from checker.domain.address import Address
from checker.domain.case_values import Case, Cases, DocumentCases
from checker.domain.finding import Finding
from checker.domain.location import Location
from checker.domain.severity import Severity
from checker.domain.stage import Stage
from checker.domain.value import value

if TYPE_CHECKING:
    from checker.domain.exemption import Exemption


class Needs(StrEnum):
    """What a run must have so that a rule can find anything: without it an exemption of the rule is not called unused."""

    NOTHING = "nothing"
    PLAN = "a plan"
    PHASE = "a plan and --expect"
    AWS = "AWS"
    PRESENTED = "what stages present in AWS"
    SURVEY = "every stage of an account and region"


@value
class Rule:
    """A rule of the catalogue; its page is the docstring of the module that defines `check`.

    `mildest` is the least that a policy may let it weigh; None where it may be switched off. Where `exemptable` is False no
    exemption of it is taken. One that is `off` runs only where a policy gives it a weight.
    """

    name: str
    severity: Severity
    says: str
    check: Callable[[Cases], Iterator[Finding]]
    mildest: Severity | None = None
    exemptable: bool = True
    needs: Needs = Needs.NOTHING
    off: bool = False

    @property
    def weight(self) -> Severity | None:
        """What it weighs where no policy says otherwise; None where it is off until one names it."""
        return None if self.off else self.severity

    @property
    def weight_word(self) -> str:
        """The same as a policy would write it."""
        return "off" if self.off else self.severity.word


def locate(document: DocumentCases, address: Address | None) -> Location | None:
    """The file and line of the block that declares an address, where the configuration is at hand."""
    declared = document.document.declared
    return declared.locations.get(address.block) if declared is not None and address is not None else None


def stage_name(stage: Stage) -> str:
    """How a finding names a stage: its address, or API and stage name where Terraform knows no address."""
    if stage.address is not None:
        return f"{stage.address} (deposed object {stage.deposed})" if stage.deposed is not None else str(stage.address)
    called = f" ({stage.api_name})" if stage.api_name is not None else ""
    return f"stage {stage.api_id or '?'}/{stage.name or '?'}{called}"


def list_stages(stages: Iterable[Stage]) -> str:
    """Name stages in one line: at most three, and how many more."""
    names = sorted({stage_name(stage) for stage in stages})
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def presenters(case: Case) -> tuple[Stage, ...]:
    """Every stage that presents the certificate, now or after the plan; each once."""
    seen: dict[str, Stage] = {}
    for stage in case.subject.stages:
        seen.setdefault(stage_name(stage), stage)
    return tuple(seen.values())


def subject_address(case: Case) -> Address | None:
    """The address that a finding about a certificate is filed under: its own, else that of a stage that presents it."""
    if case.address is not None:
        return case.address
    return next((stage.address for stage in presenters(case) if stage.address is not None), None)


def about(case: Case, document: DocumentCases, rule: str, severity: Severity, message: str, remedy: str) -> Finding:
    """A finding about a certificate, filed under its address and place in the configuration."""
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


def about_exemption(exemption: Exemption, rule: str, severity: Severity, message: str, remedy: str) -> Finding:
    """A finding about an exemption itself, filed under what it names and where it is written."""
    return Finding(
        rule=rule,
        severity=severity,
        message=message,
        remedy=remedy,
        address=min(exemption.addresses, default=None),
        certificate_id=exemption.certificate_id,
        location=exemption.location,
    )


def day(instant: datetime) -> str:
    """A date as reports print it, in UTC."""
    return instant.strftime("%Y-%m-%d")


def days(count: int) -> str:
    """A number of days in words: `1 day`, `12 days`."""
    return f"{count} day" if abs(count) == 1 else f"{count} days"
