"""Stream the objects below the sources of a fleet, each once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from checker.errors import UnreadableError
from checker.fleet.read import Item
from checker.fleet.selection import TOOL_FOLDERS, NameKind, NameSelection, is_certain
from checker.fleet.sources import BucketSource, FleetSource, LocalSource
from checker.fleet.versions import file_version
from checker.model.inventory import Unread


class ListsObjects(Protocol):
    """A client that lists a bucket."""

    def list(self, prefix: str) -> Iterator[tuple[str, int, str]]:
        """Yield key, size and ETag of every object below a prefix; raises UnreadableError."""


class LeftOut(Struct):
    """How many objects were left out, and why.

    `repeated` are objects that two sources or two links lead to: each is read once.
    """

    backups: int = 0
    locks: int = 0
    excluded: int = 0
    others: int = 0
    repeated: int = 0
    folders: int = 0

    def count(self, kind: NameKind) -> None:
        """Count an object that its name leaves out."""
        match kind:
            case NameKind.BACKUP:
                self.backups += 1
            case NameKind.LOCK:
                self.locks += 1
            case NameKind.EXCLUDED:
                self.excluded += 1
            case NameKind.OTHER:
                self.others += 1
            case NameKind.STATE:
                pass


class FleetListing:
    """The states below some sources; what is left out is counted, and what fails is named."""

    def __init__(self, selection: NameSelection) -> None:
        self.left_out = LeftOut()
        self.unread: list[Unread] = []
        self._selection = selection
        self._files: set[int] = set()
        self._states = 0
        self._objects: set[str] = set()

    def local(self, source: LocalSource) -> Iterator[Item]:
        """Yield the states in a folder and below it, or a file itself, whatever its name."""
        top = source.path
        try:
            found = os.stat(top)  # noqa: PTH116 -- a path need not be UTF-8
        except (OSError, ValueError) as error:
            self._fail(top, f"cannot be read: {_why(error)}", "check the path")
            return
        if stat.S_ISDIR(found.st_mode):
            before, failed = self._states, len(self.unread)
            yield from self._below(top, _number(found))
            if self._states == before and len(self.unread) == failed:
                self._nothing(top)
            return
        if self._is_new(found):
            yield _file_item(top, found, top)

    def bucket(
        self, source: BucketSource, store: ListsObjects, number: int, *, alone: bool
    ) -> Iterator[Item]:
        """Yield the states below a prefix.

        `alone` says that no other source can lead to the same objects.
        """
        count = 0
        try:
            for key, size, tag in store.list(source.key):
                below = key.removeprefix(source.key)
                kind = self._selection.kind(below) if below else NameKind.OTHER
                if kind is not NameKind.STATE:
                    # The marker of a folder is an empty object.
                    if size or kind is not NameKind.OTHER:
                        self.left_out.count(kind)
                    continue
                count += 1
                url = source.url(key)
                if alone or self.is_new_object(url):
                    yield Item(url, key, size, is_certain(key), number, tag)
        except UnreadableError as error:
            so_far = f" (after {count} states)" if count else ""
            self._fail(str(source), f"{error.message}{so_far}", error.remedy or "list it again")
            return
        if not count:
            self._nothing(str(source))

    def is_new_object(self, url: str) -> bool:
        """Return whether an object was not listed before, and count it if it was."""
        if url in self._objects:
            self.left_out.repeated += 1
            return False
        self._objects.add(url)
        return True

    def _below(self, top: str, number: int) -> Iterator[Item]:
        entered = {number}
        waiting = [(top, "")]
        while waiting:
            folder, below = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self._fail(folder, f"cannot be listed: {_why(error)}", "check its permissions")
                continue
            folders: list[tuple[str, str]] = []
            for entry in found:
                path = f"{below}{entry.name}"
                if _is_folder(entry):
                    if self._enters(entry, path, entered):
                        folders.append((entry.path, f"{path}/"))
                    continue
                kind = self._selection.kind(path)
                if kind is not NameKind.STATE:
                    self.left_out.count(kind)
                    continue
                yield from self._file(entry)
            waiting.extend(reversed(folders))

    def _enters(self, entry: os.DirEntry[str], path: str, entered: set[int]) -> bool:
        if entry.name in TOOL_FOLDERS:
            self.left_out.folders += 1
            return False
        if self._selection.excludes_folder(path):
            self.left_out.excluded += 1
            return False
        try:
            # A link may lead to a folder above it.
            found = entry.stat()
        except OSError as error:
            self._fail(entry.path, f"cannot be read: {_why(error)}", "check its permissions")
            return False
        number = _number(found)
        if number in entered:
            self.left_out.repeated += 1
            return False
        entered.add(number)
        return True

    def _file(self, entry: os.DirEntry[str]) -> Iterator[Item]:
        self._states += 1
        try:
            found = entry.stat()
        except OSError as error:
            self._fail(entry.path, f"cannot be read: {_why(error)}", "check the file or the link")
            return
        if self._is_new(found):
            yield _file_item(entry.path, found, entry.name)

    def _is_new(self, found: os.stat_result) -> bool:
        """Return whether a file was not listed before, by another name or another source."""
        number = _number(found)
        if number in self._files:
            self.left_out.repeated += 1
            return False
        self._files.add(number)
        return True

    def _nothing(self, source: str) -> None:
        self._fail(
            source,
            "no state or plan is below it",
            "check the address; --include names other files, such as keys without a suffix",
        )

    def _fail(self, path: str, reason: str, remedy: str) -> None:
        self.unread.append(Unread(path=path, reason=reason, remedy=remedy))


def alone(source: BucketSource, sources: tuple[FleetSource, ...]) -> bool:
    """Return whether no other source is above or below this one."""
    return not any(
        other is not source
        and isinstance(other, BucketSource)
        and other.store == source.store
        and (other.key.startswith(source.key) or source.key.startswith(other.key))
        for other in sources
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _file_item(path: str, found: os.stat_result, name: str) -> Item:
    return Item(path, path, found.st_size, is_certain(name), version=file_version(found))


def _number(found: os.stat_result) -> int:
    """Return one number for device and inode.

    A set of numbers takes a third of the memory of a set of paths.
    """
    return found.st_dev << 64 | found.st_ino


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is not a path"
