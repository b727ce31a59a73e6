"""The page of a fleet in a browser: what one owner has to do is found by its name."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from states import AS_OF, certificate, stage, state, write

OWNERS = 30


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, forking):
    """Write the page of ninety states of thirty owners, each with three certificates."""
    folder = tmp_path_factory.mktemp("fleet")
    for number in range(3 * OWNERS):
        end = f"2026-12-{1 + number // OWNERS:02d}T00:00:00Z"
        parts = [
            certificate(f"c{number:03d}", end, tags={"Owner": f"team-{number % OWNERS:02d}"}),
            stage(f"api{number}", f"c{number:03d}"),
        ]
        write(folder / f"fleet/{number:03d}.tfstate", state(parts))
    done = forking.run(
        ["check", "--states", "fleet", "--offline", "--as-of", AS_OF, "--group-by", "owner",
         "--format", "html=page.html"],
        cwd=folder, env={"PATH": "", "HOME": str(folder)}, stdin=b"",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return folder / "page.html"


def test_an_owner_is_found_by_name(open_page, page_file):
    """One owner is left and open, with its findings in the order of their ends; then all again."""
    page = open_page("fleet", file=page_file)
    groups = page.locator("#fleet .group:visible")
    expect(groups).to_have_count(20)
    expect(page.locator("#fleet .groups summary").first).to_have_text("and 10 more owners")
    field = page.get_by_label("Find an account, an owner or another group")
    field.fill("TEAM-29")
    expect(groups).to_have_count(1)
    tasks = page.get_by_role("list", name="team-29").get_by_role("listitem")
    assert [each.split("fleet/")[1] for each in tasks.all_inner_texts()] == [
        "029.tfstate", "059.tfstate", "089.tfstate",
    ]  # fmt: skip
    expect(page.locator("#fleet output")).to_have_text("1 group of 30")
    field.fill("")
    expect(groups).to_have_count(20)
    expect(page.locator("#fleet .group[open]")).to_have_count(0)


def test_findings_are_found_by_their_owner(open_page, page_file):
    """The table of findings shows the owner, so its search finds it."""
    page = open_page("fleet", file=page_file)
    page.get_by_role("search", name="Findings").get_by_label("Text").fill("team-07")
    expect(page.locator("table.findings tbody tr:visible")).to_have_count(3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page_of_a_fleet(open_page, page_file, scheme):
    """With every group open."""
    page = open_page("fleet", file=page_file, scheme=scheme)
    page.evaluate("document.querySelectorAll('#fleet details').forEach((one) => one.open = true)")
    assert Axe().run(page).response["violations"] == []


def test_without_a_script_all_groups_are_there(open_page, page_file):
    """Thirty groups, which open without a script."""
    page = open_page("fleet", file=page_file, script=False)
    expect(page.locator("#fleet .group")).to_have_count(OWNERS)
    expect(page.locator("#fleet form")).to_be_hidden()
