"""A stand-in of Azure DevOps with the threads of a pull request."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

from strict_server import Answer, Description, StrictServer, UnlistedError

HERE = Path(__file__).parent
ORGANIZATION, REPOSITORY = "acme", "shop/orders"
DESCRIPTION = Description(json.loads((HERE / "azure-api.json").read_text()))
BOT, PERSON = "b0b0b0b0-0000", "c0c0c0c0-0000"


def refuse(status, message="refused"):
    """Return an error for an answer that Azure gives and its description omits."""
    return UnlistedError(Answer(status=status, body={"message": message}))


class AzureStandIn(StrictServer):
    """A server with one repository. `threads` has the threads of its pull requests by number."""

    description = DESCRIPTION

    def __init__(self):
        super().__init__()
        self.threads = {7: []}
        self.tokens = {"writes": (BOT, True), "reads": ("d0d0d0d0-0000", False)}
        self._next = 1000

    @property
    def url(self):
        return f"{self.origin}/{ORGANIZATION}"

    def add(self, body, *, by=PERSON, number=7, system=False):
        """Add a thread of any author."""
        with self.lock:
            self._next += 1
            thread = {
                "id": self._next,
                "body": body,
                "by": by,
                "system": system,
                "deleted": False,
                "status": "active",
            }
            self.threads[number].append(thread)
            return thread

    def bodies(self, number=7):
        return [thread["body"] for thread in self.threads[number] if not thread["deleted"]]

    def pop(self, number=7):
        """Remove the last thread and return it."""
        return self.threads[number].pop()

    def rewrite(self, body, number=7):
        """Replace the text of the first thread."""
        self.threads[number][0]["body"] = body

    def handle(self, path, request):
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        token = b64decode(secret).decode().removeprefix(":") if kind == "Basic" else None
        if token not in self.tokens:
            # Without this header, Azure answers with its sign-in page.
            assert request.headers["x-tfs-fedauthredirect"] == "Suppress"
            raise refuse(401)
        viewer, writes = self.tokens[token]
        if path.endswith("/connectionData"):
            return Answer(status=200, body={"authenticatedUser": {"id": viewer}})
        values = request.values
        number = int(values["pullRequestId"])
        here = f"{values['project']}/{values['repositoryId']}"
        if request.query["api-version"] != "7.1":
            raise refuse(400)
        if here != REPOSITORY or number not in self.threads:
            raise refuse(404)
        if request.method != "GET" and not writes:
            raise refuse(403)
        if "threadId" in values:
            return self._single(request, number)
        if request.method == "POST":
            (first,) = request.body["comments"]
            made = self.add(first["content"], by=viewer, number=number)
            made["status"] = request.body["status"]
            return Answer(status=200, body=self._shown(made))
        every = [self._shown(thread) for thread in self.threads[number]]
        return Answer(status=200, body={"count": len(every), "value": every})

    def _single(self, request, number):
        values = request.values
        found = next(
            (each for each in self.threads[number] if each["id"] == int(values["threadId"])), None
        )
        if found is None or (found["deleted"] and request.method != "GET"):
            raise refuse(404)
        if "commentId" in values:
            if values["commentId"] != "1":
                raise refuse(404)
            if request.method == "DELETE":
                found["deleted"] = True
                return Answer(status=200)
            if request.method == "PATCH":
                found["body"] = request.body["content"]
            return Answer(status=200, body=self._shown(found)["comments"][0])
        if request.method == "PATCH":
            found["status"] = request.body["status"]
        return Answer(status=200, body=self._shown(found))

    def _shown(self, thread):
        comment = {
            "id": 1,
            "parentCommentId": 0,
            "author": {"id": thread["by"], "displayName": thread["by"]},
            "commentType": "system" if thread["system"] else "text",
            "publishedDate": "2026-11-23T00:00:00Z",
        }
        if thread["deleted"]:
            comment["isDeleted"] = True
        else:
            comment["content"] = thread["body"]
        return {
            "id": thread["id"],
            "status": thread["status"],
            "isDeleted": thread["deleted"],
            "comments": [comment],
        }
