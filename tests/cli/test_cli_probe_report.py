"""`--probe-report`: results of an earlier probe as evidence, and refused reports."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from trust_root import AT, NOW, C, S, issue_pems, lay

from checker.model.x509 import fingerprint_of

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture(scope="module")
def pems():
    return issue_pems()


@pytest.fixture
def root(tmp_path, pems):
    """Return a rotation before repoint with an account and a region, and no declared backend."""
    lay(tmp_path, pems)
    (tmp_path / "tfcert.toml").unlink()
    state = json.loads((tmp_path / "state.json").read_text())
    stage = state["resources"][-1]["instances"][0]["attributes"]
    stage["execution_arn"] = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api1/prod"
    stage["arn"] = f"arn:aws:apigateway:{REGION}::/restapis/api1/stages/prod"
    (tmp_path / "state.json").write_text(json.dumps(state))
    return tmp_path


def moment(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def report(pems, verdict="trusts both", *, made=NOW - timedelta(minutes=5), backends=None, **more):
    """Return a report of `tfcert probe` about the root's stage."""
    one = {
        "stage": {
            "address": f"{S}.prod",
            "api_id": "api1",
            "name": "prod",
            "account": ACCOUNT,
            "region": REGION,
        },
        "backend": "https://orders.example:443",
        "vpc_link": None,
        "method": "GET /health",
        "predecessor": {"id": "old000", "sha256_fingerprint": fingerprint_of(pems["old"])},
        "successor": {"id": "new000", "sha256_fingerprint": fingerprint_of(pems["new"])},
        "answers": [],
        "verdict": verdict,
        "reason": "it says so",
        "remedy": None,
    }
    return {
        "schema": "tfcert.probe/v1",
        "made_at": moment(made),
        "exit_code": 0,
        "dry_run": False,
        "interrupted": False,
        "calls": 3,
        "backends": [one] if backends is None else backends(one),
        "not_probed": [],
        "planned": [],
        "notices": [],
        **more,
    }


def put(root, document):
    (root / "probe.json").write_text(json.dumps(document))
    return ("--probe-report", "probe.json")


def trust(done):
    assert done.returncode in {0, 1, 3}, done.stderr
    (rotation,) = json.loads(done.stdout)["rotations"]
    return rotation["trust"]


@pytest.mark.parametrize(
    ("verdict", "status", "old"),
    [
        ("trusts both", "confirmed", "confirmed"),
        ("trusts the successor only", "confirmed", "refused"),
        ("trusts the predecessor only", "refused", "confirmed"),
        ("requires no certificate", "not confirmed", "not confirmed"),
        ("unreachable", "not confirmed", "not confirmed"),
        ("unknown", "not confirmed", "not confirmed"),
    ],
)
def test_each_verdict_is_evidence(tfcert, outcome, root, pems, verdict, status, old):
    """Each verdict of the report is evidence in check, in the repoint patch and in the runbook."""
    option = put(root, report(pems, verdict))
    document, code = outcome(*AT, *option, cwd=root)
    (found,) = document["rotations"][0]["trust"]
    assert (found["status"], found["predecessor"], found["source"]) == (status, old, "probe")
    assert found["backend"] == "https://orders.example:443"
    unverified = [f for f in document["findings"] if f["rule"] == "certificate-unverified"]
    assert bool(unverified) == (status == "not confirmed")
    assert (code == 3) == (status == "not confirmed") or code == 1
    done = tfcert("patch", *AT, *option, "--phase", "all", "--out", "out", cwd=root)
    assert done.returncode in {0, 3}, done.stderr
    for name in ("2-repoint.patch", "RUNBOOK.md"):
        text = " ".join((root / "out" / name).read_text().replace("#", " ").split())
        assert f"backend https://orders.example:443 (probe): {status}" in text
    retire = (root / "out" / "RUNBOOK.md").read_text().partition("### 3. Retire")[2]
    assert "`tfcert probe` says whether each backend still accepts the old" in retire


def test_a_plan_that_repoints_to_what_was_refused_is_an_error(outcome, root, pems):
    """A plan that repoints to a refused certificate is trust-missing, by the report alone."""
    plan = plan_of(root)
    option = put(root, report(pems, "trusts the predecessor only"))
    rules = {
        found["rule"]: found
        for found in outcome(plan, *AT[1:], "--expect", "repoint", *option, cwd=root)[0]["findings"]
    }
    assert "(probe) does not trust" in rules["trust-missing"]["message"]
    option = put(root, report(pems))
    document, _ = outcome(plan, *AT[1:], "--expect", "repoint", *option, cwd=root)
    assert "trust-missing" not in {found["rule"] for found in document["findings"]}


def plan_of(root, target="new000"):
    """Write a plan that moves the stage to a certificate, with the root's state as prior state."""
    state = json.loads((root / "state.json").read_text())
    found = []
    for each in state["resources"]:
        values = each["instances"][0]["attributes"]
        found.append(
            {
                "address": f"{each['type']}.{each['name']}",
                "mode": "managed",
                "type": each["type"],
                "name": each["name"],
                "provider_name": "registry.terraform.io/hashicorp/aws",
                "schema_version": 0,
                "values": values,
            }
        )
    before = found[-1]["values"]
    after = {**before, "client_certificate_id": target}
    moved = [*found[:-1], {**found[-1], "values": after}]
    changes = [
        {
            **{key: each[key] for key in ("address", "mode", "type", "name", "provider_name")},
            "change": {
                "actions": ["update"] if each is found[-1] else ["no-op"],
                "before": each["values"],
                "after": after if each is found[-1] else each["values"],
                "after_unknown": {},
            },
        }
        for each in found
    ]
    document = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": moved}},
        "resource_changes": changes,
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": "1.11.4",
            "values": {"root_module": {"resources": found}},
        },
        "configuration": {"root_module": {}},
    }
    (root / "plan.json").write_text(json.dumps(document))
    return "plan.json"


def changed(**values):
    """Return a function that changes values of the report's backend, by paths such as
    `stage__account`.
    """

    def change(one):
        for path, text in values.items():
            *keys, last = path.split("__")
            inside = one
            for key in keys:
                inside = inside[key]
            inside[last] = text
        return [one]

    return change


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"stage__account": "999999999999"}, "account 999999999999, and the run 123456789012"),
        ({"stage__account": None}, "account unknown"),
        ({"stage__region": "eu-west-1"}, "region eu-west-1, and the run us-east-1"),
        ({"stage__api_id": "api2"}, "is in no rotation of this run"),
        ({"stage__name": "test"}, "is in no rotation of this run"),
        (
            {"predecessor__sha256_fingerprint": "0" * 64},
            "the predecessor's fingerprint 0000",
        ),
        ({"successor__sha256_fingerprint": "0" * 64}, "the successor's fingerprint 0000"),
        ({"successor__sha256_fingerprint": None}, "the successor's fingerprint unknown"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "patch"])
def test_a_report_about_something_else_is_exit_2(tfcert, root, pems, verb, values, says):
    """A report about another account, region, stage or certificate is exit code 2 and says what
    differs.
    """
    option = put(root, report(pems, backends=changed(**values)))
    done = tfcert(verb, *AT, *option, cwd=root)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode()
    assert b"probe.json" in done.stderr


def test_one_wrong_entry_of_several_is_enough(tfcert, root, pems):
    """One wrong entry makes the whole report invalid."""

    def two(one):
        return [one, *changed(stage__region="eu-west-1")(json.loads(json.dumps(one)))]

    done = tfcert("check", *AT, *put(root, report(pems, backends=two)), cwd=root)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("made", "age", "code"),
    [
        (NOW - timedelta(minutes=60), (), 0),
        (NOW - timedelta(minutes=61), (), 2),
        (NOW - timedelta(minutes=61), ("--probe-max-age", "2h"), 0),
        (NOW - timedelta(seconds=31), ("--probe-max-age", "30s"), 2),
        (NOW, (), 0),
        (NOW + timedelta(seconds=1), (), 2),
        (NOW + timedelta(days=400), ("--probe-max-age", "9d"), 2),
    ],
)
def test_a_report_counts_for_an_hour(tfcert, root, pems, made, age, code):
    """A report older than an hour, or `--probe-max-age`, or from the future, is refused."""
    option = put(root, report(pems, made=made))
    done = tfcert("patch", *AT, *option, *age, cwd=root)
    assert (done.returncode == 2) == (code == 2), done.stderr
    assert (b"older than" in done.stderr or b"in the future" in done.stderr) == (code == 2)


def test_a_stage_that_the_report_does_not_have_is_not_confirmed(outcome, root, pems):
    """A stage that the report lacks is not confirmed, and the run is inconclusive."""
    document, code = outcome(*AT, *put(root, report(pems, backends=lambda _: [])), cwd=root)
    (found,) = document["rotations"][0]["trust"]
    assert (found["status"], found["reason"]) == (
        "not confirmed",
        "the report of the probe does not have it",
    )
    assert code in {1, 3}
    assert any(found["rule"] == "certificate-unverified" for found in document["findings"])


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema": "tfcert.outcome/v1"}', '{"schema": "tfcert.probe/v2"}']
)
def test_what_is_no_report_is_exit_2(tfcert, root, text):
    (root / "probe.json").write_text(text)
    done = tfcert("check", *AT, "--probe-report", "probe.json", cwd=root)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"not a report of tfcert probe" in done.stderr


@pytest.mark.parametrize("made", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_date_that_utc_does_not_have_is_exit_2(tfcert, root, pems, made):
    """A date of the report that is out of range in UTC is exit code 2."""
    done = tfcert("check", *AT, *put(root, report(pems, made_at=made)), cwd=root)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"not a report of tfcert probe" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_line_end_in_a_report_begins_no_line_of_a_patch(tfcert, root, pems):
    """Line ends and control characters in a report start no line of a patch or runbook."""
    forged = "so\ndiff --git a/other.tf b/other.tf\n\x1b[2J"

    def hostile(one):
        return [{**one, "backend": f"https://b{forged}", "reason": forged, "remedy": forged}]

    put(root, report(pems, backends=hostile, verdict="trusts the successor only"))
    done = tfcert(
        "patch", *AT, "--probe-report", "probe.json", "--phase", "all", "--out", "out", cwd=root
    )
    assert done.returncode in {0, 3}, done.stderr
    texts = [each.read_text() for each in (root / "out").iterdir()]
    assert any("so\\ndiff --git" in text for text in texts)
    for text in texts:
        assert "\x1b" not in text
        assert "\ndiff --git a/other.tf" not in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--probe", "--offline"), "--probe and --offline"),
        (("--probe", "--as-of", "2026-11-23"), "--probe and --as-of"),
        (("--probe", "--probe-report", "probe.json"), "--probe and --probe-report"),
        (("--method", "GET /health"), "--method: has no effect without --probe"),
        (("--any-get",), "--any-get: has no effect without --probe"),
        (("--yes",), "--yes: has no effect without --probe"),
        (("--header", "A=env:B"), "--header: has no effect without --probe"),
        (("--max-calls", "3"), "--max-calls: has no effect without --probe"),
        (("--probe-max-age", "1h"), "has no effect without --probe-report"),
        (("--probe-report", "probe.json", "--probe-max-age", "soon"), "is not a duration"),
        (("--probe-report", "probe.json", "--probe-max-age", "0h"), "is not a duration"),
        (("--probe-report", "missing.json"), "missing.json"),
        (("--probe", "--method", "POST /orders"), "POST may change something"),
        (("--probe", "--method", "/health"), "is not a method and a path"),
        (("--probe", "--header", "Authorization=s3cret"), "is not NAME=env:VARIABLE"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "patch"])
def test_options_that_contradict_each_other_are_exit_2(tfcert, root, pems, verb, arguments, says):
    """Contradicting probe options are exit code 2 before any call, and no header value is
    printed.
    """
    put(root, report(pems))
    done = tfcert(verb, "state.json", *arguments, cwd=root)
    assert (done.returncode, done.stdout) == (2, b""), done.stderr
    assert says in done.stderr.decode()
    assert b"s3cret" not in done.stderr


def test_the_report_and_a_declared_backend_together(tfcert, root, pems):
    """With a bundle and a report for one stage, a refusal counts; an unknown bundle is confirmed by
    the report.
    """
    (root / "trust" / "both.pem").write_text(pems["old"] + "\n" + pems["new"])
    policy = root / "tfcert.toml"
    policy.write_text(
        f'[trust.backends.orders]\nstages = "{S}.prod"\nbundle = "trust/both.pem"\nserver = "pinned"\n'
    )
    option = put(root, report(pems, "trusts the predecessor only"))
    found = trust(tfcert("check", *AT, *option, "--format", "json", cwd=root))
    assert {each["status"] for each in found} == {"confirmed", "refused"}
    done = tfcert("patch", *AT, *option, "--phase", "repoint", cwd=root)
    assert b"(probe): refused" in done.stdout
    policy.write_text(f'[trust.backends.orders]\nstages = "{S}.prod"\n')
    option = put(root, report(pems))
    (found,) = trust(tfcert("check", *AT, *option, "--format", "json", cwd=root))
    assert (found["status"], found["source"]) == ("confirmed", "probe")


def test_the_certificates_are_named_in_the_root(root):
    """The root module has both certificates, as the other tests need."""
    text = (root / "main.tf").read_text()
    assert f"succeeds {C}.old" in text


def test_no_gate_takes_a_report_or_calls_a_backend():
    """No recipe for a gate, nor the action, calls a backend or uses a probe report, which a fork
    could forge.
    """
    top = Path(__file__).resolve().parents[2]
    recipes = [each for each in (top / "docs/gates").rglob("*") if each.is_file()]
    assert recipes
    for recipe in (*recipes, top / "action.yml"):
        assert "--probe" not in recipe.read_text(encoding="utf-8"), recipe
