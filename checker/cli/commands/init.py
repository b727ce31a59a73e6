"""`tfcert init`: the first files of a repository."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from checker.cli.first_steps.forge_workflows import WorkflowForge


def init(
    directory: Annotated[
        str,
        typer.Argument(
            metavar="[DIR]", help="Where tfcert will run. [default: .]", show_default=False
        ),
    ] = ".",
    workflow: Annotated[
        bool,
        typer.Option(
            "--workflow", help="Write the gate of the repository's forge too: GitHub or GitLab."
        ),
    ] = False,
    forge: Annotated[
        str | None,
        typer.Option(
            "--forge", metavar="NAME", help="Write the gate of this forge: github or gitlab."
        ),
    ] = None,
) -> None:
    """Write a tfcert.toml with a comment on each value and, if asked, a gate for pull requests.

    An existing file is never changed. Exit codes: 0 written or there already, 2 usage.
    """
    from itertools import chain
    from pathlib import Path

    from checker.cli.first_steps.first_files import find_top, write_gate, write_policy
    from checker.cli.output import write
    from checker.errors import UsageError
    from checker.reports.escape import printable

    folder = Path(directory)
    if not folder.is_dir():
        raise UsageError("not a folder", where=directory, remedy="name the folder of the .tf files")
    top = find_top(folder)
    # Found before the first file is written: a mistake writes nothing.
    wanted = _gate(forge, top) if workflow or forge is not None else None
    # Each line is printed when it is true: an error about a later file does not hide it.
    for line in chain(
        write_policy(folder, top), write_gate(wanted, top, folder) if wanted is not None else ()
    ):
        write(f"{printable(line)}\n".encode())
    write(b"next: `tfcert doctor` says what tfcert can see here, then `tfcert check`\n")


def _gate(forge: str | None, top: "Path") -> "WorkflowForge":
    from checker.cli.first_steps.forge_workflows import WorkflowForge, find_forge
    from checker.errors import UsageError
    from checker.model.text_values import did_you_mean

    if forge is None:
        return find_forge(top)
    known = [each.value for each in WorkflowForge]
    if forge not in known:
        raise UsageError(
            f"init has no gate for {forge!r}",
            where="--forge",
            remedy=f"{did_you_mean(forge, known)}; docs/gates.md has those of others",
        )
    return WorkflowForge(forge)
