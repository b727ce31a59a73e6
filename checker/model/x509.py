"""Certificates as PEM and DER: normal form, validity, fingerprint."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from msgspec import Struct

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_LONGEST = 64 * 1024
_WIDTH = 64


def der_of(text: str | None) -> bytes | None:
    """Return the DER of the first certificate in a text; None if there is none or it is broken.

    Broken means that its base64 is invalid. Source of the form: RFC 7468, 5.
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
    """Return the first certificate of a text as PEM in normal form; None as for `der_of`.

    Lines have 64 characters and end with LF only; the text ends with one LF.
    """
    der = der_of(text)
    if der is None:
        return None
    from binascii import b2a_base64

    body = b2a_base64(der, newline=False).decode("ascii")
    lines = (body[at : at + _WIDTH] for at in range(0, len(body), _WIDTH))
    return "\n".join((_BEGIN, *lines, _END, ""))


def fingerprint_of(text: str | None) -> str | None:
    """Return the SHA-256 of the DER of the first certificate in a text; None as for `der_of`.

    The format is lower-case hexadecimal.
    """
    der = der_of(text)
    if der is None:
        return None
    from hashlib import sha256

    return sha256(der).hexdigest()


_INTEGER, _BIT_STRING, _UTC_TIME, _GENERALIZED_TIME, _SEQUENCE, _VERSION = (
    0x02,
    0x03,
    0x17,
    0x18,
    0x30,
    0xA0,
)
_UTC_FORM = re.compile(rb"\d{12}Z")
_GENERALIZED_FORM = re.compile(rb"\d{14}Z")


class Validity(Struct, frozen=True, kw_only=True):
    """The validity period of a certificate, and the fingerprint of its DER.

    The fingerprint is SHA-256 in lower-case hexadecimal, and so is `subject`, of its subject's DER.
    """

    not_before: datetime
    not_after: datetime
    fingerprint: str
    subject: str = ""


class _NotDerError(Exception):
    """The bytes are not the DER of a certificate."""


def read_pem(text: str | None) -> Validity | None:
    """Read the first certificate of a PEM text, with any line ends; None if it is not valid.

    Placeholders and broken certificates are not valid.
    """
    der = der_of(text)
    return read_der(der) if der is not None else None


def read_der(der: bytes) -> Validity | None:
    """Read a certificate's validity from its DER; None if the bytes are anything else."""
    try:
        not_before, not_after, subject = _validity(der)
    except _NotDerError:
        return None
    from hashlib import sha256

    return Validity(
        not_before=not_before,
        not_after=not_after,
        fingerprint=sha256(der).hexdigest(),
        subject=sha256(subject).hexdigest(),
    )


def _validity(der: bytes) -> tuple[datetime, datetime, bytes]:
    outer = _Elements(der)
    certificate = _Elements(outer.take(_SEQUENCE))
    outer.end()
    signed = _Elements(certificate.take(_SEQUENCE))
    certificate.take(_SEQUENCE)
    certificate.take(_BIT_STRING)
    certificate.end()
    if signed.tag() == _VERSION:
        signed.take(_VERSION)
    signed.take(_INTEGER)
    signed.take(_SEQUENCE)
    signed.take(_SEQUENCE)
    validity = _Elements(signed.take(_SEQUENCE))
    subject = signed.take(_SEQUENCE)
    signed.take(_SEQUENCE)
    not_before, not_after = _instant(validity), _instant(validity)
    validity.end()
    return not_before, not_after, subject


def _instant(elements: _Elements) -> datetime:
    tag = elements.tag()
    content = elements.take(tag)
    if tag == _UTC_TIME and _UTC_FORM.fullmatch(content):
        year = int(content[:2])
        # RFC 5280, 4.1.2.5.1: two digits from 50 on mean 19YY.
        digits = f"{1900 + year if year >= 50 else 2000 + year}{content[2:-1].decode()}"
    elif tag == _GENERALIZED_TIME and _GENERALIZED_FORM.fullmatch(content):
        digits = content[:-1].decode()
    else:
        raise _NotDerError
    parts = (digits[:4], digits[4:6], digits[6:8], digits[8:10], digits[10:12], digits[12:])
    year, month, day, hour, minute, second = map(int, parts)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise _NotDerError from error


class _Elements:
    """The elements of one constructed value, taken one after another."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def tag(self) -> int:
        if self.at >= len(self.data):
            raise _NotDerError
        return self.data[self.at]

    def take(self, tag: int) -> bytes:
        if self.tag() != tag:
            raise _NotDerError
        start, length = self._length(self.at + 1)
        if length > len(self.data) - start:
            raise _NotDerError
        self.at = start + length
        return self.data[start : self.at]

    def end(self) -> None:
        if self.at != len(self.data):
            raise _NotDerError

    def _length(self, at: int) -> tuple[int, int]:
        if at >= len(self.data):
            raise _NotDerError
        first = self.data[at]
        if first < 0x80:
            return at + 1, first
        width = first & 0x7F
        digits = self.data[at + 1 : at + 1 + width]
        length = int.from_bytes(digits, "big")
        # DER requires the shortest form. Four octets are enough for every certificate.
        if not 1 <= width <= 4 or len(digits) < width or digits[0] == 0 or length < 0x80:
            raise _NotDerError
        return at + 1 + width, length
