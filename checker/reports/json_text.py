"""JSON as people can read it, at the speed of C: indentation makes the standard library's encoder ten times slower."""

from __future__ import annotations

import re
from typing import Any

import msgspec

# What JSON lets stand as it is and a terminal may obey, or not show: all that is beyond ASCII is looked at, and DEL.
_BEYOND = re.compile(r"[^\x00-\x7e]")


def json_text(document: Any) -> str:
    """Indented JSON that ends in a newline; a character that is no plain print is written as an escape.

    Half characters, which a file name of undecodable bytes is given with and no encoding has a place for, become question marks.
    """
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_whole(document))
    text = msgspec.json.format(data, indent=2).decode() + "\n"
    return text if text.isascii() and "\x7f" not in text else _BEYOND.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char.isprintable():
        return char
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _whole(part: Any) -> Any:
    match part:
        case str():
            return part.encode("utf-8", "replace").decode()
        case dict():
            return {_whole(key): _whole(entry) for key, entry in part.items()}
        case list():
            return [_whole(entry) for entry in part]
        case _:
            return part
