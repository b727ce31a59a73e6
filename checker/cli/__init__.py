"""The command line: one verb a file; the only place that prints, writes files, reads the clock or the environment, and exits."""

from __future__ import annotations

import gc
import os
import sys

# A run is short and makes few circles: looking for them every 700 objects, and at the exit, is a sixth of `check --offline`.
_OBJECTS = 100_000


def main() -> None:
    """Run `tfcert`; every error that a person can mend becomes one line on stderr and an exit code, never a traceback."""
    gc.set_threshold(_OBJECTS)
    try:
        _run()
    finally:
        gc.freeze()


def _run() -> None:
    from checker.cli.application import build
    from checker.domain.errors import TfcertError

    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except TfcertError as error:
        from checker.reports.printable import printable

        print(f"tfcert: error: {printable(str(error))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("tfcert: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
