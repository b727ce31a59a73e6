"""Convert a file's bytes to plain UTF-8 JSON.

This handles gzip, byte order marks, and the UTF-16 that PowerShell writes.
"""

from __future__ import annotations

import codecs

from checker.terraform.decode import Buffer, JsonPath

ZIP = b"PK\x03\x04"
_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_GZIP = b"\x1f\x8b"
_WINDOW = 1024**2
_GLANCE = 64 * 1024  # stays in the processor's cache during the scan
_HEAD = 4096

# A plan shrinks to about a tenth, a repetitive one to a hundredth. The limit of deflate is a
# thousandth, which only a bomb reaches.
_RATIO, _ALWAYS, _NEVER = 250, 64 * 1024**2, 1024**3


def unwrap(data: Buffer, spot: JsonPath) -> Buffer:
    """Return UTF-8 text without a byte order mark; return a zip (a binary plan) unchanged.

    Raises UnreadableError for an empty document, for broken or exploding compression, and for text
    that is not Unicode.
    """
    if bytes(data[:2]) == _GZIP:
        data = _inflated(data, spot)
    if not len(data):
        raise spot.unreadable(
            "is empty", "a command that failed often leaves an empty file behind; run it again"
        )
    if bytes(data[:4]) == ZIP:
        return data
    data = _transcoded(data, spot)
    _check_utf8(data, spot)
    return data


def _transcoded(data: Buffer, spot: JsonPath) -> Buffer:
    head = bytes(data[:4])
    if head in _UTF_32_MARKS or (
        head.count(b"\0") == 3 and head[:1] + head[3:] in {b"{\0", b"\0{", b"[\0", b"\0["}
    ):
        raise spot.unreadable(
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
        raise spot.unreadable("looks like UTF-16 and is not valid", "save it as UTF-8") from error


def _check_utf8(data: Buffer, spot: JsonPath) -> None:
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
            raise spot.unreadable(
                "is a binary file, neither a plan nor a state", "pass a plan or a state"
            ) from error
        raise spot.unreadable(
            f"is not UTF-8 at byte {at + error.start}", "save it as UTF-8"
        ) from error


def _inflated(data: Buffer, spot: JsonPath) -> bytes:
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
                    raise spot.unreadable(
                        "grows far beyond what a plan or a state does when it is unpacked"
                    )
    except EOFError as error:
        raise spot.unreadable(
            "is truncated gzip", "the command that wrote it was cut short; write it again"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise spot.unreadable("is broken gzip", "compress the document again") from error
    return b"".join(pieces)
