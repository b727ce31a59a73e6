"""How the page looks, held against stored pictures at 3 and at 3,000 certificates, in light and in dark.

The pictures are a quarter of the size. They are compared as areas of 8 by 8 pixels of the page, so that the edge of a letter, which
another chromium may draw otherwise, does not matter, and a part that moves, goes or takes another colour does. The fonts are
the test's own. After a change that is meant: `TFCERT_RECORD=1 .venv/bin/python -m pytest tests/browser`, and look at the pictures before they are committed.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image, ImageChops

REFERENCES = Path(__file__).parent / "screenshots"
STORED, COMPARED = 4, 8
TELLING = 12  # of 255, in any of the three colours
ALLOWED = 0.01  # of all areas
NEIGHBOURS, CROWD = (
    4,
    0.4,
)  # so many areas in a square of 4 by 4 are not noise, however few they are on the page


def shot(page, *, full: bool) -> Image.Image:
    picture = Image.open(
        io.BytesIO(page.screenshot(full_page=full, animations="disabled", caret="hide"))
    ).convert("RGB")
    return picture.reduce(STORED)


def difference(one: Image.Image, two: Image.Image) -> float:
    """The share of areas whose colour differs tellingly; 1 where the sizes differ by more than a hundredth, or a spot does."""
    if one.width != two.width or abs(one.height - two.height) > max(2, two.height // 100):
        return 1.0
    size = (0, 0, one.width, min(one.height, two.height))
    areas = [picture.crop(size).reduce(COMPARED // STORED) for picture in (one, two)]
    red, green, blue = ImageChops.difference(*areas).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    telling = most.point([0] * TELLING + [255] * (256 - TELLING))
    _, crowd = telling.reduce(NEIGHBOURS).getextrema()
    return (
        1.0 if crowd > 255 * CROWD else telling.histogram()[255] / (telling.width * telling.height)
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "height"), [("three", 0), ("many", 2400)], ids=["3", "3000"])
def test_the_page_looks_as_it_did(open_page, request, name, height, scheme):
    """The whole page with 3 certificates, the first screens of that with 3,000."""
    page = open_page(name, scheme=scheme, height=height or 900)
    picture = shot(page, full=not height)
    reference = REFERENCES / f"{name}-{scheme}.png"
    if os.environ.get("TFCERT_RECORD") == "1":
        reference.parent.mkdir(exist_ok=True)
        picture.save(reference, optimize=True)
    with Image.open(reference) as stored:
        share = difference(picture, stored.convert("RGB"))
    if share > ALLOWED:
        kept = Path(request.config.rootpath) / ".screenshots" / f"{name}-{scheme}.png"
        kept.parent.mkdir(exist_ok=True)
        picture.save(kept)
        pytest.fail(
            f"{share:.1%} of the page differs from {reference.name}; what it looks like now is in {kept}"
        )


def test_the_comparison_sees_what_a_reader_would(open_page):
    """A part that is gone or moved, a wrong colour even on one bar; and not letters that are drawn a little lighter."""
    page = open_page("three")
    before = shot(page, full=True)
    assert difference(before, before) == 0
    page.evaluate("() => { document.body.style.opacity = 0.97 }")
    assert difference(before, shot(page, full=True)) < ALLOWED
    changes = (
        "() => { document.body.style.opacity = 1; document.querySelector('.chart').style.visibility = 'hidden' }",
        "() => { document.querySelector('.chart').style.visibility = ''; document.querySelector('.verdict').className = 'verdict fine' }",
        "() => { document.querySelector('.verdict').className = 'verdict bad'; document.querySelector('h2').style.marginTop = '24px' }",
        "() => { document.querySelector('h2').style.marginTop = ''; document.querySelector('rect.threshold').style.fill = 'teal' }",
    )
    for change in changes:
        page.evaluate(change)
        assert difference(before, shot(page, full=True)) > ALLOWED


@pytest.mark.parametrize("name", ["three", "many", "blocked", "calm"])
def test_light_and_dark_differ_in_colour_alone(open_page, name):
    """Every part has the same place in both."""
    boxes = """() => [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility())
      .map((one) => { const box = one.getBoundingClientRect(); return [one.localName, box.x, box.y, box.width, box.height].join(" ") })"""
    light, dark = (
        open_page(name, scheme=scheme, kept=True).evaluate(boxes) for scheme in ("light", "dark")
    )
    assert light == dark
    assert len(light) > 100
