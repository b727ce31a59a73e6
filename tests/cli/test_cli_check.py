"""`tfcert check` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from errno import EACCES
from pathlib import Path

import pytest

from checker.cli.load import load
from checker.demo.emulator import Emulator, SeedApi, SeedCertificate, access_denied
from checker.errors import UnreadableError

ROOT = Path(__file__).resolve().parents[2]

STATE = "terraform.tfstate"
DAY_12 = ("--offline", "--as-of", "2026-11-24")


def test_a_state_is_judged_with_file_and_line(outcome, story):
    """A certificate with 12 days left is an error with the file and line of its block."""
    document, code = outcome(STATE, *DAY_12, cwd=story)
    (finding,) = document["findings"]
    assert (code, document["verdict"], document["offline"]) == (1, "findings", True)
    assert (finding["rule"], finding["severity"], finding["days_left"]) == (
        "certificate-expiring",
        "error",
        12,
    )
    assert finding["location"] == {"file": "certificate.tf", "line": 2}
    assert document["rotations"][0]["phase"] == "introduce"
    assert document["rotations"][0]["repoint_by"] == "2026-11-29T01:39:35Z"
    assert len(document["rotations"][0]["stages"]) == 3


@pytest.mark.parametrize(
    ("as_of", "code", "severity"),
    [
        ("2026-11-06T01:39:35Z", 1, "error"),
        ("2026-11-05T01:39:35Z", 0, "warning"),
        ("2026-10-07T01:39:35Z", 0, "warning"),
        ("2026-10-06T01:39:34Z", 0, None),
        ("2026-12-06T01:39:35Z", 1, "error"),
        ("2026-12-06T01:39:36Z", 1, "error"),
    ],
)
def test_the_boundaries_of_threshold_and_notice(outcome, story, as_of, code, severity):
    """At exactly 30 days left it is an error, and at exactly 60 a warning."""
    document, found = outcome(STATE, "--offline", "--as-of", as_of, cwd=story)
    assert found == code
    assert [finding["severity"] for finding in document["findings"]] == (
        [severity] if severity else []
    )


def test_expired_is_not_expiring(outcome, story):
    """One second after its end a certificate is expired, with -1 days left."""
    document, _ = outcome(STATE, "--offline", "--as-of", "2026-12-06T01:39:36Z", cwd=story)
    assert [(finding["rule"], finding["days_left"]) for finding in document["findings"]] == [
        ("certificate-expired", -1)
    ]


def test_what_fails_is_the_persons_choice(tfcert, story):
    """`--fail-on`, `--threshold` and `--notice` change the exit code."""
    at_45 = (STATE, "--offline", "--as-of", "2026-10-22", "--format", "text")
    assert tfcert("check", *at_45, cwd=story).returncode == 0
    assert tfcert("check", *at_45, "--fail-on", "warning", cwd=story).returncode == 1
    assert tfcert("check", *at_45, "--threshold", "50", cwd=story).returncode == 1
    assert (
        tfcert("check", *at_45, "--threshold", "50", "--fail-on", "never", cwd=story).returncode
        == 0
    )
    assert (
        tfcert("check", *at_45, "--notice", "40", "--fail-on", "warning", cwd=story).returncode == 0
    )


def test_a_policy_file_is_found_upwards(tfcert, story):
    """The nearest tfcert.toml above counts, options override it, and a wrong key is exit code 2
    with a hint.
    """
    (story.parent / "tfcert.toml").write_text("threshold_days = 5\nnotice_days = 6\n")
    assert tfcert("check", STATE, *DAY_12, cwd=story).returncode == 0
    assert tfcert("check", STATE, *DAY_12, "--threshold", "12", cwd=story).returncode == 1
    (story.parent / "tfcert.toml").write_text("threshhold_days = 5\n")
    done = tfcert("check", STATE, *DAY_12, cwd=story)
    assert done.returncode == 2
    assert b"threshold_days" in done.stderr


def test_standard_input_and_files_say_the_same(outcome, story):
    """Standard input and a file with any name give the same findings."""
    data = (story / STATE).read_bytes()
    (story / "anything.bin").write_bytes(data)
    piped, code = outcome("-", *DAY_12, cwd=story, stdin=data)
    named, other = outcome("anything.bin", *DAY_12, cwd=story)
    assert code == other == 1
    said = [
        {key: value for key, value in finding.items() if key != "source"}
        for finding in piped["findings"]
    ]
    assert said == [
        {key: value for key, value in finding.items() if key != "source"}
        for finding in named["findings"]
    ]
    assert (
        {finding["source"] for finding in piped["findings"]},
        named["findings"][0]["source"],
    ) == ({"-"}, "anything.bin")
    assert piped["sources"][0]["kind"] == named["sources"][0]["kind"] == "state"


def test_the_same_input_gives_the_same_bytes(tfcert, story):
    """Two runs with the same input print the same bytes."""
    runs = [tfcert("check", STATE, *DAY_12, "--format", "json", cwd=story).stdout for _ in range(2)]
    assert runs[0] == runs[1]


WRONG = {
    "empty": b"",
    "truncated": b'{"format_version": "1.2", "planned_values": {"root_mod',
    "configuration": b'resource "aws_api_gateway_stage" "s" {\n}\n',
    "binary": bytes(range(256)) * 20,
    "long line": b"x" * 3_000_000,
    "invalid utf-8": b'{"version": 4, "resources": [{"type": "\xff\xfe"}]}',
    "deep": b"[" * 100_000,
    "state 3": b'{"version": 3, "serial": 1, "lineage": "x", "modules": []}',
    "next major": b'{"format_version": "2.0", "planned_values": {}}',
    "a list": b"[1, 2]",
    "log": b'{"@level":"info","@message":"x"}\n{"@level":"info"}\n',
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("verb", ["check", "patch"])
def test_wrong_input_is_one_line(tfcert, tmp_path, verb, name):
    """Wrong input gives one error line with place and remedy, exit code 2, and changes no file."""
    source = tmp_path / "input"
    source.write_bytes(WRONG[name])
    done = tfcert(verb, "input", "--offline")
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (2, b"", 1), done.stderr.decode()[-600:]
    assert lines[0].startswith("tfcert: error: input")
    assert lines[0].endswith(")")
    assert len(lines[0]) < 500
    assert source.read_bytes() == WRONG[name]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere.json",), "nowhere.json"),
        (("-", "-"), "standard input is read once"),
        (("folder",), "no Terraform configuration"),
        ((STATE, "--as-of", "yesterday"), "--as-of"),
        ((STATE, "--format", "xml"), "text, json"),
        ((STATE, "--format", "json", "--format", "text"), "stdout"),
        ((STATE, "--expect", "introduce"), "--expect"),
        ((STATE, "--config", "nowhere"), "--config"),
        ((STATE, "--tool", "no-such-tool"), "no-such-tool"),
        (("--no-such-option",), "no such option"),
    ],
)
def test_wrong_usage_is_exit_2(tfcert, story, arguments, says):
    """Wrong usage is exit code 2 with the reason, and no output."""
    (story / "folder").mkdir()
    done = tfcert("check", "--offline", *arguments, cwd=story)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_folder_that_may_not_be_listed(story, monkeypatch):
    """A state in a folder that cannot be listed is read without its configuration; with --config it
    is an error.
    """

    def denied(folder):
        raise PermissionError(EACCES, "Permission denied", folder)

    # A denial is simulated, because root, as which many pipelines run, can list every folder.
    monkeypatch.setattr(os, "listdir", denied)
    state = str(story / STATE)
    assert load((state,), config=None, tool=None).configurations == (None,)
    with pytest.raises(UnreadableError, match="cannot be listed: Permission denied"):
        load((state,), config=str(story), tool=None)


def test_a_directory_without_a_tool_says_what_to_pass(tfcert, story):
    """A directory without terraform or tofu is exit code 2, and the error names the state file."""
    done = tfcert("check", "--offline", cwd=story)
    assert done.returncode == 2
    assert STATE in done.stderr.decode()


def test_without_credentials_nothing_is_clean(outcome, story):
    """I4: without AWS credentials the run is inconclusive, exit code 3."""
    document, code = outcome(STATE, "--as-of", "2026-01-01", cwd=story)
    assert (code, document["verdict"], document["summary"]["unverified"]) == (3, "inconclusive", 1)
    assert document["certificates"][0]["evidence"] == "unanswered"


def test_offline_asks_nobody_and_imports_nothing_heavy(story):
    """`--offline` imports neither boto3 nor other heavy libraries."""
    heavy = ["boto3", "botocore", "hcl2", "rich", "jinja2", "cryptography", "pydantic"]
    code = (
        "import sys; from checker.cli.app import build\n"
        f"sys.argv = ['tfcert', 'check', '{STATE}', '--offline', '--as-of', '2026-11-24']\n"
        "try: build()()\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=story,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.decode().splitlines()[-1] == "[]"


def test_a_plan_without_configuration_loads_nothing_that_knows_hcl(tmp_path, fixtures):
    """A check of a plan without configuration imports no HCL module."""
    plan = fixtures / "rotation/03-apply2-repoint/plan.json"
    code = (
        "import sys; from checker.cli.app import build\n"
        f"sys.argv = ['tfcert', 'check', {str(plan)!r}, '--offline', '--as-of', '2026-11-24']\n"
        "try: build()()\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith('checker.hcl.')], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.decode().splitlines()[-1] == "[]"


@pytest.fixture
def live():
    """Return an AWS where the README's certificate ends three days later than in state."""
    with Emulator() as aws:
        aws.seed(
            SeedCertificate(id="rj3hhn", expires_at=datetime.fromisoformat("2026-12-09T01:39:35Z")),
            SeedApi(id="lo64vzqnaj", name="orders", stages={"test": "rj3hhn", "live": "rj3hhn"}),
            SeedApi(id="tytvdpoyw3", name="billing", stages={"live": "rj3hhn"}),
        )
        yield aws


def test_aws_wins_over_state(outcome, story, live):
    """The end date from AWS counts, and one listing answers for all."""
    document, code = outcome(
        STATE, "--as-of", "2026-11-24", cwd=story, environment=live.environment()
    )
    (certificate,) = document["certificates"]
    assert (code, certificate["evidence"], certificate["days_left"]) == (1, "observed", 15)
    assert sorted(call.operation for call in live.calls()) == [
        "GetCallerIdentity",
        "GetClientCertificates",
        *["GetStages"] * 2,
    ]
    assert {finding["rule"] for finding in document["findings"]} == {
        "certificate-expiring",
        "certificate-drifted",
    }


def test_a_stage_that_was_moved_by_hand_is_told_with_the_end_of_what_it_presents(
    outcome, story, live
):
    """A stage moved outside Terraform to a certificate near its end is an error; `--no-drift` skips
    it.
    """
    by_hand = [{"op": "replace", "path": "/clientCertificateId", "value": "byhand"}]
    live.seed(
        SeedCertificate(id="byhand", expires_at=datetime.fromisoformat("2026-11-30T00:00:00Z"))
    )
    live.client("apigateway").update_stage(
        restApiId="tytvdpoyw3", stageName="live", patchOperations=by_hand
    )

    document, _ = outcome(STATE, "--as-of", "2026-11-24", cwd=story, environment=live.environment())

    (drifted,) = [each for each in document["findings"] if "byhand" in each["message"]]
    assert (drifted["rule"], drifted["severity"]) == ("certificate-drifted", "error")
    assert "2026-11-30" in drifted["message"]
    live.forget_calls()
    document, _ = outcome(
        STATE, "--as-of", "2026-11-24", "--no-drift", cwd=story, environment=live.environment()
    )
    assert "byhand" not in str(document)
    assert sorted(call.operation for call in live.calls()) == [
        "GetCallerIdentity",
        "GetClientCertificates",
    ]


@pytest.fixture
def far(story, live):
    """Add a second state whose certificate ends in a year and whose stage was moved outside
    Terraform.
    """
    text = (story / STATE).read_text()
    for old, new in (
        ("rj3hhn", "far001"),
        ("lo64vzqnaj", "farapi0001"),
        ("tytvdpoyw3", "farapi0002"),
        ("2026-12-06", "2027-12-06"),
    ):
        text = text.replace(old, new)
    document = json.loads(text)
    for resource in document["resources"]:
        for instance in resource["instances"]:
            instance["attributes"].pop("pem_encoded_certificate", None)
    (story / "far.tfstate").write_text(json.dumps(document))
    live.seed(
        SeedCertificate(id="far001", expires_at=datetime.fromisoformat("2027-12-06T01:39:35Z")),
        SeedCertificate(id="byhand", expires_at=datetime.fromisoformat("2027-11-30T00:00:00Z")),
        SeedApi(id="farapi0001", name="orders", stages={"test": "far001", "live": "far001"}),
        SeedApi(id="farapi0002", name="billing", stages={"live": "byhand"}),
    )
    return "far.tfstate"


@pytest.mark.parametrize(
    ("options", "asked", "left_out"),
    [
        ((), 4, set()),
        (("--drift", "all"), 4, set()),
        (("--drift", "due"), 2, {"farapi0001", "farapi0002"}),
        (("--drift", "none"), 0, {"farapi0001", "farapi0002", "lo64vzqnaj", "tytvdpoyw3"}),
        (("--no-drift",), 0, {"farapi0001", "farapi0002", "lo64vzqnaj", "tytvdpoyw3"}),
    ],
)
def test_a_stage_that_was_not_asked_for_is_reported_as_not_asked(
    outcome, story, live, far, options, asked, left_out
):
    """`--drift due` asks only about APIs with a due certificate, and reports the other stages as
    not asked.
    """
    document, _ = outcome(
        STATE, far, "--as-of", "2026-11-24", *options, cwd=story, environment=live.environment()
    )
    assert sum(call.operation == "GetStages" for call in live.calls()) == asked
    said = {stage["api_id"] for stage in document["stages"] if stage.get("drift") == "not_asked"}
    assert said == left_out
    assert ("byhand" in str(document)) is (asked == 4)
    count = sum(stage["api_id"] in left_out for stage in document["stages"])
    notices = [text for text in document["notices"] if "was not asked" in text]
    name = "due" if asked else "none"
    assert notices == [
        f"AWS was not asked what {count} stages present now (--drift {name}): the record counts"
    ] * bool(left_out)


def test_drift_due_asks_for_a_certificate_without_a_recorded_end(outcome, story, live, far):
    """`--drift due` also asks about a certificate without a recorded end date."""
    document = json.loads((story / far).read_text())
    for resource in document["resources"]:
        for instance in resource["instances"]:
            instance["attributes"].pop("expiration_date", None)
    (story / far).write_text(json.dumps(document))
    options = (far, "--as-of", "2026-11-24", "--drift", "due")
    outcome(*options, cwd=story, environment=live.environment())
    assert sum(call.operation == "GetStages" for call in live.calls()) == 2


def test_drift_due_takes_the_longest_notice_of_the_policy(outcome, story, live, far):
    """`--drift due` uses the longest notice of all scopes."""
    (story / "tfcert.toml").write_text('[[scope]]\naddress = "*"\nnotice_days = 500\n')
    options = (far, "--as-of", "2026-11-24", "--drift", "due")
    outcome(*options, cwd=story, environment=live.environment())
    assert sum(call.operation == "GetStages" for call in live.calls()) == 2


def test_the_text_report_names_what_was_not_asked(tfcert, story, live, far):
    """The text report says which stages AWS was not asked about."""
    command = ("check", far, "--as-of", "2026-11-24", "--drift", "due")
    done = tfcert(*command, cwd=story, environment=live.environment())
    text = " ".join(done.stdout.decode().split())
    assert done.returncode == 0
    assert "AWS was not asked what 3 stages present now (--drift due)" in text


def test_no_drift_and_another_drift_contradict_each_other(tfcert, story):
    """`--no-drift` with another `--drift` than `none` is a usage error."""
    done = tfcert("check", STATE, "--offline", "--no-drift", "--drift", "due", cwd=story)
    assert done.returncode == 2
    assert b"leave one of them out" in done.stderr
    done = tfcert("check", STATE, "--offline", "--no-drift", "--drift", "none", cwd=story)
    assert done.returncode in {0, 1}


def test_i4_what_a_stage_presents_and_nobody_could_say_is_not_clean(outcome, story, live):
    """I4: a denied GetStages makes the run inconclusive, while certificates are still checked."""
    live.faults.inject("GetStages", access_denied())
    document, code = outcome(
        STATE, "--as-of", "2026-01-01", cwd=story, environment=live.environment()
    )
    assert (code, document["verdict"]) == (3, "inconclusive")
    assert "/restapis/*/stages" in str(
        [each for each in document["findings"] if each["rule"] == "certificate-unverified"]
    )
    assert document["certificates"][0]["evidence"] == "observed"


def test_a_certificate_that_aws_does_not_know_is_gone(outcome, story, live):
    """An id that a stage presents and AWS does not have is certificate-gone."""
    live.reset()
    document, code = outcome(
        STATE, "--as-of", "2026-11-24", cwd=story, environment=live.environment()
    )
    assert code == 1
    assert "certificate-gone" in [finding["rule"] for finding in document["findings"]]
    assert document["certificates"][0]["evidence"] == "gone"


def test_another_account_is_not_gone(outcome, story, live):
    """With credentials of another account a certificate is unverified, never gone."""
    role = live.client("sts").assume_role(
        RoleArn="arn:aws:iam::222222222222:role/x", RoleSessionName="other"
    )["Credentials"]
    keys = {
        "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
        "AWS_SESSION_TOKEN": role["SessionToken"],
    }
    document, code = outcome(
        STATE, "--as-of", "2026-01-01", cwd=story, environment={**live.environment(), **keys}
    )
    assert (code, document["certificates"][0]["evidence"]) == (3, "unanswered")


def test_a_denied_call_names_the_permission(tfcert, story, live):
    """A denied call is inconclusive, and the error names the missing permission."""
    live.faults.inject("GetClientCertificates", access_denied())
    done = tfcert(
        "check", STATE, "--as-of", "2026-01-01", cwd=story, environment=live.environment()
    )
    assert done.returncode == 3
    assert "apigateway:GET" in done.stderr.decode()


def test_a_denied_permission_does_not_hide_a_finding(tfcert, story, live):
    """If both apply, the exit code is 1: recorded data still gives findings when AWS denies."""
    live.faults.inject("GetClientCertificates", access_denied())
    assert (
        tfcert(
            "check", STATE, "--as-of", "2026-11-24", cwd=story, environment=live.environment()
        ).returncode
        == 1
    )


def test_several_sources_are_kept_apart(tfcert, outcome, story):
    """Two sources with the same addresses have separate tables, and each finding names
    its source.
    """
    state = (story / STATE).read_bytes()
    (story / "other.tfstate").write_bytes(state.replace(b"rj3hhn", b"zz3hhn"))
    text = tfcert("check", STATE, "other.tfstate", *DAY_12, cwd=story).stdout.decode()
    first, second = (
        text.index(f"{STATE} (state; stages: 3, certificates: 1)"),
        text.index("other.tfstate (state; stages: 3"),
    )
    assert (
        first < text.index("  rj3hhn, presented by") < second < text.index("  zz3hhn, presented by")
    )
    assert f"    in {STATE}\n    certificate rj3hhn" in text
    assert "    in other.tfstate\n    certificate zz3hhn" in text
    found, code = outcome(STATE, "other.tfstate", *DAY_12, cwd=story)
    pairs = {("terraform.tfstate", "rj3hhn"), ("other.tfstate", "zz3hhn")}
    assert code == 1
    assert {(one["source"], one["id"]) for one in found["certificates"]} == pairs
    expiring = [one for one in found["findings"] if one["rule"] == "certificate-expiring"]
    assert {(one["source"], one["certificate_id"]) for one in expiring} == pairs
    # Both states claim the same stages.
    assert {one["rule"] for one in found["findings"] if one not in expiring} == {"managed-twice"}
    assert {(one["source"], one["certificate_id"]) for one in found["stages"]} == pairs


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {
                "deferred_changes": [
                    {
                        "reason": "x",
                        "resource_change": {"address": "aws_api_gateway_stage.later[*]"},
                    }
                ]
            },
            "defers",
        ),
        (
            {
                "resource_changes": [
                    {"address": "aws_api_gateway_stage.odd", "change": {"actions": ["hibernate"]}}
                ]
            },
            "does not know",
        ),
        ({"errored": True}, "ended in an error"),
    ],
)
def test_i4_a_plan_that_does_not_say_all_is_not_clean(outcome, tmp_path, more, said):
    """I4: a plan with deferred or unknown changes, or with an error, is inconclusive."""
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {},
        "resource_changes": [],
    } | more
    for entry in [
        *plan["resource_changes"],
        *(one["resource_change"] for one in plan.get("deferred_changes", ())),
    ]:
        entry |= {"mode": "managed", "type": "aws_api_gateway_stage", "name": "s"}
        entry.setdefault(
            "change", {"actions": ["create"], "before": None, "after": {}, "after_unknown": {}}
        )
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    found, code = outcome("plan.json", "--offline", cwd=tmp_path)
    assert (found["verdict"], code) == ("inconclusive", 3)
    assert said in found["findings"][0]["message"]


@pytest.mark.parametrize("instant", ["0001-01-01", "9999-12-31T23:59:59Z", "1969-12-31"])
def test_an_instant_at_the_end_of_the_calendar_is_a_usage_error(tfcert, story, instant):
    """An --as-of date at the end of the calendar is a usage error."""
    done = tfcert("check", STATE, "--offline", "--as-of", instant, cwd=story)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("tfcert: error: --as-of: ")


RECORDED = {
    "shared-1-introduce": 0,
    "shared-2-repoint": 0,
    "shared-3-retire": 0,
    "shared-2-unrelated": 0,
}
RECORDED |= {
    "single-phases-1-and-2": 3,
    "single-phases-2-and-3": 4,
    "single-replace": 4,
    "single-attribute-removed": 1,
}


@pytest.mark.parametrize(("name", "findings"), RECORDED.items())
def test_expect_next_on_recorded_plans(outcome, fixtures, name, findings):
    """`--expect next` accepts each recorded phase and an unrelated plan, and finds each wrong
    change.
    """
    home = fixtures / "acceptance" / name
    document, _ = outcome(
        home / "plan.json",
        "--config",
        home / "config",
        "--offline",
        "--expect",
        "next",
        "--as-of",
        "2027-06-01",
    )
    found = [
        finding["message"]
        for finding in document["findings"]
        if finding["rule"] == "plan-exceeds-phase"
    ]
    assert len(found) == findings, found


def test_expect_next_needs_the_configuration(tfcert, fixtures, tmp_path):
    """`--expect next` without a configuration is exit code 2, and the error names --config."""
    plan = tmp_path / "plan.json"
    plan.write_bytes((fixtures / "acceptance" / "shared-1-introduce" / "plan.json").read_bytes())
    done = tfcert("check", plan, "--offline", "--expect", "next")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--config" in done.stderr
    assert b"Traceback" not in done.stderr
