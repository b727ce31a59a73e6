"""The text of the issue that lists every rotation with its phase, its date and its request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from checker.model.deadlines import moment
from checker.model.rotation import Blocked, Done, Next, Rotation, Waiting
from checker.reports.markdown import size
from checker.reports.markdown.escape import code, sentence
from checker.reports.presenting import count_noun
from checker.reports.proposal import deadline

TITLE = "API Gateway client certificates: rotations"
_LONGEST_REASON = 200
_FIRST = (
    "Every rotation that is due or under way. `tfcert propose` keeps this issue current; if you "
    "close it, it stays closed."
)
_NONE = "-"
_HEAD = "| certificate | root module | next | due by | ends | request |\n|---|---|---|---|---|---|"


class DashboardRow(Struct, frozen=True, kw_only=True):
    """A rotation, the folder of its root module, and its request; empty if there is none."""

    rotation: Rotation
    root: str
    request: str = ""


def dashboard(rows: Sequence[DashboardRow], unread: Sequence[str], *, limit: int) -> str:
    """Return the text, at most `limit` UTF-16 code units long.

    `unread` are the root modules that could not be read. The rows whose certificate ends last are
    omitted first. The text does not change from day to day.
    """
    lines = [_line(row) for row in rows]
    for most in (len(lines), *(2**power for power in range(12, -1, -1)), 0):
        text = _text(lines[:most], len(lines) - min(most, len(lines)), unread)
        if size(text) <= limit:
            return text
    return _text([], len(lines), unread, named=1)


def _text(lines: Sequence[str], left: int, unread: Sequence[str], *, named: int = 100) -> str:
    blocks = [_FIRST]
    if lines:
        blocks.append("\n".join((_HEAD, *lines)))
    elif not left:
        blocks.append("No rotation is due or under way.")
    if left:
        blocks.append(f"… and {count_noun(left, 'more rotation')}")
    if unread:
        names = "\n".join(f"- {code(name)}" for name in unread[:named])
        blocks.append(f"**Could not be read:** {count_noun(len(unread), 'root module')}\n\n{names}")
    return "\n\n".join(blocks)


def _line(row: DashboardRow) -> str:
    rotation = row.rotation
    step = rotation.step
    by = deadline(rotation, step.phase) if isinstance(step, Next) else None
    cells = (
        code(rotation.label),
        code(row.root or "."),
        _next(rotation),
        _day(by),
        _day(rotation.end),
        row.request or _NONE,
    )
    return f"| {' | '.join(cells)} |"


def _next(rotation: Rotation) -> str:
    match rotation.step:
        case Next(phase=phase):
            return str(phase)
        case Waiting(until=datetime() as until):
            # The rest of its reason has the age of the successor, which changes every day.
            return f"waiting until {moment(until)}"
        case Waiting(reason=reason):
            return sentence(f"waiting: {reason}", longest=_LONGEST_REASON)
        case Blocked(reason=reason):
            return f"**blocked**: {sentence(reason, longest=_LONGEST_REASON)}"
        case Done():
            return "done"


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at is not None else _NONE
