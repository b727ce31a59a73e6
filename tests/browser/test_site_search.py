"""The search of the documentation site works from disk, without a server or a network."""

from __future__ import annotations

from built_site import build


def test_search_finds_a_page_without_a_server(chromium, tmp_path):
    """A search finds the page about the typed words, and requests only files of the site."""
    build(tmp_path / "site")
    context = chromium.new_context()
    context.set_default_timeout(30_000)
    page = context.new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "site/index.html").as_uri())
    page.click("[data-md-component=search-query]")
    page.keyboard.type("trust bundle")
    found = page.locator(".md-search-result__item h1").first
    found.wait_for()
    titles = page.locator(".md-search-result__item h1").all_inner_texts()
    found.click()
    page.wait_for_url("**/trust.html?*")
    context.close()
    assert titles
    assert complaints == []
    assert requests
    assert all(url.startswith((tmp_path / "site").as_uri()) for url in requests)
