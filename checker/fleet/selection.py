"""Which objects below a source are states or plans, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cache

from msgspec import Struct

# Source: Terraform's backends. s3 locks with KEY.tflock, gcs with NAME.tflock, local with
# .NAME.lock.info. azurerm names the state of a workspace KEYenv:WORKSPACE.
DEFAULT = ("*.tfstate", "*.tfstate.gz", "*.tfstateenv:*", "*.json")
_LOCK = re.compile(r"\.tflock$|\.lock\.info$", re.ASCII)
# Source: Terraform writes NAME.backup, and NAME.TIME.backup where a state is moved or pulled.
_BACKUP = re.compile(r"\.backup$|\.bak$|~$|\.tfstate\.(?!gz$|json$)[^/]+$", re.ASCII)
_NOT_STATES = re.compile(r"\.terraform\.lock\.hcl$", re.ASCII)

# Terraform's copies of other states, and the history of a repository.
TOOL_FOLDERS = frozenset({".terraform", ".git"})


class NameKind(StrEnum):
    """What the name of an object says; all but STATE are left out and counted."""

    STATE = "state"
    BACKUP = "backup or old version"
    LOCK = "lock file"
    EXCLUDED = "excluded"
    OTHER = "other name"


class NameSelection(Struct, frozen=True, kw_only=True):
    """The globs of --include and --exclude; without --include, the names that backends use.

    A glob without a slash matches a file's name, and for `exclude` also a folder's. A glob with a
    slash matches the path below the source; `*` stops at a slash there, and `**` does not.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def kind(self, path: str) -> NameKind:
        """Return what an object is, by its path below the source, with forward slashes."""
        name = path.rpartition("/")[2]
        if self.exclude and any(map(self.excludes_folder, _up(path))):
            return NameKind.EXCLUDED
        if _LOCK.search(name):
            return NameKind.LOCK
        if _BACKUP.search(name):
            return NameKind.BACKUP
        if not self.include and name.endswith((".tfstate", ".json")):
            return NameKind.STATE
        chosen = any(_matches(glob, path) for glob in self.include or DEFAULT)
        return NameKind.STATE if chosen else NameKind.OTHER

    def excludes_folder(self, path: str) -> bool:
        """Return whether everything below a folder is excluded."""
        return any(_matches(glob, path) for glob in self.exclude)


def is_certain(path: str) -> bool:
    """Return whether the name alone says that it is a state.

    Any other file, such as one of the suffix .json, may be anything.
    """
    return not path.endswith(".json")


def _up(path: str) -> Sequence[str]:
    """Return a path and each folder above it."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _matches(glob: str, path: str) -> bool:
    whole = "/" in glob.rstrip("/")
    return bool(_pattern(glob).fullmatch(path if whole else path.rpartition("/")[2]))


_PIECES = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    def part(found: re.Match[str]) -> str:
        piece = found[0]
        match piece:
            case "**/":
                return "(?:.*/)?"
            case "**":
                return ".*"
            case "*":
                return "[^/]*"
            case "?":
                return "[^/]"
            case _ if len(piece) > 1:
                inside = re.sub(r"([\\\[&~|])", r"\\\1", piece[1:-1])
                # As in a shell, no set has the slash.
                return f"(?!/)[{'^' + inside[1:] if inside.startswith('!') else inside}]"
            case _:
                return re.escape(piece)

    try:
        return re.compile(_PIECES.sub(part, glob.strip("/")), re.DOTALL)
    except re.error:
        return re.compile(re.escape(glob))
