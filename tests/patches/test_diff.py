"""Diffs that git applies, for any text and any file name."""

from __future__ import annotations

import difflib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import bounded, git

from checker.patches.line_diff import diff_lines
from checker.patches.patch import unified_diff

LINES = st.lists(
    st.sampled_from(
        [
            b"a\n",
            b"b\n",
            b"\n",
            b"c\r\n",
            b"-- d\n",
            b"+++ e\n",
            b"@@ -1 +1 @@\n",
            b"\\ f\n",
            "ü\n".encode(),
        ]
    ),
    max_size=25,
)
TEXT = st.builds(
    lambda lines, end: b"".join(lines) + end, LINES, st.sampled_from([b"", b"last", b"last\r"])
)


@settings(bounded, max_examples=25)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=6, max_size=6))
def test_git_makes_of_the_diff_exactly_the_second_text(pairs, tmp_path_factory):
    """`git apply` of a diff gives exactly the second text, whatever its line ends and lines."""
    folder = tmp_path_factory.mktemp("diff")
    git(folder, "init", "-q")
    diffs = []
    for number, (before, after) in enumerate(pairs):
        (folder / f"{number}.tf").write_bytes(before)
        diffs.append(unified_diff(f"{number}.tf", before, after) if before != after else b"")
    if any(diffs):
        git(folder, "apply", "--whitespace=nowarn", "-", data=b"".join(diffs))
    assert [(folder / f"{number}.tf").read_bytes() for number in range(len(pairs))] == [
        after for _, after in pairs
    ]


@pytest.mark.parametrize(
    "name",
    [
        "a b.tf",
        "ümlaut.tf",
        "deep/er/a.tf",
        "a'b.tf",
        "tab\there.tf",
        'quo"te.tf',
        "back\\slash.tf",
    ],
)
@pytest.mark.parametrize("before", [b"one\ntwo\n", None], ids=["changed", "new"])
def test_git_finds_the_file_whatever_its_name(name, before, tmp_path):
    """`git apply` finds a file with blanks, quotes or non-ASCII letters in its path."""
    target = tmp_path / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if before is not None:
        target.write_bytes(before)
    git(tmp_path, "init", "-q")
    git(tmp_path, "apply", "-", data=unified_diff(name, before, b"one\nthree\n"))
    assert target.read_bytes() == b"one\nthree\n"


def expected(old, new):
    """Return the unified diff that difflib computes."""
    return list(difflib.diff_bytes(difflib.unified_diff, old, new, b"a", b"b", n=3, lineterm=b"\n"))


@settings(bounded, max_examples=300)
@given(
    old=st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"}\n", b"\n"]), max_size=30),
    new=st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"}\n", b"\n"]), max_size=30),
)
def test_a_diff_is_the_one_of_difflib(old, new):
    """A diff of lines with many repetitions equals difflib's."""
    assert list(diff_lines(old, new, (b"a", b"b"))) == expected(old, new)


@pytest.mark.parametrize("seed", range(12))
def test_a_long_diff_is_the_one_of_difflib(seed):
    """A diff of more than 200 lines equals difflib's, which ignores popular lines at first."""
    chance = random.Random(seed)
    blocks = [
        [b'block "%d" {\n' % (number % (7 + seed * 9)), b"  same = 1\n", b"}\n", b"\n"]
        for number in range(120)
    ]
    old = [line for block in blocks for line in block]
    for _ in range(25):
        at = chance.randrange(len(blocks))
        match chance.randrange(4):
            case 0:
                del blocks[at]
            case 1:
                blocks.insert(at, list(blocks[chance.randrange(len(blocks))]))
            case 2:
                blocks[at] = [*blocks[at][:1], b"  other = %d\n" % at, *blocks[at][1:]]
            case _:
                blocks.insert(at, blocks.pop(chance.randrange(len(blocks))))
    new = [line for block in blocks for line in block]
    assert list(diff_lines(old, new, (b"a", b"b"))) == expected(old, new)


def test_many_equal_edits_are_searched_once(monkeypatch):
    """A file with 1,000 equal edits is diffed without difflib's slow search."""
    old = [
        line
        for number in range(1000)
        for line in (b'resource "a" "c%d" {\n' % number, b"  n = %d\n" % number, b"}\n", b"\n")
    ]
    new = [line.replace(b'" {', b'_202611" {') for line in old]
    wanted = expected(old, new)
    monkeypatch.delattr(difflib.SequenceMatcher, "find_longest_match")
    assert list(diff_lines(old, new, (b"a", b"b"))) == wanted
