"""The weight of a finding: the severity that a policy gives it."""

from __future__ import annotations

from msgspec.structs import replace

from checker.model.cases import Cases, DocumentCases
from checker.model.certificate_use import CertificateUse
from checker.model.finding import Finding
from checker.model.places import Place
from checker.model.plan import CertificateChange, Plan, StageChange
from checker.model.policy import Policy
from checker.model.resources import Presents, Stage
from checker.model.severity import Severity
from checker.rules.base import Rule


class PlannedChanges:
    """The objects that the plans of a run change, collected on first use."""

    def __init__(self, cases: Cases) -> None:
        self._parts = {part.document.source.path: part for part in cases.documents}
        self._touched: dict[str, _Touched] = {}

    def include(self, finding: Finding) -> bool:
        """Return whether a plan changes what the finding is about, or that is not known."""
        path = finding.source or ""
        if path not in self._parts:
            return True
        if path not in self._touched:
            self._touched[path] = _Touched(self._parts[path])
        return self._touched[path].by_plan(finding)


class Weighing:
    """The weights of one policy: that of the run, or that of a set of its scopes."""

    def __init__(self, run: Policy, policy: Policy, changes: PlannedChanges) -> None:
        self.weights = dict(policy.rules)
        self.fail_on = policy.fail_on if policy.fail_on is not run.fail_on else None
        self.most = Severity[policy.untouched.name]
        self.changes = changes

    def is_off(self, rule: Rule) -> bool:
        """Return whether the policy has switched the rule off."""
        return self.weights.get(rule.name, rule.weight) is None

    def weighed(self, finding: Finding, rule: Rule) -> Finding:
        """Return the finding with the severity that the policy gives it.

        A weight applies to an ordinary finding of the rule. A milder weight is the most that any
        finding of the rule gets. A heavier weight does not apply to findings that the rule weakens
        by itself: those only within the notice, and those that the plan at hand cures.
        """
        severity = finding.severity
        weight = self.weights.get(rule.name, rule.weight)
        if weight is not None and (weight > rule.severity or severity == rule.severity):
            severity = max(severity, weight) if weight > rule.severity else weight
        if severity < self.most and not self.changes.include(finding):
            severity = self.most
        if severity is finding.severity and self.fail_on is None:
            return finding
        return replace(finding, severity=severity, fail_on=self.fail_on)


class _Touched:
    """The names that a plan changes, or everything if they are not known."""

    def __init__(self, part: DocumentCases) -> None:
        plan = part.document.plan
        self.everything = plan is None or plan.errored
        self.names = frozenset(_names(plan)) if plan is not None else frozenset[str]()
        self.addresses = {
            case.id: str(case.address)
            for case in part.cases
            if case.id is not None and case.address is not None
        }

    def by_plan(self, finding: Finding) -> bool:
        """Return whether the plan changes the certificate or a stage that the finding is about.

        Return True if they are not known.
        """
        if self.everything:
            return True
        match finding.about:
            case None | Place():
                return True
            case CertificateUse(certificate=certificate) as subject:
                presenters = subject.stages
                return (
                    subject.key is None
                    or str(certificate.address) in self.names
                    or any(map(self._stage, presenters))
                )
            case stages:
                return any(map(self._stage, stages)) or any(map(self._presented, stages))

    def _stage(self, stage: Stage) -> bool:
        return stage.address is None or str(stage.address) in self.names

    def _presented(self, stage: Stage) -> bool:
        return (
            isinstance(stage.presents, Presents)
            and self.addresses.get(stage.presents.id) in self.names
        )


def _names(plan: Plan) -> list[str]:
    changes: tuple[StageChange | CertificateChange, ...] = (*plan.stages, *plan.certificates)
    names = list(plan.deferred)
    for change in changes:
        if change.action.changes or change.imported or change.previous_address is not None:
            names += [str(change.address), str(change.previous_address)]
    return names
