"""Explain which scopes match a certificate or a stage, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from checker.analysis.cases import build_cases
from checker.analysis.scoping import Scoping, stages_of
from checker.cli.commands.policy_show import (
    FIELDS,
    origin,
    probe_texts,
    propose_texts,
    rule_origin,
    value_text,
    weight_text,
)
from checker.cli.policy_options import ResolvedPolicy
from checker.errors import UsageError
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.conditions import Traits
from checker.model.inventory import Inventory
from checker.model.observation import Observations
from checker.model.policy import Scope, strictness
from checker.model.resources import Stage
from checker.reports.escape import printable
from checker.rules import RULES


def explain_lines(resolved: ResolvedPolicy, inventory: Inventory, name: str) -> Iterator[str]:
    """Yield the lines about the entries named `name`; raises UsageError if there are none."""
    cases = build_cases(
        inventory, Observations(asked=False), as_of=datetime.now(UTC), policy=resolved.policy
    )
    scoping = Scoping(cases)
    found = [entry for part in cases.documents for entry in _found(scoping, part, name)]
    if not found:
        raise UsageError(
            "no certificate and no stage is called so", where=name, remedy=_near(cases, name)
        )
    for number, (what, part, traits) in enumerate(found):
        if number:
            yield ""
        yield printable(f"{what}, in {part.document.source.path}")
        yield from (printable(line) for line in _lines(resolved, scoping, traits))
        yield from (printable(line) for line in _exemptions(cases, part, name))


Entry = tuple[str, DocumentCases, tuple[Traits, ...]]


def _found(scoping: Scoping, part: DocumentCases, name: str) -> Iterator[Entry]:
    for case in part.cases:
        if name in _names(case):
            label = (
                f"certificate {case.address or '(not in this state)'}"
                f"{f' ({case.id})' if case.id else ''}"
            )
            yield label, part, tuple(scoping.traits(part.document, case.subject))
    stages: dict[str, list[Stage]] = {}
    for stage in stages_of(part.document):
        if stage.address is not None and name in {str(stage.address), str(stage.address.block)}:
            stages.setdefault(str(stage.address), []).append(stage)
    for address, sides in stages.items():
        yield f"stage {address}", part, tuple(dict.fromkeys(scoping.stage_traits(part, sides)))


def _names(case: Case) -> set[str | None]:
    return {
        case.id,
        *((str(case.address), str(case.address.block)) if case.address is not None else ()),
    }


def _near(cases: Cases, name: str) -> str:
    from checker.model.text_values import did_you_mean

    known = {str(case.address) for case in cases.all if case.address is not None}
    known |= {
        str(stage.address)
        for part in cases.documents
        for stage in stages_of(part.document)
        if stage.address is not None
    }
    return did_you_mean(name, sorted(known)[:50]) if known else "the source has none"


def _lines(resolved: ResolvedPolicy, scoping: Scoping, traits: tuple[Traits, ...]) -> Iterator[str]:
    policy = resolved.policy
    sets = [scoping.matching(each) for each in traits]
    for each, matching in zip(traits, sets, strict=True):
        yield f"  {_known(each)}"
        for index, scope in enumerate(policy.scopes):
            if index in matching:
                yield f"    {_label(index, scope)}: matches"
            else:
                unmet = next(scope.conditions.unmet(each))
                yield f"    {_label(index, scope)}: does not match: {unmet.condition}: {unmet.why}"
    if not policy.scopes:
        yield "    the policy has no scopes"
    several = len(set(sets)) > 1
    yield f"  what holds{', the strictest of these' if several else ''}:"
    yield from _values(resolved, sorted(set(sets)))


def _known(traits: Traits) -> str:
    def _trait(name: str, known: str | None) -> str:
        return f"{name} {known}" if known is not None else f"{name} not known"

    tags = {key: text for each in traits.tags for key, text in each}
    return ", ".join(
        (
            " with ".join(map(str, traits.addresses)) or "no address",
            _trait("account", traits.account),
            _trait("region", traits.region),
            _trait("workspace", traits.workspace),
            _trait("directory", traits.directory),
            _trait("stage", traits.stage),
            _trait("API", traits.api),
            *(f"tag {key}={text}" for key, text in sorted(tags.items())),
        )
    )


def _label(index: int, scope: Scope) -> str:
    name = f" {scope.name!r}" if scope.name is not None else ""
    return f"scope {index + 1}{name} ({scope.location})"


def _values(resolved: ResolvedPolicy, sets: list[tuple[int, ...]]) -> Iterator[str]:
    policies = [(matching, resolved.policy.under(matching)) for matching in sets]
    for field in FIELDS:
        # The strictest value, as in a run.
        matching, policy = min(policies, key=lambda entry: strictness(entry[1], field))
        yield (
            f"    {field} = {value_text(getattr(policy, field))}"
            f"  # {_origin(resolved, matching, field)}"
        )
    for rule in RULES:
        matching, weight = min(
            (
                (matching, dict(policy.rules).get(rule.name, rule.weight))
                for matching, policy in policies
            ),
            key=lambda entry: (entry[1] is None, entry[1] or 0),
        )
        if weight is not rule.weight:
            scope = next(
                (
                    index
                    for index in reversed(matching)
                    if rule.name in dict(resolved.policy.scopes[index].rules)
                ),
                None,
            )
            where = (
                _label(scope, resolved.policy.scopes[scope])
                if scope is not None
                else rule_origin(resolved, rule.name)
            )
            yield f"    {rule.name} = {weight_text(weight)}  # {where}"
    yield from _of_verb(
        "probe", [(matching, tuple(probe_texts(policy.probe))) for matching, policy in policies]
    )
    yield from _of_verb(
        "propose",
        [(matching, tuple(propose_texts(policy.propose))) for matching, policy in policies],
    )


def _of_verb(verb: str, policies: list[tuple[tuple[int, ...], tuple[str, ...]]]) -> Iterator[str]:
    """Yield the settings of a command; each set of scopes is that of some stages."""
    several = len({texts for _, texts in policies}) > 1
    for matching, texts in policies:
        scopes = ", ".join(str(index + 1) for index in matching) or "none"
        where = f"  # with the scopes that match: {scopes}" if several else ""
        yield from (f"    {verb}.{line}{where}" for line in texts)
        if not several:
            return


def _origin(resolved: ResolvedPolicy, matching: tuple[int, ...], field: str) -> str:
    policy = resolved.policy
    setting, where = getattr(policy, field), origin(resolved, field)
    if field not in dict(policy.overrides):
        for index in matching:
            if field in dict(policy.scopes[index].values):
                setting, where = (
                    dict(policy.scopes[index].values)[field],
                    _label(index, policy.scopes[index]),
                )
    # The value differs from the last setting only if a larger threshold raises the notice.
    return where if setting == getattr(policy.under(matching), field) else "follows threshold_days"


def _exemptions(cases: Cases, part: DocumentCases, name: str) -> Iterator[str]:
    declared = part.document.declared.exemptions if part.document.declared is not None else ()
    # The user may name an address, a block or an ID; exemptions of each of them apply.
    called = [_names(case) for case in part.cases if name in _names(case)]
    called += [
        {str(stage.address), str(stage.address.block)}
        for stage in stages_of(part.document)
        if stage.address is not None
    ]
    names = {each for known in called if name in known for each in known} - {None}
    for entry in (*cases.policy.exemptions, *declared):
        if not names.isdisjoint({*entry.addresses, entry.certificate_id}):
            yield (
                f"  exempt from {entry.rule} until {entry.until}: {entry.reason} ({entry.location})"
            )
