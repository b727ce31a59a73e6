"""The states of a fleet by account, owner, region or prefix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from checker.analysis.owners import owner_tag
from checker.model.certificate_use import CertificateUse
from checker.model.finding import Finding
from checker.model.outcome import UNVERIFIED, FleetView, GroupBy, Outcome
from checker.model.places import Place
from checker.model.resources import Certificate, Stage
from checker.model.severity import Severity

UNKNOWN = {
    GroupBy.ACCOUNT: "unknown account",
    GroupBy.OWNER: "no owner tag",
    GroupBy.REGION: "unknown region",
    GroupBy.PREFIX: "no source",
}


class FleetGroup(Struct, kw_only=True):
    """What a fleet has of one account, owner, region or prefix.

    `states` counts the documents with stages or certificates; `first_end` is the first end of a
    certificate that a stage presents. `findings` are those that count, the most urgent first.
    """

    name: str
    states: int = 0
    certificates: int = 0
    errors: int = 0
    warnings: int = 0
    unverified: int = 0
    first_end: datetime | None = None
    findings: list[Finding] = []

    @property
    def order(self) -> tuple[int, int, int, float, str]:
        """Return the sort key: the group with the most to do first."""
        end = self.first_end.timestamp() if self.first_end is not None else float("inf")
        return (-self.errors, -self.unverified, -self.warnings, end, self.name)


class GroupNames:
    """The name of the group that a finding or a certificate belongs to."""

    def __init__(self, outcome: Outcome) -> None:
        self._sources = outcome.fleet.sources if outcome.fleet is not None else ()
        self._known: dict[tuple[str | None, str | None], CertificateUse] = {}
        for part in outcome.cases.documents:
            for case in part.cases:
                self._known.setdefault((part.document.source.path, case.id), case.subject)

    def of_finding(self, by: GroupBy, finding: Finding) -> str:
        """Return the group of a finding, by what it is about and its source."""
        about = finding.about
        if about is None and finding.certificate_id is not None:
            about = self._known.get((finding.source, finding.certificate_id))
        match about:
            case CertificateUse():
                return self.of_certificate(by, about, finding.source)
            case Place():
                return self._name(by, (about,), (), finding.source)
            case tuple():
                places = [stage.place for stage in about]
                return self._name(by, places, about, finding.source)
            case None:
                return self._name(by, (), (), finding.source)

    def of_certificate(self, by: GroupBy, use: CertificateUse, source: str | None) -> str:
        """Return the group of a certificate with the stages that present it."""
        places = [use.place, *(stage.place for stage in use.stages)]
        return self._name(by, places, (use.certificate, *use.stages), source)

    def _name(
        self,
        by: GroupBy,
        places: Sequence[Place],
        tagged: Sequence[Certificate | Stage],
        source: str | None,
    ) -> str:
        found: str | None = None
        match by:
            case GroupBy.ACCOUNT:
                found = next((each.account for each in places if each.account), None)
            case GroupBy.REGION:
                found = next((each.region for each in places if each.region), None)
            case GroupBy.OWNER:
                found = next(filter(None, map(owner_of, tagged)), None)
            case GroupBy.PREFIX:
                found = prefix_of(source, self._sources) if source is not None else None
        return found or UNKNOWN[by]

    def known(self, by: GroupBy, finding: Finding) -> str | None:
        """Return the group of a finding; None if it is not known."""
        found = self.of_finding(by, finding)
        return found if found != UNKNOWN[by] else None

    def owner_or_none(self, use: CertificateUse) -> str | None:
        """Return the owner that the tags of a certificate or of its stages name, if any."""
        found = self.of_certificate(GroupBy.OWNER, use, None)
        return found if found != UNKNOWN[GroupBy.OWNER] else None


def owner_of(thing: Certificate | Stage) -> str | None:
    """Return the owner that the tags of a certificate or a stage name."""
    found = owner_tag(thing.tags)
    return found[1] if found is not None else None


def prefix_of(path: str, sources: Sequence[str]) -> str:
    """Return the first folder below the source that a state is in; else the state's own folder."""
    for source in sorted(sources, key=len, reverse=True):
        top = source if source.endswith("/") else f"{source}/"
        if source == ".":
            top = "./"
        if path.startswith(top):
            first, separator, _ = path[len(top) :].partition("/")
            return f"{top}{first}/" if separator else top
    return f"{path.rpartition('/')[0]}/" if "/" in path else "./"


def fleet_groups(outcome: Outcome, by: GroupBy, names: GroupNames) -> tuple[FleetGroup, ...]:
    """Return the groups of a fleet, the one with the most to do first."""
    found: dict[str, FleetGroup] = {}
    seen: set[tuple[str, str]] = set()

    def group(name: str) -> FleetGroup:
        return found.setdefault(name, FleetGroup(name=name))

    for part in outcome.cases.documents:
        path = part.document.source.path
        for case in part.cases:
            made = group(names.of_certificate(by, case.subject, path))
            made.certificates += 1
            if case.presented and case.expires_at is not None:
                made.first_end = min(case.expires_at, made.first_end or case.expires_at)
            if (made.name, path) not in seen:
                seen.add((made.name, path))
                made.states += 1
    for finding in counted(outcome):
        made = group(names.of_finding(by, finding))
        made.findings.append(finding)
        if finding.rule == UNVERIFIED:
            made.unverified += 1
        elif finding.severity is Severity.ERROR:
            made.errors += 1
        elif finding.severity is Severity.WARNING:
            made.warnings += 1
    return tuple(sorted(found.values(), key=lambda each: each.order))


def counted(outcome: Outcome) -> Iterator[Finding]:
    """Yield the findings that no exemption suppresses, the most urgent first."""
    return (finding for finding in outcome.findings if finding.suppression is None)


def view_of(outcome: Outcome) -> FleetView:
    """Return how a fleet is shown; raises ValueError for an outcome of single sources."""
    if outcome.fleet is None:
        raise ValueError("no fleet")
    return outcome.fleet
