"""What `tfcert` prints without arguments in a folder with Terraform: what it would do, and how.

Only the folder's files are looked at. Nothing is judged, no tool is started, and AWS is not asked.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer
from msgspec import Struct

from checker.cli.usage.declared_addresses import declared_addresses
from checker.errors import TfcertError
from checker.files import open_file
from checker.model.configuration_files import SUFFIXES
from checker.reports.escape import printable

_MOST_NAMED = 5
_MOST_FOLDERS = 500
# A plan has its first keys in so many bytes; a folder has so many files that are looked at.
_HEAD, _MOST_FILES = 4096, 50
_LARGEST = 512 * 1024**2
# The first key of a plan whose value is an object or a list; a state has `values` there.
_PLAN = re.compile(
    rb'\s*\{[^{}\[\]]*"format_version"[^{}\[\]]*'
    rb'"(?:variables|planned_values|resource_drift|resource_changes)"\s*:\s*[{\[]'
)


class FolderFacts(Struct, frozen=True, kw_only=True):
    """What a folder has: files of a configuration, states, plans, and root modules below it."""

    configuration: int
    states: tuple[str, ...]
    plans: tuple[str, ...]
    roots: int
    certificates: tuple[str, ...]


def say_what_to_do() -> None:
    """Print what to do in the current folder, and leave with exit code 2: nothing was judged.

    Does nothing where there is nothing of Terraform.
    """
    found = folder_facts(".")
    if found is not None:
        for line in lines_without_arguments(found, os.environ):
            print(line, file=sys.stderr)
        raise typer.Exit(2)


def folder_facts(folder: str) -> FolderFacts | None:
    """Return what a folder has; None if it has nothing of Terraform, or cannot be read."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return None
    configuration = sum(name.endswith(SUFFIXES) for name in names)
    states = tuple(name for name in names if name.endswith(".tfstate"))
    plans = tuple(name for name in _candidates(names) if _is_plan(str(Path(folder, name))))
    roots = _roots_below(folder) if not configuration else 0
    if not (configuration or states or plans or roots):
        return None
    return FolderFacts(
        configuration=configuration,
        states=states,
        plans=plans,
        roots=roots,
        certificates=declared_addresses("certificates", ()) if configuration else (),
    )


def _candidates(names: list[str]) -> list[str]:
    found = [
        name
        for name in names
        if name.endswith((".json", ".tfplan", ".plan")) or name in {"tfplan", "plan"}
        if not name.endswith(SUFFIXES)
    ]
    return found[:_MOST_FILES]


def _is_plan(path: str) -> bool:
    """Return whether a file begins as a plan does: JSON of `show -json`, or a saved plan."""
    try:
        head = bytes(open_file(path, most=_LARGEST)[:_HEAD])
    except TfcertError:
        return False
    if head.startswith(b"PK\x03\x04"):
        return True
    return _PLAN.match(head) is not None


def _roots_below(folder: str) -> int:
    from checker.hcl.roots import find_roots

    return len(find_roots(folder, most=_MOST_FOLDERS))


def lines_without_arguments(found: FolderFacts, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield what tfcert would do in a folder, a command a line, at most 80 columns wide."""
    from checker.terraform.tool import find_tool

    try:
        tool = find_tool(None, environment)
    except TfcertError:
        tool = None
    yield f"tfcert: {_headline(found)}"
    shown = [address for address in found.certificates if len(address) + 2 <= 80]
    yield from (f"  {address}" for address in shown[:_MOST_NAMED])
    if len(found.certificates) > len(shown[:_MOST_NAMED]):
        yield f"  and {len(found.certificates) - len(shown[:_MOST_NAMED])} more"
    yield ""
    for command, text in _commands(found, tool.name if tool is not None else None):
        yield f"  {command}"
        yield f"      {text}"
    yield ""
    yield "Nothing was judged (exit code 2)."


def _headline(found: FolderFacts) -> str:
    if found.configuration:
        return (
            f"{_count(found.configuration, 'file')} of a Terraform configuration here, with "
            f"{_count(len(found.certificates), 'client certificate')}"
        )
    if found.roots:
        return f"{_count(found.roots, 'root module')} of Terraform below this folder"
    return (
        f"{_count(len(found.states) + len(found.plans), 'state or plan', 'states or plans')} here"
    )


def _commands(found: FolderFacts, tool: str | None) -> Iterator[tuple[str, str]]:
    """Yield each command and what it does."""
    if found.configuration and tool is not None:
        yield "tfcert check", f"judge it: asks `{tool} state pull` for the state, then AWS"
    elif found.configuration and not found.states:
        yield "tfcert check STATE", "judge a state: no terraform or tofu is on PATH to ask for it"
    if found.roots:
        yield "tfcert check --recursive", "judge each root module on its own"
    for name in found.plans[:2]:
        yield f"tfcert check {_word(name)}", "judge this plan before it is applied; asks AWS"
    for name in found.states[:2]:
        yield (
            f"tfcert check {_word(name)} --offline",
            "judge this state by its recorded dates; no call to AWS",
        )
    if found.configuration:
        source = (
            "" if tool is not None else f" {_word(found.states[0])}" if found.states else " STATE"
        )
        yield f"tfcert patch{source}", "show the patch of each rotation that is due; edits no file"
    yield "tfcert doctor", "say what tfcert can see here, and how to mend the rest"
    yield "tfcert --help", "list all commands"


def _word(name: str) -> str:
    """Return a name as one word of a shell, with escapes for what acts on a terminal."""
    return printable(shlex.quote(name))


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
