"""Run the command line as `python -m checker`; tfcert starts its own child processes this way."""

from __future__ import annotations

from checker.cli import main

if __name__ == "__main__":
    main()
