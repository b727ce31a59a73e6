"""Tests of `tfcert doctor`: it has the exit codes of `tfcert check`, repeats no call, starts no
tool, writes nothing and shows no secret.
"""

from __future__ import annotations

import json
import stat
import zipfile
from datetime import UTC, datetime

import pytest
from granting import allows, grants

from checker.demo.emulator import (
    AnswerFault,
    Hang,
    SeedAcm,
    SeedApi,
    SeedCertificate,
    SeedRole,
    access_denied,
)
from checker.demo.emulator.faults import Injection

STATE = "terraform.tfstate"
LATER = datetime(2027, 11, 1, tzinfo=UTC)
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
# Half a year before the recorded end: no finding hides what is not known.
AS_OF = ("--as-of", "2026-06-01")


@pytest.fixture
def there(aws):
    """Return the emulator with the certificate and stages of the README's state."""
    aws.seed(
        SeedCertificate(id="rj3hhn", expires_at=LATER),
        SeedApi(id="tytvdpoyw3", name="billing", stages={"live": "rj3hhn"}),
        SeedApi(id="lo64vzqnaj", name="orders", stages={"live": "rj3hhn", "test": "rj3hhn"}),
    )
    return aws


@pytest.fixture
def tool(tmp_path):
    """Write a terraform that logs each start and prints a version and a state.

    Return its PATH and a function that reads the log.
    """
    folder, notes = tmp_path / "bin", tmp_path / "started"
    folder.mkdir()
    program = folder / "terraform"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {notes}\n'
        'case "$1" in version) echo \'{"terraform_version": "1.99.0"}\' ;;\n'
        f"state) exec cat {tmp_path / 'pulled.json'} ;; *) exit 1 ;; esac\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def started():
        return notes.read_text().splitlines() if notes.exists() else []

    return f"{folder}:/usr/bin:/bin", started


def rows(done):
    """Return the lines of a report by their subject: the word, and the text with its remedy."""
    found = {}
    name = None
    for line in done.stdout.decode().splitlines()[1:-1]:
        if line[2:3] != " ":
            word, name = line[2:11].strip(), line[11:25].strip()
            found[name] = [word, line[25:]]
        else:
            found[name][1] += f" {line.strip()}"
    return {name: tuple(parts) for name, parts in found.items()}


def nothing(_aws, _folder):
    """Change nothing."""


def denied(operation):
    return lambda aws, _folder: aws.faults.add(
        Injection(operation=operation, fault=access_denied())
    )


def expired(aws, _folder):
    answer = AnswerFault(status=403, code="ExpiredTokenException", message="expired")
    for operation in ("GetCallerIdentity", "GetClientCertificates", "GetStages"):
        aws.faults.add(Injection(operation=operation, fault=answer))


def silent(aws, _folder):
    for operation in ("GetCallerIdentity", "GetClientCertificates", "GetStages"):
        aws.faults.add(Injection(operation=operation, fault=Hang(seconds=5)))


def elsewhere(_aws, folder):
    state = folder / STATE
    state.write_text(state.read_text().replace("123456789012", "222222222222"))


def entered(aws, folder):
    elsewhere(aws, folder)
    role = "arn:aws:iam::222222222222:role/audit"
    aws.seed(SeedRole(arn=role))
    (folder / "tfcert.toml").write_text(f'[accounts."222222222222"]\nrole = "{role}"\n')


def empty(_aws, folder):
    state = json.loads((folder / STATE).read_text())
    (folder / STATE).write_text(json.dumps({**state, "resources": []}))


def cut(_aws, folder):
    (folder / STATE).write_bytes((folder / STATE).read_bytes()[:900])


def misspelt(_aws, folder):
    (folder / "tfcert.toml").write_text("treshold_days = 3\n")


def without_bundle(_aws, folder):
    (folder / "tfcert.toml").write_text(
        '[trust.backends.orders]\nstages = "*"\nbundle = "gone.pem"\n'
    )


WORLDS = {
    "all is there": (nothing, {}, (), 0),
    "certificates may not be listed": (denied("GetClientCertificates"), {}, (), 3),
    "stages may not be listed": (denied("GetStages"), {}, (), 3),
    "credentials that have expired": (expired, {}, (), 3),
    "no credentials": (nothing, {"AWS_ACCESS_KEY_ID": ""}, (), 3),
    "a profile that is not there": (nothing, {}, ("--profile", "gone"), 3),
    "AWS does not answer": (silent, {}, ("--timeout", "0.5"), 3),
    "nothing listens": (nothing, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, ("--timeout", "1"), 3),
    "the state of another account": (elsewhere, {}, (), 3),
    "a role in the other account": (entered, {}, (), None),
    "no credentials and nothing to ask": (empty, {"AWS_ACCESS_KEY_ID": ""}, (), 0),
    "offline": (denied("GetClientCertificates"), {}, ("--offline",), 0),
    "a state that was cut": (cut, {}, (), 2),
    "no such state": (lambda _aws, folder: (folder / STATE).unlink(), {}, (), 2),
    "a policy with a misspelt key": (misspelt, {}, (), 2),
    "a backend's bundle that is not there": (without_bundle, {}, (), 2),
    "a tool that is not there": (nothing, {}, ("--tool", "terrafrom"), 2),
    "a folder of .tf files that is not there": (nothing, {}, ("--config", "gone"), 2),
}


@pytest.mark.parametrize("world", WORLDS)
def test_it_ends_as_check_would(tfcert, there, story, world):
    """The exit code of `doctor` is that of `check`, except 0 for findings, and each problem has a
    remedy.
    """
    change, variables, options, expected = WORLDS[world]
    change(there, story)
    environment = there.environment() | variables
    done = tfcert("doctor", STATE, *options, cwd=story, environment=environment)
    check = tfcert("check", STATE, *AS_OF, *options, cwd=story, environment=environment)
    judged = 0 if check.returncode == 1 else check.returncode
    assert (done.returncode, done.stderr) == (judged, b""), done.stdout.decode()
    if expected is not None:
        assert done.returncode == expected
    for word, text in rows(done).values():
        assert word not in ("unknown", "error") or "-> " in text, text


def test_a_whole_report_has_ten_lines(tfcert, there, story, tool):
    """A report without problems has the eight subjects and a result, in lines of at most 80
    columns.
    """
    path, _ = tool
    done = tfcert("doctor", STATE, cwd=story, environment=there.environment({"PATH": path}))
    assert list(rows(done)) == [
        "policy", "tool", "state", "configuration", "AWS region", "AWS identity", "permissions", "forge token",
    ]  # fmt: skip
    printed = done.stdout.decode().splitlines()
    assert max(map(len, printed)) <= 80
    assert printed[-1] == "tfcert check has what it needs here"


@pytest.mark.parametrize("recorded", [True, False])
def test_each_call_of_the_policy_is_made_once(tfcert, aws, tmp_path, story, recorded):
    """`doctor` makes each call that policies/iam/check.json allows exactly once and no other, even
    without a readable state.
    """
    aws.seed(
        SeedCertificate(id="rj3hhn", expires_at=LATER),
        SeedAcm(arn=ARN, expires_at=LATER),
        SeedApi(id="tytvdpoyw3", stages={"live": "rj3hhn"}),
        SeedApi(id="sock1", kind="websocket", stages={"prod": "rj3hhn"}),
    )
    state = story / STATE
    state.write_text(state.read_text().replace('"client_certificate_id": "rj3hhn"', f'"client_certificate_id": "{ARN}"', 1))  # fmt: skip
    aws.calls()
    before = len(aws.calls())
    source = STATE if recorded else "terraform.tfplan"
    done = tfcert("doctor", source, cwd=story, environment=aws.environment())
    calls = aws.calls()[before:]
    assert done.returncode == (0 if recorded else 2), done.stdout.decode()
    assert [call for call in calls if not any(allows(grant, call) for grant in grants("check.json"))] == []  # fmt: skip
    unused = {
        grant[0] for grant in grants("check.json") if not any(allows(grant, call) for call in calls)
    }
    # The certificate of ACM is only known from a state.
    assert unused == (set() if recorded else {"acm:DescribeCertificate"})
    asked = [call.iam for call in calls]
    assert len(asked) == len(set(asked)), asked


def test_a_denied_call_is_named_with_what_to_allow(tfcert, there, story):
    """A denied call is reported with its region and policy, and the other calls are still made."""
    there.faults.add(Injection(operation="GetStage", fault=access_denied()))
    done = tfcert("doctor", STATE, cwd=story, environment=there.environment())
    word, text = rows(done)["permissions"]
    assert (done.returncode, word) == (3, "unknown")
    assert "GetStage in region us-east-1" in text
    assert "policies/iam/check.json" in text
    assert "GetApis" in {call.operation for call in there.calls()}


def test_a_file_that_is_not_terraform_is_named(tfcert, story):
    """With its line; it is a note, since the run goes on without what the file has."""
    (story / "broken.tf").write_text("{{{\n")
    done = tfcert("doctor", STATE, "--offline", cwd=story)
    word, text = rows(done)["configuration"]
    assert (done.returncode, word) == (0, "note")
    assert text.startswith("5 .tf files, modules included; broken.tf:1: ")
    assert "`terraform validate` shows" in text


def test_without_a_region_nothing_is_asked(tfcert, story, there):
    """Where neither the environment nor the source names one: the line about the region has the remedy."""
    state = story / STATE
    state.write_text(state.read_text().replace("us-east-1", ""))
    environment = there.environment({}) | {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    done = tfcert("doctor", STATE, cwd=story, environment=environment)
    assert done.returncode == 3
    assert rows(done)["AWS region"][0] == "unknown"
    assert rows(done)["AWS identity"] == ("note", "not asked: the region is not known")
    assert there.calls() == ()


def in_a_backend(folder):
    (folder / "backend.tf").write_text('terraform {\n  backend "s3" {}\n}\n')


def in_a_workspace(folder):
    (folder / ".terraform").mkdir()
    (folder / ".terraform/environment").write_text("blue")


def never_applied(folder):
    (folder / STATE).unlink()


def plain(_folder):
    """Leave the folder with its own terraform.tfstate."""


def planned(folder):
    with zipfile.ZipFile(folder / "plan.bin", "w") as archive:
        archive.writestr("tfplan", "x")


FOLDERS = {
    "in a backend": (in_a_backend, ".", True),
    "of another workspace": (in_a_workspace, ".", True),
    "of no file": (never_applied, ".", True),
    "in the folder": (plain, ".", False),
    "in a binary plan": (planned, "plan.bin", True),
}


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("case", FOLDERS)
def test_no_tool_is_started_unless_asked(tfcert, story, tool, tmp_path, there, case, offline):
    """Without `--run-tools` no tool is started: a state that only terraform can read is unknown,
    and the report names this option.
    """
    change, source, needs = FOLDERS[case]
    change(story)
    (tmp_path / "pulled.json").write_bytes((story.parent / "story" / "billing.tf").read_bytes())
    path, started = tool
    given = ("--offline",) if offline else ()
    done = tfcert("doctor", source, *given, cwd=story, environment=there.environment({"PATH": path}))  # fmt: skip
    word, text = rows(done)["state"]
    assert started() == []
    refused = offline and case == "in a backend"
    assert word == ("error" if refused else "unknown" if needs else "ok"), text
    assert ("--run-tools" in text) is (needs and not refused)
    assert done.returncode == (2 if refused else 3 if needs else 0)


def test_with_run_tools_the_tool_is_asked_and_reads_the_state(
    tfcert, fixtures, story, tool, tmp_path, there
):
    """With `--run-tools` terraform prints its version and the state, as for `check`."""
    in_a_backend(story)
    (tmp_path / "pulled.json").write_bytes((fixtures / "readme" / STATE).read_bytes())
    path, started = tool
    done = tfcert("doctor", "--run-tools", cwd=story, environment=there.environment({"PATH": path}))
    found = rows(done)
    assert done.returncode == 0, done.stdout.decode()
    assert started() == ["version -json", "state pull"]
    assert found["tool"][1].startswith("terraform 1.99.0 ")
    assert found["state"][1] == (
        ".: the folder's state that 1.11.4 wrote, with 1 client certificate and 3 stages"
    )


PULLS = {
    "a state": ("state) cat terraform.tfstate ;;", ".", 0),
    "nothing": ("state) ;;", ".", 2),
    "an error": ('state) echo "Error: no backend" >&2; exit 1 ;;', ".", 2),
    "other text": ("state) echo hello ;;", ".", 2),
    "a state, but no version": (
        "version) exit 1 ;; state) cat terraform.tfstate ;;",
        ".",
        0,
    ),
    "no version, and no tool is needed": ("version) exit 1 ;;", STATE, 0),
    "no plan": ("show) exit 1 ;;", "plan.bin", 2),
    "another workspace's state": ("state) cat terraform.tfstate ;;", "blue", 0),
}


@pytest.mark.parametrize("case", PULLS)
def test_with_run_tools_it_ends_as_check_would(tfcert, there, story, tmp_path, case):
    """What the tool prints or fails with makes the same exit code in both."""
    answers, source, code = PULLS[case]
    program = tmp_path / "terraform"
    program.write_text(f'#!/bin/sh\ncase "$1" in {answers} *) echo "{{}}" ;; esac\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    planned(story)
    if source == "blue":
        in_a_workspace(story)
        source = "."
    environment = there.environment({"PATH": f"{tmp_path}:/usr/bin:/bin"})
    done = tfcert("doctor", source, "--run-tools", cwd=story, environment=environment)
    check = tfcert("check", source, *AS_OF, cwd=story, environment=environment)
    assert (done.returncode, check.returncode) == (code, code), done.stdout + check.stderr


def snapshot(folder):
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_writes_nothing(tfcert, story, tmp_path, there):
    """`doctor` writes nothing, neither in the current folder nor in the home folder."""
    before = snapshot(tmp_path)
    done = tfcert("doctor", STATE, cwd=story, environment=there.environment())
    assert done.returncode == 0
    assert snapshot(tmp_path) == before


TOKENS = {
    ("GITHUB_TOKEN", "ghs_SECRETsecretSECRET"): "an installation token",
    ("GITHUB_TOKEN", "github_pat_SECRETsecret"): "a fine-grained personal token",
    ("GITHUB_TOKEN", "SECRETsecretSECRET"): "of a kind that its beginning does not tell",
    ("GITLAB_TOKEN", "glpat-SECRETsecret"): "an access token of a project",
    ("GITLAB_TOKEN", "glcbt-SECRETsecret"): "a token of this kind cannot comment",
    ("SYSTEM_ACCESSTOKEN", "eyJSECRETsecret"): "a job's token",
    ("BITBUCKET_TOKEN", "ATCTT3SECRETsecret"): "an access token of a repository",
}


@pytest.mark.parametrize("variable", TOKENS, ids=lambda variable: variable[1][:6])
def test_a_token_is_named_by_its_kind_and_never_shown(tfcert, story, variable):
    """A forge token is reported by its kind, no part of it is printed, and it does not change the
    exit code.
    """
    done = tfcert("doctor", STATE, "--offline", cwd=story, environment=dict([variable]))
    text = " ".join(rows(done)["forge token"][1].split())
    assert done.returncode == 0
    assert variable[0] in text
    assert TOKENS[variable] in text
    assert b"SECRET" not in done.stdout + done.stderr


def test_names_of_others_are_text(tfcert, tmp_path, there):
    """Terminal and workflow commands in a folder's name are printed with escapes."""
    folder = tmp_path / "a\x1b[31mred\n::error::x"
    folder.mkdir()
    done = tfcert("doctor", str(folder), environment=there.environment())
    assert done.returncode == 2
    assert b"\x1b" not in done.stdout
    assert b"\n::error" not in done.stdout


def test_credentials_are_in_no_line(tfcert, story, there):
    """The report contains neither the secret key nor the session token of the environment."""
    secrets = {"AWS_SECRET_ACCESS_KEY": "SECRETsecret", "AWS_SESSION_TOKEN": "SECRETtoken"}
    done = tfcert("doctor", STATE, cwd=story, environment=there.environment() | secrets)
    assert b"SECRET" not in done.stdout + done.stderr
