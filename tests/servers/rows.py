"""Read the rows of docs/trust.md, and write the row that matches what a test observed."""

from __future__ import annotations

import os
import re
from pathlib import Path

from callers import KITS

PAGE = Path(__file__).resolve().parents[2] / "docs/trust.md"
HEAD = "| server | tested | both in one bundle | one that has ended, then the new one | `tfcert bundle --for` | by | after its end |"
# The rows that tests check, with the server of `--for`, and the rows that come from documentation.
SEEN = {
    "nginx": "nginx",
    "HAProxy": "haproxy",
    "Apache httpd": "apache",
    "Envoy": "envoy",
    "Envoy, without the Lua filter": "envoy",
    "Caddy 2.6": "caddy",
    "Caddy 2.11": "caddy",
    "Java": "java",
    "Python": "python",
    "Node": "node",
    "Go": "go",
    "`openssl verify`": None,
    "`openssl verify -partial_chain`": None,
}
READ = {"Application Load Balancer": "alb", "Network Load Balancer": "nlb"}
_WORDS = {
    (("old",), ("new",)): "only the first",
    (("new", "old"), ("new", "old")): "both",
}
_ENDED = {
    (): "neither",
    ("new",): "only the new one",
    ("expired", "new"): "both, also the ended one",
}


def table() -> dict[str, list[str]]:
    """Return the rows of the page's table by the name of the server."""
    lines = PAGE.read_text(encoding="utf-8").split(HEAD, 1)[1].splitlines()[2:]
    rows = {}
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[cells[0]] = cells[1:]
    return rows


def row(version, seen, server):
    """Return the cells that describe what a test observed."""
    both = _WORDS[tuple(tuple(sorted(seen[f"plain {name}"])) for name in ("old, new", "new, old"))]
    ended = _ENDED[tuple(sorted(seen["plain ended, new"]))]
    current = {name: {*KITS[name]} - {"expired"} for name in KITS}
    for name in KITS:
        assert seen[f"for {name}"] - {"expired"} == current[name], name
    end = "accepted" if "expired" in seen["for ended, new"] else "refused"
    return [version, both, ended, f"`{server}`: both, no third", end]


def assert_row(name, version, seen):
    """Check that the page has this row.

    The version is compared in CI only, because a machine may have another one.
    """
    expected = row(re.match(r"\d+(\.\d+)?", version)[0], seen, SEEN[name])
    known = table()[name]
    assert [*known[1:4], known[5]] == expected[1:]
    if os.environ.get("CI"):
        assert known[0] == expected[0]
