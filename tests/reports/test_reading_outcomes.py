"""Tests of reading an outcome that another program hands to `tfcert comment`."""

from __future__ import annotations

import json

import pytest
from documents import certificate, due, finding, hand_rotation, outcome, rotation

from checker.errors import UnreadableError
from checker.reports.json_v1_read import read_document

NO_INSTANTS = ["soon", "2026-11-25T{2:47:41Z", "2026-11-25T00:00:00", "0001-01-01T00:00:00+14:00"]
LATE = {"ends": "2026-12-05T00:00:00Z", "window_ends": None, "introduced": True}


def document(path, text):  # noqa: PLR0911 -- one line per path
    """Return an outcome with a text where the instant of a JSON path is."""
    match path:
        case "$.as_of":
            return due(as_of=text)
        case "$.change.made_at":
            return due(change={"made_at": text})
        case "$.change.old_ends":
            return due(change={"old_ends": text})
        case "$.certificates[0].expires_at":
            return outcome(certificates=[certificate(expires_at=text)])
        case "$.findings[1].not_before":
            return outcome(findings=[finding(), finding(not_before=text)])
        case "$.rotations[0].introduce_by":
            return outcome(rotations=[rotation(introduce_by=text)])
        case "$.rotations[0].repoint_by":
            return outcome(rotations=[rotation(repoint_by=text)])
        case "$.rotations[0].late.ends":
            return outcome(rotations=[rotation(late={**LATE, "ends": text})])
        case "$.rotations[0].late.window_ends":
            return outcome(rotations=[rotation(late={**LATE, "window_ends": text})])
        case _:
            return outcome(by_hand=[hand_rotation(expires_at=text)])


PATHS = [
    "$.as_of",
    "$.change.made_at",
    "$.change.old_ends",
    "$.certificates[0].expires_at",
    "$.findings[1].not_before",
    "$.rotations[0].introduce_by",
    "$.rotations[0].repoint_by",
    "$.rotations[0].late.ends",
    "$.rotations[0].late.window_ends",
    "$.by_hand[0].expires_at",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_text_that_is_no_instant_is_refused_with_its_path(path):
    """Each instant has a time zone and a year in UTC; the error names the path of one that has
    not.
    """
    good = document(path, "2026-11-23T00:00:00Z")
    assert read_document("a.json", json.dumps(good).encode())["as_of"] == good["as_of"]
    for text in NO_INSTANTS:
        with pytest.raises(UnreadableError) as caught:
            read_document("a.json", json.dumps(document(path, text)).encode())
        assert str(caught.value).startswith("a.json: not as tfcert.outcome/v1 has it: no instant")
        assert f"at `{path}`" in caught.value.message


@pytest.mark.parametrize("text", [b"\xff", b"\\ud800", b"\\x"])
@pytest.mark.parametrize("where", [b"plan.json", b"certificate-expiring"])
def test_a_text_that_is_not_unicode_is_refused(text, where):
    """An outcome with a text that is not Unicode is refused, wherever the text is."""
    data = json.dumps(due()).encode()
    assert where in data
    with pytest.raises(UnreadableError, match="not the outcome of a check"):
        read_document("a.json", data.replace(where, text, 1))


def test_the_command_names_the_wrong_instant(tfcert, tmp_path):
    """`tfcert comment` ends with exit code 2 and one line, without a traceback."""
    text = "2026-11-25T{2:47:41Z"
    (tmp_path / "a.json").write_text(
        json.dumps(outcome(rotations=[rotation(introduce_by=text)])), encoding="utf-8"
    )
    done = tfcert(
        *("comment", "github", "a.json", "--dry-run", "--repository", "a/b", "--number", "7")
    )
    assert done.returncode == 2
    assert b"no instant - at `$.rotations[0].introduce_by`" in done.stderr
    assert b"Traceback" not in done.stderr
