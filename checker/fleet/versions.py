"""Whether the content of a file is the one that was listed."""

from __future__ import annotations

import os
import time

from checker.fleet.read import Item

# A file that changed so shortly before it was read may change again within the same tick of the
# file system's clock, unseen; FAT's tick is two seconds. Git calls such a file racily clean.
SETTLED = 2.0


def file_version(found: os.stat_result) -> str:
    """Return what changes if the content of a file does: the first part is its time of change.

    A program can set this time back, but not the time of the inode.
    """
    return f"{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def settled_version(item: Item) -> str:
    """Return the version of a file that was just read; empty if it may still change unseen."""
    try:
        found = os.stat(item.key)  # noqa: PTH116 -- a path need not be UTF-8
    except (OSError, ValueError):
        return ""
    newest = max(found.st_mtime_ns, found.st_ctime_ns) / 10**9
    return "" if time.time() - newest < SETTLED else file_version(found)
