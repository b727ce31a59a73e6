"""What a finding weighs under a policy: its rule's weight there, and less where a plan does not touch what it is about."""

from __future__ import annotations

from checker.domain.case_values import Cases, DocumentCases
from checker.domain.certificate_use import Subject
from checker.domain.finding import Finding
from checker.domain.place import Place
from checker.domain.plan import CertificateChange, Plan, StageChange
from checker.domain.policy import Policy, Untouched
from checker.domain.severity import FailOn, Severity
from checker.domain.stage import Presents, Stage
from checker.domain.value import replace
from checker.rules.rule import Rule


class Weighing:
    """The weights of one policy, and the objects of each plan that it does something to."""

    def __init__(self, cases: Cases, policy: Policy) -> None:
        self.weights = dict(policy.rules)
        self.fail_on = policy.fail_on if policy.fail_on is not cases.policy.fail_on else None
        self.most = Severity[policy.untouched.name]
        parts = cases.documents if policy.untouched is not Untouched.ERROR else ()
        self.touched = {part.document.source.path: _Touched(part) for part in parts}

    def is_off(self, rule: Rule) -> bool:
        """Whether the policy has switched the rule off."""
        return self.weights.get(rule.name, rule.weight) is None

    def weighed(self, finding: Finding, rule: Rule) -> Finding:
        """The finding with its weight.

        A weight is that of an ordinary finding of the rule. A milder one is the most that any weighs; a heavier one leaves those
        alone that the rule weakens by itself: what is only a notice yet, and what the plan at hand cures.
        """
        severity = finding.severity
        weight = self.weights.get(rule.name, rule.weight)
        if weight is not None and (weight > rule.severity or severity == rule.severity):
            severity = max(severity, weight) if weight > rule.severity else weight
        touched = self.touched.get(finding.source or "")
        if touched is not None and severity < self.most and not touched.by_plan(finding):
            severity = self.most
        if severity is finding.severity and self.fail_on is None:
            return finding
        return replace(finding, severity=severity, fail_on=self.fail_on)


def rank(finding: Finding, policy: Policy) -> tuple[bool, Severity]:
    """How strict a finding is, the strictest first: one that fails the run before any that does not."""
    fail_on = finding.fail_on or policy.fail_on
    fails = fail_on is not FailOn.NEVER and finding.severity <= fail_on.least
    return not fails, finding.severity


class _Touched:
    """What a plan does something to; where that is not known, everything."""

    def __init__(self, part: DocumentCases) -> None:
        plan = part.document.plan
        self.everything = plan is None or plan.errored
        self.names = frozenset(_names(plan)) if plan is not None else frozenset[str]()
        self.addresses = {case.id: str(case.address) for case in part.cases if case.id is not None and case.address is not None}

    def by_plan(self, finding: Finding) -> bool:
        """Whether the plan touches the certificate or a stage that the finding is about; it does where nothing tells which."""
        if self.everything:
            return True
        match finding.about:
            case None | Place():
                return True
            case Subject(certificate=certificate) as subject:
                presenters = subject.stages
                return subject.key is None or str(certificate.address) in self.names or any(map(self._stage, presenters))
            case stages:
                return any(map(self._stage, stages)) or any(map(self._presented, stages))

    def _stage(self, stage: Stage) -> bool:
        return stage.address is None or str(stage.address) in self.names

    def _presented(self, stage: Stage) -> bool:
        return isinstance(stage.presents, Presents) and self.addresses.get(stage.presents.id) in self.names


def _names(plan: Plan) -> list[str]:
    changes: tuple[StageChange | CertificateChange, ...] = (*plan.stages, *plan.certificates)
    names = list(plan.deferred)
    for change in changes:
        if change.action.changes or change.imported or change.previous_address is not None:
            names += [str(change.address), str(change.previous_address)]
    return names
