"""One comment that stays current, on each forge, against a stand-in that is held to the forge's own description."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from github_stand_in import BOT
from strict_server import Answer, Fault

from checker.errors import TfcertError
from checker.forges.comment import (
    Behavior,
    CommentAction,
    Marker,
    MarkerForm,
    Post,
    RefusedError,
    comment_body,
    read_marker,
    update_comment,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECONDARY = {
    "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
}


def post(rig, text, *, hours=0, key="default", resolved=False, run=None, always=False):
    marker = Marker(
        key=key,
        repository=rig.repository,
        at=NOW + timedelta(hours=hours),
        resolved=resolved,
        run=run,
        commit="abcdef1",
    )
    form = MarkerForm.REFERENCE if rig.name == "bitbucket" else MarkerForm.HTML
    return Post(text=text, marker=marker, always=always, form=form)


def ours(rig):
    return [comment_body(body) for body in rig.server.bodies() if read_marker(body) is not None]


def run(rig, *arguments, behavior=Behavior.UPDATE, token="writes", **more):
    return update_comment(rig.conversation(token), post(rig, *arguments, **more), behavior).did


def writes(rig):
    done = rig.server.writes()
    rig.server.requests.clear()
    return done


def test_a_comment_is_created_then_edited_and_an_identical_one_makes_no_call(forge):
    """Only what it says counts for that, not how fresh it is."""
    assert run(forge, "one") is CommentAction.CREATED
    assert len(writes(forge)) == 1
    assert run(forge, "one", hours=1, run=9) is CommentAction.UNCHANGED
    assert writes(forge) == []
    assert run(forge, "two", hours=2) is CommentAction.EDITED
    assert len(writes(forge)) == 1
    assert ours(forge) == ["two"]
    assert "commit abcdef1" in forge.server.bodies()[0]


def test_an_older_run_never_overwrites_a_newer(forge):
    """Nor does it delete or hide anything, whatever the behaviour."""
    run(forge, "new", hours=5, run=20)
    writes(forge)
    for behavior in Behavior:
        assert run(forge, "old", hours=9, run=10, behavior=behavior) is CommentAction.OUTRUN
    assert writes(forge) == []
    assert run(forge, "again", hours=1, run=21) is CommentAction.EDITED
    assert ours(forge) == ["again"]


def test_comments_of_other_keys_and_of_people_stay_as_they_are(forge):
    """A key is matched to the letter, and a quotation is none of ours."""
    run(forge, "mine", key="non-prod")
    forge.server.add("> " + forge.server.bodies()[0])
    forge.server.add("prod")
    before = forge.server.bodies()
    run(forge, "mine too", key="prod")
    run(forge, "changed", key="prod", hours=1)
    assert forge.server.bodies()[:3] == before
    assert len(forge.server.bodies()) == 4


def test_a_comment_that_somebody_else_wrote_with_our_marker_is_not_ours(forge):
    """It holds up nothing, however new it says that it is, and is neither edited nor deleted."""
    forged = post(forge, "forged", hours=10_000, run=10**9).body
    forge.server.add(forged)
    for behavior in (Behavior.UPDATE, Behavior.DELETE_AND_NEW):
        run(forge, str(behavior), behavior=behavior, hours=1)
    assert forge.server.bodies()[0] == forged
    assert ours(forge) == ["forged", "delete-and-new"]


def test_nothing_is_said_where_all_was_always_well(forge):
    """Unless that is wanted."""
    assert run(forge, "fine", resolved=True) is CommentAction.SILENT
    assert writes(forge) == []
    assert run(forge, "fine", resolved=True, always=True) is CommentAction.CREATED
    assert ours(forge) == ["fine"]


def test_when_all_is_well_the_comment_says_so_and_github_folds_it_away(github):
    """And unfolds it when findings come back."""
    run(github, "bad")
    run(github, "fine", hours=1, resolved=True)
    (comment,) = github.server.comments[7]
    assert (comment_body(comment["body"]), comment["minimized"]) == ("fine", "RESOLVED")
    writes(github)
    assert run(github, "fine", hours=2, resolved=True) is CommentAction.UNCHANGED
    assert writes(github) == []
    run(github, "bad", hours=3)
    assert (comment_body(comment["body"]), comment["minimized"]) == ("bad", False)


def test_what_a_person_folded_away_stays_so(github):
    """Only what was folded as resolved is unfolded."""
    run(github, "bad")
    github.server.comments[7][0]["minimized"] = "OFF_TOPIC"
    run(github, "worse", hours=1)
    assert github.server.comments[7][0]["minimized"] == "OFF_TOPIC"


def test_new_leaves_the_earlier_ones_and_delete_and_new_does_not(forge):
    """Neither writes the same twice."""
    for hours, text in enumerate(("a", "a", "b")):
        run(forge, text, hours=hours, behavior=Behavior.NEW)
    assert ours(forge) == ["a", "b"]
    run(forge, "c", hours=3, behavior=Behavior.DELETE_AND_NEW)
    assert ours(forge) == ["c"]
    writes(forge)
    run(forge, "c", hours=4, behavior=Behavior.DELETE_AND_NEW)
    assert writes(forge) == []


def test_hide_and_new_hides_the_earlier_ones_once(github):
    """Each of them as outdated."""
    for hours, text in enumerate("abc"):
        run(github, text, hours=hours, behavior=Behavior.HIDE_AND_NEW)
    assert [comment["minimized"] for comment in github.server.comments[7]] == [
        "OUTDATED",
        "OUTDATED",
        False,
    ]
    assert [line.split()[0] for line in writes(github)] == ["POST", "POST", "POST", "POST", "POST"]


def test_update_leaves_one_of_several(forge):
    """The oldest, with what is said now."""
    first = forge.server
    for text in "abc":
        run(forge, text, behavior=Behavior.NEW)
    oldest = first.bodies()[0]
    run(forge, "d", hours=1)
    assert ours(forge) == ["d"]
    assert oldest not in first.bodies()


def test_a_thousand_comments_before_ours(forge):
    """Every page is read, and no more than once."""
    for number in range(1_000):
        forge.server.add(f"comment {number}")
    run(forge, "one")
    writes(forge)
    assert run(forge, "two", hours=1) is CommentAction.EDITED
    listings = [
        request
        for request in forge.server.requests
        if request.method == "GET" and request.path.endswith(("comments", "notes", "threads"))
    ]
    pages = [request.query.get("page", "1") for request in listings]
    # Azure lists all threads in one answer.
    assert pages == [str(page) for page in range(1, 2 if forge.name == "azure" else 12)]
    assert len(forge.server.bodies()) == 1_001


def test_a_comment_that_is_deleted_meanwhile_is_written_anew(forge):
    """Between the listing and the edit."""
    run(forge, "one")
    deleted = []

    def delete(request):
        if request.method in {"PATCH", "PUT"} and not deleted:
            deleted.append(forge.server.pop())

    forge.server.before.append(delete)
    assert run(forge, "two", hours=1) is CommentAction.CREATED
    assert deleted
    assert ours(forge) == ["two"]


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize(
    "answer", [Answer(status=502, body={"message": "Server Error"}), None], ids=["502", "cut off"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH|PUT", "DELETE"])
def test_whatever_fails_for_a_while_leaves_one_comment(forge, method, answer, heard):
    """Also where the request was carried out and only its answer was lost."""
    for text in ("a", "b"):
        run(forge, text, behavior=Behavior.NEW)
    for name in method.split("|"):
        forge.server.faults.append(
            Fault(method=name, path="comments|notes|threads", answer=answer, times=2, heard=heard)
        )
    run(forge, "c", hours=1)
    run(forge, "c", hours=2, key="other")
    assert sorted(ours(forge)) == ["c", "c"]
    assert forge.pauses
    assert set(forge.pauses) <= {1.0, 2.0}


def test_a_lost_answer_is_no_reason_to_write_twice(forge):
    """A comment that was heard is found, also where every run leaves one of its own."""
    forge.server.faults.append(
        Fault(method="POST", path="comments|notes|threads", answer=None, heard=True)
    )
    assert run(forge, "one", behavior=Behavior.NEW) is CommentAction.CREATED
    assert ours(forge) == ["one"]


def test_a_body_that_is_not_taken_is_an_error_that_says_why(forge):
    """It is not tried again."""
    status = 422 if forge.name == "github" else 400
    answer = Answer(status=status, body={"message": "Body is not what it should be"})
    forge.server.faults.append(
        Fault(method="POST", path="comments|notes|threads", answer=answer, times=9)
    )
    with pytest.raises(TfcertError, match=r"Body is not what it should be \(run with `--dry-run`"):
        run(forge, "one")
    assert (forge.pauses, len(forge.server.writes())) == ([], 1)


def test_a_forge_that_stays_away_is_given_up(forge):
    """After five tries, with an error that says so."""
    fault = Fault(
        method="GET",
        path="comments|notes|threads",
        answer=Answer(status=503, body={"message": "x"}),
        times=99,
    )
    forge.server.faults.append(fault)
    with pytest.raises(TfcertError, match=r"answers 503.*, 5 times"):
        run(forge, "one")
    assert forge.pauses == [1.0, 2.0, 4.0, 8.0]
    assert fault.times == 94


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({"Retry-After": "7"}, 7.0), ({}, 60.0)],
    ids=["with Retry-After", "without"],
)
def test_github_s_secondary_limit_is_waited_for(github, headers, pause):
    """403 is then no refusal."""
    github.server.faults.append(
        Fault(
            method="POST",
            path="comments",
            answer=Answer(status=403, body=SECONDARY, headers=headers),
        )
    )
    assert run(github, "one") is CommentAction.CREATED
    assert github.pauses == [pause]
    assert ours(github) == ["one"]


def test_gitlab_s_limit_is_waited_for(gitlab):
    """429 with Retry-After."""
    limit = Answer(status=429, body={"message": "Retry later"}, headers={"Retry-After": "3"})
    gitlab.server.faults.append(Fault(method="GET", path="notes", answer=limit, times=2))
    assert run(gitlab, "one") is CommentAction.CREATED
    assert gitlab.pauses == [3.0, 3.0]


def test_a_pause_that_is_too_long_is_an_error(forge):
    """A job must not hang for an hour."""
    limit = Answer(status=429, body={"message": "Retry later"}, headers={"Retry-After": "3600"})
    forge.server.faults.append(
        Fault(method="GET", path="comments|notes|threads", answer=limit, times=99)
    )
    with pytest.raises(TfcertError, match="asks for a pause of 3600 seconds"):
        run(forge, "one")
    assert forge.pauses == []


def test_github_s_hourly_limit_is_waited_for_until_it_ends(github):
    """Or given up, where that is too long from now."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
    limit = Answer(status=403, body={"message": "API rate limit exceeded"}, headers=headers)
    github.server.faults.append(Fault(method="GET", path="comments", answer=limit))
    run(github, "one")
    assert github.pauses == [1.0]


@pytest.mark.parametrize("runs", [2, 5])
@pytest.mark.parametrize("behavior", [Behavior.UPDATE, Behavior.DELETE_AND_NEW])
def test_runs_that_race_leave_one_comment_and_it_is_the_newest(forge, runs, behavior):
    """All look before any of them writes."""
    barrier = threading.Barrier(runs)
    waited = set()

    def wait(request):
        if (
            request.method == "POST"
            and "graphql" not in request.path
            and threading.get_ident() not in waited
        ):
            waited.add(threading.get_ident())
            barrier.wait(timeout=20)

    forge.server.before.append(wait)
    with ThreadPoolExecutor(runs) as pool:
        done = [
            pool.submit(run, forge, f"run {number}", hours=number, behavior=behavior)
            for number in range(runs)
        ]
        assert all(each.result(timeout=60) for each in done)
    assert ours(forge) == [f"run {runs - 1}"]


def test_an_older_run_that_writes_last_is_overwritten(forge):
    """It had looked before the newer one wrote, so it cannot know; the newer one looks after it has written."""
    run(forge, "zero")
    late = post(forge, "an older run", hours=1).body
    written = []

    def write(request):
        if request.method == "GET" and request.path.rsplit("/", 1)[1].isdigit() and not written:
            forge.server.rewrite(late)
            written.append(late)

    forge.server.before.append(write)
    run(forge, "the newest", hours=2)
    assert written
    assert ours(forge) == ["the newest"]


@pytest.mark.parametrize("body", [[], {}, "<html>", [1], {"data": None}, None], ids=str)
def test_an_answer_that_is_none_of_the_api_s_is_an_error_and_no_traceback(forge, body):
    """A proxy may answer anything with success."""
    for method in ("GET", "POST"):
        for path in ("comments|notes|threads", "graphql|user"):
            run(forge, "one", behavior=Behavior.NEW)
            forge.server.faults = [
                Fault(method=method, path=path, answer=Answer(status=200, body=body), times=99)
            ]
            with suppress(TfcertError):
                run(forge, "two", hours=1)
            forge.server.faults = []


@pytest.mark.parametrize("token", ["writes", "installation"])
@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_where_graphql_is_not_there_the_user_s_login_tells_or_that_a_bot_wrote_it(
    github, status, token
):
    """The token of an installation has no user either, and it writes as a bot: a person's forgery is left alone."""
    github.server.tokens["installation"] = (BOT, True)
    if token == "installation":
        refused = Answer(status=403, body={"message": "Resource not accessible by integration"})
        github.server.faults.append(Fault(method="GET", path="/user$", answer=refused, times=99))
    gone = Answer(status=status, body={"message": "no"})
    github.server.faults.append(Fault(method="POST", path="graphql", answer=gone, times=99))
    forged = post(github, "forged").body
    github.server.add(forged)
    for hours, (text, fine) in enumerate(
        (("bad", False), ("fine", True), ("bad again", False)), start=1
    ):
        run(github, text, hours=hours, resolved=fine, token=token)
    assert github.server.bodies()[0] == forged
    assert ours(github) == ["forged", "bad again"]


@pytest.mark.parametrize("status", [403, 404])
def test_where_gitlab_does_not_tell_whose_a_token_is_the_marker_alone_counts(gitlab, status):
    """So that there is still one comment."""
    gitlab.server.faults.append(
        Fault(
            method="GET",
            path="/user$",
            answer=Answer(status=status, body={"message": "no"}),
            times=99,
        )
    )
    for hours, text in enumerate("abc"):
        run(gitlab, text, hours=hours)
    assert ours(gitlab) == ["c"]


def test_fifty_runs_over_a_pull_request_s_life_leave_one_comment(forge):
    """Findings come, change and go, people talk, the forge fails at times, runs are repeated out of order."""
    dice = random.Random(7)
    newest = -1
    for number in range(50):
        if dice.random() < 0.3:
            forge.server.add(f"a person says {number}")
        if dice.random() < 0.2:
            method = dice.choice(("GET", "POST", "PATCH", "PUT", "DELETE"))
            answer = Answer(status=502, body={"message": "x"})
            forge.server.faults.append(
                Fault(
                    method=method,
                    path="comments|notes|threads",
                    answer=answer,
                    heard=dice.random() < 0.5,
                )
            )
        hour = number - dice.choice((0, 0, 0, 3))
        fine = dice.random() < 0.3
        run(
            forge,
            "fine" if fine else f"{hour % 4} findings",
            hours=hour,
            run=hour + 100,
            resolved=fine,
        )
        newest = max(newest, hour)
        assert len(ours(forge)) <= 1
    run(forge, "the end", hours=99, run=999)
    assert ours(forge) == ["the end"]


@pytest.mark.parametrize("number", [7, 8], ids=["403", "404"])
def test_a_token_that_may_not_write_is_told_apart(forge, number):
    """A fork's: 403, or 404 where it may not even see."""
    with pytest.raises(RefusedError):
        update_comment(forge.conversation("reads", number), post(forge, "one"), Behavior.UPDATE)
    assert ours(forge) == []


def test_an_edit_that_is_refused_is_a_refusal_and_no_endless_round(github):
    """GitHub says 404 for what may not be written."""
    run(github, "one")
    github.server.faults.append(
        Fault(
            method="PATCH",
            path="comments",
            answer=Answer(status=404, body={"message": "Not Found"}),
            times=99,
        )
    )
    with pytest.raises(RefusedError):
        run(github, "two", hours=1)
    assert len(ours(github)) == 1


def test_folding_away_is_no_reason_to_fail(github):
    """The comment says what it should all the same."""
    run(github, "bad")
    github.server.tokens["edits"] = (BOT, True)
    errors = {"data": {"minimizeComment": None}, "errors": [{"type": "FORBIDDEN", "message": "no"}]}

    def refuse(request):
        if request.path.endswith("graphql") and "mutation" in request.body["query"]:
            github.server.faults.append(
                Fault(method="POST", path="graphql", answer=Answer(status=200, body=errors))
            )

    github.server.before.append(refuse)
    assert run(github, "fine", hours=1, resolved=True) is CommentAction.EDITED
    assert ours(github) == ["fine"]


@pytest.mark.parametrize("token", ["wrong"])
def test_a_token_that_is_not_valid_is_said(forge, token):
    """And never shown."""
    with pytest.raises(TfcertError, match="401") as raised:
        run(forge, "one", token=token)
    assert "is invalid or has expired" in str(raised.value)
    assert token not in str(raised.value)
