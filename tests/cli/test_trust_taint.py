"""No byte of a trust store or secret reaches a report, a patch, a cache or a temporary file: only fingerprints do."""

from __future__ import annotations

import base64
import gzip
import json
import time

import pytest
from trust_root import AT, MARK, C, S, issue_pems, lay

from checker.fleet.versions import SETTLED
from checker.reports import FORMATS

KEY = f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"
OLD = f"{C}.old.pem_encoded_certificate"
NEW = f"{C}.new.pem_encoded_certificate"
BOTH = f'join("\\n", [{OLD}, {NEW}])'
PROVIDER = "registry.terraform.io/hashicorp/aws"
TEXT = f"""
resource "aws_ssm_parameter" "trust" {{
  name  = "trust"
  value = {BOTH}
}}

resource "aws_launch_template" "trust" {{
  user_data = base64gzip({BOTH})
}}

resource "kubernetes_secret" "trust" {{
  for_each = toset([{OLD}, {NEW}])
  data     = {{ ca = each.value, password = "p" }}
}}
"""
ARN = "arn:aws:execute-api:us-east-1:111111111111:api1/prod"


@pytest.fixture(scope="module")
def pems():
    return issue_pems()


def values(pems):
    """The recorded values of each consumer: PEMs among secrets, as text, gzip and keys of instances."""
    text = f"{KEY}{pems['old']}\n# {MARK}\n"
    packed = base64.b64encode(gzip.compress(text.encode())).decode()
    return [
        ("aws_ssm_parameter", None, {"name": "trust", "value": text}),
        ("aws_launch_template", None, {"user_data": packed}),
        ("kubernetes_secret", pems["old"], {"data": {"ca": pems["old"], "password": MARK}}),
        ("kubernetes_secret", pems["new"], {"data": {"ca": pems["new"], "password": MARK}}),
    ]


def into_state(root, pems):
    """Add the consumers to a raw state."""
    state = json.loads((root / "state.json").read_text())
    for each in state["resources"]:
        if each["type"] == S:
            each["instances"][0]["attributes"]["execution_arn"] = ARN
    state["outputs"] = {"secret": {"value": MARK, "type": "string", "sensitive": True}}
    for kind, key, attributes in values(pems):
        found = next((each for each in state["resources"] if each["type"] == kind), None)
        if found is None:
            found = {
                "mode": "managed",
                "type": kind,
                "name": "trust",
                "provider": f'provider["{PROVIDER}"]',
                "instances": [],
            }
            state["resources"].append(found)
        found["instances"].append({
            "schema_version": 0,
            "attributes": attributes,
            "sensitive_attributes": [[{"type": "get_attr", "value": "value"}]],
        } | ({"index_key": key} if key is not None else {}))  # fmt: skip
    (root / "state.json").write_text(json.dumps(state))


def as_plan(root, pems):
    """Write plan.json: the state as `prior_state`, and a plan that changes one consumer and leaves the others."""

    def entry(kind, name, key, shown):
        index = f"[{json.dumps(key)}]" if key is not None else ""
        sensitive = {"value": True, "data": True}
        return {
            "address": f"{kind}.{name}{index}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider_name": PROVIDER,
            "schema_version": 0,
            "values": shown,
            "sensitive_values": {each: True for each in sensitive if each in shown},
        } | ({"index": key} if key is not None else {})

    certificates = [
        (C, name, None, {"id": f"{name}000", "pem_encoded_certificate": pem})
        for name, pem in pems.items()
    ]
    stage = {
        "rest_api_id": "api1",
        "stage_name": "prod",
        "client_certificate_id": "old000",
        "execution_arn": ARN,
    }
    found = [
        *certificates,
        (S, "prod", None, stage),
        *((kind, "trust", key, shown) for kind, key, shown in values(pems)),
    ]
    prior = [entry(*each) for each in found]
    changes = [
        {
            name: each[name]
            for name in ("address", "mode", "type", "name", "provider_name", "index")
            if name in each
        }
        | {
            "change": {
                "actions": ["update"] if each["type"] == "aws_ssm_parameter" else ["no-op"],
                "before": each["values"],
                "after": each["values"] | {"description": MARK},
                "after_unknown": {},
                "before_sensitive": each["sensitive_values"],
                "after_sensitive": each["sensitive_values"],
            }
        }
        for each in prior
    ]
    tree = {"root_module": {"resources": prior}}
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "variables": {"secret": {"value": MARK}},
        "planned_values": {"outputs": {"s": {"sensitive": True, "value": MARK}}, **tree},
        "resource_changes": changes,
        "output_changes": {"s": {"actions": ["no-op"], "before": MARK, "after": MARK}},
        "prior_state": {"format_version": "1.0", "terraform_version": "1.11.4", "values": tree},
        "configuration": {"root_module": {}},
        "complete": True,
        "errored": False,
    }
    (root / "plan.json").write_text(json.dumps(plan))


@pytest.fixture
def root(tmp_path, pems):
    """Return a root module in the middle of a rotation, as state and plan."""
    folder = tmp_path / "root"
    folder.mkdir()
    lay(folder, pems)
    (folder / "main.tf").write_text((folder / "main.tf").read_text() + TEXT)
    into_state(folder, pems)
    as_plan(folder, pems)
    return folder


def run(tfcert, folder, out, *arguments):
    """Run tfcert with every format to a file; no temporary file of it lies elsewhere."""
    home = out / "home"
    home.mkdir(parents=True)
    formats = [
        option
        for name in (FORMATS if arguments[0] == "check" else ())
        for option in ("--format", f"{name}={out / name}")
    ]
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(home))
    done = tfcert(*arguments, *formats, cwd=folder, environment=places)
    assert done.returncode in {0, 1, 3}, done.stderr
    return done


def assert_untainted(done, out, pems):
    """Only fingerprints reach what was printed and written."""
    lines = {line.encode() for pem in pems.values() for line in pem.splitlines()[1:-1]}
    written = [path for path in out.rglob("*") if path.is_file()]
    for name, data in [
        ("stdout", done.stdout),
        ("stderr", done.stderr),
        *((path, path.read_bytes()) for path in written),
    ]:
        assert MARK.encode() not in data, name
        assert not [line for line in lines if line in data], name
        assert b"-----BEGIN" not in data, name
    return written


@pytest.mark.parametrize(
    "source", [("state.json",), ("plan.json",), ("plan.json", "--expect", "introduce")]
)
def test_no_report_has_a_byte_of_a_recorded_value(tfcert, root, pems, tmp_path, source):
    """State, and a plan with prior state and sensitive values, in every format."""
    done = run(tfcert, root, tmp_path / "out", "check", *source, *AT[1:])
    assert_untainted(done, tmp_path / "out", pems)
    document = json.loads((tmp_path / "out/json").read_text())
    (rotation,) = document["rotations"]
    found = {each["backend"]: each for each in rotation["trust"]}
    for name in ("aws_ssm_parameter.trust", "aws_launch_template.trust"):
        assert found[name]["status"] == "refused", "it was read, and lacks the successor"
        assert len(found[name]["fingerprints"]) == 1
    keyed = [name for name in found if name is not None and name.startswith("kubernetes")]
    assert len(keyed) == 2
    idle = {each["address"] for each in document["findings"] if "not-updated" in each["rule"]}
    assert not idle or "aws_launch_template.trust" in idle
    assert ("--expect" in source) == bool(idle)


@pytest.mark.parametrize("source", ["state.json", "plan.json"])
def test_no_patch_or_runbook_has_one(tfcert, root, pems, tmp_path, source):
    """Neither the patches nor the runbook of a preview."""
    out = tmp_path / "out"
    done = run(
        tfcert, root, out, "patch", source, *AT[1:], "--config", ".",
        "--phase", "repoint", "--out", out / "patches",
    )  # fmt: skip
    written = assert_untainted(done, out, pems)
    assert any(path.name == "RUNBOOK.md" for path in written)


def test_the_states_of_a_fleet_and_its_cache_have_none(tfcert, root, pems, tmp_path):
    """`--states` reads the same states, and keeps what it read in a cache."""
    states = tmp_path / "states"
    states.mkdir()
    for number in range(3):
        (states / f"{number}.tfstate").write_bytes((root / "state.json").read_bytes())
    # What was written a moment ago is not kept.
    time.sleep(SETTLED + 0.1)
    out, cache = tmp_path / "out", tmp_path / "cache"
    for number in range(2):
        again = out / str(number)
        done = run(tfcert, root, again, "check", "--states", states, *AT[1:], "--cache", cache)
        assert_untainted(done, again, pems)
    kept = [path.read_bytes() for path in cache.rglob("*") if path.is_file()]
    assert kept
    for data in kept:
        assert MARK.encode() not in data
        # It has the public PEM of client certificates, and no value or key of another resource.
        assert b"PRIVATE" not in data
        assert b"kubernetes" not in data
