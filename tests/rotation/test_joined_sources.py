"""Evidence of several sources: what one source leaves open, another one may confirm."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.rotation import ConditionStatus
from checker.model.trust import TrustEvidence, TrustStatus
from checker.rotation.trust_evidence import joined_sources, old_status, trust_status

CONFIRMED, REFUSED, UNKNOWN = TrustStatus


def said(status, old, *stages, name="orders"):
    return TrustEvidence(backend=name, stages=stages, status=status, reason="why", old=old)


DECLARED = said(UNKNOWN, UNKNOWN, "a", "b")


def both(*stages, old=CONFIRMED):
    return said(CONFIRMED, old, *stages, name="probed")


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ((both("a", "b"),), False),
        ((both("a"), both("b")), False),
        ((both("b"), both("c", "a")), False),
        ((both("a", "b", old=REFUSED),), False),  # it says of the successor what is asked
        ((both("a"),), True),  # nothing says it of the other stage
        ((both("a", "b"), said(UNKNOWN, CONFIRMED, "b")), True),  # another backend of it is open
        ((both("a", "b"), said(REFUSED, CONFIRMED, "a")), True),
        ((), True),
    ],
)
def test_what_is_open_is_settled_where_another_source_confirms_each_stage(others, kept):
    assert (DECLARED in joined_sources((DECLARED,), others)) is kept
    assert (DECLARED in joined_sources(others, (DECLARED,), ())) is kept
    assert [each for each in joined_sources((DECLARED,), others) if each is not DECLARED] == [
        *others
    ]


def test_a_source_does_not_settle_its_own_doubts():
    own = (DECLARED, both("a", "b"))
    assert joined_sources(own) == own
    assert joined_sources(own, ()) == own


def test_a_refusal_stays_whatever_another_source_says():
    for status, old in ((REFUSED, CONFIRMED), (CONFIRMED, REFUSED), (UNKNOWN, REFUSED)):
        one = said(status, old, "a")
        assert joined_sources((one,), (both("a"),)) == (one, both("a"))


def test_evidence_without_a_stage_stays():
    """Nothing says which stages it is about, so no other source settles it."""
    one = said(UNKNOWN, UNKNOWN)
    assert joined_sources((one,), (both("a"), both())) == (one, both("a"), both())


@pytest.mark.parametrize(
    ("other", "old"),
    [
        (said(UNKNOWN, CONFIRMED, "a"), CONFIRMED),
        (said(CONFIRMED, CONFIRMED, "a"), CONFIRMED),
        (said(CONFIRMED, UNKNOWN, "a"), UNKNOWN),
        (said(CONFIRMED, CONFIRMED, "b"), UNKNOWN),
        (said(CONFIRMED, REFUSED, "a"), UNKNOWN),
    ],
)
def test_a_doubt_about_the_predecessor_is_settled_in_the_same_way(other, old):
    """Evidence that confirms the successor stays, with what the other source confirms."""
    first, *_ = joined_sources((said(CONFIRMED, UNKNOWN, "a"),), (other,))
    assert first == said(CONFIRMED, old, "a")


statuses = st.sampled_from(TrustStatus)
evidence = st.builds(
    said, statuses, statuses, st.sampled_from("ab"), name=st.sampled_from(["x", "y"])
)
sources = st.lists(st.lists(evidence, max_size=2).map(tuple), max_size=3).map(tuple)


@given(sources)
def test_no_order_of_sources_changes_the_answer_and_no_refusal_is_lost(given_sources):
    """A confirmed answer needs every stage that a source leaves open to be confirmed elsewhere."""
    found = joined_sources(*given_sources)
    every = [each for source in given_sources for each in source]
    status, _ = trust_status(found)
    assert status is trust_status(joined_sources(*reversed(given_sources)))[0]
    if any(REFUSED in {each.status, each.old} for each in every):
        assert status is ConditionStatus.NO
    if status is ConditionStatus.YES:
        stages = {stage for each in every for stage in each.stages}
        assert all(
            any(each.status is CONFIRMED for each in every if stage in each.stages)
            for stage in stages
        )


def test_the_worst_of_all_evidence_counts():
    """The condition holds only if each backend trusts both certificates."""
    for one, two in product(product(TrustStatus, repeat=2), repeat=2):
        found = (said(*one, "a"), said(*two, "b"))
        flat = {*one, *two}
        expected = (
            ConditionStatus.NO
            if REFUSED in flat
            else ConditionStatus.UNKNOWN
            if UNKNOWN in flat
            else ConditionStatus.YES
        )
        assert trust_status(found)[0] is expected
    assert trust_status(()) == (ConditionStatus.UNKNOWN, "")
    assert old_status(()) == (ConditionStatus.UNKNOWN, "")


def test_the_words_say_what_is_wrong_with_the_predecessor():
    """A backend that does not trust the successor has no second reason."""
    for status, old, words in (
        (CONFIRMED, CONFIRMED, "backend orders: confirmed, why"),
        (CONFIRMED, REFUSED, "backend orders: confirmed, why, but it does not trust the old one"),
        (
            CONFIRMED,
            UNKNOWN,
            "backend orders: confirmed, why, but it is not confirmed that it trusts the old one",
        ),
        (REFUSED, REFUSED, "backend orders: refused, why"),
    ):
        assert trust_status((said(status, old, "a"),))[1] == words
    assert trust_status((both("a"), said(REFUSED, CONFIRMED, "b")))[1] == (
        "backend probed: confirmed, why; backend orders: refused, why"
    )


def test_the_way_back_is_named_by_the_backends_that_decide():
    """The worst answer about the predecessor counts, with the names of those that gave it."""
    trusting, open_, refusing = (
        said(CONFIRMED, old, "a", "b", name=name)
        for name, old in (("one", CONFIRMED), ("two", UNKNOWN), ("three", REFUSED))
    )
    unnamed = said(UNKNOWN, UNKNOWN, "a", "b", name=None)
    assert old_status((trusting, trusting)) == (ConditionStatus.YES, "one, one")
    assert old_status((trusting, open_, unnamed)) == (ConditionStatus.UNKNOWN, "two, a, b")
    assert old_status((trusting, refusing, open_)) == (ConditionStatus.NO, "three")
