"""Ctrl-C while AWS is silent: found results are reported at once, and nothing is half written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from checker.demo.emulator import Emulator, Hang, SeedApi, SeedCertificate

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(
    (ROOT / "checker/reports/schemas/outcome-v1.schema.json").read_text(encoding="utf-8")
)
STATE = "terraform.tfstate"
ENDS = datetime.fromisoformat("2026-12-06T01:39:35Z")


@pytest.fixture
def aws():
    with Emulator() as running:
        running.seed(
            SeedCertificate(id="rj3hhn", expires_at=ENDS),
            SeedCertificate(id="rj3hhn", expires_at=ENDS, region="eu-west-1"),
            SeedApi(id="lo64vzqnaj", stages={"test": "rj3hhn", "live": "rj3hhn"}),
            SeedApi(id="tytvdpoyw3", stages={"live": "rj3hhn"}),
        )
        yield running


@pytest.fixture
def interrupted(aws, story):
    """Return a function that runs tfcert and sends Ctrl-C after this operation.

    It gives stdout, stderr, exit code and seconds.
    """

    def run(*arguments, until, times=1):
        environment = aws.environment(
            {"PATH": os.environ["PATH"], "HOME": str(story.parent), "PYTHONPATH": str(ROOT)}
        )
        command = [sys.executable, "-c", "from checker.cli import main; main()", *arguments]
        child = subprocess.Popen(
            command,
            cwd=story,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            budget = time.monotonic() + 60
            while len(aws.calls(until)) < times and time.monotonic() < budget:
                time.sleep(0.05)
            # All answers have arrived after this pause.
            time.sleep(1)
            child.send_signal(signal.SIGINT)
            began = time.monotonic()
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
        return out, err, child.returncode, time.monotonic() - began

    return run


def test_i4_check_tells_what_was_answered_and_leaves_the_rest_unverified(aws, interrupted, story):
    """I4: after Ctrl-C, check reports the region that answered and the other as unverified, exit
    code 130.
    """
    far = (story / STATE).read_text().replace("us-east-1", "eu-west-1")
    (story / "far.tfstate").write_text(far)
    aws.faults.inject("GetClientCertificates", Hang(seconds=60), region="us-east-1")

    out, err, code, seconds = interrupted(
        "check",
        STATE,
        "far.tfstate",
        "--no-drift",
        "--format",
        "json",
        "-v",
        until="GetClientCertificates",
        times=2,
    )

    document = json.loads(out)
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    evidence = {
        certificate["region"]: certificate["evidence"] for certificate in document["certificates"]
    }
    assert evidence == {"eu-west-1": "observed", "us-east-1": "unanswered"}
    (unverified,) = [
        finding for finding in document["findings"] if finding["rule"] == "certificate-unverified"
    ]
    assert "was interrupted before it was answered" in unverified["message"]
    assert any(notice.startswith("interrupted") for notice in document["notices"])
    assert code == 130
    assert "Traceback" not in err
    assert "tfcert: interrupted\n" in err
    assert "calls to AWS" in err
    assert seconds < 10  # the timeout is 20


def test_check_tells_a_person_so_in_words(aws, interrupted):
    """After Ctrl-C, the text report says at the top that it is incomplete."""
    aws.faults.inject("GetStages", Hang(seconds=60))

    out, _, code, _ = interrupted("check", STATE, until="GetStages")

    assert (
        out.partition("\n\n")[0].splitlines()[-1]
        == "note: interrupted: the calls that AWS had not answered are not verified"
    )
    assert "(observed)" in out
    assert code == 130


@pytest.mark.parametrize("arguments", [("--out", "patches"), ("--write",), ()])
def test_i3_patch_writes_nothing(aws, interrupted, story, arguments):
    """I3: after Ctrl-C, patch writes nothing."""
    before = {path.name: path.read_bytes() for path in story.iterdir()}
    aws.faults.inject("GetClientCertificates", Hang(seconds=60))

    out, err, code, _ = interrupted("patch", STATE, *arguments, until="GetClientCertificates")

    assert (out, err, code) == ("", "tfcert: interrupted\n", 130)
    assert {path.name: path.read_bytes() for path in story.iterdir()} == before


def test_bundle_writes_nothing(aws, interrupted, story):
    """After Ctrl-C, bundle writes nothing."""
    aws.faults.inject("GetClientCertificates", Hang(seconds=60))

    out, _, code, _ = interrupted(
        "bundle", STATE, "--out", "bundle.pem", until="GetClientCertificates"
    )

    assert (out, code) == ("", 130)
    assert not (story / "bundle.pem").exists()


def test_ctrl_c_while_the_command_line_is_being_put_together_is_no_traceback():
    """Ctrl-C during start-up gives exit code 130 without a traceback."""
    script = "from checker import cli\ndef interrupted():\n    raise KeyboardInterrupt\ncli._run = interrupted\ncli.main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tfcert: interrupted\n")
