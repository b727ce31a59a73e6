"""`tfcert demo`: a whole rotation on the embedded emulator, without an AWS account.

It needs terraform or tofu only with --apply.
"""

from __future__ import annotations

from typing import Annotated

import typer

from checker.cli import options


def demo(
    apply: Annotated[
        bool, typer.Option("--apply", help="Run the whole rotation with a real terraform or tofu.")
    ] = False,
    propose: Annotated[
        bool,
        typer.Option(
            "--propose",
            help="Show a year of `tfcert propose` on an embedded forge instead.",
        ),
    ] = False,
    folder: Annotated[
        str | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Write the configuration to this folder. [default: a new temporary folder]",
        ),
    ] = None,
    tool: options.ToolName = None,
) -> None:
    """Tell the whole story on an embedded AWS: a certificate with 12 days left, the findings, the
    three patches.
    """  # noqa: D205 -- the first paragraph is the short help
    if propose:
        from checker.cli.proposals.demo_year import run_year
        from checker.errors import UsageError

        if apply:
            raise UsageError(
                "these contradict each other",
                where="--apply and --propose",
                remedy="give one of them",
            )
        run_year(folder)
        return
    from checker.cli.demo_story import run_story

    run_story(apply=apply, folder=folder, tool=tool)
