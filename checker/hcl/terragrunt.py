"""Find Terragrunt units: folders with a `terragrunt.hcl`.

Each unit runs a module of the repository with its own state. Source of the blocks and functions:
https://terragrunt.gruntwork.io/docs/reference/hcl/blocks/ and .../hcl/functions/.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from checker.git import find_repository
from checker.hcl.regular_files import read_regular
from checker.hcl.syntax import Attribute, SourceFile, parses

UNIT, STACK = "terragrunt.hcl", "terragrunt.stack.hcl"

_PASSED_OVER = frozenset({"node_modules", "vendor"})
_NOT_OURS = (
    ".tftest.hcl",
    ".tofutest.hcl",
    ".tfmock.hcl",
    ".tofumock.hcl",
    ".tfquery.hcl",
    ".lock.hcl",
    ".pkr.hcl",
    ".tflint.hcl",
    ".nomad.hcl",
)
_MOST = 5000
_MOST_OUTSIDE = 200
_ENTRIES = 40
_CLIMB = 3
_DEEPEST = 8
# Stands for a part of a path that cannot be resolved.
_UNKNOWN = "\0"
_REMOTE = re.compile(r"^[\w+.-]+::|^[\w+.-]+://|^git@|^(?:github|bitbucket)\.(?:com|org)/")
_CALL = re.compile(r"^(\w+)\((.*)\)$", re.DOTALL)
# Shared folders that are not repositories. `tempfile.gettempdir` would write a file to find one.
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 -- nothing is written there


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitUse:
    """A unit that runs a module.

    `path` is relative to the repository. `certain` is False if the source cannot be resolved.
    """

    path: str
    line: int
    certain: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    file: SourceFile
    folder: str
    attribute: Attribute


class Terragrunt:
    """The Terragrunt files at or below a folder; read once."""

    def __init__(self, top: Path, *, most: int = _MOST) -> None:
        self.top = top.as_posix()
        self._most = most
        self._uses: dict[str, tuple[UnitUse, ...]] = {}

    @cached_property
    def files(self) -> Mapping[str, SourceFile]:
        """Return the files by absolute path."""
        return dict(_hcl_files(self.top, self._most))

    def units(self) -> Iterator[str]:
        """Yield the folders of the units that run a module.

        A parent that is only included is not a unit.
        """
        for path in sorted(self.files):
            if posixpath.basename(path) == UNIT and any(True for _ in self.sources(path)):
                yield posixpath.dirname(path)

    def uses(self, directory: str) -> tuple[UnitUse, ...]:
        """Return every unit that runs, or may run, the module in a folder.

        A unit that several stacks generate counts once for each stack.
        """
        if directory not in self._uses:
            self._uses[directory] = tuple(self._find_uses(directory))
        return self._uses[directory]

    def _find_uses(self, directory: str) -> Iterator[UnitUse]:
        for unit in self.units():
            path = posixpath.join(unit, UNIT)
            for source in self.sources(path):
                certain = _names(self.text(source, unit), directory)
                if certain is None:
                    continue
                generated = list(self.generated(unit))
                places = generated or [
                    (source.file.path, source.file.line(source.attribute.span.start))
                ]
                if not generated and source.file.path != path:
                    places = [(path, 1)]
                yield from (
                    UnitUse(path=posixpath.relpath(at, self.top), line=line, certain=certain)
                    for at, line in places
                )
                break

    def modules(self, unit: str) -> tuple[str | None, ...]:
        """Return the folders that a unit may run.

        An entry is None if it cannot be resolved or is not a local folder.
        """
        texts = [self.text(source, unit) for source in self.sources(posixpath.join(unit, UNIT))]
        return tuple(
            None if _UNKNOWN in text or _REMOTE.search(text) else _plain(text) for text in texts
        )

    def sources(self, path: str, seen: frozenset[str] = frozenset()) -> Iterator[_Source]:
        """Yield the `source` of a file's `terraform` block, else those of its included files."""
        file = self.files.get(path)
        if file is None or path in seen or not parses(file):
            return
        own = [
            found
            for block in file.body.blocks
            if block.type == "terraform"
            if (found := block.attribute("source"))
        ]
        yield from (
            _Source(file=file, folder=posixpath.dirname(path), attribute=attribute)
            for attribute in own
        )
        if not own:
            for included in self.included(file, posixpath.dirname(path)):
                yield from self.sources(included, seen | {path})

    def included(self, file: SourceFile, folder: str) -> Iterator[str]:
        """Yield the files that the `include` blocks of a file may name."""
        for block in file.body.blocks:
            found = block.attribute("path") if block.type == "include" else None
            if found is None:
                continue
            text = _Evaluation(self, file, folder, folder).attribute(found)
            path = posixpath.normpath(posixpath.join(folder, text))
            known = [each for each in self.files if _UNKNOWN in text and _ends_with(each, text)]
            yield from [path] if path in self.files else known

    def generated(self, unit: str) -> Iterator[tuple[str, int]]:
        """Yield the `unit` blocks of stacks that use a folder as their template."""
        for path, file in sorted(self.files.items()):
            if posixpath.basename(path) != STACK or not parses(file):
                continue
            folder = posixpath.dirname(path)
            for block in file.body.blocks:
                source = block.attribute("source") if block.type == "unit" else None
                if source is not None:
                    text = _Evaluation(self, file, folder, folder).attribute(source)
                    if _names(_absolute(folder, text), unit) is not None:
                        yield path, file.line(source.span.start)

    def text(self, source: _Source, unit: str) -> str:
        """Return the source as an absolute path or an address.

        A part that cannot be resolved becomes one unknown character.
        """
        evaluated = _Evaluation(self, source.file, source.folder, unit).attribute(source.attribute)
        # A relative source starts from the unit's folder, even if an included file has it.
        return _absolute(unit, evaluated)


def _home() -> Path | None:
    """Return the user's home; None for a user without one, as in some containers."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def terragrunt_of(root: str) -> Terragrunt | None:
    """Return the Terragrunt files around a configuration; None if there are none.

    Without a repository, a few parent folders are searched if they are small.
    """
    here = Path(root).resolve()
    top = find_repository(here)
    if top is not None:
        found = Terragrunt(top)
        return found if found.files else None
    for above in list(here.parents)[:_CLIMB]:
        if above in {_home(), Path(above.anchor), *_TEMPORARY} or not _is_small(above):
            break
        found = Terragrunt(above, most=_MOST_OUTSIDE)
        if any(posixpath.basename(path) in {UNIT, STACK} for path in found.files):
            return found
    return None


def _is_small(folder: Path) -> bool:
    """Return whether a folder may be the top of a project.

    A store of projects has many entries, and is not searched.
    """
    try:
        return sum(1 for _ in folder.iterdir()) <= _ENTRIES
    except OSError:
        return False


def _hcl_files(top: str, most: int) -> Iterator[tuple[str, SourceFile]]:
    seen = 0
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(
            each for each in folders if not each.startswith(".") and each not in _PASSED_OVER
        )
        if len(Path(folder).relative_to(top).parts) >= _DEEPEST:
            folders.clear()
        seen += 1
        if seen > most:
            return
        for name in sorted(names):
            if name.endswith(".hcl") and not name.startswith(".") and not name.endswith(_NOT_OURS):
                path = posixpath.join(Path(folder).as_posix(), name)
                try:
                    yield path, SourceFile(path, read_regular(path))
                except OSError:
                    continue


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """The evaluation of expressions in a Terragrunt file, as seen from a unit."""

    terragrunt: Terragrunt
    file: SourceFile
    folder: str
    unit: str
    depth: int = 0

    def attribute(self, attribute: Attribute) -> str:
        return self.expression(
            attribute.value.of(self.file.data).decode("utf-8", "replace").strip()
        )

    def expression(self, text: str) -> str:
        if text.startswith('"') and text.endswith('"') and len(text) > 1:
            return self.template(text[1:-1])
        if text.startswith("local."):
            return self.local(text.removeprefix("local."))
        call = _CALL.match(text)
        return self.call(call[1], call[2].strip()) if call else _UNKNOWN

    def template(self, text: str) -> str:
        pieces: list[str] = []
        at = 0
        while (start := text.find("${", at)) >= 0:
            pieces.append(text[at:start])
            end, level = start + 2, 1
            while end < len(text) and level:
                level += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            pieces.append(self.expression(text[start + 2 : end - 1].strip()))
            at = end
        return "".join((*pieces, text[at:]))

    def local(self, name: str) -> str:
        if self.depth >= _DEEPEST:
            return _UNKNOWN
        for block in self.file.body.blocks:
            found = block.attribute(name) if block.type == "locals" else None
            if found is not None:
                deeper = _Evaluation(
                    self.terragrunt, self.file, self.folder, self.unit, self.depth + 1
                )
                return deeper.attribute(found)
        return _UNKNOWN

    def call(self, name: str, argument: str) -> str:
        above = self.folder if self.folder != self.unit else self.parent("")
        known = {
            "get_repo_root": lambda: self.terragrunt.top,
            "get_path_to_repo_root": lambda: posixpath.relpath(self.terragrunt.top, self.unit),
            "get_path_from_repo_root": lambda: posixpath.relpath(self.unit, self.terragrunt.top),
            "get_terragrunt_dir": lambda: self.unit,
            "get_original_terragrunt_dir": lambda: self.unit,
            "get_parent_terragrunt_dir": lambda: above,
            "path_relative_from_include": lambda: (
                posixpath.relpath(above, self.unit) if above != _UNKNOWN else _UNKNOWN
            ),
            "path_relative_to_include": lambda: (
                posixpath.relpath(self.unit, above) if above != _UNKNOWN else _UNKNOWN
            ),
            "find_in_parent_folders": lambda: self.found(argument),
            "dirname": lambda: posixpath.dirname(self.expression(argument)) or _UNKNOWN,
            "basename": lambda: posixpath.basename(self.expression(argument)),
            "abspath": lambda: self.expression(argument),
        }
        return known[name]() if name in known else _UNKNOWN

    def found(self, argument: str) -> str:
        wanted = argument.split(",", maxsplit=1)[0].strip().strip('"')
        folder = self.parent(wanted)
        return (
            folder if folder == _UNKNOWN else posixpath.join(folder, wanted or self.default(folder))
        )

    def parent(self, wanted: str) -> str:
        """Return the nearest folder above the unit that has a file or folder of this name."""
        folder = posixpath.dirname(self.unit)
        while folder.startswith(self.terragrunt.top):
            names = (wanted,) if wanted else (UNIT, "root.hcl")
            if any(Path(folder, name).exists() for name in names):
                return folder
            if folder == posixpath.dirname(folder):
                break
            folder = posixpath.dirname(folder)
        return _UNKNOWN

    def default(self, folder: str) -> str:
        return UNIT if Path(folder, UNIT).exists() else "root.hcl"


def _absolute(folder: str, text: str) -> str:
    return (
        text
        if _REMOTE.search(text) or text.startswith(("/", _UNKNOWN))
        else posixpath.join(folder, text)
    )


def _plain(text: str) -> str:
    return posixpath.normpath(re.sub(r"/{2,}", "/", text.split("?", maxsplit=1)[0]))


def _names(text: str, directory: str) -> bool | None:
    """Return whether a source is a folder: True, False if it may be, None if it is another."""
    if not _REMOTE.search(text) and _UNKNOWN not in text:
        return True if _plain(text) == posixpath.normpath(directory) else None
    # A released copy of the same folder, or a path with only a known end.
    return False if _ends_with(directory, text) else None


def _ends_with(path: str, text: str) -> bool:
    known = text.split("?", maxsplit=1)[0].rsplit(_UNKNOWN, 1)[-1]
    if _REMOTE.search(text) and _UNKNOWN not in text:
        known = known.split("://")[-1].partition("//")[2]
        if not known:
            return False
    parts = [part for part in known.split("/") if part not in {"", ".", ".."}]
    return path.split("/")[-len(parts) :] == parts if parts else True
