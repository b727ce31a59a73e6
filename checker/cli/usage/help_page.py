"""The help page of a command: its options by group, and no description cut short."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter, Parameter

# Of so many options or fewer, groups would be longer than the list.
_FEW = 5
# The widest column of names; the description of a longer name begins on the next line.
_WIDEST = 29
_UNGROUPED = "Options"


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring, as one line without a full stop."""
    paragraph = " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
    return re.split(r"\.(?: |$)", paragraph, maxsplit=1)[0]


def group_of(parameter: Parameter) -> str | None:
    """Return the group of an option; None for an argument, and for an option without a group."""
    return getattr(parameter, "rich_help_panel", None)


def write_parameters(
    parameters: Sequence[Parameter],
    ctx: Context,
    formatter: HelpFormatter,
    groups: Sequence[str],
) -> None:
    """Write a section for the arguments and for each of the groups that has options.

    A command with few options has one section for all of them.
    """
    options = [each for each in parameters if each.param_type_name == "option"]
    sections: dict[str, list[tuple[str, str]]] = {
        name: [] for name in ("Arguments", *groups, _UNGROUPED)
    }
    for parameter in parameters:
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        if parameter.param_type_name == "argument":
            section = "Arguments"
        elif len(options) <= _FEW:
            section = _UNGROUPED
        else:
            section = group_of(parameter) or _UNGROUPED
        name, text = record
        sections[section].append((name, " ".join(text.split())))
    rows = [row for section in sections.values() for row in section]
    width = max((len(name) for name, _ in rows if len(name) <= _WIDEST), default=0)
    for title, section_rows in sections.items():
        if section_rows:
            with formatter.section(title):
                formatter.write_dl(_padded(section_rows, width), col_max=width)


def write_commands(summaries: Sequence[tuple[str, str]], formatter: HelpFormatter) -> None:
    """Write the section of the commands, each with its first sentence in full."""
    if summaries:
        with formatter.section("Commands"):
            formatter.write_dl([(name, f"{text}.") for name, text in summaries])


def _padded(rows: Iterable[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """Return rows whose descriptions begin in one column in every section."""
    return [(name.ljust(width), text) for name, text in rows]
