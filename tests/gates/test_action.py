"""The composite action, run step by step as GitHub's runner does, with the real tfcert.

The marked test starts the installed command; the others run the same code in a forked process.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runner import EXPRESSION, Runner, load

from checker.demo.emulator import Emulator, SeedApi, SeedCertificate

STATE = "terraform.tfstate"
DUE = {"offline": "true", "as_of": "2026-11-24"}
CLEAN = {"offline": "true", "as_of": "2026-01-10"}


def read(path):
    """Return the JSON of an output's file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def instead(folder, script):
    """Return the environment in which a script replaces tfcert in the action."""
    binaries = folder / "bin"
    binaries.mkdir()
    (binaries / "python").symlink_to(sys.executable)
    (binaries / "tfcert").write_text(f"#!/bin/bash\n{script}")
    (binaries / "tfcert").chmod(0o755)
    return {"GATE_BIN": str(binaries)}


@pytest.mark.started
def test_findings_fail_the_step_and_are_put_out(action):
    """Findings fail the step with exit code 1, and the outputs have the counts, the JSON and the
    SARIF.
    """
    ran = action(sources=STATE, **DUE)
    assert ran.code == 1
    assert {name: text for name, text in ran.outputs.items() if name not in {"json", "sarif"}} == {
        "verdict": "findings",
        "exit-code": "1",
        "errors": "1",
        "warnings": "0",
        "notes": "0",
        "suppressed": "0",
        "unverified": "0",
        "certificates": "1",
        "stages": "3",
    }
    assert read(ran.outputs["json"])["findings"][0]["rule"] == "certificate-expiring"
    assert read(ran.outputs["sarif"])["version"] == "2.1.0"
    assert "certificate.tf:2: error: certificate-expiring" in ran.log


def test_what_is_clean_passes(action):
    """A clean check passes with exit code 0."""
    ran = action(sources=STATE, **CLEAN)
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"], ran.outputs["errors"]) == (
        0,
        "clean",
        "0",
        "0",
    )


def test_i4_what_could_not_be_checked_fails_the_step(action):
    """I4: without credentials the step fails with exit code 3, whatever fail-on says."""
    ran = action(sources=STATE, as_of="2026-01-10", fail_on="never")
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (3, "inconclusive", "3")
    assert "not clean" in ran.log


def test_what_cannot_be_read_fails_the_step(action):
    """A missing source fails the step with exit code 2, without a verdict or reports."""
    ran = action(sources="nowhere.json", offline="true")
    assert ran.code == 2
    assert (
        ran.outputs["exit-code"],
        ran.outputs["verdict"],
        ran.outputs["json"],
        ran.outputs["sarif"],
    ) == ("2", "", "", "")


def test_a_check_that_is_killed_fails_the_step(action, workspace):
    """If tfcert is killed, the step fails with its exit code and without a verdict."""
    ran = action(sources=STATE, environment=instead(workspace, "kill -KILL $$\n"), **CLEAN)
    assert (ran.code, ran.outputs["exit-code"], ran.outputs["verdict"]) == (137, "137", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("offline", "yes"),
        ("recursive", "1"),
        ("annotations", "on"),
        ("summary", "TRUE "),
        ("patches", "no"),
    ],
)
def test_a_switch_is_true_or_false(action, name, text):
    """A switch other than true or false is an error that names the input."""
    ran = action(**{"sources": STATE, **CLEAN, name: text})
    assert (ran.code, ran.outputs["exit-code"], ran.outputs["verdict"]) == (2, "2", "")
    assert f"the input {name} is neither true nor false" in ran.log


def test_several_sources_a_line_each(action, workspace):
    """Sources are one per line, and may have blanks or begin with a dash."""
    data = (workspace / STATE).read_bytes()
    (workspace / "one state.json").write_bytes(data)
    (workspace / "--offline.json").write_bytes(data)
    ran = action(sources="one state.json\n--offline.json\n\n", config=".", **DUE)
    assert [source["path"] for source in read(ran.outputs["json"])["sources"]] == [
        "one state.json",
        "--offline.json",
    ]


HOSTILE = (
    "$(touch owned)",
    "`touch owned`",
    '"; touch owned; "',
    "'; touch owned; '",
    "a\n$(touch owned)\nb",
    "-h; touch owned",
    "${HOME}",
    "*",
    "\\",
    "EOF\ntouch owned\nEOF",
    "PYTHON\ntouch owned\nPYTHON",
)
SWITCHES = {
    "scan",
    "all-regions",
    "offline",
    "recursive",
    "annotations",
    "summary",
    "patches",
    "comment",
    "mask-accounts",
}
TEXTS = sorted(
    set(load("action.yml")["inputs"]) - SWITCHES - {"python", "working-directory", "github-token"}
)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_input_is_never_run(action, workspace, text):
    """A hostile input is passed to tfcert or refused, and never executed."""
    checked = {name.replace("-", "_"): text for name in TEXTS if name != "outcomes"}
    assert action(**checked, comment="true", offline="true").code == 2
    commented = {name.replace("-", "_"): text for name in TEXTS}
    assert action(**commented, comment="true", github_token=text).code == 2
    assert (
        action(
            **dict.fromkeys((name.replace("-", "_") for name in SWITCHES), text), sources=STATE
        ).code
        == 2
    )
    assert not list(workspace.parent.rglob("owned"))


def test_no_script_holds_an_expression():
    """No script of the action has a `${{ }}` expression or an `eval`."""
    for step in load("action.yml")["runs"]["steps"]:
        assert not EXPRESSION.search(step["run"]), step["name"]
        assert "eval" not in step["run"]


def test_what_tfcert_prints_commands_nothing(action, workspace):
    """Workflow commands in tfcert's output are not obeyed by the runner."""
    ran = action(
        sources=STATE,
        environment=instead(
            workspace, "echo ::add-mask::error\nprintf '::warning::x' >&2\nexit 3\n"
        ),
        **CLEAN,
    )
    assert "\n::add-mask::error\n" in ran.log
    assert (ran.obeyed(), ran.code) == ([], 3)


def test_annotations_and_the_summary_can_be_left_out(action):
    """Annotations and the summary are written by default, and can be switched off."""
    shown, hidden = (
        action(sources=STATE, **DUE),
        action(sources=STATE, annotations="false", summary="false", **DUE),
    )
    assert any(
        re.match(r"::error file=certificate\.tf,line=2,title=certificate-expiring ", command)
        for command in shown.obeyed()
    )
    assert "certificate-expiring" in shown.summary
    assert (hidden.obeyed(), hidden.summary) == ([], "")


def test_every_option_arrives(action, workspace):
    """Each input has the effect of its command-line option."""
    (workspace / "strict.toml").write_text('name = "strict"\nthreshold_days = 5\nnotice_days = 6\n')
    assert action(sources=STATE, policy="strict.toml", **DUE).code == 0
    assert action(sources=STATE, policy="strict.toml", threshold="12", **DUE).code == 1
    assert action(sources=STATE, threshold="5", notice="20", fail_on="warning", **DUE).code == 1
    assert action(sources=STATE, threshold="5", notice="20", **DUE).outputs["warnings"] == "1"
    assert action(sources=STATE, expect="introduce", **DUE).code == 2
    assert (
        action(sources=STATE, formats="junit=junit report.xml\njson=more.json\n", **DUE).code == 1
    )
    assert (workspace / "junit report.xml").read_bytes().startswith(b"<?xml")
    assert json.loads((workspace / "more.json").read_text())["verdict"] == "findings"
    (workspace.parent / "elsewhere").mkdir()
    assert (
        Runner(workspace.parent, workspace.parent / "t")
        .run(sources=STATE, working_directory="my work", **DUE)
        .code
        == 1
    )


@pytest.fixture
def aws():
    """Run an AWS with a certificate that ends later than in state, and a due one that no
    state has.
    """
    with Emulator() as emulator:
        emulator.seed(
            SeedCertificate(id="rj3hhn", expires_at=datetime(2027, 11, 1, tzinfo=UTC)),
            SeedCertificate(id="due001", expires_at=datetime(2026, 12, 6, tzinfo=UTC)),
            SeedApi(id="rest1", name="orders", stages={"prod": "due001"}),
        )
        yield emulator


def test_aws_is_asked_with_what_the_job_has(action, aws):
    """Without `offline` the action uses AWS with the job's credentials."""
    ran = action(sources=STATE, as_of="2026-11-24", environment=aws.environment())
    (certificate,) = [
        found for found in read(ran.outputs["json"])["certificates"] if found["id"] == "rj3hhn"
    ]
    assert (certificate["evidence"], certificate["days_left"]) == ("observed", 342)


def test_an_account_is_scanned(action, aws):
    """With `scan` each region given is scanned, with the same outputs."""
    scanned = {"scan": "true", "as_of": "2026-11-24", "environment": aws.environment()}
    ran = action(region="us-east-1\neu-west-1\n", **scanned)
    assert (ran.code, ran.outputs["verdict"]) == (1, "findings"), ran.log
    document = read(ran.outputs["json"])
    assert [source["path"].rpartition("/")[2] for source in document["sources"]] == [
        "eu-west-1",
        "us-east-1",
    ]
    assert "certificate-expiring" in ran.summary
    assert action(region="eu-west-1", **scanned).code == 0
    assert action(offline="true", **scanned).code == 2


def test_every_option_of_a_check_is_an_input_or_left_out_with_reason(tfcert):
    """Each option of `check` is an input of the action, or is listed here with the reason
    why not.
    """
    left_out = {
        "profile": "a runner has no file of profiles",
        "drift": "a gate asks all that it may",
        "no-drift": "the same as drift: none",
        "trust-file": "the policy names the bundle of each backend, from the base branch",
        "format": "the input formats",
        "help": "not for a pipeline",
        "states": "a gate judges one root module; a fleet has a run of its own",
        "sources-from": "the same",
        "include": "the same",
        "exclude": "the same",
        "verbose": "for a person who wonders",
        "quiet": "for a person at a terminal",
        "all": "the same",
        "trust": "a gate reads AWS with the policy of check alone; see docs/pipeline.md",
        "probe": "a gate on a pull request calls no backend",
        "probe-report": "the same: a fork could hand over one of its own",
        "probe-max-age": "the same",
        "method": "the same",
        "any-get": "the same",
        "unsafe": "the same",
        "header": "the same",
        "max-calls": "the same",
        "yes": "the same",
    }
    told = "".join(
        tfcert(verb, "--help").stdout.decode().partition("Options")[2] for verb in ("check", "scan")
    )
    options = set(re.findall(r"--([a-z][a-z-]+)", told))
    assert (
        options - set(left_out) - set(load("action.yml")["inputs"]) - {"no-recursive", "no-offline"}
        == set()
    )
