"""Where tfcert keeps what it may lose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """The user's own folder for caches; None for a user who has no home, as in some containers.

    Source: XDG Base Directory Specification, `XDG_CACHE_HOME`; a relative path in it is to be ignored.
    """
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named / "tfcert"
    try:
        return Path.home() / ".cache" / "tfcert"
    except RuntimeError:
        return None
