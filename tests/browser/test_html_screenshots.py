"""The page is compared with stored pictures at 1, 3, 300 and 3,000 certificates, in light, in dark
and on a phone.

The stored pictures are a quarter of the size. They are compared in areas of 8 by 8 pixels of the
page: the edge of a letter, which another chromium may draw differently, does not matter, but a part
that moves, disappears or changes its colour does. The fonts are the test's own. After an intended
change, run `TFCERT_RECORD=1 .venv/bin/python -m pytest tests/browser`, and look at the pictures
before you commit them.
"""

from __future__ import annotations

import io
import os
from itertools import pairwise
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
)  # this many areas in a square of 4 by 4 are not noise, even if they are few on the page


def shot(page, *, full: bool) -> Image.Image:
    picture = Image.open(
        io.BytesIO(page.screenshot(full_page=full, animations="disabled", caret="hide"))
    ).convert("RGB")
    return picture.reduce(STORED)


def difference(one: Image.Image, two: Image.Image) -> float:
    """Return the share of areas whose colour differs clearly.

    It is 1 if the heights differ by more than a hundredth, or if one spot differs.
    """
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


LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 390)}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    ("name", "height"),
    [("one", 0), ("three", 0), ("three-hundred", 2400), ("many", 2400)],
    ids=["1", "3", "300", "3000"],
)
def test_the_page_looks_as_it_did(open_page, request, name, height, look):
    """The page looks like its stored picture: whole with 1 and 3 certificates, the first screens
    with 300 and 3,000.
    """
    scheme, width = LOOKS[look]
    page = open_page(name, scheme=scheme, width=width, height=height or 900)
    picture = shot(page, full=not height)
    reference = REFERENCES / f"{name}-{look}.png"
    if os.environ.get("TFCERT_RECORD") == "1":
        reference.parent.mkdir(exist_ok=True)
        picture.save(reference, optimize=True)
    with Image.open(reference) as stored:
        share = difference(picture, stored.convert("RGB"))
    if share > ALLOWED:
        kept = Path(request.config.rootpath) / ".screenshots" / f"{name}-{look}.png"
        kept.parent.mkdir(exist_ok=True)
        picture.save(kept)
        pytest.fail(
            f"{share:.1%} of the page differs from {reference.name}; what it looks like now is in {kept}"
        )


@pytest.mark.parametrize("name", ["one", "three", "three-hundred", "many", "hostile", "scanned"])
def test_on_a_phone_the_bar_is_one_line_and_nothing_overlaps(open_page, name):
    """At a width of 390 pixels, the bar is one line, and the heads of the findings are one line."""
    page = open_page(name, width=390, height=844)
    tops = "(nodes) => nodes.map((node) => Math.round(node.getBoundingClientRect().top))"
    assert len(set(page.eval_on_selector_all("nav a", tops))) == 1
    assert page.locator(".top").bounding_box()["height"] < 60
    heads = page.eval_on_selector_all("thead th[data-sort]", tops)
    assert len(set(heads)) <= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = page.eval_on_selector_all(
        "main > section",
        "(nodes) => nodes.map((node) => { const box = node.getBoundingClientRect(); return [box.top, box.bottom]; })",
    )
    assert all(first[1] <= second[0] + 1 for first, second in pairwise(boxes))


def test_the_comparison_sees_what_a_reader_would(open_page):
    """The comparison notices a part that is gone, moved or recoloured, and ignores letters that are
    drawn slightly lighter.
    """
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
    """Every part of the page has the same place in the light and the dark scheme."""
    boxes = """() => [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility())
      .map((one) => { const box = one.getBoundingClientRect(); return [one.localName, box.x, box.y, box.width, box.height].join(" ") })"""
    light, dark = (
        open_page(name, scheme=scheme, kept=True).evaluate(boxes) for scheme in ("light", "dark")
    )
    assert light == dark
    assert len(light) > 100
