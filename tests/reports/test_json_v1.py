"""The JSON format, version 1: its exact fields, and equal bytes for equal input."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace
from world import BASE, CERTIFICATE, NOW, STAGE, days, world

from checker.analysis.cases import build_cases
from checker.model.finding import SuppressedBy, Suppression
from checker.model.inventory import Inventory
from checker.model.location import Location
from checker.model.observation import Observations
from checker.model.outcome import Outcome
from checker.model.policy import Policy
from checker.reports import FORMATS
from checker.reports.json_v1 import instant
from checker.rotation.planner import plan_rotations
from checker.rules import judge

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "checker/reports/schemas/outcome-v1.schema.json").read_bytes()
)
ADDRESS = f"{CERTIFICATE}.orders"


def document_of(outcome) -> dict:
    return json.loads(FORMATS["json"].render(outcome))


def test_the_document_has_the_fields_of_the_design_and_no_others(tmp_path):
    """The document of a due certificate has exactly these fields."""
    found = document_of(world(tmp_path, {"main.tf": BASE}).judge(offline=True))
    assert found == {
        "schema": "tfcert.outcome/v1",
        "as_of": "2026-11-23T00:00:00Z",
        "verdict": "findings",
        "exit_code": 1,
        "offline": True,
        "sources": [
            {"path": "state.json", "kind": "state", "tool_version": None, "format_version": None}
        ],
        "policy": {"name": "default", "threshold_days": 30, "notice_days": 60},
        "summary": {
            "stages": 1,
            "certificates": 1,
            "error": 1,
            "warning": 0,
            "note": 0,
            "suppressed": 0,
            "unverified": 0,
        },
        "certificates": [
            {
                "address": ADDRESS,
                "id": "old000",
                "account": "123456789012",
                "region": "us-east-1",
                "expires_at": "2026-12-05T00:00:00Z",
                "days_left": 12,
                "evidence": "recorded",
                "sha256_fingerprint": None,
                "presented_by": [f"{STAGE}.prod"],
                "managed": True,
                "source": "state.json",
            }
        ],
        "stages": [
            {
                "address": f"{STAGE}.prod",
                "kind": "rest",
                "api_id": "api1",
                "name": f"{STAGE}.prod",
                "account": "123456789012",
                "region": "us-east-1",
                "certificate_id": "old000",
                "certificate_address": ADDRESS,
                "managed": True,
                "source": "state.json",
            }
        ],
        "findings": [
            {
                "rule": "certificate-expiring",
                "severity": "error",
                "address": ADDRESS,
                "certificate_id": "old000",
                "days_left": 12,
                "message": f"certificate old000 ends on 2026-12-05, in 12 days, and is presented by {STAGE}.prod",
                "remedy": "run `tfcert patch`; introduce its successor by 2026-11-25, repoint by 2026-11-28",
                "location": {"file": "main.tf", "line": 1},
                "suppression": None,
                "source": "state.json",
            }
        ],
        "rotations": [
            {
                "predecessor": ADDRESS,
                "successor": f"{ADDRESS}_202611",
                "phase": "introduce",
                "reason": None,
                "introduce_by": "2026-11-25T00:00:00Z",
                "repoint_by": "2026-11-28T00:00:00Z",
                "stages": [f"{STAGE}.prod"],
            }
        ],
        "notices": [],
        "patches": [],
        "by_hand": [],
    }


def test_a_suppressed_finding_stays_marked_and_does_not_count(tmp_path):
    """A suppressed finding has its exemption's reason, date, owner and location, and does not
    count.
    """
    judged = world(tmp_path, {"main.tf": BASE}).judge(offline=True)
    (finding,) = judged.findings
    exemption = Suppression(
        kind=SuppressedBy.COMMENT,
        reason="moved in December",
        until=date(2026, 12, 4),
        owner="orders",
        location=Location("main.tf", 1),
    )
    suppressed = replace(judged, findings=(replace(finding, suppression=exemption),))
    found = document_of(suppressed)
    jsonschema.validate(found, SCHEMA)
    assert found["findings"][0]["suppression"] == {
        "kind": "inSource",
        "reason": "moved in December",
        "until": "2026-12-04",
        "owner": "orders",
        "location": {"file": "main.tf", "line": 1},
    }
    assert (found["verdict"], found["summary"]["suppressed"], found["summary"]["error"]) == (
        "clean",
        1,
        0,
    )
    assert (judged.exit_code, suppressed.exit_code) == (1, 0)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_same_input_gives_the_same_bytes_in_whatever_order_it_was_read(name, tmp_path):
    """Each format gives the same bytes, whatever the order of the input."""
    blocks = [f"c{number}" for number in range(6)]
    text = "".join(
        f'resource "{CERTIFICATE}" "{b}" {{\n}}\nresource "{STAGE}" "{b}" {{\n  client_certificate_id = {CERTIFICATE}.{b}.id\n}}\n'
        for b in blocks
    )
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={f"{CERTIFICATE}.{b}": b for b in blocks},
        stages={f"{STAGE}.{b}": b for b in blocks},
        ends={b: days(number // 2 * 20) for number, b in enumerate(blocks)},
    )
    (document,) = home.inventory().documents
    texts = set()
    for seed in range(4):
        order = random.Random(seed)
        shuffled = replace(
            document,
            certificates=tuple(order.sample(document.certificates, 6)),
            stages=tuple(order.sample(document.stages, 6)),
        )
        cases = build_cases(
            Inventory(documents=(shuffled,)), Observations(asked=False), as_of=NOW, policy=Policy()
        )
        texts.add(
            FORMATS[name].render(
                Outcome(cases=cases, findings=judge(cases), rotations=plan_rotations(cases))
            )
        )
    assert len(texts) == 1
    if name == "json":
        found = json.loads(texts.pop())["findings"]
        keys = [
            (["error", "warning", "note"].index(f["severity"]), f["days_left"], f["address"])
            for f in found
        ]
        assert keys == sorted(keys)


def test_a_stage_s_certificate_is_the_one_of_its_own_region(tmp_path):
    """A stage's certificate is looked up in the stage's region."""
    judged = world(tmp_path, {"main.tf": BASE}).judge(offline=True)
    (part,) = judged.cases.documents
    (stage,) = part.document.stages
    west = replace(stage, place=replace(stage.place, region="us-west-2"))
    inventory = Inventory(documents=(replace(part.document, stages=(west,)),))
    cases = build_cases(inventory, Observations(asked=False), as_of=NOW, policy=Policy())
    found = document_of(Outcome(cases=cases, findings=judge(cases), rotations=()))
    assert [
        (one["region"], one["certificate_id"], one["certificate_address"])
        for one in found["stages"]
    ] == [("us-west-2", "old000", None)]
    assert {
        (one["region"], one["address"], len(one["presented_by"])) for one in found["certificates"]
    } == {
        ("us-east-1", ADDRESS, 0),
        ("us-west-2", None, 1),
    }


def test_a_moment_is_given_in_utc_to_the_second():
    """A moment is written as RFC 3339 in UTC to the second; an unknown one is null."""
    from datetime import datetime, timedelta, timezone

    assert (
        instant(datetime(2026, 1, 1, 1, 30, 0, 999, tzinfo=timezone(timedelta(hours=2))))
        == "2025-12-31T23:30:00Z"
    )
    assert instant(None) is None


@pytest.mark.parametrize(
    ("text", "phase"), [(BASE + f'output "a" {{\n  value = {ADDRESS}\n}}\n', "blocked")]
)
def test_a_blocked_rotation_gives_its_reason_and_its_remedy(text, phase, tmp_path):
    """The `reason` of a blocked rotation has the reason and the remedy."""
    (rotation,) = document_of(world(tmp_path, {"main.tf": text}).judge())["rotations"]
    assert rotation["phase"] == phase
    assert "takes the whole certificate" in rotation["reason"]
    assert "write the attribute" in rotation["reason"]
