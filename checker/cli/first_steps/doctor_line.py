"""One line of `tfcert doctor`, and the exit code of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from msgspec import Struct

from checker.reports.text.layout import Line, TextSpan, Tone, wrapped

_INDENT = 25


class Health(Enum):
    """What a line means for `tfcert check`.

    `OK` and `NOTE` do not stop it. With `UNKNOWN` it would be inconclusive, with `ERROR` it would
    end with exit code 2.
    """

    OK = ("ok", Tone.GOOD)
    NOTE = ("note", Tone.FAINT)
    UNKNOWN = ("unknown", Tone.WARNING)
    ERROR = ("error", Tone.ERROR)


class DoctorLine(Struct, frozen=True, kw_only=True):
    """What tfcert found out about one thing, and how to mend it, if anything is to mend."""

    about: str
    health: Health
    text: str
    remedy: str = ""


def exit_code(lines: Iterable[DoctorLine]) -> int:
    """Return the exit code that `check` would have for the worst of these, findings left out."""
    found = {line.health for line in lines}
    if Health.ERROR in found:
        return 2
    return 3 if Health.UNKNOWN in found else 0


def laid_out(title: str, lines: Sequence[DoctorLine], width: int) -> Iterator[Line]:
    """Yield the lines of the terminal: title, each thing with its remedy below, and the result."""
    yield from wrapped((TextSpan(title),), width)
    for line in lines:
        word, tone = line.health.value
        spans = (
            TextSpan(f"  {word:<9}", tone, whole=True),
            TextSpan(f"{line.about:<14}", Tone.STRONG, whole=True),
            TextSpan(line.text),
        )
        yield from wrapped(spans, width, hanging=_INDENT)
        if line.remedy:
            yield from wrapped(
                (TextSpan(f"-> {line.remedy}"),), width, indent=_INDENT, hanging=_INDENT + 3
            )
    yield from wrapped((TextSpan(_result(lines), Tone.STRONG),), width)


def _result(lines: Sequence[DoctorLine]) -> str:
    errors = sum(line.health is Health.ERROR for line in lines)
    unknown = sum(line.health is Health.UNKNOWN for line in lines)
    if errors:
        return f"tfcert check cannot run here: {errors} error{'' if errors == 1 else 's'} to mend"
    if unknown:
        return f"tfcert check would be inconclusive, as far as this can tell: {unknown} unknown"
    return "tfcert check has what it needs here"
