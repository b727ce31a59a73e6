"""Converting the bytes of a file to plain JSON text."""

from __future__ import annotations

import codecs
import gzip
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from terraform_json import CERTIFICATE, shown, shown_state

from checker.errors import UnreadableError
from checker.terraform.decode import JsonPath, unwrap

SPOT = JsonPath("f")
TEXT = '{"a": "é\U0001f600"}'


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
@pytest.mark.parametrize("wrap", [bytes, memoryview])
def test_every_wrapping_comes_off(bom, encoding, squeeze, wrap):
    """UTF-16, byte-order marks and gzip are removed in any combination."""
    data = wrap(squeeze((bom + TEXT).encode(encoding)))
    assert bytes(unwrap(data, SPOT)) == TEXT.encode()


def test_a_plan_as_powershell_writes_it(tmp_path, read_file, fixtures):
    """A plan written by PowerShell 5, as UTF-16 with CR LF, is read."""
    file = tmp_path / "plan.json"
    original = fixtures / "formats/plan-swap-one-step.json"
    file.write_bytes(
        codecs.BOM_UTF16_LE + original.read_text().replace("\n", "\r\n").encode("utf-16-le")
    )
    assert read_file(file).plan == read_file(original).plan


def test_gzip_in_several_members():
    """Gzip with several members and padding is read."""
    assert (
        bytes(
            unwrap(
                gzip.compress(b'{"a":', mtime=0) + gzip.compress(b"1}", mtime=0) + b"\0" * 100, SPOT
            )
        )
        == b'{"a":1}'
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"{}", mtime=0)[:-6], "is truncated gzip"),
        (b"\x1f\x8b", "is truncated gzip"),
        (b"\x1f\x8bxxxxxxxxxxxxxxxx", "is broken gzip"),
        (gzip.compress(b"{}", mtime=0)[:-8] + b"\0" * 8, "is broken gzip"),
        (gzip.compress(b"{}", mtime=0) + b"more", "is broken gzip"),
        (b'{"a": "\xff"}', "is not UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "is not UTF-8 at byte 7"),
        (b'{"a": "\xc3', "is not UTF-8 at byte 7"),
        (codecs.BOM_UTF16_LE + b"\x00", "looks like UTF-16 and is not valid"),
        (b"{\x00\x00\xd8x\x00", "looks like UTF-16 and is not valid"),
        (b"\x7fELF\x02\x01\x01\xfe", "is not UTF-8 at byte 7"),
        (b"\x7fELF\x02\x01\x01\x00\xfe", "is a binary file"),
    ],
)
def test_what_cannot_be_unwrapped(data, message):
    """Bytes that cannot be converted give an error with a remedy."""
    with pytest.raises(UnreadableError, match=message) as error:
        unwrap(data, SPOT)
    assert error.value.where == "f"
    assert error.value.remedy


def test_invalid_utf8_is_found_in_what_is_skipped(read_file, tmp_path):
    """Invalid UTF-8 in a skipped part is found, with its byte position."""
    file = tmp_path / "s"
    body = '{"format_version":"1.0","skipped":"' + "x" * (1024**2 - 36) + "é" * 1000
    file.write_bytes(body.encode() + b'\xff"}')
    with pytest.raises(UnreadableError, match=f"is not UTF-8 at byte {len(body.encode())}"):
        read_file(file)


def test_a_bomb_does_not_go_off():
    """A gzip bomb is refused without unpacking it."""
    bomb = gzip.compress(b" " * 1024**2, mtime=0) * 1000
    started = time.process_time()
    with pytest.raises(UnreadableError, match="unpacks to far more than any plan"):
        unwrap(bomb, SPOT)
    assert time.process_time() - started < 20


def test_an_ordinary_plan_may_shrink_a_lot(read, tmp_path, read_file):
    """A repetitive document that compresses to a hundredth is still read."""
    resources = [shown(f"{CERTIFICATE}.c[{index}]", {"id": "c"}) for index in range(3000)]
    file = tmp_path / "s.gz"
    file.write_bytes(gzip.compress(json.dumps(shown_state(*resources)).encode()))
    assert len(read_file(file).certificates) == 3000


@settings(max_examples=300)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            b"",
            b"\x1f\x8b\x08",
            b"\xff\xfe",
            b"\xfe\xff",
            b"\xef\xbb\xbf",
            b"{\0",
            b"\0{",
            gzip.compress(b"{}", mtime=0),
        ]
    ),
)
def test_any_bytes_unwrap_to_text_or_an_error(data, head):
    """Any bytes give UTF-8 text, a zip or an error."""
    try:
        found = bytes(unwrap(head + data, SPOT))
    except UnreadableError:
        return
    assert found.startswith(b"PK\x03\x04") or found.decode() is not None
