"""The command line: the only place that prints, writes files, reads the clock, and exits.

Also the only place that reads the environment. There is one file for each command, in `commands`.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

from checker.cli import signals
from checker.programs import absolute_entries

# A run is short and makes few reference cycles. With the default threshold of 700 objects, and a
# collection at exit, the collector takes a sixth of `check --offline`.
_OBJECTS = 100_000
_INTERRUPTED = 130


def main() -> None:
    """Run `tfcert`; print each error that a user can fix as one line on stderr, not a traceback."""
    try:
        _main()
    except KeyboardInterrupt:
        # Raised while the command line starts or ends; in between, typer turns it into an exit.
        _leave(_INTERRUPTED)


def _main() -> None:
    gc.set_threshold(_OBJECTS)
    signals.listen()
    if "PATH" in os.environ:
        # Libraries start programs too (`uname`), and programs start others.
        os.environ["PATH"] = absolute_entries(os.environ["PATH"])
    try:
        _run()
    except SystemExit as leaving:
        if not isinstance(leaving.code, int):
            raise
        _leave(leaving.code)


def _unwritten(error: OSError) -> NoReturn:
    """Report an OSError, usually a full disk behind stdout; do not retry the failed output."""
    from checker.cli.output import drop_output

    drop_output()
    where = f"{error.filename}: " if error.filename else ""
    what = f"{where}{error.strerror or error}; free some space, or write the report elsewhere"
    try:
        Path.cwd()
    except OSError:
        what = "the current folder does not exist or cannot be read; change to another folder"
    print(f"tfcert: error: {what}", file=sys.stderr)
    sys.exit(2)


def _leave(code: int) -> NoReturn:
    """End the process as soon as its output is written.

    Normal interpreter shutdown would take a twelfth of `check --offline`.
    """
    signals.ignore()
    if code == _INTERRUPTED or signals.received():
        signals.report_interruption()
        code = signals.exit_code()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _refuse_shared_folder() -> None:
    """Raise UsageError if another package is installed into the folder `checker`, too.

    An installer replaces files of the same name without a word, so either package may be broken.
    In a checkout, no metadata of packages is beside the folder.
    """
    folder = Path(__file__).parents[1]
    others = []
    for entry in os.scandir(folder.parent):
        if entry.name.endswith(".dist-info") and not entry.name.startswith("tfcert-"):
            try:
                files = b"\n" + Path(entry.path, "RECORD").read_bytes()
            except OSError:
                continue
            if b"\nchecker/" in files or b"\nchecker." in files:
                others.append(entry.name.removesuffix(".dist-info"))
    if others:
        from checker.errors import UsageError

        raise UsageError(
            f"{', '.join(sorted(others))} has files of this name too, and an installer lets one"
            " package replace those of the other",
            where=str(folder),
            remedy="install tfcert in an environment of its own, for example with `uv tool install`"
            " or `pipx install`",
        )


def _run() -> None:
    from checker.cli.app import build
    from checker.errors import TfcertError

    try:
        _refuse_shared_folder()
        build()(prog_name="tfcert")
    except TfcertError as error:
        from checker.reports.escape import printable

        print(f"tfcert: error: {printable(str(error))}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        _unwritten(error)
