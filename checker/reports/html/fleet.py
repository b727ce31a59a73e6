"""The groups of a fleet on the page: what each account, owner, region or prefix has to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from checker.analysis.fleet_groups import FleetGroup, GroupNames, fleet_groups, view_of
from checker.model.finding import Finding
from checker.model.outcome import UNVERIFIED, GroupBy, Outcome
from checker.model.severity import Severity
from checker.reports.html.format import Name, split

# As many findings are listed in a group; the table of findings has all of them.
_LISTED = 200
_PLURALS = {
    GroupBy.ACCOUNT: "accounts",
    GroupBy.OWNER: "owners",
    GroupBy.REGION: "regions",
    GroupBy.PREFIX: "prefixes",
}


class GroupFindingView(Struct, frozen=True, kw_only=True):
    """A finding of a group, in a line."""

    kind: str
    severity: str
    rule: str
    name: Name | None
    message: str
    days_left: int | None
    source: str | None


class FleetGroupView(Struct, frozen=True, kw_only=True):
    """A group: its numbers, and its findings without the notes, the most urgent first."""

    name: str
    certificates: int
    errors: int
    warnings: int
    unverified: int
    first_end: datetime | None
    listed: tuple[GroupFindingView, ...]
    more: int


class FleetGroupsView(Struct, frozen=True, kw_only=True):
    """All groups of one kind, those with the most to do first."""

    title: str
    noun: str
    plural: str
    groups: tuple[FleetGroupView, ...]


def fleet_views(outcome: Outcome) -> tuple[FleetGroupsView, ...]:
    """Return the groups of a fleet; nothing for single sources."""
    if outcome.fleet is None:
        return ()
    names = GroupNames(outcome)
    return tuple(
        FleetGroupsView(
            title=f"By {by}",
            noun=str(by),
            plural=_PLURALS[by],
            groups=tuple(map(_group, fleet_groups(outcome, by, names))),
        )
        for by in view_of(outcome).group_by
    )


def group_labels(outcome: Outcome) -> tuple[str, ...]:
    """Return the account and the owner of each finding, as the table of findings shows them."""
    if outcome.fleet is None:
        return tuple("" for _ in outcome.findings)
    names = GroupNames(outcome)
    return tuple(" · ".join(_known(names, finding)) for finding in outcome.findings)


def _known(names: GroupNames, finding: Finding) -> Iterator[str]:
    for by in (GroupBy.ACCOUNT, GroupBy.OWNER):
        found = names.known(by, finding)
        if found is not None:
            yield found


def _group(group: FleetGroup) -> FleetGroupView:
    urgent = [each for each in group.findings if each.severity is not Severity.NOTE]
    return FleetGroupView(
        name=group.name,
        certificates=group.certificates,
        errors=group.errors,
        warnings=group.warnings,
        unverified=group.unverified,
        first_end=group.first_end,
        listed=tuple(map(_finding, urgent[:_LISTED])),
        more=max(0, len(urgent) - _LISTED),
    )


def _finding(finding: Finding) -> GroupFindingView:
    doubt = finding.rule == UNVERIFIED
    return GroupFindingView(
        kind="doubt" if doubt else "bad" if finding.severity is Severity.ERROR else "warn",
        severity="not verified" if doubt else finding.severity.word,
        rule=finding.rule,
        name=split(finding.address) if finding.address is not None else None,
        message=finding.message,
        days_left=finding.days_left,
        source=finding.source,
    )
