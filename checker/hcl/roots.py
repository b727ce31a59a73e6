"""The root modules below a folder: where somebody runs plan and apply."""

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
    """A root module: its folder, and whether it may concern us.

    `remote` says that a backend or a cloud block names where its state is kept. `concerned` is False where neither it, nor its
    local state, nor a local module that it calls speaks of a stage or a client certificate, and no module from elsewhere is called.
    `unreadable` names what of a folder could not be read, and why: it may be a root, and may be one that concerns us.
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
    """Every root module at or below a folder, in the order of their paths.

    A root has a backend or cloud block, a provider block, a lock file or a local state; a folder with a provider block alone is
    none if another folder calls it as a module. Hidden folders (`.terraform` among them) and symbolic links to folders are not
    entered. Nothing is parsed. With `most`, no more folders than that are entered, those nearest to the top first.
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
    """A Terragrunt unit: its folder, the folder of the module that it runs, and whether it may concern us.

    `module` is None where its source cannot be worked out, or is no folder of this repository.
    """

    directory: str
    module: str | None
    concerned: bool


def find_units(top: str) -> tuple[Unit, ...]:
    """Every Terragrunt unit at or below a folder, in the order of their paths."""
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
    """Whether a state may hold something of ours; one that cannot be looked through may, and is reported when it is read."""
    try:
        return _OURS.search(read_regular(path)) is not None
    except OSError:
        return True


def _concerned(path: str, folders: Mapping[str, _Folder]) -> bool:
    """Whether a folder, or one that it calls however far down, speaks of ours or leads to where nobody looked."""
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        folder = folders.get(here)
        # A module that lies above where the search began was not looked at.
        if folder is None or folder.unreadable or folder.speaks or folder.calls_elsewhere:
            return True
        waiting.extend(folder.local)
    return False
