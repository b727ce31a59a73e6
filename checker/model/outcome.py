"""The result of a run: the input of every report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.git import Checkout
from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.model.rotation import Rotation, WrittenPatch
from checker.model.severity import FailOn

if TYPE_CHECKING:
    from checker.model.rotation import ManualRotation

UNVERIFIED = "certificate-unverified"


class Verdict(StrEnum):
    """The result that a CI gate uses."""

    CLEAN = "clean"
    FINDINGS = "findings"
    INCONCLUSIVE = "inconclusive"


class GroupBy(StrEnum):
    """What a report groups by: the values of --group-by."""

    ACCOUNT = "account"
    OWNER = "owner"
    REGION = "region"
    PREFIX = "prefix"


class FleetView(Struct, frozen=True, kw_only=True):
    """A fleet: how many states were read below which sources, and how a report groups them."""

    read: int
    sources: tuple[str, ...]
    group_by: tuple[GroupBy, ...] = (GroupBy.ACCOUNT, GroupBy.OWNER)


class Outcome(Struct, frozen=True, kw_only=True):
    """The cases, sorted findings and rotations of one run, and the notices of every report.

    `patches` is empty if none were requested, and `manual` if nothing was scanned. `checkout` is
    empty if no report names files relative to a repository's root. `fleet` is set for --states.
    """

    cases: Cases
    findings: tuple[Finding, ...]
    rotations: tuple[Rotation, ...]
    notices: tuple[str, ...] = ()
    patches: tuple[WrittenPatch, ...] = ()
    manual: tuple[ManualRotation, ...] = ()
    checkout: Checkout = Checkout()
    fleet: FleetView | None = None

    @property
    def verdict(self) -> Verdict:
        """Return the verdict: findings that count come first, then inconclusive, then clean.

        With `fail_on` never, errors still make the verdict; they only do not set the exit code.
        """
        if any(self.counts(finding) for finding in self.findings):
            return Verdict.FINDINGS
        return Verdict.INCONCLUSIVE if self.unverified else Verdict.CLEAN

    def fails(self, finding: Finding) -> bool:
        """Return whether this finding makes the exit code 1."""
        return self.counts(finding) and self._fail_on(finding) is not FailOn.NEVER

    @property
    def exit_code(self) -> int:
        """Return the exit code: 0 clean, 1 findings at or above `fail_on`, 3 inconclusive."""
        match self.verdict:
            case Verdict.CLEAN:
                return 0
            case Verdict.INCONCLUSIVE:
                return 3
            case Verdict.FINDINGS:
                if any(map(self.fails, self.findings)):
                    return 1
                return 3 if self.unverified else 0

    @property
    def not_before(self) -> datetime | None:
        """Return the time before which no plan of this run should be applied.

        None if no finding names one.
        """
        return max(
            (
                each.not_before
                for each in self.findings
                if each.not_before and each.suppression is None
            ),
            default=None,
        )

    @property
    def unverified(self) -> bool:
        """Return whether something could not be checked, suppressed or not."""
        return any(finding.rule == UNVERIFIED for finding in self.findings)

    def counts(self, finding: Finding) -> bool:
        """Return whether this finding counts for the verdict.

        It counts if it is at or above the severity of `fail_on`, is not suppressed, and is not
        about missing knowledge (`certificate-unverified`).
        """
        weighs = finding.severity <= self._fail_on(finding).least
        return finding.rule != UNVERIFIED and finding.suppression is None and weighs

    def _fail_on(self, finding: Finding) -> FailOn:
        return finding.fail_on or self.cases.policy.fail_on
