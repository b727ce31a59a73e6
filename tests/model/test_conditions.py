"""Patterns of scopes and exemptions; an unknown value never matches."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.address import parse
from checker.model.conditions import Conditions, Traits, glob, is_pattern, path_glob

STAGE = "aws_api_gateway_stage"


@given(st.text("ab.*?", max_size=8), st.text("ab.[]\n", max_size=8))
def test_a_star_is_any_text_and_everything_else_means_itself(pattern, text):
    """A pattern matches as fnmatch does; only `*` and `?` are special."""
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
    """A pattern without keys matches every instance, also in instances of modules."""
    traits = Traits(addresses=(parse(address),))
    assert Conditions(address=(pattern,)).match(traits) is meant


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
    """In a directory, `*` stops at a slash and `**` matches any number of folders."""
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
    """Conditions match only if each of them matches, and each unmet one is reported."""
    conditions = Conditions(
        **{name: EACH[name] if right else OTHER[name] for name, right in wished.items()}
    )
    unmet = {entry.condition.partition(".")[0] for entry in conditions.unmet(KNOWN)}
    assert unmet == {name for name, right in wished.items() if not right}
    assert conditions.match(KNOWN) is (not unmet)


@pytest.mark.parametrize("name", sorted(EACH))
def test_what_is_not_known_is_not_met(name):
    """An unknown value matches no pattern, not even `*`."""
    patterns = (("team", ("*",)),) if name == "tags" else ("*",)
    (unmet,) = Conditions(**{name: patterns}).unmet(Traits())
    assert "not known" in unmet.why


def test_without_patterns_everything_matches():
    """Conditions without patterns match everything, also unknown values."""
    assert Conditions().match(Traits())
    assert tuple(Conditions().unmet(Traits())) == ()


@pytest.mark.parametrize(
    ("text", "met"),
    [("a", True), ("b1", True), ("b", False), ("c-d", True), ("ad", False), ("", False)],
)
def test_any_pattern_of_a_condition_is_enough(text, met):
    """One matching pattern of a condition is enough."""
    assert Conditions(stage=("a", "b?", "c*d")).match(Traits(stage=text)) is met


@pytest.mark.parametrize(
    ("directory", "met"), [("live", True), ("live/", False), ("live/eu", False)]
)
def test_a_directory_condition_may_end_in_a_slash(directory, met):
    """A directory pattern may end in a slash."""
    assert Conditions(directory=("live/",)).match(Traits(directory=directory)) is met


def test_a_star_in_a_directory_stops_at_a_slash_and_elsewhere_does_not():
    """`*` stops at a slash in a directory, and does not in a workspace."""
    traits = Traits(directory="live/eu", workspace="live/eu")
    assert not Conditions(directory=("live*",)).match(traits)
    assert Conditions(directory=("live**",)).match(traits)
    assert Conditions(workspace=("live*",)).match(traits)


@pytest.mark.parametrize(
    ("tags", "met"),
    [
        ((), False),
        (((("team", "a"),),), True),
        (((("team", "b"),),), False),
        (((("other", "a"),),), False),
        (((("team", "b"),), (("team", "a"),)), True),
        (((("env", "p"), ("team", "a")),), True),
    ],
)
def test_a_tag_of_the_certificate_or_of_the_stage_counts(tags, met):
    """A tag of the certificate or of a stage matches: the key exactly, the value by pattern."""
    assert Conditions(tags=(("team", ("a",)),)).match(Traits(tags=tags)) is met


def test_every_tag_condition_must_be_met():
    """Every tag condition must match on any of the resources."""
    both = Conditions(tags=(("team", ("a",)), ("env", ("p*",))))
    assert both.match(Traits(tags=((("team", "a"),), (("env", "prod"),))))
    assert not both.match(Traits(tags=((("team", "a"),),)))


def test_the_address_of_the_certificate_or_of_the_stage_counts():
    """The address of the certificate or of the stage is enough for a match."""
    traits = Traits(addresses=(parse("aws_api_gateway_client_certificate.c"), parse(f"{STAGE}.s")))
    assert Conditions(address=(f"{STAGE}.s",)).match(traits)
    assert Conditions(address=("*.c",)).match(traits)
    assert not Conditions(address=("*.x",)).match(traits)


@pytest.mark.parametrize(
    ("conditions", "traits", "expected"),
    [
        ({"stage": ("a", "b")}, {"stage": "c"}, ("stage", "c is not a or b")),
        ({"stage": ("a",)}, {}, ("stage", "not known, so not a")),
        ({"stage": ("a",)}, {"stage": ""}, ("stage", "not known, so not a")),
        (
            {"tags": (("team", ("a",)),)},
            {"tags": ((("team", "b"),), (("team", "c"),))},
            ("tags.team", "b, c is not a"),
        ),
        (
            {"tags": (("team", ("a",)),)},
            {"tags": ((("env", "p"),),)},
            ("tags.team", "no such tag, so not a"),
        ),
        (
            {"tags": (("team", ("a",)),)},
            {},
            ("tags.team", "not known, so not a"),
        ),
        (
            {"address": ("x.y",)},
            {"addresses": (parse(f"{STAGE}.s"), parse(f"{STAGE}.t"))},
            ("address", f"{STAGE}.s, {STAGE}.t is not x.y"),
        ),
    ],
)
def test_the_reason_names_what_is_there_and_what_was_wanted(conditions, traits, expected):
    """The reason names the actual and the wanted value, and distinguishes missing tags from unknown
    ones.
    """
    (unmet,) = Conditions(**conditions).unmet(Traits(**traits))
    assert (unmet.condition, unmet.why) == expected


def test_unmet_conditions_come_in_the_order_of_the_fields():
    """Unmet conditions are listed in the order of the fields."""
    unmet = [each.condition for each in Conditions(**OTHER).unmet(KNOWN)]
    fields = ["address", "account", "region", "workspace", "directory", "stage", "api"]
    assert unmet == [*fields, "tags.team"]


def test_the_wildcards_of_an_entry():
    """`wild` lists the patterns with wildcards of all fields."""
    conditions = Conditions(
        address=("a.*", "a.b"), stage=("v?",), api=("x",), tags=(("t", ("p*", "q")),)
    )
    assert list(conditions.wild()) == ["a.*", "v?", "p*"]
    assert [is_pattern(text) for text in ("a", "a*", "a?", "[a]")] == [False, True, True, False]


def test_a_pattern_with_many_stars_takes_no_long_time():
    """A pattern with many stars is matched quickly against a long text."""
    text = "a" * 3_000
    assert glob("*a" * 40 + "*b").fullmatch(text) is None
    assert path_glob("**/" * 30 + "b").fullmatch("a/" * 500) is None
