"""A rule's page: what the docstring of its module says, under the headings that every rule has."""

from __future__ import annotations

import sys

from checker.domain.value import value
from checker.rules.rule import Rule

HEADINGS = ("Why", "Example", "How to fix", "How to exempt", "Source")


@value
class Page:
    """The page as Markdown, its first paragraph alone, and the page without the marks of Markdown."""

    markdown: str
    summary: str
    text: str


def page_of(rule: Rule) -> Page:
    """The page of a rule, with its name as title and the severity that it has unless a policy says otherwise."""
    told = (sys.modules[rule.check.__module__].__doc__ or "").strip()
    summary, _, rest = told.partition("\n\n")
    markdown = f"# {rule.name}\n\n{summary}\n\nDefault severity: {rule.severity.word}.\n\n{rest}\n"
    plain = (line.lstrip("#").strip() if line.startswith("#") else line for line in told.splitlines() if not line.startswith("```"))
    return Page(markdown=markdown, summary=" ".join(summary.split()), text="\n".join(plain))
