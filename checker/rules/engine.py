"""Run the rules for each set of scopes, and weigh their findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checker.model.cases import Cases, DocumentCases
from checker.model.certificate_use import CertificateUse
from checker.model.finding import Finding
from checker.model.places import Place
from checker.model.plan import CertificateChange, Plan, StageChange
from checker.model.policy import Policy, Untouched
from checker.model.resources import Presents, Stage
from checker.model.severity import FailOn, Severity
from checker.rules.base import Rule

if TYPE_CHECKING:
    from checker.analysis.scoping import Matching, Scoping


class Weighing:
    """The weights of one policy, and the objects that each plan changes."""

    def __init__(self, cases: Cases, policy: Policy) -> None:
        self.weights = dict(policy.rules)
        self.fail_on = policy.fail_on if policy.fail_on is not cases.policy.fail_on else None
        self.most = Severity[policy.untouched.name]
        parts = cases.documents if policy.untouched is not Untouched.ERROR else ()
        self.touched = {part.document.source.path: _Touched(part) for part in parts}

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
        touched = self.touched.get(finding.source or "")
        if touched is not None and severity < self.most and not touched.by_plan(finding):
            severity = self.most
        if severity is finding.severity and self.fail_on is None:
            return finding
        return replace(finding, severity=severity, fail_on=self.fail_on)


def rank(finding: Finding, policy: Policy) -> tuple[bool, Severity]:
    """Return the sort key of strictness, the strictest first.

    A finding that fails the run comes before all that do not.
    """
    fail_on = finding.fail_on or policy.fail_on
    fails = fail_on is not FailOn.NEVER and finding.severity <= fail_on.least
    return not fails, finding.severity


class _Touched:
    """The names that a plan changes; everything where that is not known."""

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

        It is True where nothing tells which they are.
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


_Key = tuple[str, str | None, object]


def judge_cases(
    cases: Cases, rules: tuple[Rule, ...], on_exemptions: tuple[Rule, ...]
) -> tuple[Finding, ...]:
    """Return the findings of the rules, and those about the policy's exemptions; sorted.

    The findings are weighed and exempted as the policy says.
    """
    found = _found(cases, rules)
    if _has_exemptions(cases):
        # Imported late, here and below: most runs have neither exemptions nor scopes.
        from checker.analysis.scoping import Scoping
        from checker.rules.exemptions import apply_exemptions

        found, tally = apply_exemptions(Scoping(cases), rules, found)
        found = (
            *found,
            *_asked(replace(cases, tally=tally), on_exemptions, Weighing(cases, cases.policy)),
        )
    return tuple(sorted(_once(found), key=lambda finding: finding.order))


def _has_exemptions(cases: Cases) -> bool:
    declared = [
        part.document.declared for part in cases.documents if part.document.declared is not None
    ]
    return bool(cases.policy.exemptions) or any(each.exemptions or each.faulty for each in declared)


def _found(cases: Cases, rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    if not cases.policy.scopes:
        return tuple(_asked(cases, rules, Weighing(cases, cases.policy)))
    from checker.analysis.scoping import Scoping

    return _strictest(Scoping(cases), rules)


def _asked(cases: Cases, rules: tuple[Rule, ...], weighing: Weighing) -> Iterator[Finding]:
    for rule in rules:
        if not weighing.is_off(rule):
            yield from (weighing.weighed(finding, rule) for finding in rule.check(cases))


def _strictest(scoping: Scoping, rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    """Return the strictest findings of all sets of scopes.

    An object under several sets of scopes is judged under each, and the strictest result counts.
    """
    cases = scoping.cases
    found: dict[_Key, list[Finding]] = {}
    waiting = sorted(scoping.everywhere())
    known: set[Matching] = set(waiting)
    while waiting:
        matching = waiting.pop()
        policy = cases.policy.under(matching)
        answers: dict[_Key, list[Finding]] = {}
        for finding in _asked(replace(cases, policy=policy), rules, Weighing(cases, policy)):
            own = scoping.of(finding)
            # A finding about a place alone may match scopes that no certificate or stage matches.
            waiting += sorted(own - known)
            known |= own
            if matching in own:
                answers.setdefault(_key(finding), []).append(finding)
        for key, answer in answers.items():
            found[key] = min(
                found.get(key, answer), answer, key=lambda said: _strictness(said, cases.policy)
            )
    return tuple(finding for answer in found.values() for finding in answer)


def _key(finding: Finding) -> _Key:
    """Return the key that is equal for findings that answer one question.

    It has the rule, the document, and the very object that the finding is about. Names are not
    enough: stages that a scan finds have no address, and several may present one certificate.
    """
    match finding.about:
        case None:
            return finding.rule, finding.source, finding.message
        case Place() as place:
            return finding.rule, finding.source, place
        case tuple() as stages:
            return finding.rule, finding.source, tuple(map(id, stages))
        case subject:
            return finding.rule, finding.source, id(subject)


def _strictness(answer: list[Finding], policy: Policy) -> tuple[tuple[bool, int], int, str]:
    """Return the sort key of an answer: failing the run first, then the number of findings.

    The text comes last, so that the same input gives the same bytes.
    """
    return (
        min(rank(finding, policy) for finding in answer),
        -len(answer),
        max(finding.message for finding in answer),
    )


def _once(findings: tuple[Finding, ...]) -> list[Finding]:
    """Return the findings, with those that two rules report alike for one document only once.

    The object that each is about makes no difference.
    """
    return list({replace(finding, about=None): finding for finding in findings}.values())
