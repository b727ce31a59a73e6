"""JSON Lines: what JSON has, one object a line, with owner, account and region."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
from states import AS_OF, owned

SCHEMA = json.loads(
    (
        Path(__file__).resolve().parents[2] / "checker/reports/schemas/lines-v1.schema.json"
    ).read_text(encoding="utf-8")
)


@pytest.fixture
def fleet(tmp_path):
    """Write a fleet with owners."""
    return owned(tmp_path)


def check(tfcert, fleet, form):
    """Check the fleet; return what is printed."""
    done = tfcert(
        "check", "--states", "fleet", "--offline", "--as-of", AS_OF, "--format", form, cwd=fleet
    )
    assert done.returncode == 1, done.stderr
    return done.stdout.decode()


def lines(tfcert, fleet):
    """Return the lines of the JSON Lines, each valid."""
    found = [json.loads(line) for line in check(tfcert, fleet, "jsonl").splitlines()]
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for each in found:
        validator.validate(each)
    return found


def test_json_lines_have_what_json_has(tfcert, fleet):
    """The same certificates, stages and findings, with owner, account and region; the end counts."""
    whole = json.loads(check(tfcert, fleet, "json"))
    found = lines(tfcert, fleet)
    assert found[0]["type"] == "run"
    assert (found[0]["states_read"], found[0]["verdict"]) == (5, whole["verdict"])
    assert found[-1] == {"type": "end", "lines": len(found)}
    for kind, group in (
        ("certificate", "certificates"), ("stage", "stages"), ("finding", "findings"),
        ("source", "sources"), ("rotation", "rotations"),
    ):  # fmt: skip
        mine = [each for each in found if each["type"] == kind]
        plain = [{key: each[key] for key in whole[group][0]} for each in mine]
        assert sorted(map(json.dumps, plain)) == sorted(
            json.dumps({key: each[key] for key in whole[group][0]}) for each in whole[group]
        )
    findings = [each for each in found if each["type"] == "finding"]
    assert [(each["owner"], each["account"], each["region"]) for each in findings] == [
        ("pay", "111111111111", "eu-west-1"),
        ("pay", "111111111111", "eu-west-1"),
        ("web", "222222222222", "eu-west-1"),
        ("web", "222222222222", "eu-west-1"),
        (None, None, None),
    ]
    owners = {each["source"]: each["owner"] for each in found if each["type"] == "certificate"}
    assert owners["fleet/prod/web/c.tfstate"] == "web"
    assert "secret" not in json.dumps(found)


def test_json_lines_come_in_order(tfcert, fleet):
    """The certificates and stages of a source follow it, and nothing else comes between."""
    order = ("run", "source", "finding", "rotation", "notice", "end")
    kinds = [
        "source" if each["type"] in {"certificate", "stage"} else each["type"]
        for each in lines(tfcert, fleet)
    ]
    assert all(order.index(one) <= order.index(two) for one, two in pairwise(kinds))
