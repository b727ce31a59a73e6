"""A certificate's PEM in one form, whatever its line ends: state and API Gateway have CRLF and no newline at the end."""

from __future__ import annotations

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_LONGEST = 64 * 1024
_WIDTH = 64


def der_of(text: str | None) -> bytes | None:
    """The DER of the first certificate in a text; None where there is none, or its base64 is broken.

    Source of the form: RFC 7468, 5.
    """
    if not text or len(text) > _LONGEST:
        return None
    _, begin, rest = text.partition(_BEGIN)
    body, end, _ = rest.partition(_END)
    if not begin or not end:
        return None
    from binascii import a2b_base64

    try:
        return a2b_base64("".join(body.split()), strict_mode=True) or None
    except ValueError:
        return None


def normal_pem(text: str | None) -> str | None:
    """The first certificate of a text in lines of 64 characters, with LF alone and one at its end; None as for `der_of`."""
    der = der_of(text)
    if der is None:
        return None
    from binascii import b2a_base64

    body = b2a_base64(der, newline=False).decode("ascii")
    lines = (body[at : at + _WIDTH] for at in range(0, len(body), _WIDTH))
    return "\n".join((_BEGIN, *lines, _END, ""))


def fingerprint_of(text: str | None) -> str | None:
    """SHA-256 over the DER of the first certificate of a text, in lower-case hexadecimal; None as for `der_of`."""
    der = der_of(text)
    if der is None:
        return None
    from hashlib import sha256

    return sha256(der).hexdigest()
