"""Asking the tool: one command, bounded in time and in what it may print, its stdout for the reader and never for a message."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from checker.domain.errors import UnreadableError
from checker.readers.tool import Tool

SECONDS = 600.0
_MOST_BYTES = 2 * 1024**3
_MOST_COMPLAINTS = 256 * 1024
_WINDOW = 1024**2
_QUIET = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_ARGS": "", "TF_LOG": "", "NO_COLOR": "1", "CHECKPOINT_DISABLE": "1"}
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]|[│╷╵]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tool printed, and the error that it gave, in one line; no error means that it succeeded."""

    printed: bytes
    complaint: str | None


def ask(tool: Tool, arguments: Sequence[str], directory: str, *, seconds: float = SECONDS) -> Answer:
    """Run the tool in a directory.

    Raises UnreadableError if it cannot be started, does not end in time, or prints more than any plan or state is long.
    """
    import subprocess
    from threading import Thread

    command = " ".join((tool.name, *arguments[:2]))
    try:
        process = subprocess.Popen(  # noqa: S603  # the tool is the one that the user chose
            [tool.path, *arguments],
            cwd=directory,
            env={**tool.environment, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # it starts providers of its own, which must end with it
        )
    except OSError as error:
        reason = error.strerror or "it is not a program"
        raise UnreadableError(f"`{command}` could not be started: {reason}", where=directory) from error
    printed, complaints = bytearray(), bytearray()
    readers = (
        Thread(target=_drain, args=(process.stdout, printed, _MOST_BYTES), daemon=True),
        Thread(target=_drain, args=(process.stderr, complaints, _MOST_COMPLAINTS), daemon=True),
    )
    for reader in readers:
        reader.start()
    try:
        code = process.wait(seconds)
        for reader in readers:
            reader.join(seconds)
    except subprocess.TimeoutExpired as error:
        raise UnreadableError(
            f"`{command}` did not end within {seconds:.0f} seconds",
            where=directory,
            remedy="run it yourself there, and give what it prints as the source",
        ) from error
    finally:
        _end(process.pid)
        process.wait()
    if len(printed) > _MOST_BYTES:
        raise UnreadableError(f"`{command}` prints more than any plan or state is long", where=directory)
    return Answer(bytes(printed), _summary(bytes(complaints), code) if code else None)
