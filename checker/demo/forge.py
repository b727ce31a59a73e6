"""A forge for the demo: the part of GitHub's API that `tfcert propose` uses, for one repository.

It keeps everything in memory. Names of files' contents are git's; those of commits and trees are
hashes of its own.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "demo/gateway"
BASE = "main"
_BOT = "tfcert-demo[bot]"
_ROOT = f"/repos/{REPOSITORY}"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Commit:
    """A commit: its files by path, each with its content's name, and its parents."""

    name: str
    files: Mapping[str, str]
    parents: tuple[str, ...]
    message: str


@dataclass(slots=True, kw_only=True)
class DemoRequest:
    """A pull request of the demo's forge; `state` is open, closed or merged."""

    number: int
    title: str
    body: str
    branch: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)


class _Missing(Exception):  # noqa: N818 -- an answer of the API
    """Nothing of that name: 404."""


class _Taken(Exception):  # noqa: N818 -- an answer of the API
    """It exists, or has moved: 422."""


class DemoForge:
    """The forge on a free port; `with DemoForge(files) as forge:` starts and stops it.

    `files` are those of the first commit of the base branch.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.requests: list[DemoRequest] = []
        self._blobs: dict[str, bytes] = {}
        self._trees: dict[str, Mapping[str, str]] = {}
        self._commits: dict[str, _Commit] = {}
        self._branches: dict[str, str] = {}
        self._lock = Lock()
        self._started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        first = self._commit({path: self._blob(data) for path, data in files.items()}, (), "first")
        self._branches[BASE] = first
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=_SECONDS)

    @property
    def url(self) -> str:
        """Return the address of its API."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def open(self) -> tuple[DemoRequest, ...]:
        """Return the open pull requests, the oldest first."""
        return tuple(each for each in self.requests if each.state == "open")

    def files(self, branch: str = BASE) -> Mapping[str, bytes]:
        """Return the files of a branch by path."""
        commit = self._commits[self._branches[branch]]
        return {path: self._blobs[blob] for path, blob in commit.files.items()}

    def merge(self, number: int) -> None:
        """Merge a pull request, as a reviewer does, and delete its branch."""
        with self._lock:
            request = self.requests[number - 1]
            branch = self._branches.pop(request.branch)
            files = self._commits[branch].files
            self._branches[BASE] = self._commit(
                files, (self._branches[BASE], branch), f"Merge #{number}"
            )
            request.state = "merged"

    def answer(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> tuple[int, Any]:
        """Return the status and the JSON for one request."""
        with self._lock:
            try:
                return (201 if method == "POST" else 200), self._answer(method, path, query, body)
            except (KeyError, IndexError, _Missing):
                return 404, {"message": "Not Found"}
            except _Taken:
                return 422, {"message": "Validation Failed"}

    def _answer(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> Any:
        if path == "/graphql":
            return self._graphql(body)
        if path == _ROOT:
            return {"full_name": REPOSITORY, "default_branch": BASE, "node_id": "R_1"}
        kind, _, name = path.removeprefix(f"{_ROOT}/").partition("/")
        match (method, kind):
            case ("GET" | "PATCH" | "POST", "pulls"):
                return self._pulls(method, name, query, body)
            case ("GET", "compare"):
                return self._compare(*name.split("..."))
            case ("GET", "git"):
                return self._read(name)
            case ("POST", "git"):
                return self._write(name, body)
            case _:
                raise _Missing

    def _graphql(self, body: Mapping[str, Any]) -> Any:
        if "viewer" in body["query"]:
            return {"data": {"viewer": {"login": _BOT}}}
        for update in body["variables"]["updates"]:
            branch = update["name"].removeprefix("refs/heads/")
            if self._branches.get(branch) != update["beforeOid"]:
                return {"errors": [{"message": "the branch has moved"}]}
            self._branches[branch] = update["afterOid"]
        return {"data": {"updateRefs": {"clientMutationId": None}}}

    def _pulls(
        self, method: str, name: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> Any:
        if name:
            request = self.requests[int(name) - 1]
            if method == "PATCH":
                request.title = body.get("title", request.title)
                request.body = body.get("body", request.body)
                request.state = body.get("state", request.state)
            return self._shown(request)
        if method == "POST":
            if any(each.branch == body["head"] for each in self.open):
                raise _Taken
            request = DemoRequest(
                number=len(self.requests) + 1,
                title=body["title"],
                body=body["body"],
                branch=body["head"],
            )
            self.requests.append(request)
            return self._shown(request)
        if query.get("page", "1") != "1":
            return []
        branch = query.get("head", "").partition(":")[2]
        wanted = {"all": {"open", "closed", "merged"}, "closed": {"closed", "merged"}}
        states = wanted.get(query.get("state", "open"), {"open"})
        return [
            self._shown(each)
            for each in reversed(self.requests)
            if each.state in states and branch in {"", each.branch}
        ]

    def _shown(self, request: DemoRequest) -> Any:
        return {
            "number": request.number,
            "html_url": f"{self.url}/{REPOSITORY}/pull/{request.number}",
            "title": request.title,
            "body": request.body,
            "head": {"ref": request.branch, "repo": {"full_name": REPOSITORY}},
            "base": {"ref": BASE},
            "state": "open" if request.state == "open" else "closed",
            "merged_at": self._started if request.state == "merged" else None,
            "created_at": self._started,
        }

    def _compare(self, base: str, head: str) -> Any:
        old, new = self._commits[base].files, self._commits[head]
        # The branches of the demo have one commit.
        commits = [new] if head != base else []
        start = self._commits[new.parents[0]].files if commits else old
        return {
            "total_commits": len(commits),
            "commits": [
                {
                    "sha": each.name,
                    "commit": {"message": each.message},
                    "author": {"login": _BOT},
                    "committer": {"login": _BOT},
                    "parents": [{"sha": parent} for parent in each.parents],
                }
                for each in commits
            ],
            "files": [
                {
                    "filename": path,
                    "status": "modified" if path in start else "added",
                    "sha": blob,
                }
                for path, blob in sorted(new.files.items())
                if start.get(path) != blob
            ],
        }

    def _read(self, name: str) -> Any:
        kind, _, what = name.partition("/")
        match kind:
            case "ref":
                return {"object": {"sha": self._branches[what.removeprefix("heads/")]}}
            case "commits":
                return {"tree": {"sha": self._tree(self._commits[what].files)}}
            case "trees":
                return {
                    "truncated": False,
                    "tree": [
                        {"path": path, "mode": "100644", "type": "blob", "sha": blob}
                        for path, blob in sorted(self._trees[what].items())
                    ],
                }
            case "blobs":
                return {"content": b64encode(self._blobs[what]).decode(), "encoding": "base64"}
            case _:
                raise _Missing

    def _write(self, kind: str, body: Mapping[str, Any]) -> Any:
        match kind:
            case "blobs":
                return {"sha": self._blob(b64decode(body["content"]))}
            case "trees":
                files = {each["path"]: each["sha"] for each in body["tree"]}
                return {"sha": self._tree({**self._trees[body["base_tree"]], **files})}
            case "commits":
                files = dict(self._trees[body["tree"]])
                return {"sha": self._commit(files, tuple(body["parents"]), body["message"])}
            case "refs":
                branch = body["ref"].removeprefix("refs/heads/")
                if branch in self._branches:
                    raise _Taken
                self._branches[branch] = body["sha"]
                return {"ref": body["ref"]}
            case _:
                raise _Missing

    def _blob(self, data: bytes) -> str:
        # Source: git-hash-object(1).
        name = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        self._blobs[name] = data
        return name

    def _tree(self, files: Mapping[str, str]) -> str:
        name = _name("tree", sorted(files.items()))
        self._trees[name] = files
        return name

    def _commit(self, files: Mapping[str, str], parents: tuple[str, ...], message: str) -> str:
        name = _name("commit", sorted(files.items()), parents, message)
        self._commits[name] = _Commit(name=name, files=files, parents=parents, message=message)
        return name


def _name(*content: object) -> str:
    return hashlib.sha1(json.dumps(content).encode(), usedforsecurity=False).hexdigest()


def _handler(forge: DemoForge) -> type[BaseHTTPRequestHandler]:
    def serve(self: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        status, answer = forge.answer(self.command, unquote(parts.path), query, body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def quiet(*_arguments: Any, **_more: Any) -> None:
        """Print nothing."""

    methods: dict[str, Callable[..., None]] = {
        "do_GET": serve,
        "do_POST": serve,
        "do_PATCH": serve,
        "log_message": quiet,
    }
    return type("_Requests", (BaseHTTPRequestHandler,), {**methods, "timeout": _SECONDS})
