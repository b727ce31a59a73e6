"""Which format versions are read, as the formats' own compatibility promise says.

Source: terraform, docs/internals/json-format (a minor version only adds; a major version that is not known must be
refused) and terraform-json, which accepts 0.1 up to, and without, 2.0.
"""

from __future__ import annotations

import re

from checker.readers.spot import Spot

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.\d{1,6})?", re.ASCII)
_FIRST, _FIRST_UNKNOWN_MAJOR = (0, 1), 2

RAW_STATE = 4


def check_format(version: str, spot: Spot) -> None:
    """Raise UnreadableError unless this `format_version` of a plan or a shown state is one that tfcert reads."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise spot.unreadable("is not a format version such as 1.2", "write the document again with `show -json`")
    major, minor = int(found[1]), int(found[2])
    if major >= _FIRST_UNKNOWN_MAJOR:
        raise spot.unreadable(
            f"format version {major}.{minor} is newer than this tfcert reads (below {_FIRST_UNKNOWN_MAJOR}.0)",
            "upgrade tfcert",
        )
    if (major, minor) < _FIRST:
        raise spot.unreadable(f"format version {major}.{minor} was never written by a released Terraform")


def check_raw_state(version: int, spot: Spot) -> None:
    """Raise UnreadableError unless a raw state has version 4, which Terraform has written since 0.12."""
    if version > RAW_STATE:
        raise spot.unreadable(f"state version {version} is newer than this tfcert reads ({RAW_STATE})", "upgrade tfcert")
    if version < RAW_STATE:
        raise spot.unreadable(
            f"state version {version} is of Terraform 0.11 or older; version {RAW_STATE} is read",
            "upgrade the state: apply once with Terraform 0.12 or later, then `terraform state pull`",
        )
