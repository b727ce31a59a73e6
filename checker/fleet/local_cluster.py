"""A Dask cluster on this machine: `python -m checker.fleet.local_cluster`, started by a run.

The scheduler is not in the process of the run, so that Ctrl-C reaches only the run, and it ends
with the run, however that ends: its standard input ends. Only who has the certificate of this one
run can connect.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING

from checker.errors import UsageError
from checker.fleet.dask_engine import bounded, quiet

if TYPE_CHECKING:
    from distributed import Security

_START = 60.0
_END = 5.0


class LocalDask:
    """A scheduler and workers on this machine, which end with this run."""

    def __init__(self, count: int, environment: Mapping[str, str]) -> None:
        from distributed import Security as Made

        self.security: Security = Made.temporary()
        # The arguments are fixed; the certificate goes over standard input.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "checker.fleet.local_cluster"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
        self.address = self._start(count)

    def _start(self, count: int) -> str:
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # noqa: S101,PT018
        certificate = self.security.get_tls_config_for_role("client")
        stdout = process.stdout
        try:
            order = {"count": count, "ca": certificate["ca_file"]}
            order |= {"certificate": certificate["cert"], "key": certificate["key"]}
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            line = bounded(stdout.readline, _START)
        except OSError:
            line = None
        except BaseException:
            self.close()
            raise
        if not line:
            self.close()
            raise UsageError(
                "the Dask cluster did not start",
                where=f"--dask local:{count}",
                remedy="leave --dask out: this machine is used without it, too",
            )
        return line.decode().strip()

    def close(self) -> None:
        """End the scheduler and the workers."""
        process = self._process
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue
        try:
            process.wait(_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> None:
    """Start what standard input orders, print the address, and end with standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = json.loads(sys.stdin.buffer.readline())
    folder = tempfile.mkdtemp(prefix="tfcert-dask-")
    # While the cluster starts, the run may end already.
    Thread(target=_end_with_input, args=(folder,), daemon=True).start()
    quiet()
    import dask
    from distributed import LocalCluster, Security

    security = Security(
        require_encryption=True,
        tls_ca_file=order["ca"],
        **{
            f"tls_{role}_{part}": order[name]
            for role in ("client", "scheduler", "worker")
            for part, name in (("cert", "certificate"), ("key", "key"))
        },
    )
    settings = {
        # Dask gives up a worker that is not back in 15 seconds, which a busy machine may need.
        "distributed.deploy.lost-worker-timeout": "24h",
        # Every user of this machine can open the pages of Dask's web servers: they have none.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "temporary-directory": folder,
    }
    with dask.config.set(settings):
        cluster = LocalCluster(
            n_workers=order["count"],
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            # Dask has no way to start no web server; on port 0 it takes a free one.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            security=security,
            # Dask would pause a worker that has much in memory, and nothing would free it.
            memory_limit=0,
            local_directory=folder,
            silence_logs=False,
        )
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        Event().wait()


def _end_with_input(folder: str) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    # Dask's workers end with this process: their pipe to it ends.
    os._exit(0)


if __name__ == "__main__":
    main()
