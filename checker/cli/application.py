"""The verbs of the command line, put together."""

from __future__ import annotations

import typer

from checker.cli.bundle import bundle
from checker.cli.check import check
from checker.cli.demo import demo
from checker.cli.patch import patch
from checker.cli.rules import rules

_HELP = (
    "Find API Gateway client certificates that near their end, and write the Terraform patches that rotate them without an outage."
)


def build() -> typer.Typer:
    """The application with all its verbs."""
    application = typer.Typer(
        name="tfcert", add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    application.callback(help=_HELP)(_root)
    for verb in (check, patch, bundle, demo, rules):
        application.command()(verb)
    return application


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tfcert {version('tfcert')}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", callback=_show_version, is_eager=True),
) -> None:
    del version  # its callback has printed it
