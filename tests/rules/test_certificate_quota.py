"""Tests of certificate-quota: whether AWS has room for the successors that are due."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, findings, lineage, said, stage
from msgspec.structs import replace

from checker.model.observation import Gone, Unanswered
from checker.model.places import Place
from checker.model.policy import Policy

RULE = "certificate-quota"
BOTH = [stage("a", "a"), stage("b", "b")]


HERE = Place(None, "123456789012", "us-east-1")


def holding(held, cases):
    return replace(cases, observations=replace(cases.observations, certificate_counts=held))


def two(left=12, **rest):
    return cases_of(document([certificate("a", left), certificate("b", left)], BOTH), **rest)


@pytest.mark.parametrize(
    ("held", "weight"), [(57, None), (58, None), (59, "warning"), (60, "warning"), (75, "warning")]
)
def test_as_many_as_are_due_must_be_free(held, weight):
    """Two due rotations need two free places in the quota."""
    assert said(holding({HERE: held}, two())).get(RULE) == weight


def test_it_says_how_many_there_are_and_how_many_are_needed():
    """The message gives the region, the number of certificates, the quota and the number needed."""
    (finding,) = findings(holding({HERE: 59}, two()), RULE)
    assert finding.message == (
        "account 123456789012, region us-east-1 has 59 of 60 client certificates, and rotations that are due need 2 more"
    )


@pytest.mark.parametrize(
    "cases",
    [
        two(300),
        two(
            answers={
                "a": Unanswered(reason="r", remedy="m"),
                "b": Unanswered(reason="r", remedy="m"),
            }
        ),
        two(policy=Policy(certificate_quota=62)),
        cases_of(document([certificate("a"), certificate("b")], [])),
        cases_of(
            document(
                [certificate("a"), certificate("b", 350)], BOTH[:1], declared=lineage(a=None, b="a")
            )
        ),
    ],
    ids=[
        "not due",
        "perhaps of another account",
        "raised",
        "nobody presents them",
        "successor there",
    ],
)
def test_what_needs_no_room_is_no_finding(cases):
    """There is no finding if no new successor is needed, or if the quota is high enough."""
    assert RULE not in said(holding({HERE: 60}, cases))


def test_one_that_is_gone_needs_a_new_one_and_other_places_have_their_own_room():
    """A deleted certificate needs room for a new one; the count of another region or account does
    not matter.
    """
    gone = two(300, answers={"a": Gone(), "b": Gone()})
    assert said(holding({HERE: 59}, gone))[RULE] == "warning"
    assert RULE not in said(holding({Place(None, "123456789012", "eu-west-1"): 60}, gone))
    assert RULE not in said(holding({Place(None, "222222222222", "us-east-1"): 60}, gone))


@pytest.mark.parametrize(
    ("left", "declared", "found"), [(350, False, False), (40, False, True), (350, True, True)]
)
def test_without_the_configuration_one_that_waits_for_stages_counts_as_a_successor(
    left, declared, found
):
    """Without the configuration, an unused certificate counts as a successor.

    With it, only the `succeeds` comment makes a successor.
    """
    both = [certificate("a", 12), certificate("b", left)]
    config = lineage(a=None, b=None) if declared else None
    assert (
        RULE in said(holding({HERE: 60}, cases_of(document(both, BOTH[:1], declared=config))))
    ) is found
