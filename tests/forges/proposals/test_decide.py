"""Tests of the decision which requests to open, keep and close, without a forge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_forge import DAY, candidate, judged

from checker.forges.proposals.decide import Existing, Limits, RotationStatus, decide
from checker.forges.proposals.forge import BranchCommit, BranchState, ForgeRequest
from checker.forges.proposals.marker import RequestMarker
from checker.model.policy import Grouping
from checker.model.rotation import SERIES, Phase


def request(number, *names, phase=Phase.INTRODUCE, state="open", closed=None, **more):
    """Return a request for some certificates, on the branch of the first one."""
    marker = RequestMarker(
        key=more.pop("key", "default"),
        phase=phase,
        certificates=tuple(f"us-east-1/{name}" for name in names),
        roots=more.pop("roots", ("live",)),
        closed=closed,
    )
    return ForgeRequest(
        number=number,
        name=f"#{number}",
        url="",
        title="",
        body=more.pop("body", f"text\n\n{marker.line}"),
        branch=f"tfcert/{names[0]}/{phase}",
        base=more.pop("base", "main"),
        own=True,
        state=state,
        created_at=DAY,
    )


def existing(asked, *, persons=False):
    """Return an open request with its branch, either tfcert's own or with a person's commit."""
    commit = BranchCommit(name="c", parents=("b",), message="fix", author="ann", committer="ann")
    return Existing(
        request=asked,
        branch=BranchState(
            name=asked.branch, head="c", commits=(commit,) if persons else (), files={}
        ),
    )


def decided(found, opened=(), closed=(), **more):
    how = {
        "key": "default",
        "base": "main",
        "viewer": "bot",
        "limits": Limits(new=5, open=20),
        "reopen": False,
    }
    return decide(found, list(opened), lambda: closed, **{**how, **more})


def shapes(decision):
    """Return the groups as pairs of the request's number and the names of the certificates."""
    return [
        (
            group.request.request.number if group.request else None,
            [each.partition("/")[2] for each in group.certificates],
        )
        for group in decision.groups
    ]


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        (Grouping.CERTIFICATE, [["a"], ["b"], ["c"]]),
        (Grouping.ROOT, [["a", "b"], ["c"]]),
        (Grouping.ALL, [["a", "b", "c"]]),
    ],
)
def test_rotations_of_one_phase_share_a_request(grouping, groups):
    """Rotations share a request by certificate, by root module, or all together, but never across
    phases.
    """
    found = [
        candidate("a", grouping=grouping),
        candidate("b", grouping=grouping),
        candidate("c", grouping=grouping, root="other"),
    ]
    decision = decided(judged(*found))
    assert [names for _, names in shapes(decision)] == groups
    retiring = candidate("d", Phase.RETIRE, grouping=Grouping.ALL)
    phases = [group.phase for group in decided(judged(*found, retiring)).groups]
    assert phases.count(Phase.RETIRE) == 1


def test_the_most_urgent_is_opened_first():
    """`--limit` counts the new requests of a run.

    The earliest deadlines come first, and rotations without one last.
    """
    later = DAY.replace(day=30)
    found = judged(
        candidate("a", root="1", deadline=None),
        candidate("b", root="2", deadline=later),
        candidate("c", root="3", deadline=DAY),
        roots=("1", "2", "3"),
    )
    decision = decided(found, limits=Limits(new=2, open=20))
    assert shapes(decision) == [(None, ["c"]), (None, ["b"])]
    assert ["--limit" in each.reason for each in decision.left] == [True]


def test_the_requests_that_are_open_count_for_the_open_limit():
    """The open limit counts a request that stays open, and not one that this run closes."""
    found = judged(candidate("a"), candidate("b", root="other"), roots=("live", "other"))
    stays, goes = existing(request(1, "a")), existing(request(2, "gone"))
    decision = decided(found, [stays, goes], limits=Limits(new=5, open=1))
    assert shapes(decision) == [(1, ["a"])]
    assert "--open-limit" in decision.left[0].reason
    decision = decided(found, [stays, goes], limits=Limits(new=5, open=2))
    assert shapes(decision) == [(1, ["a"]), (None, ["b"])]


def test_a_request_keeps_its_branch_when_a_more_urgent_rotation_joins():
    """A group uses the open request of one of its certificates, even if a more urgent rotation
    joins.
    """
    found = judged(candidate("b"), candidate("a", deadline=DAY.replace(day=1)))
    decision = decided(found, [existing(request(4, "b"))])
    assert shapes(decision) == [(4, ["a", "b"])]
    assert decision.groups[0].branch == "tfcert/b/introduce"


def test_of_two_requests_of_one_change_the_newer_is_closed():
    """Of two requests for the same change, the newer one is closed."""
    found = judged(candidate("a"), candidate("b"))
    decision = decided(found, [existing(request(1, "a")), existing(request(2, "b"))])
    assert shapes(decision) == [(1, ["a", "b"])]
    assert [(each.request.number, each.reason) for each in decision.closings] == [
        (2, "#1 has its change")
    ]


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ({}, "its certificate is in no rotation any more"),
        ({"us-east-1/a": RotationStatus(reason="blocked: count")}, "blocked: count"),
        ({"us-east-1/a": RotationStatus(reason="waiting: apply")}, "waiting: apply"),
    ],
)
def test_a_request_that_is_not_needed_is_closed_with_the_reason(statuses, reason):
    """A request is closed with the reason if its certificate is gone, or its rotation waits or is
    blocked.
    """
    decision = decided(judged(statuses=statuses), [existing(request(1, "a"))])
    assert [(each.request.number, each.reason) for each in decision.closings] == [(1, reason)]


def test_a_request_of_a_phase_that_is_applied_is_closed():
    """A request of an applied phase is closed, and the next phase gets its own request."""
    decision = decided(judged(candidate("a", Phase.REPOINT)), [existing(request(1, "a"))])
    assert shapes(decision) == [(None, ["a"])]
    assert [each.reason for each in decision.closings] == ["repoint is next"]


@pytest.mark.parametrize(
    "found",
    [
        judged(roots=("other",)),
        judged(statuses={"us-east-1/a": RotationStatus(reason="AWS", unverified=True)}),
        judged(unsure=("live",)),
    ],
)
def test_what_is_not_known_closes_nothing(found):
    """A request is not closed if its root module was not read, its rotation is unverified, or AWS
    did not answer.
    """
    decision = decided(found, [existing(request(1, "a"))])
    assert decision.closings == ()
    assert [each.request.number for each in decision.left] == [1]


def test_a_person_s_commit_is_left_alone():
    """A request with a person's commit is left alone, and other rotations of its root module get
    their own request.
    """
    found = judged(candidate("a"), candidate("b"))
    decision = decided(found, [existing(request(1, "a"), persons=True)])
    assert shapes(decision) == [(None, ["b"])]
    assert [(each.request.number, each.persons) for each in decision.left] == [(1, True)]


def test_a_person_s_commit_does_not_keep_a_request_that_is_not_needed():
    """A request that is no longer needed is closed, even with a person's commit."""
    decision = decided(judged(), [existing(request(1, "a"), persons=True)])
    assert [each.request.number for each in decision.closings] == [1]


def test_a_request_that_a_person_closed_stays_closed():
    """A request that a person closed stays closed for its certificates and phase, unless `--reopen`
    is given.
    """
    refused = [request(1, "a", "b", state="closed")]
    found = judged(candidate("a"), candidate("b"), candidate("c"))
    decision = decided(found, closed=refused)
    assert shapes(decision) == [(None, ["c"])]
    assert len([each for each in decision.left if "--reopen" in each.reason]) == 2
    assert shapes(decided(found, closed=refused, reopen=True)) == [(None, ["a", "b", "c"])]
    next_phase = judged(candidate("a", Phase.REPOINT))
    assert shapes(decided(next_phase, closed=refused)) == [(None, ["a"])]


@pytest.mark.parametrize(
    "requests",
    [
        [request(1, "a", state="closed", closed="no longer needed")],
        [request(1, "a", state="closed"), request(2, "a", state="merged")],
        [request(2, "a", state="closed", closed="x"), request(1, "a", state="closed")],
        [request(1, "a", state="closed", key="other")],
    ],
)
def test_what_we_closed_or_what_was_merged_later_is_opened_again(requests):
    """A request is opened again if tfcert closed the earlier one, or if the newest one was merged.

    Other jobs' requests do not count.
    """
    assert shapes(decided(judged(candidate("a")), closed=requests)) == [(None, ["a"])]


@pytest.mark.parametrize("overdue", [True, False])
def test_a_person_s_decision_is_told_when_it_is_late(overdue):
    """A closed request or a commit of a person stops the rotation; after the deadline a run warns."""
    found = judged(candidate("a", overdue=overdue))
    closed = decided(found, closed=[request(1, "a", state="closed")])
    frozen = decided(found, [existing(request(1, "a"), persons=True)])
    assert [each.overdue for each in (*closed.left, *frozen.left)] == [overdue, overdue]


def test_closed_requests_are_listed_only_before_something_is_opened():
    """Closed requests are not listed if nothing is to be opened."""

    def never():
        raise AssertionError

    how = {
        "key": "default",
        "base": "main",
        "viewer": "bot",
        "limits": Limits(new=5, open=20),
        "reopen": False,
    }
    decide(judged(candidate("a")), [existing(request(1, "a"))], never, **how)


@pytest.mark.parametrize(
    "asked",
    [
        request(1, "a", body="rewritten by a person"),
        request(1, "a", key="other"),
        request(1, "a", base="release"),
    ],
)
def test_a_request_that_is_not_ours_is_not_touched(asked):
    """A request without a marker or with another key is not changed, and its branch is not used for
    another request.
    """
    decision = decided(judged(candidate("a")), [existing(asked)])
    assert (decision.groups, decision.closings) == ((), ())
    assert [each.request.number for each in decision.left] == [1]


def test_a_request_that_we_closed_and_a_person_opened_is_kept():
    """A request that tfcert closed and a person reopened is kept current if it is needed, else left
    alone.
    """
    opened = existing(request(1, "a", closed="x"))
    assert shapes(decided(judged(candidate("a")), [opened])) == [(1, ["a"])]
    decision = decided(judged(), [opened])
    assert decision.closings == ()
    assert "opened it again" in decision.left[0].reason


def test_the_schedule_is_for_new_requests():
    """Outside the schedule no request is opened, and open ones are kept current."""
    found = judged(candidate("a", scheduled=False))
    assert "schedule" in decided(found).left[0].reason
    assert shapes(decided(found, [existing(request(1, "a"))])) == [(1, ["a"])]


NAMES = st.sampled_from("abcde")
CANDIDATES = st.lists(
    st.builds(
        candidate,
        NAMES,
        st.sampled_from(SERIES),
        root=st.sampled_from(["live", "other"]),
        grouping=st.sampled_from(Grouping),
    ),
    max_size=5,
    unique_by=lambda each: each.certificates,
)
OPENED = st.lists(
    st.tuples(
        st.lists(NAMES, min_size=1, max_size=3, unique=True), st.sampled_from(SERIES), st.booleans()
    ),
    max_size=4,
    unique_by=lambda each: (each[0][0], each[1]),
)


@given(CANDIDATES, OPENED, st.integers(0, 3), st.integers(0, 5))
def test_a_certificate_is_never_in_two_requests_of_a_phase(candidates, opened, new, most):
    """After a decision, each certificate and phase has at most one request, and the limits are
    kept, whatever was open before.
    """
    found = judged(*candidates, roots=("live", "other"))
    requests = [
        existing(request(number, *names, phase=phase), persons=persons)
        for number, (names, phase, persons) in enumerate(opened, 1)
    ]
    decision = decided(found, requests, limits=Limits(new=new, open=most))
    closing = {each.request.number for each in decision.closings}
    kept = {group.request.request.number for group in decision.groups if group.request}
    left = {each.request.number for each in decision.left if each.request is not None}
    assert closing | kept | left == {each.request.number for each in requests}
    assert len(closing) + len(kept) + len(left) == len(requests)
    opening = [group for group in decision.groups if group.request is None]
    assert len(opening) <= new
    assert not opening or len(opening) + len(kept) + len(left) <= most
    covered = [(each, group.phase) for group in decision.groups for each in group.certificates]
    frozen = {
        (certificate, each.request.marker.phase)
        for each in requests
        if each.request.number in left and not each.branch.is_ours("bot")
        for certificate in each.request.marker.certificates
    }
    assert len(covered) == len(set(covered))
    assert frozen.isdisjoint(covered)
    wanted = {(each, one.phase) for one in candidates for each in one.certificates}
    assert set(covered) <= wanted
