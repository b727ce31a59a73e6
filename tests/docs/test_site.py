"""Tests of the documentation site: it builds without a warning, links reach every page, and nothing
is loaded from another host.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from built_site import ROOT, build

LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


class Page(HTMLParser):
    """The links and anchors of a page, and the files that it loads."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.loads = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if values.get(LOADS.get(tag, "")):
            self.loads.append(values[LOADS[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the built site, and its pages by path."""
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    pages = {
        path: Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
        if path.name != "404.html"
    }
    return folder, pages


def targets(path, links):
    """Yield the file and anchor to which each relative link of a page leads."""
    for link in links:
        split = urlsplit(link)
        if not split.scheme and not split.netloc:
            file = (path.parent / unquote(split.path)).resolve() if split.path else path
            yield link, file, unquote(split.fragment)


def test_every_page_of_the_repository_is_a_page_of_the_site(site):
    """Each Markdown file of docs, the README, CONTRIBUTING and the CHANGELOG is a page of
    the site.
    """
    folder, pages = site
    names = {path.relative_to(folder).as_posix() for path in pages}
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert name.replace("README.html", "index.html") in names
    assert {"index.html", "CONTRIBUTING.html", "CHANGELOG.html"} <= names


def test_every_page_is_reached_and_every_link_leads_somewhere(site):
    """Every page can be reached by links from the first page, and every link leads to an existing
    file and anchor.
    """
    folder, pages = site
    reached, waiting = set(), [folder / "index.html"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        for link, file, anchor in targets(path, pages[path].links):
            assert file.is_file(), (path.name, link)
            if file in pages:
                assert not anchor or anchor in pages[file].anchors, (path.name, link)
                waiting.append(file)
    assert {path.relative_to(folder) for path in pages} == {
        path.relative_to(folder) for path in reached
    }


def test_the_menu_has_every_page(site):
    """The menu of the first page lists every page."""
    folder, pages = site
    text = (folder / "index.html").read_text(encoding="utf-8")
    menu = Page(text[text.index("md-sidebar--primary") : text.index("md-content")])
    listed = [file for _, file, anchor in targets(folder / "index.html", menu.links) if not anchor]
    assert set(listed) == set(pages)


def test_nothing_is_loaded_from_another_host(site):
    """All scripts, styles and pictures of the site are its own files."""
    folder, pages = site
    for path, page in pages.items():
        for address in page.loads:
            assert not urlsplit(address).netloc, (path.name, address)
            assert not address or (path.parent / urlsplit(address).path).exists(), (path.name, address)  # fmt: skip
    styles = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.css"))
    assert re.findall(r"(?:@import|url\(['\"]?(?:https?:)?//)[^;)]*", styles) == []
