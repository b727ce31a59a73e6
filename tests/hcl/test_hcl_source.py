"""A file as bytes: lines, line ends, byte-order marks, and invalid HCL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import BASE, bounded

from checker.errors import UnreadableError
from checker.hcl.comments import attached_comments, lineage_of, pem_of
from checker.hcl.syntax import SourceFile


@bounded
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"  ", "ü".encode()]), max_size=30),
    st.booleans(),
)
def test_every_offset_lies_in_its_line(pieces, mark):
    """The line of an offset contains the offset, at most one line end, and no byte-order mark."""
    data = (b"\xef\xbb\xbf" if mark else b"") + b"".join(pieces)
    file = SourceFile("a.tf", data)
    for at in range(3 if mark else 0, len(data)):
        start, end = file.line_start(at), file.line_end(at)
        assert start <= at < end
        assert data[start:end].count(b"\n") == (1 if data[end - 1 : end] == b"\n" else 0)
        assert not data[start:end].startswith(b"\xef\xbb\xbf")
        assert file.line(at) == data[:at].count(b"\n") + 1


def test_offsets_are_those_of_the_file_though_it_begins_with_a_mark():
    """Spans in a file with a byte-order mark are offsets in the file itself."""
    file = SourceFile("a.tf", b"\xef\xbb\xbf" + BASE.encode())
    block = file.body.blocks[0]
    assert block.span.start == 3
    assert block.label_spans[1].of(file.data) == b"orders"


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"a {\n  b = \n}\n", "not valid HCL", ":2"),
        (b"# gr\xfcn\n", "not UTF-8", ":1"),
        (b"\n\n\x00\x01\x02 {{{", "not valid HCL", ":3"),
        (b"a {\n" * 3000 + b"}\n" * 3000, "nested too deeply", ""),
    ],
)
def test_what_is_no_hcl_says_where(data, message, line):
    """An error about invalid HCL has the file, the line and the reason."""
    with pytest.raises(UnreadableError, match=message) as caught:
        _ = SourceFile("a.tf", data).body
    assert caught.value.where is not None
    assert caught.value.where.startswith("a.tf" + line)


def test_the_line_end_is_that_of_the_first_line():
    """The line end for new lines is that of the first line."""
    assert SourceFile("a", b"a\r\nb\n").newline == b"\r\n"
    assert SourceFile("a", b"a\nb\r\n").newline == b"\n"
    assert SourceFile("a", b"").newline == b"\n"
    assert SourceFile("a", b"\nb\r\n").newline == b"\n"


@pytest.mark.parametrize(
    ("above", "kept"),
    [
        ("# one\n// two\n", "# one\n// two\n"),
        ("/* one\n   two */\n# three\n", "/* one\n   two */\n# three\n"),
        ("# far\n\n# near\n", "# near\n"),
        ("# far\n\n", ""),
        ("locals {} # behind a block\n# near\n", "# near\n"),
        ("locals {} # behind a block\n", ""),
        ("# one\n  # indented\n", "# one\n  # indented\n"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_comments_of_a_block_are_those_directly_above_it(above, kept, mark, newline):
    """The comments of a block are those directly above it, up to a blank line or other code."""
    text = (mark + above + 'resource "a" "b" {\n}\n').replace("\n", newline)
    file = SourceFile("a.tf", text.encode())
    assert attached_comments(file, file.body.blocks[-1]).of(file.data).decode() == kept.replace(
        "\n", newline
    )


@pytest.mark.parametrize(
    ("comment", "names"),
    [
        ("# tfcert: succeeds aws_x.orders", "aws_x.orders"),
        ("//tfcert:succeeds aws_x.orders  ", "aws_x.orders"),
        ("# tfcert: succeeds aws_x.old\n# tfcert: succeeds aws_x.orders", "aws_x.orders"),
        ("# tfcert: succeeds aws_x.orders and more", "aws_x.orders"),
        ("# see tfcert: succeeds aws_x.orders", None),
        ("# tfcert: succeeds aws_x.orders\n", "aws_x.orders"),
        ("# succeeds aws_x.orders", None),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lineage_is_the_comment_nearest_to_the_block(comment, names, newline):
    """The `succeeds` comment nearest to the block counts; text may follow it, and a blank line."""
    file = SourceFile(
        "a.tf",
        f'{comment}\nresource "a_client_certificate" "b" {{\n}}\n'.replace("\n", newline).encode(),
    )
    found = lineage_of(file, file.body.blocks[0])
    assert (found[-1].reference if found else None) == names
    if found:
        assert found[-1].removed.of(file.data).strip() == comment.splitlines()[-1].strip().encode()
        assert found[-1].removed.of(file.data).endswith(newline.encode())


def test_the_comment_above_an_output_names_the_certificate_of_its_pem():
    """The comment above an output names the certificate of its PEM."""
    file = SourceFile(
        "a.tf",
        b'# tfcert: PEM of aws_x.orders, for the backends to trust\noutput "a" {\n  value = 1\n}\n',
    )
    assert pem_of(file, file.body.blocks[0]) == "aws_x.orders"
