"""Follow the remedies of findings on the command line; commands and values are parsed from the
text.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from checker.demo.emulator import SeedApi, SeedCertificate

ROOT = Path(__file__).resolve().parents[2]
STATE = "terraform.tfstate"
OLD, NEW = "o8kcu4", "xdly9m"
BACKEND = "aws_api_gateway_client_certificate.backend"
STORY = ("--offline", "--as-of", "2026-11-24")
EXPIRING = "certificate-expiring"


def remedy_of(document, rule):
    """Return the remedy of the first finding of a rule."""
    return next(finding["remedy"] for finding in document["findings"] if finding["rule"] == rule)


def rules_of(document):
    """Return the rules of all counted findings."""
    return {finding["rule"] for finding in document["findings"] if finding["suppression"] is None}


def command_in(text):
    """Return the arguments of the one tfcert command in a text."""
    (command,) = re.findall(r"`tfcert ([^`]+)`", text)
    return shlex.split(command)


def seed(aws, presented, *, made="2026-11-24T02:14:24Z"):
    """Seed AWS with the shared configuration of the acceptance tests."""
    aws.reset()
    aws.seed(
        SeedCertificate(id=OLD, expires_at=datetime.fromisoformat("2026-12-06T03:12:45Z")),
        SeedCertificate(
            id=NEW,
            created_at=datetime.fromisoformat(made),
            expires_at=datetime.fromisoformat("2027-11-24T02:14:24Z"),
        ),
        SeedApi(id="cqxck1bg8j", name="orders", stages={"prod": presented}),
        SeedApi(id="qlda1tzfie", name="payments", stages={"blue": presented, "green": presented}),
    )


@pytest.fixture
def introduced(tmp_path, fixtures):
    """Return a folder after introduce is applied; the stages present the old certificate."""
    folder = tmp_path / "home"
    shutil.copytree(fixtures / "acceptance/shared-1-introduce/config", folder)
    shutil.copyfile(fixtures / "acceptance/shared-2-repoint/terraform.tfstate", folder / STATE)
    return folder


@pytest.mark.parametrize(
    "made",
    ["2026-11-24T02:14:24Z", "2026-12-01T00:00:00Z"],
    ids=["after the window", "inside the window"],
)
def test_an_overdue_rotation_is_repointed_by_the_command_that_is_named(
    outcome, tfcert, aws, fixtures, introduced, made
):
    """The command in the remedy of rotation-overdue writes repoint, also within the trust
    window.
    """
    seed(aws, OLD, made=made)
    told = (STATE, "--as-of", "2026-12-02", "--config", ".")
    document, code = outcome(*told, cwd=introduced, environment=aws.environment())
    assert code == 1
    text = remedy_of(document, "rotation-overdue")
    verb, *options = command_in(text)
    assert bool(options) is ("trust window" in text)
    done = tfcert(verb, *told, *options, "--write", cwd=introduced, environment=aws.environment())
    assert done.returncode == 0, done.stderr
    after = fixtures / "acceptance/shared-2-repoint/config"
    assert {file.name: file.read_bytes() for file in introduced.glob("*.tf")} == {
        file.name: file.read_bytes() for file in after.glob("*.tf")
    }
    shutil.copyfile(fixtures / "acceptance/shared-3-retire" / STATE, introduced / STATE)
    seed(aws, NEW, made=made)
    document, code = outcome(*told, cwd=introduced, environment=aws.environment())
    assert "rotation-overdue" not in rules_of(document)
    assert code == 0


def test_an_overdue_rotation_whose_plan_moves_the_stages_is_applied(outcome, aws, fixtures):
    """After the plan that the remedy says to apply, rotation-overdue is gone."""
    seed(aws, OLD)
    folder = fixtures / "acceptance/shared-2-repoint"
    told = ("--config", folder / "config", "--as-of", "2026-12-02")
    document, code = outcome(folder / "plan.json", *told, environment=aws.environment())
    assert (remedy_of(document, "rotation-overdue"), code) == (
        "this plan moves the stages; apply it",
        0,
    )
    seed(aws, NEW)
    document, code = outcome(
        fixtures / "acceptance/shared-3-retire" / STATE, *told, environment=aws.environment()
    )
    assert "rotation-overdue" not in rules_of(document)
    assert code == 0


def test_a_premature_plan_is_fine_from_the_day_that_is_named(outcome, fixtures):
    """rotation-premature ends at the minute that its remedy names."""
    folder = fixtures / "acceptance/shared-2-repoint"
    told = (folder / "plan.json", "--config", folder / "config", "--offline")
    document, _ = outcome(*told, "--as-of", "2026-11-25")
    (day, hour) = re.search(
        r"do not apply before (\S+) (\d\d:\d\d) UTC", remedy_of(document, "rotation-premature")
    ).groups()
    named = datetime.fromisoformat(f"{day}T{hour}Z")
    before, _ = outcome(*told, "--as-of", (named - timedelta(minutes=1)).isoformat())
    assert "rotation-premature" in rules_of(before)
    then, _ = outcome(*told, "--as-of", named.isoformat())
    assert "rotation-premature" not in rules_of(then)


@pytest.mark.parametrize(
    ("plan", "phase"),
    [
        ("shared-2-repoint", "introduce"),
        ("single-phases-1-and-2", "introduce"),
        ("single-phases-1-and-2", "next"),
    ],
)
def test_a_plan_that_exceeds_its_phase_is_kept_to_the_patch_that_is_named(
    outcome, tfcert, fixtures, tmp_path, plan, phase
):
    """The patch command in the remedy writes the text whose recorded plan passes."""
    folder = fixtures / "acceptance" / plan
    document, code = outcome(
        folder / "plan.json",
        "--config",
        folder / "config",
        "--offline",
        "--expect",
        phase,
        "--as-of",
        "2026-11-24",
    )
    assert code == 1
    verb, *options = command_in(remedy_of(document, "plan-exceeds-phase"))
    assert options == ([] if phase == "next" else ["--phase", phase])
    home = tmp_path / "before"
    shutil.copytree(fixtures / "acceptance/shared-0-due/config", home)
    state = fixtures / "acceptance/shared-0-due" / STATE
    assert (
        tfcert(verb, state, "--config", ".", *options, *STORY, "--write", cwd=home).returncode == 0
    )
    right = fixtures / "acceptance/shared-1-introduce"
    assert {file.name: file.read_bytes() for file in home.glob("*.tf")} == {
        file.name: file.read_bytes() for file in (right / "config").glob("*.tf")
    }
    document, code = outcome(
        right / "plan.json",
        "--config",
        ".",
        "--offline",
        "--expect",
        phase,
        "--as-of",
        "2026-11-24",
        cwd=home,
    )
    assert (code, "plan-exceeds-phase" in rules_of(document)) == (0, False)


def entry(address=BACKEND, until="2026-12-01"):
    """Return an exemption of a policy as text."""
    return f'[[exemption]]\nrule = "{EXPIRING}"\naddress = "{address}"\nuntil = {until}\nreason = "moved soon"\n'


def with_policy(story, outcome, text):
    """Check the story with this policy, or with the default one."""
    path = story / "tfcert.toml"
    if text:
        path.write_text(text, encoding="utf-8")
    else:
        path.unlink()
    return outcome(STATE, *STORY, cwd=story)


def test_an_exemption_that_has_run_out_is_taken_away(outcome, story):
    """Without the expired exemption, as the remedy says, only the exempted finding remains."""
    document, _ = with_policy(story, outcome, entry(until="2026-11-01"))
    assert (
        remedy_of(document, "exemption-expired")
        == "remove it; the finding that it exempted counts again"
    )
    document, code = with_policy(story, outcome, "")
    assert (rules_of(document), code) == ({EXPIRING}, 1)


def test_an_exemption_that_nothing_needs_is_taken_away_or_corrected(outcome, story):
    """An unused exemption ends by removal, or by the address that the report shows."""
    document, _ = with_policy(story, outcome, entry(f"{BACKEND}_misspelt"))
    assert remedy_of(document, "exemption-unused") == "remove it, or correct the name in it"
    shown = next(
        finding["address"] for finding in document["findings"] if finding["rule"] == EXPIRING
    )
    document, code = with_policy(story, outcome, entry(shown))
    assert (rules_of(document), code) == (set(), 0)
    document, code = with_policy(story, outcome, "")
    assert (rules_of(document), code) == ({EXPIRING}, 1)


def test_an_exemption_that_is_too_long_ends_on_the_day_that_is_named(outcome, story):
    """An exemption that ends on the day in the remedy is valid; one day later it is not."""
    document, code = with_policy(story, outcome, entry(until="2027-06-01"))
    assert code == 1
    (day,) = re.search(
        r"^let it end on (\d{4}-\d\d-\d\d) at the latest$", remedy_of(document, "exemption-invalid")
    ).groups()
    document, code = with_policy(story, outcome, entry(until=day))
    assert (rules_of(document), code) == (set(), 0)
    later = f"{day[:-2]}{int(day[-2:]) + 1:02}"
    assert "exemption-invalid" in rules_of(with_policy(story, outcome, entry(until=later))[0])


def test_a_lineage_comment_that_cannot_be_read_is_written_as_it_is_named(outcome, introduced):
    """The comment form in the remedy, filled in, ends the finding."""
    file = introduced / "certificates.tf"
    right = file.read_text()
    wrong = right.replace("# tfcert: succeeds", "# tfcert: succeds")
    file.write_text(wrong)
    told = (STATE, "--config", ".", *STORY)
    document, _ = outcome(*told, cwd=introduced)
    (form,) = re.search(
        r"^write `([^`]+)` alone on the line above", remedy_of(document, "exemption-invalid")
    ).groups()
    (line,) = (line for line in wrong.splitlines() if "succeds" in line)
    assert "TYPE.NAME" in form
    file.write_text(wrong.replace(line, form.replace("TYPE.NAME", BACKEND)))
    assert file.read_text() == right
    document, _ = outcome(*told, cwd=introduced)
    assert "exemption-invalid" not in rules_of(document)
    file.write_text(wrong.replace(f"{line}\n", ""))
    document, _ = outcome(*told, cwd=introduced)
    assert "exemption-invalid" not in rules_of(document)


def test_a_certificate_that_nobody_presents_is_deleted_by_the_command_that_is_named(
    tfcert, aws, tmp_path
):
    """The AWS command in the remedy deletes the certificate, and the next scan does not find it."""
    aws.seed(
        SeedCertificate(id="lost01", expires_at=datetime.fromisoformat("2027-01-06T03:12:45Z")),
        SeedApi(id="rest1", stages={"a": None}),
    )
    scan = ("scan", "--format", "json", "--as-of", "2026-11-24", "--region", "us-east-1")

    def found():
        document = json.loads(tfcert(*scan, environment=aws.environment()).stdout)
        return [
            one["remedy"] for one in document["findings"] if one["rule"] == "certificate-unused"
        ]

    (text,) = found()
    (line,) = re.findall("`([^`]+)`", text)
    shim = tmp_path / "aws"
    shim.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / "tests/cli/aws_shim.py"))} "$@"\n'
    )
    shim.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), **aws.environment()}
    done = subprocess.run(
        ["sh", "-ec", line], env=environment, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert found() == []


def test_a_certificate_that_nobody_presents_is_taken_out_of_the_configuration(
    outcome, aws, introduced, fixtures
):
    """After an unused certificate is removed from the configuration and applied, the note
    is gone.
    """
    seed(aws, NEW)
    shutil.copyfile(fixtures / "acceptance/shared-3-retire" / STATE, introduced / STATE)
    for file in introduced.glob("*.tf"):
        file.unlink()
    told = (STATE, "--as-of", "2026-12-01")
    document, _ = outcome(*told, cwd=introduced, environment=aws.environment())
    assert (
        remedy_of(document, "certificate-unused")
        == "remove it from the configuration in a separate apply"
    )
    shutil.copyfile(fixtures / "acceptance/shared-4-rotated" / STATE, introduced / STATE)
    aws.reset()
    aws.seed(
        SeedCertificate(id=NEW, expires_at=datetime.fromisoformat("2027-11-24T02:14:24Z")),
        SeedApi(id="cqxck1bg8j", name="orders", stages={"prod": NEW}),
        SeedApi(id="qlda1tzfie", name="payments", stages={"blue": NEW, "green": NEW}),
    )
    document, code = outcome(*told, cwd=introduced, environment=aws.environment())
    assert (document["findings"], code) == ([], 0)


def test_a_name_that_is_taken_is_replaced_by_the_option_that_is_named(tfcert, story):
    """The option in the remedy for a taken name, with a free name, writes introduce."""
    with (story / "other.tf").open("a") as file:
        file.write('resource "aws_api_gateway_client_certificate" "backend_202611" {\n}\n')
    refused = tfcert("patch", STATE, *STORY, cwd=story)
    assert refused.returncode == 3
    (option,) = re.search(
        r"choose one with (--\w+)", " ".join(refused.stdout.decode().split())
    ).groups()
    done = tfcert("patch", STATE, *STORY, option, "backend_fresh", "--write", cwd=story)
    assert done.returncode == 0, done.stderr
    assert '"backend_fresh"' in (story / "certificate.tf").read_text()


WRAPPED = {
    "a text": lambda data: json.dumps(data.decode()).encode(),
    "a key": lambda data: b'{"result": ' + data + b"}",
    "a text at a key": lambda data: json.dumps({"stdout": data.decode()}).encode(),
    "a list": lambda data: b"[" + data + b"]",
    "UTF-32": lambda data: data.decode().encode("utf-32"),
}


@pytest.mark.parametrize("form", WRAPPED)
def test_a_document_inside_another_is_taken_out_by_the_line_that_is_named(tfcert, story, form):
    """The command that unwraps a wrapped document gives the same report as the document."""
    path = story / STATE
    (story / "wrapped.json").write_bytes(WRAPPED[form](path.read_bytes()))
    refused = tfcert("check", "wrapped.json", *STORY, cwd=story)
    assert refused.returncode == 2
    line = re.search("`((?:jq|iconv) [^`]+ FILE [^`]+)`", refused.stderr.decode())
    assert line is not None, refused.stderr
    tool = line[1].split()[0]
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    shim = story.parent / "bin" / "tfcert"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "from checker.cli import main; main()" "$@" {shlex.join(STORY)}\n'
    )
    shim.chmod(0o755)
    environment = {
        "PATH": f"{shim.parent}:/usr/bin:/bin",
        "HOME": str(story),
        "PYTHONPATH": str(ROOT),
    }
    typed = line[1].replace("FILE", "wrapped.json")
    done = subprocess.run(
        ["sh", "-c", typed],
        cwd=story,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert b"rj3hhn" in done.stdout
