"""Load the outcomes for a comment: from files, standard input, or runs of `tfcert check`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from checker.cli.children import own_command, own_environment
from checker.errors import UnreadableError, UsageError
from checker.files import open_file, read_stream
from checker.reports.json_v1_read import JsonDocument, read_document
from checker.reports.markdown.escape import NamedAccounts

_NAME = re.compile(r"([^=/\\]+)=(.+)", re.DOTALL)
_SECONDS = 3600
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN")
_LARGEST = 64 * 1024**2


def load_reports(files: Sequence[str], runs: Sequence[str]) -> tuple[NamedAccounts, ...]:
    """Return every outcome with its name: NAME of `NAME=FILE`, or the file's path.

    A single outcome without NAME has an empty name.

    Raises UnreadableError for a file that is not an outcome of this version, UsageError if nothing
    is given.
    """
    if not files and not runs:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(
                "no outcome",
                remedy="pipe `tfcert check --format json --patches` into it, "
                "name its files, or give --run",
            )
        files = ("-",)
    if sum(_split(given)[1] == "-" for given in files) > 1:
        raise UsageError(
            "standard input is read once",
            where="-",
            remedy="give - once, and pass the others as files",
        )
    found = [(name, path, _read(path)) for name, path in map(_split, files)]
    found += [(name, arguments, _run(arguments)) for name, arguments in map(_split, runs)]
    several = len(found) > 1
    made = tuple(
        NamedAccounts(name=name or (_own_name(path) if several else ""), document=document)
        for name, path, document in found
    )
    names = [each.name for each in made]
    if several and len(set(names)) < len(names):
        raise UsageError(
            "two outcomes have one name",
            remedy="name them: tfcert comment github prod=a.json test=b.json",
        )
    return made


def _split(given: str) -> tuple[str, str]:
    found = _NAME.fullmatch(given)
    # A file name may contain a =.
    return ("", given) if found is None or Path(given).exists() else (found[1], found[2])


def _own_name(path: str) -> str:
    return path.removesuffix(".json")


def _read(path: str) -> JsonDocument:
    if path == "-":
        return read_document(path, bytes(read_stream(sys.stdin.buffer, path, most=_LARGEST)))
    data = open_file(path)
    if len(data) > _LARGEST:
        # It may be untrusted: the workflow of a fork can pass it on.
        raise UnreadableError(
            f"is larger than {_LARGEST // 1024**2} MiB",
            where=path,
            remedy="that is no outcome to comment on",
        )
    return read_document(path, bytes(data))


def _run(arguments: str) -> JsonDocument:
    """Run `tfcert check` in a process of its own; its stderr is passed through."""
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise UsageError(
            f"{arguments!r}: {error}", where="--run", remedy="quote as in a shell"
        ) from error
    command = own_command("check", *words, "--patches", "--format", "json")
    environment = own_environment(_without_tokens(os.environ))
    try:
        done = subprocess.run(  # noqa: S603 -- ourselves, no shell
            command, stdout=subprocess.PIPE, env=environment, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"`tfcert check {arguments}` took more than an hour",
            where="--run",
            remedy="run it by itself",
        ) from error
    if done.returncode not in {0, 1, 3}:
        raise UsageError(
            f"`tfcert check {arguments}` ended with {done.returncode}",
            where="--run",
            remedy="what it says is above",
        )
    return read_document(f"check {arguments}", done.stdout)


def _without_tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without forge tokens: a check needs none, and may start terraform."""
    return {name: text for name, text in environment.items() if name not in _TOKENS}
