"""The README's picture of a terminal shows a real run and loads nothing."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs/terminal.svg"
COMMAND = ("check", "terraform.tfstate", "--offline", "--as-of", "2026-11-24")
COLUMNS = 80
SECONDS = 60

# Without the fonts that rich's own form loads from another host; the reader's monospaced font is used, and each piece of text
# has its length written with it.
FORM = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>$ tfcert check</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; \
line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
# Links to pages, which some terminals show (OSC 8), are not part of a picture.
LINKS = re.compile(r"\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)")


def on_terminal(folder):
    """Run the command on a terminal of 80 columns, and return its output."""
    terminal, other = pty.openpty()
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path])),
    }
    shown = b""
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "checker", *COMMAND],
            cwd=ROOT / "fixtures/readme",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=other,
            stderr=subprocess.STDOUT,
        ) as process:
            os.close(other)
            while select.select([terminal], [], [], SECONDS)[0]:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:  # the end, on Linux
                    break
                if not piece:
                    break
                shown += piece
            assert process.wait(SECONDS) == 1
    finally:
        os.close(terminal)
    return LINKS.sub("", shown.decode().replace("\r\n", "\n"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return the picture of the present run."""
    text = on_terminal(tmp_path_factory.mktemp("home"))
    with Path(os.devnull).open("w") as nowhere:
        console = Console(
            record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor", legacy_windows=False
        )  # fmt: skip
        console.print(Text.from_ansi(f"$ tfcert {' '.join(COMMAND)}\n{text}"))
        return console.export_svg(
            title="fixtures/readme", theme=DIMMED_MONOKAI, code_format=FORM, unique_id="tfcert"
        )


def test_the_picture_is_of_this_run(drawn):
    """The stored picture equals that of the present run.

    After an intended change, record it again with `TFCERT_RECORD=1`.
    """
    if os.environ.get("TFCERT_RECORD"):
        PICTURE.write_text(drawn, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == drawn


def test_the_picture_loads_nothing():
    """The picture is XML without a script and without an address, except the one of SVG itself."""
    text = PICTURE.read_text(encoding="utf-8")
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert re.findall(r"\w+://[^\"\s]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<script|@import|@font-face|<image|href=|\burl\((?!#)", text)


def test_the_picture_has_colours_and_the_words_of_the_report(drawn):
    """The picture has colours, the finding and the next step."""
    words = " ".join(drawn.replace("&#160;", " ").split())
    assert "certificate-expiring" in words
    assert "next: introduce" in words
    assert len(set(re.findall(r"fill: (#[0-9a-f]{6})", drawn))) >= 3
