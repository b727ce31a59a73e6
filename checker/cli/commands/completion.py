"""`tfcert completion`: what a shell needs to complete commands, options and addresses."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from typing import Annotated

import typer


def completion(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="bash|zsh|fish|powershell", help="The shell of the script."),
    ],
) -> None:
    """Print the completion script of a shell; the script's first lines say how to use it.

    The script has all commands and options in it, so that completing one starts no tfcert. For an
    address, as after `patch --only`, it reads the .tf files of the folder.
    """
    from checker.cli.usage.completion import completed_commands
    from checker.cli.usage.shell_scripts import SCRIPTS
    from checker.errors import UsageError
    from checker.model.text_values import did_you_mean

    shell, *more = words
    if shell == "addresses" and more:
        # The scripts call this: a word of the kind, then those of the command line.
        from checker.cli.usage.declared_addresses import declared_addresses

        for address in declared_addresses(more[0], more[1:]):
            typer.echo(address)
        return
    if shell not in SCRIPTS:
        raise UsageError(
            "is not a shell that tfcert knows",
            where=shell,
            remedy=did_you_mean(shell, tuple(SCRIPTS)),
        )
    if more:
        raise UsageError(
            "`tfcert completion` does not take this argument",
            where=more[0],
            remedy=f"write `tfcert completion {shell}`",
        )
    typer.echo(SCRIPTS[shell](tuple(completed_commands(ctx.find_root()))), nl=False)
