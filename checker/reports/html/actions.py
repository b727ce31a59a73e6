"""The next actions in order: obstacles to a plan, rotations by date, then unverified items.

One action may settle several items: a patch covers one phase of many rotations, and a remedy may
fix many findings.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.finding import Finding
from checker.model.outcome import UNVERIFIED, Outcome
from checker.reports.html.format import Date, Name, count_noun, split
from checker.reports.html.rotations import Card
from checker.rules import RULES

_CURED = {rule.name for rule in RULES if rule.cured_by_rotation}


class PageAction(Struct, frozen=True, kw_only=True):
    """One action: what to do, its subjects, the reason or the way, the deadline, and a link.

    `due` is the deadline in words. `state` is wrong (a finding), open (not verified), or the state
    of a rotation: next, waiting, blocked.
    """

    state: str
    what: str
    subjects: tuple[Name, ...]
    why: str
    command: str = ""
    by: Date | None = None
    due: str = ""
    late: bool = False
    link: str | None = None
    patch: str | None = None
    steps: str | None = None


def list_actions(outcome: Outcome, cards: tuple[Card, ...]) -> tuple[PageAction, ...]:
    """Return all actions."""
    wrong: dict[tuple[str, str], list[Finding]] = {}
    unverified: dict[tuple[str, str], list[Finding]] = {}
    cured = {
        name
        for rotation in outcome.rotations
        for name in (rotation.label, *rotation.predecessor_ids)
    }
    for finding in outcome.findings:
        if finding.suppression is not None or (
            finding.rule in _CURED and not cured.isdisjoint(_names(finding))
        ):
            continue
        if finding.rule == UNVERIFIED:
            unverified.setdefault((finding.rule, finding.remedy), []).append(finding)
        elif outcome.counts(finding):
            wrong.setdefault((finding.rule, finding.remedy), []).append(finding)
    together: dict[object, list[Card]] = {}
    for card in cards:
        if card.state != "done":
            together.setdefault(card.patch or (card.deed, card.how, card.command), []).append(card)
    return (
        *(_of_findings(group, "wrong") for group in wrong.values()),
        *(_of_cards(group) for group in together.values()),
        *(_of_findings(group, "open") for group in unverified.values()),
    )


def _names(finding: Finding) -> Iterator[str]:
    yield from (name for name in (finding.certificate_id, finding.address) if name is not None)


def _of_findings(group: list[Finding], state: str) -> PageAction:
    names = dict.fromkeys(finding.address for finding in group if finding.address is not None)
    return PageAction(
        state=state, what=group[0].remedy, subjects=tuple(map(split, names)), why=group[0].message
    )


def _of_cards(group: list[Card]) -> PageAction:
    """Return one action for a group of rotations; the first one has the earliest date."""
    first = group[0]
    several = first.patch is not None and len(group) > 1
    return PageAction(
        state=first.state,
        what=f"{first.phase.capitalize()}: one patch for {count_noun(len(group), 'rotation')}"
        if several
        else first.deed,
        subjects=tuple(card.predecessor for card in group),
        why=first.how,
        command=first.command,
        by=first.by,
        due=first.due,
        late=first.late,
        link=first.anchor,
        patch=first.patch,
        steps=first.steps,
    )
