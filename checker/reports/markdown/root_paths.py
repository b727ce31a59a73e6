"""Name the files of a document from the repository's root, as a pull request does."""

from __future__ import annotations

import re
from typing import Any, cast

from checker.git import Checkout
from checker.reports.json_v1_read import JsonDocument

# A file of a configuration with its line, in the text of a finding or of a rotation.
_PLACE = re.compile(
    r"(?<![\w/.-])(?P<file>(?:[\w.-]+/)*[\w.-]+\.(?:tf|tofu|tfvars|hcl|toml)(?:\.json)?)(?=:\d)"
)
_PATHS = frozenset({"path", "source", "file"})
_TEXTS = frozenset({"message", "remedy", "reason"})


def by_repository(document: JsonDocument, checkout: Checkout | None = None) -> JsonDocument:
    """Return the document with paths from the repository's root, and without its folder.

    Without a checkout, the document's own folder counts. A document that has neither stays as it
    is: its run was in the root, or tfcert did not record it.
    """
    where = checkout or Checkout(folder=document.get("folder", ""))
    if not where.folder and not where.root:
        return document
    shown: dict[str, Any] = {
        key: _named(value, where) for key, value in document.items() if key != "folder"
    }
    # A patch is named by its file, and a patch's own paths are those of the repository already.
    shown["patches"] = document.get("patches", [])
    shown["notices"] = [_placed(text, where) for text in document.get("notices", [])]
    return cast("JsonDocument", shown)


def _named(part: Any, where: Checkout) -> Any:
    match part:
        case dict():
            return {key: _of_key(key, value, where) for key, value in part.items()}
        case list():
            return [_named(each, where) for each in part]
        case _:
            return part


def _of_key(key: str, value: Any, where: Checkout) -> Any:
    if not isinstance(value, str):
        return _named(value, where)
    if key in _PATHS:
        return _path(value, where)
    return _placed(value, where) if key in _TEXTS else value


def _placed(text: str, where: Checkout) -> str:
    return _PLACE.sub(lambda found: _path(found["file"], where), text)


def _path(name: str, where: Checkout) -> str:
    if name == "-" or "://" in name or (name.startswith("/") and not where.root):
        return name
    return where.path(name) or name
