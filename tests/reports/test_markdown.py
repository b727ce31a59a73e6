"""The Markdown report, read by CommonMark renderers with tables, with any names in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm
import jsonschema
import pytest
from cmarkgfm.cmark import Options
from documents import (
    certificate,
    due,
    finding,
    fine,
    hand_rotation,
    named,
    outcome,
    patch,
    rotation,
    stage,
)
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from world import BASE, bounded, world

from checker.errors import UnreadableError
from checker.reports import FORMATS
from checker.reports.json_v1_read import read_document
from checker.reports.markdown import render_documents, size
from checker.reports.markdown.escape import code, fenced, sentence

ROOT = Path(__file__).resolve().parents[2]
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_TAGS = {"details", "summary", "code"}
# The texts that a forge interprets in running text, including CommonMark's syntax.
ALIVE = re.compile(
    r"[@#!~%&$<>\[\]_*\\`|{}^]|https?:|www\.|\b[A-Za-z]+-\d|\b[0-9a-f]{7,}\b|^/", re.MULTILINE
)
NASTY = (
    "@org/team", "#12", "GH-12", "!3", "~bug", "%v1", "&4", "$x$", "$`x`$", "owner/repo#5", "deadbeefcafe", "http://e.example",
    "www.e.example", "<img src=x onerror=alert(1)>", "</details>", "</code>", "<!-- x", "-->", "![i](http://e.example)",
    "[l](http://e.example)", "[x]: http://e.example", "`", "``", "```", "~~~", "|", "\\|", "\\", "\\`", "\n/close\n", "\r/merge", "\n# h",
    "\n\n---\n", "*b*", "_i_", "~~s~~", ":smile:", "{{x}}", "${x}", "\x1b[2J", "\u202e", "\u2028", "é", " ", "  ", "a", "\x00", "\ud800",
    "&lt;", "&#64;x", "::error::x", "=cmd()", "[[_TOC_]]", "-", "1.", "a@b.example", "'", '"', "tfcert",
)  # fmt: skip
TEXT = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=4)), min_size=1, max_size=8).map(
    "".join
)


class Tags(HTMLParser):
    """The tags of some HTML, and its text outside code."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.starts, self.bare, self.attributes, self.inside = set(), [], [], [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.starts.append(tag)
        self.attributes += attrs
        self.inside += tag == "code"

    def handle_endtag(self, tag):
        self.tags.add(tag)
        self.inside -= tag == "code"

    def handle_comment(self, _):
        self.tags.add("!--")

    def handle_data(self, data):
        if not self.inside:
            self.bare.append(data)


def read(text):
    """Yield the tokens of a text, with those inside its lines."""
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def assert_harmless(text):
    """Check that a text has only tokens that the report itself writes."""
    for token in read(text):
        assert token.type not in {
            "link_open",
            "image",
            "em_open",
            "s_open",
            "html_inline",
            "hr",
            "blockquote_open",
            "code_block",
        }, token
        if token.type == "text":
            assert not ALIVE.search(token.content), token.content
        if token.type == "html_block":
            found = Tags(token.content)
            assert found.tags <= OUR_TAGS
            assert not found.attributes
            assert not ALIVE.search("".join(found.bare)), found.bare
        if token.type == "heading_open":
            assert token.markup in {"###", "####"}


def tables(text):
    """Return the tables of a text as rows of cells in Markdown."""
    found = []
    for token in READER.parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and found and token.level > 3:
            found[-1][-1].append(token.content)
    return found


def fences(text):
    return [token for token in READER.parse(text) if token.type == "fence"]


def hostile(text, **more):
    """Return a document with this text in every place for foreign text."""
    kept = {"source": text}
    return outcome(
        path=text,
        certificates=[
            certificate(
                address=text, id=text, account=text, region=text, presented_by=[text], **kept
            )
        ],
        stages=[stage(**kept)],
        findings=[
            finding(
                address=text,
                message=f"x {text}",
                remedy=f"y {text}",
                location={"file": text, "line": 1},
                **kept,
            ),
            finding(
                severity="note", address=text, message=text, remedy=text, location=None, source=None
            ),
            finding(
                suppression={
                    "kind": "external",
                    "reason": text,
                    "until": "2026-12-01",
                    "owner": text,
                    "location": None,
                },
                **kept,
            ),
        ],
        rotations=[rotation(predecessor=text, successor=text, phase="blocked", reason=text)],
        patches=[patch(file=f"{text}/1-introduce.patch", unmet=[text], rotations=[text])],
        notices=[text],
        by_hand=[
            hand_rotation(
                certificate_id=text,
                region=text,
                steps=[{"does": text, "commands": ["a"], "then": text}],
            )
        ],
        **more,
    )


def test_the_report_comes_in_the_order_in_which_it_is_read():
    """The report has actions, findings, root modules, certificates by urgency, and patches, in this
    order.
    """
    near, far = certificate(id="near", days_left=3), certificate(id="far", days_left=300)
    one = outcome(
        certificates=[far, near], findings=[finding()], rotations=[rotation()], patches=[patch()]
    )
    parts = (
        "### tfcert: a certificate in use ends in 12 days\n\n",
        "Introduce its successor by 2026-11-25",
        "Verdict: **findings** (1 error)",
        "#### What to do next",
        "next is introduce",
        "#### Findings",
        "| `plan.json` | **findings** | 3 days | 1 |",
        "`near`",
        "`far`",
        "```diff",
    )
    text = render_documents(named(one, fine("other.json"), names=("a", "b")))
    text = text.replace("| `a` `plan.json` |", "| `plan.json` |")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "root module" not in render_documents(named(one))


@bounded
@given(TEXT, TEXT)
@example(text="\n# h!", name="@org/team")
def test_no_name_becomes_anything_else_in_a_comment(text, name):
    """No name becomes a mention, link, heading, tag or command, and tables keep their shape."""
    made = render_documents(named(hostile(text), due(), names=(name, "other")))
    assert_harmless(made.encode("utf-8", "replace").decode())
    modules, certificates = tables(made)
    assert {len(row) for row in modules} == {8}
    assert {len(row) for row in certificates} == {7}
    assert [token.content for token in fences(made)] == [patch()["diff"], "a\n"]


OUR_HTML = {
    "h3",
    "h4",
    "p",
    "ul",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "code",
    "pre",
    "strong",
    "br",
    "details",
    "summary",
}


@bounded
@given(TEXT, TEXT)
def test_github_s_own_renderer_makes_nothing_else_of_a_name(text, name):
    """GitHub's renderer, cmark-gfm, gives only the expected tags for any name."""
    made = (
        render_documents(named(hostile(text), due(), names=(name, "other")))
        .encode("utf-8", "replace")
        .decode()
    )
    found = Tags(cmarkgfm.github_flavored_markdown_to_html(made, options=Options.CMARK_OPT_UNSAFE))
    assert found.tags <= OUR_HTML
    assert {attribute for attribute, _ in found.attributes} <= {"align", "lang"}
    rows = [token for token in found.starts if token in {"table", "tr", "th", "td", "pre"}]
    assert [rows.count(tag) for tag in ("table", "tr", "th", "td", "pre")] == [2, 6, 15, 30, 2]


@bounded
@given(TEXT)
def test_code_is_one_span_and_a_sentence_is_words_and_spans(text):
    """`code` gives one code span, and `sentence` gives words and spans, also in a table."""
    for made in (code(text), sentence(f"x {text}"), sentence(f"{text} y `z`")):
        assert_harmless(f"- x {made}\n")
        ((_, row),) = tables(f"| a | b |\n|---|---|\n| {made} | c |\n")
        assert len(row) == 2
    (inline,) = [token for token in READER.parse(f"x {code(text)}") if token.type == "inline"]
    assert [child.type for child in inline.children] == ["text", "code_inline"]


@pytest.mark.parametrize(
    ("given_text", "made"),
    [
        ("ends on 2026-12-05, in 12 days", "ends on 2026-12-05, in 12 days"),
        ("run `tfcert patch`; then apply", "run `tfcert patch`; then apply"),
        (
            "presented by aws_api_gateway_stage.a, b.c.",
            "presented by `aws_api_gateway_stage.a`, `b.c`.",
        ),
        ("the account (123456789012)", "the account (`123456789012`)"),
        ("`a``b`", "`a` `b`"),
        ("a|b", "`a\\x7cb`"),
        ("1. a, (2) and 12.", "`1`. a, (2) and `12`."),
    ],
)
def test_a_sentence_stays_readable(given_text, made):
    """In a sentence only text that a forge could interpret becomes code."""
    assert sentence(given_text) == made


@bounded
@given(
    st.lists(
        st.sampled_from(
            ("+", "`", "```", "````", "~~~", "\n", "</details>", "a", " ", "\t", "/close")
        ),
        max_size=30,
    ).map("".join)
)
def test_no_patch_ends_its_fence(diff):
    """A fenced patch has the same characters as the patch, whatever fences it contains."""
    (token,) = fences(fenced(diff, "diff"))
    assert token.content == (diff if diff.endswith("\n") else diff + "\n")


@pytest.mark.parametrize("character", ["\r", "\u202e", "\ufeff", "\x00", "\u2028"])
def test_a_patch_that_a_comment_would_change_is_not_shown(character):
    """A patch with a carriage return or invisible character is replaced by the command that writes
    it.
    """
    text = render_documents(named(outcome(patches=[patch(diff=f"+a{character}\n")])))
    assert not fences(text)
    assert (
        "`1-introduce.patch`: not shown, it contains characters that a comment does not keep; `tfcert patch --phase introduce"
        in text
    )


def test_one_patch_of_many_workspaces_is_there_once():
    """Workspaces of one root module with the same patch show it once."""
    text = render_documents(named(due(), due(), due(), due(), due(), names="abcde"))
    assert len(fences(text)) == 1
    assert (
        "<code>a</code> <code>b</code> <code>c</code> and 2 more <code>1-introduce.patch</code>"
        in text
    )


def test_i4_what_could_not_be_checked_is_never_clean():
    """I4: the report has the worst verdict of its outcomes, and each row has its own."""
    unverified = outcome(
        path="b", findings=[finding(rule="certificate-unverified", severity="warning", source="b")]
    )
    text = render_documents(named(fine("a"), unverified))
    assert text.startswith("### tfcert: not everything could be checked\n")
    assert "Verdict: **inconclusive**" in text
    assert [row[:2] for row in tables(text)[0][1:]] == [
        ["`b`", "**inconclusive**"],
        ["`a`", "**clean**"],
    ]
    assert render_documents([]).startswith("### tfcert: inconclusive")


def test_each_source_of_one_outcome_has_its_own_row():
    """Each source has a row with its counts, and a finding about an account has a row of
    its own.
    """
    both = outcome(
        findings=[
            finding(source="a"),
            finding(source="b", severity="warning"),
            finding(source=None, severity="warning"),
        ],
        sources=[
            {"path": path, "kind": "state", "tool_version": None, "format_version": None}
            for path in "abc"
        ],
    )
    rows = tables(render_documents(named(both)))[0][1:]
    assert [row[:2] + row[3:5] for row in rows] == [
        ["`a`", "**findings**", "1", "0"],
        ["(the account as a whole)", "**warnings**", "0", "1"],
        ["`b`", "**warnings**", "0", "1"],
        ["`c`", "**clean**", "0", "0"],
    ]


def test_masked_accounts_are_nowhere():
    """A masked account has the same replacement everywhere, and a patch that names one is not
    shown.
    """
    text = "role arn:aws:iam::210987654321:role/x of 123456789012"
    document = outcome(
        certificates=[certificate(), certificate(account="210987654321", id="z")],
        findings=[finding(message=text, remedy=text)],
        patches=[patch(), patch(file="2-repoint.patch", phase="repoint", diff="+ 123456789012\n")],
    )
    shown = render_documents(
        named(document, names=["prod-123456789012"]), masked=True, artifact="tfcert"
    )
    assert not re.search(r"\d{12}", shown)
    assert "`account-1` `us-east-1`" in shown
    assert "`arn:aws:iam::account-2:role/x`" in shown
    assert len(fences(shown)) == 1
    assert "`2-repoint.patch`: not shown, it names an account;" in shown
    assert "or take it from the artifact `tfcert`" in shown
    assert "210987654321" in render_documents(named(document))


def test_what_no_patch_can_write_is_shown_step_by_step():
    """Manual steps are shown with their commands, unless a comment would change them."""
    odd = hand_rotation(
        certificate_id="odd", steps=[{"does": "x", "commands": ["echo 'a\u202e'"], "then": None}]
    )
    named_in = hand_rotation(
        certificate_id="mine",
        steps=[{"does": "x", "commands": ["aws --role 123456789012"], "then": None}],
    )
    documents = named(outcome(by_hand=[hand_rotation(), odd, named_in]))
    text = render_documents(documents)
    assert [token.content for token in fences(text)] == [
        "NEW=$(aws apigateway generate-client-certificate)\n",
        "aws --role 123456789012\n",
    ]
    assert "**2.** give it to every backend\n\n→ every backend trusts both" in text
    assert (
        "- `odd` `123456789012` `us-east-1`: not shown, it contains characters that a comment does not keep; `tfcert scan`"
        in text
    )
    masked = render_documents(documents, masked=True)
    assert len(fences(masked)) == 1
    assert (
        "- `mine` `account-1` `us-east-1`: not shown, its commands name an account; `tfcert scan` prints the steps"
        in masked
    )


PATCHES = st.builds(
    lambda phase, length, at: patch(
        phase=phase, file=f"{at}/{phase}.patch", diff=f"+{at}\n" + "+0123456789\n" * length
    ),
    st.sampled_from(("introduce", "repoint", "retire")),
    st.integers(0, 400),
    st.integers(0, 10_000),
)


@bounded
@given(
    st.lists(PATCHES, max_size=40),
    st.integers(0, 100),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(1, 30),
    st.sampled_from((2_000, 8_000, 65_536, 1_000_000)),
)
def test_a_report_fits_and_every_patch_is_whole_or_replaced(
    patches, by_hand, findings, certificates, documents, limit
):
    """A report fits its limit: patches are whole or replaced, and omitted parts are counted."""
    document = outcome(
        findings=[finding(message=f"@{number} " * 20) for number in range(findings)],
        certificates=[certificate(id=f"c{number}") for number in range(certificates)],
        rotations=[rotation(predecessor=f"r{number}") for number in range(findings)],
        notices=[f"n{number}" for number in range(documents)],
        patches=patches,
        by_hand=[hand_rotation(certificate_id=f"h{number}") for number in range(by_hand)],
    )
    rest = [fine(f"{number}/plan.json") for number in range(documents)]
    text = render_documents(
        named(document, *rest, names=[f"w{number}" for number in range(documents + 1)]), limit=limit
    )
    assert size(text) <= limit
    known = {each["diff"] for each in patches}
    shown = [token.content for token in fences(text) if token.info == "diff"]
    assert set(shown) <= known
    commands = [token.content for token in fences(text) if token.info == "sh"]
    assert set(commands) <= {hand_rotation()["steps"][0]["commands"][0] + "\n"}
    uncounted = sum(map(int, re.findall(r"^- … (\d+) more manual rotations", text, re.MULTILINE)))
    assert (
        len(commands)
        + uncounted
        + len(re.findall(r"^- `w0` `h\d+` .*too long for this report", text, re.MULTILINE))
        == by_hand
    )
    assert len(shown) == len(set(shown))
    counted = sum(map(int, re.findall(r"^- … (\d+) more patches", text, re.MULTILINE)))
    replaced = len(
        re.findall(
            r"^- `w0` `[^`]*patch`: too long for this report; `tfcert patch --phase",
            text,
            re.MULTILINE,
        )
    )
    assert len(shown) + replaced + counted == len(known)
    assert_harmless(text)


def test_patches_go_last_phase_first():
    """Under a limit, patches of later phases are dropped first."""
    diffs = {phase: f"+{phase}\n" + "+x\n" * 500 for phase in ("retire", "repoint", "introduce")}
    patches = [
        patch(phase=phase, file=f"{phase}.patch", diff=diff) for phase, diff in diffs.items()
    ]
    for limit, shown in ((10_000, 3), (4_500, 2), (3_000, 1), (1_500, 0)):
        text = render_documents(named(outcome(patches=patches)), limit=limit)
        assert [token.content.split()[0] for token in fences(text)] == [
            "+introduce",
            "+repoint",
            "+retire",
        ][:shown]


def test_two_hundred_workspaces_fit_into_one_comment_of_github():
    """Two hundred workspaces fit into one GitHub comment, each with its row."""
    documents = [
        due(f"stacks/{number}/plan.json") if number % 7 == 0 else fine(f"stacks/{number}/plan.json")
        for number in range(200)
    ]
    text = render_documents(
        named(*documents, names=[f"workspace-{number}" for number in range(200)]), limit=65_536
    )
    assert size(text) <= 65_536
    assert len(tables(text)[0]) == 201
    assert len(fences(text)) == 1


def test_a_row_is_the_last_thing_to_go():
    """Under a limit, each workspace keeps its row, however many patches there are."""
    documents = [
        outcome(
            path=f"stacks/{number}/plan.json",
            certificates=[certificate(source=f"stacks/{number}/plan.json")],
            findings=[finding(source=f"stacks/{number}/plan.json")],
            rotations=[rotation()],
            patches=[patch(diff=f"+{number}\n" * 100)],
        )
        for number in range(200)
    ]
    text = render_documents(
        named(*documents, names=[f"workspace-{number}" for number in range(200)]), limit=65_536
    )
    assert size(text) <= 65_536
    assert len(tables(text)[0]) == 201
    assert fences(text)


def test_the_format_is_the_one_outcome_and_asks_for_patches(tmp_path):
    """`--format markdown` renders the same report as its JSON does."""
    judged = world(tmp_path, {"main.tf": BASE}).judge(offline=True)
    text = FORMATS["markdown"].render(judged)
    assert FORMATS["markdown"].patches
    assert "AWS was not asked (`--offline`)" in text
    assert text == render_documents(named(json.loads(FORMATS["json"].render(judged))))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{}", "not the outcome of a check"),
        (b"[]", "not the outcome of a check"),
        (b"\xff\xfe", "not the outcome of a check"),
        (b'{"format_version": "1.2"}', "not the outcome of a check"),
        (b'{"schema": "tfcert.outcome/v2"}', "'tfcert.outcome/v2'"),
        (json.dumps({**due(), "verdict": "fine"}).encode(), "$.verdict"),
        (
            json.dumps({**due(), "findings": [{**finding(), "severity": 3}]}).encode(),
            "$.findings[0].severity",
        ),
    ],
)
def test_what_is_no_outcome_of_version_1_is_refused(data, says):
    """A document that is no outcome of version 1 is refused with the place of the fault."""
    with pytest.raises(UnreadableError, match=re.escape(says)):
        read_document("a.json", data)


def test_the_documents_of_these_tests_are_valid():
    """The documents of these tests are valid by the schema."""
    schema = json.loads((ROOT / "checker/reports/schemas/outcome-v1.schema.json").read_text())
    for document in (due(), fine(), hostile("x"), outcome(by_hand=[hand_rotation()])):
        jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
        assert (
            read_document("a.json", json.dumps(document).encode())["verdict"] == document["verdict"]
        )


def test_a_scan_s_markdown_tells_the_unmanaged_from_what_is_not_known():
    """The Markdown of a scan distinguishes an unmanaged certificate from one whose management is
    unknown.
    """
    scanned = {"address": None, "source": "aws://123456789012/us-east-1"}
    told = {False: "(unmanaged)", None: "(not known whether it is managed)"}
    for managed, words in told.items():
        text = render_documents(
            named(outcome(certificates=[certificate(**scanned, managed=managed)]))
        )
        assert words in text
        assert "(not in this state)" not in text


def test_rotations_that_read_the_same_are_counted():
    """Equal rotations of several root modules are one line with their number."""
    step = rotation()
    shown = render_documents(named(outcome(rotations=[step, step, step])))
    assert shown.count("**next is") == 1
    assert "- 3 root modules: `aws_api_gateway_client_certificate.orders`" in shown
    assert "root modules:" not in render_documents(named(outcome(rotations=[step])))


@pytest.mark.parametrize("limit", [1, 200, 600, 900, 1_200, 1_800, 2_500])
def test_patches_are_whole_or_left_out_at_any_limit(limit):
    """At any limit the comment has whole patches, or counts those that it leaves out."""
    patches = [patch(file=f"{n}.patch", diff=patch()["diff"] + f"+{n}\n" * 60) for n in range(4)]
    text = render_documents(named({**due(), "patches": patches}), limit=limit)
    assert size(text) <= max(limit, 1_000)
    for each in patches:
        assert (each["diff"] in text) or f"+{each['file'][0]}\n" not in text
