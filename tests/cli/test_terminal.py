"""On a terminal: the patch in colour and through a pager, links from findings to the pages of their rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checker.cli.terminal.links import has_links, rule_pages
from checker.cli.terminal.pager import show_patch
from checker.reports.text.coloured import coloured, shown_diff
from checker.reports.text.layout import TextSpan, Tone, wrapped

ROOT = Path(__file__).parents[2]
STATE = "terraform.tfstate"
PATCH = ("patch", STATE, "--offline", "--as-of", "2026-11-24")
CHECK = ("check", STATE, "--offline", "--as-of", "2026-11-24")
CODES = re.compile(r"\x1b\[[0-9;]*m")
# Runs tfcert with stdout as a terminal of 80 columns, prints what it writes there, and ends with its exit code.
TERMINAL = """
import os, pty, struct, sys, termios, fcntl
pid, side = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.dup2(9, 2)
    os.execv(sys.executable, [sys.executable, "-P", "-m", "checker", *sys.argv[1:]])
data = b""
while True:
    try:
        more = os.read(side, 65536)
    except OSError:
        break
    if not more:
        break
    data += more
sys.stdout.buffer.write(data)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.fixture
def terminal(tmp_path, story):
    """Run tfcert on a terminal: what it shows, what it prints on stderr, and its exit code."""

    def run(*arguments, **environment):
        with (tmp_path / "stderr").open("wb") as errors:
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    f"import os; os.dup2({errors.fileno()}, 9)\n{TERMINAL}",
                    *arguments,
                ],
                cwd=story,
                env={
                    "PATH": str(tmp_path / "bin"),
                    "HOME": str(story),
                    "TERM": "xterm",
                    "PYTHONPATH": str(ROOT),
                    **environment,
                },
                pass_fds=[errors.fileno()],
                capture_output=True,
                timeout=60,
                check=False,
            )
        shown = done.stdout.decode().replace("\r\n", "\n")
        return shown, (tmp_path / "stderr").read_text(), done.returncode

    return run


@pytest.fixture
def pager(tmp_path):
    """Make a program on the terminal's PATH from a shell script."""
    (tmp_path / "bin").mkdir()

    def make(name, script):
        file = tmp_path / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    return make


def test_the_diff_is_in_colour_and_says_the_same(terminal, tfcert, story):
    """Without its codes it is what a pipe gets, and a pipe gets no code."""
    piped = tfcert(*PATCH, cwd=story).stdout.decode()
    shown, _, code = terminal(*PATCH)
    assert code == 0
    assert "\x1b" not in piped
    assert CODES.sub("", shown) == piped
    assert (
        '\x1b[32m+resource "aws_api_gateway_client_certificate" "backend_202611" {\x1b[0m' in shown
    )
    assert re.search(r"^\x1b\[36m@@ .* @@.*\x1b\[0m$", shown, re.MULTILINE)
    assert re.search(r"^\x1b\[1m--- a/", shown, re.MULTILINE)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_none(terminal, tfcert, story, environment):
    """NO_COLOR and TERM=dumb are obeyed."""
    shown, _, code = terminal(*PATCH, **environment)
    assert (code, shown) == (0, tfcert(*PATCH, cwd=story).stdout.decode())


@pytest.mark.parametrize("variable", ["PAGER", "GIT_PAGER"])
def test_the_patch_goes_through_the_pager_and_the_notes_stay(terminal, pager, tmp_path, variable):
    """The pager gets the coloured patch; what to do next is printed after it."""
    pager("delta", 'echo "args: $* LESS: $LESS"; while read -r line; do echo "| $line"; done')
    shown, errors, code = terminal(*PATCH, **{variable: "delta --side 'by side'"})
    assert (code, errors) == (0, "")
    assert "args: --side by side LESS: FRX" in shown
    assert "| \x1b[1mdiff --git " in shown
    assert "\n# aws_api_gateway_client_certificate.backend: introduce is safe" in shown


def test_git_pager_wins_and_cat_is_none(terminal, pager):
    """As for git: GIT_PAGER before PAGER; `cat` and an empty value are no pager."""
    pager("loud", "echo LOUD; cat")
    for value in ("", "cat"):
        shown, errors, code = terminal(*PATCH, GIT_PAGER=value, PAGER="loud")
        assert (code, errors, "LOUD" in shown, "diff --git" in shown) == (0, "", False, True)


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}])
def test_a_pipe_and_a_dumb_terminal_start_no_pager(tfcert, terminal, pager, story, environment):
    """A pager is for terminals alone."""
    program = pager("loud", "echo LOUD; cat")
    if environment:
        assert "LOUD" not in terminal(*PATCH, PAGER="loud", **environment)[0]
    else:
        done = tfcert(*PATCH, cwd=story, environment={"PAGER": str(program)})
        assert b"LOUD" not in done.stdout


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "ended with exit code 3"),
        ("kill -9 $$", "ended with exit code -9"),
        (None, "broken is not a program"),
    ],
)
def test_a_pager_that_fails_hides_no_patch(terminal, pager, tfcert, story, script, says):
    """The patch is shown without it, stderr says why, and the exit code stays."""
    if script is not None:
        pager("broken", script)
    shown, errors, code = terminal(*PATCH, PAGER="broken")
    assert code == 0
    assert says in errors
    assert CODES.sub("", shown) == tfcert(*PATCH, cwd=story).stdout.decode()


def test_a_pager_that_is_left_early_changes_no_exit_code(terminal, pager):
    """As `q` in less does: the pager closes its input and ends well."""
    pager("early", "exec 0<&-; echo LEFT; exit 0")
    shown, errors, code = terminal(*PATCH, PAGER="early")
    assert (code, errors) == (0, "")
    assert "LEFT" in shown
    assert "diff --git" not in shown


def test_an_interrupt_in_the_pager_is_the_pagers(terminal, pager):
    """Ctrl-C in less stops a search: it reaches the whole group, and tfcert goes on."""
    pager("searching", "trap '' INT; while read -r line; do echo \"$line\"; done; kill -INT 0")
    shown, errors, code = terminal(*PATCH, PAGER="searching")
    assert (code, errors) == (0, "")
    assert "\n# aws_api_gateway_client_certificate.backend: introduce is safe" in shown


def test_a_pager_that_is_left_before_the_end_is_no_error(monkeypatch, pager, capfd):
    """The pipe of a long patch is full when the pager ends."""
    program = pager("early", 'read -r line; echo "$line"; exec 0<&-')
    monkeypatch.setenv("PAGER", str(program))
    monkeypatch.delenv("GIT_PAGER", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    show_patch(b"first\n" + b"line\n" * 400_000, paged=True)
    assert capfd.readouterr() == ("first\n", "")


def test_the_exit_code_is_that_of_the_patch(terminal, pager):
    """A rotation that is blocked is exit 3 behind any pager."""
    for script in ("cat", "exit 1", "exec 0<&-; exit 0"):
        pager("some", script)
        assert (
            terminal(
                *PATCH[:2], "--as-of", "2026-11-24", PAGER="some", AWS_EC2_METADATA_DISABLED="true"
            )[2]
            == 3
        )


def test_a_pager_of_the_checkout_is_not_started(terminal, story, tmp_path):
    """A relative entry of PATH names the current folder, whose files are not the user's."""
    (story / "less").write_text("#!/bin/sh\necho MINE\n")
    (story / "less").chmod(0o755)
    for path in (".", "", ":/nowhere"):
        shown, _, code = terminal(*PATCH, PAGER="less", PATH=path)
        assert (code, "MINE" in shown, "diff --git" in shown) == (0, False, True)


def test_what_is_in_a_file_does_not_act_on_the_terminal():
    """Escape sequences and a lone carriage return in a .tf file are shown, and every line keeps its colour."""
    diff = b"--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\x1b]8;;http://evil\x1b\\\r\n--- y\n+++ z\x9b2J\n \tb\n@@ no hunk\n"
    shown = "".join(shown_diff(diff, colours=True))
    assert CODES.sub("", shown) == (
        "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\\x1b]8;;http://evil\\x1b\\\\r\n--- y\n+++ z\\x9b2J\n \tb\n@@ no hunk\n"
    )
    # In a hunk, a removed `-- y` is no name of a file.
    assert "\x1b[31m--- y\x1b[0m\n\x1b[32m+++ z" in shown
    assert shown.endswith("\n@@ no hunk\n")
    assert "".join(shown_diff(diff, colours=False)) == CODES.sub("", shown)
    assert "".join(shown_diff(b"", colours=True)) == ""


LINK = re.compile(r"\x1b\]8;;([^\x1b]*)\x1b\\(.*?)\x1b\]8;;\x1b\\")


@pytest.mark.parametrize(
    ("environment", "linked"),
    [
        ({"TERM": "xterm-kitty"}, True),
        ({"VTE_VERSION": "7003"}, True),
        ({"VTE_VERSION": "5000"}, False),
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"WT_SESSION": "x"}, True),
        ({"TERM": "screen-256color", "VTE_VERSION": "7003"}, False),
        ({"TMUX": "x", "KONSOLE_VERSION": "230800"}, False),
        ({"TERM": "alacritty", "CI": "1"}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"FORCE_HYPERLINK": "1"}, True),
        ({"FORCE_HYPERLINK": "0", "TERM": "xterm-kitty"}, False),
    ],
)
def test_which_terminals_have_links(environment, linked):
    """Known terminals have them, and FORCE_HYPERLINK decides."""
    assert has_links(environment) is linked


def test_a_finding_leads_to_the_page_of_its_rule(terminal):
    """The rule's name is a link to the page that comes with tfcert, and the words are the same."""
    shown, _, code = terminal(*CHECK, FORCE_HYPERLINK="1")
    plain, _, _ = terminal(*CHECK, FORCE_HYPERLINK="0")
    ((address, text),) = LINK.findall(shown)
    assert code == 1
    assert CODES.sub("", text) == "certificate-expiring"
    host, _, path = address.removeprefix("file://").partition("/")
    assert host == os.uname().nodename
    assert Path(f"/{path}").read_text(encoding="utf-8").startswith("# certificate-expiring\n")
    assert CODES.sub("", LINK.sub(r"\2", shown)) == CODES.sub("", plain)


def test_the_policy_says_where_the_pages_are(terminal, story):
    """`rule_pages` of the policy is the folder of the links."""
    (story / "tfcert.toml").write_text('[comment]\nrule_pages = "https://pages.test/rules"\n')
    shown, _, _ = terminal(*CHECK, FORCE_HYPERLINK="1")
    assert [found[0] for found in LINK.findall(shown)] == [
        "https://pages.test/rules/certificate-expiring.md"
    ]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_there_is_no_link_without_colours_and_none_in_a_pipe(terminal, tfcert, story, environment):
    """Not even where FORCE_HYPERLINK asks for links."""
    assert "\x1b" not in terminal(*CHECK, FORCE_HYPERLINK="1", **environment)[0]
    assert b"\x1b" not in tfcert(*CHECK, cwd=story, environment={"FORCE_HYPERLINK": "1"}).stdout


def test_an_address_cannot_end_its_own_sequence():
    """A link with a control character, a space or a letter beyond ASCII is left out; text inside a link is escaped."""
    for bad in (
        "https://a\x1b\\evil",
        "https://a\x07",
        "https://a b",
        "https://\u00e4",
        "",
        "x" * 2001,
    ):
        (line,) = wrapped([TextSpan("rule", Tone.STRONG, link=bad)], 80)
        assert next(coloured([line])) == "\x1b[1mrule\x1b[0m"
    (line,) = wrapped([TextSpan("a\x1b]8;;\x1b\\b", link="https://a")], 80)
    assert next(coloured([line])) == "\x1b]8;;https://a\x1b\\a\\x1b]8;;\\x1b\\b\x1b]8;;\x1b\\"


def test_a_link_survives_wrapping():
    """A name that is broken over two lines is a link in both; what is beside it is none."""
    lines = list(
        wrapped([TextSpan("  in "), TextSpan("x" * 30, link="https://a"), TextSpan(" end")], 20)
    )
    linked = [LINK.findall(text) for text in coloured(lines)]
    assert "".join(found[1] for each in linked for found in each) == "x" * 30
    assert [LINK.sub(r"\2", text).rstrip() for text in coloured(lines)] == [
        line.plain for line in lines
    ]


def test_a_rule_without_a_page_has_no_link(monkeypatch):
    """A rule that is newer than the pages is plain text."""
    assert rule_pages(None)("no-such-rule") is None
    assert rule_pages("https://pages.test/")("a") == "https://pages.test/a.md"
