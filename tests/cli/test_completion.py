"""Completion in real shells, and the scripts of `tfcert completion`."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import typer
from equipped import ABSENCES, FOLDER, environment, find

from checker.cli.app import build
from checker.cli.usage.completion import completed_commands
from checker.cli.usage.shell_scripts import SCRIPTS

ROOT = Path(__file__).parents[2]
CERTIFICATE = "aws_api_gateway_client_certificate.backend"
# What a user types before TAB, and the line after it.
TYPED = {
    "tfcert ch": "tfcert check",
    "tfcert policy ex": "tfcert policy explain",
    "tfcert policy show --thr": "tfcert policy show --threshold",
    "tfcert check --sources": "tfcert check --sources-from",
    "tfcert check --format cyc": "tfcert check --format cyclonedx",
    "tfcert check --format=cyc": "tfcert check --format=cyclonedx",
    "tfcert scan --fail-on w": "tfcert scan --fail-on warning",
    "tfcert rules stage-d": "tfcert rules stage-detached",
    "tfcert bundle --for ngi": "tfcert bundle --for nginx",
    "tfcert completion po": "tfcert completion powershell",
    "tfcert patch --only aws": f"tfcert patch --only {CERTIFICATE}",
    "tfcert patch --only=aws": f"tfcert patch --only={CERTIFICATE}",
    "tfcert patch --config other --only mod": "tfcert patch --config other --only module.inner.aws_api_gateway_client_certificate.deep",
    "tfcert probe other --stage aws": "tfcert probe other --stage aws_api_gateway_stage.far",
    "tfcert check terra": "tfcert check terraform.tfstate",
    "tfcert check --config oth": "tfcert check --config other",
    "tfcert check -o rep": "tfcert check -o report.txt",
}
GOT = re.compile(rb"GOT<([^$>]*)>")
# How each shell is started, and what it reads first; `got` prints the line it is put before.
SHELLS = {
    "bash": (("--norc", "--noprofile", "-i"), 'got() { echo "GOT<$*>"; }'),
    "zsh": (("-i",), 'got() { echo "GOT<$*>"; }'),
    "fish": (("--no-config", "-i"), 'function got; echo "GOT<$argv>"; end'),
}
ZSH_FILES = """
unpacked=({folder}/usr/lib/*/zsh/*(N)); [[ -n $unpacked ]] && module_path=($unpacked)
unpacked=({folder}/usr/share/zsh/functions(N)); [[ -n $unpacked ]] && fpath=($unpacked/**/*(/N) $unpacked)
PS1='> '; bindkey -e; unsetopt beep
autoload -Uz compinit; compinit -u -D
"""


@pytest.fixture
def folder(tmp_path, story):
    """A root module with one certificate, and another one whose certificate is in a module."""
    (story / "other" / "inner").mkdir(parents=True)
    (story / "report.txt").write_text("")
    (story / "other" / "main.tf").write_text(
        'module "inner" {\n  source = "./inner"\n}\n'
        'resource "aws_api_gateway_stage" "far" {\n  stage_name = "far"\n'
        "  client_certificate_id = module.inner.id\n}\n"
    )
    (story / "other" / "inner" / "main.tf").write_text(
        'resource "aws_api_gateway_client_certificate" "deep" {\n}\n'
        'output "id" {\n  value = aws_api_gateway_client_certificate.deep.id\n}\n'
    )
    return story


@pytest.fixture
def tools(tmp_path, forking):
    """A folder with a `tfcert` that notes each start, and a `terraform` that must not be started."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    starts = tmp_path / "starts"
    starts.write_text("")
    for name, script in {
        "tfcert": f'echo "$*" >> {starts}\nexec {forking.command()} "$@"',
        "terraform": f'echo "TERRAFORM $*" >> {starts}',
    }.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (bin_folder / name).chmod(0o755)
    return bin_folder, starts


class Session:
    """An interactive shell on a terminal; every wait for it is bounded."""

    def __init__(self, command, cwd, env):
        self.shown = b""
        self.process, self._side = pty.fork()
        if self.process == 0:
            os.chdir(cwd)
            os.execve(command[0], command, env)

    def send(self, text):
        """Type a text."""
        os.write(self._side, text.encode())

    def wait(self, count, seconds=30):
        """Return the first results of `got`, when there are so many."""
        end = time.monotonic() + seconds
        while len(found := GOT.findall(self.shown)) < count:
            ready, _, _ = select.select([self._side], [], [], max(0, end - time.monotonic()))
            if not ready:
                pytest.fail(f"{len(found)} of {count}: {self.shown[-2000:]!r}")
            self.shown += os.read(self._side, 65536)
        return found

    def close(self):
        """End the shell, which this test started."""
        os.kill(self.process, 9)
        os.waitpid(self.process, 0)
        os.close(self._side)


def program(name):
    """The path of a shell; without it the test is skipped, or with CI set fails."""
    found = shutil.which(name) if name == "bash" else find(name)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(ABSENCES.get(name, f"no {name}"))
    return found


@pytest.mark.outside
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_what_is_typed(shell, folder, tools, tmp_path, tfcert):
    """Commands, options, values, files, folders and addresses; only for an address is tfcert started, and terraform never."""
    bin_folder, starts = tools
    arguments, define = SHELLS[shell]
    home = tmp_path / "home"
    home.mkdir()
    script = home / f"tfcert.{shell}"
    script.write_bytes(tfcert("completion", shell).stdout)
    (home / ".zshrc").write_text(ZSH_FILES.format(folder=FOLDER / "debian"))
    env = {
        **environment(),
        "PATH": f"{bin_folder}:/usr/bin:/bin",
        "HOME": str(home),
        "ZDOTDIR": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
    }
    env.pop("LD_LIBRARY_PATH") if "/debian/" not in program(shell) else None
    session = Session([program(shell), *arguments], folder, env)
    try:
        session.send(f"{define}\r")
        session.send(f"source {script}; got ready\r")
        assert session.wait(1) == [b"ready"]
        for number, typed in enumerate(TYPED, 2):
            # TAB, then to the beginning of the line.
            session.send(f"{typed}\t\x01got \r")
            session.wait(number)
        results = [text.decode().strip() for text in session.wait(len(TYPED) + 1)[1:]]
    finally:
        session.close()
    # zsh takes the slash after a folder away again when another key than a letter follows.
    assert dict(zip(TYPED, [text.rstrip("/") for text in results], strict=True)) == TYPED
    called = starts.read_text().splitlines()
    assert len(called) >= 4
    assert all(call.startswith("completion addresses ") for call in called), called


def test_a_name_in_a_file_cannot_run_a_command(folder, tools, tfcert):
    """A hostile label of a resource is no completion, and bash, which expands words, never sees it."""
    bin_folder, starts = tools
    (folder / "hostile.tf").write_text(
        "\n".join(
            f'resource "aws_api_gateway_client_certificate" "{name}" {{\n}}'
            for name in ("$(touch pwned)", "`touch pwned`", "a;touch pwned", "ok\\u001b[2J", "fine")
        )
    )
    done = tfcert(
        "completion", "addresses", "certificates", "--", "patch", "--only", "", cwd=folder
    )
    assert done.stdout.decode().split("\n") == [
        CERTIFICATE,
        "aws_api_gateway_client_certificate.fine",
        "",
    ]
    script = tfcert("completion", "bash").stdout.decode()
    code = f"{script}\nCOMP_WORDS=(tfcert patch --only aws); COMP_CWORD=3; _tfcert; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    shown = subprocess.run(
        [program("bash"), "--norc", "-c", code],
        cwd=folder,
        env={"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert shown.stdout.decode().split() == [CERTIFICATE, "aws_api_gateway_client_certificate.fine"]
    assert not (folder / "pwned").exists()
    assert "TERRAFORM" not in starts.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("certificates", "--", "patch", "--config", "nowhere"),
        ("certificates", "--", "patch", "--config"),
        ("stages", "--", "probe", "terraform.tfstate", "inner"),
        ("certificates", "--"),
    ],
)
def test_where_there_is_no_address_nothing_is_said(tfcert, tmp_path, words):
    """A completion that prints an error would write into the line that the user types."""
    done = tfcert("completion", "addresses", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_shell_that_is_not_known_is_named(tfcert):
    """With the nearest one, and with what there is."""
    done = tfcert("completion", "fsh")
    assert done.returncode == 2
    assert (
        b"tfcert: error: fsh: is not a shell that tfcert knows (did you mean 'fish'?)"
        in done.stderr
    )
    assert tfcert("completion").returncode == 2
    assert b"bash: `tfcert completion` does not take" in tfcert("completion", "zsh", "bash").stderr


@pytest.fixture(scope="module")
def known():
    """Every command with its options, as the scripts have them."""
    command = typer.main.get_command(build())
    context = command.context_class(command, None, "tfcert", **command.context_settings)
    return tuple(completed_commands(context))


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_script_has_every_command_and_option(tfcert, known, shell):
    """The scripts are static: nothing is asked when a command or an option is completed."""
    script = tfcert("completion", shell).stdout.decode()
    assert {each.path for each in known} >= {"", "check", "policy", "policy explain", "completion"}
    for each in known:
        for name, _ in each.commands:
            assert name in script
        for option in each.options:
            for name in option.names:
                plain = f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                assert (plain if shell == "fish" else name) in script, (each.path, name)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_right_for_its_shell(tfcert, tmp_path, shell):
    """The shell itself parses it."""
    file = tmp_path / "script"
    file.write_bytes(tfcert("completion", shell).stdout)
    done = subprocess.run(
        [program(shell), "-n", str(file)],
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_script_of_powershell_has_balanced_quotes(tfcert):
    """No PowerShell is in Debian, so this is all that is checked of it: quotes and brackets are closed."""
    script = tfcert("completion", "powershell").stdout.decode()
    code = re.sub(r"#.*", "", script)
    without = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "", code)
    assert "'" not in without
    for opening, closing in ("()", "{}", "[]"):
        assert without.count(opening) == without.count(closing)
