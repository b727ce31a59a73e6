"""The result of a run: what every report is written from."""

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
    """What a gate goes by."""

    CLEAN = "clean"
    FINDINGS = "findings"
    INCONCLUSIVE = "inconclusive"


class Outcome(Struct, frozen=True, kw_only=True):
    """Cases, sorted findings and rotations of one run, with the sentences that every report must carry.

    `patches` is empty where nobody asked for them, `by_hand` where nothing was scanned; `checkout` is empty where no report names
    files from a repository's root.
    """

    cases: Cases
    findings: tuple[Finding, ...]
    rotations: tuple[Rotation, ...]
    notices: tuple[str, ...] = ()
    patches: tuple[WrittenPatch, ...] = ()
    by_hand: tuple[ManualRotation, ...] = ()
    checkout: Checkout = Checkout()

    @property
    def verdict(self) -> Verdict:
        """Findings that count outrank what could not be verified, and that outranks clean (I4).

        With `fail_on` never the verdict still names errors; only the exit code does not.
        """
        if any(self.counts(finding) for finding in self.findings):
            return Verdict.FINDINGS
        return Verdict.INCONCLUSIVE if self.unverified else Verdict.CLEAN

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is one that makes exit code 1."""
        return self.counts(finding) and self._fail_on(finding) is not FailOn.NEVER

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings at or above `fail_on`, 3 inconclusive."""
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
        """The moment before which a plan of this run is not to be applied; None where no finding names one."""
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
        """Whether something could not be checked, suppressed or not."""
        return any(finding.rule == UNVERIFIED for finding in self.findings)

    def counts(self, finding: Finding) -> bool:
        """Whether a finding makes the verdict: it weighs enough where it stands, is not suppressed, and is no lack of knowledge."""
        weighs = finding.severity <= self._fail_on(finding).least
        return finding.rule != UNVERIFIED and finding.suppression is None and weighs

    def _fail_on(self, finding: Finding) -> FailOn:
        return finding.fail_on or self.cases.policy.fail_on
