"""Versions of tfcert, of Python and of the libraries, and the place of the cache."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from checker.cli.aws import cache_folder

# A requirement of a package, and the extra that it belongs to. Source: PEP 508.
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"extra == [\"']([^\"']+)[\"']")
_EXTRAS = ("comment", "demo", "fleet", "formats")


def versions() -> str:
    """Return the versions of tfcert, Python and the system, in one line."""
    return (
        f"tfcert {metadata.version('tfcert')}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}"
    )


def about(environment: Mapping[str, str], *, paths: bool = True) -> Iterator[str]:
    """Yield what `tfcert --version --verbose` prints; nothing is started and nothing is written.

    Without `paths`, no line has a path of this machine.
    """
    yield versions()
    yield f"system     {platform.system()} {platform.release()}, {_libc()}"
    if paths:
        yield f"package    {Path(__file__).resolve().parents[2]}"
    yield f"cache      {_cache(environment, paths=paths)}"
    required = _required()
    yield f"needs      {', '.join(map(_version, required.get('', ())))}"
    for extra in _EXTRAS:
        name = f"[{extra}]"
        yield f"{name:<10} {', '.join(map(_version, required.get(extra, ())))}"


def _libc() -> str:
    name, version = platform.libc_ver()
    return f"{name} {version}" if name else "no glibc"


def _cache(environment: Mapping[str, str], *, paths: bool) -> str:
    folder = cache_folder(environment)
    if folder is None:
        return "none: this user has no home folder"
    files = sum(each.is_file() for each in folder.rglob("*")) if folder.is_dir() else 0
    return f"{f'{folder}, ' if paths else ''}{files} files"


def _required() -> dict[str, list[str]]:
    """Return the names of the required packages, by extra; without an extra under ''."""
    found: dict[str, list[str]] = {}
    for requirement in metadata.requires("tfcert") or ():
        name = _REQUIREMENT.match(requirement)
        extra = _EXTRA.search(requirement)
        if name is not None:
            found.setdefault(extra[1] if extra is not None else "", []).append(name[1])
    return found


def _version(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} not installed"
