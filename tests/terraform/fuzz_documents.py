"""Feed damaged documents to the readers: `python tests/terraform/fuzz_documents.py SECONDS [SEED]`.

Any input must give a document or a TfcertError within a few seconds. A failing input is written to
the current folder, and the exit code is 1. The fuzzer does not measure coverage, so it needs no
other package and is as fast as the readers.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import time
from pathlib import Path

from checker.errors import TfcertError
from checker.terraform.load import read_source

FIXTURES = Path(__file__).parents[2] / "fixtures"
SLOWEST = 5.0  # seconds of processor time
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


def recorded() -> list[bytes]:
    """Return each recorded plan and state of a moderate size."""
    files = [
        *FIXTURES.glob("formats/*.json"),
        *FIXTURES.glob("formats/*.tfstate"),
        *FIXTURES.glob("rotation/*/*.json"),
        *FIXTURES.glob("rotation/*/*.tfstate"),
    ]
    return [file.read_bytes() for file in sorted(files)]


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
    document.
    """
    document = json.loads(text)
    for _ in range(chance.randint(1, 6)):
        holder, other = walk(chance, document), walk(chance, document)
        if not holder:
            continue
        key = (
            chance.choice(list(holder))
            if isinstance(holder, dict)
            else chance.randrange(len(holder))
        )
        match chance.randrange(4):
            case 0:
                holder[key] = chance.choice(VALUES)
            case 1:
                del holder[key]
            case 2 if isinstance(holder, dict):
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


def check(data: bytes) -> str | None:
    """Return the fault in the answer to one input, or None."""
    started = time.process_time()
    try:
        read_source("-", tool=None, stdin=lambda: data)
    except TfcertError as error:
        if not error.where or not str(error).isprintable():
            return f"an error without a place, or one that a terminal cannot show: {error!r}"
    except BaseException as error:  # noqa: BLE001  # every other failure is what this looks for
        return f"{type(error).__name__}: {error}"[:500]
    spent = time.process_time() - started
    return f"took {spent:.1f} seconds" if spent > SLOWEST else None


def main() -> int:
    seconds = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    chance, texts, count, until = random.Random(seed), recorded(), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        text = chance.choice(texts)
        data = chance.choice([damage_bytes, damage_values, damage_values])(chance, text)
        if chance.random() < 0.02:
            data = damage_bytes(chance, gzip.compress(data))
        wrong = check(data)
        count += 1
        if wrong is not None:
            Path("fuzz-failure.json").write_bytes(data)
            sys.stdout.write(f"seed {seed}, input {count}: {wrong}; left in fuzz-failure.json\n")
            return 1
    sys.stdout.write(f"seed {seed}: {count} documents, each read or refused in order\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
