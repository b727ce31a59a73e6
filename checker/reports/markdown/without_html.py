"""A Markdown report without HTML, for a forge that shows HTML as text."""

from __future__ import annotations

import html
import re

from checker.reports.markdown.escape import code

_FENCE = re.compile(r"(`{3,})[a-z]*")
_SUMMARY = re.compile(r"<details><summary>(.*)</summary>")
_CODE = re.compile(r"<code>(.*?)</code>")


def without_html(text: str) -> str:
    """Return a report with a bold line in the place of each fold's summary.

    What is inside a fence stays as it is: it may be a patch that contains such a tag. The report
    has no other HTML, since names in it are escaped.
    """
    lines: list[str] = []
    fence: str | None = None
    for line in text.split("\n"):
        if fence is not None:
            fence = None if line == fence else fence
            lines.append(line)
            continue
        opened, summary = _FENCE.fullmatch(line), _SUMMARY.fullmatch(line)
        fence = opened[1] if opened is not None else None
        if summary is not None:
            lines.append(f"**{_plain(summary[1])}**")
        elif line != "</details>":
            lines.append(line)
    return "\n".join(lines)


def _plain(summary: str) -> str:
    # The pattern has a group, so the split has names at odd positions.
    return "".join(
        code(html.unescape(part)) if at % 2 else html.unescape(part)
        for at, part in enumerate(_CODE.split(summary))
    )
