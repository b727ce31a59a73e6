"""`tfcert probe` on the command line: real TLS calls through the emulator, exit codes and
consent.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from probe_root import (
    ACCOUNT,
    API,
    NEW,
    OLD,
    REGION,
    C,
    S,
    configuration,
    integrate,
    prepared,
    state,
)
from test_cli_probe_report import plan_of

from checker.demo.emulator import Hang, access_denied
from checker.model.x509 import fingerprint_of
from checker.reports.probe.document import probe_schema

ROOT = Path(__file__).resolve().parents[2]
HEALTH = ("--method", "GET /health")
BOTH = ("old", "new")


@pytest.fixture
def world(aws, tmp_path):
    """Return a rotation before repoint, whose backend trusts only the old certificate."""
    with prepared(aws, tmp_path) as found:
        yield found


@pytest.fixture
def run(tfcert, world):
    """Return a function that runs tfcert in the root module, against the emulator."""

    def go(*arguments, **more):
        environment = {**world.environment, **more.pop("environment", {})}
        return tfcert(*arguments, cwd=world.folder, environment=environment, **more)

    return go


@pytest.fixture
def probed(run):
    """Return a function that runs `tfcert probe --format json` and gives the valid document and
    exit code.
    """

    def go(*arguments, **more):
        done = run("probe", "state.json", *arguments, "--format", "json", **more)
        assert done.stdout, done.stderr.decode()
        document = json.loads(done.stdout)
        jsonschema.validate(document, probe_schema(), cls=jsonschema.Draft202012Validator)
        assert document["exit_code"] == done.returncode
        return document, done.returncode

    return go


def test_a_backend_refuses_the_successor_until_its_pem_is_there(world, run):
    """A refused successor is exit code 1, and after the backend trusts both it is 0.

    Only the announced calls are made.
    """
    done = run("probe", "state.json", *HEALTH, "--yes")
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.decode().split())
    assert f"trusts the predecessor only: {world.backend.url}" in text
    assert "1 backend refuses the successor (3 calls to backends)" in text
    assert world.invocations() == 3
    assert world.backend.requests == ("GET /health",)

    world.trust(*BOTH)
    done = run("probe", "state.json", *HEALTH, "--yes")
    assert done.returncode == 0, done.stdout
    assert b"every backend trusts the successor (3 calls to backends)" in done.stdout
    assert world.backend.requests == ("GET /health",) * 3


@pytest.mark.parametrize(
    ("trusted", "verdict", "code"),
    [
        (("old", "new"), "trusts both", 0),
        (("new",), "trusts the successor only", 0),
        (("old",), "trusts the predecessor only", 1),
        (None, "requires no certificate", 3),
        ((), "unknown", 3),
    ],
)
def test_each_verdict_has_its_exit_code(world, probed, trusted, verdict, code):
    """Each verdict has its exit code, and the document names stage, place, backend and
    fingerprints.
    """
    if trusted is None:
        world.backend.trust_anyone()
    else:
        world.trust(*trusted)
    document, found = probed(*HEALTH, "--yes")
    (backend,) = document["backends"]
    assert (backend["verdict"], found) == (verdict, code), backend
    assert backend["stage"] == {
        "address": f"{S}.live",
        "api_id": API,
        "name": "live",
        "account": ACCOUNT,
        "region": REGION,
    }
    assert backend["backend"] == world.backend.url
    for name, key, identity in (("old", "predecessor", OLD), ("new", "successor", NEW)):
        assert backend[key] == {
            "id": identity,
            "sha256_fingerprint": fingerprint_of(world.pems[name]),
        }


def test_a_backend_that_does_not_answer_is_not_confirmed(world, probed):
    """A backend that does not listen is not confirmed, exit code 3."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    integrate(world.aws.client("apigateway"), "down", f"https://127.0.0.1:{port}/down")
    document, code = probed("--method", "GET /down", "--yes")
    assert code == 3
    (backend,) = document["backends"]
    assert backend["backend"].endswith(f":{port}")
    assert backend["verdict"] in {"unreachable", "unknown"}


def test_a_dry_run_lists_the_calls_and_makes_none(world, run, probed):
    """`--dry-run` lists the calls and makes none."""
    document, code = probed(*HEALTH, "--dry-run")
    assert code == 0
    (planned,) = document["planned"]
    assert (planned["backend"], planned["method"]) == (world.backend.url, "GET /health")
    assert planned["callers"] == ["none", "predecessor", "successor"]
    done = run("probe", "state.json", *HEALTH, "--dry-run")
    assert b"dry run: 3 calls, none of them made" in done.stdout
    assert (world.invocations(), world.backend.requests) == (0, ())


def test_without_a_terminal_nobody_can_confirm(world, run):
    """Without a terminal and without --yes the exit code is 2, and AWS is not called."""
    done = run("probe", "state.json", *HEALTH)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--yes" in done.stderr
    assert not world.aws.calls()


def test_nothing_is_called_without_a_named_method(world, probed):
    """Without a method nothing is called, and the remedy names --method."""
    document, code = probed("--yes")
    assert code == 3
    (other,) = document["not_probed"]
    assert "--method" in other["remedy"] or "method" in other["reason"]
    assert (world.invocations(), world.backend.requests) == (0, ())


def test_any_get_takes_the_first_get(world, probed):
    """`--any-get` uses the first GET method."""
    world.trust(*BOTH)
    document, code = probed("--any-get", "--yes")
    assert (code, document["backends"][0]["method"]) == (0, "GET /health")


def test_the_policy_names_the_method_by_api_and_tag(world, probed):
    """The method comes from `[probe]`, a scope of the stage, or the option, which takes
    precedence.
    """
    world.trust(*BOTH)
    integrate(world.aws.client("apigateway"), "ready", f"{world.backend.url}/ready")
    policy = world.folder / "tfcert.toml"
    policy.write_text('[probe]\nmethod = "GET /health"\n')
    document, _ = probed("--yes")
    assert document["backends"][0]["method"] == "GET /health"
    policy.write_text(
        '[probe]\nmethod = "GET /health"\n\n[[scope]]\nstage = "li*"\nprobe.method = "GET /ready"\n'
    )
    document, _ = probed("--yes")
    assert document["backends"][0]["method"] == "GET /ready"
    document, _ = probed(*HEALTH, "--yes")
    assert document["backends"][0]["method"] == "GET /health"


def test_a_method_that_may_change_something_needs_unsafe(world, run):
    """A method that may change data needs --unsafe; without it the exit code is 2."""
    done = run("probe", "state.json", "--method", "POST /health", "--yes")
    assert done.returncode == 2
    assert b"--unsafe" in done.stderr
    (world.folder / "tfcert.toml").write_text('[probe]\nmethod = "DELETE /health"\n')
    done = run("probe", "state.json", "--yes")
    assert done.returncode == 2
    assert b"--unsafe" in done.stderr
    assert (world.invocations(), world.backend.requests) == (0, ())


def test_a_header_comes_from_the_environment_and_is_never_printed(world, run):
    """A header from an environment variable is sent and never printed; an unset variable is exit
    code 2.
    """
    world.trust(*BOTH)
    secret = "s3cret-TAINT"
    header = ("--header", "X-Token=env:PROBE_TOKEN")
    done = run("probe", "state.json", *HEALTH, *header, "--yes")
    assert done.returncode == 2
    assert b"PROBE_TOKEN is not set" in done.stderr
    for name in ("text", "json", "markdown", "html"):
        done = run(
            "probe",
            "state.json",
            *HEALTH,
            *header,
            "--yes",
            "--verbose",
            "--format",
            name,
            environment={"PROBE_TOKEN": secret},
        )
        assert done.returncode == 0, done.stderr
        assert secret.encode() not in done.stdout + done.stderr


def test_max_calls_is_a_limit(world, probed):
    """With `--max-calls` below three, the backend is not called and not confirmed."""
    world.trust(*BOTH)
    document, code = probed(*HEALTH, "--yes", "--max-calls", "2")
    assert (code, document["calls"], document["backends"]) == (3, 0, [])
    assert "--max-calls" in document["not_probed"][0]["remedy"]
    assert world.invocations() == 0


@pytest.mark.parametrize(
    ("option", "code"),
    [
        (("--certificate", f"{C}.old"), 0),
        (("--certificate", NEW), 0),
        (("--stage", f"{S}.live"), 0),
        (("--api", API), 0),
        (("--api", "other"), 2),
        (("--stage", f"{S}.liv"), 2),
        (("--certificate", "zzzzzz"), 2),
    ],
)
def test_the_user_may_choose_among_them(world, run, option, code):
    """`--certificate`, `--stage` and `--api` select rotations; an unknown name is exit code 2."""
    world.trust(*BOTH)
    done = run("probe", "state.json", *HEALTH, "--yes", *option)
    assert done.returncode == code, done.stderr
    assert (world.invocations() > 0) == (code == 0)


def test_a_rotation_whose_successor_is_not_there_yet_is_not_confirmed(world, probed):
    """Before introduce is applied, nothing is probed, exit code 3."""
    (world.folder / "main.tf").write_text(configuration().split("# tfcert")[0] + STAGE)
    found = state(world.pems)
    del found["resources"][1]
    (world.folder / "state.json").write_text(json.dumps(found))
    document, code = probed(*HEALTH, "--yes")
    assert (code, document["backends"]) == (3, [])
    assert "is not in state yet" in document["notices"][0]


def test_what_is_in_no_rotation_is_not_confirmed(world, probed):
    """A selected stage without a rotation is exit code 3, and nothing is called."""
    found = state(world.pems)
    other = json.loads(json.dumps(found["resources"][2])) | {"name": "idle"}
    other["instances"][0]["attributes"] |= {"client_certificate_id": "", "stage_name": "idle"}
    found["resources"].append(other)
    (world.folder / "state.json").write_text(json.dumps(found))
    document, code = probed(*HEALTH, "--yes", "--stage", f"{S}.idle")
    assert (code, document["backends"]) == (3, [])
    assert "no rotation that is under way" in document["notices"][0]
    assert world.invocations() == 0


STAGE = (
    f'resource "{S}" "live" {{\n  rest_api_id           = "{API}"\n  deployment_id         = "d"\n'
    f'  stage_name            = "live"\n  client_certificate_id = {C}.old.id\n}}\n'
)


def test_after_repoint_it_says_whether_the_predecessor_is_still_accepted(world, probed, run):
    """After repoint, the verdict says whether the backend still accepts the predecessor."""
    (world.folder / "main.tf").write_text(configuration("new"))
    (world.folder / "state.json").write_text(json.dumps(state(world.pems, presents=NEW)))
    for trusted, verdict in ((BOTH, "trusts both"), (("new",), "trusts the successor only")):
        world.trust(*trusted)
        document, code = probed(*HEALTH, "--yes")
        assert (code, document["backends"][0]["verdict"]) == (0, verdict)
    done = run("patch", "state.json", "--phase", "rollback", "--probe", *HEALTH)
    assert b"does not hold now" in done.stdout


def test_every_format_at_once(world, run):
    """Each format is written to its file; an output that is an input is exit code 2."""
    names = ("text", "json", "markdown", "html")
    options = [part for name in names for part in ("--format", f"{name}={name}.out")]
    assert run("probe", "state.json", *HEALTH, "--yes", *options).returncode == 1
    for name in names:
        assert "trusts the predecessor only" in (world.folder / f"{name}.out").read_text()
    assert run("probe", "state.json", "--yes", "--format", "sarif").returncode == 2
    done = run("probe", "state.json", *HEALTH, "--yes", "--format", "json=state.json")
    assert done.returncode == 2


def test_what_aws_denies_is_not_confirmed(world, probed):
    """A denied call is not confirmed, exit code 3."""
    world.aws.faults.inject("TestInvokeMethod", access_denied())
    document, code = probed(*HEALTH, "--yes")
    assert (code, document["backends"]) == (3, [])
    assert document["not_probed"][0]["remedy"]


# Probes that count as evidence


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "state.json"),
        ("patch", "state.json"),
        ("patch", "state.json", "--phase", "repoint"),
        ("scan", "state.json"),
        ("bundle", "state.json"),
        ("probe", "state.json", *HEALTH, "--dry-run"),
    ],
)
def test_i5_no_other_run_calls_a_backend(world, run, arguments):
    """I5: without --probe no command calls TestInvokeMethod or the backend."""
    (world.folder / "tfcert.toml").write_text('[probe]\nmethod = "GET /health"\n')
    done = run(*arguments)
    assert done.returncode in {0, 1, 3}, done.stderr
    assert world.aws.calls(), "AWS was asked"
    assert (world.invocations(), world.backend.requests) == (0, ())


def test_patch_and_check_take_the_answers_as_evidence(world, run):
    """`patch` and `check` with --probe use the answers: a refusal waits, trust makes
    repoint safe.
    """
    probe = ("--probe", *HEALTH)
    done = run("patch", "state.json", *probe)
    assert b"a backend does not trust the successor" in done.stdout, done.stderr
    assert b"@@" not in done.stdout
    done = run("check", "state.json", *probe, "--format", "json")
    (found,) = json.loads(done.stdout)["rotations"][0]["trust"]
    assert (found["backend"], found["status"]) == (world.backend.url, "refused")
    world.trust(*BOTH)
    done = run("patch", "state.json", *probe)
    assert b"repoint is safe" in done.stdout, done.stdout
    assert f"backend {world.backend.url} (probe): confirmed".encode() in done.stdout
    assert done.returncode == 0
    assert world.invocations() == 9


def test_the_report_of_a_probe_is_handed_on(world, run):
    """The report of `probe --format json` is used by `patch --probe-report`, which calls
    nothing.
    """
    world.trust(*BOTH)
    done = run("probe", "state.json", *HEALTH, "--yes", "--format", "json=probe.json")
    assert done.returncode == 0
    world.aws.forget_calls()
    report = ("--probe-report", "probe.json")
    done = run("patch", "state.json", *report)
    assert b"repoint is safe" in done.stdout, done.stdout + done.stderr
    assert world.invocations() == 0
    made = json.loads((world.folder / "probe.json").read_text())
    old = timedelta(hours=2)
    made["made_at"] = made["made_at"].replace("2026", "2025")
    (world.folder / "probe.json").write_text(json.dumps(made))
    done = run("patch", "state.json", *report)
    assert done.returncode == 2, old
    assert b"is older than" in done.stderr


def test_one_that_confirms_nothing_makes_a_check_inconclusive(world, run):
    """I4: an unconfirmed probe makes a check inconclusive, exit code 3."""
    world.backend.trust_anyone()
    done = run(
        "check", "state.json", "--probe", *HEALTH, "--fail-on", "never", "--policy", "loose.toml"
    )
    assert done.returncode == 2
    (world.folder / "loose.toml").write_text("threshold_days = 5\nnotice_days = 30\n")
    done = run("check", "state.json", "--probe", *HEALTH, "--policy", "loose.toml")
    assert done.returncode == 3, done.stdout
    assert b"requires no certificate" in done.stdout


# A terminal


def on_terminal(world, answer, *arguments):
    """Run a command on a terminal, answer its question, and return the exit code and the screen."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(world.folder)
        environment = {**world.environment, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        command = [sys.executable, "-c", "from checker.cli import main; main()", *arguments]
        os.execve(sys.executable, command, environment)
    screen, asked, budget = b"", False, time.monotonic() + 60
    while time.monotonic() < budget:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        screen += piece
        if not asked and b"[y/N]" in screen:
            asked = True
            os.write(terminal, answer)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), screen.decode(), asked


def test_on_a_terminal_it_asks_first(world):
    """On a terminal the calls are listed and confirmed first; any answer but yes calls nothing."""
    world.trust(*BOTH)
    for answer in (b"n\n", b"\n"):
        code, screen, asked = on_terminal(world, answer, "probe", "state.json", *HEALTH)
        assert (code, asked) == (3, True), screen
        assert "GET /health" in screen
        assert (world.invocations(), world.backend.requests) == (0, ())
    code, screen, _ = on_terminal(world, b"y\n", "probe", "state.json", *HEALTH)
    assert (code, world.invocations()) == (0, 3), screen
    code, screen, asked = on_terminal(world, b"", "probe", "state.json", *HEALTH, "--yes")
    assert (code, asked) == (0, False), screen


@pytest.mark.parametrize("file", ["", "=probe.json"])
def test_ctrl_c_reports_what_was_answered(world, file):
    """After Ctrl-C the report has the backend that answered, exit code 130."""
    world.trust(*BOTH)
    gateway = world.aws.client("apigateway")
    integrate(gateway, "slow", world.backend.url.replace("127.0.0.1", "localhost") + "/slow")
    world.aws.faults.inject("TestInvokeMethod", Hang(seconds=60), after=3)
    world.aws.forget_calls()
    command = [
        *(sys.executable, "-c", "from checker.cli import main; main()"),
        *(
            "probe",
            "state.json",
            *HEALTH,
            "--method",
            "GET /slow",
            "--yes",
            "--format",
            f"json{file}",
        ),
    ]
    child = subprocess.Popen(
        command,
        cwd=world.folder,
        env={**world.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        budget = time.monotonic() + 60
        while world.invocations() < 4 and time.monotonic() < budget:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130, err
    assert "Traceback" not in err
    out = (world.folder / "probe.json").read_text() if file else out
    document = json.loads(out)
    assert document["interrupted"]
    assert [each["verdict"] for each in document["backends"]] == ["trusts both"]
    assert len(document["not_probed"]) == 1
    assert not re.search(r"s3cret|BEGIN", out)


# The page and the permissions


def test_the_commands_of_the_page(world, run):
    """Each command of docs/probe.md runs, in the order of the page."""
    page = (ROOT / "docs/probe.md").read_text(encoding="utf-8")
    block = page.partition("```sh\n")[2].partition("```")[0]
    lines = [line.partition("#")[0].strip() for line in block.splitlines()]
    assert len(lines) == 5
    world.trust(*BOTH)
    (world.folder / "tfcert.toml").write_text('[probe]\nmethod = "GET /health"\n')
    plan_of(world.folder, NEW)
    codes = []
    for line in lines:
        command, _, file = line.partition(" > ")
        _, verb, *arguments = shlex.split(command)
        sources = () if "plan.json" in arguments else ("state.json",)
        done = run(verb, *sources, *arguments)
        assert b"no such option" not in done.stderr, done.stderr
        if file:
            (world.folder / file).write_bytes(done.stdout)
        codes.append(done.returncode)
    # The second command needs a terminal, and the last one finds the certificate that ends soon.
    assert codes == [0, 2, 0, 0, 0], codes


def test_a_probe_needs_no_more_than_its_policy_allows(world, run):
    """A probe calls only the operations that policies/iam/probe.json allows."""
    world.trust(*BOTH)
    assert run("probe", "state.json", *HEALTH, "--yes").returncode == 0
    assert {call.operation for call in world.aws.calls()} <= {
        "GetCallerIdentity",
        "GetResources",
        "GetStage",
        "TestInvokeMethod",
    }


@pytest.mark.parametrize(
    ("backend", "code", "says"),
    [
        ("https://elsewhere.example:443", 2, "which is not behind its API"),
        (None, 3, "the report of the probe does not have it"),
    ],
)
def test_a_report_is_compared_with_the_backends_of_now(world, run, backend, code, says):
    """A report about a backend that is not behind the API is exit code 2; a backend missing in it
    is not confirmed.
    """
    world.trust(*BOTH)
    if backend is None:
        other = world.backend.url.replace("127.0.0.1", "localhost")
        integrate(world.aws.client("apigateway"), "more", f"{other}/more")
    run("probe", "state.json", *HEALTH, "--yes", "--format", "json=probe.json")
    report = json.loads((world.folder / "probe.json").read_text())
    report["not_probed"] = []
    if backend is not None:
        report["backends"][0]["backend"] = backend
    (world.folder / "probe.json").write_text(json.dumps(report))
    world.aws.forget_calls()
    done = run("patch", "state.json", "--probe-report", "probe.json")
    assert done.returncode == code, done.stdout + done.stderr
    assert says in (done.stdout + done.stderr).decode()
    assert world.invocations() == 0
