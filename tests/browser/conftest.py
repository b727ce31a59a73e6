"""Fixtures that open the HTML report in the machine's chromium.

Each test ends with a check of what the browser complained of and requested.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import gallery
import pytest
from rig.announcing import NO_BROWSER

from checker.reports.html import render

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WATCH = "addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Yield a running chromium that has one family of fonts only.

    Without a chromium binary the test is skipped with a message.
    """
    binary = os.environ.get("TFCERT_CHROMIUM") or next(filter(None, map(which, _NAMES)), None)
    if binary is None:
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("fonts")
    roboto = Path(next(iter(find_spec("font_roboto").submodule_search_locations))) / "files"
    settings = folder / "fonts.conf"
    settings.write_text(
        f"<fontconfig><dir>{roboto}</dir><cachedir>{folder / 'cache'}</cachedir></fontconfig>\n",
        encoding="utf-8",
    )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=binary,
            args=[
                "--disable-gpu",
                "--font-render-hinting=none",
                "--disable-lcd-text",
                "--force-color-profile=srgb",
            ],
            chromium_sandbox=os.geteuid() != 0,
            env={**os.environ, "FONTCONFIG_FILE": str(settings)},
            timeout=120_000,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Return a function that renders a page by its name, once for all tests, and returns the file
    and its outcome.
    """
    made = {}

    def page(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            outcome = gallery.OUTCOMES[name](folder)
            file = folder / "page.html"
            file.write_text(render(outcome), encoding="utf-8", newline="")
            made[name] = (file, outcome)
        return made[name]

    return page


@pytest.fixture(scope="session")
def tabs(chromium):
    """Yield a function that returns a tab with or without scripts.

    Each tab is made once, because a new renderer is slow.
    """
    made = {}

    def tab(script):
        if script not in made:
            context = chromium.new_context(
                java_script_enabled=script,
                reduced_motion="reduce",
                permissions=["clipboard-read", "clipboard-write"],
            )
            context.set_default_timeout(30_000)
            context.add_init_script(_WATCH)
            made[script] = context.new_page()
        return made[script]

    yield tab
    for page in made.values():
        page.context.close()


@pytest.fixture(scope="session")
def left_open():
    """Return the pages that tabs still show from the test before, by whether the tab has
    scripts.
    """
    return {}


@pytest.fixture
def open_page(tabs, pages, left_open):
    """Yield a function that opens a page. After the test, fail if the page made a network request,
    logged, threw, or broke its policy.

    The tab is shared, so what a test leaves in it (page, storage, mouse position, listeners) is
    removed after the test. With `kept`, the page stays open for a next test that opens the same
    page with `kept`. Such tests neither change the page nor depend on changes.
    """
    used, listeners, complaints = [], [], []

    def stop_listening():
        while listeners:
            page, event, listener = listeners.pop()
            page.remove_listener(event, listener)

    def show(
        name,
        *,
        scheme="light",
        width=1280,
        height=900,
        script=True,
        file=None,
        quiet=True,
        kept=False,
    ):
        page = tabs(script)
        stop_listening()
        used.append((page, script))
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(media="null", color_scheme=scheme)
        url = (file or pages(name)[0]).as_uri()
        watching = {
            "console": lambda said: complaints.append(f"console: {said.text}"),
            "pageerror": lambda error: complaints.append(f"error: {error}"),
            "request": lambda asked: (
                None if asked.url == url else complaints.append(f"request: {asked.url[:80]}")
            ),
        }
        for event, listener in watching.items() if quiet else ():
            page.on(event, listener)
            listeners.append((page, event, listener))
        if left_open.pop(script, None) != url or not kept:
            page.goto(url)
        if kept:
            left_open[script] = url
        return page

    yield show
    stop_listening()
    _tidy(used, left_open)
    assert [
        complaint
        for complaint in complaints
        if not complaint.startswith("request: data:image/svg+xml,")
    ] == []


def _tidy(used, left_open):
    """Remove what a test left in its tabs, including the page unless it is kept."""
    for page, script in used:
        if script:
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
            page.mouse.move(-1, -1)
    for page, script in used:
        if script not in left_open:
            page.goto("about:blank")
