"""Tests of the one comment that stays current, on stand-ins that follow each forge's own
description.
"""

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
    """A comment is created once and then edited, and no request is sent if its text did
    not change.
    """
    assert run(forge, "one") is CommentAction.CREATED
    assert len(writes(forge)) == 1
    assert run(forge, "one", hours=1, run=9) is CommentAction.UNCHANGED
    assert writes(forge) == []
    assert run(forge, "two", hours=2) is CommentAction.EDITED
    assert len(writes(forge)) == 1
    assert ours(forge) == ["two"]
    assert "commit abcdef1" in forge.server.bodies()[0]


def test_an_older_run_never_overwrites_a_newer(forge):
    """An older run never edits, deletes or hides the comment of a newer run."""
    run(forge, "new", hours=5, run=20)
    writes(forge)
    for behavior in Behavior:
        assert run(forge, "old", hours=9, run=10, behavior=behavior) is CommentAction.OUTRUN
    assert writes(forge) == []
    assert run(forge, "again", hours=1, run=21) is CommentAction.EDITED
    assert ours(forge) == ["again"]


def test_comments_of_other_keys_and_of_people_stay_as_they_are(forge):
    """Comments of other keys, quoted comments and comments of people are never changed."""
    run(forge, "mine", key="non-prod")
    forge.server.add("> " + forge.server.bodies()[0])
    forge.server.add("prod")
    before = forge.server.bodies()
    run(forge, "mine too", key="prod")
    run(forge, "changed", key="prod", hours=1)
    assert forge.server.bodies()[:3] == before
    assert len(forge.server.bodies()) == 4


def test_a_comment_that_somebody_else_wrote_with_our_marker_is_not_ours(forge):
    """Another author's comment with tfcert's marker is neither edited nor deleted, and does not
    block a run.
    """
    forged = post(forge, "forged", hours=10_000, run=10**9).body
    forge.server.add(forged)
    for behavior in (Behavior.UPDATE, Behavior.DELETE_AND_NEW):
        run(forge, str(behavior), behavior=behavior, hours=1)
    assert forge.server.bodies()[0] == forged
    assert ours(forge) == ["forged", "delete-and-new"]


def test_nothing_is_said_where_all_was_always_well(forge):
    """Without findings no first comment is written, unless the user asks for one."""
    assert run(forge, "fine", resolved=True) is CommentAction.SILENT
    assert writes(forge) == []
    assert run(forge, "fine", resolved=True, always=True) is CommentAction.CREATED
    assert ours(forge) == ["fine"]


def test_when_all_is_well_the_comment_says_so_and_github_folds_it_away(github):
    """When no finding is left, the comment says so and GitHub minimizes it, until findings come
    back.
    """
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
    """A comment that a person minimized stays minimized after an edit."""
    run(github, "bad")
    github.server.comments[7][0]["minimized"] = "OFF_TOPIC"
    run(github, "worse", hours=1)
    assert github.server.comments[7][0]["minimized"] == "OFF_TOPIC"


def test_new_leaves_the_earlier_ones_and_delete_and_new_does_not(forge):
    """`new` leaves the earlier comments, `delete-and-new` deletes them, and neither repeats an
    identical comment.
    """
    for hours, text in enumerate(("a", "a", "b")):
        run(forge, text, hours=hours, behavior=Behavior.NEW)
    assert ours(forge) == ["a", "b"]
    run(forge, "c", hours=3, behavior=Behavior.DELETE_AND_NEW)
    assert ours(forge) == ["c"]
    writes(forge)
    run(forge, "c", hours=4, behavior=Behavior.DELETE_AND_NEW)
    assert writes(forge) == []


def test_hide_and_new_hides_the_earlier_ones_once(github):
    """`hide-and-new` minimizes each earlier comment once, as outdated."""
    for hours, text in enumerate("abc"):
        run(github, text, hours=hours, behavior=Behavior.HIDE_AND_NEW)
    assert [comment["minimized"] for comment in github.server.comments[7]] == [
        "OUTDATED",
        "OUTDATED",
        False,
    ]
    assert [line.split()[0] for line in writes(github)] == ["POST", "POST", "POST", "POST", "POST"]


def test_update_leaves_one_of_several(forge):
    """`update` replaces several comments with one that has the current text."""
    first = forge.server
    for text in "abc":
        run(forge, text, behavior=Behavior.NEW)
    oldest = first.bodies()[0]
    run(forge, "d", hours=1)
    assert ours(forge) == ["d"]
    assert oldest not in first.bodies()


def test_a_thousand_comments_before_ours(forge):
    """Among a thousand other comments, tfcert finds its own and reads each page once."""
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
    """If the comment is deleted between the listing and the edit, a new one is written."""
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
    """After temporary failures exactly one comment exists, even if a request succeeded and only its
    answer was lost.
    """
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
    """If the answer to a new comment is lost, the comment is found and not written again, even with
    `new`.
    """
    forge.server.faults.append(
        Fault(method="POST", path="comments|notes|threads", answer=None, heard=True)
    )
    assert run(forge, "one", behavior=Behavior.NEW) is CommentAction.CREATED
    assert ours(forge) == ["one"]


def test_a_body_that_is_not_taken_is_an_error_that_says_why(forge):
    """A comment that the forge rejects is an error with the forge's reason, and is not
    sent again.
    """
    status = 422 if forge.name == "github" else 400
    answer = Answer(status=status, body={"message": "Body is not what it should be"})
    forge.server.faults.append(
        Fault(method="POST", path="comments|notes|threads", answer=answer, times=9)
    )
    with pytest.raises(TfcertError, match=r"Body is not what it should be \(run with `--dry-run`"):
        run(forge, "one")
    assert (forge.pauses, len(forge.server.writes())) == ([], 1)


def test_a_forge_that_stays_away_is_given_up(forge):
    """A forge that always fails is given up after five tries, and the error states their number."""
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
    """GitHub's secondary limit (403) is waited for, with the pause of Retry-After or of a
    minute.
    """
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
    """GitLab's limit (429) is waited for with the pause of Retry-After."""
    limit = Answer(status=429, body={"message": "Retry later"}, headers={"Retry-After": "3"})
    gitlab.server.faults.append(Fault(method="GET", path="notes", answer=limit, times=2))
    assert run(gitlab, "one") is CommentAction.CREATED
    assert gitlab.pauses == [3.0, 3.0]


def test_a_pause_that_is_too_long_is_an_error(forge):
    """A requested pause of an hour is an error, so that a job does not hang."""
    limit = Answer(status=429, body={"message": "Retry later"}, headers={"Retry-After": "3600"})
    forge.server.faults.append(
        Fault(method="GET", path="comments|notes|threads", answer=limit, times=99)
    )
    with pytest.raises(TfcertError, match="asks for a pause of 3600 seconds"):
        run(forge, "one")
    assert forge.pauses == []


def test_github_s_hourly_limit_is_waited_for_until_it_ends(github):
    """GitHub's hourly limit is waited for until the time that its header names."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
    limit = Answer(status=403, body={"message": "API rate limit exceeded"}, headers=headers)
    github.server.faults.append(Fault(method="GET", path="comments", answer=limit))
    run(github, "one")
    assert github.pauses == [1.0]


@pytest.mark.parametrize("runs", [2, 5])
@pytest.mark.parametrize("behavior", [Behavior.UPDATE, Behavior.DELETE_AND_NEW])
def test_runs_that_race_leave_one_comment_and_it_is_the_newest(forge, runs, behavior):
    """Several runs that write at the same time leave one comment, that of the newest run."""
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
    """A newer run overwrites an older run's comment that was written after its own, because it
    looks again.
    """
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
    """An answer of 200 with a body that is not the API's causes no unexpected exception."""
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
    """Without GraphQL, tfcert recognizes its own comment by the token's login or by a bot author,
    and ignores a forged one.
    """
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
    """If GitLab does not name the token's user, the marker alone identifies the comment, so that
    one comment is left.
    """
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
    """Fifty runs with changing findings, failures, other comments and runs out of order leave one
    comment.
    """
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
    """A token that may not write is recognized as refused, both by 403 and by 404."""
    with pytest.raises(RefusedError):
        update_comment(forge.conversation("reads", number), post(forge, "one"), Behavior.UPDATE)
    assert ours(forge) == []


def test_an_edit_that_is_refused_is_a_refusal_and_no_endless_round(github):
    """A refused edit, which GitHub answers with 404, is an error and does not loop."""
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
    """If GitHub refuses to minimize the comment, the comment is edited and the run does
    not fail.
    """
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
    """The error for an invalid token states that it is invalid or expired, and does not show the
    token.
    """
    with pytest.raises(TfcertError, match="401") as raised:
        run(forge, "one", token=token)
    assert "is invalid or has expired" in str(raised.value)
    assert token not in str(raised.value)
