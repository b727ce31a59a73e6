"""`tfcert propose` by its command line, over HTTP, with the emulated AWS."""

from __future__ import annotations

import os
import signal

import pytest
from cloud import REGION
from homes import SERVERS, Home, put_tool, shown, tick

from checker.demo.emulator import SeedApi, SeedCertificate

ENVIRONMENT = {
    "github": ("GITHUB_API_URL", "GITHUB_TOKEN", "GITHUB_REPOSITORY"),
    "gitlab": ("CI_API_V4_URL", "GITLAB_TOKEN", "CI_PROJECT_ID"),
}


@pytest.fixture(params=["github", "gitlab"])
def home(request, aws, tmp_path):
    """A repository with a certificate that is due, in the emulated AWS too."""
    with SERVERS[request.param]() as server:
        home = Home.make(server, tmp_path / "home")
        # As AWS has them: ids of six characters.
        cloud = home.cloud
        cloud.created = {"abc123": cloud.created["c001"]}
        cloud.roots[""].certificates["orders"] = cloud.roots[""].stages["prod"] = "abc123"
        cloud.stages["/prod"] = "abc123"
        tick(home, days=330)
        aws.seed(
            SeedCertificate(id="abc123", created_at=cloud.created["abc123"], region=REGION),
            SeedApi(id="api1", stages={"prod": "abc123"}),
        )
        put_tool(tmp_path / "tools")
        yield home
    assert server.violations == []


@pytest.fixture
def say(home, tfcert, aws, tmp_path):
    """Run the command in the checkout."""

    def run(*arguments, token="writes"):
        api, secret, name = ENVIRONMENT[home.forge]
        tools = {"PATH": str(tmp_path / "tools"), "HOME": str(tmp_path)}
        environment = aws.environment(tools) | {
            api: home.server.url,
            secret: token,
            name: home.project.name,
        }
        as_of = home.server.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        return tfcert(
            "propose",
            home.forge,
            "--as-of",
            as_of,
            *arguments,
            environment=environment,
            cwd=home.checkout(),
        )

    return run


def test_a_request_is_opened_and_then_current(home, say):
    """The first run opens it and prints its address; the second one writes nothing."""
    done = say()
    assert (done.returncode, done.stderr) == (0, b"")
    (request,) = home.requests()
    assert f"/{request.number})".encode() in done.stdout
    commits, changed = shown(home, request.sha)
    assert (len(commits), list(changed)) == (1, ["main.tf"])
    before = home.server.writes()
    assert say().returncode == 0
    assert home.server.writes() == before


def test_a_dry_run_prints_every_call_that_writes_and_sends_none(home, say):
    """The printed calls are those that a run makes."""
    printed = say("--dry-run")
    assert printed.returncode == 0
    writing = [one for one in home.server.requests if home.server.changes(one)]
    assert writing == []
    assert home.requests() == []
    assert say().returncode == 0
    for made in home.server.writes():
        method, path = made.split()
        last = path.rpartition("/")[2]
        assert f"{method} ".encode() in printed.stdout
        assert f"/{last}\n".encode() in printed.stdout, made


def test_what_a_token_may_not_do_is_an_error_that_says_so(home, say):
    """Exit code 2, what is missing, no traceback, and not the token."""
    for token in ("reads", "wrong-and-secret"):
        done = say(token=token)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr
        assert b"wrong-and-secret" not in done.stdout + done.stderr
        assert home.requests() == []


def test_a_run_whose_process_is_killed_is_finished_by_the_next(home, say, forking, monkeypatch):
    """SIGKILL after the branch was made and before the request: one request in the end."""
    pids = []
    monkeypatch.setattr(forking, "started", pids.append)

    def kill(request):
        if (
            request.method == "POST"
            and request.path.endswith(("/pulls", "/merge_requests"))
            and pids
        ):
            os.kill(pids.pop(), signal.SIGKILL)

    home.server.before.append(kill)
    assert say().returncode == -signal.SIGKILL
    home.server.before.clear()
    assert home.repository.branches("tfcert/").keys() == {"tfcert/abc123/introduce"}
    assert say().returncode == 0
    assert len(home.requests()) == 1
