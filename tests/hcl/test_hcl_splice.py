"""I3: splicing edits into a file changes only the edited spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import bounded

from checker.errors import UnprovenError
from checker.hcl.splice import Edit, splice
from checker.hcl.syntax import Span


@st.composite
def edits(draw):
    data = draw(st.binary(max_size=200))
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    texts = [
        draw(st.binary(max_size=12).filter(lambda text, old=data[a:b]: text != old))
        for a, b in pairs
    ]
    return data, list(zip(pairs, texts, strict=True))


@bounded
@given(edits(), st.randoms(use_true_random=False))
def test_i3_what_no_edit_names_stays_as_it_was(case, random):
    """I3: bytes outside the edits stay the same, in whatever order the edits come."""
    data, chosen = case
    expected = b""
    at = 0
    for (start, end), text in chosen:
        expected += data[at:start] + text
        at = end
    expected += data[at:]
    given_edits = [Edit(path="a.tf", span=Span(*span), text=text) for span, text in chosen]
    random.shuffle(given_edits)
    result = splice({"a.tf": data, "b.tf": b"untouched"}, given_edits)
    assert result == ({"a.tf": expected} if chosen else {})


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (
            [
                Edit(path="a", span=Span(0, 3), text=b"x"),
                Edit(path="a", span=Span(2, 4), text=b"y"),
            ],
            "overlap",
        ),
        ([Edit(path="a", span=Span(4, 9), text=b"x")], "overlap"),
        ([Edit(path="a", span=Span(0, 2), text=b"ab")], "changes nothing"),
        ([Edit(path="a", span=Span(1, 1), text=b"")], "changes nothing"),
    ],
)
def test_edits_that_overlap_leave_the_file_or_change_nothing_are_refused(edits, message):
    """Edits that overlap, exceed the file or change nothing are refused."""
    with pytest.raises(UnprovenError, match=message):
        splice({"a": b"abcdef"}, edits)
