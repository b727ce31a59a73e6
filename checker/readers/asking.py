"""Asking the tool: one command, bounded in time and in what it may print; its stdout is for the reader, never for a message."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

from checker.domain.errors import UnreadableError
from checker.domain.value import value
from checker.readers.tool import Tool

if TYPE_CHECKING:
    from subprocess import Popen

SECONDS = 600.0
MOST_BYTES = 2 * 1024**3
_WINDOW = 1024**2
_LONGEST = 300

# Nobody is there to answer questions; no colours, no logs among the errors, no arguments meant for other commands.
_QUIET = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_ARGS": "", "TF_LOG": "", "NO_COLOR": "1", "CHECKPOINT_DISABLE": "1"}
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f│╷╵]")


@value
class ToolAnswer:
    """What the tool printed, and the error that it gave, in one line; no error means that it succeeded.

    `details` are the lines below the headline of the error, also in one line.
    """

    printed: memoryview
    complaint: str | None
    details: str = ""


def ask(tool: Tool, arguments: Sequence[str], directory: str, *, seconds: float = SECONDS, most: int = MOST_BYTES) -> ToolAnswer:
    """Run the tool in a directory.

    Raises UnreadableError if it cannot be started, does not end in time, or prints more than any plan or state is long.
    """
    from subprocess import TimeoutExpired

    command = f"{tool.name} {' '.join(arguments)}"
    with _started(tool, arguments, directory, command) as process:
        try:
            printed, complaints = _collect(process, monotonic() + seconds, most)
            if len(printed) > most:
                raise UnreadableError(f"`{command}` prints more than {most} bytes", where=directory)
            code = process.wait(seconds)
        except (TimeoutError, TimeoutExpired) as error:
            raise UnreadableError(
                f"`{command}` did not end within {seconds:.0f} seconds",
                where=directory,
                remedy="run it there yourself, and pass what it prints",
            ) from error
    if not code:
        return ToolAnswer(printed=memoryview(printed).toreadonly(), complaint=None)
    complaint, details = _summary(bytes(complaints), code)
    return ToolAnswer(printed=memoryview(printed).toreadonly(), complaint=complaint, details=details)


@contextmanager
def _started(tool: Tool, arguments: Sequence[str], directory: str, command: str) -> Iterator[Popen[bytes]]:
    import subprocess

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
        reason = error.strerror or "it is no program"
        raise UnreadableError(f"`{command}` could not be started: {reason}", where=directory) from error
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _collect(process: Popen[bytes], deadline: float, most: int) -> tuple[bytearray, bytearray]:
    from selectors import EVENT_READ, DefaultSelector

    printed, complaints = bytearray(), bytearray()
    with DefaultSelector() as selector:
        for pipe, into in ((process.stdout, printed), (process.stderr, complaints)):
            if pipe is not None:
                selector.register(pipe, EVENT_READ, into)
        while selector.get_map() and len(printed) <= most:
            ready = selector.select(max(deadline - monotonic(), 0))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                chunk = os.read(key.fd, _WINDOW)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.data is printed or len(complaints) < _WINDOW:
                    key.data.extend(chunk)
    return printed, complaints


def _summary(complaints: bytes, code: int) -> tuple[str, str]:
    """Return the headline of the first error, and the lines below it."""
    text = _CONTROL.sub("", complaints.decode("utf-8", "replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    at = next((index for index, line in enumerate(lines) if line.startswith("Error")), None)
    if at is None:
        return _short(lines[-1] if lines else f"it ended with code {code}"), ""
    end = next((index for index, line in enumerate(lines[at + 1 :], at + 1) if line.startswith(("Error", "Warning"))), len(lines))
    return _short(lines[at]), _short(" ".join(lines[at + 1 : end]))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
