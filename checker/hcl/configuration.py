"""Load a root module and its local modules."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.errors import UnreadableError
from checker.hcl.regular_files import read_regular
from checker.hcl.syntax import Block, Fault, SourceFile, descendants, parses
from checker.model.configuration_files import SUFFIXES, tofu_twin

if TYPE_CHECKING:
    from checker.hcl.terragrunt import Terragrunt


_OURS = re.compile(rb"client_certificate|api_?gateway(?:v2)?_stage")
CALLS = re.compile(rb"(?m)^[\xef\xbb\xbf\s]*module\s*\"?[\w-]")

_HEADER = re.compile(rb'(?m)^module[ \t]+"([\w-]+)"[ \t]*\{[ \t]*\r?$')
_END = re.compile(rb"(?m)^\}")
_SOURCE = re.compile(rb'(?m)^[ \t]+source[ \t]*=[ \t]*"([^"\\$%\r\n]*)"[ \t]*\r?$')
_SOURCES = re.compile(rb"\bsource\b")
# The types of resources whose files are searched once for each resource.
_INDEXED = re.compile("client_certificate|_stage$")
# Identifiers; Terraform allows letters beyond ASCII.
_WORDS = re.compile(rb"[\w\x80-\xff-]+")
# Text that can look like a block and is not one.
_AMBIGUOUS = re.compile(rb"/\*|<<")


def mentions_rotation(data: bytes) -> bool:
    """Return whether a text may have a resource type, attribute or reference of a rotation.

    Each of them contains `client_certificate` or the type of an API Gateway stage.
    """
    # Two plain searches take a tenth of the time of the expression.
    return (b"client_certificate" in data or b"_stage" in data) and _OURS.search(data) is not None


def plain_calls(data: bytes) -> tuple[tuple[str, str], ...] | None:
    """Return the module calls of a file by name and source; None if only a parser can tell."""
    if _AMBIGUOUS.search(data):
        return None
    found: list[tuple[str, str]] = []
    for header in _HEADER.finditer(data):
        end = _END.search(data, header.end())
        if end is None:
            return None
        body = data[header.end() : end.start()]
        sources = _SOURCE.findall(body)
        if len(sources) != 1 or len(_SOURCES.findall(body)) != 1:
            return None
        found.append((header.group(1).decode(), sources[0].decode("utf-8", "replace")))
    return tuple(found) if len(found) == len(CALLS.findall(data)) else None


ModulePath = tuple[str, ...]

_DEEPEST = 24
_DEEPEST_TESTS = 4
_MOST_FOLDERS = 500
_TESTS = (
    ".tftest.hcl",
    ".tftest.json",
    ".tofutest.hcl",
    ".tofutest.json",
    ".tfmock.hcl",
    ".tofumock.hcl",
)
# Source: terraform internal/configs/parser_file_matcher.go; only the folder of a module has them.
_QUERIES = (".tfquery.hcl", ".tfquery.json")
_OTHERS = frozenset({"node_modules", "vendor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One module call, or the root module: its files by path, and its calls of other modules.

    `opaque` maps each call whose source is not local to its source as written; empty if that is not
    plain text. `foreign` names the files that Terraform or OpenTofu reads and tfcert does not edit:
    JSON, overrides and .tofu. `tests` names the test and query files that mention client
    certificates; they are not part of the configuration.
    """

    path: ModulePath
    directory: str
    files: tuple[str, ...]
    foreign: tuple[str, ...] = ()
    opaque: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[str, ...] = ()

    def twins(self) -> dict[str, str]:
        """Return the files that only Terraform reads, with OpenTofu's .tofu file for each.

        OpenTofu reads the .tofu file instead.
        """
        names = {*self.files, *self.foreign}
        return {
            name: twin
            for name in sorted(names)
            if (twin := tofu_twin(name)) in names and twin is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A root module and its local modules, as text.

    Paths are relative to `root`, with forward slashes. One file can belong to several modules,
    since two calls can share a source.
    """

    root: str
    files: Mapping[str, SourceFile]
    modules: Mapping[ModulePath, Module]
    # What searches of the whole configuration found, so that each one runs once.
    memo: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    # Cache of `checker.hcl.flow`, so that it walks a repository once.
    local_calls: dict[str, list[tuple[str, int]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    # Cache of `checker.hcl.obstacles`, for the same reason; filled by the first search.
    terragrunt: list[Terragrunt | None] = field(default_factory=list, compare=False, repr=False)

    def twins(self, path: ModulePath) -> Mapping[str, str]:
        """Return `Module.twins` of a module, computed once."""
        key = ("twins", path)
        if key not in self.memo:
            self.memo[key] = self.modules[path].twins()
        known: Mapping[str, str] = self.memo[key]
        return known

    def in_module(self, path: ModulePath, *needles: bytes) -> Iterator[SourceFile]:
        """Yield the files of a module that contain all given bytes; others are not parsed."""
        for name in self.modules[path].files:
            file = self.files[name]
            if all(needle in file.data for needle in needles):
                yield file

    def blocks(
        self, path: ModulePath, kind: str, *labels: str
    ) -> Iterator[tuple[SourceFile, Block]]:
        """Yield the top-level blocks of a module with this type and these first labels.

        Files that cannot be parsed are skipped.
        """
        for file in self._declaring(path, kind, *labels):
            for block in file.blocks(kind, *labels):
                yield file, block

    def _declaring(self, path: ModulePath, kind: str, *labels: str) -> Iterable[SourceFile]:
        """Return the files that can be parsed and may have such a block."""
        if len(labels) == 2 and kind == "resource" and _INDEXED.search(labels[0]):
            return self._by_word(path, *labels)
        needles = (kind.encode(), *(label.encode() for label in labels))
        return (file for file in self.in_module(path, *needles) if parses(file))

    def naming(self, path: ModulePath, root: str, name: str) -> Iterable[SourceFile]:
        """Return the files of a module that can be parsed and may have `root.name`."""
        if _INDEXED.search(root):
            return self._by_word(path, root, name)
        needles = (root.encode(), name.encode())
        return (file for file in self.in_module(path, *needles) if parses(file))

    def _by_word(self, path: ModulePath, kind: str, name: str) -> Iterator[SourceFile]:
        """Yield the files that can be parsed and have the type and the name of a resource.

        A search of all files for every resource would take the square of their number.
        """
        key = ("words", path, kind)
        if key not in self.memo:
            found: dict[str, list[SourceFile]] = {}
            for file in self.in_module(path, kind.encode()):
                words = {word.decode("utf-8", "replace") for word in _WORDS.findall(file.data)}
                for word in words:
                    found.setdefault(word, []).append(file)
            self.memo[key] = found
        known: Mapping[str, list[SourceFile]] = self.memo[key]
        return (file for file in known.get(name, ()) if parses(file))

    def with_text(self, changed: Mapping[str, bytes]) -> Configuration:
        """Return the same configuration with the text of some files replaced.

        A new file is added to the modules that own its folder.
        """
        files = dict(self.files)
        modules = dict(self.modules)
        for name, data in changed.items():
            if name not in files:
                folder = posixpath.dirname(name)
                for path, module in modules.items():
                    if module.directory == folder:
                        modules[path] = replace(module, files=tuple(sorted((*module.files, name))))
            files[name] = SourceFile(name, data)
        return Configuration(root=self.root, files=files, modules=modules)


def unparsed(configuration: Configuration) -> Iterator[tuple[SourceFile, Fault]]:
    """Yield the files that cannot be parsed, each with its fault.

    Only files that mention client certificates or call modules count. Test and query files are not
    part of the configuration.
    """
    tests = {path for module in configuration.modules.values() for path in module.tests}
    for path, file in sorted(configuration.files.items()):
        if (
            path not in tests
            and (b"client_certificate" in file.data or _needs_parser(file.data))
            and file.fault is not None
        ):
            yield file, file.fault


def _needs_parser(data: bytes) -> bool:
    """Return whether only a parser can tell which modules a file calls.

    This includes a UTF-16 file, which cannot be searched as text.
    """
    calls = (
        b"module" in data
        and CALLS.search(data)
        and (mentions_rotation(data) or plain_calls(data) is None)
    )
    return bool(calls) or data.startswith((b"\xff\xfe", b"\xfe\xff"))


def load_configuration(root: str) -> Configuration | None:
    """Read a root module and its local modules from disk; None without a configuration.

    Files are chosen as Terraform chooses them (terraform internal/configs/parser_config_dir.go:
    hidden files, backups and tests are not configuration). Raises UnreadableError for a folder or
    file that cannot be read.
    """
    files: dict[str, SourceFile] = {}
    modules: dict[ModulePath, Module] = {}
    waiting: list[tuple[ModulePath, str, frozenset[str]]] = [((), "", frozenset())]
    while waiting:
        path, directory, above = waiting.pop()
        own, foreign = _list(root, directory)
        if not own and not foreign:
            if not path:
                return None
            continue
        for name in own:
            if name not in files:
                files[name] = SourceFile(name, _read(root, name))
        calls = [call for name in own for call in _calls(files[name])]
        opaque: dict[str, str] = {}
        for call, source in calls:
            local = _local(root, directory, source)
            # Terraform refuses a module that calls itself; the loop must end here too.
            if local is None or local in {*above, directory} or len(path) >= _DEEPEST:
                opaque[call] = source or ""
            else:
                waiting.append(((*path, call), local, above | {directory}))
        modules[path] = Module(
            path=path, directory=directory, files=own, foreign=foreign, opaque=opaque
        )
    if any(b"client_certificate" in file.data for file in files.values()):
        modules = {
            path: replace(module, tests=_with_tests(root, module.directory, files))
            for path, module in modules.items()
        }
    return Configuration(root=root, files=files, modules=modules)


def literal_string(data: bytes, block: Block, name: str) -> str | None:
    """Return the value of an attribute that is a quoted string without templates, else None."""
    attribute = block.attribute(name)
    if attribute is None:
        return None
    if any(node.type == "template_interpolation" for node in descendants(attribute.expression)):
        return None
    text = attribute.value.of(data).decode("utf-8", "replace")
    found = re.fullmatch(r'"((?:[^"\\\n])*)"', text)
    return found.group(1) if found else None


def _with_tests(root: str, directory: str, files: dict[str, SourceFile]) -> tuple[str, ...]:
    """Return a module's test, mock and query files that mention client certificates.

    Their text is added to `files`. A subfolder with .tf files of its own is another module with its
    own tests, except the default test folder `tests`.
    """
    found: list[str] = []
    waiting = [(directory, 0)]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            break
        here, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(Path(root, here)), key=lambda entry: entry.name)
        except OSError:
            continue
        if (
            depth
            and posixpath.basename(here) != "tests"
            and any(entry.name.endswith(SUFFIXES) for entry in entries)
        ):
            continue
        for entry in entries:
            path = posixpath.join(here, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if (
                    not entry.name.startswith(".")
                    and entry.name not in _OTHERS
                    and depth < _DEEPEST_TESTS
                ):
                    waiting.append((path, depth + 1))
            elif entry.name.endswith(_TESTS if depth else (*_TESTS, *_QUERIES)):
                data = _read(root, path)
                if b"client_certificate" in data:
                    files.setdefault(path, SourceFile(path, data))
                    found.append(path)
    return tuple(found)


def _list(root: str, directory: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    folder = Path(root, directory)
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise UnreadableError(
            error.strerror or "cannot be listed", where=str(folder), remedy="check the path"
        ) from error
    own: list[str] = []
    foreign: list[str] = []
    for name in names:
        if name.startswith((".", "#")) or name.endswith("~"):
            continue
        path = posixpath.join(directory, name)
        stem = name.removesuffix(".json").rsplit(".", 1)[0]
        if name.endswith(SUFFIXES) and not name.endswith(".tf"):
            foreign.append(path)
        elif name.endswith(".tf"):
            (foreign if stem == "override" or stem.endswith("_override") else own).append(path)
    return tuple(own), tuple(foreign)


def _read(root: str, name: str) -> bytes:
    path = Path(root, name)
    try:
        return read_regular(path)
    except OSError as error:
        raise UnreadableError(
            error.strerror or "cannot be read", where=str(path), remedy="check its permissions"
        ) from error


def read_foreign(configuration: Configuration, name: str) -> bytes:
    """Return the bytes of a file that tfcert does not edit."""
    return _read(configuration.root, name)


def _calls(file: SourceFile) -> Iterator[tuple[str, str | None]]:
    if b"module" not in file.data or not CALLS.search(file.data):
        return
    plain = plain_calls(file.data) if not mentions_rotation(file.data) else None
    if plain is not None:
        yield from plain
    elif parses(file):
        for block in file.body.blocks:
            if block.type == "module" and block.labels:
                yield block.labels[0], literal_string(file.data, block, "source")


def _local(root: str, directory: str, source: str | None) -> str | None:
    if source is None or not source.startswith(("./", "../")):
        return None
    path = posixpath.normpath(posixpath.join(directory, source))
    return path if Path(root, path).is_dir() else None
