"""The shape of the command line: the groups of options, and the classes of its commands.

An option is in the group that its `rich_help_panel` names. Typer keeps that name with the option;
the help page of a command has one section for each of GROUPS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer._click.exceptions import UsageError as ParserError
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

SOURCES = "Sources"
ROTATION = "Rotation"
POLICY = "Policy"
PROBE = "Probe"
AWS = "AWS"
PULL_REQUEST = "Pull request"
OUTPUT = "Output"
# The order of the sections on a help page.
GROUPS = (SOURCES, ROTATION, POLICY, PROBE, AWS, PULL_REQUEST, OUTPUT)


class Verb(TyperCommand):
    """A command whose help page has groups, and whose mistakes are errors of tfcert."""

    # More arguments than the command takes are an error of our own, not one of typer.
    allow_extra_args = True

    def make_context(
        self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: Any
    ) -> Context:
        """Parse the arguments; raises UsageError for arguments that do not fit."""
        # The parser takes the words out of the list.
        given = tuple(args)
        try:
            made = super().make_context(info_name, args, parent, **extra)
        except ParserError as error:
            # Imported here, as below: most runs make no mistake and print no help.
            from checker.cli.usage.mistakes import translated

            raise translated(error, _empty(self, info_name, parent), given) from error
        if made.args:
            from checker.cli.usage.mistakes import too_many

            raise too_many(made.args, made.command_path)
        return made

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the arguments and the options, one section for each group."""
        from checker.cli.usage.help_page import write_parameters

        write_parameters(self.get_params(ctx), ctx, formatter, GROUPS)


class Verbs(TyperGroup):
    """A command that has commands, each a Verb or again Verbs."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: Any
    ) -> Context:
        """Parse the arguments; raises UsageError for arguments that do not fit."""
        given = tuple(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except ParserError as error:
            from checker.cli.usage.mistakes import translated

            raise translated(error, _empty(self, info_name, parent), given) from error

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Return the command that the first argument names; raises UsageError for no command."""
        command = self.get_command(ctx, args[0])
        if command is None:
            from checker.cli.usage.mistakes import unknown_command

            raise unknown_command(args, self.list_commands(ctx), ctx.command_path)
        return args[0], command, args[1:]

    def summaries(self, ctx: Context) -> list[tuple[str, str]]:
        """Return the name and the first sentence of each command that is not hidden."""
        from checker.cli.usage.help_page import first_sentence

        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        return [
            (name, first_sentence(command.help or ""))
            for name, command in found
            if command is not None and not command.hidden
        ]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the options, then the commands with their first sentences in full."""
        from checker.cli.usage.help_page import write_commands, write_parameters

        write_parameters(self.get_params(ctx), ctx, formatter, GROUPS)
        write_commands(self.summaries(ctx), formatter)


def _empty(command: Command, name: str | None, parent: Context | None) -> Context:
    """Return a context without arguments: one that could not be parsed has none."""
    return command.context_class(command, parent, name, **command.context_settings)
