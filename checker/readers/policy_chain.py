"""A policy file with what it extends: packs, and other files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from checker.domain.errors import UnreadableError, UsageError
from checker.domain.text_values import Mismatch
from checker.readers.files import open_file
from checker.readers.policy_layers import Layer, read_layer
from checker.readers.sheet import Sheet

PACKS = ("default", "strict")
# A thousand accounts with a line each are 80 KiB. It bounds a file, and a file together with all that it extends.
_LARGEST = 128 * 1024
_LONGEST_CHAIN = 10


def read_file(path: str) -> bytes:
    """Read a policy file: a regular one of at most 128 KiB, by the opener of the sources; raises UnreadableError."""
    return bytes(open_file(path, most=_LARGEST, instead="name a policy file, or a pack"))


def read_chain(path: str, data: bytes, read: Callable[[str], bytes] = read_file) -> tuple[Layer, ...]:
    """The layers that a file makes, what it extends before itself; `read` gives the files that are extended.

    Raises UsageError for a file that extends itself, naming the chain, or more files than any policy needs, and UnreadableError for
    one that cannot be read.
    """
    sheet = Sheet(path, data)
    layers = [read_layer(sheet)]
    chain = [path]
    seen = {_real(path)}
    size = len(data)
    while (named := sheet.values.get("extends")) is not None:
        where = sheet.location(("extends",))
        if named in PACKS:
            path, real = named, f"pack {named}"
        else:
            path = str(Path(path).parent / named)
            real = _real(path)
        chain.append(path)
        if len(chain) > _LONGEST_CHAIN:
            raise UsageError(f"extends more than {_LONGEST_CHAIN - 1} files", where=str(where), remedy="join some of them")
        if real in seen:
            raise UsageError(
                f"extends itself: {' -> '.join(chain)}", where=str(where), remedy="take one `extends` of the chain away"
            )
        seen.add(real)
        name, data = _read(sheet, named, path, read)
        size += len(data)
        if size > _LARGEST:
            raise UsageError(
                f"is larger than {_LARGEST // 1024} KiB together with what it extends", where=str(where), remedy="shorten the files"
            )
        sheet = Sheet(name, data)
        layers.append(read_layer(sheet))
    return tuple(reversed(layers))


def read_pack(name: str) -> tuple[str, bytes]:
    """A pack that comes with tfcert, and how messages call it."""
    here = Path(__file__).resolve()
    # Installed, the packs lie in the package; in a checkout they lie beside it.
    folders = (here.parents[1] / "packs", here.parents[2] / "policies")
    found = next(folder / f"{name}.toml" for folder in folders if (folder / f"{name}.toml").is_file())
    return f"pack {name}", found.read_bytes()


def _read(sheet: Sheet, named: str, path: str, read: Callable[[str], bytes]) -> tuple[str, bytes]:
    if named in PACKS:
        return read_pack(named)
    try:
        return path, read(path)
    except UnreadableError as error:
        if "/" not in named and not named.endswith(".toml"):
            sheet.refuse(Mismatch(("extends",), f"there is no pack {named!r}, and no such file", f"packs: {', '.join(PACKS)}"))
        raise UnreadableError(
            f"{path}: {error.message}", where=str(sheet.location(("extends",))), remedy="the path is relative to this file"
        ) from error


def _real(path: str) -> str:
    return os.path.realpath(path)  # Path.resolve raises for links in a circle
