"""Find the certificates in an attribute's value, in each form that a configuration gives them.

Only fingerprints leave this module. A reason names the fault, without any byte of the value.
"""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator

from checker.model.trust import BundleCertificate, BundleFault, read_bundle

_BEGIN = "-----BEGIN "
_DEEPEST = 8
_LONGEST = 16 * 1024**2
# The shortest certificate in base64 is longer than this.
_SHORTEST = 200


def bundles_in(value: object) -> tuple[tuple[BundleCertificate, ...], ...]:
    """Return the certificates of each text in a value that has some, in order.

    A text may be JSON or base64 with a text in it; then that text counts. Raises BundleFault for a
    text with a certificate that cannot be read.
    """
    return tuple(read_bundle(text) for text in _bundles(value, _DEEPEST))


def _bundles(value: object, depth: int) -> Iterator[str]:
    """Yield the texts with PEM blocks; each line of a text without its indentation."""
    if depth == 0:
        raise BundleFault("is nested too deep")
    match value:
        case str():
            yield from _of_text(value, depth)
        case dict():
            for each in value.values():
                yield from _bundles(each, depth - 1)
        case list():
            for each in value:
                yield from _bundles(each, depth - 1)
        case _:
            return


def _of_text(text: str, depth: int) -> Iterator[str]:
    if len(text) > _LONGEST:
        raise BundleFault("is longer than any bundle")
    plain = text.lstrip()
    if plain[:1] in {"{", "[", '"'}:
        try:
            found = json.loads(plain)
        except (ValueError, RecursionError):
            pass
        else:
            yield from _bundles(found, depth - 1)
            return
    if _BEGIN + "CERTIFICATE" in text or _BEGIN + "TRUSTED CERT" in text:
        # A block of YAML, as in user data, is indented.
        yield "\n".join(line.strip() for line in text.splitlines())
        return
    inner = _decoded(text)
    if inner is not None:
        yield from _bundles(inner, depth - 1)


def _decoded(text: str) -> str | None:
    """Return the text that base64 has; None if it is no base64 of a text."""
    if len(text) < _SHORTEST or _BEGIN in text:
        return None
    try:
        return a2b_base64("".join(text.split()), strict_mode=True).decode("utf-8")
    except (Base64Error, ValueError):
        return None
