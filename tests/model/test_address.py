"""Addresses, parsed and printed as Terraform prints them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.address import Address, AddressError, ModuleStep, parse, print_key

NAMES = st.from_regex(r"[a-zA-Z_é][a-zA-Z0-9_é-]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"module", "data"}
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        'x"y',
        "k.1",
        "a[0]",
        "${t}",
        "%{if}",
        "$${t}",
        "$",
        "%",
        "$$",
        "\\",
        "\n\r\t",
        "é\u00a0\u200b\U0001f600",
        "]",
        '"]',
    ]
)
KEYS = st.none() | st.integers(0, 10**18 - 1) | TEXTS
STEPS = st.builds(ModuleStep, NAMES, KEYS)
ADDRESSES = st.builds(
    Address, NAMES, NAMES, KEYS, st.lists(STEPS, max_size=3).map(tuple), st.booleans()
)


@given(ADDRESSES)
def test_printing_and_parsing_are_inverse(address):
    """Parsing the printed form of an address gives the same address."""
    assert parse(str(address)) == address


@given(st.text(max_size=40) | st.text('module.data[]"\\$%{}0a_u', max_size=40))
def test_any_text_is_an_address_or_an_address_error(text):
    """Any text either parses or raises AddressError, and a parsed address prints to an
    equal one.
    """
    try:
        address = parse(text)
    except AddressError:
        return
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            'module.a["x\\"y"].module.b[0].aws_api_gateway_stage.s["k.1"]',
            Address(
                "aws_api_gateway_stage", "s", "k.1", (ModuleStep("a", 'x"y'), ModuleStep("b", 0))
            ),
        ),
        (
            'aws_api_gateway_stage.each["pr\\"od.x"]',
            Address("aws_api_gateway_stage", "each", 'pr"od.x'),
        ),
        ('a.k["t$${x}"]', Address("a", "k", "t${x}")),
        ('a.k["%%{if}"]', Address("a", "k", "%{if}")),
        ('a.k["n\\nl"]', Address("a", "k", "n\nl")),
        ('a.k["\\u200b"]', Address("a", "k", "\u200b")),
        (
            "module.m.data.aws_acm_certificate.c",
            Address("aws_acm_certificate", "c", None, (ModuleStep("m"),), data=True),
        ),
    ],
)
def test_every_legal_form(text, address):
    """Each form that Terraform prints is parsed and printed unchanged."""
    assert parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.",
        "a.b.c",
        "a.b[",
        "a.b[]",
        "a.b[-1]",
        "a.b[00]",
        "a.b[٣]",
        f"a.b[{'9' * 5000}]",
        'a.b["x]',
        'a.b["\\q"]',
        'a.b["\\ud800"]',
        'a.b["\\U00110000"]',
        "module.a",
        "module.a.b",
        "a.b ",
        "aws_x.y[*]",
    ],
)
def test_what_is_no_address(text):
    """Texts that Terraform never prints raise AddressError, even very long ones."""
    with pytest.raises(AddressError, match="expected"):
        parse(text)


def test_a_block_has_no_keys():
    """The block of an instance is its address without keys."""
    address = parse('module.a["x"].aws_api_gateway_stage.s[0]')
    assert str(address.block) == "module.a.aws_api_gateway_stage.s"
    assert address.in_module == "aws_api_gateway_stage.s"
    assert address.module_path == ("a",)


def test_a_key_is_printed_in_brackets():
    """A key is printed in brackets: a number bare, a string quoted, no key as an empty text."""
    assert [print_key(key) for key in (None, 0, "a.b")] == ["", "[0]", '["a.b"]']
