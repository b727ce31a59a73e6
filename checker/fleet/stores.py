"""Buckets of S3, Google and Azure by one library, obstore; without it, single objects of S3."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from checker.errors import UnreadableError, UsageError
from checker.fleet.listing import ListsObjects
from checker.fleet.read import BatchRead, Item, read_batch
from checker.fleet.sources import BucketSource, Scheme
from checker.fleet.store_errors import RETRY_SECONDS, explain, unanswered
from checker.terraform.decode import Buffer

if TYPE_CHECKING:
    from obstore.store import GCSConfig, S3Credential

THREADS = 32
LARGEST = 2 * 1024**3
# A server that is overloaded, such as S3 with 503 SlowDown, is asked again for this long.
# Source: Amazon S3, "Best practices design patterns": back off and retry.
_RETRIES = 12
_SECONDS_OF_OBJECT = 600
# After so many failures of the network in a row, the rest is not asked for.
_GIVE_UP = 2 * THREADS
_ABSENT = (
    "states below a prefix, and states in Google Cloud Storage and Azure, need the package obstore"
)


class S3Place(Struct, frozen=True, kw_only=True):
    """Where a bucket of S3 is: its region, the endpoint, and a file of CAs, if any."""

    region: str
    endpoint: str
    authorities: str | None = None


class S3Keys(Struct, frozen=True, kw_only=True):
    """Credentials of S3, and how long another library may keep them."""

    key: str
    secret: str
    token: str | None
    until: datetime


class S3Access(Protocol):
    """The part of boto3 that is needed: credentials, regions and endpoints.

    All raise UnreadableError.
    """

    def place(self, bucket: str) -> S3Place:
        """Return where a bucket is."""

    def keys(self, region: str) -> S3Keys:
        """Return credentials that are valid now."""

    def fetch(self, url: str) -> bytes:
        """Return the bytes of one object, without obstore."""


def require_library(sources: Collection[BucketSource]) -> None:
    """Raise UsageError if a source needs obstore and it is not installed.

    A single object of S3 is read by boto3 then.
    """
    needing = next((each for each in sources if each.is_prefix or each.scheme != "s3"), None)
    if needing is not None and not is_installed():
        raise UsageError(_ABSENT, where=str(needing), remedy="pip install 'tfcert[fleet]'")


def is_installed() -> bool:
    """Return whether obstore can be imported."""
    from importlib.util import find_spec

    return find_spec("obstore") is not None


class Stores:
    """The buckets of a run, each opened at its first use; threads share them.

    `s3` has boto3's credentials: profiles, SSO, roles and their renewal.
    """

    threads = THREADS

    def __init__(
        self,
        sources: Sequence[BucketSource],
        s3: S3Access,
        *,
        tags: Collection[str],
        timeout: float,
    ) -> None:
        self._places = tuple(dict.fromkeys(source.store for source in sources))
        self._stores = [_Store(place, s3, timeout) for place in self._places]
        self._tags = tags

    def number(self, source: BucketSource) -> int:
        """Return the number of a source's bucket, for `Item.store`."""
        return self._places.index(source.store)

    def lists(self, source: BucketSource) -> ListsObjects:
        """Return what lists a source's bucket."""
        return self._stores[self.number(source)]

    def read(self, batch: Sequence[Item]) -> BatchRead:
        """Read a batch of objects."""
        return read_batch(batch, self._fetch, self._tags, self._version)

    def get_small(self, source: BucketSource, key: str) -> bytes | None:
        """Return an object that is not a state; None if there is none. Raises UnreadableError."""
        return self._stores[self.number(source)].get_small(key)

    def put_small(self, source: BucketSource, key: str, data: bytes) -> None:
        """Write an object that is not a state; raises UnreadableError."""
        self._stores[self.number(source)].put_small(key, data)

    def _version(self, item: Item) -> str:
        return self._stores[item.store].versions.pop(item.path, "")

    def _fetch(self, item: Item) -> Buffer:
        return self._stores[item.store].get(item)


class _Store:
    """One bucket."""

    def __init__(self, place: tuple[Scheme, str], s3: S3Access, timeout: float) -> None:
        self._scheme, self._bucket = place
        self._s3 = s3
        self._timeout = timeout
        self._lock = Lock()
        self._opened: Any = None
        self._failed: UnreadableError | None = None
        self._credentials: _Credentials | None = None
        self._failures = 0
        # The ETags of the objects that were read last.
        self.versions: dict[str, str] = {}

    def list(self, prefix: str) -> Iterator[tuple[str, int, str]]:
        """Yield key, size and ETag of every object below a prefix; raises UnreadableError."""
        store = self._open()
        try:
            # If a page of the listing fails, the chunk before it is lost: a small one loses little.
            for chunk in store.list(prefix or None, chunk_size=10):
                for found in chunk:
                    yield found["path"], found["size"], _tag(found["e_tag"])
        except _errors() as error:
            raise self._refused(error, listing=True) from error

    def get(self, item: Item) -> Buffer:
        """Return the bytes of an object; raises UnreadableError."""
        if item.size > LARGEST:
            raise UnreadableError(f"the object is larger than {LARGEST} bytes", where=item.path)
        if self._scheme == "s3" and not is_installed():
            return self._s3.fetch(item.path)
        if self._failures >= _GIVE_UP:
            raise UnreadableError(
                f"the server of {self._scheme}://{self._bucket} stopped answering",
                where=item.path,
                remedy="run it again when it answers",
            )
        store = self._open()
        try:
            answer = store.get(item.key)
            data = memoryview(answer.bytes())
            self.versions[item.path] = _tag(answer.meta["e_tag"])
        except _errors() as error:
            raise self._refused(error, listing=False) from error
        self._failures = 0
        return data

    def get_small(self, key: str) -> bytes | None:
        """Return an object; None if there is none."""
        try:
            return bytes(self._open().get(key).bytes())
        except FileNotFoundError:
            return None
        except _errors() as error:
            raise self._refused(error, listing=False) from error

    def put_small(self, key: str, data: bytes) -> None:
        """Write an object."""
        try:
            self._open().put(key, data)
        except _errors() as error:
            raise self._refused(error, listing=False) from error

    def _open(self) -> Any:
        with self._lock:
            if self._failed is not None:
                raise self._failed
            if self._opened is None:
                try:
                    self._opened = self._make()
                except UnreadableError as error:
                    self._failed = error
                    raise
                except _errors() as error:
                    self._failed = self._refused(error, listing=True)
                    raise self._failed from error
            return self._opened

    def _make(self) -> Any:
        from obstore.store import AzureStore, GCSStore, S3Store

        options: dict[str, Any] = {
            "connect_timeout": timedelta(seconds=min(5.0, self._timeout)),
            "read_timeout": timedelta(seconds=self._timeout),
            "timeout": timedelta(seconds=_SECONDS_OF_OBJECT),
            "user_agent": "tfcert",
        }
        common: dict[str, Any] = {
            "client_options": options,
            "retry_config": {
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            },
        }
        match self._scheme:
            case "s3":
                place = self._s3.place(self._bucket)
                self._credentials = _Credentials(self._s3, place.region)
                options["allow_http"] = place.endpoint.startswith("http://")
                _trust(options, place.authorities)
                return S3Store(
                    self._bucket,
                    config={
                        "region": place.region,
                        "endpoint": place.endpoint,
                        "virtual_hosted_style_request": False,
                    },
                    credential_provider=self._credentials,
                    **common,
                )
            case "gs":
                # Source: Google's client libraries, STORAGE_EMULATOR_HOST.
                emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
                config: GCSConfig = {}
                if emulator:
                    config = {
                        "base_url": emulator if "://" in emulator else f"http://{emulator}",
                        "skip_signature": True,
                    }
                options["allow_http"] = config.get("base_url", "").startswith("http://")
                return GCSStore(self._bucket, config=config, **common)
            case "az":
                options["allow_http"] = os.environ.get("AZURE_STORAGE_ENDPOINT", "").startswith(
                    "http://"
                ) or bool(os.environ.get("AZURE_STORAGE_USE_EMULATOR"))
                return AzureStore(self._bucket, **common)

    def _refused(self, error: BaseException, *, listing: bool) -> UnreadableError:
        """Return the reason in plain words; the library's own text may hold a signed address."""
        if self._credentials is not None and self._credentials.failed is not None:
            return self._credentials.failed
        found = explain(error, self._scheme, listing=listing)
        if found is not None:
            return found
        self._failures += 1
        return unanswered(str(error))


class _Credentials:
    """Give obstore the credentials of boto3, which renews them; keep the reason if it cannot."""

    def __init__(self, s3: S3Access, region: str) -> None:
        self._s3 = s3
        self._region = region
        self.failed: UnreadableError | None = None

    def __call__(self) -> S3Credential:
        try:
            keys = self._s3.keys(self._region)
        except UnreadableError as error:
            self.failed = error
            raise
        self.failed = None
        return {
            "access_key_id": keys.key,
            "secret_access_key": keys.secret,
            "token": keys.token,
            "expires_at": keys.until,
        }


def _tag(text: str | None) -> str:
    """Return an ETag without its quotes, which Azure's listings leave out."""
    return (text or "").strip('"')


def _errors() -> tuple[type[Exception], ...]:
    from obstore.exceptions import BaseError

    return (BaseError, FileNotFoundError, ValueError, OSError)


def _trust(options: dict[str, Any], authorities: str | None) -> None:
    if authorities is not None:
        from checker.files import open_file

        options["root_certificate"] = bytes(open_file(authorities))
