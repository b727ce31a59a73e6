"""OpenMetrics 1.0, for the textfile collector of node exporter and for push gateways.

All metrics are gauges without timestamps. The collector reads Prometheus' older text format, which
also has gauges, reads `# EOF` as a comment and rejects timestamps. Source: OpenMetrics 1.0;
node_exporter, collector/textfile.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import itemgetter

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from checker.model.cases import Case, DocumentCases, Evidence
from checker.model.outcome import UNVERIFIED, Outcome, Verdict
from checker.model.severity import Severity
from checker.reports.escape import bounded
from checker.rules import RULES

_LONGEST = 200
_CERTIFICATE = ("source", "address", "certificate_id", "account", "region")


def render(outcome: Outcome) -> str:
    """Write an outcome as metrics, ending in `# EOF`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(outcome))
    text: bytes = generate_latest(registry)
    return text.decode()


class _Metrics(Collector):
    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def collect(self) -> Iterator[Metric]:
        outcome = self._outcome
        yield from _certificates(outcome)
        verdict = GaugeMetricFamily(
            "tfcert_verdict", "1 for the verdict of the run, 0 for the others.", labels=["verdict"]
        )
        for known in Verdict:
            verdict.add_metric([str(known)], float(known is outcome.verdict))
        yield verdict
        yield _findings(outcome)
        counted = sum(
            finding.rule == UNVERIFIED and finding.suppression is None
            for finding in outcome.findings
        )
        yield GaugeMetricFamily(
            "tfcert_unverified", "How much could not be checked.", value=counted
        )
        suppressed = sum(finding.suppression is not None for finding in outcome.findings)
        yield GaugeMetricFamily(
            "tfcert_suppressed_findings",
            "Findings that an exemption keeps from counting.",
            value=suppressed,
        )
        moment = outcome.cases.as_of.timestamp()
        yield GaugeMetricFamily(
            "tfcert_as_of_timestamp_seconds",
            "The moment that was judged for.",
            value=moment,
            unit="seconds",
        )
        asked = float(outcome.cases.observations.asked)
        yield GaugeMetricFamily(
            "tfcert_aws_asked",
            "1 where AWS was asked, 0 where every date is the recorded one.",
            value=asked,
        )
        if outcome.fleet is not None:
            yield from _fleet(outcome)


def _fleet(outcome: Outcome) -> Iterator[Metric]:
    """Yield what a fleet has in each account, owner, region or prefix."""
    # Imported here: most runs read no fleet.
    from checker.analysis.fleet_groups import GroupNames, fleet_groups, view_of

    view = view_of(outcome)
    yield GaugeMetricFamily(
        "tfcert_fleet_states", "States and plans that were read.", value=view.read
    )
    certificates = GaugeMetricFamily(
        "tfcert_fleet_certificates", "Certificates of a group.", labels=["by", "group"]
    )
    findings = GaugeMetricFamily(
        "tfcert_fleet_findings",
        "Findings of a group that count; not verified apart from the others.",
        labels=["by", "group", "severity"],
    )
    end = GaugeMetricFamily(
        "tfcert_fleet_first_end_seconds",
        "The first end of a certificate of a group that a stage presents, in Unix time.",
        labels=["by", "group"],
        unit="seconds",
    )
    names = GroupNames(outcome)
    for by in view.group_by:
        for group in sorted(fleet_groups(outcome, by, names), key=lambda each: each.name):
            labels = [str(by), bounded(group.name, _LONGEST)]
            certificates.add_metric(labels, group.certificates)
            findings.add_metric([*labels, "error"], group.errors)
            findings.add_metric([*labels, "warning"], group.warnings)
            findings.add_metric([*labels, "unverified"], group.unverified)
            if group.first_end is not None:
                end.add_metric(labels, group.first_end.timestamp())
    yield from (certificates, findings, end)


def _certificates(outcome: Outcome) -> Iterator[Metric]:
    end = GaugeMetricFamily(
        "tfcert_certificate_not_after_seconds",
        "When a certificate ends, in Unix time.",
        labels=_CERTIFICATE,
        unit="seconds",
    )
    presented = GaugeMetricFamily(
        "tfcert_certificate_stages",
        "How many stages that were read present a certificate.",
        labels=_CERTIFICATE,
    )
    observed = GaugeMetricFamily(
        "tfcert_certificate_observed",
        "1 where AWS confirmed a certificate, 0 where its end is the recorded one.",
        labels=_CERTIFICATE,
    )
    for labels, case in sorted(_series(outcome.cases.documents), key=itemgetter(0)):
        stages = set(case.subject.stages)
        presented.add_metric(labels, len(stages))
        observed.add_metric(labels, float(case.evidence is Evidence.OBSERVED))
        if case.expires_at is not None:
            end.add_metric(labels, case.expires_at.timestamp())
    yield end
    yield presented
    yield observed


def _series(documents: Iterable[DocumentCases]) -> Iterator[tuple[list[str], Case]]:
    """Yield each existing certificate with its labels; a parser rejects duplicate labels."""
    seen: set[tuple[str, ...]] = set()
    for part in documents:
        for case in part.cases:
            place = case.subject.place
            address = str(case.address) if case.address is not None else ""
            values = (part.document.source.path, address, case.id, place.account, place.region)
            labels = [bounded(text or "", _LONGEST) for text in values]
            if case.id is not None and tuple(labels) not in seen:
                seen.add(tuple(labels))
                yield labels, case


def _findings(outcome: Outcome) -> Metric:
    counted = Counter(
        (finding.rule, finding.severity)
        for finding in outcome.findings
        if finding.suppression is None
    )
    metric = GaugeMetricFamily(
        "tfcert_findings", "Findings that count, by rule and severity.", labels=["rule", "severity"]
    )
    names = dict.fromkeys((*(rule.name for rule in RULES), *(rule for rule, _ in counted)))
    for name in names:
        for severity in Severity:
            metric.add_metric([name, severity.word], counted[name, severity])
    return metric
