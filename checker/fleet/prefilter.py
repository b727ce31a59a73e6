"""Find out in one pass that a state has nothing that tfcert reads; all of its JSON is validated."""

from typing import Literal

from msgspec import UNSET, MsgspecError, Raw, Struct, UnsetType
from msgspec.json import Decoder

from checker.model.resource_types import KEPT
from checker.terraform.decode import Buffer

# Annotations are not postponed here: msgspec would compile each of them again at every start.


class _OfInterestError(Exception):
    """A resource has one of the types that tfcert reads."""


class _TypeName:
    """The type of a resource, which is looked at and not kept."""


class _Resource(Struct, gc=False):
    type: _TypeName


class _State(Struct, gc=False):
    version: Literal[4]
    resources: list[_Resource]
    # Of any other document, the reader decides what it is.
    format_version: Raw | UnsetType = UNSET
    encrypted_data: Raw | UnsetType = UNSET
    encryption_version: Raw | UnsetType = UNSET


_READ = _TypeName()


def _look(_kind: type, name: object) -> _TypeName:
    """Look at one type; msgspec calls this also for a property that is there twice."""
    if name in KEPT or not isinstance(name, str):
        raise _OfInterestError
    return _READ


_DECODER = Decoder(_State, dec_hook=_look)


def has_nothing(data: Buffer) -> bool:
    """Return whether UTF-8 text is a whole raw state of version 4 without a type of interest.

    msgspec parses all of the text, with its escapes, and builds no values. False says only that the
    strict reader has to read it: for a resource of interest, for another document, for a fault.
    """
    try:
        found = _DECODER.decode(data)
    except (_OfInterestError, MsgspecError, UnicodeDecodeError, RecursionError, MemoryError):
        return False
    return (
        found.format_version is UNSET
        and found.encrypted_data is UNSET
        and found.encryption_version is UNSET
    )
