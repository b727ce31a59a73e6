"""The names by which a run finds its requests, branches and commits again; nothing is stored."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from checker.model.rotation import Phase

PREFIX = "tfcert/"
# A request whose change is merged or refused; the certificate lives a year.
OLDEST_DAYS = 400
_OPENS, _CLOSES = "<!-- tfcert propose ", " -->"
_NOT_IN_A_REF = re.compile(r"[^A-Za-z0-9_-]+")
_CONTENT = re.compile(r"(?m)^Tfcert-Content: ([0-9a-f]{64})\s*\Z")


class RequestMarker(Struct, frozen=True, kw_only=True):
    """The hidden last line of a request's text.

    `key` tells the requests of several jobs apart. `certificates` are REGION/ID, `roots` the
    folders of the root modules. `closed` is the reason for which tfcert closed the request; None as
    long as it did not. `dressed` is False until labels and people were added.
    """

    key: str
    phase: Phase
    certificates: tuple[str, ...]
    roots: tuple[str, ...]
    closed: str | None = None
    dressed: bool = True

    @property
    def line(self) -> str:
        """Return the marker as an HTML comment; none of its values can end it."""
        fields = {
            "key": self.key,
            "phase": str(self.phase),
            "certificates": list(self.certificates),
            "roots": list(self.roots),
            "closed": self.closed,
            "dressed": self.dressed,
        }
        text = (
            json.dumps(fields)
            .replace("--", "-\\u002d")
            .replace("<", "\\u003c")
            .replace(">", "\\u003e")
        )
        return f"{_OPENS}{text}{_CLOSES}"


def read_request_marker(body: str) -> RequestMarker | None:
    """Parse the marker in the last line of a request's text; None if there is none."""
    last = body.replace("\r\n", "\n").rstrip().rpartition("\n")[2]
    if not (last.startswith(_OPENS) and last.endswith(_CLOSES)):
        return None
    try:
        fields = json.loads(last[len(_OPENS) : -len(_CLOSES)])
        texts = [fields["key"], *fields["certificates"], *fields["roots"]]
        closed, dressed = fields["closed"], fields["dressed"]
        if not all(isinstance(text, str) for text in texts):
            return None
        if not isinstance(closed, str | None) or not isinstance(dressed, bool):
            return None
        return RequestMarker(
            key=fields["key"],
            phase=Phase(fields["phase"]),
            certificates=tuple(fields["certificates"]),
            roots=tuple(fields["roots"]),
            closed=closed,
            dressed=dressed,
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def without_marker(body: str) -> str:
    """Return the visible text of a request."""
    text = body.replace("\r\n", "\n").rstrip()
    head, _, last = text.rpartition("\n")
    return head.rstrip() if last.startswith(_OPENS) else text


def branch_names(certificates: Collection[str], phase: Phase) -> Mapping[str, str]:
    """Return the branch of each certificate, REGION/ID, in a phase.

    The region is in the name only if two of the certificates have one id. A character that a
    branch's name cannot have becomes a hyphen (git-check-ref-format(1)).
    """
    ids = [_clean(each.rpartition("/")[2]) for each in certificates]
    return {
        each: f"{PREFIX}{_clean(each.replace('/', '-')) if ids.count(name) > 1 else name}/{phase}"
        for each, name in zip(certificates, ids, strict=True)
    }


def _clean(text: str) -> str:
    return _NOT_IN_A_REF.sub("-", text)


def blob_id(data: bytes, *, like: str) -> str:
    """Return git's name of a file's content, by the hash of another object's name.

    Source: gitformat-pack(5) and git-hash-object(1); names of SHA-256 repositories have 64 digits.
    """
    head = b"blob %d\0" % len(data)
    algorithm = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return algorithm(head + data).hexdigest()


def content_hash(files: Mapping[str, str]) -> str:
    """Return the hash of files, by their blobs' names; it is in the message of each commit."""
    listed = json.dumps(sorted(files.items()))
    return hashlib.sha256(listed.encode("utf-8", "surrogatepass")).hexdigest()


def commit_message(
    title: str, text: str, *, phase: Phase, certificates: Sequence[str], content: str
) -> str:
    """Return the message of a commit: a title, a text, and our trailers."""
    return (
        f"{title}\n\n{text}\n\n"
        f"Tfcert-Proposal: {phase} {', '.join(certificates)}\n"
        f"Tfcert-Content: {content}"
    )


def claimed_content(message: str) -> str | None:
    """Return the content that the trailer of a commit claims; None for a commit without it."""
    found = _CONTENT.search(message.rstrip())
    return found[1] if found is not None else None
