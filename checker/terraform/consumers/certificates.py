"""Find the certificates in an attribute's value, in each form that a configuration gives them.

Only fingerprints leave this module. A reason names the fault, without any byte of the value.
"""

from __future__ import annotations

import json
import re
import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass

from checker.model.trust import BundleCertificate, BundleFault, read_bundle

_BEGIN = "-----BEGIN "
_DEEPEST = 8
_LONGEST = 16 * 1024**2
# The shortest certificate in base64 is longer than this.
_SHORTEST = 200
_GZIP = b"\x1f\x8b"
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*)-----.*?-----END \1-----", re.DOTALL)
# Base64 in a longer text, such as a file in a cloud-config: words and lines that follow each other.
_WORDS = re.compile(r"[A-Za-z0-9+/]{40,}(?:[ \t]*\r?\n[ \t]*[A-Za-z0-9+/]+)*={0,2}")


def bundles_in(value: object) -> tuple[tuple[BundleCertificate, ...], ...]:
    """Return the certificates of each text in a value that has some, in order.

    A text may be JSON or base64, also of gzip, with a text in it; then that text counts. So does
    base64 inside a longer text. Raises BundleFault for a text with a certificate that cannot be
    read.
    """
    return tuple(read_bundle(text) for text in _Search().texts(value, _DEEPEST))


@dataclass(slots=True)
class _Search:
    """Look for texts with PEM blocks; `left` is how much may still be unpacked."""

    left: int = _LONGEST

    def texts(self, value: object, depth: int) -> Iterator[str]:
        """Yield the texts with PEM blocks; each line of a text without its indentation."""
        if depth == 0:
            raise BundleFault("is nested too deep")
        match value:
            case str():
                yield from self.of_text(value, depth)
            case dict():
                for each in value.values():
                    yield from self.texts(each, depth - 1)
            case list():
                for each in value:
                    yield from self.texts(each, depth - 1)
            case _:
                return

    def of_text(self, text: str, depth: int) -> Iterator[str]:
        if len(text) > _LONGEST:
            raise BundleFault("is longer than any bundle")
        plain = text.lstrip()
        if plain[:1] in {"{", "[", '"'}:
            try:
                found = json.loads(plain)
            except (ValueError, RecursionError):
                pass
            else:
                yield from self.texts(found, depth - 1)
                return
        if _BEGIN + "CERTIFICATE" in text or _BEGIN + "TRUSTED CERT" in text:
            # A block of YAML, as in user data, is indented.
            yield "\n".join(line.strip() for line in text.splitlines())
            text = _BLOCK.sub(" ", text)
        elif (whole := self.decoded(text)) is not None:
            yield from self.texts(whole, depth - 1)
            return
        for word in _WORDS.finditer(text):
            inside = self.decoded(word[0])
            if inside is not None and _BEGIN in inside:
                yield from self.texts(inside, depth - 1)

    def decoded(self, text: str) -> str | None:
        """Return the text that base64 has, also of gzip; None if it is no base64 of a text.

        Raises BundleFault for gzip that cannot be read: it may have what the rest lacks.
        """
        if len(text) < _SHORTEST or _BEGIN in text:
            return None
        try:
            data = a2b_base64("".join(text.split()), strict_mode=True)
            if data.startswith(_GZIP):
                # It may be an archive, with other bytes around the text.
                return self.unpacked(data).decode("utf-8", "replace")
            return data.decode("utf-8")
        except (Base64Error, ValueError):
            return None

    def unpacked(self, data: bytes) -> bytes:
        """Return the content of gzip."""
        reader = zlib.decompressobj(wbits=31)
        try:
            found = reader.decompress(data, self.left)
        except zlib.error as error:
            raise BundleFault("has compressed data that cannot be read") from error
        self.left -= len(found)
        if not reader.eof or self.left <= 0:
            raise BundleFault("has compressed data that is damaged or longer than any bundle")
        return found
