"""The HTML page: its first sentences, its completeness, and that no input becomes markup."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from outcomes import scanned
from world import BASE, CERTIFICATE, HOME, NOW, STAGE, bounded, days, world

from checker.analysis.cases import build_cases
from checker.model.conditions import Conditions
from checker.model.deadlines import left_in_words
from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.inventory import Document, Inventory, Source
from checker.model.observation import Observations, Unanswered
from checker.model.outcome import Outcome
from checker.model.policy import FailOn, Policy, Run, Scope
from checker.model.rotation import Phase, WrittenPatch
from checker.model.severity import Severity
from checker.pipeline import check
from checker.reports.escape import printable
from checker.reports.html import render
from checker.reports.html.diffs import highlight_diff, places
from checker.reports.html.format import NOW as PRESENT
from checker.reports.html.format import deadline_of, name_of, place, prose, split

ADDRESS = f"{CERTIFICATE}.orders"


class Page(HTMLParser):
    """Parse a page into its elements with attributes and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._silent = ""
        # A browser does the same before it parses. Source: HTML Living Standard, 13.2.3.5,
        # preprocessing the input stream.
        self.feed(html.replace("\r\n", "\n").replace("\r", "\n"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in {"style", "script"}:
            self._silent = tag

    def handle_endtag(self, tag):
        if tag == self._silent:
            self._silent = ""

    def handle_data(self, data):
        if not self._silent:
            self.text.append(data)

    def __contains__(self, words: str) -> bool:
        return words in " ".join("".join(self.text).split())

    def all(self, tag: str, of_class: str = "") -> list[dict[str, str | None]]:
        return [
            have
            for name, have in self.elements
            if name == tag and of_class in [*(have.get("class") or "").split(), ""]
        ]


def heading(html: str) -> str:
    return re.search(r'<h1 id="said">(.*?)</h1>', html).group(1)


def finding(rule: str, severity: Severity = Severity.ERROR, **more: object) -> Finding:
    return Finding(
        rule=rule, severity=severity, message=f"what {rule} says", remedy=f"cure {rule}", **more
    )  # type: ignore[arg-type]


@pytest.fixture
def judged(tmp_path):
    """Return the outcome of a certificate with 12 days left."""
    return world(tmp_path, {"main.tf": BASE}).judge()


def with_findings(outcome: Outcome, *findings: Finding, fail_on: FailOn = FailOn.ERROR) -> Outcome:
    policy = replace(outcome.cases.policy, fail_on=fail_on)
    return replace(
        outcome, findings=findings, rotations=(), cases=replace(outcome.cases, policy=policy)
    )


def test_the_verdict_comes_first_and_then_what_to_do(judged):
    """The page has the verdict and the next step before timeline, findings, rotations and
    patches.
    """
    html = render(judged)
    assert heading(html) == "A certificate in use ends in 12 days."
    marks = [
        '<h1 id="said">',
        'id="next"',
        'id="timeline"',
        'id="findings"',
        'id="rotations"',
        'id="patches"',
    ]
    assert [html.count(mark) for mark in marks] == [1] * len(marks)
    assert sorted(marks, key=html.index) == marks
    page = Page(html)
    assert "Introduce orders_202611 beside orders" in page
    assert f"tfcert patch --only {ADDRESS}" in page


@pytest.mark.parametrize(
    ("findings", "said", "tone"),
    [
        (
            (finding("certificate-expired"), finding("certificate-expiring", days_left=2)),
            "A certificate in use has ended.",
            "bad",
        ),
        (
            (finding("stage-detached"), finding("certificate-expired")),
            "Do not apply this plan as it is.",
            "bad",
        ),
        (
            (finding("certificate-gone"),),
            "A stage presents a certificate that AWS does not know.",
            "bad",
        ),
        (
            (finding("certificate-expiring", days_left=0),),
            "A certificate in use ends in less than a day.",
            "bad",
        ),
        (
            (
                finding("certificate-expiring", days_left=9),
                finding("certificate-not-renewing", days_left=3),
            ),
            "2 certificates in use near their end, the first in 3 days.",
            "bad",
        ),
        ((finding("rotation-overdue"),), "A rotation is overdue.", "bad"),
        (
            (finding("certificate-elsewhere"), finding("certificate-elsewhere", address="x")),
            "2 findings need attention.",
            "bad",
        ),
        (
            (finding("certificate-unverified", Severity.WARNING),),
            "Not everything could be checked.",
            "doubt",
        ),
        (
            (finding("certificate-drifted", Severity.WARNING),),
            "1 finding needs attention.",
            "warn",
        ),
        ((finding("certificate-drifted", Severity.NOTE),), "Nothing to do.", "fine"),
        ((), "Nothing to do.", "fine"),
    ],
)
def test_the_headline_is_of_what_weighs_most(judged, findings, said, tone):
    """The headline is about the worst finding: a harmful plan, then a date, then an unverified item
    (I4).
    """
    html = render(with_findings(judged, *findings))
    assert heading(html) == said
    assert f'<section class="verdict {tone}"' in html


def test_a_warning_that_fails_a_gate_is_in_the_headline(judged):
    """With `fail_on` warning, a warning is in the headline."""
    html = render(
        with_findings(
            judged,
            finding("certificate-expiring", Severity.WARNING, days_left=45),
            fail_on=FailOn.WARNING,
        )
    )
    assert heading(html) == "A certificate in use ends in 45 days."
    assert '<section class="verdict warn"' in html
    assert "Cure certificate-expiring" in Page(html)


def test_a_suppressed_finding_is_shown_with_its_reason_and_is_no_headline(judged):
    """A suppressed finding is shown with its reason and date, and does not change the headline."""
    why = Suppression(
        kind=SuppressedBy.POLICY,
        reason="moves to <another> account",
        until=date(2026, 12, 1),
        owner="payments",
    )
    page = Page(
        html := render(
            with_findings(judged, finding("certificate-expiring", days_left=12, suppression=why))
        )
    )
    assert heading(html) == "Nothing to do."
    assert "1 finding is suppressed." in page
    assert "1 suppressed" in page
    assert "Nothing. No rotation is due, and no finding fails." in page
    assert "Suppressed: moves to <another> account, until 2026-12-01, owner payments" in page


def test_i4_the_page_says_that_aws_was_not_asked(tmp_path):
    """I4: an offline page says at the top and at each date that AWS was not asked."""
    home = world(tmp_path, {"main.tf": BASE}, ends={"old000": days(300)})
    offline, asked = Page(render(home.judge(offline=True))), Page(render(home.judge()))
    assert "AWS was not asked: all dates are the recorded ones." in offline
    assert "recorded, AWS was not asked" in offline
    assert {"#m-recorded"} == {use["href"] for use in offline.all("use", "recorded")} - {"#m-end"}
    assert "AWS was not asked" not in asked
    assert "confirmed by AWS" in asked


def test_every_certificate_and_stage_is_on_the_timeline_with_its_end(tmp_path):
    """The timeline has every certificate and stage, also without an end date or unused."""
    home = world(
        tmp_path,
        {"main.tf": BASE},
        certificates={f"{CERTIFICATE}.orders": "old000", f"{CERTIFICATE}.spare": "spare0"},
        stages={
            f"{STAGE}.prod": "old000",
            f'{STAGE}.many["{1}"]': "old000",
            f"{STAGE}.lost": "gone00",
        },
    )
    page = Page(render(home.judge()))
    assert len(page.all("li", "cert")) == 3
    for words in (
        ADDRESS,
        f"{CERTIFICATE}.spare",
        f"{STAGE}.prod",
        f'{STAGE}.many["1"]',
        f"{STAGE}.lost",
        "AWS does not know it",
    ):
        assert words in page
    assert "Presented by no stage of its account and region" in page
    assert len(page.all("use", "introduce")) == 1 + 1  # the legend's
    assert len(page.all("rect", "threshold")) == 2 + 1


def test_three_thousand_are_folded_by_month_and_none_is_lost():
    """Three thousand certificates are all on the page; those that are not urgent are folded by
    month.
    """
    from checker.model.address import parse
    from checker.model.resources import Certificate, Presents, Stage, StageKind

    names = [f"c{number:04}" for number in range(3000)]
    document = Document(
        source=Source(path="state.json", kind="state"),
        certificates=tuple(
            Certificate(
                address=parse(f"{CERTIFICATE}.{name}"), id=name, expires_at=days(1 + number % 360)
            )
            for number, name in enumerate(names)
        ),
        stages=tuple(
            Stage(
                address=parse(f"{STAGE}.{name}"),
                kind=StageKind.REST,
                api_id="a",
                name=name,
                presents=Presents(name),
            )
            for name in names
        ),
    )
    cases = build_cases(
        Inventory(documents=(document,)), Observations(asked=False), as_of=days(0), policy=Policy()
    )
    html = render(Outcome(cases=cases, findings=(), rotations=()))
    assert len(set(re.findall(r'<li class="cert \w+" id="(c\d+)">', html))) == 3000
    opened = html[: html.index('<details class="fold">', html.index('id="timeline"'))]
    assert opened.count('<li class="cert') == 40
    months = re.findall(r'<span class="title">(\w+ \d{4})</span>', html)
    assert months[0] == "January 2027"
    assert len(months) == len(set(months)) == 11


def test_the_page_s_own_policy_names_its_script_and_its_style_and_nothing_else(judged):
    """The page's Content-Security-Policy allows only its own script and style, by their hashes."""
    html = render(judged)
    page = Page(html)
    (policy,) = (
        meta["content"]
        for meta in page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(body.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    names = {name for _, have in page.elements for name in have}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    places_ = {
        have[name]
        for _, have in page.elements
        for name in ("href", "src", "action")
        if have.get(name)
    }
    assert {
        where for where in places_ if not where.startswith(("#", "data:image/svg+xml,"))
    } == set()


def test_every_link_leads_somewhere_on_the_page(judged):
    """Each link leads to an element of the page, and ids are distinct."""
    patch = WrittenPatch(
        phase=Phase.INTRODUCE, file_name="1-introduce.patch", diff="+a\n", rotations=(ADDRESS,)
    )
    page = Page(render(replace(judged, patches=(patch,))))
    ids = [have["id"] for _, have in page.elements if "id" in have]
    assert len(ids) == len(set(ids))
    wanted = {
        have[name].removeprefix("#")
        for _, have in page.elements
        for name in ("href",)
        if (have.get(name) or "").startswith("#")
    }
    wanted |= {
        word for _, have in page.elements for word in (have.get("aria-labelledby") or "").split()
    }
    assert wanted <= set(ids)
    assert "p0" in wanted


MARKUP = (
    "<b>",
    "</code>",
    "</script><script>alert(1)</script>",
    "<!--",
    "--><img src=x onerror=alert(1)>",
    "'\" onclick='",
    "&lt;",
    "{{",
    "\u202e",
)
FOREIGN = st.lists(st.sampled_from(MARKUP) | st.text(), min_size=1).map("".join)


@bounded
@given(FOREIGN, FOREIGN)
def test_whatever_it_is_told_stays_text(words, more):
    """Any text from outside stays text, and invisible characters are escaped."""
    cases = build_cases(
        Inventory(documents=(Document(source=Source(path=words, kind="state")),)),
        Observations(asked=True),
        as_of=days(0),
        policy=Policy(name=more),
    )
    plain = Outcome(cases=cases, findings=(finding("r", address="a.b"),), rotations=())
    told = replace(
        plain,
        notices=(words,),
        findings=(
            replace(
                plain.findings[0],
                rule=more,
                message=words,
                remedy=more,
                address=words,
                certificate_id=more,
            ),
        ),
    )
    made, bare = Page(render(told)), Page(render(plain))
    assert [tag for tag, _ in made.elements if tag not in {"code", "span", "wbr", "li", "ul"}] == [
        tag for tag, _ in bare.elements if tag not in {"code", "span", "wbr", "li", "ul"}
    ]
    assert " ".join(printable(words).split()) in made
    assert [char for char in "".join(made.text) if char != "\n" and not char.isprintable()] == []
    assert not {name for _, have in made.elements for name in have} - {
        name for _, have in bare.elements for name in have
    }


@bounded
@given(st.text())
def test_a_patch_on_the_page_is_the_patch_to_the_byte(diff):
    """A patch on the page is parsed back to the same characters."""
    diff = diff.replace("\0", "")
    text = "".join(Page(f"<pre>#{highlight_diff(diff)}</pre>").text)
    assert text.removeprefix("#") == diff


@pytest.mark.parametrize(
    ("odd", "code"),
    [("\u202e", "U+202E"), ("\x1b", "U+001B"), ("\r", "U+000D"), ("\u200b", "U+200B")],
)
def test_no_character_of_a_patch_hides(odd, code):
    """Control and invisible characters of a patch are shown with their code."""
    assert f'data-code="{code}"' in highlight_diff(f"+a{odd}b\n")


def test_a_patch_that_html_cannot_hold_is_not_offered_for_copying(judged):
    """A patch that HTML cannot represent has no copy button; the command that writes it
    is named.
    """
    whole = WrittenPatch(
        phase=Phase.INTRODUCE, file_name="1-introduce.patch", diff="+a\n", rotations=(ADDRESS,)
    )
    assert Page(render(replace(judged, patches=(whole,)))).all("button", "copy")
    for odd in ("\0", "\udc80"):
        page = Page(html := render(replace(judged, patches=(replace(whole, diff=f"+{odd}\n"),))))
        assert not page.all("button", "copy")
        assert "tfcert patch --phase all --out DIR" in page
        assert html.encode()


def test_only_the_patch_that_fits_what_lies_on_disk_is_offered_as_the_next_step():
    """Only a patch that fits the files on disk is offered as the next step, if its label is
    unambiguous.
    """
    first = WrittenPatch(
        phase=Phase.INTRODUCE, file_name="1-introduce.patch", diff="", rotations=("a",)
    )
    second = replace(first, phase=Phase.REPOINT, file_name="2-repoint.patch", rotations=("a", "b"))
    assert places((first, second)) == {(Phase.INTRODUCE, "a"): "p0"}
    east, west = (
        replace(first, file_name=f"{folder}/1-introduce.patch", folder=folder)
        for folder in ("east", "west")
    )
    assert places((east, west)) == {}
    assert places((east, replace(west, rotations=("c",)))) == {
        (Phase.INTRODUCE, "a"): "p0",
        (Phase.INTRODUCE, "c"): "p1",
    }


def test_i2_a_step_says_what_must_hold_before_it(tmp_path):
    """I2: a step lists its conditions: the end of the trust window, then what to confirm."""
    newer = f"{CERTIFICATE}.orders_202611"
    text = BASE + f'# tfcert: succeeds {ADDRESS}\nresource "{CERTIFICATE}" "orders_202611" {{\n}}\n'
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={ADDRESS: "old000", newer: "new000"},
        ends={"new000": days(364), "old000": days(40)},
    )
    page = Page(render(home.judge()))
    assert "Wait until 2026-11-25, then run tfcert again" in page
    assert f"{newer} is at least 3 days old (the trust window)" in page
    home.ends["new000"] = days(360)
    page = Page(render(home.judge()))
    assert f"First, make sure: every backend trusts {newer}, beside the old one." in page


def test_each_certificate_is_drawn_as_its_own_scope_has_it(tmp_path):
    """A certificate is drawn by its own scope, or by the strictest of its stages' scopes."""
    home = world(tmp_path, {"main.tf": BASE}, ends={"old000": days(100)})
    assert re.findall(r'<li class="cert (\w+)"', render(home.judge())) == ["calm"]
    early = Scope(
        conditions=Conditions(stage=(f"{STAGE}.prod",)),
        values=(("threshold_days", 120), ("notice_days", 150)),
    )
    outcome = check(home.inventory(), home.observe, Run(as_of=NOW, policy=Policy(scopes=(early,))))
    html = render(outcome)
    assert re.findall(r'<li class="cert (\w+)"', html) == ["threshold"]
    assert heading(html) == "A certificate in use ends in 100 days."
    assert "threshold, as its scope sets it" in Page(html)


def test_findings_that_one_act_settles_are_one_thing_to_do(judged):
    """A thousand findings with one remedy are one action."""
    unverified = [
        replace(
            finding("certificate-unverified", Severity.WARNING, address=f"a.b{number}"),
            remedy="log in",
        )
        for number in range(1000)
    ]
    page = Page(render(with_findings(judged, *unverified)))
    assert len(page.all("li", "action")) == 1
    assert "and 997 more" in page


def test_what_aws_did_not_answer_is_in_doubt_and_stands_above(tmp_path):
    """A certificate without an answer of AWS is shown as unknown, above one that ends in
    12 days.
    """
    home = world(
        tmp_path, {"main.tf": BASE}, stages={f"{STAGE}.prod": "old000", f"{STAGE}.other": "nobody"}
    )
    observe = home.observe

    def silent(*wanted):
        seen = observe(*wanted)
        said = {
            key: Unanswered(reason="denied", remedy="allow it") if key.id == "nobody" else answer
            for key, answer in seen.certificates.items()
        }
        return replace(seen, certificates=said)

    home.observe = silent
    html = render(home.judge())
    assert re.findall(r'<li class="cert (\w+)"', html) == ["open", "threshold"]
    assert "AWS did not answer" in Page(html)


@given(st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_the_scale_keeps_the_order_and_stays_on_the_sheet(one, two):
    """The scale keeps the order of dates and stays within 0 and 100."""
    assert 0 <= place(one) <= 100
    assert (place(one) <= place(two)) == (one <= two) or place(one) == place(two)
    assert (place(one) < PRESENT) == (one < 0) or place(one) == PRESENT


def test_a_day_near_by_has_more_room_than_one_far_off():
    """Near days have more room on the scale than far ones."""
    widths = [second - first for first, second in pairwise(map(place, range(0, 400, 10)))]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (12 * 24, "in 12 days"),
        (12 * 24 - 0.01, "in 11 days"),
        (24, "in 1 day"),
        (23.99, "in less than a day"),
        (0, "in less than a day"),
        (-0.01, "less than a day ago"),
        (-23.99, "less than a day ago"),
        (-24, "1 day ago"),
        (-47.99, "1 day ago"),
        (-48, "2 days ago"),
    ],
)
def test_days_are_counted_alike_on_both_sides_of_a_moment(hours, words):
    """Elapsed time is rounded down to whole days, before and after a moment."""
    assert left_in_words(NOW + timedelta(hours=hours), NOW) == words


def test_a_deadline_at_this_moment_is_now():
    """A deadline at this very moment reads "now"; later it is past."""
    assert deadline_of(NOW, NOW)[1:] == ("now", False)
    assert deadline_of(NOW, NOW + timedelta(seconds=1))[1:] == ("less than a day ago", True)


def test_what_ended_two_days_ago_to_the_second_is_two_days_past(tmp_path):
    """A certificate that ended exactly two days ago reads "2 days past", not 3."""
    home = world(tmp_path, {"main.tf": BASE}, ends={"old000": days(-2)})
    assert "2 days past" in Page(render(home.judge(offline=True)))
    home.ends["old000"] = days(-1.5)
    assert "1 day past" in Page(render(home.judge(offline=True)))


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("aws_x.a", "a"),
        ('module.m["a.b"].aws_x.y["c.[d"]', 'y["c.[d"]'),
        ("aws_x.y[0]", "y[0]"),
        ("rj3hhn", "rj3hhn"),
        ("a, b", "a, b"),
    ],
)
def test_a_name_is_told_from_what_leads_to_it(text, own):
    """The own name of an address is separated from its modules and type, and nothing is lost."""
    from checker.model.address import AddressError, parse

    assert str(split(text)) == text
    try:
        assert name_of(parse(text), "-").own == own
    except AddressError:
        assert split(text).own == own


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("run `tfcert patch`; wait", "Run <code>tfcert patch</code>; wait"),
        ("aws_x.y is `<b>`", "aws_x.y is <code>&lt;b&gt;</code>"),
        ("`", "`"),
        ("account 1, region x", "Account 1, region x"),
    ],
)
def test_sentences_begin_with_a_capital_and_their_code_is_code(text, html):
    """A sentence begins with a capital letter, code in backquotes is marked up, and addresses keep
    their case.
    """
    assert prose(text) == html


def test_a_row_of_a_scan_is_named_by_api_and_stage():
    """A row of a scan has API and stage; account and region are in each row only if they differ."""
    html = render(scanned(3))
    page = Page(html)
    assert re.findall(r'<code class="name">(api-\d+/live)</code>', html)[:3] == [
        "api-000/live",
        "api-001/live",
        "api-002/live",
    ]
    timeline = html[html.index('id="timeline"') : html.index('id="findings"')]
    assert timeline.count("api-000/live") == 1
    assert HOME.account not in timeline
    assert f"{HOME.account} {HOME.region}" in page
    both = render(scanned(3, other=replace(HOME, region="eu-west-1")))
    timeline = both[both.index('id="timeline"') : both.index('id="findings"')]
    assert timeline.count("eu-west-1") == 3 + 3  # in the row's id too


def test_manual_rotations_with_one_remedy_are_one_thing_to_do():
    """Manual rotations with one remedy are one action."""
    page = Page(render(scanned(50)))
    assert len(page.all("li", "action")) == 1
    assert "and 47 more" in page


def test_equal_remedies_are_shown_once_below_the_last(judged):
    """Equal remedies in a row are shown once, below the last finding, and each finding keeps its
    row.
    """
    alike = [
        replace(finding("stage-detached", address=f"a.b{number}"), remedy="attach it again")
        for number in range(3)
    ]
    html = render(with_findings(judged, *alike, finding("certificate-gone")))
    rows = re.findall(r"<tr data-severity[^>]*>", html)
    assert ['class="same"' in row for row in rows] == [True, True, False, False]


def test_a_suppressed_certificate_is_no_rotation(judged):
    """A suppressed certificate has no rotation on the page, unless the rotation has begun."""
    why = Suppression(kind=SuppressedBy.POLICY, reason="moves", until=date(2026, 12, 1))
    hidden = tuple(replace(each, suppression=why) for each in judged.findings)
    page = Page(render(replace(judged, findings=hidden)))
    assert not page.all("article", "card")
    assert not page.all("li", "action")
    assert Page(render(judged)).all("article", "card")
    begun = tuple(replace(each, introduced=True) for each in judged.rotations)
    assert Page(render(replace(judged, findings=hidden, rotations=begun))).all("article", "card")


def test_a_deposed_object_is_marked(judged):
    """A certificate that Terraform still has to delete is marked as deposed."""
    (part,) = judged.cases.documents
    (case,) = part.cases
    old = replace(case.certificate, deposed="1a2b3c4d")
    more = replace(case, subject=replace(case.subject, certificate=old))
    cases = replace(judged.cases, documents=(replace(part, cases=(case, more)),))
    assert "deposed" in Page(render(replace(judged, cases=cases)))
    assert "deposed" not in Page(render(judged))
