"""What to do next, in order: what stands in the way of a plan, then the rotations by their date, then what is not verified.

What one and the same act settles is one deed: a patch takes the phase of many rotations, and a remedy may cure many findings.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.finding import Finding
from checker.model.outcome import UNVERIFIED, Outcome
from checker.reports.html.format import Date, Name, count_noun, split
from checker.reports.html.rotations import Card

_CURED = {"certificate-expired", "certificate-expiring", "certificate-gone", "rotation-overdue"}


class Action(Struct, frozen=True, kw_only=True):
    """One thing to do: what, about what, why or how, by when (`due` in words), and where on the page more about it is.

    `state` is wrong (a finding), open (not verified), or that of a rotation: next, waiting, blocked.
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


def list_actions(outcome: Outcome, cards: tuple[Card, ...]) -> tuple[Action, ...]:
    """Everything that is to do."""
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


def _of_findings(group: list[Finding], state: str) -> Action:
    names = dict.fromkeys(finding.address for finding in group if finding.address is not None)
    return Action(
        state=state, what=group[0].remedy, subjects=tuple(map(split, names)), why=group[0].message
    )


def _of_cards(group: list[Card]) -> Action:
    """The rotations come by their dates, so that the first one's is the group's."""
    first = group[0]
    several = first.patch is not None and len(group) > 1
    return Action(
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
