"""The typer application, with all commands."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.

from importlib import import_module
from typing import TYPE_CHECKING

import typer

from checker.cli.usage import OUTPUT, Verb, Verbs

if TYPE_CHECKING:
    from typer._click import Command, Context

_HELP = (
    "Find API Gateway client certificates that near their end, "
    "and write the Terraform patches that rotate them without an outage."
)
# The first sentence of each command's help. Each command is a function, or a typer application
# with commands of its own, in the module of the same name: `--help` imports none of them.
VERBS = {
    "check": "Judge plans and states: what expires, what a plan would break",
    "patch": "Write the patches of a rotation: a diff on stdout, files with --out, or the edit "
    "itself with --write",
    "scan": "Judge all that accounts have, in Terraform or not",
    "bundle": "Write the PEMs that backends must trust now, with fingerprints and end dates as "
    "comments",
    "probe": "Ask the backends of each rotation under way whether they trust the successor, by "
    "calls without a certificate, with the old one and with the new one",
    "propose": "Open a pull request for the next phase of each rotation, keep it current, and "
    "close it when it is not needed",
    "comment": "Keep one comment with the outcome of checks on a pull request",
    "init": "Write a tfcert.toml with a comment on each value and, if asked, a gate for pull "
    "requests",
    "doctor": "Say what tfcert can see here: tool, state, AWS, permissions, policy, forge token",
    "demo": "Tell the whole story on an embedded AWS: a certificate with 12 days left, the "
    "findings, the three patches",
    "policy": "Show, check and explain the policy",
    "rules": "List the rules, or explain one",
    "completion": "Print the completion script of a shell; the script's first lines say how to "
    "use it",
}


class _Root(Verbs):
    """`tfcert` itself. A run of one command does not import or build the others."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse the arguments; without any, say what a folder with Terraform is good for."""
        if not args and not ctx.resilient_parsing:
            from checker.cli.usage.without_arguments import say_what_to_do

            say_what_to_do()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: "Context") -> list[str]:
        """Return the names of all commands, in the order of the help page."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """Import and build one command."""
        del ctx
        if cmd_name not in self.commands and cmd_name in VERBS:
            self.commands[cmd_name] = _command(cmd_name)
        return self.commands.get(cmd_name)

    def summaries(self, ctx: "Context") -> list[tuple[str, str]]:
        """Return the name and the first sentence of each command."""
        del ctx
        return list(VERBS.items())


def _command(name: str) -> "Command":
    found = getattr(import_module(f"checker.cli.commands.{name}"), name)
    if isinstance(found, typer.Typer):
        command = typer.main.get_command(found)
    else:
        application = typer.Typer(add_completion=False, rich_markup_mode=None)
        application.command(cls=Verb)(found)
        command = typer.main.get_command(application)
    command.name = name
    return command


def build() -> typer.Typer:
    """Return the application; a command is imported and built when it is called."""
    application = typer.Typer(
        name="tfcert",
        cls=_Root,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback(help=_HELP)(_root)
    return application


def _show_version(context: typer.Context, wanted: bool) -> None:
    if not wanted:
        return
    # --verbose is eager, so it is known here whatever the order of the two.
    if context.params.get("verbose"):
        from os import environ

        from checker.cli.first_steps.about import about

        typer.echo("\n".join(about(environ)))
    else:
        from importlib.metadata import version

        typer.echo(f"tfcert {version('tfcert')}")
    raise typer.Exit


def _root(
    version: bool = typer.Option(
        False,
        "-V",
        "--version",
        help="Print the version and exit.",
        callback=_show_version,
        rich_help_panel=OUTPUT,
    ),
    verbose: bool = typer.Option(
        False,
        "--verbose",
        help="With --version: the versions of libraries, the system, and where the cache is.",
        is_eager=True,
        rich_help_panel=OUTPUT,
    ),
) -> None:
    del version  # its callback has already printed it
    if verbose:
        from checker.errors import UsageError

        raise UsageError(
            "is only for --version here", where="--verbose", remedy="give it after the command"
        )
