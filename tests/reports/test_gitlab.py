"""GitLab's Code Quality report, with exactly the fields that GitLab documents."""

from __future__ import annotations

import json

import jsonschema
from msgspec.structs import replace
from outcomes import due, many, mixed

from checker.git import Checkout
from checker.reports import FORMATS

# Source: GitLab, "Code Quality", the table of fields of the report format.
DOCUMENTED = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/|\.\.)."},
                    "lines": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def issues(outcome) -> list[dict]:
    """Return the report; check it against GitLab's documentation and for distinct fingerprints."""
    text = FORMATS["gitlab"].render(outcome)
    assert not text.startswith("\ufeff")
    found = json.loads(text)
    jsonschema.validate(found, DOCUMENTED)
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return found


def test_an_issue_has_its_file_line_rule_and_remedy(tmp_path):
    """An issue has its rule, remedy and line, and its path from the repository's root."""
    (issue,) = issues(replace(due(tmp_path), checkout=Checkout(root="/repo", folder="infra")))
    assert (issue["check_name"], issue["severity"]) == ("certificate-expiring", "critical")
    assert issue["location"] == {"path": "infra/main.tf", "lines": {"begin": 1}}
    assert "in 12 days" in issue["description"]
    assert "tfcert patch" in issue["description"]


def test_severities_and_suppressions(tmp_path):
    """Warnings are major; notes and suppressed findings are info, the latter with the reason."""
    found = {issue["check_name"]: issue for issue in issues(mixed(tmp_path))}
    assert {name: issue["severity"] for name, issue in found.items()} == {
        "certificate-expiring": "critical",
        "certificate-gone": "info",
        "stage-detached": "info",
        "rotation-premature": "major",
        "certificate-unverified": "major",
        "certificate-drifted": "info",
    }
    assert found["certificate-gone"]["description"].startswith(
        "suppressed until 2026-12-31 (the backend is retired in December): "
    )


def test_many_have_fingerprints_of_their_own():
    """Hundreds of similar findings have distinct fingerprints."""
    assert len(issues(many(300))) > 100
