"""Directories and binary plans: what the tool is asked, and what becomes of its answer. The tools are small scripts."""

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
    """A tool that is a shell script; it leaves in `log` what it was asked and where."""

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
    """A directory with configuration in it."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "main.tf").write_text("")
    return folder


def source(path, tool, **more):
    return read_source(str(path), tool=tool, stdin=lambda: b"", **more)


@pytest.mark.parametrize("name", ["terraform", "tofu"])
def test_a_directory_is_asked_for_its_state(script, directory, tmp_path, name):
    """There, without questions, and without arguments meant for other commands."""
    document = source(directory, script(f"cat <<'X'\n{STATE}\nX", name))
    assert [one.id for one in document.certificates] == ["c1"]
    assert (document.source.kind, document.source.path) == ("directory", str(directory))
    assert (tmp_path / "log").read_text() == f"state pull|{directory}|1|0|\n"


@pytest.mark.parametrize("name", ["main.tf", "main.tf.json", "main.tofu", "main.tofu.json"])
def test_every_kind_of_configuration_makes_a_directory_one(script, tmp_path, name):
    """OpenTofu's own suffixes too."""
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / name).write_text("")
    assert source(folder, script(f"echo '{STATE}'")).certificates


def test_a_directory_without_configuration(script, tmp_path):
    """It is not asked; a state file in it is named as the one to pass."""
    with pytest.raises(UnreadableError, match="has no Terraform configuration") as error:
        source(tmp_path, script("echo no"))
    assert error.value.where == str(tmp_path)
    (tmp_path / "terraform.tfstate").write_text(STATE)
    with pytest.raises(UnreadableError, match=rf"\(pass {tmp_path}/terraform.tfstate\)"):
        source(tmp_path, None)
    assert not (tmp_path / "log").exists()


def test_no_tool_to_ask(directory):
    """Then a state or plan file is the way, or the state that lies there."""
    with pytest.raises(
        UnreadableError, match=r"neither terraform nor tofu.*install one.*state or plan file"
    ):
        source(directory, None)
    (directory / "terraform.tfstate").write_text(STATE)
    with pytest.raises(UnreadableError, match=rf"pass {directory}/terraform.tfstate"):
        source(directory, None)


@pytest.mark.parametrize("body", ["exit 0", "echo; exit 0"])
def test_nothing_has_been_applied(script, directory, body):
    """`state pull` then prints nothing, and says that all is well."""
    with pytest.raises(UnreadableError, match="nothing has been applied there yet"):
        source(directory, script(body))


FAILURE = """printf '\\033[31m╷\\n│ Error: Backend initialization required, please run "terraform init"\\n│ \\n│ Reason: x\\n╵\\033[0m\\n' >&2
echo '{"secret":"hunter2"}'; exit 1"""


def test_a_tool_that_fails(script, directory):
    """Its first error is told in one plain line, and what it printed is not."""
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
    """By the last line where none is an error, or by the code, and never at length."""
    assert run_tool(script(body), ("state", "pull"), str(directory)).complaint == complaint


def test_a_tool_that_never_ends(script, directory):
    """It is stopped, and all that it started with it."""
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
    """Whether a process still runs; one that ended may lie there as a zombie."""
    try:
        return not stat.read_text().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_tool_that_closes_its_output_and_stays(script, directory):
    """The end of its output is not its own end."""
    with pytest.raises(UnreadableError, match="did not end within 1 seconds"):
        run_tool(script("exec >&- 2>&-; sleep 1000"), ("x",), str(directory), seconds=1)


def test_a_tool_that_prints_without_end(script, directory):
    """It is stopped at the limit, on both of its outputs."""
    with pytest.raises(UnreadableError, match="prints more than 1000000 bytes"):
        run_tool(script("yes"), ("x",), str(directory), most=1_000_000)
    assert run_tool(script("yes | head -c 30000000 >&2"), ("x",), str(directory)).complaint is None


def test_a_tool_that_cannot_be_started(directory, tmp_path):
    """A text file, or a directory that is gone."""
    (tmp_path / "t").write_text("not a program")
    tool = Tool(path=str(tmp_path / "t"), name="t", environment={})
    with pytest.raises(UnreadableError, match="`t state pull` could not be started"):
        run_tool(tool, ("state", "pull"), str(directory))


def test_a_tool_that_prints_something_else(script, directory):
    """The error then names the directory."""
    with pytest.raises(UnreadableError, match="is not valid JSON") as error:
        source(directory, script("echo hello"))
    assert error.value.where == str(directory)


def zipped(*names, declared=None):
    """A zip with these members; `declared` is the size that its directory claims for each."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            # With a date of its own: the workers of a test run must collect tests of the same names.
            archive.writestr(zipfile.ZipInfo(name), b"\0" * 10)
    parts = buffer.getvalue().split(b"PK\x01\x02")
    if declared is not None:
        parts[1:] = [part[:20] + declared.to_bytes(4, "little") + part[24:] for part in parts[1:]]
    return b"PK\x01\x02".join(parts)


@pytest.fixture
def planfile(tmp_path):
    """A zip with the members of a binary plan."""
    file = tmp_path / "plans" / "p.tfplan"
    file.parent.mkdir()
    file.write_bytes(zipped("tfplan", "tfstate", "tfconfig/m-/main.tf"))
    return file


def test_a_binary_plan_is_shown_by_its_tool(script, planfile, tmp_path, directory):
    """In the plan's directory, or in that of the configuration; the plan's path is absolute either way."""
    tool = script(f"echo '{json.dumps(plan())}'")
    assert source(planfile, tool).source.kind == "plan"
    assert source(planfile, tool, configuration=str(directory)).source.path == str(planfile)
    assert [line.split("|")[:2] for line in (tmp_path / "log").read_text().splitlines()] == [
        [f"show -json {planfile}", str(planfile.parent)],
        [f"show -json {planfile}", str(directory)],
    ]


def test_a_binary_plan_by_a_relative_path(script, planfile, monkeypatch):
    """Relative to where tfcert runs, not to where the tool does."""
    monkeypatch.chdir(planfile.parent.parent)
    assert source("plans/p.tfplan", script(f"echo '{json.dumps(plan())}'")).plan is not None
    assert (
        (planfile.parent.parent / "log")
        .read_text()
        .startswith(f"show -json {planfile}|{planfile.parent}|")
    )


def test_a_binary_plan_without_a_tool(planfile):
    """The way out is its JSON."""
    with pytest.raises(UnreadableError, match=r"is a binary plan.*show -json"):
        source(planfile, None)


def test_a_binary_plan_on_standard_input(planfile):
    """The tool reads files only."""
    with pytest.raises(UnreadableError, match="binary plan on standard input"):
        read_source("-", tool=None, stdin=planfile.read_bytes)


def test_a_binary_plan_that_no_tool_can_be_given_as_it_lies(script, planfile):
    """In a bucket, or compressed: the tool takes the plan's own file, and would complain of something else."""
    tool = script("echo never; exit 1")
    with pytest.raises(UnreadableError, match=r"binary plan in a bucket.*a file of its own"):
        read_source("s3://b/k", tool=tool, stdin=bytes, fetch=lambda _: planfile.read_bytes())
    packed = planfile.with_suffix(".gz")
    packed.write_bytes(gzip.compress(planfile.read_bytes()))
    with pytest.raises(UnreadableError, match=r"compressed once more.*a file of its own"):
        source(packed, tool)


def test_a_binary_plan_that_its_tool_cannot_read(script, planfile):
    """Another directory or another version is the usual reason."""
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
    """Broken ones, others, and bombs: the tool would unpack whatever it is given."""
    (tmp_path / "z").write_bytes(data)
    with pytest.raises(UnreadableError, match=message):
        source(tmp_path / "z", script("echo '{}'"))
    assert not (tmp_path / "log").exists()


def test_standard_input(fixtures):
    """A plan or a state that is piped in."""
    data = (fixtures / "formats/plan-noop.json").read_bytes()
    document = read_source("-", tool=None, stdin=lambda: data)
    assert (document.source.path, document.source.kind) == ("-", "plan")


def test_an_object_in_s3(fixtures):
    """It is read by what the caller gives for it; without that, the error says how else."""
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
    """A local state is pulled without a provider; a directory where nothing was applied has none."""
    (tmp_path / "main.tf").write_text("")
    tool = Tool(path=shutil.which("terraform"), name="terraform", environment=dict(os.environ))
    with pytest.raises(UnreadableError, match="nothing has been applied there yet"):
        source(tmp_path, tool)
    shutil.copy(fixtures / "rotation/03-apply2-repoint/terraform.tfstate", tmp_path)
    assert len(source(tmp_path, tool).stages) == 3
    (tmp_path / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    with pytest.raises(UnreadableError, match="`terraform state pull` failed: Error: "):
        source(tmp_path, tool)
