"""The first sentences of a report: what ends, what this change does to it, and what to do.

Text, HTML and Markdown share them. They never sound calmer than the findings are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from checker.model.deadlines import due, left_in_words, moment
from checker.model.outcome import Verdict
from checker.reports.headline.facts import Facts, Group, worst
from checker.reports.headline.planned_change import PlannedChange
from checker.reports.presenting import count_noun
from checker.rules.base import NEAR_ITS_END

_LONGEST = 300
_UNREAD = " could not be read: "  # what is before it is a path
_DO_NOT = 0  # the rank of "Do not apply this plan as it is."


class Headline(Struct, frozen=True, kw_only=True):
    """The first sentence of a report, and those after it in `more`.

    `tone` is bad, doubt, warn (warnings only) or fine. Names in the sentences are not escaped.
    """

    tone: str
    sentence: str
    more: tuple[str, ...] = ()


def headline(facts: Facts) -> Headline:
    """Return the headline for the findings that count; suppressed ones do not."""
    if facts.verdict == Verdict.INCONCLUSIVE:
        return _inconclusive(facts)
    found = facts.tally
    if found.errors.count or facts.verdict == Verdict.FINDINGS:
        return _failing(facts)
    if found.not_before is not None:
        return Headline(tone="warn", sentence=_too_early(facts), more=tuple(_effects(facts)))
    if facts.change is not None and facts.change.touches:
        return _applicable(facts, facts.change)
    if found.warnings.count:
        return Headline(
            tone="warn",
            sentence=worst(found.warnings),
            more=(*_ends(facts, after=found.warnings), *_effects(facts), *_to_do(facts)),
        )
    return _calm(facts)


def _inconclusive(facts: Facts) -> Headline:
    doubt = facts.tally.doubt
    more = facts.tally.unverified - 1
    besides = f" (and {more:,} more)" if more > 0 else ""
    sentences: list[str] = []
    if doubt is not None:
        sentences += [f"{_capital(shorten_clause(doubt.message))}{besides}."]
        before = (
            f"Do not {facts.applies.verb} this change before it is checked"
            if facts.change is not None
            else "Check it first"
        )
        sentences += [f"{before}: {shorten_clause(doubt.remedy)}."]
    elif facts.change is not None:
        sentences += [f"Do not {facts.applies.verb} this change before it is checked."]
    if facts.tally.warnings.count:
        sentences += [worst(facts.tally.warnings)]
    return Headline(
        tone="doubt",
        sentence="Not everything could be checked.",
        more=(*sentences, *_effects(facts), *_ends(facts)),
    )


def _failing(facts: Facts) -> Headline:
    """Return the headline of findings that fail the run, or would under a stricter policy."""
    found = facts.tally
    weighing = found.errors if found.errors.count else found.warnings
    tone = "bad" if found.errors.count else "warn"
    unchecked = (
        (f"{count_noun(found.unverified, 'item')} could not be checked.",)
        if found.unverified
        else ()
    )
    lenient = (
        () if facts.verdict == Verdict.FINDINGS else ("The policy does not fail a run for it.",)
    )
    tone = tone if facts.verdict == Verdict.FINDINGS else "warn"
    more = (*lenient, *unchecked)
    if weighing.best is not None and weighing.best.rank == _DO_NOT:
        first = weighing.first
        act = (f"{_capital(shorten_clause(first.remedy))}.",) if first is not None else ()
        return Headline(
            tone=tone,
            sentence=f"Do not {facts.applies.verb} this {facts.applies.noun} as it is.",
            more=(*_effects(facts), *act, *more),
        )
    if found.not_before is not None:
        return Headline(
            tone=tone, sentence=_too_early(facts), more=(*_effects(facts), worst(weighing), *more)
        )
    return Headline(
        tone=tone,
        sentence=worst(weighing),
        more=(*_ends(facts, after=weighing), *_effects(facts), *_to_do(facts), *more),
    )


def _too_early(facts: Facts) -> str:
    assert facts.tally.not_before is not None  # noqa: S101 -- the caller asked for it
    return f"Do not {facts.applies.verb} before {moment(facts.tally.not_before)}."


def _applicable(facts: Facts, change: PlannedChange) -> Headline:
    """Return the headline of a change that nothing speaks against."""
    verb, found = facts.applies.verb, facts.tally
    if found.warnings.other:
        first = f"Read {count_noun(found.warnings.other, 'warning')} before you {verb} this change."
        tone = "warn"
    else:
        trusted = ", once every backend trusts the new certificate" if change.moved else ""
        by = _deadline(facts, change)
        first = (
            f"{_capital(verb)} this change {due(by, facts.as_of)}{trusted}."
            if by is not None
            else f"This change can be {facts.applies.done}{trusted}."
        )
        tone = "warn" if found.warnings.count else "fine"
    then = ("Then give the new PEM to every backend: `tfcert bundle` writes it.",)
    return Headline(
        tone=tone,
        sentence=first,
        more=(*_effects(facts, "It"), *(then if change.created and not change.moved else ())),
    )


def _deadline(facts: Facts, change: PlannedChange) -> datetime | None:
    """Return the deadline of the phase that a change takes; None if no certificate is near."""
    if not facts.tally.warnings.count or not (change.moved or change.created):
        return None
    known = [
        by
        for step in facts.steps
        if (by := step.repoint_by if change.moved else step.introduce_by) is not None
    ]
    return min(known, default=None)


def _calm(facts: Facts) -> Headline:
    """Return the headline of a run without an open error or warning."""
    acts = tuple(_to_do(facts))
    suppressed, notes = facts.tally.suppressed, facts.tally.notes
    more = (
        *acts[1:],
        *_effects(facts),
        *_ends(facts),
        *((f"{count_noun(notes, 'note')}.",) if notes else ()),
        *(
            (f"{count_noun(suppressed, 'finding is', 'findings are')} suppressed.",)
            if suppressed
            else ()
        ),
    )
    held = any(step.phase in {"blocked", "waiting"} for step in facts.steps)
    return Headline(
        tone="warn" if held else "fine",
        sentence=acts[0] if acts else "Nothing to do.",
        more=more,
    )


def _ends(facts: Facts, *, after: Group | None = None) -> Iterator[str]:
    """Yield a sentence on the next end of a certificate in use: the time of the next action.

    `after` are the findings that the sentence before is about: it may name the days left already.
    """
    if not facts.used:
        yield "No stage that was read presents a client certificate."
    if facts.first is None:
        return
    end = facts.first
    present = "stage presents" if end.stages == 1 else "stages present"
    known = after is not None and after.best == NEAR_ITS_END and after.of_best == 1
    left = "" if known else f", {left_in_words(end.at, facts.as_of)}"
    yield f"{end.name} ends on {end.at:%Y-%m-%d}{left}; {end.stages:,} {present} it."


def _effects(facts: Facts, subject: str = "This change") -> Iterator[str]:
    """Yield what the change does to certificates and stages, and when the old one ends."""
    change = facts.change
    if change is None:
        return
    if not change.touches:
        if not change.unclear:
            yield "This change does not touch client certificates."
        return
    risk = "; their backends may refuse calls" if facts.tally.not_before is not None else ""
    yield f"{subject} {_and(tuple(_parts(facts, change)))}{risk}."
    if change.moved and change.old_ends is not None:
        yield (
            f"The old one ends on {change.old_ends:%Y-%m-%d}, "
            f"{left_in_words(change.old_ends, facts.as_of)}."
            if change.old_ends >= facts.as_of
            else f"The old one ended on {change.old_ends:%Y-%m-%d}."
        )
    else:
        yield from _ends(facts)


def _parts(facts: Facts, change: PlannedChange) -> Iterator[str]:
    if change.created:
        yield f"creates {_a(change.created, 'certificate')}"
    if change.replaced:
        yield f"replaces {_a(change.replaced, 'certificate')}"
    if change.moved:
        yield f"moves {count_noun(change.moved, 'stage')} to {_made(facts, change)}"
    elif change.created or change.replaced:
        yield "moves no stage"
    if change.given:
        yield f"gives {count_noun(change.given, 'stage')} a first certificate"
    if change.detached:
        yield f"takes the certificate from {count_noun(change.detached, 'stage')}"
    if change.removed:
        yield f"deletes {count_noun(change.removed, 'stage')}"
    if change.deleted:
        yield f"deletes {_a(change.deleted, 'certificate')}"
    if change.forgotten:
        yield f"removes {_a(change.forgotten, 'certificate')} from state"


def _made(facts: Facts, change: PlannedChange) -> str:
    if change.made_at is None:
        return "another certificate"
    if change.made_at.date() == facts.as_of.date():
        return "a certificate made today"
    return f"a certificate made on {change.made_at:%Y-%m-%d}"


_PHASES = {
    "introduce": ("Introduce its successor", "Introduce {}", "successor"),
    "repoint": ("Repoint its stages", "Repoint the stages of {}", "certificate"),
    "retire": ("Retire the old certificate", "Retire {}", "old certificate"),
}


def _to_do(facts: Facts) -> Iterator[str]:
    """Yield what to do about the rotations, the steps that are safe now first."""
    for phase, (one, many, noun) in _PHASES.items():
        steps = [step for step in facts.steps if step.phase == phase]
        if steps:
            by = min((step.by for step in steps if step.by is not None), default=None)
            when = "" if by is None else f" {due(by, facts.as_of)}"
            first = ", the first" if by is not None and len(steps) > 1 else ""
            what = one if len(facts.steps) == 1 else many.format(count_noun(len(steps), noun))
            yield f"{what}{first}{when}: `tfcert patch` writes the patch."
    for phase in ("waiting", "blocked"):
        steps = [step for step in facts.steps if step.phase == phase]
        if len(steps) == len(facts.steps) == 1 and not facts.by_hand:
            reason = steps[0].reason
            colon = "" if reason.startswith("until ") else ":"
            yield f"Its rotation is {phase}{colon} {shorten_clause(reason)}."
        elif steps and not (phase == "blocked" and facts.by_hand >= len(steps)):
            yield f"{count_noun(len(steps), 'rotation is', 'rotations are')} {phase}; see below."
    if facts.by_hand:
        needs = count_noun(facts.by_hand, "certificate needs", "certificates need")
        yield f"{needs} a manual rotation; the steps are below."


def _a(count: int, noun: str) -> str:
    return f"a {noun}" if count == 1 else count_noun(count, noun)


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def shorten_clause(text: str) -> str:
    """Return a clause without its period; a long one ends after a whole word, with an ellipsis."""
    text = text.rstrip(".")
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 2].rpartition(' ')[0].rstrip(',;:')} …"


def _capital(text: str) -> str:
    """Capitalise a sentence, unless it begins with a name, a path or code."""
    plain = text.partition(" ")[0].isalpha() and _UNREAD not in text
    return f"{text[:1].upper()}{text[1:]}" if plain else text
