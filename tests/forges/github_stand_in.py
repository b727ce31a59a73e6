"""A stand-in of GitHub with the comments of a pull request: its REST API by its own description,
its GraphQL by its own schema.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from graphql import build_schema, graphql_sync
from strict_server import Answer, Description, StrictServer, UnlistedError, ViolationError

HERE = Path(__file__).parent
PREFIX = "/api/v3"
REPOSITORY = "octo-org/gateway"
SCHEMA = build_schema((HERE / "github-api.graphql").read_text())
DESCRIPTION = Description(json.loads((HERE / "github-api.json").read_text()))
BOT, PERSON = "tfcert-bot", "somebody"


class GithubStandIn(StrictServer):
    """A server with one repository.

    `comments` has the comments of its pull requests by number, `heads` the commits of open ones by
    head.
    """

    description = DESCRIPTION

    def __init__(self):
        super().__init__()
        self.comments = {7: []}
        self.heads = {}
        self.tokens = {"writes": (BOT, True), "reads": ("fork-bot", False)}
        self._next = 1000

    @property
    def url(self):
        return f"{self.origin}{PREFIX}"

    def add(self, body, *, by=PERSON, number=7, minimized=False):
        """Add a comment of any author."""
        with self.lock:
            self._next += 1
            comment = {
                "id": self._next,
                "body": body,
                "by": by,
                "number": number,
                "minimized": minimized,
            }
            self.comments.setdefault(number, []).append(comment)
            return comment

    def pop(self, number=7):
        """Remove the last comment and return it."""
        return self.comments[number].pop()

    def rewrite(self, body, number=7):
        """Replace the text of the first comment."""
        self.comments[number][0]["body"] = body

    def bodies(self, number=7):
        return [comment["body"] for comment in self.comments[number]]

    def serve(self, request):
        if not request.path.startswith("/api/"):
            # The paths of github.com, without the prefix of GitHub Enterprise.
            request.path = (
                "/api/graphql" if request.path == "/graphql" else f"{PREFIX}{request.path}"
            )
        return super().serve(request)

    def respond(self, request):
        token = request.headers.get("authorization", "").partition(" ")[2]
        if token not in self.tokens:
            return Answer(status=401, body={"message": "Bad credentials"})
        self._viewer, self._writes = self.tokens[token]
        if request.path == "/api/graphql":
            return self._graphql(request)
        request.path = request.path.removeprefix(PREFIX)
        try:
            return super().respond(request)
        finally:
            request.path = f"{PREFIX}{request.path}"

    def changes(self, request):
        if request.path == "/api/graphql":
            return request.body["query"].strip().startswith("mutation")
        return super().changes(request)

    def handle(self, path, request):
        if path == "/user":
            user = DESCRIPTION.smallest(DESCRIPTION.schema("public-user"))
            return Answer(
                status=200, body={**user, "login": self._viewer, "user_view_type": "public"}
            )
        if f"{request.values['owner']}/{request.values['repo']}" != REPOSITORY:
            return Answer(status=404, body={"message": "Not Found"})
        if request.method != "GET" and not self._writes:
            return self._forbidden(request)
        if path.endswith("/pulls"):
            return Answer(
                status=200,
                body=[
                    _pull(number, sha) for number, sha in self.heads.get(request.query["head"], ())
                ],
            )
        if path.endswith("/comments"):
            return self._thread_of(request)
        return self._single(request)

    def _forbidden(self, request):
        if request.method == "POST":
            return Answer(status=403, body={"message": "Resource not accessible by integration"})
        # GitHub answers an edit with 403, although its description omits this code.
        raise UnlistedError(
            Answer(status=403, body={"message": "Resource not accessible by integration"})
        )

    def _thread_of(self, request):
        number = int(request.values["issue_number"])
        if number not in self.comments:
            return Answer(status=404, body={"message": "Not Found"})
        if request.method == "POST":
            made = self.add(self._kept(request.body["body"]), by=self._viewer, number=number)
            return Answer(status=201, body=self._shown(made))
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        if size > 100:
            raise ViolationError("per_page is at most 100")
        there = self.comments[number]
        shown = there[(page - 1) * size : page * size]
        more = (
            {"Link": f'<{self.url}{request.path}?page={page + 1}>; rel="next"'}
            if len(there) > page * size
            else {}
        )
        return Answer(status=200, body=[self._shown(comment) for comment in shown], headers=more)

    def _single(self, request):
        found = self._found(int(request.values["comment_id"]))
        if found is None:
            raise UnlistedError(Answer(status=404, body={"message": "Not Found"}))
        if request.method == "PATCH":
            found["body"] = self._kept(request.body["body"])
        if request.method == "DELETE":
            self.comments[found["number"]].remove(found)
            return Answer(status=204)
        return Answer(status=200, body=self._shown(found))

    def _kept(self, body):
        if len(body) > 65_536:
            raise UnlistedError(
                Answer(
                    status=422,
                    body={
                        "message": "Validation Failed: body is too long (maximum is 65536 characters)"
                    },
                )
            )
        return body

    def _found(self, identity):
        return next(
            (one for there in self.comments.values() for one in there if one["id"] == identity),
            None,
        )

    def _shown(self, comment):
        url = f"{self.url}/repos/{REPOSITORY}/issues/comments/{comment['id']}"
        return {
            "id": comment["id"],
            "node_id": _node(comment["id"]),
            "url": url,
            "html_url": f"{self.origin}/{REPOSITORY}/pull/{comment['number']}#issuecomment-{comment['id']}",
            "issue_url": f"{self.url}/repos/{REPOSITORY}/issues/{comment['number']}",
            "body": comment["body"],
            "user": _user(comment["by"]),
            "created_at": "2026-11-23T00:00:00Z",
            "updated_at": "2026-11-23T00:00:00Z",
            "author_association": "NONE",
        }

    def _graphql(self, request):
        if set(request.body) != {"query", "variables"}:
            raise ViolationError(
                f"GraphQL takes a query and its variables, not {set(request.body)}"
            )
        result = graphql_sync(
            SCHEMA,
            request.body["query"],
            root_value=_Root(self),
            variable_values=request.body["variables"],
            type_resolver=_type_of,
        )
        for error in result.errors or ():
            if not isinstance(error.original_error, GraphError):
                raise ViolationError(f"GraphQL: {error.message}")
        errors = [
            {"type": error.original_error.kind, "path": error.path, "message": error.message}
            for error in result.errors or ()
        ]
        return Answer(
            status=200, body={"data": result.data, **({"errors": errors} if errors else {})}
        )

    def viewing(self):
        """Return the login of the token that sent the request."""
        return self._viewer

    def node(self, identity):
        """Return a comment as GraphQL shows it to the owner of the token."""
        found = self._found(int(base64.b64decode(identity)[12:]))
        if found is None:
            raise GraphError(
                "NOT_FOUND", f"Could not resolve to a node with the global id of '{identity}'."
            )
        return {
            "id": identity,
            "body": found["body"],
            "isMinimized": found["minimized"] is not False,
            "minimizedReason": found["minimized"] or None,
            "viewerDidAuthor": found["by"] == self._viewer,
        }

    def minimize(self, identity, reason):
        """Minimize a comment, or show it again."""
        self.node(identity)
        if not self._writes:
            raise GraphError("FORBIDDEN", "Resource not accessible by integration")
        self._found(int(base64.b64decode(identity)[12:]))["minimized"] = reason
        return self.node(identity)


class GraphError(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class _Root:
    def __init__(self, server):
        self._server = server

    def viewer(self, _):
        return {"login": self._server.viewing()}

    def updateRefs(self, _, input):  # noqa: A002, N802 -- GraphQL's own names
        self._server.update_refs(input["repositoryId"], input["refUpdates"])
        return {"clientMutationId": None}

    def nodes(self, _, ids):
        return [self._server.node(identity) for identity in ids]

    def minimizeComment(self, _, input):  # noqa: A002, N802 -- GraphQL's own names
        return {"minimizedComment": self._server.minimize(input["subjectId"], input["classifier"])}

    def unminimizeComment(self, _, input):  # noqa: A002, N802 -- likewise
        return {"unminimizedComment": self._server.minimize(input["subjectId"], False)}


def _type_of(*_):
    return "IssueComment"


def _node(identity):
    return base64.b64encode(f"IssueComment{identity}".encode()).decode()


def _user(login):
    kind = "Bot" if login == BOT or login.endswith("[bot]") else "User"
    return {**DESCRIPTION.smallest(DESCRIPTION.schema("simple-user")), "login": login, "type": kind}


def _pull(number, sha):
    made = DESCRIPTION.smallest(DESCRIPTION.schema("pull-request-simple"))
    return {**made, "number": number, "head": {**made["head"], "sha": sha}}
