"""The text report: complete at 80 columns, and safe on a terminal."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from outcomes import ADDRESS, finding, judged, many, mixed, pair, scanned
from world import BASE, CERTIFICATE, NOW, STAGE, bounded, days, world

from checker.cli.output import report
from checker.model.inventory import Document, Inventory, Source, Unread
from checker.model.outcome import UNVERIFIED
from checker.model.policy import Policy, Run
from checker.pipeline import check
from checker.reports.escape import printable
from checker.reports.text import Show, lay_out, render
from checker.reports.text.coloured import coloured
from checker.reports.text.layout import TextSpan, cells, wrapped


def words(text: str) -> str:
    """Return the text with each run of white space as one blank."""
    return " ".join(text.split())


def render_all(outcome) -> str:
    """Return the report with --all."""
    return "".join(f"{line.plain}\n" for line in lay_out(outcome, 80, Show.ALL))


def test_what_to_do_comes_first_then_findings_certificates_and_rotations(tmp_path):
    """The report has the next step first, then findings, certificates and rotations with dates and
    remedies.
    """
    text = render(world(tmp_path, {"main.tf": BASE}).judge())
    lines = text.splitlines()
    assert lines[0] == "tfcert: findings (1 error)"
    assert lines[1:4] == [
        f"A certificate in use ends in 12 days. {ADDRESS}",
        "ends on 2026-12-05; 1 stage presents it. Introduce its successor by 2026-11-25:",
        "`tfcert patch` writes the patch.",
    ]
    row = lines.index(
        "  12 days   #...........  2026-12-05 (observed)  old000, presented by 1 stage"
    )
    assert lines[row + 1].strip() == ADDRESS
    assert f"main.tf:1: error: certificate-expiring {ADDRESS}" in words(text)
    assert (
        "-> run `tfcert patch`; introduce its successor by 2026-11-25, repoint by 2026-11-28"
        in words(text)
    )
    assert f"rotation {ADDRESS} successor: {ADDRESS}_202611 next: introduce" in words(text)
    assert "    introduce by 2026-11-25, repoint by 2026-11-28" in lines
    where = [
        text.index(part) for part in ("tfcert: findings", "main.tf:1", "  12 days", "rotation ")
    ]
    assert where == sorted(where)


def test_the_most_urgent_certificate_comes_first():
    """Certificates are sorted by urgency, and a bar has one mark per month left."""
    text = render_all(
        judged(*(pair(f"d{left}", None, f"id{left + 9}", left) for left in (365, 12, -3, 1, 90)))
    )
    rows = re.findall(r"^  (-?\d+ days?) +([#.]{12})  ", text, re.MULTILINE)
    assert rows == [
        ("-3 days", "." * 12),
        ("1 day", "#" + "." * 11),
        ("12 days", "#" + "." * 11),
        ("90 days", "###" + "." * 9),
        ("365 days", "#" * 12),
    ]


def test_i4_the_text_says_that_aws_was_not_asked(tmp_path):
    """I4: an offline report says that every date is the recorded one."""
    home = world(tmp_path, {"main.tf": BASE}, ends={"old000": days(300)})
    assert "note: AWS was not asked (--offline): every date is the recorded one" in render(
        home.judge(offline=True)
    )
    assert "(--offline)" not in render(home.judge())
    assert render(home.judge()).startswith("tfcert: clean\n")


def test_i4_what_was_not_verified_is_counted_in_the_first_line():
    """I4: unverified items are counted in the first line, and the verdict is inconclusive."""
    text = render(
        replace(
            judged(), findings=(finding(rule=UNVERIFIED), finding(rule=UNVERIFIED, address=None))
        )
    )
    assert text.startswith(
        "tfcert: inconclusive: not everything could be checked (2 not verified)\n"
    )


def test_a_quiet_run_says_what_ends_first():
    """A clean report names the certificate that ends first, or says that there is none."""
    text = words(render(judged(pair("a", None, "one", 300), pair("b", None, "two", 200))))
    assert text.startswith(
        f"tfcert: clean Nothing to do. {CERTIFICATE}.b ends on 2027-06-11, in 200 days; "
        "1 stage presents it. note: "
    )
    assert text.endswith("2 certificates end on 2027-06-11 or later (--all shows them)")
    assert "Nothing to do. No stage that was read presents a client certificate." in words(
        render(judged())
    )


def test_what_is_suppressed_stays_marked_and_comes_last(tmp_path):
    """Suppressed findings come last, with reason, owner and date, and are counted separately."""
    text = render(mixed(tmp_path))
    assert text.startswith(
        "tfcert: findings (1 error, 1 warning, 1 note, 1 not verified, 2 suppressed)\n"
    )
    told = words(text)
    assert f"main.tf:1: suppressed error: certificate-gone {ADDRESS}" in told
    why = "owner platform: the backend is retired in December"
    assert f"suppressed until 2026-12-31 by the policy (tfcert.toml:7), {why}" in told
    assert f"suppressed until 2026-12-31 by a comment (main.tf:7), {why}" in told
    assert max(
        text.index(rule) for rule in ("certificate-expiring", "rotation-premature")
    ) < text.index("certificate-gone")


@pytest.mark.parametrize("length", [1, 40, 66, 67, 68, 200, 900])
@pytest.mark.parametrize("sign", ["x", "界", "é", "e\u0301"])
def test_at_80_columns_nothing_is_cut(length, sign):
    """At 80 columns a long address is wrapped, and no character is lost."""
    text = render(judged(pair("orders", sign * length, "old000", 12)))
    assert max(map(cells, text.splitlines())) <= 80
    assert printable(sign) * length in text.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_of_any_width_is_kept_to(tmp_path, width):
    """The report keeps within 40, 80 and 120 columns, with the same words."""
    plain = [line.plain for line in lay_out(mixed(tmp_path), width)]
    assert max(map(cells, plain)) <= width
    assert "".join("".join(plain).split()) == "".join(render(mixed(tmp_path)).split())


@bounded
@given(st.lists(st.text(), max_size=4), st.integers(10, 90), st.integers(0, 8))
def test_wrapping_loses_nothing_and_keeps_to_the_width(texts, width, indent):
    """Wrapping keeps to the width and loses no character of any text."""
    lines = [line.plain for line in wrapped(map(TextSpan, texts), width, indent=indent)]
    assert all(cells(line) <= width and line.isprintable() for line in lines)
    # A word can span two texts, and is escaped in each.
    expected = "".join(printable(word) for text in texts for word in text.split(" "))
    if ":" not in expected:
        assert "".join("".join(lines).split(" ")) == expected.replace(" ", "")


def test_colours_say_nothing_that_the_words_do_not(tmp_path):
    """Coloured text without its codes equals the plain text."""
    lines = list(lay_out(mixed(tmp_path), 80))
    with_codes = "".join(f"{line}\n" for line in coloured(lines))
    assert "\x1b[1;31m" in with_codes
    without = re.sub(r"\x1b\[[0-9;]*m", "", with_codes)
    assert [line.rstrip() for line in without.splitlines()] == [line.plain for line in lines]


def test_what_comes_from_state_cannot_move_the_cursor(tmp_path):
    """A control character in an instance key is escaped, with and without colours."""
    home = world(tmp_path, {"main.tf": BASE}, stages={f'{STAGE}.prod["\\u001b[2J\\n"]': "old000"})
    text = render(home.judge())
    assert "\x1b" not in text
    assert all(line.isprintable() for line in text.splitlines())
    assert "\x1b[2J" not in "".join(coloured(lay_out(home.judge(), 80)))


def test_a_long_report_is_never_in_memory_as_a_whole(tmp_path):
    """A long report is written in pieces, so that it is never in memory as a whole."""
    outcome = many(2000)
    whole = render_all(outcome).encode()
    file = tmp_path / "report.txt"
    report(many(2), (("text", str(file)),))  # imports and caches of the first run do not count
    tracemalloc.start()
    try:
        report(outcome, (("text", str(file)),), show=Show.ALL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.read_bytes() == whole
    assert peak < len(whole)


@pytest.mark.parametrize(
    "key",
    [
        "x ::error file=a::b",
        "::add-mask::a",
        "##[group]x",
        "a ##vso[task.setvariable]b",
        "##teamcity[x]",
    ],
)
def test_no_line_is_a_command_for_ci(key):
    """No line is a CI command, also not after wrapping."""
    for pad in range(0, 70, 3):
        for glue in (" ", ""):
            text = render(judged(pair("orders", "y" * pad + glue + key, "old000", 12)))
            assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)


def test_a_number_of_certificates_is_a_number_of_rows():
    """Two thousand certificates give two thousand rows."""
    assert len(re.findall(r"^  \d+ days? ", render_all(many(2000)), re.MULTILINE)) == 2000


@bounded
@given(st.text())
def test_every_character_that_is_no_plain_print_is_escaped(text):
    """Unprintable characters and CI commands are escaped, and plain text stays the same."""
    made = printable(text)
    assert made.isprintable()
    assert made == text or not text.isprintable() or "::" in text or "##" in text


@pytest.mark.parametrize("spread", [120, 365], ids=["a third of a year", "a year"])
def test_of_three_hundred_certificates_the_first_finding_is_on_the_first_screen(spread):
    """With three hundred certificates, the first finding is within 24 lines, and none is
    left out.
    """
    outcome = judged(
        *(pair(f"s{n:03}", None, f"id{n:04}", (n * 131) % spread + 1) for n in range(300))
    )
    lines = render(outcome).splitlines()
    first = next(number for number, line in enumerate(lines) if "certificate-expiring" in line)
    assert first < 24
    assert max(map(len, lines)) <= 80
    text = words("\n".join(lines))
    for one in outcome.findings:
        assert one.address in text
    if spread == 365:
        assert len(lines) <= 100
    assert "(--all shows them)" in text


def test_certificates_beyond_the_notice_are_one_line(tmp_path):
    """Certificates beyond the notice are one line; `--all` shows them, and uncertain ones are
    always shown.
    """
    outcome = judged(
        pair("near", None, "one", 12), *(pair(f"d{n}", None, f"t{n}", n) for n in (200, 300))
    )
    assert "\n  2 more certificates end on 2027-06-11 or later (--all shows them)\n" in render(
        outcome
    )
    assert f"{CERTIFICATE}.d200" not in render(outcome)
    assert f"{CERTIFICATE}.d200" in render_all(outcome)
    alone = world(tmp_path, {"main.tf": BASE}, ends={"old000": days(300)}).judge()
    assert "\n  1 certificate ends on 2027-09-19 (--all shows it)\n" in render(alone)


def test_quiet_prints_the_findings_alone(tmp_path):
    """`--quiet` prints only the findings that count, or nothing."""
    outcome = mixed(tmp_path)
    lines = [line.plain for line in lay_out(outcome, 80, Show.FINDINGS)]
    assert lines[0].startswith("main.tf:1: error: certificate-expiring")
    text = "\n".join(lines)
    for rule in ("rotation-premature", "certificate-drifted", UNVERIFIED):
        assert rule in text
    for other in ("tfcert:", "note: AWS", "suppressed", "rotation aws", "recorded)"):
        assert other not in text
    assert list(lay_out(judged(pair("a", None, "one", 300)), 80, Show.FINDINGS)) == []
    assert Show.of(every=True, quiet=True).every
    assert Show.of(every=True, quiet=True).findings_alone


def test_the_note_about_acm_is_not_in_a_check(tmp_path):
    """A check has no note about ACM; scan and patch have it."""
    assert "private CA" not in render(world(tmp_path, {"main.tf": BASE}).judge())


def test_a_scan_of_three_hundred_certificates_is_two_screens():
    """A scan of three hundred certificates fits 100 lines and names each finding; `--all` has the
    full text.
    """
    outcome = scanned(300, step=131)
    lines = render(outcome).splitlines()
    assert len(lines) <= 100
    assert next(n for n, line in enumerate(lines) if "certificate-expiring" in line) < 24
    text = words("\n".join(lines))
    assert len(outcome.findings) > 30
    for one in outcome.findings:
        assert one.certificate_id is None or one.certificate_id in text
    assert text.count("private CA") == 1
    full = words(render_all(outcome))
    for one in outcome.findings:
        assert words(one.message) in full
    assert full.count("manual rotation: ") == len(outcome.manual)


def alike(count: int, *, copies: int = 1):
    """Return an outcome of many states of one module with the same addresses, each state in several
    copies.
    """
    documents = []
    for number in range(count):
        stage, certificate = pair("orders", None, f"id{number:04}", 12)
        stage = replace(stage, api_id=f"api{number}")
        documents += [
            Document(
                source=Source(path=f"team-{number:02}/{copy}.tfstate", kind="state"),
                stages=(stage,),
                certificates=(certificate,),
            )
            for copy in range(copies)
        ]
    return check(Inventory(documents=tuple(documents)), None, Run(as_of=NOW, policy=Policy()))


def test_findings_that_share_an_address_are_told_apart_by_their_state():
    """Findings with the same address name their state, also in the shortened list."""
    text = words(render(alike(20)))
    assert "19 more: error: certificate-expiring" in text
    assert all(f"team-{number:02}/0.tfstate" in text for number in range(20))
    assert f"{ADDRESS} in team-00/0.tfstate ends on 2026-12-05" in text


def test_a_certificate_of_two_copies_of_a_state_counts_once_in_the_headline():
    """A certificate in two copies of a state counts once in the headline; each copy has its
    finding.
    """
    text = words(render(alike(2, copies=2)))
    assert "2 certificates in use near their end" in text
    assert text.count(": certificate-expiring") + text.count("error: certificate-expiring") >= 4
    assert "managed-twice" in text
    assert "A certificate in use ends in 12 days." in words(render(alike(1, copies=2)))


def test_a_path_at_the_start_of_a_sentence_is_not_capitalised():
    """A path at the start of a sentence keeps its lower case."""
    unread = Unread(path="states", reason="is empty", remedy="run it again")
    outcome = check(
        Inventory(documents=(), unread=(unread,)), None, Run(as_of=NOW, policy=Policy())
    )
    assert "checked. states could not be read: is empty." in words(render(outcome))
