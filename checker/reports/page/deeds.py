"""What to do next, in order: what stands in the way of a plan, then the rotations by their date, then what else is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.finding import Finding
from checker.domain.outcome import UNVERIFIED, Outcome
from checker.domain.severity import Severity
from checker.domain.value import value
from checker.reports.page.cards import Card
from checker.reports.page.wording import Date

_CURED = {"certificate-expired", "certificate-expiring", "certificate-gone", "rotation-overdue"}


@value
class Deed:
    """One thing to do: what, why or how, by when (`due` in words), and where on the page more about it is."""

    state: str
    what: str
    why: str
    command: str
    by: Date | None
    due: str
    late: bool
    link: str | None
    more: int
    patch: str | None


def deeds(outcome: Outcome, cards: tuple[Card, ...]) -> tuple[Deed, ...]:
    """Everything that is to do; findings that one and the same remedy cures are one deed."""
    cured = {
        name for rotation in outcome.rotations for name in (rotation.label, *map(str, rotation.predecessor_ids)) if name
    }
    loose: dict[tuple[str, str], list[Finding]] = {}
    for finding in outcome.findings:
        weighs = finding.severity is Severity.ERROR or finding.rule == UNVERIFIED
        if weighs and finding.suppression is None and not _has_rotation(finding, cured):
            loose.setdefault((finding.rule, finding.remedy), []).append(finding)
    open_findings = [_of_findings(group) for (rule, _), group in loose.items() if rule != UNVERIFIED]
    unverified = [_of_findings(group) for (rule, _), group in loose.items() if rule == UNVERIFIED]
    rotations = [_of_card(card) for card in cards if card.state != "done"]
    return (*open_findings, *rotations, *unverified)


def _has_rotation(finding: Finding, cured: set[str]) -> bool:
    return finding.rule in _CURED and not cured.isdisjoint(_names(finding))


def _names(finding: Finding) -> Iterator[str]:
    if finding.certificate_id is not None:
        yield finding.certificate_id
    if finding.address is not None:
        yield finding.address


def _of_findings(group: list[Finding]) -> Deed:
    first = group[0]
    return Deed(
        state="open" if first.rule == UNVERIFIED else "wrong",
        what=first.remedy,
        why=first.message,
        command="",
        by=None,
        due="",
        late=False,
        link=None,
        more=len(group) - 1,
        patch=None,
    )


def _of_card(card: Card) -> Deed:
    return Deed(
        state=card.state,
        what=card.deed,
        why=card.how,
        command=card.command,
        by=card.by,
        due=card.due,
        late=card.late,
        link=card.anchor,
        more=0,
        patch=card.patch,
    )
