"""`--cache`: where it is, and what is said of it on stderr."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from checker.cli import output
from checker.errors import UsageError
from checker.fleet.cache import CachePlace, FleetCache
from checker.fleet.cache_places import CacheBucket, CacheFolder
from checker.fleet.sources import BucketSource, FleetSource, LocalSource, parse_source
from checker.fleet.stores import Stores


def parse_cache(text: str, sources: Sequence[FleetSource]) -> FleetSource:
    """Parse --cache; raises UsageError for a place that is one object, or below a source."""
    place = parse_source(text)
    if isinstance(place, BucketSource) and not place.is_prefix:
        raise UsageError(
            "is no prefix",
            where=f"--cache {text}",
            remedy="end it with /, as in s3://BUCKET/CACHE/",
        )
    if any(_is_below(place, source) for source in sources):
        raise UsageError(
            "is below a source of this run",
            where=f"--cache {text}",
            remedy="name a place that no source contains",
        )
    return place


def open_cache(place: FleetSource, stores: Stores | None, tags: Collection[str]) -> FleetCache:
    """Load a cache; raises UsageError for a folder that others can write."""
    made: CachePlace
    match place:
        case LocalSource():
            made = CacheFolder(place.path)
        case BucketSource():
            assert stores is not None  # noqa: S101 -- it has the bucket of the cache
            made = CacheBucket(place, stores)
    cache = FleetCache(made, tags)
    cache.load()
    return cache


def save_cache(cache: FleetCache, *, verbose: bool) -> None:
    """Save a cache; that it could not be read or written is a warning, for nothing else changes."""
    cache.save()
    for fault in dict.fromkeys(cache.faults):
        output.warn(f"the cache: {fault}")
    if verbose:
        output.warn(f"the cache: {cache.known:,} states were not read again")


def _is_below(place: FleetSource, source: FleetSource) -> bool:
    match place, source:
        case LocalSource(), LocalSource():
            inner, outer = (os.path.realpath(each.path) for each in (place, source))
            return inner == outer or inner.startswith(f"{outer.rstrip(os.sep)}{os.sep}")
        case BucketSource(), BucketSource():
            return (
                place.store == source.store
                and source.is_prefix
                and place.key.startswith(source.key)
            )
        case _:
            return False
