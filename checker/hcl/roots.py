"""Find the root modules below a folder: the folders where users run plan and apply."""

from __future__ import annotations

import os
import posixpath
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from checker.hcl.configuration import CALLS, mentions_rotation
from checker.hcl.regular_files import read_regular
from checker.hcl.terragrunt import terragrunt_of
from checker.model.configuration_files import SUFFIXES

_LOCK = ".terraform.lock.hcl"
_STATE = "terraform.tfstate"
_OURS = re.compile(rb"client_certificate")
_REMOTE = re.compile(rb'(?m)^[ \t]*(?:backend[ \t]+"|cloud[ \t]*\{)|"backend"\s*:|"cloud"\s*:')
_PROVIDER = re.compile(rb'(?m)^[ \t]*provider[ \t]*"?[\w-]|"provider"\s*:')
_LOCAL = re.compile(rb'(?m)(?:^|[{,;])[ \t]*"?source"?[ \t]*[=:][ \t]*"(\.{1,2}/[^"\r\n]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A root module: its folder, and whether it may concern tfcert.

    `remote` says that a backend or a cloud block names where its state is kept. `concerned` is True
    if the root, its local state or a local module that it calls mentions a stage or a client
    certificate. It is also True if a module from elsewhere is called. `unreadable` names the part
    of a folder that could not be read, and why; the folder may be a root that concerns tfcert.
    """

    directory: str
    remote: bool
    concerned: bool
    unreadable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    remote: bool
    locked: bool
    provides: bool
    speaks: bool
    calls_elsewhere: bool
    local: frozenset[str]
    unreadable: str | None = None


def find_roots(top: str, *, most: int | None = None) -> tuple[Root, ...]:
    """Return every root module at or below a folder, in the order of their paths.

    A root has a backend or cloud block, a provider block, a lock file or a local state. A folder
    with only a provider block is not a root if another folder calls it as a module. Hidden folders
    (`.terraform` among them) and symbolic links to folders are skipped. Nothing is parsed. With
    `most`, at most that many folders are read, those nearest to the top first.
    """
    folders = dict(_folders(top, most))
    called = {child for folder in folders.values() for child in folder.local}
    found: list[Root] = []
    for path, folder in sorted(folders.items()):
        if (
            folder.remote
            or folder.locked
            or folder.unreadable
            or (folder.provides and path not in called)
        ):
            concerned = _concerned(path, folders)
            found.append(
                Root(
                    directory=path,
                    remote=folder.remote,
                    concerned=concerned,
                    unreadable=folder.unreadable,
                )
            )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A Terragrunt unit: its folder, its module's folder, and whether it may concern tfcert.

    `module` is None if its source cannot be resolved, or is not a folder of this repository.
    """

    directory: str
    module: str | None
    concerned: bool


def find_units(top: str) -> tuple[Unit, ...]:
    """Return every Terragrunt unit at or below a folder, in the order of their paths."""
    terragrunt = terragrunt_of(top)
    here = Path(top).resolve()
    found: list[Unit] = []
    for folder in terragrunt.units() if terragrunt is not None else ():
        if not Path(folder).is_relative_to(here):
            continue
        modules = terragrunt.modules(folder) if terragrunt is not None else ()
        module = modules[0] if len(modules) == 1 else None
        concerned = module is None or _concerned(os.path.normpath(module), dict(_folders(module)))
        directory = os.path.normpath(Path(top, Path(folder).relative_to(here)))
        found.append(
            Unit(
                directory=directory,
                module=os.path.relpath(module) if module is not None else None,
                concerned=concerned,
            )
        )
    return tuple(found)


def _folders(top: str, most: int | None = None) -> Iterator[tuple[str, _Folder]]:
    waiting = deque([top])
    entered = 0
    while waiting and (most is None or entered < most):
        here = waiting.popleft()
        entered += 1
        texts: list[bytes] = []
        locked = recorded = False
        unreadable = None
        try:
            for entry in os.scandir(here):
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith("."):
                        waiting.append(entry.path)
                elif entry.name == _LOCK:
                    locked = True
                elif entry.name == _STATE:
                    locked = True
                    recorded = _records_ours(entry.path)
                elif entry.name.endswith(SUFFIXES) and not entry.name.startswith("."):
                    texts.append(read_regular(entry.path))
        except OSError as error:
            unreadable = f"{error.filename or here}: {error.strerror or 'cannot be read'}"
        if texts or unreadable:
            yield (
                os.path.normpath(here),
                _look(here, texts, locked=locked, recorded=recorded, unreadable=unreadable),
            )


def _look(
    here: str, texts: list[bytes], *, locked: bool, recorded: bool, unreadable: str | None
) -> _Folder:
    local: set[str] = set()
    elsewhere = False
    for text in texts:
        if b"module" in text:
            sources = _LOCAL.findall(text)
            local.update(
                posixpath.normpath(posixpath.join(here, os.fsdecode(source))) for source in sources
            )
            elsewhere = elsewhere or len(CALLS.findall(text)) > len(sources) or b'"module"' in text
    return _Folder(
        remote=any(
            (b"backend" in text or b"cloud" in text) and _REMOTE.search(text) for text in texts
        ),
        locked=locked,
        provides=any(b"provider" in text and _PROVIDER.search(text) for text in texts),
        speaks=recorded or any(mentions_rotation(text) for text in texts),
        calls_elsewhere=elsewhere,
        local=frozenset(local),
        unreadable=unreadable,
    )


def _records_ours(path: str) -> bool:
    """Return whether a state may have a client certificate.

    A state that cannot be read may have one; the error is reported when the state is loaded.
    """
    try:
        return _OURS.search(read_regular(path)) is not None
    except OSError:
        return True


def _concerned(path: str, folders: Mapping[str, _Folder]) -> bool:
    """Return whether a folder, or any module below it, concerns tfcert or cannot be searched.

    Module calls are followed to any depth.
    """
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        folder = folders.get(here)
        # A module above the start of the search was not read.
        if folder is None or folder.unreadable or folder.speaks or folder.calls_elsewhere:
            return True
        waiting.extend(folder.local)
    return False
