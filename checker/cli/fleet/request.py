"""The options of `--states`, parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.cli.load import read_stdin
from checker.errors import UsageError
from checker.files import open_file
from checker.fleet.selection import NameSelection
from checker.fleet.sources import BucketSource, FleetSource, parse_source, read_list
from checker.fleet.stores import require_library
from checker.model.outcome import GroupBy

if TYPE_CHECKING:
    from checker.cli.fleet.spread import Spread


class FleetRequest(Struct, frozen=True, kw_only=True):
    """The sources and the selection of --states, and who reads them: None is this process.

    `cache` is where earlier runs have kept what they read.
    """

    sources: tuple[FleetSource, ...]
    selection: NameSelection
    spread: Spread | None = None
    cache: FleetSource | None = None
    group_by: tuple[GroupBy, ...] = ()


def parse_request(
    sources: Sequence[str],
    *,
    sources_from: str | None,
    null: bool,
    include: Sequence[str],
    exclude: Sequence[str],
    dask: str | None = None,
    worker_credentials: str | None = None,
    cache: str | None = None,
    group_by: Sequence[str] = (),
) -> FleetRequest:
    """Parse the sources of --states, and read the list of --sources-from.

    Raises UsageError for a source that cannot be meant, and if a source needs a package that is
    not installed.
    """
    if worker_credentials is not None and dask is None:
        raise UsageError(
            "is only for the workers of a cluster",
            where="--worker-credentials",
            remedy="give --dask too",
        )
    if null and sources_from is None:
        raise UsageError(
            "no option names a list of sources", where="-0", remedy="give --sources-from FILE, or -"
        )
    listed: tuple[str, ...] = ()
    if sources_from is not None:
        data = read_stdin() if sources_from == "-" else open_file(sources_from)
        listed = read_list(data, where=f"--sources-from {sources_from}", zero=null)
    given = (*sources, *listed)
    found = tuple(dict.fromkeys(map(parse_source, given or (".",))))
    place = None
    if cache is not None:
        from checker.cli.fleet.kept import parse_cache

        place = parse_cache(cache, found)
    require_library([each for each in (*found, place) if isinstance(each, BucketSource)])
    spread = None
    if dask is not None:
        from checker.cli.fleet.spread import parse_spread

        spread = parse_spread(dask, worker_credentials)
    return FleetRequest(
        sources=found,
        selection=NameSelection(include=tuple(include), exclude=tuple(exclude)),
        spread=spread,
        cache=place,
        group_by=tuple(dict.fromkeys(map(_group, group_by))),
    )


def _group(text: str) -> GroupBy:
    try:
        return GroupBy(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is nothing to group by",
            where="--group-by",
            remedy=f"write one of {', '.join(GroupBy)}",
        ) from error
