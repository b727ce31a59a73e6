"""Find hashes of the configuration's own files.

An edit of such a file triggers what depends on the hash. Public configurations redeploy an API by
`filesha1("api_gateway.tf")`. An edit of that file, even of a comment, replaces the deployment and
publishes every change that was not deployed yet.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checker.hcl.configuration import Configuration
from checker.hcl.syntax import SourceFile

_HASHES = re.compile(
    rb"\b(?:template)?file(?:set|md5|sha1|sha256|sha512|base64|base64sha256|base64sha512)?\s*\(([^()]*(?:\([^()]*\))?[^()]*)\)"
)
# `fileset(path.module, "**")`: every file in the module's own folder.
_HERE = rb"path\.(?:module|root|cwd)|\"(?:\.|\./|\$\{path\.(?:module|root|cwd)\}/?)\""
_EVERYTHING = re.compile(rb"^\s*(?:" + _HERE + rb")\s*,\s*\"(?:\./)?(?:\*\*/)?\*{1,2}(?:\.\*)?\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHash:
    """A place that hashes a file, by its path and line.

    `hashed` is the hashed file; None for every .tf file of a folder.
    """

    path: str
    line: int
    hashed: str | None


def file_hashes(configuration: Configuration, edited: Iterable[str]) -> Iterator[FileHash]:
    """Yield every place that hashes one of the edited files, by its name or with all others."""
    names = {posixpath.basename(path): path for path in edited}
    if "file hashes" not in configuration.memo:
        # Kept, since the search repeats for every certificate of a configuration.
        configuration.memo["file hashes"] = tuple(_calls(configuration))
    for file, start, argument in configuration.memo["file hashes"]:
        line = file.line(start)
        for name, path in names.items():
            if _names(argument, name):
                yield FileHash(path=file.path, line=line, hashed=path)
        if b"*.tf" in argument or b"{tf" in argument or _EVERYTHING.search(argument):
            yield FileHash(path=file.path, line=line, hashed=None)


def _calls(configuration: Configuration) -> Iterator[tuple[SourceFile, int, bytes]]:
    """Yield the file, offset and arguments of every call that hashes or reads a file."""
    for file in configuration.files.values():
        if b"file" in file.data:
            for found in _HASHES.finditer(file.data):
                yield file, found.start(), found.group(1)


def _names(argument: bytes, file: str) -> bool:
    """Return whether a path in an argument ends in this file's name.

    `domain.tfvars` does not name main.tf.
    """
    return (
        re.search(rb"(?<![\w.-])" + re.escape(file.encode()) + rb"(?![\w.-])", argument) is not None
    )
