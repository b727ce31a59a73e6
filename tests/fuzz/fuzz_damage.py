"""Damage documents at random: their bytes, or the values of their JSON."""

from __future__ import annotations

import json
import random

PIECES = [
    b"",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\0",
    b"\xff",
    b"null",
    b"true",
    b"9" * 400,
    b"\\ud800",
    b"1e999",
    b"[" * 5000,
]
VALUES = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "\0",
    "\x1b[2J",
    [],
    {},
    [[]],
    {"": None},
    "a" * 5000,
    {"references": ["module.m.o"]},
    ["each.value"],
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
]
KEYS = [
    "references",
    "values",
    "change",
    "after",
    "before",
    "after_unknown",
    "type",
    "resources",
    "instances",
    "client_certificate_id",
    "",
    "mode",
]


def damage_bytes(chance: random.Random, text: bytes) -> bytes:
    """Return the text with bytes cut, doubled or overwritten."""
    data = bytearray(text)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(data))
        until = min(at + chance.choice([0, 1, 1, 2, 8, 40, 500]), len(data))
        data[at:until] = chance.choice(
            [*PIECES, bytes(data[at:until]) * 2, bytes([chance.randrange(256)])]
        )
    return bytes(data)


def damage_values(chance: random.Random, text: bytes) -> bytes:
    """Return the text with values replaced, removed, renamed, or copied from elsewhere in the
    document; raises ValueError or RecursionError if it is not JSON.
    """
    document = json.loads(text)
    for _ in range(chance.randint(1, 6)):
        holder, other = walk(chance, document), walk(chance, document)
        if not holder or not isinstance(holder, dict | list):
            continue
        key = (
            chance.choice(list(holder))
            if isinstance(holder, dict)
            else chance.randrange(len(holder))
        )
        match chance.randrange(5):
            case 0:
                holder[key] = chance.choice(VALUES)
            case 1:
                # Of the same type, so that it passes a decoder and reaches the code behind it.
                like = [value for value in VALUES if type(value) is type(holder[key])]
                holder[key] = chance.choice(like or VALUES)
            case 2:
                del holder[key]
            case 3 if isinstance(holder, dict):
                holder[chance.choice(KEYS)] = holder.pop(key)
            case _:
                holder[key] = json.loads(json.dumps(other))
    return json.dumps(document).encode()


def walk(chance: random.Random, value: object) -> object:
    """Return a random list or object of a document."""
    while isinstance(value, dict | list) and value:
        inner = [
            one
            for one in (value.values() if isinstance(value, dict) else value)
            if isinstance(one, dict | list)
        ]
        if not inner or chance.random() < 0.2:
            return value
        value = chance.choice(inner)
    return value
