"""JSON as people can read it, at the speed of C: indentation makes the standard library's encoder ten times slower."""

from __future__ import annotations

from typing import Any

import msgspec


def json_text(document: Any) -> str:
    """Indented JSON that ends in a newline; half characters, which no encoding has a place for, become question marks."""
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_whole(document))
    return msgspec.json.format(data, indent=2).decode() + "\n"


def _whole(part: Any) -> Any:
    """The same with the lone surrogates replaced that a file name of undecodable bytes is given as."""
    match part:
        case str():
            return part.encode("utf-8", "replace").decode()
        case dict():
            return {_whole(key): _whole(entry) for key, entry in part.items()}
        case list():
            return [_whole(entry) for entry in part]
        case _:
            return part
