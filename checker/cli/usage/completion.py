"""What a shell completes: the commands, their options, and the words that may follow each.

It is read from the commands themselves, so that no option is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from typer.core import TyperGroup

from checker.cli.usage.help_page import first_sentence

if TYPE_CHECKING:
    from typer._click import Context, Parameter

# What follows an option or a command: some of `words`, names of files or folders, addresses that
# the .tf files declare, or a text that no shell knows.
Kind = Literal["words", "files", "folders", "certificates", "stages", "text"]

_FILES = frozenset({"FILE", "[SOURCE]...", "[SOURCE]", "[FILE]...", "[[NAME=]OUTCOME]..."})
_FOLDERS = frozenset({"DIR"})
_CERTIFICATES = frozenset({"--only", "--certificate"})


class Slot(Struct, frozen=True, kw_only=True):
    """What may stand in one place of a command line."""

    kind: Kind
    words: tuple[str, ...] = ()


class CompletedOption(Struct, frozen=True, kw_only=True):
    """An option: its names, its description, and what follows it; None for a flag."""

    names: tuple[str, ...]
    about: str
    value: Slot | None


class CompletedCommand(Struct, frozen=True, kw_only=True):
    """A command: its words after `tfcert`, its own commands with descriptions, its options."""

    path: str
    commands: tuple[tuple[str, str], ...]
    options: tuple[CompletedOption, ...]
    argument: Slot


def completed_commands(ctx: Context, path: str = "") -> Iterator[CompletedCommand]:
    """Yield the command of a context, then the commands below it."""
    command = ctx.command
    below: list[tuple[str, str]] = []
    contexts: list[tuple[str, Context]] = []
    if isinstance(command, TyperGroup):
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            if found is not None and not found.hidden:
                below.append((name, first_sentence(found.help or "")))
                contexts.append((name, found.context_class(found, ctx, name)))
    parameters = command.get_params(ctx)
    arguments = [
        _slot(each, path)
        for each in parameters
        if each.param_type_name == "argument" and not getattr(each, "hidden", False)
    ]
    yield CompletedCommand(
        path=path,
        commands=tuple(below),
        options=tuple(
            _option(each, path) for each in parameters if each.param_type_name == "option"
        ),
        argument=arguments[0] if arguments else Slot(kind="text"),
    )
    for name, context in contexts:
        yield from completed_commands(context, f"{path} {name}".strip())


def _option(option: Parameter, path: str) -> CompletedOption:
    return CompletedOption(
        names=tuple(sorted(option.opts, key=len)),
        about=first_sentence(getattr(option, "help", None) or ""),
        value=None if getattr(option, "is_flag", False) else _slot(option, path),
    )


def _slot(parameter: Parameter, path: str) -> Slot:
    """Return what may be given for a parameter, by its choices, its name and its metavar."""
    choices = tuple(str(getattr(each, "value", each)) for each in _choices(parameter))
    if choices:
        return Slot(kind="words", words=choices)
    shape, names = parameter.metavar or "", frozenset(parameter.opts)
    if words := _words(parameter, path):
        return Slot(kind="words", words=words)
    if names & _CERTIFICATES or (path, shape) == ("policy explain", "ADDRESS"):
        return Slot(kind="certificates")
    if "--stage" in names:
        return Slot(kind="stages")
    if shape in _FILES:
        return Slot(kind="files")
    return Slot(kind="folders" if shape in _FOLDERS else "text")


def _choices(parameter: Parameter) -> tuple[object, ...]:
    return tuple(getattr(parameter.type, "choices", ()))


def _words(parameter: Parameter, path: str) -> tuple[str, ...]:
    """Return the known values of a parameter whose type is text."""
    match parameter.metavar:
        case "NAME[=FILE]":
            from checker.reports import FORMATS
            from checker.reports.probe import PROBE_FORMATS

            return tuple(PROBE_FORMATS if path == "probe" else FORMATS)
        case "SERVER":
            from checker.reports.servers import SERVERS

            return tuple(SERVERS)
        case "TOOL":
            return ("terraform", "tofu")
        case "bash|zsh|fish|powershell":
            return ("bash", "zsh", "fish", "powershell")
        case "[RULE]":
            from checker.rules import RULES

            return tuple(rule.name for rule in RULES)
        case _:
            return ()
