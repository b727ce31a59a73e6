"""The section of one version in CHANGELOG.md, which is in the form of Keep a Changelog."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^## \[?(?P<version>[^\]\s]+)\]?(?: - \d{4}-\d{2}-\d{2})?\s*$")
# A link of Markdown that is relative to the repository.
_LINK = re.compile(r"(\]\()(?![a-z][a-z0-9+.-]*:|[#/])([^)\s]+)")


class ChangelogError(ValueError):
    """The changelog has no section for a version, or not exactly one, or an empty one."""


def section(text: str, version: str, *, address: str | None = None) -> str:
    """Return the section of a version, without its heading.

    Its links are relative to the repository. With `address`, the URL of the repository's files at
    that version, they begin with it, so that they also work on another page.

    Raises ChangelogError if there is not exactly one such section, or if it is empty.
    """
    found = [lines for name, lines in _sections(text) if name == version]
    if len(found) != 1:
        count = "no section" if not found else f"{len(found)} sections"
        raise ChangelogError(f"{count} of version {version}: it needs one `## {version} - DATE`")
    body = "\n".join(found[0]).strip()
    if not re.search(r"^(?!#)\S", body, re.MULTILINE):
        raise ChangelogError(f"the section of version {version} has no text below its headings")
    if address is not None:
        body = _LINK.sub(lambda link: f"{link[1]}{address.rstrip('/')}/{link[2]}", body)
    return body + "\n"


def _sections(text: str) -> list[tuple[str, list[str]]]:
    """Return each section's version and lines. In a code block, no line is a heading."""
    found: list[tuple[str, list[str]]] = []
    fence = None
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and fence in {None, mark[1]}:
            fence = mark[1] if fence is None else None
        heading = None if fence or mark else _HEADING.match(line)
        if heading:
            found.append((heading["version"], []))
        elif found:
            found[-1][1].append(line)
    return found
