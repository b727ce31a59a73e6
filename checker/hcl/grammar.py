"""The compiled grammar of python-hcl2, which takes seconds to build."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path


def set_grammar_cache(directory: Path) -> None:
    """Set a private folder of the user as the cache of python-hcl2's compiled grammar.

    By default python-hcl2 writes into site-packages; if that is read-only, every run silently costs
    seconds. The cache is a pickle: a folder that others can write to is not used.
    """
    import hcl2.parser

    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError:
        return
    if status.st_uid == os.getuid() and not status.st_mode & 0o022:
        hcl2.parser.PARSER_FILE = directory / f"hcl2-{version('python-hcl2')}.grammar"
