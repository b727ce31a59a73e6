"""A stand-in of Bitbucket Cloud with the comments of a pull request."""

from __future__ import annotations

import json
from pathlib import Path

from strict_server import Answer, Description, StrictServer, UnlistedError

HERE = Path(__file__).parent
REPOSITORY = "acme/orders"
DESCRIPTION = Description(json.loads((HERE / "bitbucket-api.json").read_text()))
BOT, PERSON = "{b0b0b0b0}", "{c0c0c0c0}"


def error(status):
    """Return an error in the form that Bitbucket describes."""
    return Answer(status=status, body={"type": "error", "error": {"message": "refused"}})


class BitbucketStandIn(StrictServer):
    """A server with one repository. `comments` has the comments of its pull requests by number."""

    description = DESCRIPTION

    def __init__(self):
        super().__init__()
        self.comments = {7: []}
        self.tokens = {"writes": (BOT, True), "reads": ("{d0d0d0d0}", False)}
        self._next = 1000

    @property
    def url(self):
        return f"{self.origin}/2.0"

    def add(self, body, *, by=PERSON, number=7):
        """Add a comment of any author."""
        with self.lock:
            self._next += 1
            comment = {"id": self._next, "body": body, "by": by, "deleted": False}
            self.comments[number].append(comment)
            return comment

    def bodies(self, number=7):
        return [comment["body"] for comment in self.comments[number] if not comment["deleted"]]

    def pop(self, number=7):
        """Remove the last comment and return it."""
        return self.comments[number].pop()

    def rewrite(self, body, number=7):
        """Replace the text of the first comment."""
        self.comments[number][0]["body"] = body

    def handle(self, path, request):
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.tokens:
            raise UnlistedError(error(401))
        viewer, writes = self.tokens[token]
        if path.endswith("/user"):
            return Answer(status=200, body={"type": "user", "uuid": viewer})
        values = request.values
        number = int(values["pull_request_id"])
        here = f"{values['workspace']}/{values['repo_slug']}"
        if here != REPOSITORY or number not in self.comments:
            return error(404)
        if request.method != "GET" and not writes:
            return error(403)
        if "comment_id" in values:
            return self._single(request, number)
        if request.method == "POST":
            made = self.add(request.body["content"]["raw"], by=viewer, number=number)
            return Answer(status=201, body=self._shown(made))
        return self._page(request, number)

    def _page(self, request, number):
        size, page = int(request.query.get("pagelen", 10)), int(request.query.get("page", 1))
        there = self.comments[number]
        shown = [self._shown(each) for each in there[(page - 1) * size : page * size]]
        body = {"values": shown, "page": page, "pagelen": size, "size": len(there)}
        if len(there) > page * size:
            body["next"] = f"{self.origin}{request.path}?page={page + 1}"
        return Answer(status=200, body=body)

    def _single(self, request, number):
        wanted = int(request.values["comment_id"])
        found = next((each for each in self.comments[number] if each["id"] == wanted), None)
        if found is None or (found["deleted"] and request.method != "GET"):
            return error(404)
        if request.method == "DELETE":
            found["deleted"] = True
            return Answer(status=204)
        if request.method == "PUT":
            found["body"] = request.body["content"]["raw"]
        return Answer(status=200, body=self._shown(found))

    def _shown(self, comment):
        return {
            "type": "pullrequest_comment",
            "id": comment["id"],
            "content": {
                "raw": "" if comment["deleted"] else comment["body"],
                "markup": "markdown",
                "html": "",
            },
            "user": {"type": "user", "uuid": comment["by"]},
            "deleted": comment["deleted"],
            "created_on": "2026-11-23T00:00:00+00:00",
        }
