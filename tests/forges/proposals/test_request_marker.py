"""Tests of the names by which a run finds its requests, branches and commits again."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.forges.proposals.marker import (
    RequestMarker,
    blob_id,
    branch_names,
    claimed_content,
    commit_message,
    content_hash,
    read_request_marker,
    without_marker,
)
from checker.model.rotation import SERIES, Phase

TEXTS = st.text(max_size=30)
MARKERS = st.builds(
    RequestMarker,
    key=TEXTS,
    phase=st.sampled_from(SERIES),
    certificates=st.lists(TEXTS, max_size=3).map(tuple),
    roots=st.lists(TEXTS, max_size=3).map(tuple),
    closed=st.none() | TEXTS,
    dressed=st.booleans(),
)


@given(MARKERS, TEXTS)
def test_a_marker_is_read_back_from_any_text(marker, text):
    """A marker is read back from any text, no value ends its HTML comment early, and it can be
    removed from the text.
    """
    body = f"{text}\n\n{marker.line}"
    assert read_request_marker(body) == marker
    assert read_request_marker(body.replace("\n", "\r\n") + "\r\n") == marker
    assert marker.line.count("-->") == 1
    assert marker.line not in without_marker(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text alone",
        "<!-- tfcert propose {} -->",
        "<!-- tfcert propose [] -->",
        '<!-- tfcert propose {"key": 1, "phase": "retire", "certificates": [], "roots": [], "closed": null, "dressed": true} -->',
        '<!-- tfcert propose {"key": "k", "phase": "other", "certificates": [], "roots": [], "closed": null, "dressed": true} -->',
        '<!-- tfcert propose {"key": "k", "phase": "retire", "certificates": 5, "roots": [], "closed": null, "dressed": true} -->',
        '<!-- tfcert propose {"key": "k", "phase": "retire", "certificates": [], "roots": [], "closed": 5, "dressed": true} -->',
        '<!-- tfcert propose {"key": "k", "phase": "retire", "certificates": [], "roots": [], "closed": null, "dressed": 1} -->',
    ],
)
def test_another_text_has_no_marker(body):
    """A text with wrong types, an unknown phase or invalid JSON has no marker."""
    assert read_request_marker(body) is None


def test_a_marker_above_other_text_does_not_count():
    """A marker counts only as the last line, so a quoted one does not."""
    marker = RequestMarker(key="k", phase=Phase.RETIRE, certificates=("a/b",), roots=())
    assert read_request_marker(f"{marker.line}\nand a comment") is None


def test_the_region_is_in_a_branch_only_where_ids_collide():
    """A branch name contains the region only if two certificates have the same id."""
    assert branch_names(["us-east-1/abc", "us-east-1/def"], Phase.INTRODUCE) == {
        "us-east-1/abc": "tfcert/abc/introduce",
        "us-east-1/def": "tfcert/def/introduce",
    }
    assert branch_names(["us-east-1/abc", "eu-west-1/abc"], Phase.RETIRE) == {
        "us-east-1/abc": "tfcert/us-east-1-abc/retire",
        "eu-west-1/abc": "tfcert/eu-west-1-abc/retire",
    }


@pytest.mark.parametrize("name", ["..", "a.lock", "-x", "a b~^:?*[\\", "é", "@{"])
def test_every_branch_is_one_for_git(name):
    """git accepts the branch name for any id in a state."""
    (branch,) = branch_names([f"us-east-1/{name}"], Phase.REPOINT).values()
    subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], check=True, timeout=30)


def test_the_name_of_a_content_is_git_s():
    """The name of a content equals that of `git hash-object`."""
    data = b"resource \xff\r\n"
    done = subprocess.run(
        ["git", "hash-object", "--stdin"], input=data, capture_output=True, check=True, timeout=30
    )
    assert blob_id(data, like="0" * 40) == done.stdout.decode().strip()
    assert len(blob_id(data, like="0" * 64)) == 64


def test_a_trailer_is_read_at_the_end_alone():
    """A trailer counts only at the end of a commit message, and its hash depends on the paths and
    contents.
    """
    content = content_hash({"main.tf": "0" * 40})
    message = commit_message(
        "title", "text", phase=Phase.RETIRE, certificates=("a/b",), content=content
    )
    assert claimed_content(message) == content
    assert claimed_content(f"{message}\n") == content
    assert claimed_content(f"{message}\n\nreview fixes") is None
    assert claimed_content("title") is None
    assert content_hash({"main.tf": "0" * 39 + "1"}) != content
    assert content_hash({"other.tf": "0" * 40}) != content
