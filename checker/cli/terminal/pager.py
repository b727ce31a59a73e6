"""Show a patch on a terminal: in colour, and through the user's pager.

The pager is the user's own choice, as for git: GIT_PAGER, else PAGER. It never changes the exit
code: neither where it fails, nor where the user leaves it early.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from checker.cli import output
from checker.programs import find_program
from checker.reports.escape import encoded
from checker.reports.text.coloured import shown_diff

_SECONDS_TO_END = 5
# What git gives to less and lv: leave the text on the screen, and end at once if it fits.
_DEFAULTS = {"LESS": "FRX", "LV": "-c"}


def show_patch(text: bytes, *, paged: bool) -> None:
    """Write a patch to stdout: its bytes, or on a terminal its lines, with colours.

    With `paged`, the user's pager shows them, if there is one.
    """
    environment = os.environ
    if not sys.stdout.isatty() or environment.get("TERM") == "dumb":
        output.write(text)
        return
    lines = [encoded(line) for line in shown_diff(text, colours=not environment.get("NO_COLOR"))]
    shown = b"".join(lines)
    command = pager_command(environment) if paged and shown else None
    if command is None or not _page(shown, command, {**_DEFAULTS, **environment}):
        output.write(shown)


def pager_command(environment: Mapping[str, str]) -> list[str] | None:
    """Return the pager's program and arguments; None for no pager.

    `cat` and an empty value mean no pager. The program is searched on PATH, never in the current
    folder, and is started without a shell. A pager that cannot be used is named on stderr.
    """
    name = "GIT_PAGER" if "GIT_PAGER" in environment else "PAGER"
    chosen = environment.get(name, "")
    try:
        words = shlex.split(chosen)
    except ValueError as error:
        output.warn(f"{name}: {chosen}: {error}; the patch is shown without a pager")
        return None
    if not words or words == ["cat"]:
        return None
    program = find_program(words[0], environment)
    if program is None:
        output.warn(f"{name}: {words[0]} is not a program; the patch is shown without a pager")
        return None
    return [program, *words[1:]]


def _page(shown: bytes, command: list[str], environment: Mapping[str, str]) -> bool:
    """Let a pager show a text; return whether it did."""
    sys.stdout.flush()
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # noqa: S603 -- the user's own pager, by its full path, without a shell
    except OSError as error:
        output.warn(f"{command[0]}: {error.strerror or error}; the patch is shown without it")
        return False
    try:
        with _interrupts_left_to_the_pager():
            # A user who leaves the pager early closes the pipe.
            with suppress(BrokenPipeError):
                process.communicate(shown)
            code = process.wait()
    except BaseException:
        # A signal that ends this run ends the pager too.
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
        raise
    if code:
        output.warn(f"{command[0]} ended with exit code {code}; the patch is shown without it")
    return not code


@contextmanager
def _interrupts_left_to_the_pager() -> Iterator[None]:
    """Ignore Ctrl-C in this block: in a pager it stops a search, and not tfcert."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
