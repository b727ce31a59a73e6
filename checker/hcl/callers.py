"""Who else in the repository calls a local module: other root modules take an edit of it with their own next apply."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checker.domain.configuration_files import SUFFIXES
from checker.hcl.configuration import Configuration
from checker.hcl.regular_files import read_regular
from checker.hcl.repository import repository_of

_SOURCE = re.compile(rb'(?m)^\s*(?:module\s+"?[\w-]+"?\s*\{\s*)?source\s*=\s*"(\.{1,2}/[^"\n]*)"')
_SOURCE_IN_JSON = re.compile(rb'"source"\s*:\s*"(\.{1,2}/[^"\n]*)"')
_PASSED_OVER = frozenset({"node_modules", "vendor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A call of a local module outside this configuration; `path` is relative to the repository's root."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def callers_elsewhere(configuration: Configuration, directory: str) -> tuple[Caller, ...]:
    """The calls of a module's folder by configurations of the repository that are no part of this one."""
    root = Path(configuration.root).resolve()
    top = repository_of(root)
    if top is None:
        return ()
    if not configuration.local_calls:
        own = {_absolute(root, module.directory) for module in configuration.modules.values()}
        for folder, caller in _calls(top, own):
            configuration.local_calls.setdefault(folder, []).append((caller.path, caller.line))
        # Walked, also where nothing was found: no folder is called so.
        configuration.local_calls.setdefault("", [])
    found = configuration.local_calls.get(_absolute(root, directory), [])
    return tuple(Caller(path=path, line=line) for path, line in found)


def _calls(top: Path, own: set[str]) -> Iterator[tuple[str, Caller]]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in _PASSED_OVER)
        if Path(folder).as_posix() in own:
            continue
        for name in sorted(names):
            if not name.endswith(SUFFIXES):
                continue
            try:
                data = read_regular(Path(folder, name))
            except OSError:
                continue
            pattern = _SOURCE_IN_JSON if name.endswith(".json") else _SOURCE
            for found in pattern.finditer(data) if b"module" in data else ():
                source = found.group(1).decode("utf-8", "replace")
                path = Path(folder, name).relative_to(top).as_posix()
                yield _absolute(Path(folder), source), Caller(path=path, line=data.count(b"\n", 0, found.start(1)) + 1)


def _absolute(folder: Path, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder.as_posix(), path))
