"""A stand-in of GitLab with the notes of a merge request."""

from __future__ import annotations

import json
from pathlib import Path

from strict_server import Answer, Description, StrictServer

HERE = Path(__file__).parent
PROJECT = "42"
DESCRIPTION = Description(json.loads((HERE / "gitlab-api.json").read_text()))
BOT, PERSON = 11, 12


class GitlabStandIn(StrictServer):
    """A server with one project. `notes` has the notes of its merge requests by iid."""

    description = DESCRIPTION

    def __init__(self):
        super().__init__()
        self.notes = {7: []}
        self.tokens = {"writes": (BOT, True), "reads": (13, False)}
        self._next = 1000

    @property
    def url(self):
        return f"{self.origin}/api/v4"

    def add(self, body, *, by=PERSON, number=7, system=False):
        """Add a note of any author."""
        with self.lock:
            self._next += 1
            note = {"id": self._next, "body": body, "by": by, "system": system}
            self.notes[number].append(note)
            return note

    def pop(self, number=7):
        """Remove the last note and return it."""
        return self.notes[number].pop()

    def rewrite(self, body, number=7):
        """Replace the text of the first note."""
        self.notes[number][0]["body"] = body

    def bodies(self, number=7):
        return [note["body"] for note in self.notes[number]]

    def handle(self, path, request):  # noqa: PLR0911 -- an answer each
        token = request.headers.get("private-token")
        if token not in self.tokens:
            return Answer(status=401, body={"message": "401 Unauthorized"})
        viewer, writes = self.tokens[token]
        if path.endswith("/user"):
            return Answer(status=200, body=self._user(viewer))
        number = int(request.values["noteable_id"])
        if request.values["id"] != PROJECT or number not in self.notes:
            return Answer(status=404, body={"message": "404 Not found"})
        if request.method != "GET" and not writes:
            return Answer(status=403, body={"message": "403 Forbidden"})
        if "note_id" in request.values:
            return self._single(request, number)
        if request.method == "POST":
            return Answer(
                status=201,
                body=self._shown(self.add(request.body["body"], by=viewer, number=number), number),
            )
        return self._page(request, number)

    def _page(self, request, number):
        size, page = int(request.query.get("per_page", 20)), int(request.query.get("page", 1))
        there = (
            self.notes[number] if request.query.get("sort") == "asc" else self.notes[number][::-1]
        )
        shown = [self._shown(note, number) for note in there[(page - 1) * size : page * size]]
        following = str(page + 1) if len(there) > page * size else ""
        headers = {
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Next-Page": following,
            "X-Total": str(len(there)),
        }
        return Answer(status=200, body=shown, headers=headers)

    def _single(self, request, number):
        found = next(
            (note for note in self.notes[number] if note["id"] == int(request.values["note_id"])),
            None,
        )
        if found is None:
            return Answer(status=404, body={"message": "404 Note Not Found"})
        if request.method == "DELETE":
            self.notes[number].remove(found)
            return Answer(status=204)
        if request.method == "PUT":
            found["body"] = request.body["body"]
        return Answer(status=200, body=self._shown(found, number))

    def _shown(self, note, number):
        return {
            "id": note["id"],
            "type": None,
            "body": note["body"],
            "author": self._user(note["by"]),
            "created_at": "2026-11-23T00:00:00.000Z",
            "updated_at": "2026-11-23T00:00:00.000Z",
            "system": note["system"],
            "noteable_id": 1,
            "noteable_type": "MergeRequest",
            "noteable_iid": number,
            "project_id": int(PROJECT),
            "resolvable": False,
            "internal": False,
        }

    def _user(self, identity):
        name = f"user{identity}"
        return {
            "id": identity,
            "username": name,
            "name": name,
            "state": "active",
            "web_url": f"{self.origin}/{name}",
        }
