"""The picture of the HTML report in the README and docs/html.md shows the present report.

`TFCERT_RECORD=1 .venv/bin/python -m pytest tests/browser/test_picture_of_the_page.py` records it
again. Look at the result.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from test_html_screenshots import ALLOWED, difference

PICTURE = Path(__file__).resolve().parents[2] / "docs/html.png"
WIDTH, HEIGHT, BETWEEN = 1292, 1336, 8
COLOURS = 256


@pytest.fixture
def side_by_side(open_page):
    """Return the first screen of the report in light and in dark, at half its size."""
    shots = []
    for scheme in ("light", "dark"):
        page = open_page("three", scheme=scheme, width=WIDTH, height=HEIGHT)
        data = page.screenshot(animations="disabled", caret="hide")
        shots.append(Image.open(io.BytesIO(data)).convert("RGB").reduce(2))
    size = (shots[0].width + BETWEEN + shots[1].width, shots[0].height)
    picture = Image.new("RGB", size, "white")
    picture.paste(shots[0], (0, 0))
    picture.paste(shots[1], (shots[0].width + BETWEEN, 0))
    return picture


def test_the_picture_is_of_the_page_as_it_is(side_by_side):
    """The stored picture looks like the present report, apart from the edges of letters."""
    if os.environ.get("TFCERT_RECORD") == "1":
        side_by_side.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE).save(
            PICTURE, optimize=True
        )
    with Image.open(PICTURE) as stored:
        share = difference(side_by_side.reduce(2), stored.convert("RGB").reduce(2))
    assert share <= ALLOWED, "the page looks otherwise now: record the picture again"
