"""The configuration as the base branch has it, beside a checkout that may differ from it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from checker.cli.proposals.base_folders import BaseFolders
from checker.errors import TfcertError, UsageError
from checker.forges.proposals.forge import BaseTree, TreeFile
from checker.forges.proposals.marker import blob_id
from checker.hcl.regular_files import read_regular
from checker.model.configuration_files import SUFFIXES

# Everything that tfcert reads of a configuration.
_READ = (
    *(*SUFFIXES, ".tfvars", ".tfvars.json", ".hcl"),
    *(".tftest.json", ".tofutest.json", ".tfquery.json"),
)
_LINK, _FILES = "120000", frozenset({"100644", "100755"})


@contextmanager
def base_folders(top: Path, base: BaseTree, blob: Callable[[str], bytes]) -> Iterator[BaseFolders]:
    """Put the base branch's configuration into a temporary folder for this block.

    `top` is the root of the checkout. A file that is the same there is copied; any other one is
    read with `blob`. Raises UsageError if the folder cannot be written.
    """
    # Imported here: most runs need no folder.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tfcert-propose-") as made:
        folder = Path(made).resolve()
        try:
            # The folder counts as a repository: tfcert searches all of it for other users of a
            # module.
            (folder / ".git").mkdir()
            for path, file in base.files.items():
                _put(folder, top, path, file, blob)
        except OSError as error:
            raise UsageError(
                f"cannot be written: {error.strerror}", where=str(folder), remedy="free some space"
            ) from error
        yield BaseFolders(top=top, folder=folder)


def _put(folder: Path, top: Path, path: str, file: TreeFile, blob: Callable[[str], bytes]) -> None:
    if not path.endswith(_READ) and file.mode != _LINK:
        return
    parts = path.split("/")
    if any(part in {"", ".", "..", ".git"} for part in parts) or "\0" in path:
        raise TfcertError(
            f"the base branch has a file of the name {path!r}", remedy="rename it there"
        )
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.mode == _LINK:
        _link(folder, target, blob(file.blob))
    elif file.mode in _FILES:
        target.write_bytes(_same(top / path, file) or blob(file.blob))


def _same(local: Path, file: TreeFile) -> bytes | None:
    """Return the content of a local file if it is the one of the base."""
    try:
        data = read_regular(local)
    except OSError:
        return None
    return data if blob_id(data, like=file.blob) == file.blob else None


def _link(folder: Path, target: Path, content: bytes) -> None:
    """Make a link, unless it leads out of the repository."""
    aim = os.fsdecode(content)
    there = posixpath.normpath(posixpath.join(target.parent.as_posix(), aim))
    if Path(there).is_relative_to(folder):
        target.symlink_to(aim)


def changed_modes(base: BaseTree, paths: Collection[str]) -> Mapping[str, str]:
    """Return the mode of each path of a commit to make; a new file is a plain one.

    Raises TfcertError for a link: its target is the file to edit.
    """
    found: dict[str, str] = {}
    for path in paths:
        mode = base.files[path].mode if path in base.files else "100644"
        if mode not in _FILES:
            raise TfcertError(
                f"{path} is no plain file in the base branch",
                where=base.branch,
                remedy="rotate it with `tfcert patch`",
            )
        found[path] = mode
    return found
