"""How a successor is called."""

from __future__ import annotations

import re
from datetime import date

_SUFFIX = re.compile(r"(?<=.)_(?:\d{6}|v\d+|two|new|next)$")


def successor_name(name: str, day: date) -> str:
    """`<base>_<yyyymm>` of the day that introduce is written; an earlier suffix of that kind is dropped from the base first."""
    return f"{_SUFFIX.sub('', name)}_{day:%Y%m}"
