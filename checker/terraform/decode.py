"""Decode JSON into types; errors contain the JSON path."""

from __future__ import annotations

import codecs
import re
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec

from checker.errors import UnreadableError


class JsonPath(NamedTuple):
    """A file as the user named it, and a JSON path in it; the path is empty at the top.

    Example of a path: `resource_changes[12].change`.
    """

    file: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.path}" if self.path else self.file

    def key(self, name: str) -> JsonPath:
        """Return the path of one property below this path."""
        return JsonPath(self.file, f"{self.path}.{name}" if self.path else name)

    def item(self, index: int) -> JsonPath:
        """Return the path of one item of the array at this path."""
        return JsonPath(self.file, f"{self.path}[{index}]")

    def below(self, path: str) -> JsonPath:
        """Return this path extended by a relative path, which may begin with an index."""
        if not path or path.startswith("["):
            return JsonPath(self.file, self.path + path)
        return self.key(path)

    def unreadable(self, message: str, remedy: str | None = None) -> UnreadableError:
        """Return the error for this path; neither text may quote contents of the document."""
        return UnreadableError(message, where=str(self), remedy=remedy)


T = TypeVar("T")

Buffer = bytes | memoryview

PLAN = "pass a plan as `terraform show -json PLANFILE` prints it, or a state"
_NOT_UTF8 = "has text that is not UTF-8"
AGAIN = "write the document again with `terraform show -json` or `terraform state pull`"
# Compiled on first use: JSON without white space has no use for it.
_MEMBER = rb'[\s,{]*("(?:[^"\\]|\\.)*")\s*:\s*'
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}


def decode(data: Buffer | msgspec.Raw, shape: type[T], json_path: JsonPath) -> T:
    """Decode JSON into a shape; skip properties that are not in the shape.

    Raises UnreadableError at a leaf of the wrong type, or at the byte where the text is not JSON.
    """
    try:
        found: T = decoder(shape).decode(data)  # type: ignore[arg-type]  # every type can be hashed
    except msgspec.ValidationError as error:
        raise _mistyped(error, json_path) from error
    except msgspec.DecodeError as error:
        raise _malformed(error, json_path, len(memoryview(data))) from error
    except UnicodeDecodeError as error:  # msgspec before 0.23
        raise json_path.unreadable(_NOT_UTF8, AGAIN) from error
    except MemoryError as error:
        raise json_path.unreadable(
            "needs more memory than there is",
            "run tfcert where there is more, or split the state",
        ) from error
    except RecursionError as error:
        raise json_path.unreadable("is nested deeper than any Terraform document", AGAIN) from error
    return found


def members(data: Buffer | msgspec.Raw, json_path: JsonPath) -> dict[str, msgspec.Raw]:
    """Return the properties of a JSON object, each still as JSON.

    Raises UnreadableError for a duplicate property. JSON parsers differ in the value that they use,
    so tfcert and the tool that applies a plan could read two different plans. Source: RFC 8259,
    section 4.
    """
    found = decode(data, dict[str, msgspec.Raw], json_path)
    # Properties without duplicates account for each byte. Only if bytes are left over is the text
    # scanned.
    named = sum(len(name.encode()) for name in found) + sum(
        memoryview(raw_value).nbytes for raw_value in found.values()
    )
    if named + 4 * len(found) + 1 + (not found) != memoryview(data).nbytes:
        _check_once(memoryview(data), found, json_path)
    return found


def items(data: msgspec.Raw | msgspec.UnsetType, json_path: JsonPath) -> list[msgspec.Raw]:
    """Return the items of a JSON array, each still as JSON; none if there is no array."""
    return [] if data is msgspec.UNSET else decode(data, list[msgspec.Raw], json_path)


def _check_once(text: memoryview, found: dict[str, msgspec.Raw], json_path: JsonPath) -> None:
    seen: set[str] = set()
    name, at = "", 0
    form = re.compile(_MEMBER)
    while member := form.match(text, at):
        name = decoder(str).decode(member[1])
        at = member.end()
        end = at + memoryview(found[name]).nbytes
        if name in seen or text[at:end] != memoryview(found[name]):
            raise _repeated(name, json_path)
        seen.add(name)
        at = end
    # The first of two values may begin like the second.
    if found and bytes(text[at:]).strip() != b"}":
        raise _repeated(name, json_path)


def _repeated(name: str, json_path: JsonPath) -> Exception:
    shown = (
        f"`{name}`" if re.fullmatch(r"[A-Za-z_@$][\w@$-]{0,63}", name, re.ASCII) else "a property"
    )
    return json_path.unreadable(
        f"has {shown} twice: parsers differ in which of the two counts", AGAIN
    )


@cache
def decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a shape.

    It is built once, because building costs more than decoding a small document.
    """
    return msgspec.json.Decoder(shape)


def _mistyped(error: msgspec.ValidationError, json_path: JsonPath) -> Exception:
    text = str(error)
    found = re.search(r" - at `(?P<path>[^`]*)`$", text)
    path = found["path"].removeprefix("$").removeprefix(".") if found else ""
    problem = text[: found.start()] if found else text
    if problem.startswith("Expected "):
        wanted, _, got = problem.removeprefix("Expected ").partition(", got ")
        problem = f"expected {_plain(wanted)}, found {_plain(got)}"
    elif problem.startswith("Object missing required field"):
        problem = f"lacks the property {problem.rpartition('field ')[2]}"
    elif "out of range" in problem:
        problem = "is a number that is out of range"
    else:
        problem = "is not what Terraform writes there"
    return json_path.below(path).unreadable(problem, AGAIN)


def _plain(kinds: str) -> str:
    names = kinds.strip("`").split(" | ")
    return " or ".join(_WORDS.get(name, name) for name in names)


def _malformed(error: msgspec.DecodeError, json_path: JsonPath, size: int) -> Exception:
    text = str(error)
    if "truncated" in text:
        remedy = "the command that wrote it was cut short, or its disk was full; write it again"
        return json_path.unreadable(
            f"is truncated JSON: it ends at byte {size}, in the middle of a value", remedy
        )
    if "UTF-8" in text:
        return json_path.unreadable(_NOT_UTF8, AGAIN)
    offset = re.search(r"\(byte (\d+)\)", text)
    at = f" at byte {offset[1]}" if offset else ""
    return json_path.unreadable(f"is not valid JSON{at}", AGAIN)


_LONGEST = 2048  # the longest ARN that AWS documents


def printable(text: str | None, json_path: JsonPath) -> str | None:
    """Return the text itself, or None if it is empty.

    Raises UnreadableError for control characters, and for a text longer than any name in AWS.
    """
    if not text:
        return None
    if len(text) > _LONGEST or not text.isprintable():
        raise json_path.unreadable(
            "is not a name or an id that AWS could have given", "check what wrote the document"
        )
    return text


ZIP = b"PK\x03\x04"
_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_GZIP = b"\x1f\x8b"
_WINDOW = 1024**2
_GLANCE = 64 * 1024  # stays in the processor's cache during the scan
_HEAD = 4096

# A plan shrinks to about a tenth, a repetitive one to a hundredth. The limit of deflate is a
# thousandth, which only a bomb reaches.
_RATIO, _ALWAYS, _NEVER = 250, 64 * 1024**2, 1024**3


def unwrap(data: Buffer, json_path: JsonPath) -> Buffer:
    """Return UTF-8 text without a byte order mark; return a zip (a binary plan) unchanged.

    Raises UnreadableError for an empty document, for broken or exploding compression, and for text
    that is not Unicode.
    """
    if bytes(data[:2]) == _GZIP:
        data = _inflated(data, json_path)
    if not len(data):
        raise json_path.unreadable(
            "is empty", "a command that failed often leaves an empty file behind; run it again"
        )
    if bytes(data[:4]) == ZIP:
        return data
    data = _transcoded(data, json_path)
    _check_utf8(data, json_path)
    return data


def _transcoded(data: Buffer, json_path: JsonPath) -> Buffer:
    head = bytes(data[:4])
    if head in _UTF_32_MARKS or (
        head.count(b"\0") == 3 and head[:1] + head[3:] in {b"{\0", b"\0{", b"[\0", b"\0["}
    ):
        raise json_path.unreadable(
            "is UTF-32, and JSON is UTF-8",
            "save it as UTF-8: `iconv -f UTF-32 -t UTF-8 FILE | tfcert check -`",
        )
    if head.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    # Without a mark, a NUL beside the first brace shows the byte order.
    if head.startswith(codecs.BOM_UTF16_LE) or (head[:1] != b"\0" and head[1:2] == b"\0"):
        encoding = "utf-16-le"
    elif head.startswith(codecs.BOM_UTF16_BE) or (head[:1] == b"\0" and head[1:2] != b"\0"):
        encoding = "utf-16-be"
    else:
        return data
    try:
        return codecs.decode(data, encoding).removeprefix("\ufeff").encode()
    except UnicodeError as error:
        raise json_path.unreadable(
            "looks like UTF-16 and is not valid", "save it as UTF-8"
        ) from error


def _check_utf8(data: Buffer, json_path: JsonPath) -> None:
    """Raise UnreadableError for text that is not UTF-8.

    The decoder does not check the encoding of properties that it skips, so this function does. Most
    windows are ASCII; the ASCII check is four times as fast as decoding other text.
    """
    at = 0
    try:
        while at < len(data):
            window = bytes(data[at : at + _GLANCE])
            if window.isascii():
                at += len(window)
                continue
            _, consumed = codecs.utf_8_decode(window, "strict", at + len(window) == len(data))
            at += consumed
    except UnicodeDecodeError as error:
        if b"\0" in bytes(data[:_HEAD]):
            raise json_path.unreadable(
                "is a binary file, neither a plan nor a state", "pass a plan or a state"
            ) from error
        raise json_path.unreadable(
            f"is not UTF-8 at byte {at + error.start}", "save it as UTF-8"
        ) from error


def _inflated(data: Buffer, json_path: JsonPath) -> bytes:
    import gzip
    import io
    import zlib

    allowed = min(max(len(data) * _RATIO, _ALWAYS), _NEVER)
    pieces: list[bytes] = []
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while piece := stream.read(_WINDOW):
                pieces.append(piece)
                allowed -= len(piece)
                if allowed < 0:
                    raise json_path.unreadable("unpacks to far more than any plan or state")
    except EOFError as error:
        raise json_path.unreadable(
            "is truncated gzip", "the command that wrote it was cut short; write it again"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise json_path.unreadable("is broken gzip", "compress the document again") from error
    return b"".join(pieces)
