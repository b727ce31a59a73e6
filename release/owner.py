"""Write the owner of the repository into each file that names it: `make owner OWNER=acme`.

Until then the files name `OWNER/tfcert`, and `REPOSITORY-OF-TFCERT` where a URL is needed. Tests
of this command, and this file, keep these words.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

# A user or an organisation of GitHub. Source: GitHub, "Username considerations".
_LOGIN = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
_KEPT = ("release/owner.py", "tests/release/")


def replacements(owner: str) -> dict[bytes, bytes]:
    """Return what each placeholder becomes."""
    return {
        b"OWNER/tfcert": f"{owner}/tfcert".encode(),
        b"REPOSITORY-OF-TFCERT": f"https://github.com/{owner}/tfcert".encode(),
    }


def write_owner(root: Path, owner: str) -> list[str]:
    """Replace the placeholders in the tracked files, and return the names of the changed ones."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=root,
        check=True,
        capture_output=True,
        timeout=60,
    )
    changed: dict[str, bytes] = {}
    for name in listed.stdout.decode().split("\0"):
        path = root / name
        if not name or name.startswith(_KEPT) or path.is_symlink() or not path.is_file():
            continue
        before = after = path.read_bytes()
        for placeholder, text in replacements(owner).items():
            after = after.replace(placeholder, text)
        if after != before:
            changed[name] = after
    for name, data in changed.items():
        (root / name).write_bytes(data)
    return sorted(changed)


def main(arguments: list[str]) -> int:
    """Write the owner into the files of the current folder's repository."""
    owner = arguments[0] if len(arguments) == 1 else ""
    if len(owner) > 39 or not _LOGIN.fullmatch(owner):
        sys.stderr.write("owner: name a user or an organisation of GitHub: make owner OWNER=acme\n")
        return 2
    changed = write_owner(Path.cwd(), owner)
    if not changed:
        sys.stderr.write("owner: nothing to do: no file has a placeholder, so each has its owner\n")
        return 1
    sys.stdout.write("".join(f"{name}\n" for name in changed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
