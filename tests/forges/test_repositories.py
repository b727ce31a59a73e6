"""The stand-ins of whole repositories answer as the forges' own pages state.

The tests of `tfcert propose` use them.
"""

from __future__ import annotations

import base64
import json
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from github_repositories import GithubRepositories
from gitlab_repositories import GitlabRepositories

REPOSITORY = "/repos/octo-org/gateway"
PROJECT = "/projects/acme%2Fgateway"
FILES = {"a/main.tf": b"x\n", "run.sh": ("100755", b"#!/bin/sh\n")}
BRANCH = "tfcert/abc/introduce"


def calling(server, name):
    """Return a function that calls the server with plain HTTP."""

    def call(method, path, body=None, *, token="writes"):
        headers = {"Content-Type": "application/json", name: token}
        if name == "Authorization":
            headers[name] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        place = server.origin if path.startswith("/api/") else server.url
        asked = Request(f"{place}{path}", method=method, data=data, headers=headers)
        try:
            with urlopen(asked, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except HTTPError as error:
            return error.code, json.loads(error.read())

    return call


@pytest.fixture
def github(tmp_path):
    """Yield GitHub with a repository of two files."""
    with GithubRepositories() as server:
        project = server.project(tmp_path / "gateway.git")
        server.push(project, FILES)
        yield server, project, calling(server, "Authorization")
    assert server.violations == []


@pytest.fixture
def gitlab(tmp_path):
    """Yield GitLab with a project of two files."""
    with GitlabRepositories() as server:
        project = server.project(tmp_path / "gateway.git")
        server.push(project, FILES)
        yield server, project, calling(server, "Private-Token")
    assert server.violations == []


def commit(call, project, content=b"y\n", **more):
    """Make a commit of one file through the git data API and return its answer."""
    base = project.repository.head()
    blob = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
    _, made = call("POST", f"{REPOSITORY}/git/blobs", blob)
    entry = {"path": "a/main.tf", "mode": "100644", "type": "blob", "sha": made["sha"]}
    tree = {"base_tree": project.repository.commit(base).tree, "tree": [entry]}
    _, made = call("POST", f"{REPOSITORY}/git/trees", tree)
    return call(
        "POST",
        f"{REPOSITORY}/git/commits",
        {"message": "title\n\ntext", "tree": made["sha"], "parents": [base]},
        **more,
    )


def pull(call, branch=BRANCH):
    return call(
        "POST", f"{REPOSITORY}/pulls", {"title": "t", "head": branch, "base": "main", "body": "b"}
    )


def test_a_commit_by_the_git_data_api_is_a_commit_of_git(github):
    """A commit through the git data API changes only the named file, keeps other modes, and creates
    its branch once.
    """
    _, project, call = github
    status, made = commit(call, project)
    assert status == 201
    ref = {"ref": f"refs/heads/{BRANCH}", "sha": made["sha"]}
    assert call("POST", f"{REPOSITORY}/git/refs", ref)[0] == 201
    assert call("POST", f"{REPOSITORY}/git/refs", ref) == (
        422,
        {
            "message": "Reference already exists",
            "documentation_url": "https://docs.github.com/rest",
            "status": "422",
        },
    )
    shown = project.repository.git("show", "--format=%B", made["sha"]).decode()
    assert shown.startswith("title\n\ntext\n")
    assert shown.endswith("@@ -1 +1 @@\n-x\n+y\n")
    assert project.repository.files(made["sha"])["run.sh"] == ("100755", b"#!/bin/sh\n")
    _, compared = call("GET", f"{REPOSITORY}/compare/{made['parents'][0]['sha']}...{made['sha']}")
    assert [one["sha"] for one in compared["commits"]] == [made["sha"]]
    assert [one["filename"] for one in compared["files"]] == ["a/main.tf"]


def test_github_signs_for_an_app_and_not_for_a_user(github):
    """GitHub signs and commits for an App as web-flow, and leaves a user's commit unsigned."""
    _, project, call = github
    names = {}
    for token in ("writes", "personal"):
        _, made = commit(call, project, content=token.encode(), token=token)
        _, shown = call("GET", f"{REPOSITORY}/commits/{made['sha']}")
        names[token] = (
            made["verification"]["verified"],
            shown["author"]["login"],
            shown["committer"]["login"],
        )
    assert names == {
        "writes": (True, "tfcert-bot", "web-flow"),
        "personal": (False, "somebody", "somebody"),
    }


def test_a_branch_has_one_open_pull_request_and_a_closed_one_may_be_sealed(github):
    """A second open pull request of a branch is refused, and a closed one cannot be reopened after
    its branch was rewritten.
    """
    server, project, call = github
    _, made = commit(call, project)
    call("POST", f"{REPOSITORY}/git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": made["sha"]})
    assert pull(call)[0] == 201
    status, refused = pull(call)
    assert (status, refused["errors"][0]["message"]) == (
        422,
        f"A pull request already exists for octo-org:{BRANCH}.",
    )
    assert call("PATCH", f"{REPOSITORY}/pulls/1", {"state": "closed"})[1]["state"] == "closed"
    assert call("PATCH", f"{REPOSITORY}/pulls/1", {"state": "open"})[1]["state"] == "open"
    server.close(project.requests[0])
    _, other = commit(call, project, b"z\n")
    path = f"{REPOSITORY}/git/refs/heads/{BRANCH}"
    assert (
        call("PATCH", path, {"sha": other["sha"]})[1]["message"] == "Update is not a fast forward"
    )
    assert call("PATCH", path, {"sha": other["sha"], "force": True})[0] == 200
    status, refused = call("PATCH", f"{REPOSITORY}/pulls/1", {"state": "open"})
    assert status == 422
    assert "force-pushed or recreated" in refused["errors"][0]["message"]


def test_github_closes_and_merges_requests_as_branches_move(github):
    """GitHub closes a pull request whose branch is deleted, and merges one whose commit the base
    has.
    """
    server, project, call = github
    for number in (1, 2):
        _, made = commit(call, project, b"%d\n" % number)
        ref = {"ref": f"refs/heads/{BRANCH}{number}", "sha": made["sha"]}
        call("POST", f"{REPOSITORY}/git/refs", ref)
        assert pull(call, f"{BRANCH}{number}")[0] == 201
    assert call("DELETE", f"{REPOSITORY}/git/refs/heads/{BRANCH}1")[0] == 204
    assert server.merge(project, project.requests[1]) is not None
    _, closed = call("GET", f"{REPOSITORY}/pulls?state=closed&sort=created&direction=asc")
    assert [one["merged_at"] is not None for one in closed] == [False, True]
    assert call("GET", f"{REPOSITORY}/git/ref/heads/{BRANCH}2")[0] == 404
    assert project.repository.files(project.repository.head())["a/main.tf"][1] == b"2\n"


def test_update_refs_compares_before_it_sets(github):
    """GitHub's mutation updateRefs changes nothing if the branch is not at the expected commit."""
    _, project, call = github
    _, first = commit(call, project, b"1\n")
    _, second = commit(call, project, b"2\n")
    call("POST", f"{REPOSITORY}/git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": first["sha"]})
    _, about = call("GET", REPOSITORY)
    query = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"
    found = []
    for before in (second["sha"], first["sha"]):
        update = {
            "name": f"refs/heads/{BRANCH}",
            "beforeOid": before,
            "afterOid": second["sha"],
            "force": True,
        }
        variables = {"input": {"repositoryId": about["node_id"], "refUpdates": [update]}}
        body = {"query": query, "variables": variables}
        _, answer = call("POST", "/api/graphql", body)
        found.append(("errors" in answer, project.repository.head(BRANCH) == second["sha"]))
    assert found == [(True, False), (False, True)]


def test_gitlab_makes_a_commit_and_its_branch_in_one_call(gitlab):
    """GitLab refuses a commit to an existing branch without `force`, keeps file modes, and refuses
    a second merge request.
    """
    _, project, call = gitlab
    base = project.repository.head()
    action = {"action": "update", "file_path": "run.sh", "content": "eQo=", "encoding": "base64"}
    body = {"branch": BRANCH, "start_sha": base, "commit_message": "m", "actions": [action]}
    status, made = call("POST", f"{PROJECT}/repository/commits", body)
    assert (status, made["parent_ids"]) == (201, [base])
    assert project.repository.files(made["id"])["run.sh"] == ("100755", b"y\n")
    status, refused = call("POST", f"{PROJECT}/repository/commits", body)
    assert status == 400
    assert refused["message"].startswith(f"A branch called '{BRANCH}' already exists.")
    forced = {**body, "force": True, "commit_message": "other"}
    assert call("POST", f"{PROJECT}/repository/commits", forced)[0] == 201
    asked = {"source_branch": BRANCH, "target_branch": "main", "title": "t", "labels": "a,b"}
    assert call("POST", f"{PROJECT}/merge_requests", asked)[1]["labels"] == ["a", "b"]
    assert call("POST", f"{PROJECT}/merge_requests", asked) == (
        409,
        {"message": ["Another open merge request already exists for this source branch: !1"]},
    )
    _, file = call("GET", f"{PROJECT}/repository/files/{quote('a/main.tf', safe='')}?ref=main")
    assert (base64.b64decode(file["content"]), file["execute_filemode"]) == (b"x\n", False)


def test_gitlab_closes_and_merges_requests_as_branches_move(gitlab):
    """GitLab closes a merge request whose branch is deleted, and merges one whose commit the target
    has.
    """
    server, project, call = gitlab
    base = project.repository.head()
    for number in (1, 2):
        action = {"action": "update", "file_path": "a/main.tf", "content": f"{number}\n"}
        branch = f"{BRANCH}{number}"
        body = {"branch": branch, "start_sha": base, "commit_message": "m", "actions": [action]}
        call("POST", f"{PROJECT}/repository/commits", body)
        asked = {"source_branch": branch, "target_branch": "main", "title": "t"}
        call("POST", f"{PROJECT}/merge_requests", asked)
    assert call("DELETE", f"{PROJECT}/repository/branches/{quote(BRANCH + '1', safe='')}")[0] == 204
    assert server.merge(project, project.requests[1]) is not None
    _, found = call("GET", f"{PROJECT}/merge_requests?state=all&sort=asc&per_page=1&page=2")
    assert [one["state"] for one in found] == ["merged"]
    _, found = call("GET", f"{PROJECT}/merge_requests?state=closed")
    assert [one["iid"] for one in found] == [1]
