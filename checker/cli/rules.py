"""`tfcert rules`: list the rules, or explain one."""

from __future__ import annotations

from typing import Annotated

import typer


def rules(rule: Annotated[str | None, typer.Argument(help="The rule to explain.")] = None) -> None:
    """List the rules, or explain one."""
    import difflib
    import importlib

    from checker.domain.errors import UsageError
    from checker.rules import RULES

    if rule is None:
        width = max(len(known.name) for known in RULES)
        for known in RULES:
            typer.echo(f"{known.name:<{width}}  {known.severity.word:<7}  {known.says}")
        return
    found = next((known for known in RULES if known.name == rule), None)
    if found is None:
        near = difflib.get_close_matches(rule, [known.name for known in RULES], n=1)
        remedy = f"did you mean {near[0]}?" if near else "`tfcert rules` lists them"
        raise UsageError(f"unknown rule {rule!r}", remedy=remedy)
    module = importlib.import_module(found.check.__module__)
    typer.echo(f"# {found.name}\n\n{(module.__doc__ or '').strip()}")
