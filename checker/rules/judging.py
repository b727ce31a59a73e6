"""Rules asked under every set of scopes that something stands under, and the strictest answer kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checker.domain.case_values import Cases
from checker.domain.finding import Finding
from checker.domain.place import Place
from checker.domain.policy import Policy
from checker.domain.value import replace
from checker.rules.rule import Rule
from checker.rules.weighing import Weighing, rank

if TYPE_CHECKING:
    from checker.domain.scoping import Matching, Scoping

_Key = tuple[str, str | None, object]


def judged(cases: Cases, rules: tuple[Rule, ...], on_exemptions: tuple[Rule, ...]) -> tuple[Finding, ...]:
    """What the rules find, weighed and exempted as the policy says, then what there is to say of its exemptions; sorted."""
    found = _found(cases, rules)
    if _has_exemptions(cases):
        # Only here, and below: most runs have no exemptions and no scopes, and what tells them apart costs imports.
        from checker.domain.scoping import Scoping
        from checker.rules.exempting import exempt

        found, tally = exempt(Scoping(cases), rules, found)
        found = (*found, *_asked(replace(cases, tally=tally), on_exemptions, Weighing(cases, cases.policy)))
    return tuple(sorted(_once(found), key=lambda finding: finding.order))


def _has_exemptions(cases: Cases) -> bool:
    declared = [part.document.declared for part in cases.documents if part.document.declared is not None]
    return bool(cases.policy.exemptions) or any(each.exemptions or each.faulty for each in declared)


def _found(cases: Cases, rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    if not cases.policy.scopes:
        return tuple(_asked(cases, rules, Weighing(cases, cases.policy)))
    from checker.domain.scoping import Scoping

    return _strictest(Scoping(cases), rules)


def _asked(cases: Cases, rules: tuple[Rule, ...], weighing: Weighing) -> Iterator[Finding]:
    for rule in rules:
        if not weighing.is_off(rule):
            yield from (weighing.weighed(finding, rule) for finding in rule.check(cases))


def _strictest(scoping: Scoping, rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    """What stands under several sets of scopes is judged under each, and the strictest result counts."""
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
            # Something about a place alone may stand under scopes that no certificate and no stage stands under.
            waiting += sorted(own - known)
            known |= own
            if matching in own:
                answers.setdefault(_key(finding), []).append(finding)
        for key, answer in answers.items():
            found[key] = min(found.get(key, answer), answer, key=lambda said: _strictness(said, cases.policy))
    return tuple(finding for answer in found.values() for finding in answer)


def _key(finding: Finding) -> _Key:
    """What makes two findings answers to one question: the rule, the document, and the very thing that they are about.

    Names would not do: stages that a scan finds have no address, and several may present one certificate.
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
    """What fails the run first, then what weighs more; last the text, so that the same input gives the same bytes."""
    return min(rank(finding, policy) for finding in answer), -len(answer), max(finding.message for finding in answer)


def _once(findings: tuple[Finding, ...]) -> list[Finding]:
    """What two rules say alike of one document, once, whatever each of them meant by it."""
    return list({replace(finding, about=None): finding for finding in findings}.values())
