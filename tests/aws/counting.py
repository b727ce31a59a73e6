"""Count the requests of an observation."""

from __future__ import annotations


def calls(seen) -> dict[str, int]:
    """The number of requests by operation, whatever account and region they went to."""
    found: dict[str, int] = {}
    for entry in seen.traffic:
        found[entry.operation] = found.get(entry.operation, 0) + entry.sent
    return found
