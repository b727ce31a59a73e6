"""Find certificates in the test and query files of a module (`test`, `query`).

For each reference, this module decides which phase moves it. A test that names a removed resource
fails, and a removed target of `plan_options` crashes Terraform 1.11. Source of the file kinds and
blocks: https://developer.hashicorp.com/terraform/language/tests and .../tests/mocking. A query
file names a resource as the configuration does; one that is gone makes `terraform query` fail (run
with Terraform 1.15.5).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checker.errors import UnprovenError
from checker.hcl.configuration import Configuration, ModulePath, literal_string
from checker.hcl.readings import by_hcl2
from checker.hcl.references import (
    Reference,
    ReferenceUse,
    Site,
    from_outside,
    moved_by_repoint,
    named,
    use_of,
)
from checker.hcl.syntax import Block, SourceFile, parses

_TARGETS = frozenset({"target", "replace", "expect_failures"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A line of a test or query file that names a certificate and that tfcert does not edit.

    The file is JSON, or a parser rejects its text.
    """

    path: str
    line: int


def test_references(
    configuration: Configuration, module: ModulePath, kind: str, name: str
) -> Iterator[Reference]:
    """Yield every reference to the resource `kind.name` in test and query files.

    These are the files of its module and of the modules that call it.
    """
    for file, base in _files(configuration, module, kind, name):
        if not _editable(file):
            continue
        for block in file.body.blocks:
            inner = _inner(configuration, file, block, base, module)
            if inner is None:
                continue
            found = (
                from_outside(file, base, inner, kind, name)
                if inner
                else _plain(file, base, kind, name)
            )
            yield from (reference for reference in found if reference.site.block.span == block.span)


def moved_in_tests_by_repoint(found: Iterable[Reference]) -> tuple[Reference, ...]:
    """Return the references of test files that repoint moves.

    These are ids with their guards, and overrides of more than a PEM.
    """
    known = tuple(found)
    moved = moved_by_repoint(known)
    return tuple(reference for reference in known if reference in moved or _overrides_id(reference))


def unedited_mentions(
    configuration: Configuration, module: ModulePath, kind: str, name: str
) -> Iterator[Mention]:
    """Yield the lines of test files that name the resource and that no phase edits."""
    pattern = re.compile(rb"(?<![\w-])" + re.escape(f"{kind}.{name}".encode()) + rb"(?![\w-])")
    for file, _ in _files(configuration, module, kind, name):
        if not _editable(file):
            lines = sorted({file.line(found.start()) for found in pattern.finditer(file.data)})
            yield from (Mention(path=file.path, line=line) for line in lines)


def _files(
    configuration: Configuration, module: ModulePath, kind: str, name: str
) -> Iterator[tuple[SourceFile, ModulePath]]:
    """Yield the test files that may name a resource, each with the module that it tests.

    A run can name another module.
    """
    for depth in range(len(module), -1, -1):
        for path in configuration.modules[module[:depth]].tests:
            file = configuration.files[path]
            if kind.encode() in file.data and name.encode() in file.data:
                yield file, module[:depth]


def _editable(file: SourceFile) -> bool:
    """Return whether both parsers read the file, so that an edit of it can be proven."""
    if file.path.endswith(".json") or not parses(file):
        return False
    try:
        by_hcl2(file)
    except UnprovenError:
        return False
    return True


def _inner(
    configuration: Configuration,
    file: SourceFile,
    block: Block,
    base: ModulePath,
    module: ModulePath,
) -> ModulePath | None:
    """Return the calls from a block's tested module to the certificate's module.

    The result is None if the block tests another module.
    """
    source = next(
        (literal_string(file.data, inner, "source") for inner in block.blocks("module")), ""
    )
    if source == "":
        return module[len(base) :]
    directory = configuration.modules[base].directory
    # The source of a run is relative to the folder where `terraform test` runs.
    tested = posixpath.normpath(posixpath.join(directory, source)) if source is not None else None
    for depth in range(len(module) + 1):
        if posixpath.normpath(configuration.modules[module[:depth]].directory) == tested:
            return module[depth:]
    return None


def _plain(file: SourceFile, base: ModulePath, kind: str, name: str) -> Iterator[Reference]:
    for site, traversal in named(file, base, kind, name):
        step = traversal.attribute(0)
        if step is not None:
            use = ReferenceUse.META if site.path[-1] in _TARGETS else use_of(site, traversal)
            yield Reference(site=site, name=step.span, use=use, traversal=traversal)


def _overrides_id(reference: Reference) -> bool:
    if (
        reference.site.path[-2:] != ("override_resource", "target")
        and reference.site.block.type != "override_resource"
    ):
        return False
    holder = _holder(reference.site)
    values = holder.attribute("values") if holder is not None else None
    text = values.value.of(reference.site.file.data) if values is not None else b""
    return b"pem_encoded_certificate" not in text or re.search(rb"\b(?:id|arn)\b", text) is not None


def _holder(site: Site) -> Block | None:
    """Return the block that directly contains an attribute."""
    stack = [site.block]
    while stack:
        block = stack.pop()
        if any(attribute.span == site.attribute.span for attribute in block.body.attributes):
            return block
        stack.extend(block.body.blocks)
    return None
