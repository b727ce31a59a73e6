"""Run the command line as `python -m checker`, which tfcert itself does where it needs a process of its own."""

from __future__ import annotations

from checker.cli import main

if __name__ == "__main__":
    main()
