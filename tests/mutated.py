"""Run the command line in a fork of the test process while mutmut tests a mutant.

`forked.Parent` starts a process for each session, which costs more than most tests of a mutant.
Here each run is a fork of the test process itself. While mutmut records which tests execute which
function, the child sends back the functions that it executed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Timer

from forked import become, drain, feed

MUTANT = "MUTANT_UNDER_TEST"


class Forks:
    """A replacement of `forked.Parent` with the same interface."""

    def run(self, arguments, *, cwd, env, stdin=b"", timeout=120):
        """Run `tfcert` once and return what `subprocess.run` would return."""
        given, giver = os.pipe()
        printing, out = os.pipe()
        complaining, err = os.pipe()
        reporting, report = os.pipe()
        order = {
            "arguments": [os.fsencode(a).hex() for a in arguments],
            "cwd": os.fsencode(cwd).hex(),
            "env": {**env, MUTANT: os.environ[MUTANT]},
        }
        pid = os.fork()
        if pid == 0:
            for descriptor in (giver, printing, complaining, reporting):
                os.close(descriptor)
            become(order, [given, out, err], at_start=lambda: _prepare(report))
        for descriptor in (given, out, err, report):
            os.close(descriptor)
        late = Timer(timeout, os.kill, (pid, signal.SIGKILL))
        late.start()
        try:
            with ThreadPoolExecutor(4) as threads:
                threads.submit(feed, giver, stdin)
                printed, complained, executed = (
                    threads.submit(drain, one) for one in (printing, complaining, reporting)
                )
                _, status = os.waitpid(pid, 0)
                _record(executed.result())
                return subprocess.CompletedProcess(
                    arguments,
                    os.waitstatus_to_exitcode(status),
                    printed.result(),
                    complained.result(),
                )
        finally:
            late.cancel()

    def close(self):
        """Do nothing, because no process is left to end."""


def _prepare(report):
    """Open the standard streams again, because pytest's own streams lead to its files.

    The functions that the child executed are sent as it leaves: `main` leaves by `os._exit` too.
    """
    leave = os._exit

    def send_and_leave(code):
        os._exit = leave
        _send(report)
        leave(code)

    os._exit = send_and_leave
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", errors="backslashreplace", closefd=False)


def _send(report):
    from mutmut.state import state

    with os.fdopen(report, "w") as pipe:
        json.dump(sorted(state()._stats), pipe)  # noqa: SLF001 - mutmut has no other way


def _record(executed):
    from mutmut.state import state

    state()._stats.update(json.loads(executed or b"[]"))  # noqa: SLF001
