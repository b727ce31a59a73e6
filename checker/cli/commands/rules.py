"""`tfcert rules`: list the rules, or explain one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from checker.rules.base import Rule


def rules(
    rule: Annotated[
        str | None, typer.Argument(metavar="[RULE]", help="The rule to explain.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write one page per rule to this folder, and remove other pages.",
        ),
    ] = None,
) -> None:
    """List the rules, or explain one."""
    from checker.rules import RULES
    from checker.rules.docs import page_of

    if out is not None:
        _write_pages(Path(out), RULES)
    elif rule is None:
        width = max(len(known.name) for known in RULES)
        for known in RULES:
            typer.echo(f"{known.name:<{width}}  {known.weight_word:<7}  {known.says}")
    else:
        typer.echo(page_of(_named(rule, RULES)).markdown, nl=False)


def _named(name: str, known: tuple[Rule, ...]) -> Rule:
    from checker.errors import UsageError
    from checker.model.text_values import did_you_mean

    found = next((rule for rule in known if rule.name == name), None)
    if found is not None:
        return found
    remedy = did_you_mean(name, [rule.name for rule in known])
    raise UsageError(f"unknown rule {name!r}", remedy=remedy)


def _write_pages(folder: Path, known: tuple[Rule, ...]) -> None:
    from checker.cli.output_conflicts import refuse_links_out
    from checker.errors import UsageError
    from checker.rules.docs import index_of, page_of

    pages = {f"{rule.name}.md": page_of(rule).markdown for rule in known} | {
        "README.md": index_of(known)
    }
    refuse_links_out((folder, *(folder / name for name in pages)), option="--out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in sorted(folder.glob("*.md")):
            if stale.name not in pages:
                stale.unlink()
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            error.strerror or "cannot be written",
            where=str(error.filename or folder),
            remedy="check --out",
        ) from error
