"""Tests of `tfcert comment` on the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from documents import due, finding, fine, outcome
from github_stand_in import REPOSITORY
from strict_server import Answer, Fault

from checker.errors import UsageError
from checker.forges.pull_request import Forge, pull_request

LIMIT = Answer(
    status=403,
    body={"message": "You have exceeded a secondary rate limit."},
    headers={"Retry-After": "1"},
)


@pytest.fixture
def say(tfcert, forge, tmp_path):
    """Return a function that runs `tfcert comment` on given outcomes, as the pipeline of a pull
    request does.
    """

    def run(*arguments, documents=(), token="writes", environment=None):
        for number, document in enumerate(documents):
            (tmp_path / f"{number}.json").write_text(json.dumps(document))
        files = [f"{number}.json" for number in range(len(documents))]
        own = {
            "github": {
                "GITHUB_API_URL": forge.server.url,
                "GITHUB_TOKEN": token,
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_REF": "refs/pull/7/merge",
                "GITHUB_SHA": "abcdef1234567890",
            },
            "gitlab": {
                "CI_API_V4_URL": forge.server.url,
                "GITLAB_TOKEN": token,
                "CI_PROJECT_ID": "42",
                "CI_MERGE_REQUEST_IID": "7",
                "CI_COMMIT_SHA": "abcdef1234567890",
            },
            "azure": {
                "SYSTEM_COLLECTIONURI": f"{forge.server.url}/",
                "SYSTEM_ACCESSTOKEN": token,
                "SYSTEM_TEAMPROJECT": "shop",
                "BUILD_REPOSITORY_NAME": "orders",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
                "SYSTEM_PULLREQUEST_SOURCECOMMITID": "abcdef1234567890",
            },
            "bitbucket": {
                "BITBUCKET_API_URL": forge.server.url,
                "BITBUCKET_TOKEN": token,
                "BITBUCKET_REPO_FULL_NAME": "acme/orders",
                "BITBUCKET_PR_ID": "7",
                "BITBUCKET_COMMIT": "abcdef1234567890",
            },
        }[forge.name]
        return tfcert(
            "comment",
            forge.name,
            *files,
            *arguments,
            environment={**own, **(environment or {})},
            cwd=tmp_path,
        )

    return run


def test_an_outcome_is_posted_and_its_exit_code_is_kept(say, forge):
    """`tfcert comment` posts an outcome and exits with the outcome's code: 1 for findings, 3 for
    unverified, else 0.
    """
    done = say(documents=[due()])
    assert (done.returncode, done.stderr) == (1, b"")
    assert re.match(rb"comment created: \S+", done.stdout)
    (body,) = forge.server.bodies()
    assert "### tfcert: a certificate in use ends in 12 days" in body
    assert "```diff\ndiff --git" in body
    assert "commit abcdef1234567890" in body
    assert (
        say(documents=[outcome(findings=[finding(rule="certificate-unverified")])]).returncode == 3
    )
    assert say(documents=[fine()]).returncode == 0
    assert say(documents=[due(exit_code=0) | {"exit_code": 0}]).returncode == 0
    assert len(forge.server.bodies()) == 1


@pytest.mark.parametrize("forge", ["github"], indirect=True)
def test_github_com_and_github_enterprise_have_different_paths(say, forge):
    """Comments work on github.com and on GitHub Enterprise, whose paths begin with /api/v3, GraphQL
    included.
    """
    for url in (forge.server.origin, forge.server.url):
        forge.server.comments[7].clear()
        for documents in ([due()], [fine()]):
            assert say(documents=documents, environment={"GITHUB_API_URL": url}).returncode in {
                0,
                1,
            }
        assert [comment["minimized"] for comment in forge.server.comments[7]] == ["RESOLVED"]


def test_two_hundred_workspaces_are_one_comment(say, forge):
    """Two hundred outcomes make one comment with a row for each, named after its file."""
    done = say(documents=[due() if number == 150 else fine() for number in range(200)])
    assert done.returncode == 1
    (body,) = forge.server.bodies()
    assert len(body) < (32_768 if forge.name == "bitbucket" else 65_536)
    assert len(re.findall(r"^\| `\d+` `plan.json` \|", body, re.MULTILINE)) == 200
    assert body.index("| `150` `plan.json` | **findings**") < body.index(
        "| `0` `plan.json` | **clean**"
    )


def test_an_outcome_may_be_piped_in_or_named(say, tfcert, forge, tmp_path):
    """An outcome can be piped in or named as NAME=FILE, and two of the same name are refused."""
    (tmp_path / "a.json").write_text(json.dumps(due()))
    assert say("prod=a.json", "test=a.json").returncode == 1
    assert "| `prod` `plan.json` |" in forge.server.bodies()[0]
    twice = say("prod=a.json", "prod=a.json")
    assert twice.returncode == 2
    assert b"two outcomes have one name" in twice.stderr


def test_it_may_run_the_check_itself(say, forge, story):
    """`comment --run` runs a check with its options, posts its patches, and reports a check that
    fails.
    """
    done = say(
        "--run", f"prod={story}/terraform.tfstate --offline --as-of 2026-11-24", "--key", "rotation"
    )
    assert (done.returncode, done.stderr) == (1, b"")
    (body,) = forge.server.bodies()
    assert body.count("```diff") == 3
    failed = say("--run", "nowhere.json")
    assert failed.returncode == 2
    assert b"ended with 2" in failed.stderr
    assert b"nowhere.json: " in failed.stderr


def test_a_dry_run_prints_just_what_would_be_posted_and_writes_nothing(say, forge):
    """A dry run prints exactly the comment to post and writes nothing.

    With a token it compares the existing comment first.
    """
    printed = say("--dry-run", documents=[due()])
    assert (printed.returncode, printed.stderr) == (1, b"tfcert: dry run: would create a comment\n")
    assert forge.server.writes() == []
    say(documents=[due()])
    assert printed.stdout.decode() == forge.server.bodies()[0]
    same = say("--dry-run", documents=[due()])
    assert (same.stdout, same.stderr) == (b"", b"tfcert: dry run: says the same already\n")
    without = say("--dry-run", documents=[due()], token="")
    assert without.stdout == printed.stdout
    edit = say("--dry-run", documents=[fine()])
    assert b"would edit" in edit.stderr
    assert b"tfcert: nothing to do" in edit.stdout
    assert len(forge.server.writes()) == 1


@pytest.mark.parametrize("number", [7, 8], ids=["403", "404"])
def test_a_token_that_may_not_write_leaves_the_exit_code_and_tells_elsewhere(
    say, forge, tmp_path, number
):
    """With a read-only token the exit code stays, and the findings go to GitHub's annotations and
    summary or to the job's log.
    """
    summary = tmp_path / "summary.md"
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    document = due(policy={"name": "x", "threshold_days": 30, "notice_days": 60})
    done = say(
        "--number", str(number), documents=[document], token="reads", environment=environment
    )
    assert done.returncode == 1
    assert b"no comment could be written" in done.stderr
    if forge.name == "github":
        assert done.stdout.startswith(
            b"::error file=main.tf,line=1,title=certificate-expiring aws_api"
        )
        assert "### tfcert: a certificate in use ends in 12 days" in summary.read_text()
    else:
        assert b"### tfcert: a certificate in use ends in 12 days" in done.stdout
        assert not summary.exists()
    assert (
        say(
            "--number", str(number), documents=[fine()], token="reads", environment=environment
        ).returncode
        == 0
    )


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_a_fork_s_pipeline_on_gitlab_has_no_token_and_is_judged_all_the_same(say, forge):
    """The pipeline of a GitLab fork without a token keeps the exit code of its check and prints the
    comment.
    """
    fork = {"CI_PROJECT_ID": "99", "CI_MERGE_REQUEST_PROJECT_ID": "42"}
    done = say(documents=[due()], token="", environment=fork)
    assert done.returncode == 1
    assert b"the pipeline of a fork has no token" in done.stderr
    assert b"### tfcert: a certificate in use" in done.stdout
    assert say(documents=[due()], environment=fork).returncode == 1
    assert len(forge.server.bodies()) == 1


def test_a_dry_run_writes_nothing_where_the_token_may_not_read_either(say, tmp_path):
    """A dry run with a token that may not read prints the comment and writes no step summary."""
    summary = tmp_path / "summary.md"
    done = say(
        "--number",
        "8",
        "--dry-run",
        documents=[due()],
        environment={"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true"},
    )
    assert (done.returncode, summary.exists()) == (1, False)
    assert done.stdout.startswith((b"<!-- tfcert comment", b"[//]: # (tfcert comment"))


def test_annotations_cannot_be_broken_out_of(say, forge, tmp_path):
    """Names in GitHub's annotations are escaped as GitHub's own toolkit does."""
    nasty = "a\n::error::x%0Ay,line=2::z"
    document = outcome(
        findings=[finding(address=nasty, message=nasty, location={"file": nasty, "line": 1})]
    )
    done = say(documents=[document], token="reads", environment={"GITHUB_ACTIONS": "true"})
    if forge.name == "github":
        (line,) = done.stdout.decode().splitlines()
        assert line.startswith(
            "::error file=a\\n%3A%3Aerror%3A%3Ax%250Ay%2Cline=2%3A%3Az,line=1,title="
        )


def test_a_limit_of_github_is_waited_for(say, forge):
    """`tfcert comment` waits when a forge limits requests, and then posts the comment."""
    forge.server.faults.append(
        Fault(
            method="POST",
            path="comments|notes|threads",
            answer=LIMIT if forge.name == "github" else None,
        )
    )
    assert say(documents=[due()]).returncode == 1
    assert len(forge.server.bodies()) == 1


def test_no_token_is_ever_shown(say, forge):
    """No output or error ever shows the token."""
    secret = "ghp_0123456789secret"
    done = say(documents=[due()], token=secret)
    assert done.returncode == 2
    assert b"401" in done.stderr
    assert secret.encode() not in done.stdout + done.stderr


def test_accounts_are_masked_where_that_is_asked_for(say, forge):
    """`--mask-accounts` replaces the account numbers in the comment."""
    say("--mask-accounts", documents=[due()])
    assert "account-1" in forge.server.bodies()[0]
    assert "123456789012" not in forge.server.bodies()[0]


WRONG = {
    "another version": (
        ["0.json"],
        [{**due(), "schema": "tfcert.outcome/v2"}],
        b"'tfcert.outcome/v2'",
    ),
    "a plan": (["0.json"], [{"format_version": "1.2"}], b"not the outcome of a check"),
    "no file": (["missing.json"], [], b"missing.json: there is no such file"),
    "no commit": (["0.json", "--commit", "HEAD"], [due()], b"--commit: 'HEAD' is not a commit"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line_and_nothing_is_posted(say, forge, name):
    """A usage mistake is one line with exit code 2, and nothing is sent."""
    arguments, documents, says = WRONG[name]
    done = say(*arguments[bool(documents) :], documents=documents)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert forge.server.requests == []


def test_what_the_environment_does_not_say_must_be_given(tfcert, tmp_path):
    """The repository, the pull request and the token must be given if the environment does not name
    them.
    """
    data = json.dumps(due()).encode()
    assert b"--repository: which repository?" in tfcert("comment", "github", stdin=data).stderr
    assert (
        b"--number: the environment names no pull request"
        in tfcert("comment", "github", "--repository", "a/b", stdin=data).stderr
    )
    given = ("comment", "gitlab", "--repository", "1", "--number", "2")
    assert b"GITLAB_TOKEN: no token" in tfcert(*given, stdin=data).stderr
    assert (
        b"GitLab hides no comment"
        in tfcert(*given, "--behavior", "hide-and-new", stdin=data).stderr
    )
    given = ("comment", "bitbucket", "--repository", "a/b", "--number", "2")
    assert b"BITBUCKET_TOKEN: no token" in tfcert(*given, stdin=data).stderr
    assert (
        b"Bitbucket hides no comment"
        in tfcert(*given, "--behavior", "hide-and-new", stdin=data).stderr
    )
    given = ("comment", "azure", "--repository", "orders", "--number", "2")
    assert b"'orders' is not PROJECT/REPOSITORY" in tfcert(*given, stdin=data).stderr
    assert b"not the outcome of a check" in tfcert(*given).stderr


def event(tmp_path, content):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(content))
    return {"GITHUB_EVENT_PATH": str(path), "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": "0" * 40}


@pytest.mark.parametrize("forge", ["github"], indirect=True)
def test_the_event_of_a_workflow_names_the_pull_request(say, forge, tmp_path):
    """The event file of a GitHub workflow names the pull request and the commit at its head, not
    the merge.
    """
    own = event(tmp_path, {"pull_request": {"number": 7, "head": {"sha": "1" * 40}}})
    assert say(documents=[due()], environment=own).returncode == 1
    assert f"commit {'1' * 40}" in forge.server.bodies()[0]
    (tmp_path / "event.json").write_text("nonsense")
    assert b"not the event of a workflow" in say(documents=[due()], environment=own).stderr


@pytest.mark.parametrize("forge", ["github"], indirect=True)
def test_after_the_workflow_of_a_fork_github_is_asked_for_the_pull_request(say, forge, tmp_path):
    """After a fork's workflow, GitHub is asked for the pull request, because the fork's own data is
    not trusted.
    """
    forge.server.heads = {"stranger:patch-1": [(9, "2" * 40), (7, "1" * 40)]}
    started = {
        "id": 5,
        "head_sha": "1" * 40,
        "head_branch": "patch-1",
        "head_repository": {"owner": {"login": "stranger"}},
    }
    own = event(tmp_path, {"workflow_run": started})
    assert say(documents=[due()], environment=own).returncode == 1
    assert '"run": 5' in forge.server.bodies()[0]
    late = say(
        documents=[due()],
        environment=event(tmp_path, {"workflow_run": {**started, "head_sha": "3" * 40}}),
    )
    assert late.returncode == 2
    assert b"no open pull request has 333333333333 at the head of stranger:patch-1" in late.stderr


def test_the_clients_of_the_forges_are_not_imported_by_other_verbs(tfcert):
    """The clients of the forges are not imported by other verbs, nor by the help of `comment`."""
    code = "import sys; from checker.cli.app import build; sys.argv = ['tfcert', '{}', '--help']\ntry: build()()\nexcept SystemExit: pass\nprint([m for m in ('github', 'gitlab', 'requests') if m in sys.modules])"
    for verb in ("check", "comment"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(verb)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("forge", "module"),
    [
        ("github", "github"),
        ("gitlab", "gitlab"),
        ("azure", "requests"),
        ("bitbucket", "requests"),
    ],
    indirect=["forge"],
)
def test_a_client_that_is_not_installed_is_said_with_what_to_install(say, forge, module, tmp_path):
    """If the client of a forge is not installed, the error names the extra to install."""
    (tmp_path / "0.json").write_text(json.dumps(due()))
    code = f"import sys; sys.modules[{module!r}] = None; from checker.cli import main; main()"
    names = ("GITHUB_TOKEN", "GITLAB_TOKEN", "SYSTEM_ACCESSTOKEN", "BITBUCKET_TOKEN")
    own = dict.fromkeys(names, "writes")
    command = [
        sys.executable,
        "-c",
        code,
        "comment",
        forge.name,
        "0.json",
        "--repository",
        "a/b",
        "--number",
        "7",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **own},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"pip install 'tfcert[comment]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-", "a=-"), b"standard input is read once"),
        (("a/x.json", "a/x.json"), b"two outcomes have one name"),
        (("large.json",), b"is larger than 64 MiB"),
    ],
)
def test_outcomes_that_cannot_be_told_apart_or_are_too_large_are_refused(
    tfcert, tmp_path, arguments, says
):
    """Two outcomes of standard input or of one name, and a file that is no outcome by its size."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.json").write_text(json.dumps(due()))
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(200 * 1024**2)
    environment = {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "a/b"}
    done = tfcert(
        "comment", "github", "--dry-run", "--number", "1", *arguments, environment=environment
    )
    assert done.returncode == 2, done.stderr
    assert says in done.stderr


@pytest.mark.parametrize(
    ("issue", "number"),
    [({"number": 7, "pull_request": {}}, 7), ({"number": 7}, None)],
)
def test_a_comment_on_a_pull_request_names_it_and_one_on_an_issue_does_not(tmp_path, issue, number):
    """The event of a comment names its pull request; an issue of that number is none."""
    environment = event(tmp_path, {"issue": issue}) | {"GITHUB_REPOSITORY": "a/b"}
    wanted = {"repository": None, "number": None, "commit": None, "environment": environment}
    if number is None:
        with pytest.raises(UsageError, match="--number"):
            pull_request(Forge.GITHUB, **wanted)
    else:
        assert pull_request(Forge.GITHUB, **wanted).number == number
