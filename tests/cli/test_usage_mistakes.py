"""Tests of mistakes on the command line: each error names the mistake, its place and the
correction, with exit code 2.
"""

from __future__ import annotations

import pytest

MISTAKES = {
    ("chek",): "chek: no such command (did you mean 'check'?)",
    ("policy", "shw"): "shw: no such command (did you mean 'show'?)",
    ("main.tf",): "main.tf: no such command (`tfcert check main.tf` judges it)",
    ("check", "--ofline"): "--ofline: no such option (did you mean '--offline'?)",
    ("check", "--thresold=3"): "--thresold: no such option (did you mean '--threshold'?)",
    ("check", "-Z"): "-Z: no such option (`tfcert check --help` lists the options)",
    (
        "scan",
        "--no-inline-exemptions",
    ): "--no-inline-exemptions: no such option (an option of check; `tfcert scan --help` lists those here)",
    (
        "--drift",
        "due",
    ): "--drift: no such option (options follow the command, as in `tfcert check --drift`)",
    ("check", "--policy"): "--policy: a value is missing (write --policy FILE)",
    ("check", "--offline=3"): "--offline: takes no value (write --offline alone)",
    (
        "check",
        "x",
        "--fail-on",
        "errr",
    ): "--fail-on: 'errr' is not one of 'error', 'warning', 'never' (did you mean 'error'?)",
    (
        "patch",
        "--phase=retired",
    ): "--phase: 'retired' is not one of 'next', 'introduce', 'repoint', 'retire', 'rollback', 'all' (did you mean 'retire'?)",
    (
        "check",
        "--threshold",
        "soon",
    ): "--threshold: 'soon' is not a whole number (`tfcert check --help` explains it)",
    (
        "check",
        "--notice",
        "-3",
    ): "--notice: -3 is not in the range x>=0 (`tfcert check --help` explains it)",
    ("comment",): "github|gitlab|azure|bitbucket: is missing (`tfcert comment --help` explains it)",
    (
        "comment",
        "gihub",
    ): "github|gitlab|azure|bitbucket: 'gihub' is not one of 'github', 'gitlab', 'azure', 'bitbucket' (did you mean 'github'?)",
    (
        "demo",
        "extra",
        "things",
    ): "extra: `tfcert demo` does not take this argument (`tfcert demo --help` shows what it takes)",
    (
        "rules",
        "a\x1b[2J",
        "b\x1b[2J",
    ): "b\\x1b[2J: `tfcert rules` does not take this argument (`tfcert rules --help` shows what it takes)",
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_a_mistake_is_one_line_with_what_to_do(tfcert, tmp_path, arguments):
    """Each mistake is one line on stderr with exit code 2, and prints nothing on stdout."""
    (tmp_path / "main.tf").write_text("")
    done = tfcert(*arguments, environment={"LANGUAGE": "de", "LC_ALL": "de_DE.UTF-8"})
    assert done.stderr.decode() == f"tfcert: error: {MISTAKES[arguments]}\n"
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_word_that_is_near_nothing_gets_the_list(tfcert):
    """An unknown command that resembles no other is answered with the list of all commands."""
    done = tfcert("frobnicate")
    assert done.returncode == 2
    assert b"`tfcert --help` explains them: check, patch, " in done.stderr
