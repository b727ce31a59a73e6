"""The title and the text of a pull request that `tfcert propose` opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from checker.model.deadlines import late_plan
from checker.model.policy import Applies
from checker.model.rotation import SERIES, ConditionStatus, Phase, Rotation
from checker.reports.markdown import size
from checker.reports.markdown.escape import code, fenced, sentence, shorten
from checker.rotation.sentences import cautions, condition_in_words, open_conditions

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_TITLE = 250
# No check box: a person could tick it, and the next run would take the tick away.
_OPEN = "**open:** "
# From full to short: the most rotations in full, the most names, and whether with the other phases.
_SHRINKING = ((10**9, 10**9, True), (10**9, 10**9, False), (20, 200, False), (5, 100, False))
_LEAST = (0, 20, False)


class ProposedRotation(Struct, frozen=True, kw_only=True):
    """A rotation of a request.

    `root` is the folder of its root module in the repository; empty for the repository itself.
    `pem` are the commands that print the successor's PEM, `trust` the sentences about consumers of
    the PEM.
    """

    rotation: Rotation
    root: str
    pem: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()


class Proposal(Struct, frozen=True, kw_only=True):
    """The content of a request: one phase of some rotations.

    `expected` is the value of `--expect` for its plan. `comments_only` is True if no apply follows.
    """

    phase: Phase
    rotations: tuple[ProposedRotation, ...]
    expected: str
    as_of: datetime
    applies: Applies = Applies.ON_APPLY
    comments_only: bool = False

    @property
    def due(self) -> datetime | None:
        """Return the earliest deadline of its rotations; None for retire, which has none."""
        found = [
            by for each in self.rotations if (by := deadline(each.rotation, self.phase)) is not None
        ]
        return min(found, default=None)


def deadline(rotation: Rotation, phase: Phase) -> datetime | None:
    """Return the moment until which a phase has to be applied; None if it has none."""
    match phase:
        case Phase.INTRODUCE:
            return rotation.introduce_by
        case Phase.REPOINT:
            return rotation.repoint_by
        case Phase.RETIRE | Phase.ROLLBACK:
            return None


def title(proposal: Proposal) -> str:
    """Return the title: which certificate, which phase, and until when."""
    rotations = proposal.rotations
    what = (
        f"certificate {_name(rotations[0].rotation)}"
        if len(rotations) == 1
        else f"certificates of {len(rotations)} rotations"
    )
    number = SERIES.index(proposal.phase) + 1
    text = (
        f"Rotate API Gateway client {what} ({number} of {len(SERIES)}): "
        f"{proposal.phase}{_by(proposal)}"
    )
    return shorten(text, _LONGEST_TITLE)


def _by(proposal: Proposal) -> str:
    due = proposal.due
    if due is None or proposal.comments_only:
        return ""
    if due <= proposal.as_of:
        return " now"
    return f" by {due.day} {_MONTHS[due.month - 1]}"


def _name(rotation: Rotation) -> str:
    return rotation.predecessor.name if rotation.predecessor is not None else rotation.label


def body(proposal: Proposal, *, limit: int) -> str:
    """Return the text of a request, at most `limit` UTF-16 code units long.

    The other phases are omitted first, then the details of rotations, those that end last first.
    """
    for rotations, names, others in _SHRINKING:
        text = _text(proposal, rotations, names, others=others)
        if size(text) <= limit:
            return text
    return _text(proposal, *_LEAST[:2], others=False)


def _text(proposal: Proposal, rotations: int, names: int, *, others: bool) -> str:
    shown = proposal.rotations[:rotations]
    blocks = [*_first(proposal, names), *_plan(proposal)]
    for each in shown:
        blocks += _details(proposal, each, named=len(proposal.rotations) > 1)
    if len(shown) < len(proposal.rotations):
        left = len(proposal.rotations) - len(shown)
        blocks.append(f"… and {left} more rotations; `tfcert patch` in their folders shows them.")
    blocks += _follows(proposal)
    if others:
        blocks += _others(proposal, shown)
    blocks.append(
        "<sub>`tfcert propose` keeps this request current, and never merges it. It stops if "
        "somebody adds a commit. If you close it, it stays closed.</sub>"
    )
    return "\n\n".join(blocks) + "\n"


def _first(proposal: Proposal, names: int) -> Iterator[str]:
    """Yield the first two lines: what to do and until when, and what breaks if not."""
    rotations = [each.rotation for each in proposal.rotations]
    listed = _listed([code(_name(each)) for each in rotations], names)
    if proposal.comments_only:
        yield (
            f"**Merge.** It adds the comments that say which certificate succeeds {listed}; "
            "no apply follows."
        )
    else:
        is_open = any(open_conditions(each, proposal.phase) for each in rotations)
        first = "Check the conditions below, then merge" if is_open else "Merge"
        applying = "" if proposal.applies is Applies.ON_MERGE else " and apply"
        yield f"**{first}{applying}{_until(proposal)}**: {_does(proposal, listed)}"
    yield _otherwise(proposal, rotations)


def _until(proposal: Proposal) -> str:
    due = proposal.due
    if due is None:
        return ", at any time"
    if due <= proposal.as_of:
        return f" now (it was due on {due:%Y-%m-%d})"
    return f" by {due:%Y-%m-%d}"


def _does(proposal: Proposal, listed: str) -> str:
    stages = len({stage for each in proposal.rotations for stage in each.rotation.stages})
    match proposal.phase:
        case Phase.INTRODUCE:
            return f"it makes the successor of {listed} and moves no stage."
        case Phase.REPOINT:
            what = f"{stages} stage{'s' * (stages != 1)}" if stages else "the stages"
            return f"it moves {what} from {listed} to the successor."
        case Phase.RETIRE | Phase.ROLLBACK:
            return f"it removes {listed}, which no stage presents any more."


def _otherwise(proposal: Proposal, rotations: Sequence[Rotation]) -> str:
    if proposal.phase is Phase.RETIRE:
        return "If not: nothing breaks, and the old certificate stays in AWS and in the quota."
    ends = [each.end for each in rotations if each.end is not None]
    stages = len({stage for each in rotations for stage in each.stages})
    which = "the certificate" if len(rotations) == 1 else "the first certificate"
    if not ends:
        return "If not: the stages present a certificate that may have ended."
    verb = "ended" if min(ends) <= proposal.as_of else "ends"
    return (
        f"If not: {which} {verb} on {min(ends):%Y-%m-%d}, and backends that check dates then "
        f"refuse the calls of {stages} stage{'s' * (stages != 1)}."
    )


def _listed(names: Sequence[str], most: int) -> str:
    known = list(dict.fromkeys(names))
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def _plan(proposal: Proposal) -> Iterator[str]:
    if proposal.comments_only:
        return
    yield "### The plan"
    roots = sorted({each.root for each in proposal.rotations})
    where = (
        f"In {', '.join(code(root or '.') for root in roots[:20])}"
        f"{f' and {len(roots) - 20} more folders' if len(roots) > 20 else ''}:"
    )
    yield where
    yield fenced(
        "terraform plan -out plan.bin\n"
        "terraform show -json plan.bin > plan.json\n"
        f"tfcert check plan.json --config . --expect {proposal.expected}",
        "sh",
    )
    match proposal.phase:
        case Phase.INTRODUCE:
            yield "The plan creates the successor and touches no stage."
        case Phase.REPOINT:
            yield "The plan updates `client_certificate_id` in place on the stages."
        case Phase.RETIRE | Phase.ROLLBACK:
            yield "The plan deletes the old certificate."


def _details(proposal: Proposal, each: ProposedRotation, *, named: bool) -> Iterator[str]:
    rotation = each.rotation
    if named:
        where = f" in {code(each.root)}" if each.root else ""
        yield f"### {code(rotation.label)}{where}"
    conditions = [
        condition for condition in rotation.conditions if condition.phase is proposal.phase
    ]
    if conditions:
        yield "**Conditions**" if named else "### Conditions"
        yield "\n".join(
            f"- {_OPEN if condition.holds is not ConditionStatus.YES else ''}"
            f"{sentence(condition_in_words(condition))}"
            for condition in conditions
        )
    careful = [
        sentence(f"careful: {caution.text}") for caution in cautions(rotation, proposal.phase)
    ]
    if rotation.late is not None:
        late = late_plan(rotation.late, proposal.as_of)
        careful += [sentence(text) for text in (late.why, *late.risks)]
    if careful:
        yield "\n".join(f"- {text}" for text in careful)
    backends = list(_backends(proposal, each))
    if backends:
        yield "**The backends**" if named else "### The backends"
        yield from backends


def _backends(proposal: Proposal, each: ProposedRotation) -> Iterator[str]:
    match proposal.phase:
        case Phase.INTRODUCE:
            yield (
                "After the apply, give the PEM of "
                f"{code(str(each.rotation.successor))} to every backend, *beside* the old one. "
                "Each line prints it; `tfcert bundle` writes both:"
            )
            if each.pem:
                yield fenced("\n".join(each.pem), "sh")
        case Phase.REPOINT:
            yield (
                "Every backend must trust both certificates before the apply. After it, once no "
                "call presents the old certificate, take the old PEM out of the backend."
            )
        case Phase.RETIRE | Phase.ROLLBACK:
            yield "The old PEM has to be gone from every backend."
    if each.trust:
        yield "\n".join(f"- {sentence(text)}" for text in each.trust)


def _follows(proposal: Proposal) -> Iterator[str]:
    yield "### What follows"
    match proposal.phase:
        case Phase.INTRODUCE:
            by = [each.rotation.repoint_by for each in proposal.rotations]
            known = [each for each in by if each is not None]
            until = f" It is due by {min(known):%Y-%m-%d}." if known else ""
            yield (
                "`tfcert propose` opens repoint (2 of 3) once AWS confirms the successor and its "
                f"trust window is over.{until} Retire (3 of 3) follows when no stage presents the "
                "old certificate."
            )
        case Phase.REPOINT:
            yield (
                "`tfcert propose` opens retire (3 of 3) once AWS shows no stage that presents the "
                "old certificate. Until then, `tfcert patch --phase rollback` writes the way back."
            )
        case Phase.RETIRE | Phase.ROLLBACK:
            yield "Nothing: the rotation ends with it. A deleted certificate cannot be made again."


def _others(proposal: Proposal, shown: Sequence[ProposedRotation]) -> Iterator[str]:
    for phase in SERIES:
        if phase is proposal.phase:
            continue
        lines = [
            f"- {code(each.rotation.label)}: {sentence(condition_in_words(condition))}"
            for each in shown
            for condition in each.rotation.conditions
            if condition.phase is phase
        ]
        if lines:
            number = SERIES.index(phase) + 1
            yield (f"<details><summary>Conditions of {phase} ({number} of {len(SERIES)})</summary>")
            yield "\n".join(lines)
            yield "</details>"
