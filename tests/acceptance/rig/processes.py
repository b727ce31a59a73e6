"""Run child processes with a time limit, after which the whole process group is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# A terraform command takes about six seconds on a quiet machine, and much longer on a busy one.
PATIENCE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The exit code and output of a process."""

    arguments: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    def __str__(self) -> str:
        printed = "\n".join(
            stream.decode("utf-8", "replace")[-6000:]
            for stream in (self.stdout, self.stderr)
            if stream
        )
        return f"{' '.join(self.arguments)} ended with {self.code}:\n{printed}"


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    seconds: float = PATIENCE,
) -> Ended:
    """Run a program to its end; raise TimeoutError, after killing its group, if it takes
    too long.
    """
    with subprocess.Popen(
        list(arguments),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=seconds)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(
                    f"{' '.join(arguments)} did not end within {seconds:.0f} seconds"
                ) from error
            raise
    return Ended(arguments=tuple(arguments), code=process.returncode, stdout=stdout, stderr=stderr)
