"""Tests of the HTML report in a browser: isolation, keyboard, no script, filters, sorting, copying
and printing.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

SCHEMES = ("light", "dark")
OTHERS = ("blocked", "calm", "hostile", "scanned", "exempted", "doubtful")
TEXTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, ground(element.parentElement));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const seen = new Map(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style, option, .unseen, .skip") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    if (!size) continue;
    const back = ground(element), front = over(rgba(element instanceof SVGElement ? style.fill : style.color), back);
    const [more, less] = [light(front), light(back)].sort((one, two) => two - one);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (more + 0.05) / (less + 0.05), key = `${element.localName}.${element.className.baseVal ?? element.className}`;
    if (!seen.has(key) || seen.get(key)[0] > ratio) seen.set(key, [ratio, large ? 3 : 4.5, node.data.trim().slice(0, 40)]);
  }
  return [...seen];
}"""
COLOURS = (
    TEXTS.partition("  const seen")[0].replace("() =>", "(names) =>")
    + """
  const probe = document.body.appendChild(document.createElement("i")), paper = light(ground(document.body));
  return Object.fromEntries(names.map((name) => {
    probe.style.color = `var(${name})`;
    const [more, less] = [light(rgba(getComputedStyle(probe).color)), paper].sort((one, two) => two - one);
    return [name, (more + 0.05) / (less + 0.05)];
  }));
}"""
)


@pytest.mark.parametrize("name", ["three", "many", *OTHERS])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_text_has_the_contrast_of_aa(open_page, name, scheme):
    """Each text has a contrast of at least 4.5 to 1 in both colour schemes, or 3 to 1 if it is
    large.
    """
    page = open_page(name, scheme=scheme, kept=True)
    if name != "many":
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    texts = page.evaluate(TEXTS)
    assert len(texts) > 15
    assert [entry for entry in texts if entry[1][0] < entry[1][1]] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_drawn_stands_out(open_page, scheme):
    """The chart's lines, the borders of controls and the focus ring have a contrast of 3 to 1 to
    the paper.
    """
    page = open_page("three", scheme=scheme)
    colours = page.evaluate(
        COLOURS, ["--life", "--notice", "--threshold", "--edge", "--focus", "--ink"]
    )
    assert len(colours) == 6
    assert {name: ratio for name, ratio in colours.items() if ratio < 3} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["three", *OTHERS])
def test_axe_finds_nothing(open_page, name, scheme):
    """axe-core finds no violation of WCAG or of its best practices on a page with everything
    unfolded.
    """
    page = open_page(name, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    # The results omit the elements that pass, which cost as much as the check itself.
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


def test_the_choice_of_colours_wins_over_the_machine_s(open_page):
    """A reader's choice of colours overrides the machine's setting, and is kept after a reload."""
    page = open_page("three", scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("radio", name="Light").focus()
    page.keyboard.press("ArrowRight")
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == dark
    assert page.get_by_role("radio", name="Dark").is_checked()
    page.get_by_role("radio", name="Auto").check(force=True)
    assert page.evaluate(paper) == light


def test_a_walk_with_the_tabulator_sees_everything_in_its_order(open_page):
    """The Tab key reaches the skip link first, then each control down the page, and each has a
    visible outline.
    """
    page = open_page("three")
    stop = """() => {
      const at = document.activeElement, shown = at.matches("label > input[type=radio], label > input[type=checkbox]") ? at.nextElementSibling : at;
      const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
      return { tag: at.localName, text: (at.ariaLabel || at.labels?.[0]?.textContent || at.textContent).trim().slice(0, 60),
        place: [...document.querySelectorAll("*")].indexOf(at),
        outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.height > 0 };
    }"""
    stops = []
    for _ in range(120):
        page.keyboard.press("Tab")
        found = page.evaluate(stop)
        if found["tag"] == "body":
            break
        stops.append(found)
    assert stops[0]["text"] == "Skip to what to do next"
    assert [found["place"] for found in stops] == sorted(found["place"] for found in stops)
    assert [found for found in stops if not found["outlined"]] == []
    texts = [found["text"] for found in stops]
    assert {"Severity", "Days left", "Rule", "Where", "Copy 1-introduce.patch", "Show all"} <= set(
        texts
    )
    assert any(found["tag"] == "pre" for found in stops)
    assert stops[-1]["tag"] in {"summary", "pre"}


def test_findings_are_filtered_by_severity_rule_and_text(open_page, pages):
    """Findings are filtered by severity, rule and text.

    The page announces how many are left, and the filter can be reset.
    """
    outcome = pages("many")[1]
    errors = sum(finding.severity == 0 for finding in outcome.findings)
    page = open_page("many")
    found, form = page.locator("#findings output"), page.get_by_role("search", name="Findings")
    total = f"of {len(outcome.findings)}"
    expect(found).to_have_text(f"{len(outcome.findings)} findings {total}")
    form.get_by_text("warning").click()
    expect(found).to_have_text(f"{errors} findings {total}")
    assert {
        row.get_attribute("data-severity") for row in page.locator("tbody tr:visible").all()[:5]
    } == {"error"}
    form.get_by_label("Text").fill("SERVICE_0000")
    expect(found).to_have_text(f"1 finding {total}")
    assert page.locator("tbody tr:visible").count() == 1
    form.get_by_label("Text").fill("no such thing")
    page.get_by_text("No finding matches.").wait_for()
    page.locator("[data-reset]").click()
    expect(found).to_have_text(f"{len(outcome.findings)} findings {total}")
    form.get_by_label("Rule").select_option("certificate-expiring")
    expiring = sum(finding.rule == "certificate-expiring" for finding in outcome.findings)
    expect(found).to_have_text(f"{expiring} findings {total}")


def test_suppressed_findings_are_left_out_or_shown_alone(open_page):
    """Suppressed findings are shown and marked, and a reader can hide them or show only them."""
    page = open_page("exempted")
    assert page.locator("section.verdict.warn").count() == 1
    found, form = page.locator("#findings output"), page.get_by_role("search", name="Findings")
    expect(found).to_have_text("3 findings of 3")
    form.get_by_label("Suppressed").select_option("hidden")
    expect(found).to_have_text("2 findings of 3")
    form.get_by_label("Suppressed").select_option("only")
    expect(found).to_have_text("1 finding of 3")
    row = page.locator("tbody tr:visible")
    assert (
        "the service ends before its certificate does, until 2026-12-23, owner payments"
        in row.text_content()
    )
    form.get_by_role("button", name="Show all").click()
    expect(found).to_have_text("3 findings of 3")


@pytest.mark.parametrize(
    ("head", "key"), [("Severity", "weight"), ("Days left", "days"), ("Rule", "rule")]
)
def test_a_head_of_the_table_sorts_both_ways_by_keyboard(open_page, head, key):
    """A column head sorts both ways by keyboard, keeps the order of equal rows, and announces the
    order.
    """
    page = open_page("many", kept=True)
    button = page.get_by_role("button", name=head, exact=True)
    for _ in range(2):
        button.focus()
        page.keyboard.press("Enter")
        order = page.locator(f"th[data-sort={key}]").get_attribute("aria-sort")
        cells = page.eval_on_selector_all(
            "tbody tr", f"(rows) => rows.map((row) => row.dataset.{key})"
        )
        values = [cell if key == "rule" else int(cell) for cell in cells]
        assert values == sorted(values, reverse=order == "descending")
        assert page.locator("[aria-sort=ascending], [aria-sort=descending]").count() == 1
        assert page.locator("#spoken").text_content() == f"Sorted by {head.lower()}, {order}"


def test_a_certificate_is_found_behind_its_fold(open_page):
    """A search for a certificate or a stage opens the fold that contains it, and an empty search
    closes the fold.
    """
    page = open_page("many")
    box = page.get_by_label("Find a certificate or a stage")
    row = page.locator(".cert", has_text="service_1500")
    assert not row.is_visible()
    box.fill('service_1500["2"]')
    row.wait_for()
    expect(page.locator("#timeline output")).to_have_text("1 certificate of 3,001")
    assert page.locator(".cert:visible").count() == 1
    box.fill("")
    row.wait_for(state="hidden")


@pytest.mark.parametrize("clipboard", [True, False], ids=["clipboard", "no-clipboard"])
def test_a_patch_is_copied_to_the_byte_and_it_is_said(open_page, pages, clipboard):
    """The copy button copies a patch byte for byte, including Windows line ends and direction
    marks, and announces the copy.
    """
    (first, *_) = pages("hostile")[1].patches
    assert "\r\n" in first.diff
    page = open_page("hostile")
    page.evaluate("navigator.clipboard.writeText('')")
    if not clipboard:
        page.evaluate(
            "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('none')) }"
        )
    page.get_by_role("button", name="Copy 1-introduce.patch").click()
    expect(page.locator("#spoken")).to_have_text("Copied 1-introduce.patch")
    assert page.locator("#p0t").evaluate("(pre) => pre.textContent") == first.diff
    assert page.evaluate("navigator.clipboard.readText()") == first.diff


def test_the_commands_of_a_step_are_copied_as_they_are_typed(open_page, pages):
    """The commands of a step are copied exactly as typed, even if a stage's name has quotes or
    tags.
    """
    (rotation,) = pages("scanned")[1].manual
    (number,) = [
        at
        for at, step in enumerate(rotation.steps)
        if "it's" in "".join(step.commands) or "</pre>" in "".join(step.commands)
    ][:1]
    page = open_page("scanned")
    page.evaluate("navigator.clipboard.writeText('')")
    page.locator(".steps > li").nth(number).get_by_role("button").click()
    expect(page.locator("#spoken")).to_have_text(
        f"Copied the commands of step {number + 1} for old000"
    )
    assert page.evaluate("navigator.clipboard.readText()") == "\n".join(
        rotation.steps[number].commands
    )


@pytest.mark.parametrize("name", ["three", "hostile"])
def test_without_a_script_everything_is_there_to_read(open_page, pages, name):
    """Without a script, the page shows all findings, certificates, stages and patches, and no
    control.
    """
    outcome = pages(name)[1]
    page = open_page(name, script=False)
    assert page.locator("button:visible, input:visible, select:visible").count() == 0
    assert outcome.cases.all
    assert outcome.findings
    text = page.locator("body").text_content()
    for case in outcome.cases.all:
        assert str(case.address) in text
    for finding in outcome.findings:
        assert finding.remedy.replace("`", "")[1:] in text
    for patch in outcome.patches:
        assert patch.file_name in text
    assert page.locator(".cert:visible").count() == len(outcome.cases.all)
    page.locator("details:not([open]) > summary").first.click()


@pytest.mark.parametrize("width", [80, 320, 768, 1280, 3840])
@pytest.mark.parametrize("name", ["three", "hostile", "blocked", "scanned"])
def test_no_width_makes_the_page_wider_than_its_window(open_page, name, width):
    """At no width is the page wider than its window: text wraps, and wide parts scroll in their own
    box.
    """
    page = open_page(name, width=width, height=600)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("h1").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def test_three_thousand_certificates_are_not_laid_out_at_once(open_page, pages):
    """Of three thousand certificates, the page first shows only the urgent ones, the folds and the
    first findings.
    """
    outcome = pages("many")[1]
    page = open_page("many")
    assert page.locator(".cert").count() == len(outcome.cases.all) == 3001
    assert page.locator(".cert:visible").count() <= 40
    assert page.locator("tbody tr:visible").count() == min(200, len(outcome.findings))
    assert page.locator(".card:visible").count() <= 20
    first = page.locator(".cert .left b").first.text_content()
    assert int(first) == min(case.days_left for case in outcome.cases.all)
    page.get_by_role("button", name="Show them too").click()
    assert page.locator("tbody tr:visible").count() == len(outcome.findings)


def test_paper_is_white_and_bears_no_controls(open_page):
    """A printed page is white, has no controls, and includes all rows, even those beyond the first
    part.
    """
    page = open_page("many", scheme="dark")
    page.get_by_role("radio", name="Dark").check(force=True)
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.locator("nav, .filters, .copy, .theme").filter(visible=True).count() == 0
    rows = page.locator("tbody tr")
    assert rows.count() > 200
    assert rows.last.is_visible()
    page = open_page("three", scheme="dark")
    assert page.pdf(format="A4").startswith(b"%PDF-")


def test_names_that_try_to_leave_their_place_stay_text(open_page, pages):
    """Hostile names are shown as text, invisible characters as escapes, and none of their code
    runs.
    """
    page = open_page("hostile")
    assert page.title().startswith("A certificate in use ends in 12 days.")
    assert page.locator("img, script:not(head script), [onmouseover], [onerror]").count() == 0
    text = page.locator("#timeline").text_content()
    for part in (
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }}",
    ):
        assert part in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    for code in ("U+202E", "CR"):
        shown = page.locator(f"#p0t [data-code='{code}']").first
        assert shown.evaluate("(odd) => getComputedStyle(odd, '::before').content") == f'"{code}"'
        assert shown.bounding_box()["width"] > 8


def test_the_page_s_own_policy_stops_what_gets_into_it(open_page, pages, tmp_path):
    """The page's own policy blocks an added script, style, picture or frame, without a network
    request.
    """
    asked = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        there = f"http://127.0.0.1:{server.server_port}"
        added = (
            f'<img src="{there}/i"><link rel="stylesheet" href="{there}/c"><script src="{there}/s"></script><iframe src="{there}/f"></iframe>'
            f'<script>document.title = "taken"; fetch("{there}/x")</script><p id="probe" style="color: rgb(1, 2, 3)" onclick="document.title=1">.</p>'
        )
        file = tmp_path / "tampered.html"
        file.write_text(
            pages("three")[0].read_text(encoding="utf-8").replace("</main>", f"</main>{added}"),
            encoding="utf-8",
        )
        page = open_page("tampered", file=file, quiet=False)
        page.locator("#probe").click()
        assert page.title().startswith("A certificate in use")
        assert (
            page.locator("#probe").evaluate("(one) => getComputedStyle(one).color")
            != "rgb(1, 2, 3)"
        )
        assert asked == []
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
