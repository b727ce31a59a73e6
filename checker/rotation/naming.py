"""How a successor is called."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from checker.domain.succession import split_name


def successor_name(name: str, day: date, in_use: Collection[str] = (), taken: Collection[str] = ()) -> str:
    """`<base>_<yyyymm>` of the day that introduce is written; an earlier suffix of that kind is dropped from the base first.

    The suffix stays where another certificate in use has the same base: `client` and `client_two` get a successor each, and so
    do `client` and `client_202511`. A number is added where the name is taken by a certificate that is passed over.
    """
    base, _ = split_name(name)
    shared = base != name and any(other != name and split_name(other)[0] == base for other in in_use)
    plain = f"{name if shared else base}_{day:%Y%m}"
    numbered = (f"{plain}_{number}" for number in range(2, len(taken) + 3))
    return next((each for each in (plain, *numbered) if each not in taken), plain)
