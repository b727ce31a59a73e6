"""References as a plan's configuration lists them, taken apart.

Each reference stands there with its shorter forms after it: `n[0].id`, `n[0]`, `n`.
Source: terraform internal/command/jsonconfig/expression.go, `marshalExpression`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checker.domain.address import AddressError, parse

_NAME = re.compile(r"[^\W\d][\w-]*")
_INDEX = re.compile(r'\[(?:[0-9]{1,18}|"(?:[^"\\]|\\.)*")\]')


# A name is a text, an index a tuple of its one key: `[0]`, `["a.b"]`. Nothing else hashes as fast.
Part = str | tuple[int | str]
Reference = tuple[Part, ...]


def heads(references: Sequence[str]) -> Iterator[Reference | None]:
    """The references themselves, without the shorter forms that follow each; None for one that is not understood."""
    before = ""
    for text in references:
        if not _shortens(text, before):
            yield _take_apart(text)
        before = text


def _shortens(text: str, longer: str) -> bool:
    return len(text) < len(longer) and longer.startswith(text) and longer[len(text)] in ".["


def _take_apart(text: str) -> Reference | None:
    parts: list[Part] = []
    at = 0
    while at < len(text):
        if parts and text[at] == ".":
            at += 1
        elif parts and text[at] == "[":
            found = _INDEX.match(text, at)
            key = _key(found.group()) if found else None
            if found is None or key is None:
                return None
            parts.append(key)
            at = found.end()
            continue
        elif parts:
            return None
        name = _NAME.match(text, at)
        if name is None:
            return None
        parts.append(name.group())
        at = name.end()
    return tuple(parts) or None


def _key(text: str) -> tuple[int | str] | None:
    try:
        key = parse(f"a.a{text}").key  # the quoting of keys is the address's own
    except AddressError:
        return None
    return None if key is None else (key,)
