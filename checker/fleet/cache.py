"""What earlier runs kept of each state, so that a run reads only what has changed.

A cache is believed only where it is sure: entries of another tfcert, of other tags or another form,
and files that are damaged or that others can write, are left out, and their states are read again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock
from typing import Literal, Protocol
from zlib import crc32

from msgspec import MsgspecError, Raw, Struct, json
from msgspec.structs import asdict, replace

from checker.errors import UnreadableError
from checker.fleet.read import BatchRead, Item
from checker.fleet.task import own_version
from checker.model.address import Address, ModuleStep
from checker.model.inventory import Document, Source
from checker.model.places import Place
from checker.model.resource_types import RECORDED
from checker.model.resources import Certificate, Presents, PresentsNothing, Stage, StageKind
from checker.model.trust import TrustMaterial

SCHEMA = "tfcert.cache/v1"
# Files of a cache: few enough to read all of them, and small enough to write one again.
SHARDS = 16
# An entry that no run has used for so many days is dropped.
_DAYS = 30
# An entry's last use is written again after so many days, so that most runs write nothing.
_NOTED = 7
_SECONDS_OF_DAY = 86_400

EntryKind = Literal["nothing", "other", "state"]


class CachePlace(Protocol):
    """Where the files of a cache are: a folder or a prefix of a bucket.

    Both raise UnreadableError. `write` is atomic: a reader sees the old file or the new one.
    """

    def read(self, name: str) -> bytes | None:
        """Return a file; None if it is not there, or if others could have written it."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""


class _CachedCertificate(Struct, frozen=True, kw_only=True):
    """A certificate, with the fields of the model in their order."""

    address: Address | None
    id: str | None
    kind: Literal["gateway", "acm"]
    place: Place
    created_at: datetime | None
    expires_at: datetime | None
    fingerprint: str | None
    pem: str | None
    deposed: str | None
    managed: bool | None
    tainted: bool
    tags: tuple[tuple[str, str], ...] | None


class _CachedStage(Struct, frozen=True, kw_only=True):
    """A stage of a state: what it presents is an id or nothing."""

    address: Address | None
    kind: StageKind
    api_id: str | None
    name: str | None
    place: Place
    presents: str | None
    api_name: str | None
    managed: bool | None
    deposed: str | None
    tags: tuple[tuple[str, str], ...] | None


class _CachedState(Struct, frozen=True, kw_only=True):
    source: Source
    stages: tuple[_CachedStage, ...]
    certificates: tuple[_CachedCertificate, ...]
    material: tuple[TrustMaterial, ...]
    notices: tuple[str, ...]


_NO_STATE = Raw(b"null")


class CacheEntry(Struct, frozen=True, array_like=True):
    """What is kept of one state: its path or URL, its version, and what is in it.

    `seen` is the day of its last use.
    """

    path: str
    version: str
    size: int
    kind: EntryKind
    seen: int
    state: Raw = _NO_STATE


class FleetCache:
    """The cache of one run: loaded once, asked for each item, and saved at the end.

    `faults` are the reasons for which a file of it could not be read or written; none of them
    changes what the run finds. `known` counts the states that were not read again.
    """

    def __init__(
        self, place: CachePlace, tags: Collection[str], *, today: int | None = None
    ) -> None:
        self._place = place
        self._identity = _identity(tags)
        self._today = int(time.time()) // _SECONDS_OF_DAY if today is None else today
        self._found: dict[str, CacheEntry] = {}
        # The listing's thread and the main thread both add to it.
        self._new: dict[int, dict[str, CacheEntry]] = {}
        self._lock = Lock()
        self.faults: list[str] = []
        self.known = 0

    def load(self) -> None:
        """Read all files of the cache, at the same time."""
        with ThreadPoolExecutor(SHARDS) as pool:
            for entries in pool.map(self._load, range(SHARDS)):
                self._found.update((entry.path, entry) for entry in entries)

    def find(self, item: Item, result: BatchRead) -> bool:
        """Add what is known of an item to a result; False if it has to be read."""
        path = _path_of(item)
        entry = self._found.get(path)
        if (
            entry is None
            or not item.version
            or (entry.version, entry.size) != (item.version, item.size)
        ):
            return False
        match entry.kind:
            case "state":
                document = _document(entry)
                if document is None or document.source.path != item.path:
                    return False
                result.documents.append(document)
                result.read += 1
            case "nothing":
                result.read += 1
            case "other":
                result.others.append(item.path)
        self.known += 1
        if entry.seen < self._today - _NOTED:
            self._add(replace(entry, seen=self._today))
        return True

    def keep(self, items: Iterable[Item], result: BatchRead) -> None:
        """Keep what was read of some items: not of a plan, nor of what changed meanwhile."""
        documents = {each.source.path: each for each in result.documents}
        others = frozenset(result.others)
        left_out = {each.path for each in result.unread} | set(result.changed)
        for item in items:
            if not item.version or item.path in left_out:
                continue
            document = documents.get(item.path)
            kind: EntryKind = "other" if item.path in others else "nothing"
            state = _NO_STATE
            if document is not None:
                found = _encoded(document)
                if found is None:
                    continue
                kind, state = "state", found
            path = _path_of(item)
            self._add(CacheEntry(path, item.version, item.size, kind, self._today, state))

    def save(self) -> None:
        """Write the files that have something new, with what other runs wrote meanwhile."""
        with self._lock:
            new, self._new = self._new, {}
        with ThreadPoolExecutor(SHARDS) as pool:
            list(pool.map(self._save, new, new.values()))

    def _add(self, entry: CacheEntry) -> None:
        with self._lock:
            self._new.setdefault(_shard(entry.path), {})[entry.path] = entry

    def _load(self, shard: int) -> Sequence[CacheEntry]:
        try:
            data = self._place.read(self._name(shard))
        except UnreadableError as error:
            self.faults.append(str(error))
            return ()
        if data is None:
            return ()
        head, _, body = data.partition(b"\n")
        try:
            if json.decode(head, type=_Head) != self._head(body):
                return ()
            return _ENTRIES.decode(body)
        except (MsgspecError, UnicodeError, RecursionError):
            return ()

    def _save(self, shard: int, new: dict[str, CacheEntry]) -> None:
        entries = {
            entry.path: entry for entry in self._load(shard) if entry.seen >= self._today - _DAYS
        } | new
        try:
            body = json.encode([entries[path] for path in sorted(entries)])
        except UnicodeError:
            # A path that is not UTF-8 has no form in JSON.
            body = json.encode([entries[path] for path in sorted(filter(_is_text, entries))])
        head = json.encode(self._head(body))
        try:
            self._place.write(self._name(shard), head + b"\n" + body)
        except UnreadableError as error:
            self.faults.append(str(error))

    def _name(self, shard: int) -> str:
        return f"{self._identity[:16]}-{shard:x}.tfcert-cache"

    def _head(self, body: bytes) -> _Head:
        digest = hashlib.sha256(body).hexdigest()
        return _Head(schema=SCHEMA, identity=self._identity, sha256=digest)


class _Head(Struct, frozen=True, kw_only=True):
    """The first line of a file: what it is, and the hash of the rest."""

    schema: str
    identity: str
    sha256: str


_ENTRIES = json.Decoder(list[CacheEntry])
_STATE = json.Decoder(_CachedState)
# Every field of these is in an entry; another one would be lost in silence.
_KEPT = (Certificate, Stage, TrustMaterial, Source, Place, Address, ModuleStep)


def _identity(tags: Collection[str]) -> str:
    """Return what the entries of a cache depend on, apart from the states."""
    fields = [[each.__name__, *each.__struct_fields__] for each in _KEPT]
    parts = [SCHEMA, own_version(), sorted(tags), sorted(RECORDED), fields]
    return hashlib.sha256(json.encode(parts)).hexdigest()


def _path_of(item: Item) -> str:
    """Return the name of an item in the cache: its URL, or its absolute path."""
    return os.path.abspath(item.key) if item.is_file else item.path  # noqa: PTH100 -- not UTF-8


def _shard(path: str) -> int:
    return crc32(path.encode("utf-8", "surrogateescape")) % SHARDS


def _is_text(path: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in path)


def _encoded(document: Document) -> Raw | None:
    """Return the form of a state in the cache; None if it would not be all of it."""
    try:
        state = _CachedState(
            source=document.source,
            stages=tuple(map(_cached_stage, document.stages)),
            certificates=tuple(
                _CachedCertificate(**asdict(each)) for each in document.certificates
            ),
            material=document.material,
            notices=document.notices,
        )
        data = json.encode(state)
        again = _restored(_STATE.decode(data))
    except (TypeError, ValueError, MsgspecError, RecursionError):
        return None
    return Raw(data) if again == document else None


def _document(entry: CacheEntry) -> Document | None:
    """Return the state of an entry; None if it cannot be read."""
    try:
        return _restored(_STATE.decode(entry.state))
    except (MsgspecError, RecursionError):
        return None


def _cached_stage(stage: Stage) -> _CachedStage:
    match stage.presents:
        case Presents():
            presents: str | None = stage.presents.id
        case PresentsNothing():
            presents = None
        case _:
            raise TypeError("a planned stage")
    return _CachedStage(**{**asdict(stage), "presents": presents})


def _restored(state: _CachedState) -> Document:
    return Document(
        source=state.source,
        stages=tuple(map(_stage, state.stages)),
        certificates=tuple(Certificate(**asdict(each)) for each in state.certificates),
        material=state.material,
        notices=state.notices,
    )


def _stage(cached: _CachedStage) -> Stage:
    presents = PresentsNothing() if cached.presents is None else Presents(cached.presents)
    return Stage(**{**asdict(cached), "presents": presents})
