"""The text that a person reads, in a terminal that nothing in it can take over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from world import BASE, CERTIFICATE, STAGE, bounded, days, world

from checker.reports.printable import printable
from checker.reports.text import render


def test_the_verdict_comes_first_and_each_finding_with_its_place_and_remedy(tmp_path):
    """Then the certificates by urgency, the findings, and what to do next."""
    text = render(world(tmp_path, {"main.tf": BASE}).judge())
    lines = text.splitlines()
    assert lines[0] == "tfcert: findings (1 error)"
    assert f"main.tf:1: error: certificate-expiring {CERTIFICATE}.orders" in lines
    assert "    next: introduce (`tfcert patch`)" in lines
    assert "    introduce by 2026-11-25, repoint by 2026-11-28" in lines
    assert any("12 days (observed)" in line and "presented by 1 stage" in line for line in lines)


def test_i4_the_text_says_that_aws_was_not_asked(tmp_path):
    """Offline, every date is the recorded one, and the report says so."""
    home = world(tmp_path, {"main.tf": BASE}, ends={"old000": days(300)})
    assert "note: AWS was not asked (--offline): every date is the recorded one" in render(home.judge(offline=True))
    assert "(--offline)" not in render(home.judge())
    assert render(home.judge()).startswith("tfcert: clean\n")


def test_what_comes_from_state_cannot_move_the_cursor(tmp_path):
    """An instance key may hold anything."""
    home = world(tmp_path, {"main.tf": BASE}, stages={f'{STAGE}.prod["\\u001b[2J\\n"]': "old000"})
    text = render(home.judge())
    assert "\x1b" not in text
    assert all(line.isprintable() for line in text.splitlines())


@bounded
@given(st.text())
def test_every_character_that_is_no_plain_print_is_escaped(text):
    """Plain text stays as it is."""
    made = printable(text)
    assert made.isprintable()
    assert made == text or not text.isprintable()
