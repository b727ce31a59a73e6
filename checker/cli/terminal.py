"""The text report on a terminal: as wide as it is, and in colour unless the person asked for none."""

from __future__ import annotations

import os
import shutil

from checker.domain.outcome import Outcome
from checker.reports.printable import encoded
from checker.reports.text import lay_out

_NARROWEST, _WIDEST = 40, 120


def on_terminal(outcome: Outcome) -> bytes:
    """The report for the terminal that standard output is.

    Source: no-color.org (a NO_COLOR that is not empty means none); a TERM of dumb can show none.
    """
    width = max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
    lines = lay_out(outcome, width)
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return encoded("".join(f"{line.plain}\n" for line in lines))
    from checker.reports.coloured import coloured

    return encoded(coloured(lines))
