"""Compare workers of a Dask cluster with one another, and a run with a cache with the one before.

Ratios in one run:
- states on a local disk, read by two workers of `--dask local`: at least 1.6 times as fast as by
  one, from the first batch to the last, on two quiet cores;
- the same check with a full cache: at least 20 times as fast as without an entry;
- the same in a loopback S3 with 20 ms latency.

`python benchmarks/fleet_spread.py [STATES] [SIZE] [OBJECTS]`; 4,000 states of 1 MB are 4 GB.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from fleet import EACH, bodies, run, text_of, write_tree
from slow_s3 import SlowS3

LATENCY = 0.02


def read_by(top: Path, workers: int) -> float:
    """Return the seconds in which running workers read all states; their start is left out."""
    from checker.cli.aws import Aws
    from checker.cli.fleet.progress import fleet_progress
    from checker.cli.fleet.spread import Spread, spread_engine
    from checker.fleet.collect import collect
    from checker.fleet.listing import FleetListing
    from checker.fleet.selection import NameSelection
    from checker.fleet.sources import LocalSource

    aws = Aws(profile=None, role_arn=None, region=None, timeout=20.0)
    spread = Spread(address=None, count=workers)
    with spread_engine(spread, aws, (), tags=(), timeout=20.0) as engine:
        while engine.capacity() < 4 * workers:
            time.sleep(0.1)
        times = []
        # The first round imports tfcert in the workers.
        for _ in range(4):
            listing = FleetListing(NameSelection())
            start = time.perf_counter()
            with fleet_progress(verbose=False) as watch:
                found = collect(
                    listing.local(LocalSource(str(top))), listing, remote=None, tags=(),
                    environment={}, watch=watch, engine=engine,
                )  # fmt: skip
            times.append(time.perf_counter() - start)
            assert not found.unread, found.unread[:3]
    return sorted(times[1:])[1]


def twice(*source: str, folder: Path, environment: dict[str, str] | None = None) -> None:
    """Measure a check that fills a cache, and the median of three that use it."""
    cache = folder / f"cache-{time.monotonic_ns()}"
    first, _, report = run(*source, "--cache", str(cache), environment=environment)
    again = [run(*source, "--cache", str(cache), environment=environment) for _ in range(3)]
    assert all(each[2] == report for each in again)
    seconds = sorted(each[0] for each in again)[1]
    print(f"  first {first:.2f} s, with the cache {seconds:.2f} s: {first / seconds:.1f} times "
          f"(at least 20)")  # fmt: skip


def main() -> None:
    states = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    objects = int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
    print(f"load {os.getloadavg()[0]:.1f}")
    top = Path(tempfile.mkdtemp(prefix="tfcert-spread-"))
    try:
        if states:
            write_tree(top / "all", states, size)
            # A file that was just written is not kept.
            time.sleep(2.5)
            one, two = read_by(top / "all", 1), read_by(top / "all", 2)
            print(f"{states:,} states of {size:,} bytes, workers: one {one:.2f} s, two {two:.2f} s:"
                  f" {one / two:.2f} times (at least 1.6)")  # fmt: skip
            print(f"{states:,} states on a disk:")
            twice("--states", str(top / "all"), folder=top)
        if objects:
            plain = bodies(20_000)
            found = {f"p/{each}.tfstate": text_of(each, plain) for each in range(objects)}
            with SlowS3(found, LATENCY) as server:
                environment = {
                    **os.environ, "AWS_ENDPOINT_URL": server.address, "AWS_ACCESS_KEY_ID": "x",
                    "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1",
                }  # fmt: skip
                print(f"{objects:,} objects, {-(-objects // EACH):,} of them with certificates:")
                twice("--states", "s3://fleet/p/", folder=top, environment=environment)
        print(f"load {os.getloadavg()[0]:.1f}")
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
