"""The comments of the action and the template, against strict stand-ins of both forges."""

from __future__ import annotations

import json

import pytest
from documents import due, fine
from github_stand_in import REPOSITORY, GithubStandIn
from gitlab_stand_in import GitlabStandIn
from markdown_it import MarkdownIt
from runner import THE_ACTION, load

STATE = "terraform.tfstate"
DUE = {"offline": "true", "as_of": "2026-11-24"}
CLEAN = {"offline": "true", "as_of": "2026-01-10"}
HEAD = "abcdef1234567890abcdef1234567890abcdef12"
TEMPLATE = load("docs/gates/gitlab/tfcert.gitlab-ci.yml")[".tfcert"]


@pytest.fixture
def github():
    """Run a GitHub stand-in; a call that GitHub's API description lacks fails the test."""
    with GithubStandIn() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def here(github):
    """Return the runner's environment on an event of the pull request."""
    return {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_SHA": HEAD,
        "GITHUB_RUN_ID": "100",
    }


def test_one_comment_stays_current(action, github, here):
    """One comment is kept current: with findings, and later without."""
    commented = {"sources": STATE, "comment": "true", "github_token": "writes"}
    assert action(**commented, **DUE, environment=here).code == 1
    (body,) = github.bodies()
    assert "certificate-expiring" in body
    assert "diff --git" in body
    assert action(**commented, **CLEAN, environment={**here, "GITHUB_RUN_ID": "101"}).code == 0
    (body,) = github.bodies()
    assert "tfcert: nothing to do" in body


@pytest.mark.parametrize(
    ("token", "said"), [("reads", "no comment could be written"), ("", "no token")]
)
def test_a_token_that_may_not_write_changes_no_verdict(action, github, here, token, said):
    """A token that cannot write does not change the exit code, and the summary appears once."""
    ran = action(sources=STATE, comment="true", github_token=token, **DUE, environment=here)
    assert (ran.code, github.bodies()) == (1, [])
    assert said in ran.log
    assert ran.summary.count("### tfcert") == 1
    assert len([command for command in ran.obeyed() if command.startswith("::error ")]) == 1
    assert (
        action(sources=STATE, comment="true", github_token=token, **CLEAN, environment=here).code
        == 0
    )


def test_without_a_pull_request_there_is_no_comment(action, github, here):
    """Without a pull request no comment is written; a given number is used."""
    push = {**here, "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
    commented = {"sources": STATE, "comment": "true", "github_token": "writes", **DUE}
    assert action(**commented, environment=push).code == 1
    assert github.bodies() == []
    assert action(**commented, pull_request="7", environment=push).code == 1
    assert len(github.bodies()) == 1


def test_what_cannot_be_read_leaves_no_comment(action, github, here):
    """If tfcert cannot read its source, no comment is written, and the step fails."""
    ran = action(sources="nowhere", comment="true", github_token="writes", environment=here)
    assert (ran.code, github.bodies()) == (2, [])


@pytest.fixture
def event(workspace, github, here):
    """Return the environment of the second workflow's event, with a fork's head and no pull request
    number.
    """
    github.heads = {"someone:fix": [(7, HEAD)]}
    file = workspace / "event.json"
    workflow = {
        "id": 90,
        "event": "pull_request",
        "head_sha": HEAD,
        "head_branch": "fix",
        "pull_requests": [],
    }
    file.write_text(
        json.dumps(
            {"workflow_run": {**workflow, "head_repository": {"owner": {"login": "someone"}}}}
        )
    )
    return {
        **here,
        "GITHUB_EVENT_NAME": "workflow_run",
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_REF": "refs/heads/main",
    }


def outcomes(folder, **documents):
    """Write outcomes to files, and return the input's lines."""
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return "\n".join(f"{name}={name}.json" for name in documents)


def test_outcomes_of_other_jobs_become_one_comment(action, workspace, github, here):
    """Outcomes of several jobs become one comment, and the step does not fail for their
    findings.
    """
    ran = action(
        outcomes=outcomes(workspace, prod=due(), test=fine()),
        comment="true",
        github_token="writes",
        environment=here,
    )
    assert (ran.code, ran.outputs["verdict"]) == (0, ""), ran.log
    (body,) = github.bodies()
    assert "| `prod`" in body
    assert "| `test`" in body


def test_a_fork_is_commented_by_the_second_workflow(action, workspace, github, event):
    """The second workflow comments on the fork's pull request, found by the event's head."""
    (step,) = [
        step
        for step in load("docs/gates/github/fork-comment.yml")["jobs"]["comment"]["steps"]
        if THE_ACTION.match(step.get("uses", ""))
    ]
    given = {name.replace("-", "_"): text for name, text in step["with"].items()}
    outcomes(workspace, outcome=due())
    ran = action(**{**given, "outcomes": "outcome.json"}, github_token="writes", environment=event)
    assert ran.code == 0, ran.log
    assert len(github.bodies()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": "tfcert.outcome/v1"}',
        '{"schema": "tfcert.outcome/v2", "verdict": "clean"}',
        '{"schema": "tfcert.outcome/v1", "verdict": 1}',
    ],
)
def test_an_artifact_that_is_no_outcome_is_refused(action, workspace, github, event, text):
    """A fork's artifact that is not a valid outcome is an error, without a comment."""
    (workspace / "outcome.json").write_text(text)
    ran = action(outcomes="outcome.json", comment="true", github_token="writes", environment=event)
    assert (ran.code, github.bodies()) == (2, [])


def test_an_artifact_of_a_fork_stays_text(action, workspace, github, event):
    """Text in a fork's outcome makes no mention, fence, hidden comment or runner command."""
    document = due()
    document["findings"][0]["message"] = "@octocat <!-- tfcert --> <script>\n::add-mask::x\n```"
    (workspace / "outcome.json").write_text(json.dumps(document))
    ran = action(outcomes="outcome.json", comment="true", github_token="writes", environment=event)
    assert ran.code == 0, ran.log
    (body,) = github.bodies()
    tokens = [
        child
        for token in MarkdownIt("commonmark").parse(body)
        for child in (token, *(token.children or ()))
    ]
    html = [token.content for token in tokens if token.type in {"html_block", "html_inline"}]
    assert sum("<!--" in content for content in html) == 1
    assert not [
        word for content in html for word in ("script", "octocat", "add-mask") if word in content
    ]
    assert not [token for token in tokens if token.type == "text" and "@octocat" in token.content]
    assert ran.obeyed() == []


def test_gitlab_keeps_its_comment(machine):
    """The GitLab job keeps one comment with a token, and returns tfcert's exit code with or without
    one.
    """
    here = machine("single-replace")
    (here.root / "plan.json").write_bytes(here.plan.read_bytes())
    with GitlabStandIn() as server:
        request = {
            "CI_API_V4_URL": server.url,
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_COMMIT_SHA": HEAD,
        }
        (script,) = TEMPLATE["script"]
        assert here.run("sh", "-c", script, **TEMPLATE["variables"], **request).code == 1
        assert server.bodies() == []
        for token, notes in (("reads", 0), ("writes", 1), ("writes", 1)):
            done = here.run(
                "sh", "-c", script, **TEMPLATE["variables"], **request, GITLAB_TOKEN=token
            )
            assert (done.code, len(server.bodies())) == (1, notes), done.said
        assert "rotation-destroys-in-use" in server.bodies()[0]
        assert (
            here.run(
                "sh", "-c", script, **{**TEMPLATE["variables"], "GATE_COMMENT": "false"}, **request
            ).code
            == 1
        )
    assert server.violations == []
