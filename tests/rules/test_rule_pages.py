"""The page of each rule: as Markdown, as its first paragraph, and as plain text."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.rules import RULES
from checker.rules.docs import HEADINGS, index_of, page_of

PAGES = Path(__file__).parents[2] / "docs" / "rules"


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_the_page_in_the_docs_is_that_of_the_rule(rule):
    assert page_of(rule).markdown == (PAGES / f"{rule.name}.md").read_text(encoding="utf-8")


def test_the_table_in_the_docs_has_all_rules():
    assert index_of(RULES) == (PAGES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_the_plain_text_has_every_line_without_marks_of_markdown(rule):
    """The summary is one line; the text has the page after its title, without `##` and fences."""
    page = page_of(rule)
    lines = page.markdown.splitlines()
    text = page.text.splitlines()
    assert [*HEADINGS] == [line for line in text if line in HEADINGS]
    kept = [line.removeprefix("## ") for line in lines[2:] if not line.startswith("```")]
    while not kept[-1]:
        kept.pop()
    assert text == kept
    assert "\n" not in page.summary
    assert page.summary == " ".join(lines[5 : lines.index("", 5)])
