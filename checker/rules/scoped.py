"""Judge under scopes: run each rule on what each set of scopes applies to.

An object under several sets of scopes is judged under each, and the strictest result counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from checker.analysis.scope_matcher import Matching
from checker.analysis.scoping import Scoping
from checker.model.cases import Case, Cases, Selection
from checker.model.finding import Finding
from checker.model.places import Place
from checker.model.plan import StageChange
from checker.model.policy import Policy
from checker.model.resources import Stage
from checker.model.severity import FailOn, Severity
from checker.rules.base import Judges, Rule
from checker.rules.weighing import PlannedChanges, Weighing

_Key = tuple[str, str | None, object]


def strictest_findings(scoping: Scoping, rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    """Return the findings about each object, judged under the scopes that apply to it."""
    policy = scoping.policy
    several = _Sets(scoping)
    facts = _facts(scoping, rules)
    known = {(), *several.each, *several.places, *facts}
    changes = PlannedChanges(scoping.cases)
    found: dict[_Key, list[Finding]] = {}
    for matching in sorted(known, reverse=True):
        weighing = Weighing(policy, policy.under(matching), changes)
        answers: dict[_Key, list[Finding]] = {}
        run = [rule for rule in rules if not weighing.is_off(rule)]
        for rule, finding in _judged(scoping, several, matching, run):
            own = scoping.of(finding)
            # A finding about something else than what was selected is not lost.
            if matching in own or own.isdisjoint(known):
                answers.setdefault(_key(finding), []).append(weighing.weighed(finding, rule))
        for rule in run:
            for finding in facts.get(matching, {}).get(rule.name, ()):
                answers.setdefault(_key(finding), []).append(weighing.weighed(finding, rule))
        for key, answer in answers.items():
            found[key] = _stricter(found[key], answer, policy) if key in found else answer
    return tuple(finding for answer in found.values() for finding in answer)


def _facts(scoping: Scoping, rules: tuple[Rule, ...]) -> dict[Matching, dict[str, list[Finding]]]:
    """Return the findings that no scope changes, by the sets of scopes that weigh them."""
    policy = scoping.policy
    named = {name for name, _ in policy.rules} | {
        name for scope in policy.scopes for name, _ in scope.rules
    }
    cases = replace(scoping.cases, policy=policy.under(()))
    found: dict[Matching, dict[str, list[Finding]]] = {}
    for rule in rules:
        if rule.judges is Judges.FACTS and (not rule.off or rule.name in named):
            for finding in rule.check(cases):
                for matching in scoping.of(finding):
                    found.setdefault(matching, {}).setdefault(rule.name, []).append(finding)
    return found


def _judged(
    scoping: Scoping, several: _Sets, matching: Matching, rules: list[Rule]
) -> Iterator[tuple[Rule, Finding]]:
    """Yield the findings of the rules that go by the policy, under one set of scopes."""
    policy = scoping.policy.under(matching)
    by_place = several.places.get(matching)
    each = _select(scoping.cases, policy, several.each.get(matching, {}), plan=not matching)
    places = _select(scoping.cases, policy, by_place, plan=False) if by_place is not None else None
    for rule in rules:
        match rule.judges:
            case Judges.EACH:
                yield from ((rule, finding) for finding in rule.check(each))
            case Judges.PLACE if places is not None:
                yield from ((rule, finding) for finding in rule.check(places))
            case _:
                pass


class _Selected:
    """What one set of scopes applies to in one document."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.stages: list[Stage] = []
        self.changes: list[StageChange] = []


# By the position of the document.
_ByDocument = dict[int, _Selected]


class _Sets:
    """The sets of scopes of a run, each with what it applies to.

    `each` is by certificate, stage and change. `places` is by the account and region of a
    certificate, for the rules about these.
    """

    def __init__(self, scoping: Scoping) -> None:
        self.each: dict[Matching, _ByDocument] = {}
        self.places: dict[Matching, _ByDocument] = {}
        for number, part in enumerate(scoping.cases.documents):
            for case in part.cases:
                for matching in scoping.of_subject(part.document, case.subject):
                    self._in_each(matching, number).cases.append(case)
                own = case.subject.key.place if case.subject.key is not None else Place()
                by_place = self.places.setdefault(scoping.of_place(own), {})
                by_place.setdefault(number, _Selected()).cases.append(case)
            for stage in part.document.stages:
                for matching in scoping.of_stages(part, (stage,)):
                    self._in_each(matching, number).stages.append(stage)
            for change in part.document.plan.stages if part.document.plan is not None else ():
                for matching in scoping.of_stages(part, change.sides):
                    self._in_each(matching, number).changes.append(change)

    def _in_each(self, matching: Matching, number: int) -> _Selected:
        by_document = self.each.setdefault(matching, {})
        if number not in by_document:
            by_document[number] = _Selected()
        return by_document[number]


def _select(cases: Cases, policy: Policy, selected: _ByDocument, *, plan: bool) -> Cases:
    """Return the cases under one policy, in which rules judge only what is selected."""
    empty = Selection(plan=plan)
    documents = tuple(
        part.select(
            Selection(
                cases=tuple(selected[number].cases),
                stages=tuple(selected[number].stages),
                changes=tuple(selected[number].changes),
                plan=plan,
            )
            if number in selected
            else empty
        )
        for number, part in enumerate(cases.documents)
    )
    return replace(cases, policy=policy, documents=documents)


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


def _stricter(one: list[Finding], other: list[Finding], policy: Policy) -> list[Finding]:
    """Return the stricter answer to one question: failing the run first, then more findings.

    The text comes last, so that the same input gives the same bytes.
    """
    return min(
        one,
        other,
        key=lambda answer: (
            min(_rank(finding, policy) for finding in answer),
            -len(answer),
            max(finding.message for finding in answer),
        ),
    )


def _rank(finding: Finding, policy: Policy) -> tuple[bool, Severity]:
    """Return the sort key of strictness, the strictest first.

    A finding that fails the run comes before all that do not.
    """
    fail_on = finding.fail_on or policy.fail_on
    fails = fail_on is not FailOn.NEVER and finding.severity <= fail_on.least
    return not fails, finding.severity
