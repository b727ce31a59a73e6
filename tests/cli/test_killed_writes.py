"""`patch --write` killed at each step: files are all old or all new, at once or after the
next run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from checker.cli import signals
from checker.cli.file_changes import write_all
from checker.cli.write_journal import settle
from checker.errors import UsageError
from checker.model.configuration_files import JOURNAL
from checker.patches.patch import FileChange

ROOT = Path(__file__).resolve().parents[2]
CATCHABLE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a step is: a call that changes something on the disk. TFCERT_KILL_ALL=1 tries every step with every signal.
STEPS = ("open", "write", "fsync", "close", "link", "replace", "unlink", "chmod")
EVERY = os.environ.get("TFCERT_KILL_ALL") == "1"

CHANGES = (
    *(
        FileChange(
            path=f"f{number:02}.tf",
            before=b"# before %d\n" % number,
            after=b"# after %d\n" % number,
        )
        for number in range(26)
    ),
    *(
        FileChange(path=f"../module/m{number}.tf", before=b"# before\n", after=b"# after\n")
        for number in range(2)
    ),
    *(FileChange(path=f"new{number}.tf", before=None, after=b"# new\n") for number in range(2)),
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return a root module with a local module. 28 of their files are edited and two are new."""
    # This step is also counted. It takes no time here, because a killed process loses no written
    # data.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    place = tmp_path / "repository" / "live"
    place.mkdir(parents=True)
    (place.parent / "module").mkdir()
    lay(place)
    return place


def lay(place):
    for folder in (place, place.parent / "module"):
        for file in folder.iterdir():
            file.unlink()
    for change in CHANGES:
        if change.before is not None:
            (place / change.path).write_bytes(change.before)


def texts(place):
    """Return each file of the repository."""
    return {
        str(file.relative_to(place.parent)): file.read_bytes()
        for file in place.parent.rglob("*")
        if file.is_file()
    }


def as_it_should(place, *, new):
    found = (
        (os.path.normpath(Path("live", each.path)), each.after if new else each.before)
        for each in CHANGES
    )
    return {path: text for path, text in found if text is not None}


def killed(action, number, at, *, names=STEPS):
    """Run an action in a child that sends itself a signal before step `at`, and return the exit
    code.

    The code is negative for a signal, 0 if the action ended first, and 99 if it raised
    KeyboardInterrupt.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signals.listen()
        with counted(lambda count: count == at and os.kill(os.getpid(), number), names):
            action()
    except KeyboardInterrupt:
        os._exit(99)
    except BaseException:  # noqa: BLE001 -- the parent is told by the code
        os._exit(98)
    os._exit(0)


def write(place):
    write_all(str(place), CHANGES, within=place.parent)


def steps(action):
    """Return the number of steps of an action."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return int(os.read(reader, 20))
    plain = os.write
    with counted(lambda _: None) as count:
        action()
    plain(writer, b"%d" % count[0])
    os._exit(0)


@contextmanager
def counted(each, names=STEPS):
    """Call `each` with the number of each step before the step."""
    count = [0]
    plain = {name: getattr(os, name) for name in names}

    def stepping(step):
        def stepped(*arguments, **more):
            count[0] += 1
            each(count[0])
            return step(*arguments, **more)

        return stepped

    for name, step in plain.items():
        setattr(os, name, stepping(step))
    yield count


def test_sigkill_at_each_step(root):
    """After SIGKILL at any step, the next run restores all old or all new files and says so."""
    total = steps(lambda: write(root))
    assert total > 250
    seen = set()
    for at in range(1, total + 2, 1 if EVERY else 6):
        lay(root)
        code = killed(lambda: write(root), signal.SIGKILL, at)
        left = texts(root)
        said = settle(root, within=root.parent)
        after = texts(root)
        assert after in (as_it_should(root, new=False), as_it_should(root, new=True)), at
        assert code == (-signal.SIGKILL if at <= total else 0), at
        if left != after:
            assert said is None or "was killed" in said
        seen.add((after == as_it_should(root, new=True), said is not None))
    # Both outcomes occurred, each with files left to clean up.
    assert {(False, True), (True, True)} <= seen


def test_sigkill_in_the_run_that_restores(root):
    """A restoring run that is killed at any step is completed by the next run."""
    for at in range(1, 600, 1 if EVERY else 11):
        half_written(root)
        code = killed(lambda: settle(root, within=root.parent), signal.SIGKILL, at)
        settle(root, within=root.parent)
        assert texts(root) == as_it_should(root, new=False), at
        if not code:
            return
    raise AssertionError("the restoring run never ended by itself")


def half_written(root):
    """Kill a write before its 15th rename."""
    lay(root)
    assert killed(lambda: write(root), signal.SIGKILL, 15, names=("replace",)) == -signal.SIGKILL
    found = texts(root)
    assert (found["live/f00.tf"], found["live/f25.tf"]) == (b"# after 0\n", b"# before 25\n")


@pytest.mark.parametrize("number", CATCHABLE, ids=[each.name for each in CATCHABLE])
def test_a_signal_that_can_be_met_leaves_all_or_none_at_once(root, number):
    """A catchable signal at any step leaves all old or all new files without another run."""
    total = steps(lambda: write(root))
    codes = set()
    for at in range(1, total + 2, 1 if EVERY else 13):
        lay(root)
        code = killed(lambda: write(root), number, at)
        assert texts(root) == as_it_should(root, new=code == 0), (at, code)
        codes.add(code)
    assert codes == {0, 99}


@pytest.fixture
def killed_midway(root):
    """Return a repository where a write was killed between two renames."""
    half_written(root)
    assert (root / JOURNAL).exists()
    return root


def refused(root, *, reason):
    before = texts(root)
    with pytest.raises(UsageError, match=reason):
        settle(root, within=root.parent)
    assert texts(root) == before


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, timeout=60, check=True
    )


def test_a_journal_that_git_tracks_is_not_followed(killed_midway):
    """A journal that git tracks is refused; an untracked one is used."""
    git(killed_midway.parent, "init", "--quiet")
    git(killed_midway.parent, "add", "--force", f"live/{JOURNAL}")
    refused(killed_midway, reason="git tracks it")
    git(killed_midway.parent, "commit", "--quiet", "--message", "planted")
    refused(killed_midway, reason="git tracks it")
    git(killed_midway.parent, "rm", "--cached", "--quiet", f"live/{JOURNAL}")
    assert "is as it was" in settle(killed_midway, within=killed_midway.parent)


def test_a_journal_whose_repository_does_not_answer_is_not_followed(killed_midway, monkeypatch):
    """A journal is refused if git does not answer, because it may be planted."""
    (killed_midway.parent / ".git").write_text("gitdir: nowhere\n")
    refused(killed_midway, reason="git does not tell")
    monkeypatch.setenv("PATH", "")
    refused(killed_midway, reason="git does not tell")


def test_a_journal_of_somebody_else_is_not_followed(killed_midway):
    """A journal with another owner or with another mode is refused."""
    (killed_midway / JOURNAL).chmod(0o644)
    refused(killed_midway, reason="other users may read it")
    (killed_midway / JOURNAL).chmod(0o600)
    if os.geteuid() == 0:
        os.chown(killed_midway / JOURNAL, 65534, 65534)
        refused(killed_midway, reason="another user owns it")


def test_a_journal_that_was_copied_or_linked_is_not_followed(killed_midway):
    """A copied or linked journal is refused."""
    journal = killed_midway / JOURNAL
    journal.rename(killed_midway / "aside")
    journal.write_bytes((killed_midway / "aside").read_bytes())
    journal.chmod(0o600)
    refused(killed_midway, reason="it was copied here")
    journal.unlink()
    journal.symlink_to("aside")
    refused(killed_midway, reason="cannot be opened")
    journal.unlink()
    os.link(killed_midway / "aside", journal)
    refused(killed_midway, reason="not a plain file")
    journal.unlink()
    os.mkfifo(journal, 0o600)
    refused(killed_midway, reason="not a plain file")


def rewrite(root, change):
    """Change the document of a journal in place."""
    with (root / JOURNAL).open("r+b") as stream:
        document = json.loads(stream.read())
        change(document)
        stream.seek(0)
        stream.truncate()
        stream.write(json.dumps(document).encode() + b"\n")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../../outside.tf", "outside"),
        ("/etc/hostname", "outside"),
        ("../.git/config", "outside"),
        ("link/outside.tf", "a symbolic link leads to"),
        ("linked.tf", "a symbolic link leads to"),
        ("f00.tf/../f01.tf", "names a file twice"),
        ("other.tf", "neither the text before nor the text after"),
        ("nul\0.tf", "not one that tfcert wrote"),
    ],
)
def test_a_journal_that_names_what_it_may_not_is_not_followed(killed_midway, name, reason):
    """A journal that names a file outside the repository, in .git, through a link or twice is
    refused.
    """
    outside = killed_midway.parent.parent / "outside.tf"
    outside.write_bytes(b"# after 0\n")
    (killed_midway / "link").symlink_to(outside.parent)
    (killed_midway / "linked.tf").symlink_to(outside)
    (killed_midway / "other.tf").write_bytes(b"something else\n")
    rewrite(killed_midway, lambda document: document["files"][0].__setitem__(0, name))
    refused(killed_midway, reason=reason)
    assert outside.read_bytes() == b"# after 0\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(tfcert=2),
        lambda document: document.update(token="../../x"),
        lambda document: document.update(files=[]),
        lambda document: document.update(files=[["f00.tf", "x", "y"]]),
        lambda document: document.update(files=7),
        lambda document: document.pop("token"),
    ],
)
def test_a_journal_in_another_form_is_not_followed(killed_midway, change):
    """A journal in another form is refused."""
    rewrite(killed_midway, change)
    refused(killed_midway, reason="not one that tfcert wrote")


def test_a_file_that_changed_since_is_not_restored(killed_midway):
    """A file that was edited after the kill is not restored."""
    keep = (killed_midway / "f25.tf").read_bytes()
    (killed_midway / "f25.tf").write_bytes(b"edited since\n")
    refused(killed_midway, reason="neither the text before nor the text after")
    (killed_midway / "f25.tf").write_bytes(keep)
    (old,) = (file for file in killed_midway.glob(".tfcert-*-0.old"))
    old.write_bytes(b"not what it says\n")
    refused(killed_midway, reason=r"the old text of .*f00\.tf is not there")
    wanted = hashlib.sha256(b"not what it says\n").hexdigest()
    assert wanted.encode() not in (killed_midway / JOURNAL).read_bytes()


def test_two_runs_at_once(root):
    """A second run is refused while the first one writes."""
    lay(root)
    reader, writer = os.pipe()
    ready, done = os.pipe()
    child = os.fork()
    if not child:
        plain = os.link

        def waits(*arguments, **more):
            os.write(done, b"x")
            os.read(reader, 1)
            os.link = plain
            return plain(*arguments, **more)

        os.link = waits
        write(root)
        os._exit(0)
    os.read(ready, 1)
    with pytest.raises(UsageError, match="another tfcert is writing here"):
        write(root)
    os.write(writer, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert texts(root) == as_it_should(root, new=True)


# Tests of the command line with real system calls.


strace = shutil.which("strace")


@pytest.fixture
def thirty(tmp_path):
    """Return a root module with 30 files that introduce edits, all due."""
    place = tmp_path / "thirty"
    place.mkdir()
    resources = []
    for number in range(30):
        name = f"c{number:02}"
        (place / f"{name}.tf").write_text(
            f'resource "aws_api_gateway_client_certificate" "{name}" {{\n  description = "{name}"\n}}\n\n'
            f'resource "aws_api_gateway_stage" "{name}" {{\n  rest_api_id           = "lo64vzqnaj"\n  deployment_id         = "d"\n'
            f'  stage_name            = "{name}"\n  client_certificate_id = aws_api_gateway_client_certificate.{name}.id\n}}\n'
        )
        resources += [
            resource(
                "aws_api_gateway_client_certificate",
                name,
                {"id": f"cert{number:02}", "expiration_date": "2026-12-06T01:39:35Z"},
            ),
            resource(
                "aws_api_gateway_stage",
                name,
                {
                    "id": f"ags-lo64vzqnaj-{name}",
                    "arn": f"arn:aws:apigateway:us-east-1::/restapis/lo64vzqnaj/stages/{name}",
                    "rest_api_id": "lo64vzqnaj",
                    "stage_name": name,
                    "client_certificate_id": f"cert{number:02}",
                },
            ),
        ]
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "x",
        "outputs": {},
        "resources": resources,
    }
    (place / "terraform.tfstate").write_text(json.dumps(state))
    return place


def resource(kind, name, attributes):
    return {
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
    }


PATCH = ("patch", "terraform.tfstate", "--offline", "--as-of", "2026-11-24", "--write")
# Each case has the number of a call: the first, a middle one, the last, and one while old files are
# removed.
CALLS = (
    ("rename", 15),
    ("linkat", 15),
    ("rename", 1),
    ("rename", 30),
    ("fsync", 20),
    ("unlink", 10),
    ("unlink", 61),
)


def run(place, *before):
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place.parent),
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": cache,
    }
    command = [*before, sys.executable, "-c", "from checker.cli import main; main()", *PATCH]
    return subprocess.run(
        command, cwd=place, env=environment, capture_output=True, timeout=120, check=False
    )


def content(place):
    return {file.name: file.read_bytes() for file in place.iterdir()}


@pytest.mark.skipif(strace is None, reason="strace is not installed here")
@pytest.mark.parametrize("number", [signal.SIGKILL, *CATCHABLE], ids=lambda number: number.name)
def test_by_the_command_line_at_a_system_call(thirty, number, tfcert):
    """A signal at a system call of `--write` gives its exit code, and all or no files are
    written.
    """
    old = content(thirty)
    # The runs without a signal need no new interpreter.
    assert tfcert(*PATCH, cwd=thirty).returncode == 0
    new = content(thirty)
    assert sum(old[name] != new[name] for name in old) == 30
    for call, at in CALLS if EVERY else CALLS[:2]:
        for file in thirty.iterdir():
            file.unlink()
        for name, text in old.items():
            (thirty / name).write_bytes(text)
        inject = f"inject={call}:signal={number.name}:when={at}"
        done = run(
            thirty, strace, "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject
        )
        said = done.stderr.decode()
        assert "Traceback" not in said
        if number is signal.SIGKILL:
            assert done.returncode in {-9, 137}
            again = tfcert(*PATCH, cwd=thirty)
            assert again.returncode == 0
            if set(content(thirty)) == set(new) and b"nothing to do" not in again.stdout:
                assert b"was killed" in again.stderr
            assert content(thirty) == new
            continue
        assert done.returncode == 128 + number, (call, at, said)
        assert content(thirty) in (old, new)
        assert re.search(
            r"tfcert: interrupted.*: (every file is as it was|introduce is written in full)", said
        ), said


def test_a_journal_that_is_too_large_or_leads_to_no_file_is_not_followed(killed_midway):
    """A journal of another size than tfcert writes, and one about what is no file, are refused."""
    first = killed_midway / "f25.tf"
    text = first.read_bytes()
    first.unlink()
    os.mkfifo(first)
    with pytest.raises(UsageError, match="not a regular file"):
        settle(killed_midway, within=killed_midway.parent)
    first.unlink()
    first.write_bytes(text)
    journal = killed_midway / JOURNAL
    size = journal.stat().st_size
    os.truncate(journal, 512 * 1024**2)
    refused(killed_midway, reason="it is too large")
    os.truncate(journal, size)
    assert "is as it was" in settle(killed_midway, within=killed_midway.parent)
