"""Read JSON version 1 from other programs, and reject other documents.

Fields that are not listed here are ignored: later releases only add fields to version 1. The schema
is `schemas/outcome-v1.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from checker.errors import UnreadableError
from checker.reports.json_v1 import SCHEMA
from checker.reports.presenting import Searched

_REMEDY = "write it with `tfcert check --format json --patches` of this version"


class JsonSource(TypedDict):
    """A document that the check read."""

    path: str
    kind: str


class Summary(TypedDict):
    """The number of findings by severity; suppressed findings count in `suppressed` only."""

    stages: int
    certificates: int
    error: int
    warning: int
    note: int
    suppressed: int
    unverified: int


class JsonCertificate(TypedDict):
    """A certificate.

    `days_left` is negative after its end. `searched` is the place that was searched for stages in
    vain.
    """

    address: str | None
    id: str | None
    account: str | None
    region: str | None
    expires_at: str | None
    days_left: int | None
    evidence: Literal["observed", "recorded", "gone", "unanswered", "unknown"]
    presented_by: list[str]
    searched: NotRequired[Searched]
    managed: NotRequired[bool | None]
    source: str


class JsonStage(TypedDict):
    """A stage; only its source is used here."""

    source: str


class JsonLocation(TypedDict):
    """A file and a line, counted from 1."""

    file: str
    line: int


class JsonSuppression(TypedDict):
    """The reason of a suppression, and its last day."""

    reason: str
    until: str


class JsonFinding(TypedDict):
    """A finding of a rule."""

    rule: str
    severity: Literal["error", "warning", "note"]
    address: str | None
    certificate_id: NotRequired[str | None]
    days_left: NotRequired[int | None]
    message: str
    remedy: str
    location: JsonLocation | None
    suppression: JsonSuppression | None
    source: str | None
    not_before: NotRequired[str | None]


class JsonLate(TypedDict):
    """A rotation without enough time for its trust window.

    `window_ends` is null if the successor's age is not known.
    """

    ends: str
    window_ends: str | None
    introduced: bool


class JsonTrust(TypedDict):
    """Whether one backend trusts the successor; `backend` is null if none is declared."""

    backend: str | None
    stages: list[str]
    status: Literal["confirmed", "refused", "not confirmed"]
    reason: str
    source: str | None


class JsonRotation(TypedDict):
    """A rotation and its next step."""

    predecessor: str
    successor: str | None
    phase: Literal["introduce", "repoint", "retire", "waiting", "blocked", "done"]
    reason: str | None
    introduce_by: str | None
    introduced: NotRequired[bool]
    late: NotRequired[JsonLate | None]
    trust: NotRequired[list[JsonTrust]]
    repoint_by: str | None
    stages: list[str]


class JsonPatch(TypedDict):
    """One phase as text that `git apply` takes."""

    phase: Literal["introduce", "repoint", "retire", "rollback"]
    file: str
    diff: str
    rotations: list[str]
    unmet: list[str]


class JsonManualStep(TypedDict):
    """A step of a manual rotation: shell commands, and the conditions of the next step."""

    does: str
    commands: list[str]
    then: str | None


class JsonManualRotation(TypedDict):
    """A rotation that no patch can write."""

    certificate_id: str
    account: str | None
    region: str | None
    expires_at: str | None
    steps: list[JsonManualStep]


class JsonPolicy(TypedDict):
    """The policy; `applies` is left out where somebody applies changes after the review."""

    applies: NotRequired[Literal["on-merge"]]


class JsonChange(TypedDict):
    """What the plans of an outcome do to certificates and stages; zeros are left out."""

    created: NotRequired[int]
    replaced: NotRequired[int]
    deleted: NotRequired[int]
    forgotten: NotRequired[int]
    moved: NotRequired[int]
    given: NotRequired[int]
    detached: NotRequired[int]
    removed: NotRequired[int]
    made_at: NotRequired[str]
    old_ends: NotRequired[str]
    unclear: NotRequired[bool]


class JsonDocument(TypedDict):
    """The outcome of one check.

    `folder` is the path from the repository's root to the folder of the run; it is left out if that
    is the root. `change` is left out if no plan was read.
    """

    schema: str
    as_of: str
    verdict: Literal["clean", "findings", "inconclusive"]
    exit_code: NotRequired[int]
    offline: bool
    folder: NotRequired[str]
    policy: NotRequired[JsonPolicy]
    change: NotRequired[JsonChange]
    sources: list[JsonSource]
    summary: Summary
    certificates: list[JsonCertificate]
    stages: list[JsonStage]
    findings: list[JsonFinding]
    rotations: list[JsonRotation]
    notices: NotRequired[list[str]]
    patches: NotRequired[list[JsonPatch]]
    by_hand: NotRequired[list[JsonManualRotation]]


def read_document(name: str, data: bytes) -> JsonDocument:
    """Read an outcome.

    Raises UnreadableError with the actual kind of the document, or with the path of the invalid
    value.
    """
    import msgspec

    try:
        version = msgspec.json.decode(data, type=_Version)["schema"]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError("not the outcome of a check", where=name, remedy=_REMEDY) from error
    if version != SCHEMA:
        raise UnreadableError(
            f"is {version!r}, and this is the tfcert that reads {SCHEMA!r}",
            where=name,
            remedy=_REMEDY,
        )
    try:
        found = msgspec.json.decode(data, type=JsonDocument)
    except msgspec.ValidationError as error:
        raise UnreadableError(
            f"not as {SCHEMA} has it: {error}", where=name, remedy=_REMEDY
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The first decoder does not check the texts that it skips.
        raise UnreadableError("not the outcome of a check", where=name, remedy=_REMEDY) from error
    wrong = next((at for at, text in _instants(found) if not _is_instant(text)), None)
    if wrong is not None:
        raise UnreadableError(
            f"not as {SCHEMA} has it: no instant - at `{wrong}`", where=name, remedy=_REMEDY
        )
    return found


def _instants(found: JsonDocument) -> Iterator[tuple[str, str]]:
    """Yield the JSON path and the text of each instant that is not null."""
    yield "$.as_of", found["as_of"]
    change = found.get("change", {})
    texts: list[tuple[str, str | None]] = [
        ("$.change.made_at", change.get("made_at")),
        ("$.change.old_ends", change.get("old_ends")),
    ]
    for at, certificate in enumerate(found["certificates"]):
        texts.append((f"$.certificates[{at}].expires_at", certificate["expires_at"]))
    for at, finding in enumerate(found["findings"]):
        texts.append((f"$.findings[{at}].not_before", finding.get("not_before")))
    for at, rotation in enumerate(found["rotations"]):
        path = f"$.rotations[{at}]"
        texts.append((f"{path}.introduce_by", rotation["introduce_by"]))
        texts.append((f"{path}.repoint_by", rotation["repoint_by"]))
        late = rotation.get("late")
        if late is not None:
            texts.append((f"{path}.late.ends", late["ends"]))
            texts.append((f"{path}.late.window_ends", late["window_ends"]))
    for at, manual in enumerate(found.get("by_hand", ())):
        texts.append((f"$.by_hand[{at}].expires_at", manual["expires_at"]))
    yield from ((at, text) for at, text in texts if text is not None)


def _is_instant(text: str) -> bool:
    """Return whether it is an instant with a time zone, whose UTC is in the years 1 to 9999."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.tzinfo is not None and moment.astimezone(UTC).tzinfo is not None
    except (ValueError, OverflowError):
        return False


class _Version(TypedDict):
    schema: str
