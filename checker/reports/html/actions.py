"""The next actions in order: obstacles to a plan, rotations by date, then unverified items.

One action may settle several items: a patch covers one phase of many rotations, and a remedy may
fix many findings.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.finding import Finding
from checker.model.outcome import UNVERIFIED, Outcome
from checker.reports.html.format import Deadline, Name, deadline_of, split
from checker.reports.html.rotations import Card, CardAction, Links
from checker.reports.presenting import count_noun
from checker.rules import RULES

_CURED = {rule.name for rule in RULES if rule.cured_by_rotation}


class PageAction(Struct, frozen=True, kw_only=True):
    """One action: what to do, its subjects, the reason or the way, the deadline, and links.

    `state` is wrong (a finding), open (not verified), or the state of a rotation: next, waiting,
    blocked. `rotation` is the anchor of the first rotation.
    """

    state: str
    what: str
    subjects: tuple[Name, ...]
    why: str
    command: str = ""
    deadline: Deadline | None = None
    rotation: str | None = None
    links: Links = Links()


def list_actions(outcome: Outcome, cards: tuple[Card, ...]) -> tuple[PageAction, ...]:
    """Return all actions."""
    wrong: dict[tuple[str, str], list[Finding]] = {}
    unverified: dict[tuple[str, str], list[Finding]] = {}
    cured = {
        name
        for rotation in outcome.rotations
        for name in (rotation.label, *rotation.predecessor_ids)
    } | {rotation.certificate_id for rotation in outcome.manual}
    for finding in outcome.findings:
        if finding.suppression is not None or (
            finding.rule in _CURED and not cured.isdisjoint(_names(finding))
        ):
            continue
        if finding.rule == UNVERIFIED:
            unverified.setdefault((finding.rule, finding.remedy), []).append(finding)
        elif outcome.counts(finding) or finding.not_before is not None:
            wrong.setdefault((finding.rule, finding.remedy), []).append(finding)
    together: dict[object, list[Card]] = {}
    for card in cards:
        if card.action.state != "done":
            together.setdefault(card.links.patch or _same(card.action), []).append(card)
    return (
        *(_of_findings(group, "wrong") for group in wrong.values()),
        *(_of_cards(group) for group in together.values()),
        *_of_manual(outcome, {name for card in cards for name in card.ids}),
        *(_of_findings(group, "open") for group in unverified.values()),
    )


def _of_manual(outcome: Outcome, shown: set[str]) -> Iterator[PageAction]:
    """Yield one action for the manual rotations without a card of their own."""
    group = [(at, one) for at, one in enumerate(outcome.manual) if one.certificate_id not in shown]
    if not group:
        return
    number, _ = group[0]
    ends = [one.ends for _, one in group if one.ends is not None]
    several = len(group) > 1
    yield PageAction(
        state="next",
        what=f"Rotate {count_noun(len(group), 'certificate')} manually",
        subjects=tuple(Name("", one.certificate_id) for _, one in group),
        why=f"No patch reaches {'them' if several else 'it'}; the steps with the AWS CLI are "
        "below. The date is the "
        f"{'first end' if several else 'end'}.",
        deadline=deadline_of(min(ends), outcome.cases.as_of) if ends else None,
        links=Links(steps=f"h{number}"),
    )


def _names(finding: Finding) -> Iterator[str]:
    yield from (name for name in (finding.certificate_id, finding.address) if name is not None)


def _of_findings(group: list[Finding], state: str) -> PageAction:
    names = dict.fromkeys(finding.address for finding in group if finding.address is not None)
    return PageAction(
        state=state, what=group[0].remedy, subjects=tuple(map(split, names)), why=group[0].message
    )


def _same(action: CardAction) -> tuple[str, ...]:
    """Return what two rotations share if one act settles both; a blocked one is its remedy."""
    if action.state == "blocked":
        return action.state, action.what
    return action.what, action.how, action.command


def _of_cards(group: list[Card]) -> PageAction:
    """Return one action for a group of rotations; the first one has the earliest date."""
    first = group[0]
    action = first.action
    several = first.links.patch is not None and len(group) > 1
    return PageAction(
        state=action.state,
        what=f"{action.phase.capitalize()}: one patch for {count_noun(len(group), 'rotation')}"
        if several
        else action.what,
        subjects=tuple(card.predecessor for card in group),
        why=action.how,
        command=action.command,
        deadline=first.deadline,
        rotation=first.anchor,
        links=first.links,
    )
