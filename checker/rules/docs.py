"""A rule's page: the docstring of its module, under the headings that every rule has."""

from __future__ import annotations

import sys

from msgspec import Struct

from checker.rules.base import Rule

# The first heading is for the docstring's first paragraph; the docstring has the others.
HEADINGS = ("What", "Why", "Example", "How to fix", "How to exempt", "Source")
_EXEMPTION = """
In the policy:

```toml
[[exemption]]
rule = "{name}"
address = "aws_api_gateway_client_certificate.orders" # or certificate_id
until = 2026-12-31
reason = "its backend is shut down on December 20"
```

or in or directly above the resource:

```hcl
# tfcert:ignore {name} until=2026-12-31 reason="its backend is shut down on December 20"
```
"""


class RulePage(Struct, frozen=True, kw_only=True):
    """The page as Markdown, its first paragraph alone, and the page as plain text."""

    markdown: str
    summary: str
    text: str


def page_of(rule: Rule) -> RulePage:
    """Return the page of a rule, with its name as title and its default severity."""
    page = (sys.modules[rule.check.__module__].__doc__ or "").strip()
    summary, _, rest = page.partition("\n\n")
    if rule.exemptable:
        before, source, after = rest.rpartition("\n## Source\n")
        rest = f"{before.rstrip()}\n{_EXEMPTION.format(name=rule.name)}{source}{after}"
    markdown = (
        f"# {rule.name}\n\nUnless a policy says otherwise: {rule.weight_word}.\n\n"
        f"## What\n{summary}\n\n{rest}\n"
    )
    plain = (
        line.lstrip("#").strip() if line.startswith("## ") else line
        for line in markdown.splitlines()[2:]
    )
    text = "\n".join(line for line in plain if not line.startswith("```"))
    return RulePage(markdown=markdown, summary=" ".join(summary.split()), text=text.strip())


def index_of(rules: tuple[Rule, ...]) -> str:
    """Return the table of all rules, with links to their pages."""
    rows = "".join(
        f"| [{rule.name}]({rule.name}.md) | {rule.weight_word} | {rule.says} |\n" for rule in rules
    )
    return (
        "# Rules\n\nWritten by `make docs` from the rules' docstrings.\n\n"
        f"| rule | default | says |\n|---|---|---|\n{rows}"
    )
