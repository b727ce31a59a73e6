"""Tests of whole runs on a forge in memory: interrupted runs, simultaneous runs, and changes by
people in between.
"""

from __future__ import annotations

import pytest
from memory_forge import BOT, KilledError, MemoryForge, candidate, judged, run

from checker.forges.proposals.decide import Limits
from checker.forges.proposals.forge import OutrunError, People
from checker.model.rotation import Phase

FOUND = judged(candidate("abc"))
BRANCH = "tfcert/abc/introduce"
PEOPLE = People(labels=("tfcert",), reviewers=("ann",))


def opened(**more):
    """Return a forge after a first run."""
    forge = MemoryForge()
    run(forge, FOUND, **more)
    forge.writes.clear()
    return forge


def open_requests(forge):
    return [each for each in forge.requests.values() if each.state == "open"]


def is_current(forge, data=b"new\n"):
    """Return whether there is one open request whose branch is one commit on the base with these
    files.
    """
    (asked,) = open_requests(forge)
    start, commits, files = forge.branches[asked.branch]
    return (start, len(commits), files) == (forge.base, 1, {"main.tf": data})


def test_the_same_content_makes_no_call_that_writes():
    """A second run with the same content makes no call that writes."""
    forge = opened(people=PEOPLE)
    run(forge, FOUND, people=PEOPLE)
    assert forge.writes == []
    assert is_current(forge)
    assert forge.dressed == {1: PEOPLE}


@pytest.mark.parametrize("change", ["content", "base"])
def test_other_content_or_a_moved_base_rewrites_the_branch(change):
    """Changed content or a moved base makes the branch one new commit on the head of the base."""
    forge = opened()
    data = b"newer\n" if change == "content" else b"new\n"
    if change == "base":
        forge.move_base()
    run(forge, FOUND, data=data)
    assert forge.writes == ["rewrite_branch"]
    assert is_current(forge, data)


def test_another_title_is_one_edit():
    """A changed title is one edit of the request, without a commit."""
    forge = opened()
    run(forge, FOUND, title="another title")
    assert forge.writes == ["edit"]
    assert forge.requests[1].title == "another title"


def test_a_person_s_commit_is_never_rewritten():
    """A branch with a person's commit is not rewritten, and repeated runs write one comment about
    it.
    """
    forge = opened()
    forge.push(BRANCH)
    before = forge.branches[BRANCH]
    forge.move_base()
    for _ in range(3):
        run(forge, FOUND, data=b"newer\n")
    assert forge.branches[BRANCH] == before
    assert len(forge.remarks) == 1


def test_an_empty_commit_of_a_person_counts_too():
    """The files are still ours, and the branch is not."""
    forge = opened()
    start, commits, files = forge.branches[BRANCH]
    forge.push(BRANCH)
    forge.branches[BRANCH] = (start, forge.branches[BRANCH][1], files)
    forge.move_base()
    run(forge, FOUND)
    assert forge.branches[BRANCH][1][:-1] == commits


def test_a_person_s_commit_without_a_request_blocks():
    """Nobody would see it on the forge: the run says so, and its exit code is 3."""
    forge = opened()
    forge.push(BRANCH)
    forge.set(1, state="merged")
    results, _ = run(forge, FOUND)
    assert [each.blocked for each in results] == [True]
    assert open_requests(forge) == []


def test_a_commit_that_arrives_in_the_last_moment_is_not_lost():
    """A commit that is pushed during the run is not lost, because the branch is moved only from the
    expected head.
    """
    forge = opened()
    forge.move_base()
    forge.before = lambda name: forge.push(BRANCH) if name == "rewrite_branch" else None
    results, _ = run(forge, FOUND)
    assert "left for the next run" in results[0].did
    assert forge.branches[BRANCH][2]["other.tf"] == b"by hand\n"


@pytest.mark.parametrize("who", [BOT, "ann"])
def test_our_message_does_not_make_a_commit_ours(who):
    """A commit with tfcert's message and other files counts as a person's, whoever committed it."""
    forge = opened()
    forge.amend(BRANCH, b"edited\n", who)
    before = forge.branches[BRANCH]
    forge.move_base()
    run(forge, FOUND)
    assert forge.branches[BRANCH] == before


def test_the_same_files_by_another_author_are_not_ours():
    """A commit with the same files by another author counts as a person's."""
    forge = opened()
    forge.amend(BRANCH, b"new\n", "ann")
    forge.move_base()
    results, _ = run(forge, FOUND)
    assert "left alone" in results[0].did


def test_a_branch_that_was_deleted_is_made_again():
    """If the branch of an open request was deleted, it is created again."""
    forge = opened()
    del forge.branches[BRANCH]
    run(forge, FOUND)
    assert forge.writes == ["create_branch"]
    assert is_current(forge)


def test_what_is_not_needed_is_closed_and_told_from_what_a_person_closed():
    """A request that tfcert closed with a reason is opened again when needed; one that a person
    closed only with `--reopen`.
    """
    forge = opened()
    run(forge, judged())
    assert forge.writes == ["close"]
    assert "in no rotation any more" in forge.requests[1].body.splitlines()[0]
    run(forge, FOUND)
    assert [each.number for each in open_requests(forge)] == [2]
    forge.set(2, state="closed")
    run(forge, FOUND)
    assert open_requests(forge) == []
    run(forge, FOUND, reopen=True)
    assert [each.number for each in open_requests(forge)] == [3]


def test_a_request_that_is_merged_meanwhile_is_not_closed():
    """A request that is merged during the run is not closed."""
    forge = opened()
    forge.before = lambda name: forge.set(1, state="merged") if name == "request" else None
    run(forge, judged())
    assert forge.writes == []


def test_a_request_that_is_opened_and_merged_meanwhile_is_not_opened_twice():
    """If another run opens the request and it is merged meanwhile, the change is not proposed
    again.
    """
    forge = MemoryForge()

    def other(name):
        if name == "requests_of":
            forge.before = lambda _name: None
            run(forge, FOUND)
            forge.set(1, state="merged")

    forge.before = other
    results, _ = run(forge, FOUND)
    assert len(forge.requests) == 1
    assert results[0].did == "another run has opened it"


def test_a_request_that_is_merged_before_the_closed_ones_are_listed_is_not_opened_twice():
    """It is older than what the run has read; its change is in a base that the run has not read."""
    forge = MemoryForge()

    def other(name):
        if name == "closed_requests":
            forge.before = lambda _name: None
            run(forge, FOUND)
            forge.set(1, state="merged")
            forge.move_base()

    forge.before = other
    results, _ = run(forge, FOUND)
    assert len(forge.requests) == 1
    assert "left for the next run" in results[0].did


def test_a_merged_request_whose_change_is_taken_back_is_opened_again():
    """The base is the one that was judged, and it does not have the change."""
    forge = opened()
    forge.set(1, state="merged")
    forge.move_base()
    run(forge, FOUND)
    assert [each.number for each in open_requests(forge)] == [2]


def kill_at(forge, number):
    """Interrupt the run before its call of this number.

    Return a list with the number of calls left.
    """
    left = [number]

    def before(_name):
        if not left[0]:
            raise KilledError
        left[0] -= 1

    forge.before = before
    return left


@pytest.mark.parametrize("story", ["open", "rewrite", "close"])
def test_a_run_that_is_killed_is_finished_by_the_next_one(story):
    """A run that is interrupted before any of its calls is completed by the next run, without a
    second request.
    """
    found = judged() if story == "close" else FOUND
    for number in range(30):
        forge = MemoryForge() if story == "open" else opened(people=PEOPLE)
        if story == "rewrite":
            forge.move_base()
        kill_at(forge, number)
        try:
            run(forge, found, people=PEOPLE)
        except KilledError:
            pass
        else:
            break
        finally:
            forge.before = lambda _name: None
        run(forge, found, people=PEOPLE)
        assert len(forge.requests) == 1
        if story == "close":
            assert open_requests(forge) == []
        else:
            assert is_current(forge)
            assert forge.dressed == {1: PEOPLE}
            assert open_requests(forge)[0].marker.dressed
    else:
        raise AssertionError


@pytest.mark.parametrize("story", ["open", "rewrite"])
def test_two_runs_at_once_make_one_request(story):
    """Two runs at the same time make one request with one commit on the base."""
    for number in range(30):
        forge = MemoryForge() if story == "open" else opened()
        if story == "rewrite":
            forge.move_base()
        left = [number]

        def before(_name, forge=forge, left=left):
            left[0] -= 1
            if left[0] < 0:
                forge.before = lambda _name: None
                run(forge, FOUND)

        forge.before = before
        run(forge, FOUND)
        forge.before = lambda _name: None
        assert len(forge.requests) == 1
        assert is_current(forge)
        if left[0] >= 0:
            break
    else:
        raise AssertionError


def test_an_error_of_one_request_does_not_stop_the_others():
    """A failed request is reported, and the other requests of the run are opened."""
    from checker.errors import TfcertError

    forge = MemoryForge()
    calls = []

    def before(name):
        if name == "create_branch":
            calls.append(name)
            if len(calls) == 1:
                raise TfcertError("no room")

    forge.before = before
    found = judged(candidate("abc"), candidate("def", root="other"), roots=("live", "other"))
    results, _ = run(forge, found)
    assert [each.failed for each in results] == [True, False]
    assert len(open_requests(forge)) == 1


def test_a_deleted_branch_that_may_not_be_made_again_is_an_error():
    """Its request is open, and would stay without a branch: no run says that it is current."""
    forge = opened()
    forge.branches.clear()

    def refuse(name):
        if name == "create_branch":
            raise OutrunError("a rule forbids it")

    forge.before = refuse
    results, _ = run(forge, FOUND)
    assert results[0].failed
    assert results[0].did.startswith("not done: a rule forbids it")
    forge.before = lambda _name: None
    assert run(forge, FOUND)[0][0].did == "branch made again"
    assert is_current(forge)


def test_the_whole_series_leaves_no_open_request():
    """After introduce, repoint and retire are each merged and applied, three requests exist and
    none is open.
    """
    forge = MemoryForge()
    for number, phase in enumerate((Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE), 1):
        run(forge, judged(candidate("abc", phase)))
        assert [each.number for each in open_requests(forge)] == [number]
        forge.set(number, state="merged")
        del forge.branches[f"tfcert/abc/{phase}"]
        forge.move_base()
        run(forge, judged())
    assert open_requests(forge) == []
    assert len(forge.requests) == 3


def test_nothing_is_opened_beyond_the_limits():
    """A limit of 0 opens no request and keeps open ones current."""
    forge = opened()
    forge.move_base()
    found = judged(candidate("abc"), candidate("def", root="other"), roots=("live", "other"))
    run(forge, found, limits=Limits(new=0, open=20))
    assert len(forge.requests) == 1
    assert is_current(forge)


@pytest.mark.parametrize("call", ["open", "create_branch"])
def test_a_refusal_that_nothing_explains_is_an_error_and_is_tried_again(call):
    """A forge that refuses a branch or a request as taken, and shows none, is asked next time.

    It is an error: a rule, or a branch with a part of the name, refuses it every time.
    """
    forge = MemoryForge()

    def refuse(name):
        if name == call:
            raise OutrunError("exists")

    forge.before = refuse
    results, _ = run(forge, FOUND)
    assert results[0].did.startswith("not done: ")
    assert "rules must let the token" in results[0].did
    assert results[0].failed
    assert open_requests(forge) == []
    forge.before = lambda _name: None
    run(forge, FOUND)
    assert is_current(forge)
