"""What one kind of server needs to trust certificates: its files, and how to put them in place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from checker.model.x509 import der_of, read_pem
from checker.reports.escape import printable
from checker.rotation.trust_bundle import TrustedCertificate


class Pin(Struct, frozen=True, kw_only=True):
    """A certificate that a server must accept.

    `about` is one line, safe in a comment of any configuration file. `pem` has the form of
    `normal_pem`. The hashes are lower-case hexadecimal: `sha1` and `sha256` of the DER.
    """

    about: str
    pem: str
    der: bytes
    sha1: str
    sha256: str
    ends: datetime


class ServerFile(Struct, frozen=True, kw_only=True):
    """A file for the server: its name, its text, the language of it, and where it belongs."""

    name: str
    text: str
    language: str
    place: str


class Kit(Struct, frozen=True, kw_only=True):
    """The files for one server, how to reload it, and what to know about it.

    `evidence` says whether the files were run with the real server, or where they were read.
    """

    files: tuple[ServerFile, ...]
    reload: str
    notes: tuple[str, ...]
    evidence: str


class ServerKind(Struct, frozen=True):
    """A kind of server: its name in a sentence, what writes its files, and their names.

    `page` is the name of the file that says where the others belong.
    """

    title: str
    write: Callable[[tuple[Pin, ...]], Kit]
    names: tuple[str, ...]

    @property
    def page(self) -> str:
        """The name has the server in it: a user's README.md must not be replaced."""
        return f"tfcert-{self.write.__name__}.md"


def pin(entry: TrustedCertificate) -> Pin | None:
    """Return what a server needs to recognise a certificate; None if its PEM cannot be read."""
    der, validity = der_of(entry.pem), read_pem(entry.pem)
    if entry.pem is None or der is None or validity is None:
        return None
    # nginx, and expressions of Apache httpd, have no other hash. It selects among certificates
    # whose key the caller has proven; a second certificate with a given SHA-1 is not feasible.
    from hashlib import sha1

    ends = validity.not_after
    return Pin(
        about=f"{printable(f'{entry.label} ({entry.case.id})')}, ends {moment(ends)}",
        pem=entry.pem,
        der=der,
        sha1=sha1(der, usedforsecurity=False).hexdigest(),
        sha256=validity.fingerprint,
        ends=ends,
    )


def moment(instant: datetime) -> str:
    """Return an instant of UTC in the form of RFC 3339."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def trust_file(pins: tuple[Pin, ...], *, place: str) -> ServerFile:
    """Return the certificates as a PEM file without comments and blank lines."""
    return ServerFile(
        name="trust.pem", text="".join(each.pem for each in pins), language="text", place=place
    )


def pins_file(pins: tuple[Pin, ...], *, place: str) -> ServerFile:
    """Return the SHA-256 of each certificate's DER, one per line."""
    return ServerFile(
        name="tfcert-pins.txt",
        text="".join(f"{each.sha256}\n" for each in pins),
        language="text",
        place=place,
    )


def commented(pins: tuple[Pin, ...], line: Callable[[Pin], str], *, indent: str) -> str:
    """Return a line for each certificate, below a `#` comment that says which one it is."""
    return "".join(f"{indent}# {each.about}\n{indent}{line(each)}\n" for each in pins)
