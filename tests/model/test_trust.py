"""Addresses of resources whose content is trust material."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from checker.demo.emulator.certificates import issue, new_key
from checker.model.address import parse, print_key
from checker.model.trust import BundleFault, TrustBackend, read_bundle, without_pem

PEM = "-----BEGIN CERTIFICATE-----\\nTAINT\\n-----END CERTIFICATE-----\\n"


@pytest.mark.parametrize(
    "text",
    [
        "aws_ssm_parameter.trust",
        'aws_ssm_parameter.trust["eu"]',
        "aws_ssm_parameter.trust[0]",
        'module.a["eu"].module.b[1].aws_ssm_parameter.trust["x"]',
    ],
)
def test_an_address_without_a_pem_stays_as_it_is(text):
    assert str(without_pem(parse(text))) == text


def test_a_pem_as_key_becomes_a_digest_wherever_it_is():
    """Instances stay apart; no byte of a PEM is in the text."""
    one, two = (PEM, PEM.replace("TAINT", "OTHER"))
    address = parse(f'module.a["{one}"].module.b["eu"].aws_ssm_parameter.trust["{two}"]')
    found = str(without_pem(address))
    assert re.fullmatch(
        r'module\.a\["PEM [0-9a-f]{16}"\]\.module\.b\["eu"\]\.'
        r'aws_ssm_parameter\.trust\["PEM [0-9a-f]{16}"\]',
        found,
    )
    first, second = re.findall("PEM [0-9a-f]+", found)
    assert first != second
    again = str(without_pem(parse(f'aws_ssm_parameter.trust["{one}"]')))
    assert print_key(first) in again


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("aws_ssm_parameter.trust", "aws_ssm_parameter.trust", True),
        ("aws_ssm_parameter.trust", 'aws_ssm_parameter.trust["eu"]', True),
        ("aws_ssm_parameter.*", 'module.a["x"].aws_ssm_parameter.trust', False),
        ("*.aws_ssm_parameter.*", 'module.a["x"].aws_ssm_parameter.trust', True),
        ('aws_ssm_parameter.trust["eu"]', "aws_ssm_parameter.trust", False),
        ("aws_ssm_parameter.other", "aws_ssm_parameter.trust", False),
        (None, "aws_ssm_parameter.trust", False),
    ],
)
def test_the_consumer_of_a_backend_is_a_pattern(pattern, address, expected):
    backend = TrustBackend(name="b", stages=("*",), consumer=pattern)
    assert backend.consumes(parse(address)) is expected


def test_a_bundle_names_the_certificate_that_cannot_be_read():
    """They are counted from 1, whether the block is broken or its end is missing."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    good = issue(new_key(), created_at=now, expires_at=now + timedelta(days=9))
    broken = "-----BEGIN CERTIFICATE-----\nTAINT\n-----END CERTIFICATE-----\n"
    for text, number in (
        (broken, 1),
        (f"{good}\n{broken}", 2),
        (f"{good}\n{good}\n{broken}{good}", 3),
        (f"{good}\n-----BEGIN CERTIFICATE-----\nTAINT\n", 2),
    ):
        with pytest.raises(BundleFault, match=f"^certificate {number} of it cannot be read$"):
            read_bundle(text)
    assert (
        len(read_bundle(f"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n{good}")) == 1
    )
