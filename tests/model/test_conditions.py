"""Patterns of scopes and exemptions: what they mean, and that what is not known is not met."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.address import parse
from checker.model.conditions import Conditions, Traits, glob, path_glob

STAGE = "aws_api_gateway_stage"


@given(st.text("ab.*?", max_size=8), st.text("ab.[]\n", max_size=8))
def test_a_star_is_any_text_and_everything_else_means_itself(pattern, text):
    """As fnmatch has it for patterns without brackets."""
    assert (glob(pattern).fullmatch(text) is not None) == fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("pattern", "address", "meant"),
    [
        (f"{STAGE}.s", f"{STAGE}.s", True),
        (f"{STAGE}.s", f'{STAGE}.s["a"]', True),
        (f"{STAGE}.s", f"{STAGE}.s[0]", True),
        (f'{STAGE}.s["a"]', f'{STAGE}.s["a"]', True),
        (f'{STAGE}.s["a"]', f'{STAGE}.s["b"]', False),
        (f'{STAGE}.s["*"]', f'{STAGE}.s["b"]', True),
        (f"{STAGE}.s", f"{STAGE}.s2", False),
        (f"{STAGE}.s*", f"{STAGE}.s2", True),
        (f"module.a.{STAGE}.s", f'module.a["x"].{STAGE}.s[1]', True),
        (f'module.a["x"].{STAGE}.s', f'module.a["x"].{STAGE}.s[1]', True),
        (f'module.a["y"].{STAGE}.s', f'module.a["x"].{STAGE}.s[1]', False),
        ("module.a.*", f"module.a[0].module.b.{STAGE}.s", True),
        ("module.b.*", f"module.a.module.b.{STAGE}.s", False),
        ("*.module.b.*", f"module.a.module.b.{STAGE}.s", True),
    ],
)
def test_an_address_without_keys_means_all_instances(pattern, address, meant):
    """Its own and those of the modules that it lies in."""
    traits = Traits(addresses=(parse(address),))
    assert Conditions(address=(pattern,)).hold(traits) is meant


@pytest.mark.parametrize(
    ("pattern", "directory", "meant"),
    [
        ("live", "live", True),
        ("live/", "live", True),
        ("live", "live/eu", False),
        ("live/*", "live/eu", True),
        ("live/*", "live/eu/a", False),
        ("live/*", "live", False),
        ("live/**", "live", True),
        ("live/**", "live/eu/a", True),
        ("live/**", "lively", False),
        ("**/eu", "eu", True),
        ("**/eu", "a/b/eu", True),
        ("**/eu", "a/neu", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("l?ve", "live", True),
        ("l?ve", "l/ve", False),
        (".", ".", True),
        ("**", "a/b", True),
        ("a.b", "axb", False),
    ],
)
def test_a_directory_stops_at_slashes(pattern, directory, meant):
    """And two stars do not, none or many folders long."""
    assert (path_glob(pattern).fullmatch(directory) is not None) is meant


KNOWN = Traits(
    addresses=(parse(f"{STAGE}.s"),),
    account="123456789012",
    region="eu-west-1",
    workspace="prod",
    directory="live",
    tags=((("team", "a"),), (("environment", "prod"),)),
    stage="v1",
    api="orders",
)
EACH = {
    "address": (f"{STAGE}.s",),
    "account": ("123456789012",),
    "region": ("us-*", "eu-*"),
    "workspace": ("prod",),
    "directory": ("live",),
    "stage": ("v?",),
    "api": ("orders",),
    "tags": (("environment", ("prod", "stage")), ("team", ("a",))),
}
OTHER = {name: ("other",) for name in EACH if name not in {"tags", "address"}}
OTHER |= {"address": ("*.other",), "tags": (("team", ("b",)),)}


@given(st.dictionaries(st.sampled_from(sorted(EACH)), st.booleans()))
def test_all_conditions_must_hold_and_each_that_does_not_is_told(wished):
    """Any number of them, each right or wrong."""
    conditions = Conditions(
        **{name: EACH[name] if right else OTHER[name] for name, right in wished.items()}
    )
    unmet = {entry.condition.partition(".")[0] for entry in conditions.unmet(KNOWN)}
    assert unmet == {name for name, right in wished.items() if not right}
    assert conditions.hold(KNOWN) is (not unmet)


@pytest.mark.parametrize("name", sorted(EACH))
def test_what_is_not_known_is_not_met(name):
    """However wide the pattern: a star is no wish for what nobody knows."""
    patterns = (("team", ("*",)),) if name == "tags" else ("*",)
    (unmet,) = Conditions(**{name: patterns}).unmet(Traits())
    assert "not known" in unmet.why
