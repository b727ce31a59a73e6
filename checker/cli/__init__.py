"""The command line: one verb a file; the only place that prints, writes files, reads the clock or the environment, and exits."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from checker.cli import signals

# A run is short and makes few circles: looking for them every 700 objects, and at the exit, is a sixth of `check --offline`.
_OBJECTS = 100_000
_INTERRUPTED = 130


def main() -> None:
    """Run `tfcert`; every error that a person can mend becomes one line on stderr and an exit code, never a traceback."""
    try:
        _main()
    except KeyboardInterrupt:
        # While the command line is still being put together, or at the end; in between typer makes an exit of it.
        _leave(_INTERRUPTED)


def _main() -> None:
    gc.set_threshold(_OBJECTS)
    signals.listen()
    try:
        _run()
    except SystemExit as leaving:
        if not isinstance(leaving.code, int):
            raise
        _leave(leaving.code)


def _unwritten(error: OSError) -> NoReturn:
    """A full disk behind standard output, most often: what could not be written is not tried again."""
    from checker.cli.output import drop_output

    drop_output()
    where = f"{error.filename}: " if error.filename else ""
    print(
        f"tfcert: error: {where}{error.strerror or error}; free some space, or write the report elsewhere",
        file=sys.stderr,
    )
    sys.exit(2)


def _leave(code: int) -> NoReturn:
    """End the process as soon as its words are out.

    Python would take every module apart first, which is a twelfth of `check --offline`.
    """
    signals.ignore()
    if code == _INTERRUPTED or signals.received():
        signals.tell()
        code = signals.exit_code()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run() -> None:
    from checker.cli.app import build
    from checker.errors import TfcertError

    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except TfcertError as error:
        from checker.reports.escape import printable

        print(f"tfcert: error: {printable(str(error))}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        _unwritten(error)
