"""Typed decoding of JSON, with every failure turned into an error that names the leaf and quotes nothing."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar

import msgspec

from checker.readers.spot import Spot

T = TypeVar("T")

Buffer = bytes | memoryview

PLAN = "pass a plan as `terraform show -json PLANFILE` prints it, or a state"
AGAIN = "write the document again with `terraform show -json` or `terraform state pull`"
_WHERE = re.compile(r" - at `(?P<path>[^`]*)`$")
_OFFSET = re.compile(r"\(byte (\d+)\)")
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}


def decode(data: Buffer | msgspec.Raw, shape: type[T], spot: Spot) -> T:
    """Decode JSON into a shape, skipping what the shape does not name.

    Raises UnreadableError at the leaf that is not what the shape asks for, or at the byte where the text is no JSON.
    """
    try:
        found: T = decoder(shape).decode(data)  # type: ignore[arg-type]  # every type can be hashed
    except msgspec.ValidationError as error:
        raise _mistyped(error, spot) from error
    except msgspec.DecodeError as error:
        raise _malformed(error, spot, len(memoryview(data))) from error
    except UnicodeDecodeError as error:
        raise spot.unreadable("holds text that is not UTF-8", AGAIN) from error
    except MemoryError as error:
        raise spot.unreadable("needs more memory than there is", "run tfcert where there is more, or split the state") from error
    except RecursionError as error:
        raise spot.unreadable("is nested deeper than any Terraform document", AGAIN) from error
    return found


@cache
def decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    """The decoder of a shape, built once: building costs more than decoding a small document."""
    return msgspec.json.Decoder(shape)


def _mistyped(error: msgspec.ValidationError, spot: Spot) -> Exception:
    text = str(error)
    found = _WHERE.search(text)
    path = found["path"].removeprefix("$").removeprefix(".") if found else ""
    said = text[: found.start()] if found else text
    if said.startswith("Expected "):
        wanted, _, got = said.removeprefix("Expected ").partition(", got ")
        said = f"expected {_plain(wanted)}, found {_plain(got)}"
    elif said.startswith("Object missing required field"):
        said = f"lacks the property {said.rpartition('field ')[2]}"
    elif "out of range" in said:
        said = "holds a number that is out of range"
    else:
        said = "is not what Terraform writes there"
    return spot.below(path).unreadable(said, AGAIN)


def _plain(kinds: str) -> str:
    names = kinds.strip("`").split(" | ")
    return " or ".join(_WORDS.get(name, name) for name in names)


def _malformed(error: msgspec.DecodeError, spot: Spot, size: int) -> Exception:
    text = str(error)
    if "truncated" in text:
        remedy = "the command that wrote it was cut short, or its disk was full; write it again"
        return spot.unreadable(f"is truncated JSON: it ends at byte {size}, in the middle of a value", remedy)
    offset = _OFFSET.search(text)
    at = f" at byte {offset[1]}" if offset else ""
    return spot.unreadable(f"is not valid JSON{at}", AGAIN)
