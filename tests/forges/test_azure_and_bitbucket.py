"""Tests of what differs on Azure DevOps and Bitbucket: statuses of threads, no HTML, and their own
variables.
"""

from __future__ import annotations

import json

import pytest
from documents import due
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from test_keeping import ours, post, run, writes

from checker.errors import UsageError
from checker.forges.comment import (
    BITBUCKET_LIMIT,
    Behavior,
    CommentAction,
    CommentGoneError,
    MarkerForm,
    Post,
    comment_body,
    read_marker,
)
from checker.forges.pull_request import Forge, pull_request
from checker.forges.rest import basic
from checker.reports.markdown.without_html import without_html

AZURE = {
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "shop",
    "BUILD_REPOSITORY_NAME": "orders",
    "BUILD_REPOSITORY_PROVIDER": "TfsGit",
    "BUILD_BUILDID": "77",
    "BUILD_SOURCEVERSION": "1" * 40,
    "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
    "SYSTEM_PULLREQUEST_SOURCECOMMITID": "2" * 40,
    "SYSTEM_PULLREQUEST_ISFORK": "True",
}


def found(forge, environment, **more):
    """Return the pull request that an environment names."""
    arguments = {"repository": None, "number": None, "commit": None, **more}
    return pull_request(forge, environment=environment, **arguments)


def test_a_pipeline_of_azure_names_its_pull_request():
    """An Azure pipeline names its pull request with the commit of the branch, not of the merge that
    Azure builds.
    """
    made = found(Forge.AZURE, AZURE)
    assert (made.base_url, made.repository, made.number, made.run) == (
        "https://dev.azure.com/acme/",
        "shop/orders",
        7,
        77,
    )
    assert made.commit == "2" * 40
    assert made.fork
    with pytest.raises(UsageError, match="not in Azure Repos"):
        found(Forge.AZURE, {**AZURE, "BUILD_REPOSITORY_PROVIDER": "GitHub"})
    with pytest.raises(UsageError, match="SYSTEM_TEAMPROJECT and BUILD_REPOSITORY_NAME"):
        found(Forge.AZURE, {"SYSTEM_TEAMPROJECT": "shop"})


def test_a_pipeline_of_bitbucket_names_its_pull_request():
    """A Bitbucket pipeline names its pull request on Bitbucket Cloud, and an email address makes
    the token an API token.
    """
    made = found(
        Forge.BITBUCKET,
        {
            "BITBUCKET_REPO_FULL_NAME": "acme/orders",
            "BITBUCKET_PR_ID": "7",
            "BITBUCKET_COMMIT": "abcdef1",
            "BITBUCKET_BUILD_NUMBER": "5",
            "BITBUCKET_EMAIL": "bot@acme.example",
        },
    )
    assert (made.base_url, made.repository, made.number, made.run, made.user) == (
        "https://api.bitbucket.org/2.0",
        "acme/orders",
        7,
        5,
        "bot@acme.example",
    )
    assert basic("a", "b") == "Basic YTpi"
    with pytest.raises(UsageError, match="'orders' is not WORKSPACE/REPOSITORY"):
        found(Forge.BITBUCKET, {}, repository="orders", number=1)


def test_azure_marks_the_thread_as_fixed_when_all_is_well_and_as_active_again(azure):
    """Azure's thread is marked as fixed when no finding is left, and as active when findings come
    back.
    """
    run(azure, "bad")
    (thread,) = azure.server.threads[7]
    assert thread["status"] == "active"
    run(azure, "fine", hours=1, resolved=True)
    assert (ours(azure), thread["status"]) == (["fine"], "fixed")
    writes(azure)
    assert run(azure, "fine", hours=2, resolved=True) is CommentAction.UNCHANGED
    assert writes(azure) == []
    run(azure, "bad", hours=3)
    assert (ours(azure), thread["status"]) == (["bad"], "active")


def test_a_status_that_a_person_set_stays(azure):
    """A thread's status that a person set is not changed by an edit."""
    run(azure, "bad")
    azure.server.threads[7][0]["status"] = "wontFix"
    run(azure, "worse", hours=1)
    assert azure.server.threads[7][0]["status"] == "wontFix"


def test_hide_and_new_closes_the_earlier_thread(azure):
    """On Azure, hide-and-new closes the earlier thread."""
    run(azure, "one")
    run(azure, "two", hours=1, behavior=Behavior.HIDE_AND_NEW)
    assert [thread["status"] for thread in azure.server.threads[7]] == ["closed", "active"]


def test_a_thread_of_azure_itself_and_a_deleted_one_are_not_read(azure):
    """Threads that Azure itself made and threads with a deleted comment are ignored."""
    text = post(azure, "forged").body
    azure.server.add(text, by="b0b0b0b0-0000", system=True)
    azure.server.add(text, by="b0b0b0b0-0000")["deleted"] = True
    assert run(azure, "one") is CommentAction.CREATED
    assert ours(azure) == ["forged", "one"]


def shown(text: str) -> str:
    """Return the page that a Markdown reader makes if it shows HTML as text."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").render(text)


def test_bitbucket_s_comment_has_no_html_and_no_visible_marker(tfcert, bitbucket, tmp_path):
    """A comment on Bitbucket has no HTML and no visible marker, because Bitbucket shows tags as
    text.
    """
    (tmp_path / "0.json").write_text(json.dumps(due()))
    environment = {
        "BITBUCKET_API_URL": bitbucket.server.url,
        "BITBUCKET_TOKEN": "writes",
        "BITBUCKET_REPO_FULL_NAME": "acme/orders",
        "BITBUCKET_PR_ID": "7",
    }
    done = tfcert("comment", "bitbucket", "0.json", cwd=tmp_path, environment=environment)
    assert done.returncode == 1, done.stderr
    (body,) = bitbucket.server.bodies()
    page = shown(body)
    assert "&lt;" not in page
    assert "tfcert comment" not in page
    assert "<strong>" in page
    assert "diff --git" in page
    marker = read_marker(body)
    assert marker is not None
    assert marker.repository == "acme/orders"


def test_many_outcomes_stay_under_bitbucket_s_limit(tfcert, bitbucket, tmp_path):
    """A comment with 120 outcomes stays within Bitbucket's limit of 32,768 characters."""
    names = [f"{number}.json" for number in range(120)]
    for name in names:
        (tmp_path / name).write_text(json.dumps(due()))
    environment = {
        "BITBUCKET_API_URL": bitbucket.server.url,
        "BITBUCKET_TOKEN": "writes",
        "BITBUCKET_REPO_FULL_NAME": "acme/orders",
        "BITBUCKET_PR_ID": "7",
    }
    done = tfcert("comment", "bitbucket", *names, cwd=tmp_path, environment=environment)
    assert done.returncode == 1, done.stderr
    (body,) = bitbucket.server.bodies()
    assert len(body.encode("utf-16-le")) // 2 <= BITBUCKET_LIMIT


TEXT = st.text(alphabet=st.sampled_from('abc<>/&;`*_[]()#"details summary\n'), max_size=60)


@given(key=TEXT, repository=TEXT)
def test_a_marker_is_read_back_in_either_form(key, repository):
    """A marker in either form is read back unchanged, and no part of it is visible in the
    comment.
    """
    made = post(type("Rig", (), {"name": "bitbucket", "repository": repository}), "x", key=key)
    for form in MarkerForm:
        body = Post(text="x", marker=made.marker, form=form).body
        assert read_marker(body) == made.marker
        assert comment_body(body) == "x"
    assert shown(Post(text="x", marker=made.marker, form=MarkerForm.REFERENCE).body).startswith(
        "<p>x</p>"
    )


def test_a_patch_that_contains_a_fold_is_not_changed():
    """The removal of HTML does not change a patch that contains HTML tags."""
    patch = "```diff\n+<details><summary>x</summary>\n+</details>\n</details>\n```"
    text = f"<details><summary><code>a&amp;lt;b</code>: introduce (ready)</summary>\n\n{patch}\n\n</details>"
    assert without_html(text) == f"**`a&lt;b`: introduce (ready)**\n\n{patch}\n"
    assert without_html("plain\n") == "plain\n"


@pytest.mark.parametrize("rig", ["azure", "bitbucket"])
def test_a_comment_that_a_person_deletes_in_between_is_written_anew(request, rig):
    """A comment that is deleted between reading and editing it is gone, and no error of tfcert."""
    rig = request.getfixturevalue(rig)
    run(rig, "one")
    conversation = rig.conversation()
    (comment,) = conversation.own_comments(lambda _: True)
    conversation.delete(comment)
    with pytest.raises(CommentGoneError):
        conversation.again(comment)
    assert run(rig, "two", hours=1) is CommentAction.CREATED
    assert ours(rig)[-1:] == ["two"]
