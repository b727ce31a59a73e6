"""Diffs that git takes, whatever the text and the file's name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import bounded, git

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
    """Line ends, missing final newlines, and lines that look like a diff's own come through as they are."""
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
    """Blanks, quotes and letters outside ASCII in a path."""
    target = tmp_path / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if before is not None:
        target.write_bytes(before)
    git(tmp_path, "init", "-q")
    git(tmp_path, "apply", "-", data=unified_diff(name, before, b"one\nthree\n"))
    assert target.read_bytes() == b"one\nthree\n"
