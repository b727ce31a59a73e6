"""Which var files below a root module give a variable its value, and where an id stands in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checker.hcl.configuration import Configuration
from checker.hcl.regular_files import read_regular
from checker.hcl.source import SourceFile, readable
from checker.hcl.syntax import descendants

_DEEPEST = 3
_MOST = 500
_AUTOMATIC = re.compile(r"(?:^terraform|\.auto)\.tfvars(?:\.json)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One var file that gives a variable: `texts` are the strings in the value, `plain` whether it is one string alone.

    `automatic` says whether Terraform reads the file without being told to (terraform.tfvars, *.auto.tfvars beside the root).
    """

    path: str
    line: int
    texts: tuple[str, ...]
    plain: bool
    automatic: bool


class VarFiles:
    """The var files in the root module's folder and some levels below it: looked for once, and only when they are asked for."""

    def __init__(self, configuration: Configuration) -> None:
        self._root = configuration.root
        self._paths: tuple[str, ...] | None = None
        self._known: dict[str, tuple[Setting, ...]] = {}

    def settings(self, name: str) -> tuple[Setting, ...]:
        """Every var file that gives a variable."""
        if self._paths is None:
            self._paths = tuple(_var_files(Path(self._root)))
        if name not in self._known:
            self._known[name] = tuple(found for path in self._paths for found in _settings(self._root, path, name))
        return self._known[name]


def default_of(configuration: Configuration, name: str) -> Setting | None:
    """The default of a root variable, if it has one."""
    for file, block in configuration.blocks((), "variable", name):
        attribute = block.attribute("default")
        if attribute is not None:
            return _setting(file, attribute.span.start, attribute.value.of(file.data), file.path, automatic=True)
    return None


def _var_files(root: Path) -> Iterator[str]:
    count = 0
    for folder, folders, names in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(each for each in folders if not each.startswith(".")) if depth < _DEEPEST else []
        for name in sorted(names):
            if name.endswith((".tfvars", ".tfvars.json")) and count < _MOST:
                count += 1
                yield Path(folder, name).relative_to(root).as_posix()


def _settings(root: str, path: str, name: str) -> Iterator[Setting]:
    try:
        data = read_regular(Path(root, path))
    except OSError:
        return
    if not re.search(rb"\b" + re.escape(name.encode()) + rb"\b", data):
        return
    automatic = "/" not in path and _AUTOMATIC.search(path) is not None
    file = SourceFile(path, data)
    if path.endswith(".json") or not readable(file):
        line = file.line(data.find(name.encode()))
        yield Setting(path=path, line=line, texts=(), plain=False, automatic=automatic)
        return
    for attribute in file.body.attributes:
        if attribute.name == name:
            yield _setting(file, attribute.span.start, attribute.value.of(data), path, automatic=automatic)


def _setting(file: SourceFile, start: int, text: bytes, path: str, *, automatic: bool) -> Setting:
    attribute = next(
        each
        for body in (file.body, *(block.body for block in file.body.blocks))
        for each in body.attributes
        if each.span.start == start
    )
    texts = tuple(
        file.data[node.start_byte : node.end_byte].decode("utf-8", "replace").strip('"')
        for node in descendants(attribute.expression)
        if node.type == "string_lit"
    )
    plain = re.fullmatch(rb'"[\w-]*"|null', text.strip()) is not None
    return Setting(path=path, line=file.line(start), texts=texts, plain=plain, automatic=automatic)
