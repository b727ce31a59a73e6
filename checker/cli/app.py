"""The typer application, with all commands."""

from __future__ import annotations

from importlib import import_module

import typer

_HELP = (
    "Find API Gateway client certificates that near their end, "
    "and write the Terraform patches that rotate them without an outage."
)
# Each is a function or a command group, in the module of the same name.
VERBS = ("check", "patch", "scan", "bundle", "probe", "comment", "demo", "policy", "rules")


def build(verb: str | None = None) -> typer.Typer:
    """Return the application with all commands, or only with `verb` if that is a known name.

    Typer builds a parser for each signature; a run of one command should not pay for the others.
    """
    application = typer.Typer(
        name="tfcert",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    application.callback(help=_HELP)(_root)
    for name in (verb,) if verb in VERBS else VERBS:
        found = getattr(import_module(f"checker.cli.commands.{name}"), name)
        if isinstance(found, typer.Typer):
            application.add_typer(found, name=name)
        else:
            application.command()(found)
    return application


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tfcert {version('tfcert')}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and exit.",
        callback=_show_version,
        is_eager=True,
    ),
) -> None:
    del version  # its callback has already printed it
