"""Runs that are killed after a call, and runs at the same time: there is never more than one request for a phase.

With TFCERT_YEAR=1, a run is killed at each of its calls, and each start has fifty orders of two
runs. Otherwise it is killed at each call that writes, and each start and forge has five orders.
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from itertools import count

import pytest
from direct import Kill, Turns
from homes import tick

WHOLE = "TFCERT_YEAR" in os.environ
EVERY = 1 if WHOLE else 6
ORDERS = 50 if WHOLE else 5
LABELS = {"labels": ("rotation",), "assignees": ("ann",), "reviewers": ("bob",)}


def nothing_yet(home):
    """No branch and no request."""
    tick(home, days=330)


def base_moved(home):
    """A request whose base has moved: its branch is to be rewritten."""
    nothing_yet(home)
    home.run()
    home.server.push(home.project, {"other.txt": b"moved\n"})


def text_moved(home):
    """A request whose file has moved, and whose texts are old."""
    base_moved(home)
    text = home.base_files()["main.tf"][1]
    home.server.push(home.project, {"main.tf": b"# More.\n" + text})
    tick(home, days=1)


def not_needed(home):
    """A request whose change somebody has made without it."""
    nothing_yet(home)
    home.run()
    (request,) = home.requests()
    home.server.push(home.project, {"main.tf": home.repository.read(request.sha, "main.tf")[1]})
    home.apply()


def branch_alone(home):
    """A branch of ours without a request, as a killed run leaves it."""
    nothing_yet(home)
    home.run()
    home.project.requests.clear()


STARTS = [nothing_yet, base_moved, text_moved, not_needed, branch_alone]


def faults(home):
    """What must never be there: two requests for a phase, another branch moved, a merge by a token."""
    found = [
        f"two requests for {name}"
        for name, number in Counter(one.head for one in home.requests()).items()
        if number > 1
    ]
    found += [
        f"{branch} moved"
        for by, branch, _, _ in home.project.moves
        if by == home.bot and not branch.startswith("tfcert/")
    ]
    return found + [
        f"{request.method} {request.path}"
        for request in home.server.requests
        if request.method == "DELETE" or request.path.endswith(("/merge", "/merges"))
    ]


def is_current(home):
    """Nothing is left to do: another run writes nothing."""
    before = len(home.server.writes())
    assert home.run().exit_code == 0
    return home.server.writes()[before:] == []


def people():
    from checker.forges.proposals.forge import People

    return People(**LABELS)


# Killed before a call is killed after the one before it, but for calls that only read.
@pytest.mark.parametrize("moment", ["before", "after"] if WHOLE else ["after"])
@pytest.mark.parametrize("start", STARTS)
def test_a_run_that_is_killed_at_any_call_is_finished_by_the_next(make, wire, start, moment):
    """Before the call has its effect, and after it: the next run leaves what a whole one would."""
    for number in count(1):
        home = make()
        start(home)
        counts = (lambda _: True) if WHOLE else home.server.changes
        wire.hooks = [Kill(number, moment, counts)]
        done = home.run(people=people())
        wire.hooks = []
        if done is not None:
            break
        assert home.run(people=people()).exit_code == 0, number
        assert faults(home) == [], number
        assert is_current(home), number
        if start in (nothing_yet, branch_alone):
            (request,) = home.requests()
            assert (request.labels, len(request.assignees), len(request.reviewers)) == (
                ["rotation"],
                1,
                1,
            ), number
    assert number > 1


def together(home, wire, seed, runs=2):
    """Let runs make their calls in an order of a seed; returns their results and the order."""
    names = [f"run {number}" for number in range(runs)]
    folders = {name: home.checkout(f"checkout of {name}") for name in names}
    turns = Turns(names, random.Random(seed))
    results = {}

    def work(name):
        try:
            results[name] = home.run(where=folders[name])
        finally:
            turns.end(name)

    wire.hooks = [turns]
    threads = [
        threading.Thread(target=work, args=(name,), name=name, daemon=True) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    wire.hooks = []
    assert len(results) == runs, turns.order
    return results, turns.order


@pytest.mark.parametrize("start", STARTS)
def test_two_runs_at_once_make_one_request(make, wire, start):
    """In every order of their calls; afterwards a run has nothing to do."""
    orders = set()
    for seed in range(ORDERS):
        home = make()
        start(home)
        results, order = together(home, wire, seed)
        orders.add(tuple(order))
        assert faults(home) == [], order
        assert {result.exit_code for result in results.values()} == {0}, order
        home.run()
        assert is_current(home), order
        expected = 0 if start is not_needed else 1
        assert len(home.requests(opened=True)) == expected, order
    assert len(orders) > ORDERS // 2


def test_a_commit_that_a_person_pushes_between_two_calls_is_never_lost(make, wire):
    """At each call of a run that rewrites the branch, on GitHub; GitLab's API has no such condition, as the docs say."""
    home = make()
    if home.forge == "gitlab":
        pytest.skip("GitLab's API moves a branch without comparing it first")
    for number in count(1, 1 if WHOLE else 2):
        home = make()
        base_moved(home)
        (request,) = home.requests()
        mine = []
        left = [number]

        def push(moment, _, home=home, request=request, mine=mine, left=left):
            left[0] -= moment == "before"
            if moment == "before" and left[0] == 0:
                home.server.push(home.project, {"NOTES.md": b"Mine.\n"}, branch=request.head)
                mine.append(request.sha)

        wire.hooks = [push]
        home.run()
        wire.hooks = []
        if not mine:
            break
        assert home.repository.is_ancestor(mine[0], home.repository.head(request.head)), number
        assert faults(home) == []
    assert number > 8


def merges(home, request):
    """A person merges the request, and the forge deletes its branch."""
    home.server.merge(home.project, request)


def closes(home, request):
    """A person closes the request."""
    home.server.close(request)


@pytest.mark.parametrize("act", [merges, closes])
def test_what_a_person_does_to_a_request_between_two_calls_stands(make, wire, act):
    """At each call of a run that rewrites the branch: no second request, and none that is opened again."""
    for number in count(1, EVERY):
        home = make()
        base_moved(home)
        (request,) = home.requests()
        done, left = [], [number]

        def step(moment, _, home=home, request=request, done=done, left=left):
            left[0] -= moment == "before"
            if moment == "before" and left[0] == 0:
                act(home, request)
                done.append(request.open)

        wire.hooks = [step]
        home.run()
        wire.hooks = []
        if not done:
            break
        assert done == [False], number
        for _ in range(2):
            tick(home, days=1)
            assert home.run().exit_code == 0
            assert home.requests() == [request], number
            assert not request.open
        assert faults(home) == [], number
    assert number > 8
