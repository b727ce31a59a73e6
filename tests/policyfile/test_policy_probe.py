"""The `[probe]` table of a policy and `[scope.probe]`: how `tfcert probe` calls backends."""

from __future__ import annotations

import pytest

from checker.errors import UsageError
from checker.model.policy import ProbeSettings
from checker.policyfile.resolve import read_policy

WHOLE = b"""
[probe]
method = "GET /health"
refused_statuses = [403, 401, 403]
headers = { Authorization = "env:HEALTH_TOKEN" }
"""


def test_the_table_is_read():
    """Methods, statuses and headers are read, and a repeated status counts once."""
    assert read_policy("tfcert.toml", WHOLE).probe == ProbeSettings(
        methods=("GET /health",),
        refused_statuses=(401, 403),
        headers=(("Authorization", "HEALTH_TOKEN"),),
    )


def test_without_the_table_nothing_is_set():
    """Without the table no method, status or header is set."""
    assert read_policy("tfcert.toml", b"").probe == ProbeSettings()


def test_a_scope_replaces_what_it_sets():
    """A scope's methods and statuses replace the policy's, and its headers are added."""
    policy = read_policy(
        "tfcert.toml",
        WHOLE
        + b"""
[[scope]]
api = "orders"
[scope.probe]
method = ["HEAD /ping", "GET /ready"]
headers = { X-Probe = "env:PROBE" }

[[scope]]
stage = "live"
probe.refused_statuses = [418]
""",
    )
    assert policy.under((0,)).probe == ProbeSettings(
        methods=("HEAD /ping", "GET /ready"),
        refused_statuses=(401, 403),
        headers=(("Authorization", "HEALTH_TOKEN"), ("X-Probe", "PROBE")),
    )
    both = policy.under((0, 1)).probe
    assert both.methods == ("HEAD /ping", "GET /ready")
    assert both.refused_statuses == (418,)
    assert policy.under(()).probe == policy.probe


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('method = "/health"', "and not a method and a path"),
        ('method = "TRACE /health"', "and not a method and a path"),
        ('method = "GET health"', "and not a method and a path"),
        ("method = []", "empty array"),
        ("refused_statuses = 403", "not an array of whole numbers"),
        ("refused_statuses = []", "not an array of whole numbers"),
        ("refused_statuses = [200]", "from 400 to 599"),
        ('refused_statuses = ["403"]', "not a whole number"),
        ('headers = { Authorization = "s3cret" }', "env: and a variable's name"),
        ('headers = { "a b" = "env:X" }', "not a header's name"),
        ("", "none of method, refused_statuses, headers"),
        ('methods = "GET /"', "unknown key"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line(text, says):
    """An invalid method, status or header is an error with its line."""
    with pytest.raises(UsageError) as caught:
        read_policy("tfcert.toml", f"[probe]\n{text}\n".encode())
    assert says in str(caught.value)
    assert "tfcert.toml:" in str(caught.value)


def test_the_value_of_a_header_is_not_repeated():
    """A header value written by mistake is not printed in the error."""
    with pytest.raises(UsageError) as caught:
        read_policy("tfcert.toml", b'[probe]\nheaders.Authorization = "s3cret"\n')
    assert "s3cret" not in str(caught.value)


def test_show_prints_the_table_and_the_scopes(tfcert, tmp_path):
    """`policy show` prints the table and its scopes as a valid policy."""
    file = tmp_path / "tfcert.toml"
    file.write_bytes(WHOLE + b'[[scope]]\nstage = "live"\nprobe.method = "GET /"\n')
    shown = tfcert("policy", "show").stdout
    assert b"[probe]" in shown
    assert b'headers."Authorization" = "env:HEALTH_TOKEN"' in shown
    assert b'probe.method = "GET /"' in shown
    again = read_policy("again.toml", shown)
    held = read_policy("tfcert.toml", file.read_bytes())
    assert again.probe == held.probe
    assert again.scopes[0].probe == held.scopes[0].probe
