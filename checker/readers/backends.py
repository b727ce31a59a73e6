"""Whether the state of a directory may be kept by a backend, which a tool would have to contact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from checker.domain.configuration_files import JSON, SUFFIXES
from checker.domain.errors import UnreadableError
from checker.hcl.source import SourceFile
from checker.readers.files import open_file

# OpenTofu starts the command of a `key_provider "external"` before it reads a state. Source: OpenTofu, "State and Plan Encryption".
_BLOCKS = frozenset({"backend", "cloud", "encryption"})
_WORDS = re.compile(rb"\b(?:backend|cloud|encryption)\b")
_LARGEST = 64 * 1024**2


def backend_of(directory: str, names: Iterable[str]) -> str | None:
    """Return the file that names, or may name, a backend, HCP Terraform or encryption; None for what surely is a plain local state.

    A file that cannot be read or parsed may name one. Source: Terraform, "Backend block configuration": the block stands in a
    `terraform` block of any file of the root module.
    """
    for name in sorted(names):
        if name.startswith(".") or not name.endswith(SUFFIXES):
            continue
        try:
            data = bytes(open_file(str(Path(directory, name)), most=_LARGEST))
        except UnreadableError:
            return name
        if _in_json(data) if name.endswith(JSON) else _in_native(name, data):
            return name
    return ".terraform/terraform.tfstate" if _is_initialised(directory) else None


def _in_native(name: str, data: bytes) -> bool:
    # An identifier of HCL has no escapes: without the words there is no such block.
    if not _WORDS.search(data):
        return False
    file = SourceFile(name, data)
    try:
        blocks = file.body.blocks
    except (UnreadableError, RecursionError):
        return True
    return any(inner.type in _BLOCKS for block in blocks if block.type == "terraform" for inner in block.body.blocks)


def _in_json(data: bytes) -> bool:
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return True
    return any(not _BLOCKS.isdisjoint(table) for table in _tables(found, "terraform"))


def _tables(found: object, key: str) -> list[dict[str, object]]:
    """The objects under a key, which JSON writes once or in arrays."""
    waiting = [each.get(key) for each in _objects(found)]
    return [each for value in waiting for each in _objects(value)]


def _objects(found: object) -> list[dict[str, object]]:
    waiting, objects = [found], []
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            objects.append(each)
    return objects


def _is_initialised(directory: str) -> bool:
    """Whether `init` has noted a backend in the directory's own folder."""
    file = Path(directory, ".terraform", "terraform.tfstate")
    try:
        noted = json.loads(bytes(open_file(str(file), most=_LARGEST)))
    except UnreadableError as error:
        return not isinstance(error.__cause__, FileNotFoundError)
    except (ValueError, RecursionError):
        return True
    return bool(noted.get("backend")) if isinstance(noted, dict) else True
