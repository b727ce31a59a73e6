"""The proxy between terraform and the provider only reduces the schema."""

from __future__ import annotations

import pytest
from rig.provider_proxy import fields, trimmed


def varint(value: int) -> bytes:
    """Return a protobuf varint."""
    first, rest = value & 0x7F, value >> 7
    return bytes([first | 0x80]) + varint(rest) if rest else bytes([first])


def field(number: int, value: bytes) -> bytes:
    """Return a protobuf field of bytes."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(number: int, name: str, schema: bytes) -> bytes:
    """Return an entry of a map from names to schemas."""
    return field(number, field(1, name.encode()) + field(2, schema))


def test_types_that_no_test_uses_go_and_every_other_byte_stays():
    """Unused types are removed from the schema, and all other bytes stay."""
    provider, capabilities = field(1, b"p" * 300), field(6, varint(1 << 3) + varint(1))
    stage = entry(2, "aws_api_gateway_stage", b"s" * 200)
    region = entry(3, "aws_region", b"r")
    function = entry(7, "arn_parse", b"f")
    whole = b"".join(
        (
            provider,
            entry(2, "aws_vpc", b"v" * 5000),
            stage,
            entry(3, "aws_ami", b"a"),
            region,
            capabilities,
            entry(8, "aws_kms_secrets", b"k"),
            function,
        )
    )
    assert trimmed(whole) == provider + stage + region + capabilities + function


def test_a_message_that_is_not_understood_is_refused():
    """An unknown protobuf wire type is an error."""
    with pytest.raises(ValueError, match="wire type 5 at byte 0"):
        list(fields(varint(1 << 3 | 5) + b"1234"))
