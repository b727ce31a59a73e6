"""The journal of `patch --write`: with it, a later run can undo a write that was killed.

The journal is in the root module's folder while files are being replaced. It names each file, with
the SHA-256 of its text before and after. The old files are kept beside the new ones until every
file is replaced. A half-written set is undone; a complete set is kept.

A journal can also be planted, for example by a pull request. It is only followed under these
conditions: it is this user's own file, private, and on this file system; git does not track it;
every file that it names is inside the repository and has one of the two texts.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec import Struct

from checker.cli.atomic_write import synchronise
from checker.errors import UsageError
from checker.git import SAFE, find_repository
from checker.model.configuration_files import JOURNAL
from checker.programs import find_program

_VERSION = 1
_LARGEST = 16 * 1024**2
_LARGEST_FILE = 256 * 1024**2
_TOKEN = re.compile(r"[0-9a-f]{16}")
_HASH = re.compile(r"[0-9a-f]{64}")
_GIT_SECONDS = 30.0


class BusyJournalError(UsageError):
    """Another run is writing in this folder now."""


class Entry(Struct, frozen=True, kw_only=True):
    """One file of a write, with the hashes of its old and new text; no old one if it is new."""

    target: Path
    before: str | None
    after: str
    new: Path
    old: Path

    def state(self) -> str | None:
        """Return the hash of the file's text now; None without a file; raises OSError."""
        return _hash_of(self.target)


class Journal:
    """A journal that this process has locked: no other run follows it or writes in this folder."""

    def __init__(self, path: Path, handle: int, entries: tuple[Entry, ...]) -> None:
        self._path = path
        self._handle = handle
        self.entries = entries

    def undo(self) -> tuple[Path, ...]:
        """Restore every file's old text, and return the restored files; raises OSError."""
        touched: list[Path] = []
        for entry in self.entries:
            if entry.before == entry.after or entry.state() != entry.after:
                continue
            if entry.before is None:
                entry.target.unlink()
            else:
                entry.old.replace(entry.target)
            touched.append(entry.target)
        self._synchronise()
        return tuple(touched)

    def close(self) -> None:
        """Remove the temporary and old files, then the journal."""
        for entry in self.entries:
            entry.new.unlink(missing_ok=True)
            entry.old.unlink(missing_ok=True)
        self._synchronise()
        self._path.unlink(missing_ok=True)
        synchronise(self._path.parent)
        os.close(self._handle)

    def abandon(self) -> None:
        """Leave the journal for a later run."""
        os.close(self._handle)

    def _synchronise(self) -> None:
        for folder in {entry.target.parent for entry in self.entries}:
            synchronise(folder)


def begin(folder: Path, texts: Sequence[tuple[str, bytes | None, bytes]]) -> Journal:
    """Write a journal of files, given by path, text before and text after.

    The caller must have settled an earlier journal. Raises OSError if it cannot be written, and
    BusyJournalError if another run writes here.
    """
    token = os.urandom(8).hex()
    named = [
        (path, None if before is None else _digest(before), _digest(after))
        for path, before, after in texts
    ]
    path = folder / JOURNAL
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise _busy(path) from error
    if not _locked(handle) or not _is_at(handle, path):
        os.close(handle)
        raise _busy(path)
    try:
        document = {
            "tfcert": _VERSION,
            "inode": os.fstat(handle).st_ino,
            "token": token,
            "files": named,
        }
        text = json.dumps(document).encode() + b"\n"
        while text:
            text = text[os.write(handle, text) :]
        os.fsync(handle)
        synchronise(folder)
    except BaseException:
        path.unlink(missing_ok=True)
        os.close(handle)
        raise
    return Journal(path, handle, _entries(folder, token, named))


def settle(folder: Path, *, within: Path) -> str | None:
    """Undo or complete the write that an earlier run left in a folder.

    Return what was done; None if there was no such write. Raises UsageError for a journal that is
    refused, and BusyJournalError while its run goes on. No file is changed then.
    """
    path = folder / JOURNAL
    if not os.path.lexists(path):
        return None
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, f"it cannot be opened: {error.strerror}") from error
    try:
        done = _settled(path, handle, folder, within)
    except BaseException as error:
        os.close(handle)
        if isinstance(error, OSError):
            raise _refused(path, f"{error.filename or 'a file'}: {error.strerror}") from error
        raise
    return done


def _settled(path: Path, handle: int, folder: Path, within: Path) -> str | None:
    _refuse_foreign(path, handle)
    if not _locked(handle):
        raise _busy(path)
    if not _is_at(handle, path):
        raise _busy(path)
    data = _content(handle)
    if not data.endswith(b"\n"):
        # That run was killed while it wrote the journal, before it replaced any file.
        path.unlink()
        os.close(handle)
        return None
    entries = _read(path, data, os.fstat(handle).st_ino, folder, within)
    journal = Journal(path, handle, entries)
    states = _states(path, entries)
    ahead = [entry for entry, now in zip(entries, states, strict=True) if now == entry.after]
    if len(ahead) == len(entries):
        done = f"all {len(entries)} files have their new text, which stays"
    else:
        for entry in ahead:
            if entry.before not in (None, entry.after) and _hash_of(entry.old) != entry.before:
                raise _refused(path, f"the old text of {entry.target} is not there")
        done = (
            f"every file is as it was before it ({len(journal.undo())} of {len(entries)} restored)"
        )
    journal.close()
    return f"an earlier `tfcert patch --write` was killed in {folder}: {done}"


def _refuse_foreign(path: Path, handle: int) -> None:
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise _refused(path, "it is not a plain file")
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise _refused(path, "another user owns it")
    if found.st_mode & 0o077:
        raise _refused(path, "other users may read it, so tfcert did not write it")
    if found.st_size > _LARGEST:
        raise _refused(path, "it is too large")
    tracked = _tracked(path)
    if tracked is None:
        raise _refused(path, "git does not tell whether it tracks it")
    if tracked:
        raise _refused(path, "git tracks it")


def _tracked(path: Path) -> bool | None:
    """Return whether git tracks a file; None if there is a repository and git does not answer."""
    if find_repository(path.parent) is None:
        return False
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    program = find_program("git", os.environ)
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 -- git itself, with a fixed name after --
            (program, *SAFE, "ls-files", "--error-unmatch", "--", JOURNAL),
            cwd=path.parent,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {0: True, 1: False}.get(done.returncode)


def _read(path: Path, data: bytes, inode: int, folder: Path, within: Path) -> tuple[Entry, ...]:
    try:
        document: Any = json.loads(data)
        version, own, token, named = (
            document[key] for key in ("tfcert", "inode", "token", "files")
        )
        named = [(str(name), before, str(after)) for name, before, after in named]
        sound = version == _VERSION and _TOKEN.fullmatch(token) and named
        sound = sound and all(
            _HASH.fullmatch(after)
            and (before is None or _HASH.fullmatch(before))
            and "\0" not in name
            for name, before, after in named
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused(path, "it is not one that tfcert wrote") from error
    if not sound:
        raise _refused(path, "it is not one that tfcert wrote")
    if own != inode:
        raise _refused(path, "it was copied here")
    entries = _entries(folder, token, named)
    for entry, (name, _, _) in zip(entries, named, strict=True):
        _refuse_stray(path, entry.target, name, within)
    if len({entry.target for entry in entries}) != len(entries):
        raise _refused(path, "it names a file twice")
    return entries


def _refuse_stray(path: Path, target: Path, name: str, within: Path) -> None:
    """Refuse a file that is outside `within`, or reached through a symbolic link."""
    if (
        PurePosixPath(name).is_absolute()
        or not target.is_relative_to(within.resolve())
        or ".git" in target.parts
    ):
        raise _refused(path, f"it names a file outside {within}")
    if target.parent.resolve() != target.parent or target.is_symlink():
        raise _refused(path, f"a symbolic link leads to {target}")


def _states(path: Path, entries: Sequence[Entry]) -> list[str | None]:
    states = [entry.state() for entry in entries]
    for entry, now in zip(entries, states, strict=True):
        if now not in (entry.before, entry.after):
            raise _refused(path, f"{entry.target} has neither the text before nor the text after")
    return states


def _entries(
    folder: Path, token: str, named: Sequence[tuple[str, str | None, str]]
) -> tuple[Entry, ...]:
    entries = []
    for number, (name, before, after) in enumerate(named):
        target = Path(os.path.normpath(folder / name))
        beside = [target.with_name(f".tfcert-{token}-{number}.{kind}") for kind in ("new", "old")]
        entries.append(
            Entry(target=target, before=before, after=after, new=beside[0], old=beside[1])
        )
    return tuple(entries)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _hash_of(path: Path) -> str | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_FILE:
            raise OSError(errno.EINVAL, "not a regular file, or too large", str(path))
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _content(handle: int) -> bytes:
    pieces = []
    while piece := os.read(handle, _LARGEST):
        pieces.append(piece)
    return b"".join(pieces)


def _locked(handle: int) -> bool:
    """Return whether this process has the file's lock; True if the file system has no locks."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _busy(path: Path) -> BusyJournalError:
    return BusyJournalError(
        "another tfcert is writing here",
        where=str(path.parent),
        remedy="nothing was changed; run it again when that one is done",
    )


def _refused(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"this journal of a killed write is not followed: {reason}",
        where=str(path),
        remedy="nothing was changed; "
        "compare the .tf files with version control, then remove the journal",
    )
