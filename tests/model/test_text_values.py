"""Single text values: days, and characters that act on the screen."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from checker.model.text_values import has_controls, parse_day


@pytest.mark.parametrize(
    ("found", "day"),
    [
        ("2026-11-23", date(2026, 11, 23)),
        ("2028-02-29", date(2028, 2, 29)),
        (date(2026, 11, 23), date(2026, 11, 23)),
        ("2026-02-29", None),
        ("2026-13-01", None),
        ("2026-11-23 ", None),
        ("2026-11-23\n", None),
        ("x2026-11-23", None),
        ("2026-1-23", None),
        ("20261123", None),
        ("2026-W48-1", None),
        ("2026-11-23T00:00:00Z", None),
        ("२०२६-११-२३", None),
        (datetime(2026, 11, 23, tzinfo=UTC), None),
        (20261123, None),
        (None, None),
        (["2026-11-23"], None),
    ],
)
def test_a_day_is_a_date_of_toml_or_a_text_of_that_form(found, day):
    """ISO 8601 has other forms of a day; a policy takes one form only."""
    read = parse_day(found)
    assert (read, type(read)) == (day, type(day))


@pytest.mark.parametrize(
    "character", "\0\t\n\r\x1b\x1f\x7f\x80\x9b\x9f\u2028\u2029\u202a\u202e\u2066\u2069"
)
def test_a_character_that_acts_on_a_screen_is_found_anywhere(character):
    assert has_controls(f"a{character}b")
    assert has_controls(character)


@pytest.mark.parametrize("text", ["", " ", "a b~", "\xa0é", "\u2027", "\u202f", "\u2065", "\u206a"])
def test_other_characters_are_text(text):
    assert not has_controls(text)
