"""Links from a finding to the page of its rule, where the terminal has links."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

# Programs that show OSC 8 links, as they name themselves in TERM_PROGRAM.
_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "zed"})
# Variables that only such terminals set.
_OWN = ("WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID", "DOMTERM")
_TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm")
# The first version of GNOME's terminal library whose links are safe, 0.50.1 (0.50.0 crashed).
_VTE = 5001


def has_links(environment: Mapping[str, str]) -> bool:
    """Return whether the terminal shows OSC 8 hyperlinks.

    FORCE_HYPERLINK decides, if it is set. Inside tmux and screen, and in a pipeline, there are
    none: not every version passes them on. Source: "Hyperlinks in terminal emulators"; the npm
    package supports-hyperlinks, for FORCE_HYPERLINK and for the names of terminals.
    """
    forced = environment.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced not in {"", "0", "false"}
    term = environment.get("TERM", "")
    if environment.get("CI") or environment.get("TMUX") or term.startswith(("screen", "tmux")):
        return False
    version = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS
        or any(environment.get(name) for name in _OWN)
        or term.startswith(_TERMS)
        or (version.isdecimal() and int(version) >= _VTE)
    )


def rule_pages(address: str | None) -> Callable[[str], str | None]:
    """Return a function that gives the address of a rule's page; None for a rule without a page.

    `address` is the folder that the policy names (`[comment]`, `rule_pages`). Without it the pages
    are the files that come with tfcert.
    """
    if address is not None:
        base = address.rstrip("/")
        return lambda rule: f"{base}/{rule}.md"
    here = Path(__file__).resolve()
    # Installed pages are in the package; in a checkout they are next to it.
    folders = (here.parents[2] / "rule_pages", here.parents[3] / "docs" / "rules")

    def page(rule: str) -> str | None:
        file = next((path for folder in folders if (path := folder / f"{rule}.md").is_file()), None)
        # The host's name lets a terminal tell a file of another machine from one of its own.
        return (
            f"file://{quote(socket.gethostname())}{quote(os.fsencode(file))}"
            if file is not None
            else None
        )

    return page
