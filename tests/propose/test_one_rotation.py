"""One rotation by `propose`, on a real git repository behind each forge: what it writes, and what it leaves alone."""

from __future__ import annotations

import pytest
from cloud import SECRET
from homes import SHAPES, WINDOW, leaks, shown, tick
from strict_server import Answer, Fault

DUE = 330


def due(home):
    """Let the certificates come near their end."""
    tick(home, days=DUE)
    return home


def only(home, **how):
    (found,) = home.requests(**how)
    return found


def merged(home, request):
    """Merge a request and apply it."""
    assert home.server.merge(home.project, request) is not None
    return home.apply()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_branch_is_what_patch_writes_byte_for_byte(make, shape):
    """Each phase is one commit on the base; files, modes and every other byte are as `patch` leaves them."""
    home = due(make(shape))
    for phase in ("introduce", "repoint", "retire"):
        assert home.run().exit_code == 0
        found = home.requests(opened=True)
        assert [home.phase(one) for one in found] == [phase] * len(found)
        wanted = {}
        for patches in home.patched().values():
            assert [name for name, _ in patches] == [phase]
            wanted |= patches[0][1]
        written = {}
        for one in found:
            commits, changed = shown(home, one.sha)
            assert len(commits) == 1
            assert home.repository.commit(commits[0]).parents == (home.repository.head(),)
            assert all(before[0] == after[0] for before, after in changed.values())
            written |= {path: after[1] for path, (_, after) in changed.items()}
        assert written == wanted
        for one in found:
            assert home.server.merge(home.project, one) is not None
        home.apply()
        tick(home, days=4)
    assert home.run().exit_code == 0
    assert home.requests(opened=True) == []
    assert len(home.cloud.retired) == len(home.cloud.created)
    assert leaks(home) == []


def test_a_second_run_makes_no_call_that_writes(make):
    """Same content, same request: it only reads."""
    home = due(make())
    home.run()
    before = len(home.server.writes())
    assert before
    assert home.run().exit_code == 0
    assert home.server.writes()[before:] == []


def test_nothing_is_proposed_that_is_not_due(make):
    """A certificate with most of its life before it has no request."""
    home = make()
    assert home.run().exit_code == 0
    assert (home.requests(), home.server.writes()) == ([], [])


def test_repoint_waits_for_the_trust_window_and_retire_for_every_stage(make):
    """The next request is opened when it may be applied, and not a day before."""
    home = due(make())
    home.run()
    merged(home, only(home))
    born = home.server.now
    while home.server.now < born + WINDOW:
        assert home.run().exit_code == 0
        assert home.requests(opened=True) == []
        tick(home, hours=12)
    home.run()
    assert home.phase(only(home, opened=True)) == "repoint"
    home.cloud.stages["elsewhere"] = "c001"
    merged(home, only(home, opened=True))
    tick(home, days=1)
    home.run()
    assert home.requests(opened=True) == []
    del home.cloud.stages["elsewhere"]
    home.run()
    assert home.phase(only(home, opened=True)) == "retire"


def test_what_is_merged_and_not_yet_applied_has_no_second_request(make):
    """Until the apply, every run waits."""
    home = due(make())
    home.run()
    home.server.merge(home.project, only(home))
    for _ in range(3):
        tick(home, days=1)
        home.run()
        assert home.requests(opened=True) == []
    home.apply()
    tick(home, days=4)
    home.run()
    assert [home.phase(one) for one in home.requests()] == ["introduce", "repoint"]


def test_a_moved_base_moves_the_branch(make):
    """The same request, rewritten as one commit on the new head, with the base's other changes left as they are."""
    home = due(make())
    home.run()
    request = only(home)
    text = home.base_files()["main.tf"][1]
    home.server.push(home.project, {"main.tf": b"# A note.\n\n" + text})
    assert home.run().exit_code == 0
    assert only(home) is request
    commits, changed = shown(home, request.sha)
    assert home.repository.commit(commits[0]).parents == (home.repository.head(),)
    assert len(commits) == 1
    assert changed["main.tf"][1][1].startswith(b"# A note.\n\n")


def test_a_checkout_that_differs_from_the_base_does_not_count(make):
    """The base branch's text is edited, not that of a working tree that is old or dirty."""
    home = due(make())
    old = home.checkout("stale")
    text = home.base_files()["main.tf"][1]
    home.server.push(home.project, {"main.tf": text + b"# A note of the base.\n"})
    (old / "main.tf").write_bytes(text + b"# A note of nobody.\n")
    home.run(where=old)
    _, changed = shown(home, only(home).sha)
    after = changed["main.tf"][1][1]
    assert b"A note of the base." in after
    assert b"A note of nobody." not in after


def test_a_persons_commit_is_left_alone(make):
    """The branch stays as the person left it, whatever happens to the base; one comment says so."""
    home = due(make())
    home.run()
    request = only(home)
    home.server.push(home.project, {"NOTES.md": b"Mine.\n"}, branch=request.head)
    head = request.sha
    for number in range(3):
        home.server.push(home.project, {"other.txt": b"%d\n" % number})
        home.run()
        tick(home, days=1)
    assert (request.sha, request.open) == (head, True)
    assert home.repository.head(request.head) == head
    assert home.requests() == [request]
    comments = (home.server.comments if home.forge == "github" else home.server.notes)[
        request.number
    ]
    assert len(comments) == 1
    assert "commit" in comments[0]["body"]


def test_a_request_that_a_person_closes_stays_closed(make):
    """Only --reopen opens one for that certificate and phase again."""
    home = due(make())
    home.run()
    request = only(home)
    home.server.close(request)
    for _ in range(3):
        tick(home, days=1)
        home.run()
        assert home.requests() == [request]
        assert not request.open
    home.run(reopen=True)
    assert [one.open for one in home.requests()].count(True) == 1


def test_a_branch_that_a_person_deletes_is_not_made_again(make):
    """A forge closes the request then, as the person did."""
    home = due(make())
    home.run()
    request = only(home)
    home.server.as_person()
    home.repository.move(request.head, None, request.sha)
    assert not request.open
    home.run()
    assert home.requests(opened=True) == []


def test_a_request_that_is_not_needed_any_more_is_closed_with_a_reason(make):
    """Somebody introduced the successor without the request: it is closed, and so told that a later run knows who did."""
    home = due(make())
    home.run()
    request = only(home)
    home.server.push(home.project, {"main.tf": home.repository.read(request.sha, "main.tf")[1]})
    home.apply()
    home.run()
    assert not request.open
    assert home.requests(opened=True) == []
    tick(home, days=4)
    home.run()
    assert home.phase(only(home, opened=True)) == "repoint"


def test_what_tfcert_closed_itself_is_opened_again_when_it_is_needed(make):
    """Somebody takes the change back that had made the request superfluous: that is no person's close."""
    home = due(make())
    home.run()
    request = only(home)
    before = home.base_files()["main.tf"][1]
    home.server.push(home.project, {"main.tf": home.repository.read(request.sha, "main.tf")[1]})
    home.run()
    assert not request.open
    home.server.push(home.project, {"main.tf": before})
    tick(home, days=1)
    home.run()
    assert home.phase(only(home, opened=True)) == "introduce"


def test_what_aws_does_not_tell_changes_nothing(make):
    """A run to which AWS denies its answers opens no repoint and no retire, closes nothing, and leaves with 3."""
    home = due(make())
    home.run()
    merged(home, only(home))
    tick(home, days=4)
    for phase in ("repoint", "retire"):
        home.cloud.denied = True
        assert home.run().exit_code == 3
        assert home.requests(opened=True) == []
        home.cloud.denied = False
        home.run()
        request = only(home, opened=True)
        assert home.phase(request) == phase
        home.cloud.denied = True
        assert home.run().exit_code == 3
        assert request.open
        home.cloud.denied = False
        merged(home, request)


def test_no_request_has_a_value_of_the_state(make):
    """Descriptions, tags and variables of the state are in no title, body or commit."""
    home = due(make("two certificates"))
    for _ in range(3):
        home.run()
        for one in home.requests(opened=True):
            commits, _ = shown(home, one.sha)
            assert SECRET not in home.repository.commit(commits[0]).message
            merged(home, one)
        tick(home, days=4)
    assert len(home.requests()) == 3
    assert leaks(home) == []


def test_a_forge_that_asks_for_a_pause_gets_it(make):
    """A rate limit and a bad gateway are waited for; the run ends with one request."""
    home = due(make())
    limit = Answer(
        status=403 if home.forge == "github" else 429,
        body={"message": "You have exceeded a secondary rate limit."},
        headers={"Retry-After": "7"},
    )
    post = r"(pulls|merge_requests)\Z"
    home.server.faults = [
        Fault(method="POST", path=post, answer=limit),
        Fault(method="POST", path=post, answer=Answer(status=502), times=1),
        Fault(method="POST", path=r"(git/refs|repository/commits)\Z", answer=None, heard=True),
    ]
    assert home.run().exit_code == 0
    assert 7.0 in home.pauses
    assert len(home.requests()) == 1


@pytest.mark.parametrize("branch", ["tfcert", "tfcert/c001"])
def test_a_branch_that_is_in_the_way_of_ours_is_an_error(make, branch):
    """git cannot have a branch below the name of another one: no run says that all is well."""
    home = due(make())
    home.server.push(home.project, {"mine.txt": b"Mine."}, branch=branch)
    for _ in range(2):
        assert home.run().exit_code == 2
        assert home.requests() == []


def test_a_rule_that_forbids_to_replace_a_branch_is_an_error(make):
    """The branch has not moved, so no other run was faster."""
    home = due(make())
    home.run()
    head = only(home).sha
    home.server.push(home.project, {"other.txt": b"moved"})
    answer = (
        Answer(status=200, body={"data": None, "errors": [{"message": "a rule forbids it"}]})
        if home.forge == "github"
        else Answer(status=400, body={"message": "a rule forbids it"})
    )
    # On GitHub the first such call asks who the token's user is.
    times = 2 if home.forge == "github" else 1
    path = r"(graphql|repository/commits)\Z"
    home.server.faults = [Fault(method="POST", path=path, answer=answer, times=times)]
    assert home.run().exit_code == 2
    assert only(home).sha == head
    assert home.run().exit_code == 0
    assert only(home).sha != head


def test_a_merge_that_is_reverted_before_its_apply_has_a_new_request(make):
    """The change is gone from the base, so it is proposed again."""
    home = due(make())
    home.run()
    before = home.base_files()["main.tf"][1]
    home.server.merge(home.project, only(home))
    home.server.push(home.project, {"main.tf": before})
    tick(home, days=1)
    home.run()
    assert [home.phase(one) for one in home.requests()] == ["introduce", "introduce"]
    assert home.phase(only(home, opened=True)) == "introduce"


def test_a_merge_that_leaves_the_branch_is_a_merge(make):
    """A squash is on the base without the branch's commit; the branch that stays changes nothing."""
    home = due(make())
    for phase in ("introduce", "repoint", "retire"):
        home.run()
        request = only(home, opened=True)
        assert home.phase(request) == phase
        assert home.server.merge(home.project, request, squash=True, delete=False)
        home.run()
        home.apply()
        home.run()
        tick(home, days=4)
    assert home.run().exit_code == 0
    assert len(home.requests()) == 3
    assert home.requests(opened=True) == []


def test_requests_of_others_are_not_ours_however_many_there_are(make):
    """Our request is found behind 105 newer ones and closed when it is not needed; those are left alone."""
    home = due(make())
    home.run()
    request = only(home)
    mine = home.server.push(home.project, {"x.txt": b"Mine.\n"}, branch="feature/0")
    tick(home, days=1)
    for number in range(105):
        if number:
            home.repository.move(f"feature/{number}", mine, None)
        home.server.open_as_person(home.project, f"feature/{number}")
    home.run()
    assert home.requests() == [request]
    assert request.open
    text = home.repository.read(request.sha, "main.tf")[1]
    home.server.push(home.project, {"main.tf": text})
    home.run()
    assert (home.requests(), request.open) == ([request], False)
    others = [one for one in home.project.pulls() if one is not request]
    assert len(others) == 105
    assert all(one.open and one.body == "Mine." for one in others)
    bots = {branch for by, branch, _, _ in home.project.moves if by == home.bot}
    assert bots == {request.head}
