"""AWS Security Finding Format: a list for Security Hub's `BatchImportFindings`.

tfcert keeps no memory of what it sent before. So each run also writes, for every certificate and
stage that it judged and every rule that found nothing, a record that has passed: Security Hub then
resolves the earlier finding with the same Id. What could not be verified has no such record.
Sources: botocore's model of `BatchImportFindings`; AWS, "Required top-level ASFF attributes" (the
lengths) and "BatchImportFindings" (at most 100 findings for each call).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import Struct

from checker.analysis.certificate_uses import stages_after
from checker.analysis.scoping import Scoping
from checker.errors import UsageError
from checker.model.cases import Case, Evidence
from checker.model.finding import Finding
from checker.model.observation import Unanswered
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.places import Place, partition_of_region
from checker.model.resources import Stage
from checker.model.severity import Severity
from checker.reports.escape import bounded, printable
from checker.reports.json_v1 import json_text
from checker.rules import RULES
from checker.rules.base import Rule, Subject, stage_name
from checker.rules.exemptions import is_able

_TYPE = "Software and Configuration Checks/AWS Security Best Practices"
_SEVERITIES = {Severity.ERROR: "HIGH", Severity.WARNING: "MEDIUM", Severity.NOTE: "LOW"}
_RULES = {rule.name: rule for rule in RULES}
_CERTIFICATE = Subject.CERTIFICATE
_TITLE, _DESCRIPTION, _REMEDY, _ID = 256, 1024, 512, 512


class _About(Struct, frozen=True, kw_only=True):
    """What a record is about: its name and place, which make the Id, and its resource type."""

    name: str
    place: Place
    kind: str


class _Run(NamedTuple):
    """The moment that was judged for, and the creation of each certificate by its id."""

    as_of: datetime
    created: Mapping[str, datetime]


def render(outcome: Outcome) -> str:
    """Write a record for each finding, and one that has passed for each rule that found nothing.

    Raises UsageError if neither a finding nor the run names an account and region: Security Hub
    accepts no record without them.
    """
    return json_text(list(_records(outcome).values()))


def _records(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Return the records by Id; of several for one Id the most severe is kept."""
    home = _home(outcome)
    run = _Run(outcome.cases.as_of, _creations(outcome))
    found: dict[str, dict[str, Any]] = {}
    for finding in outcome.findings:
        if finding.rule != UNVERIFIED:
            record = _failed(run, finding, _located(_about(finding), home))
            found.setdefault(record["Id"], record)
    for rule, about in _passed(outcome):
        if _known(about.place, home):
            record = _cured(run, rule, _located(about, home))
            found.setdefault(record["Id"], record)
    return dict(sorted(found.items()))


def _home(outcome: Outcome) -> Place:
    """Return the account and region of the run where all its certificates and stages share one."""
    places = {
        (place.account, place.region)
        for part in outcome.cases.documents
        for place in (
            *(case.certificate.place for case in part.cases),
            *(stage.place for stage in part.document.stages),
            *(case.subject.key.place for case in part.cases if case.subject.key is not None),
        )
        if place.account and place.region
    }
    return Place(None, *next(iter(places))) if len(places) == 1 else Place()


def _known(place: Place, home: Place) -> bool:
    both = place.or_else(home)
    return bool(both.account and both.region)


def _located(about: _About, home: Place) -> _About:
    place = about.place.or_else(home)
    if not place.account or not place.region:
        raise UsageError(
            f"the account and region of {printable(about.name)} are not known, and Security Hub "
            "accepts no finding without them",
            where="--format asff",
            remedy="run it with AWS credentials of the account and without --offline",
        )
    partition = place.partition or partition_of_region(place.region)
    place = Place(partition, place.account, place.region)
    return _About(name=about.name, place=place, kind=about.kind)


def _about(finding: Finding) -> _About:
    match finding.about:
        case Place() as place:
            return _About(name=finding.rule, place=place, kind="Other")
        case tuple() as stages if stages:
            stage = stages[0]
            name = finding.certificate_id
            if _RULES[finding.rule].subject is not Subject.CERTIFICATE or name is None:
                return _of_stage(stage)
            return _About(name=name, place=stage.place, kind="Other")
        case None | tuple():
            name = finding.certificate_id or finding.address or finding.source or finding.rule
            return _About(name=name, place=Place(), kind="Other")
        case subject:
            return _About(
                name=subject.certificate.id or finding.address or finding.rule,
                place=subject.place,
                kind="Other",
            )


def _of_stage(stage: Stage) -> _About:
    return _About(name=stage_name(stage), place=stage.place, kind="AwsApiGatewayStage")


def _passed(outcome: Outcome) -> Iterator[tuple[Rule, _About]]:
    """Yield each rule with each certificate and stage that it could judge.

    Not one whose evidence is missing, and none in a run that could not read or ask everything.
    """
    cases = outcome.cases
    if cases.unread or cases.observations.interrupted:
        return
    scoping = Scoping(cases)
    for part in cases.documents:
        rules = [rule for rule in RULES if is_able(rule.needs, cases, (part,))]
        for case in part.cases:
            if _is_verified(case):
                weights = dict(scoping.policy_of(part, (case,)).rules)
                yield from (
                    (rule, _of_case(case))
                    for rule in _on(rules, weights, _CERTIFICATE)
                    if rule.is_answered is None or rule.is_answered(cases, part, case)
                )
        weights = dict(cases.policy.rules)
        for stage in stages_after(part.document):
            yield from ((rule, _of_stage(stage)) for rule in _on(rules, weights, Subject.STAGE))


def _on(
    rules: list[Rule], weights: Mapping[str, Severity | None], subject: Subject
) -> Iterator[Rule]:
    """Yield the rules about such a subject that the policy has not switched off."""
    for rule in rules:
        if rule.subject is subject and weights.get(rule.name, rule.weight) is not None:
            yield rule


def _is_verified(case: Case) -> bool:
    return (
        case.id is not None
        and case.expires_at is not None
        and not isinstance(case.observation, Unanswered)
        and case.evidence in {Evidence.OBSERVED, Evidence.RECORDED}
    )


def _of_case(case: Case) -> _About:
    return _About(name=case.id or "", place=case.subject.place, kind="Other")


def _failed(run: _Run, finding: Finding, about: _About) -> dict[str, Any]:
    suppression = finding.suppression
    record = _record(
        run,
        about,
        rule=finding.rule,
        title=f"{finding.rule}: {finding.address or about.name}",
        description=finding.message,
    )
    record |= {
        "Severity": {"Label": _SEVERITIES[finding.severity], "Original": finding.severity.word},
        "Remediation": {"Recommendation": {"Text": bounded(finding.remedy, _REMEDY)}},
        "Compliance": {"Status": "FAILED"},
        "Workflow": {"Status": "NEW" if suppression is None else "SUPPRESSED"},
        "RecordState": "ACTIVE",
    }
    if suppression is not None:
        text = f"suppressed until {suppression.until}: {suppression.reason}"
        record["Note"] = {
            "Text": bounded(text, _REMEDY),
            "UpdatedBy": "tfcert",
            "UpdatedAt": _instant(run.as_of),
        }
    return record


def _cured(run: _Run, rule: Rule, about: _About) -> dict[str, Any]:
    record = _record(
        run,
        about,
        rule=rule.name,
        title=f"{rule.name}: {about.name}",
        description=f"tfcert judged it and found nothing. The rule: {rule.says}.",
    )
    return record | {
        "Severity": {"Label": "INFORMATIONAL"},
        "Compliance": {"Status": "PASSED"},
        "Workflow": {"Status": "RESOLVED"},
        "RecordState": "ARCHIVED",
    }


def _record(run: _Run, about: _About, *, rule: str, title: str, description: str) -> dict[str, Any]:
    place = about.place
    now = _instant(run.as_of)
    product = f"arn:{place.partition}:securityhub:{place.region}:{place.account}"
    name = printable(about.name)
    return {
        "SchemaVersion": "2018-10-08",
        "Id": bounded(f"tfcert/{place.account}/{place.region}/{name}/{rule}", _ID),
        "ProductArn": f"{product}:product/{place.account}/default",
        "ProductName": "tfcert",
        "CompanyName": "tfcert",
        "GeneratorId": f"tfcert/{rule}",
        "AwsAccountId": place.account,
        "Region": place.region,
        "Types": [_TYPE],
        "CreatedAt": _instant(min(run.created.get(about.name, run.as_of), run.as_of)),
        "UpdatedAt": now,
        "Title": bounded(title, _TITLE),
        "Description": bounded(description, _DESCRIPTION),
        "Resources": [
            {
                "Type": about.kind,
                "Id": bounded(_resource_id(about), _ID),
                "Partition": place.partition,
                "Region": place.region,
            }
        ],
    }


def _creations(outcome: Outcome) -> Mapping[str, datetime]:
    """Return the creation of each certificate by id, which is the same in every run."""
    found: dict[str, datetime] = {}
    for part in outcome.cases.documents:
        for case in part.cases:
            if case.id is not None and case.made_at is not None:
                found[case.id] = min(case.made_at, found.get(case.id, case.made_at))
    return found


def _resource_id(about: _About) -> str:
    name = printable(about.name)
    if about.kind != "Other" or name.startswith("arn:") or not (name.isalnum() and name.isascii()):
        return name or "unnamed"
    return (
        f"arn:{about.place.partition}:apigateway:{about.place.region}::/clientcertificates/{name}"
    )


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
