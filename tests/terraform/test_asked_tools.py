"""Directories and binary plans: the calls of the tool and its answers.

The tools are small scripts.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from terraform_json import CERTIFICATE, plan, raw, raw_state

from checker.errors import UnreadableError
from checker.terraform.load import read_source
from checker.terraform.tool import Tool, run_tool

STATE = json.dumps(raw_state(raw(CERTIFICATE, "c", {"attributes": {"id": "c1"}})))


@pytest.fixture
def script(tmp_path):
    """Return a function that writes a tool as a shell script, which logs its arguments
    and folder.
    """

    def writing(body, name="terraform"):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        file = folder / name
        log = f'printf "%s|%s|%s|%s|%s\\n" "$*" "$PWD" "$TF_IN_AUTOMATION" "$TF_INPUT" "$TF_CLI_ARGS" >> {tmp_path}/log\n'
        file.write_text(f"#!/bin/sh\n{log}{body}\n")
        file.chmod(0o755)
        return Tool(
            path=str(file),
            name=name,
            environment={"PATH": os.environ["PATH"], "TF_CLI_ARGS": "-bad", "TF_LOG": "TRACE"},
        )

    return writing


@pytest.fixture
def directory(tmp_path):
    """Return a directory with a configuration file."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "main.tf").write_text("")
    return folder


def source(path, tool, **more):
    return read_source(str(path), tool=tool, stdin=lambda: b"", **more)


@pytest.mark.parametrize("name", ["terraform", "tofu"])
def test_a_directory_is_asked_for_its_state(script, directory, tmp_path, name):
    """`state pull` runs in the directory, without prompts and without TF_CLI_ARGS."""
    document = source(directory, script(f"cat <<'X'\n{STATE}\nX", name))
    assert [one.id for one in document.certificates] == ["c1"]
    assert (document.source.kind, document.source.path) == ("directory", str(directory))
    assert (tmp_path / "log").read_text() == f"state pull|{directory}|1|0|\n"


@pytest.mark.parametrize("name", ["main.tf", "main.tf.json", "main.tofu", "main.tofu.json"])
def test_every_kind_of_configuration_makes_a_directory_one(script, tmp_path, name):
    """A directory with any kind of configuration file is accepted, also with OpenTofu's
    suffixes.
    """
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / name).write_text("")
    assert source(folder, script(f"echo '{STATE}'")).certificates


def test_a_directory_without_configuration(script, tmp_path):
    """A directory without configuration is an error, and the remedy names a state file in it."""
    with pytest.raises(UnreadableError, match="has no Terraform configuration") as error:
        source(tmp_path, script("echo no"))
    assert error.value.where == str(tmp_path)
    (tmp_path / "terraform.tfstate").write_text(STATE)
    with pytest.raises(UnreadableError, match=rf"\(pass {tmp_path}/terraform.tfstate\)"):
        source(tmp_path, None)
    assert not (tmp_path / "log").exists()


def test_no_tool_to_ask(directory):
    """Without a tool, the remedy is to install one or to pass a state or plan file."""
    with pytest.raises(
        UnreadableError, match=r"neither terraform nor tofu.*install one.*state or plan file"
    ):
        source(directory, None)
    (directory / "terraform.tfstate").write_text(STATE)
    with pytest.raises(UnreadableError, match=rf"pass {directory}/terraform.tfstate"):
        source(directory, None)


@pytest.mark.parametrize("body", ["exit 0", "echo; exit 0"])
def test_nothing_has_been_applied(script, directory, body):
    """An empty answer of `state pull` is an error: nothing has been applied yet."""
    with pytest.raises(UnreadableError, match="nothing has been applied there yet"):
        source(directory, script(body))


FAILURE = """printf '\\033[31m╷\\n│ Error: Backend initialization required, please run "terraform init"\\n│ \\n│ Reason: x\\n╵\\033[0m\\n' >&2
echo '{"secret":"hunter2"}'; exit 1"""


def test_a_tool_that_fails(script, directory):
    """A failing tool is reported with its first error line and none of its other output."""
    with pytest.raises(UnreadableError) as error:
        source(directory, script(FAILURE))
    assert (
        error.value.message
        == '`terraform state pull` failed: Error: Backend initialization required, please run "terraform init"'
    )
    assert "terraform init" in error.value.remedy
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("exit 3", "it ended with code 3"),
        ("echo one >&2; echo two >&2; exit 1", "two"),
        ("kill -9 $$", "it ended with code -9"),
        ("printf 'Error: '; yes x | head -c 5000 | tr -d '\\n' >&2; exit 1", "x" * 299 + "…"),
    ],
)
def test_how_a_failure_is_summed_up(script, directory, body, complaint):
    """Without an error line, a failure is reported by the last line or the exit code, shortened."""
    assert run_tool(script(body), ("state", "pull"), str(directory)).complaint == complaint


def test_a_tool_that_never_ends(script, directory):
    """A tool that exceeds the time limit is stopped with its children."""
    tool = script(f"sleep 1000 & echo $! > {directory}/child; wait")
    started = time.monotonic()
    with pytest.raises(UnreadableError, match="did not end within 1 seconds"):
        run_tool(tool, ("state", "pull"), str(directory), seconds=1)
    assert time.monotonic() - started < 30
    child = Path("/proc", (directory / "child").read_text().strip(), "stat")
    while _is_alive(child):
        assert time.monotonic() - started < 60
        time.sleep(0.05)


def _is_alive(stat):
    """Return whether a process still runs; a zombie does not."""
    try:
        return not stat.read_text().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_tool_that_closes_its_output_and_stays(script, directory):
    """A tool that closes its output and keeps running is stopped at the time limit."""
    with pytest.raises(UnreadableError, match="did not end within 1 seconds"):
        run_tool(script("exec >&- 2>&-; sleep 1000"), ("x",), str(directory), seconds=1)


def test_a_tool_that_prints_without_end(script, directory):
    """A tool that exceeds the output limit is stopped."""
    with pytest.raises(UnreadableError, match="prints more than 1000000 bytes"):
        run_tool(script("yes"), ("x",), str(directory), most=1_000_000)
    assert run_tool(script("yes | head -c 30000000 >&2"), ("x",), str(directory)).complaint is None


def test_a_tool_that_cannot_be_started(directory, tmp_path):
    """A tool that cannot be started is an error that names the command."""
    (tmp_path / "t").write_text("not a program")
    tool = Tool(path=str(tmp_path / "t"), name="t", environment={})
    with pytest.raises(UnreadableError, match="`t state pull` could not be started"):
        run_tool(tool, ("state", "pull"), str(directory))


def test_a_tool_that_prints_something_else(script, directory):
    """An answer that is not JSON is an error that names the directory."""
    with pytest.raises(UnreadableError, match="is not valid JSON") as error:
        source(directory, script("echo hello"))
    assert error.value.where == str(directory)


def zipped(*names, declared=None):
    """Return a zip with these members; `declared` is the size that its directory claims
    for each.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            # The file has a fixed date, because all workers of a test run must collect the same
            # test names.
            archive.writestr(zipfile.ZipInfo(name), b"\0" * 10)
    parts = buffer.getvalue().split(b"PK\x01\x02")
    if declared is not None:
        parts[1:] = [part[:20] + declared.to_bytes(4, "little") + part[24:] for part in parts[1:]]
    return b"PK\x01\x02".join(parts)


@pytest.fixture
def planfile(tmp_path):
    """Return a zip with the members of a binary plan."""
    file = tmp_path / "plans" / "p.tfplan"
    file.parent.mkdir()
    file.write_bytes(zipped("tfplan", "tfstate", "tfconfig/m-/main.tf"))
    return file


def test_a_binary_plan_is_shown_by_its_tool(script, planfile, tmp_path, directory):
    """A binary plan is shown by the tool in its own folder, or in the folder of the
    configuration.
    """
    tool = script(f"echo '{json.dumps(plan())}'")
    assert source(planfile, tool).source.kind == "plan"
    assert source(planfile, tool, configuration=str(directory)).source.path == str(planfile)
    assert [line.split("|")[:2] for line in (tmp_path / "log").read_text().splitlines()] == [
        [f"show -json {planfile}", str(planfile.parent)],
        [f"show -json {planfile}", str(directory)],
    ]


def test_a_binary_plan_by_a_relative_path(script, planfile, monkeypatch):
    """A relative path of a binary plan is relative to the folder where tfcert runs."""
    monkeypatch.chdir(planfile.parent.parent)
    assert source("plans/p.tfplan", script(f"echo '{json.dumps(plan())}'")).plan is not None
    assert (
        (planfile.parent.parent / "log")
        .read_text()
        .startswith(f"show -json {planfile}|{planfile.parent}|")
    )


def test_a_binary_plan_without_a_tool(planfile):
    """Without a tool, the remedy for a binary plan is `show -json`."""
    with pytest.raises(UnreadableError, match=r"is a binary plan.*show -json"):
        source(planfile, None)


def test_a_binary_plan_on_standard_input(planfile):
    """A binary plan on standard input is refused, because the tool reads only files."""
    with pytest.raises(UnreadableError, match="binary plan on standard input"):
        read_source("-", tool=None, stdin=planfile.read_bytes)


def test_a_binary_plan_that_no_tool_can_be_given_as_it_lies(script, planfile):
    """A binary plan in a bucket, or compressed, is refused: the tool needs the file itself."""
    tool = script("echo never; exit 1")
    with pytest.raises(UnreadableError, match=r"binary plan in a bucket.*a file of its own"):
        read_source("s3://b/k", tool=tool, stdin=bytes, fetch=lambda _: planfile.read_bytes())
    packed = planfile.with_suffix(".gz")
    packed.write_bytes(gzip.compress(planfile.read_bytes()))
    with pytest.raises(UnreadableError, match=r"compressed once more.*a file of its own"):
        source(packed, tool)


def test_a_binary_plan_that_its_tool_cannot_read(script, planfile):
    """If the tool cannot read a binary plan, the remedy names `--config`."""
    with pytest.raises(
        UnreadableError, match=r"Error: Backend initialization required.*name that with --config"
    ) as error:
        source(planfile, script(FAILURE))
    assert error.value.where == str(planfile)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped("a.txt"), "is a zip, but not a Terraform plan"),
        (zipped(), "is empty|broken zip|not a Terraform plan|not valid JSON"),
        (zipped("tfplan")[:-20], "is a broken zip"),
        (b"PK\x03\x04" + b"x" * 100, "is a broken zip"),
        (
            zipped("tfplan", "a", "b", "c", declared=900 * 1024**2),
            "unpacks to far more than any plan",
        ),
    ],
    ids=["another", "empty", "cut", "broken", "bomb"],
)
def test_zips_that_no_tool_should_be_given(script, tmp_path, data, message):
    """A broken zip, another zip or a zip bomb is refused without starting the tool."""
    (tmp_path / "z").write_bytes(data)
    with pytest.raises(UnreadableError, match=message):
        source(tmp_path / "z", script("echo '{}'"))
    assert not (tmp_path / "log").exists()


def test_standard_input(fixtures):
    """A plan is read from standard input."""
    data = (fixtures / "formats/plan-noop.json").read_bytes()
    document = read_source("-", tool=None, stdin=lambda: data)
    assert (document.source.path, document.source.kind) == ("-", "plan")


def test_an_object_in_s3(fixtures):
    """An S3 object is read with the caller's fetch function; without one, the remedy uses the AWS
    CLI.
    """
    with pytest.raises(UnreadableError, match=r"aws s3 cp s3://b/k - \| tfcert check -"):
        read_source("s3://b/k", tool=None, stdin=lambda: b"")
    asked = []

    def fetch(url):
        asked.append(url)
        return (fixtures / "formats/state-basic.tfstate").read_bytes()

    assert read_source("s3://b/k", tool=None, stdin=lambda: b"", fetch=fetch).stages
    assert asked == ["s3://b/k"]


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform here")
def test_a_real_terraform(tmp_path, fixtures):
    """Real terraform pulls a local state without a provider, and gives none if nothing
    was applied.
    """
    (tmp_path / "main.tf").write_text("")
    tool = Tool(path=shutil.which("terraform"), name="terraform", environment=dict(os.environ))
    with pytest.raises(UnreadableError, match="nothing has been applied there yet"):
        source(tmp_path, tool)
    shutil.copy(fixtures / "rotation/03-apply2-repoint/terraform.tfstate", tmp_path)
    assert len(source(tmp_path, tool).stages) == 3
    (tmp_path / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    with pytest.raises(UnreadableError, match="`terraform state pull` failed: Error: "):
        source(tmp_path, tool)
