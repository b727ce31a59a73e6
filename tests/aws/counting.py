"""Count the requests of an observation."""

from __future__ import annotations


def calls(seen) -> dict[str, int]:
    """Return the number of requests per operation, over all accounts and regions."""
    found: dict[str, int] = {}
    for entry in seen.traffic:
        found[entry.operation] = found.get(entry.operation, 0) + entry.sent
    return found
