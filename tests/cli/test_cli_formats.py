"""`--format` on the command line: names, number and destinations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from checker.reports import FORMATS

STATE = "terraform.tfstate"
DAY_12 = ("check", STATE, "--offline", "--as-of", "2026-11-24")


def test_all_formats_at_once_each_to_its_file(tfcert, story):
    """Every format can be written in one run, each to its file, with the content of a
    single run.
    """
    wanted = [argument for name in FORMATS for argument in ("--format", f"{name}=report.{name}")]
    done = tfcert(*DAY_12, *wanted, "--format", "json", cwd=story)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["verdict"] == "findings"
    for name in FORMATS:
        if not FORMATS[name].patches:
            alone = tfcert(*DAY_12, "--format", name, cwd=story)
            assert (story / f"report.{name}").read_bytes() == alone.stdout
        assert (story / f"report.{name}").stat().st_size > 0


def test_the_help_names_every_format(tfcert):
    """The help of `check` names every format."""
    told = " ".join(tfcert("check", "--help").stdout.decode().split())
    assert [name for name in FORMATS if name not in told] == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["serif"], "did you mean 'sarif'?"),
        (["JSON"], "did you mean 'json'?"),
        (["openmetric=x.prom"], "did you mean 'openmetrics'?"),
        (["xyzzy"], "known: text, json"),
        (["json="], "names no file"),
        (["json", "text"], "two formats for one stdout"),
        (["json", "sarif=-"], "two formats for one stdout"),
        (["json=a.json", "sarif=./a.json"], "two formats for one file"),
        (["json=no/such/folder/a.json"], "No such file or directory"),
        (["json=."], "Is a directory"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(tfcert, story, wanted, said):
    """A wrong format or file is exit code 2 with a hint, and nothing is written."""
    before = sorted(story.iterdir())
    done = tfcert(
        *DAY_12, *(argument for name in wanted for argument in ("--format", name)), cwd=story
    )
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert done.stdout == b""
    assert sorted(story.iterdir()) == before


def test_a_dash_is_standard_output(tfcert, story):
    """`-` as the file of a format means standard output."""
    assert (
        tfcert(*DAY_12, "--format", "json=-", cwd=story).stdout
        == tfcert(*DAY_12, "--format", "json", cwd=story).stdout
    )
    assert not (story / "-").exists()


def test_a_reader_of_a_file_sees_the_old_report_or_the_new_one(tfcert, story):
    """A report is replaced atomically and keeps its mode, so a reader sees the old or the
    new one.
    """
    target = story / "tfcert.prom"
    target.write_text("# EOF\n")
    target.chmod(0o640)
    inode = target.stat().st_ino
    seen, over = set(), threading.Event()

    def read():
        while not over.is_set():
            seen.add(target.read_text()[-6:])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = tfcert(*DAY_12, "--format", f"openmetrics={target}", cwd=story)
    finally:
        over.set()
        reader.join(timeout=30)
    assert done.returncode == 1
    assert seen == {"# EOF\n"}
    assert target.stat().st_ino != inode
    assert target.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in story.iterdir() if file.name.endswith(".tfcert")] == []


def test_a_pipe_is_written_to_and_not_replaced(tfcert, story):
    """A report is written into a named pipe without replacing it."""
    pipe = story / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    done = tfcert(*DAY_12, "--format", f"json={pipe}", cwd=story)
    reader.join(timeout=30)
    assert done.returncode == 1
    assert json.loads(got[0])["verdict"] == "findings"
    assert pipe.is_fifo()


def test_forges_are_told_paths_from_the_repositorys_root(tfcert, story):
    """Formats for forges have paths from the repository's root; other formats, from the current
    folder.
    """
    subprocess.run(["git", "init", "--quiet"], cwd=story.parent, check=True, timeout=60)
    sarif = json.loads(tfcert(*DAY_12, "--format", "sarif", cwd=story).stdout)
    physical = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "story/certificate.tf"
    assert (
        b"file=story/certificate.tf,line=2"
        in tfcert(*DAY_12, "--format", "github", cwd=story).stdout
    )
    (issue,) = json.loads(tfcert(*DAY_12, "--format", "gitlab", cwd=story).stdout)
    assert issue["location"]["path"] == "story/certificate.tf"
    assert b"\ncertificate.tf:2: error" in tfcert(*DAY_12, cwd=story).stdout
    elsewhere = story.parent / "elsewhere"
    elsewhere.mkdir()
    arguments = (
        "check",
        f"../story/{STATE}",
        *DAY_12[2:],
        "--config",
        "../story",
        "--format",
        "gitlab",
    )
    (issue,) = json.loads(tfcert(*arguments, cwd=elsewhere).stdout)
    assert issue["location"]["path"] == "story/certificate.tf"


TERMINAL = """
import os, pty, sys
reader, writer = pty.openpty()
if os.fork() == 0:
    os.dup2(writer, 1)
    os.close(reader)
    from checker.cli import main
    sys.argv[1:] = {arguments!r}
    main()
os.close(writer)
data = b""
while True:
    try:
        more = os.read(reader, 65536)
    except OSError:
        break
    if not more:
        break
    data += more
sys.stdout.buffer.write(data)
"""


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_alone_and_no_color_is_obeyed(story, tfcert, environment, coloured):
    """Colour is used only on a terminal, and not with NO_COLOR; the words stay the same."""
    script = TERMINAL.format(arguments=list(DAY_12))
    plain = {
        "PATH": "",
        "HOME": str(story),
        "TERM": "xterm",
        "COLUMNS": "80",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=story,
        env={**plain, **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )
    shown = run.stdout.decode().replace("\r\n", "\n")
    assert ("\x1b[" in shown) is coloured
    assert shown.splitlines()[0].endswith("(1 error)")
    if not coloured:
        assert shown == tfcert(*DAY_12, cwd=story).stdout.decode()


def test_the_summary_of_a_github_step_is_added_with_its_patches(tfcert, story):
    """With the format github the step summary is appended with patches, up to GitHub's
    size limit.
    """
    summary = story / "summary.md"
    summary.write_text("# before\n")
    environment = {"GITHUB_STEP_SUMMARY": str(summary)}
    tfcert(*DAY_12, cwd=story, environment=environment)
    assert summary.read_text() == "# before\n"
    done = tfcert(*DAY_12, "--format", "github", cwd=story, environment=environment)
    assert (done.returncode, done.stderr) == (1, b"")
    text = summary.read_text()
    assert text.startswith("# before\n")
    assert "1-introduce" in text
    assert "```diff" in text
    summary.write_text("x" * (1024 * 1024 - 4000))
    assert tfcert(*DAY_12, "--format", "github", cwd=story, environment=environment).returncode == 1
    assert 1024 * 1024 - 4000 < summary.stat().st_size <= 1024 * 1024
    summary.write_text("x" * (1024 * 1024))
    full = tfcert(*DAY_12, "--format", "github", cwd=story, environment=environment)
    assert (full.returncode, summary.stat().st_size) == (1, 1024 * 1024)
    assert b"is full already" in full.stderr
    nowhere = tfcert(
        *DAY_12,
        "--format",
        "github",
        cwd=story,
        environment={"GITHUB_STEP_SUMMARY": str(story / "no" / "such")},
    )
    assert nowhere.returncode == 1
    assert b"no summary: " in nowhere.stderr


@pytest.mark.parametrize("option", ["-o", "--output"])
@pytest.mark.parametrize("name", ["text", "json", "sarif"])
def test_the_output_option_writes_the_one_format(tfcert, story, option, name):
    """The file has the bytes that stdout would have, and stdout has nothing."""
    alone = tfcert(*DAY_12, "--format", name, cwd=story)
    done = tfcert(*DAY_12, "--format", name, option, "report", cwd=story)
    assert (done.returncode, done.stdout) == (alone.returncode, b"") == (1, b"")
    assert (story / "report").read_bytes() == alone.stdout


def test_a_dash_as_output_is_stdout(tfcert, story):
    """`-o -` is the same as no option."""
    assert tfcert(*DAY_12, "-o", "-", cwd=story).stdout == tfcert(*DAY_12, cwd=story).stdout


@pytest.mark.parametrize("verb", ["check", "scan", "probe"])
@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--format", "json", "--format", "text"), "several formats for one file"),
        (("--format", "json=a", "--format", "text=b"), "several formats for one file"),
        (("--format", "json=report.json"), "two files for one format"),
        (("-o", ""), "names no file"),
    ],
)
def test_one_file_takes_one_format(tfcert, story, verb, more, says):
    """`-o FILE` with several formats, or with a format that has a file, is exit 2 and writes nothing."""
    before = sorted(story.iterdir())
    done = tfcert(verb, STATE, "-o", "out", *more, cwd=story)
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"tfcert: error: --output: {says}" in done.stderr.decode()
    assert sorted(story.iterdir()) == before


def test_the_output_is_no_input(tfcert, story):
    """A report does not replace the state that it is about."""
    before = (story / STATE).read_bytes()
    done = tfcert(*DAY_12, "-o", STATE, cwd=story)
    assert (done.returncode, (story / STATE).read_bytes()) == (2, before)
    assert b"--output: " in done.stderr


def test_a_bundle_is_written_by_the_same_option(tfcert, story):
    """`bundle -o FILE` is `bundle --out FILE`."""
    options = ("bundle", STATE, "--offline", "--as-of", "2026-11-24")
    for name, option in (("a", "--out"), ("b", "-o"), ("c", "--output")):
        assert tfcert(*options, option, name, cwd=story).returncode == 0
    assert (story / "a").read_bytes() == (story / "b").read_bytes() == (story / "c").read_bytes()
