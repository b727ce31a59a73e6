"""Errors of the command line in the form of all errors: what, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from typer._click.exceptions import (
    BadOptionUsage,
    BadParameter,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
)
from typer._click.exceptions import UsageError as ParserError
from typer.core import TyperGroup

from checker.errors import UsageError
from checker.model.text_values import did_you_mean, nearest_word, suggest

if TYPE_CHECKING:
    from typer._click import Command, Context, Parameter


def unknown_command(args: Sequence[str], known: Sequence[str], path: str) -> UsageError:
    """Return the error for a command that does not exist.

    A file or folder in its place is a source that the user wants to check.
    """
    name = args[0]
    near = nearest_word(name, known)
    if near is not None:
        remedy = suggest(near)
    elif " " not in path and ("/" in name or "." in name) and Path(name).exists():
        remedy = f"`{path} check {name}` judges it"
    else:
        remedy = f"`{path} --help` explains them: {', '.join(known)}"
    return UsageError("no such command", where=name, remedy=remedy)


def too_many(extra: Sequence[str], path: str) -> UsageError:
    """Return the error for more arguments than a command takes."""
    return UsageError(
        f"`{path}` does not take this argument",
        where=extra[0],
        remedy=f"`{path} --help` shows what it takes",
    )


def translated(error: ParserError, ctx: Context, given: Sequence[str]) -> Exception:
    """Return the error of tfcert for an error of typer; `given` are the words that were parsed.

    Help that is shown because there are no arguments stays as it is.
    """
    explained = f"`{ctx.command_path} --help` explains it"
    match error:
        case NoArgsIsHelpError():
            return error
        case NoSuchOption(option_name=name):
            return UsageError("no such option", where=name, remedy=_instead(name, ctx))
        case BadOptionUsage(option_name=name):
            return _value_or_none(name, ctx)
        case MissingParameter(param=parameter) if parameter is not None:
            return UsageError("is missing", where=_label(parameter, ctx), remedy=explained)
        case BadParameter(param=parameter) if parameter is not None:
            return UsageError(
                _number(parameter, given) or _sentence(error.message),
                where=_label(parameter, ctx),
                remedy=_choice(parameter, given) or explained,
            )
        case _:
            return UsageError(_sentence(error.message), where=ctx.command_path, remedy=explained)


def _value_or_none(name: str, ctx: Context) -> UsageError:
    """Return the error for an option whose value is missing, or that takes none."""
    option = next((each for each in _options(ctx) if name in each.opts), None)
    if option is None or getattr(option, "is_flag", False):
        return UsageError("takes no value", where=name, remedy=f"write {name} alone")
    shape = option.make_metavar(ctx)
    return UsageError("a value is missing", where=name, remedy=f"write {name} {shape}")


def _sentence(message: str) -> str:
    """Return a message of typer as the middle of our line."""
    return message[:1].lower() + message[1:].rstrip(".")


def _label(parameter: Parameter, ctx: Context) -> str:
    if parameter.param_type_name == "option":
        return max(parameter.opts, key=len)
    return parameter.make_metavar(ctx)


def _options(ctx: Context) -> Iterator[Parameter]:
    """Yield the options of a command that its help shows."""
    for parameter in ctx.command.get_params(ctx):
        if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False):
            yield parameter


def _names(ctx: Context) -> list[str]:
    return [name for option in _options(ctx) for name in option.opts]


def _instead(name: str, ctx: Context) -> str:
    """Return what to do about an option that the command does not have."""
    root = ctx.find_root()
    others = [
        verb
        for verb, command in _commands(root)
        if name in _names(command.context_class(command, root, verb))
    ]
    if ctx is root and others:
        return f"options follow the command, as in `{root.command_path} {others[0]} {name}`"
    if others:
        return f"an option of {', '.join(others)}; `{ctx.command_path} --help` lists those here"
    known = [text for text in _names(ctx) if text.startswith("--")]
    near = nearest_word(name, known) if name.startswith("--") else None
    return suggest(near) if near else f"`{ctx.command_path} --help` lists the options"


def _commands(root: Context) -> Iterator[tuple[str, Command]]:
    """Yield the commands of the program with their names."""
    if isinstance(root.command, TyperGroup):
        for verb in root.command.list_commands(root):
            command = root.command.get_command(root, verb)
            if command is not None:
                yield verb, command


def _number(parameter: Parameter, given: Sequence[str]) -> str | None:
    """Return the message for a value that is no whole number; None for any other mistake."""
    if "int" not in parameter.type.name:
        return None
    wrong = next(
        (value for value in _values(parameter, given) if not value.lstrip("-").isdecimal()), None
    )
    return f"{wrong!r} is not a whole number" if wrong is not None else None


def _choice(parameter: Parameter, given: Sequence[str]) -> str | None:
    """Return the hint for a value that is not one of the choices; None if it has none."""
    choices = [str(getattr(each, "value", each)) for each in getattr(parameter.type, "choices", ())]
    if not choices:
        return None
    wrong = next((word for word in _values(parameter, given) if word not in choices), "")
    return did_you_mean(wrong, choices)


def _values(parameter: Parameter, given: Sequence[str]) -> Iterator[str]:
    """Yield the words that were given as the value of a parameter."""
    if parameter.param_type_name == "argument":
        yield from (word for word in given if not word.startswith("-"))
        return
    for number, word in enumerate(given):
        name, attached, value = word.partition("=")
        if name in parameter.opts:
            yield from (value,) if attached else given[number + 1 : number + 2]
