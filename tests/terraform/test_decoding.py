"""Decoding JSON: the garbage collector's state is restored, and errors name the place without a
quote.
"""

from __future__ import annotations

import gc

import pytest
from msgspec import Raw, Struct

from checker.collector import collector_paused
from checker.errors import UnreadableError
from checker.terraform.decode import JsonPath, decode


class Inner(Struct):
    id: str
    key: int | float | str | None = None


class Outer(Struct):
    items: list[Inner] = []
    more: dict[str, int] = {}
    rest: Raw = Raw(b"")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was_found(enabled):
    """The garbage collector is restored to its state, also after a decoding error."""
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with collector_paused():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        with pytest.raises(UnreadableError), collector_paused():
            decode(b"{", Outer, JsonPath("f"))
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        (
            b'{"items":[{"id":"a"},{"id":5}]}',
            "f: top.items[1].id",
            "expected text, found a whole number",
        ),
        (b'{"items":[{}]}', "f: top.items[0]", "lacks the property `id`"),
        (b'{"items":{}}', "f: top.items", "expected array, found object"),
        (
            b'{"items":[{"id":"a","key":true}]}',
            "f: top.items[0].key",
            "expected a whole number or a number or text or null, found true or false",
        ),
        (b'{"more":{"secret":"x"}}', "f: top.more[...]", "expected a whole number, found text"),
        (b'{"more":{"secret":1e999}}', "f: top.more[...]", "is a number that is out of range"),
        (b"[]", "f: top", "expected object, found array"),
        (b"", "f: top", "is truncated JSON: it ends at byte 0"),
        (b'{"items":[', "f: top", "is truncated JSON: it ends at byte 10"),
        (b'{"rest":[1,2', "f: top", "is truncated JSON: it ends at byte 12"),
        (b'{"items":[]}}', "f: top", "is not valid JSON at byte 13"),
        (b'{"rest":nul1}', "f: top", "is not valid JSON at byte 9"),
        (b'{"rest":"a\x00b"}', "f: top", "is not valid JSON at byte 10"),
        (b'{"items":[{"id":"\xff"}]}', "f: top", "has text that is not UTF-8"),
        (b'{"rest":' + b"[" * 100_000, "f: top", "is nested deeper than any Terraform document"),
        (
            b'{"rest":' + b'{"a":' * 100_000,
            "f: top",
            "is nested deeper than any Terraform document",
        ),
    ],
)
def test_what_an_error_says(text, where, message):
    """An error has the JSON path, the expected and actual type, or the byte of a syntax error."""
    with pytest.raises(UnreadableError) as error:
        decode(text, Outer, JsonPath("f", "top"))
    assert error.value.where == where
    assert error.value.message.startswith(message)
    assert error.value.remedy
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("wrap", [bytes, memoryview])
def test_any_buffer_is_decoded(wrap):
    """Bytes and memory views are both decoded; raw parts stay views."""
    found = decode(
        wrap(b'{"items":[{"id":"a"}],"rest":{"x": [1]},"unknown":[[[]]]}'), Outer, JsonPath("f")
    )
    assert (found.items[0].id, bytes(found.rest)) == ("a", b'{"x": [1]}')


def test_a_spot_leads_to_keys_and_items():
    """A JsonPath is printed as people write JSON paths."""
    json_path = JsonPath("plan.json")
    assert str(json_path) == "plan.json"
    assert (
        str(json_path.key("resource_changes").item(12).key("change").below("after.id"))
        == "plan.json: resource_changes[12].change.after.id"
    )
    assert str(json_path.below("[0].x")) == "plan.json: [0].x"
    assert str(json_path.key("a").below("")) == "plan.json: a"
