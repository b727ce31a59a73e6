"""What a headline is written from, taken from an outcome or from its JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import AddressError, parse
from checker.model.cases import Case
from checker.model.finding import Finding
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.policy import Applies
from checker.model.rotation import Done, Rotation
from checker.reports.headline.planned_change import PlannedChange, planned_change
from checker.reports.presenting import step_in_words
from checker.rules import RULES
from checker.rules.base import NEAR_ITS_END, RuleHeadline

HEADLINES = {rule.name: rule.headline for rule in RULES if rule.headline is not None}
_CURED = {rule.name for rule in RULES if rule.cured_by_rotation}


class OneFinding(Struct, frozen=True, kw_only=True):
    """What a headline needs of one finding."""

    rule: str
    severity: str
    message: str
    remedy: str
    days_left: int | None
    certificate: str | None
    suppressed: bool
    not_before: datetime | None


class Group(Struct, kw_only=True):
    """The findings of one severity; `best` is the headline of the lowest rank among them.

    `of_best` counts the findings of `best`, and `soonest` is the fewest days left of these. A
    certificate that several states have counts once. `other` counts the findings that are not about
    an end, and `first` is the first one of `best`.
    """

    count: int = 0
    other: int = 0
    best: RuleHeadline | None = None
    of_best: int = 0
    soonest: int = 0
    first: OneFinding | None = None
    counted: set[tuple[str | None, int | None]] = set()

    def add(self, one: OneFinding) -> None:
        """Count one more finding."""
        self.count += 1
        shown = HEADLINES.get(one.rule)
        self.other += shown != NEAR_ITS_END and one.rule not in _CURED
        if shown is not None and (self.best is None or shown.rank < self.best.rank):
            self.best, self.of_best, self.soonest, self.first = shown, 0, one.days_left or 0, one
            self.counted.clear()
        if shown is not None and shown == self.best:
            entry = (one.certificate, one.days_left)
            again = one.rule in _CURED and one.certificate is not None and entry in self.counted
            self.of_best += not again
            self.counted.add(entry)
            self.soonest = min(self.soonest, one.days_left or 0)
        if self.first is None:
            self.first = one


class Tally(Struct, kw_only=True):
    """The findings by severity; `doubt` is the first one that says what is not verified."""

    errors: Group
    warnings: Group
    notes: int = 0
    suppressed: int = 0
    unverified: int = 0
    doubt: OneFinding | None = None
    not_before: datetime | None = None


class NamedEnd(Struct, frozen=True, kw_only=True):
    """The end of a certificate in use, and the number of stages that present it.

    `source` is set where it has an address, which another source may have too.
    """

    at: datetime
    name: str
    stages: int
    source: str | None = None


class NextStep(Struct, frozen=True, kw_only=True):
    """The next step of a rotation: a phase, or waiting or blocked.

    The deadlines are None where no stage presents the old certificate.
    """

    phase: str
    reason: str = ""
    introduce_by: datetime | None = None
    repoint_by: datetime | None = None

    @property
    def by(self) -> datetime | None:
        """Return the deadline of the step."""
        return {"introduce": self.introduce_by, "repoint": self.repoint_by}.get(self.phase)


class Facts(Struct, frozen=True, kw_only=True):
    """What a headline is written from.

    `used` is the number of certificates in use, `first` the first of these to end, and `ended` the
    number of those that have ended. `change` is None if no plan was read. `modules` is the number
    of outcomes. `by_hand` is the number of manual rotations.
    """

    as_of: datetime
    verdict: str
    tally: Tally
    used: int
    first: NamedEnd | None
    change: PlannedChange | None
    steps: tuple[NextStep, ...]
    applies: Applies = Applies.ON_APPLY
    modules: int = 1
    by_hand: int = 0


def tally(findings: Iterable[OneFinding]) -> Tally:
    """Count findings; the first of a kind is the most urgent one, as they are sorted."""
    found = Tally(errors=Group(), warnings=Group())
    for one in findings:
        if one.suppressed:
            found.suppressed += 1
            continue
        if one.not_before is not None:
            found.not_before = max(found.not_before or one.not_before, one.not_before)
        if one.rule == UNVERIFIED:
            found.unverified += 1
            found.doubt = found.doubt or one
            continue
        match one.severity:
            case "error":
                found.errors.add(one)
            case "warning":
                found.warnings.add(one)
            case _:
                found.notes += 1
    return found


def worst(group: Group) -> str:
    """Return the sentence for a group of findings."""
    if group.best is None:
        need = "finding needs" if group.count == 1 else "findings need"
        return f"{group.count:,} {need} attention."
    text = group.best.one if group.of_best == 1 else group.best.many
    return text.format(count=f"{group.of_best:,}", soonest=whole_days(group.soonest))


def whole_days(left: int) -> str:
    """Format days left that are not negative: whole days, rounded down."""
    return "in less than a day" if left <= 0 else f"in {left:,} day{'s' * (left != 1)}"


def facts_of(outcome: Outcome) -> Facts:
    """Return the facts of an outcome."""
    as_of = outcome.cases.as_of
    used = [case for case in outcome.cases.all if case.presented]
    ends = [
        _end(case, part.document.source.path)
        for part in outcome.cases.documents
        for case in part.cases
        if case.presented and case.expires_at is not None and case.expires_at >= as_of
    ]
    return Facts(
        as_of=as_of,
        verdict=str(outcome.verdict),
        tally=tally(map(_finding, outcome.findings)),
        used=len(used),
        first=first_end(ends),
        change=planned_change(outcome.cases.documents),
        steps=tuple(
            _step(rotation)
            for rotation in open_rotations(outcome)
            if not isinstance(rotation.step, Done)
        ),
        applies=outcome.cases.policy.applies,
        by_hand=len(outcome.manual),
    )


def _finding(finding: Finding) -> OneFinding:
    return OneFinding(
        rule=finding.rule,
        severity=finding.severity.word,
        message=finding.message,
        remedy=finding.remedy,
        days_left=finding.days_left,
        certificate=finding.certificate_id,
        suppressed=finding.suppression is not None,
        not_before=finding.not_before,
    )


def first_end(ends: Sequence[NamedEnd]) -> NamedEnd | None:
    """Return the next end; the name has the source if the address is in several of them."""
    first = min(ends, key=lambda end: (end.at, end.name), default=None)
    if first is None or first.source is None:
        return first
    sources = {end.source for end in ends if end.name == first.name}
    return replace(first, name=f"{first.name} in {first.source}") if len(sources) > 1 else first


def _end(case: Case, source: str) -> NamedEnd:
    assert case.expires_at is not None  # noqa: S101 -- as above
    return NamedEnd(
        at=case.expires_at,
        name=str(case.address) if case.address is not None else f"Certificate {case.id}",
        stages=len({stage.label for stage in case.subject.stages}),
        source=source if case.address is not None else None,
    )


def _step(rotation: Rotation) -> NextStep:
    word, reason = step_in_words(rotation.step)
    return NextStep(
        phase=word,
        reason=reason or "",
        introduce_by=rotation.introduce_by if rotation.stages else None,
        repoint_by=rotation.repoint_by if rotation.stages else None,
    )


def open_rotations(outcome: Outcome) -> tuple[Rotation, ...]:
    """Return the rotations without those that nobody began because their finding is exempted."""
    exempted = Exempted(
        (finding.rule, finding.certificate_id, finding.address, finding.suppression is not None)
        for finding in outcome.findings
    )
    return tuple(
        rotation
        for rotation in outcome.rotations
        if rotation.introduced or not exempted.has((rotation.label, *rotation.predecessor_ids))
    )


class Exempted:
    """The certificates whose findings about their end are all suppressed."""

    def __init__(self, findings: Iterable[tuple[str, str | None, str | None, bool]]) -> None:
        about = [entry for entry in findings if entry[0] in _CURED]
        hidden = [entry for entry in about if entry[3]]
        self._hidden = frozenset(_names(hidden))
        # Most runs suppress nothing: then no address is parsed.
        self._open = frozenset(_names(entry for entry in about if not entry[3]) if hidden else ())

    def has(self, names: Collection[str]) -> bool:
        """Return whether a rotation with these names is about exempted certificates only."""
        return not self._hidden.isdisjoint(names) and self._open.isdisjoint(names)


def _names(entries: Iterable[tuple[str, str | None, str | None, bool]]) -> Iterator[str]:
    for _, identity, address, _ in entries:
        if identity is not None:
            yield identity
        if address is not None:
            yield _block(address)


def _block(address: str) -> str:
    try:
        return str(parse(address).block)
    except AddressError:
        return address
