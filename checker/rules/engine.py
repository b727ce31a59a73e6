"""Run the rules, weigh their findings, and mark the exempted ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from checker.model.cases import Cases
from checker.model.finding import Finding
from checker.rules.base import Judges, Rule
from checker.rules.weighing import PlannedChanges, Weighing


def judge_cases(cases: Cases, rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    """Return the findings of the rules, and those about the policy's exemptions; sorted.

    The findings are weighed and exempted as the policy says.
    """
    on_sources = tuple(rule for rule in rules if rule.judges is not Judges.EXEMPTIONS)
    exempting = _has_exemptions(cases)
    if not cases.policy.scopes and not exempting:
        return _sorted(_weighed(cases, on_sources))
    # Imported late, here and below: most runs have neither exemptions nor scopes.
    from checker.analysis.scoping import Scoping

    scoping = Scoping(cases)
    found: Iterable[Finding]
    if cases.policy.scopes:
        from checker.rules.scoped import strictest_findings

        found = strictest_findings(scoping, on_sources)
    else:
        found = _weighed(cases, on_sources)
    if exempting:
        from checker.rules.exemptions import apply_exemptions

        marked, tally = apply_exemptions(scoping, rules, tuple(found))
        last = tuple(rule for rule in rules if rule.judges is Judges.EXEMPTIONS)
        found = (*marked, *_weighed(replace(cases, tally=tally), last))
    return _sorted(found)


def _has_exemptions(cases: Cases) -> bool:
    declared = [
        part.document.declared for part in cases.documents if part.document.declared is not None
    ]
    return bool(cases.policy.exemptions) or any(each.exemptions or each.faulty for each in declared)


def _weighed(cases: Cases, rules: tuple[Rule, ...]) -> Iterator[Finding]:
    weighing = Weighing(cases.policy, cases.policy, PlannedChanges(cases))
    for rule in rules:
        if not weighing.is_off(rule):
            yield from (weighing.weighed(finding, rule) for finding in rule.check(cases))


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in order, with those that two rules report alike only once.

    The object that each is about makes no difference.
    """
    once = {replace(finding, about=None): finding for finding in findings}
    return tuple(sorted(once.values(), key=lambda finding: finding.order))
