"""Writing edited files: all or none, complete, and only inside the repository."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from checker.cli.atomic_write import replace_file
from checker.cli.file_changes import write_all
from checker.errors import TfcertError, UsageError
from checker.patches.patch import FileChange

DAY_12 = ("terraform.tfstate", "--offline", "--as-of", "2026-11-24")
NOBODY = 65534
A = FileChange(path="a.tf", before=b"a\n", after=b"A\n")
B = FileChange(path="b.tf", before=b"b\n", after=b"B\n")
NEW = FileChange(path="new.tf", before=None, after=b"N\n")


@pytest.fixture
def folder(tmp_path):
    """Return a folder with two files inside the writable repository."""
    place = tmp_path / "repository" / "live"
    place.mkdir(parents=True)
    for change in (A, B):
        (place / change.path).write_bytes(change.before)
    return place


def texts(place):
    """Return each file of a folder by name."""
    return {file.name: file.read_bytes() for file in sorted(place.iterdir())}


def names(place):
    """Return the names in a folder, with links and folders."""
    return sorted(entry.name for entry in place.iterdir())


def write(place, *changes, within=None):
    """Write changes within the repository."""
    return write_all(str(place), changes, within=within or place.parent)


def test_all_are_written_and_nothing_is_left_behind(folder):
    """All files are written, edited ones keep their mode, and no temporary file remains."""
    (folder / "a.tf").chmod(0o640)
    before = os.umask(0o027)
    try:
        assert write(folder, A, B, NEW) == (folder / "a.tf", folder / "b.tf", folder / "new.tf")
    finally:
        os.umask(before)
    assert texts(folder) == {"a.tf": b"A\n", "b.tf": b"B\n", "new.tf": b"N\n"}
    assert (folder / "a.tf").stat().st_mode & 0o7777 == 0o640
    assert (folder / "new.tf").stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize(
    "spoil",
    [
        lambda place: (place / "b.tf").write_bytes(b"somebody else's\n"),
        lambda place: (place / "b.tf").unlink(),
        lambda place: (place / "new.tf").write_bytes(b"somebody else's\n"),
        lambda place: ((place / "b.tf").unlink(), (place / "b.tf").mkdir()),
        lambda place: (
            (place / "b.tf").rename(place / "c.txt"),
            (place / "b.tf").symlink_to("c.txt"),
        ),
        lambda place: (place / "new.tf").symlink_to(place / "nowhere"),
    ],
    ids=["changed", "gone", "there by now", "a folder", "a link", "a link to nothing"],
)
def test_one_that_cannot_be_written_keeps_all_from_it(folder, spoil):
    """If one file cannot be written, none is, and the error names it."""
    spoil(folder)
    before = {name: (folder / name).lstat().st_ino for name in names(folder)}
    with pytest.raises(TfcertError, match="nothing was changed") as caught:
        write(folder, A, B, NEW)
    assert caught.value.where.startswith(str(folder))
    assert {name: (folder / name).lstat().st_ino for name in names(folder)} == before
    assert (folder / "a.tf").read_bytes() == b"a\n"


@pytest.mark.parametrize("way", ["..", "a link to a folder", "an absolute path"])
def test_nothing_outside_the_repository_is_written(folder, tmp_path, way):
    """A file outside the repository is not written: not by `..`, a link or an absolute path."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.tf").write_bytes(b"a\n")
    (folder / "link").symlink_to(outside)
    path = {"..": "../../outside", "a link to a folder": "link", "an absolute path": str(outside)}[
        way
    ]
    for change in (
        FileChange(path=f"{path}/a.tf", before=b"a\n", after=b"A\n"),
        FileChange(path=f"{path}/n.tf", before=None, after=b"N"),
    ):
        with pytest.raises(UsageError, match="outside"):
            write(folder, B, change)
    assert texts(outside) == {"a.tf": b"a\n"}
    assert (folder / "b.tf").read_bytes() == b"b\n"


def test_upwards_inside_the_repository_is_no_stray(folder):
    """A local module beside the root module, inside the repository, is written."""
    module = folder.parent / "module"
    module.mkdir()
    (module / "a.tf").write_bytes(b"a\n")
    write(folder, FileChange(path="../module/a.tf", before=b"a\n", after=b"A\n"))
    assert texts(module) == {"a.tf": b"A\n"}


@pytest.mark.parametrize("moment", ["while others are written", "at the last rename"])
def test_a_change_that_comes_late_is_seen_or_undone(folder, monkeypatch, moment):
    """A file saved meanwhile, or a failed rename, is detected and undone."""
    if moment == "while others are written":
        plain = os.fsync
        monkeypatch.setattr(
            os,
            "fsync",
            lambda descriptor: (plain(descriptor), (folder / "a.tf").write_bytes(b"late\n")),
        )
        with pytest.raises(UsageError, match="changed since it was read"):
            write(folder, A, B)
        assert texts(folder) == {"a.tf": b"late\n", "b.tf": b"b\n"}
        return
    rename = Path.replace

    def failing(self, target):
        if Path(target).name == "new.tf":
            raise OSError(28, "No space left on device", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(UsageError, match="every file is as it was"):
        write(folder, A, B, NEW)
    assert texts(folder) == {"a.tf": b"a\n", "b.tf": b"b\n"}


def test_an_interruption_between_two_renames_is_undone(folder, monkeypatch):
    """Ctrl-C between two renames is undone."""
    rename = Path.replace

    def interrupted(self, target):
        if Path(target).name == "b.tf":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(folder, A, B)
    assert texts(folder) == {"a.tf": b"a\n", "b.tf": b"b\n"}


def test_an_interruption_leaves_no_temporary_file(folder, monkeypatch):
    """Ctrl-C while a file is written leaves no temporary file."""
    calls = []

    def interrupted(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(folder, A, B)
    assert names(folder) == ["a.tf", "b.tf"]
    assert texts(folder) == {"a.tf": b"a\n", "b.tf": b"b\n"}


@pytest.fixture
def public():
    """Return a folder that every user may enter, for tests that change the user."""
    if os.geteuid() != 0:
        pytest.skip("only root may give a file to somebody else, or become somebody else")
    place = Path(tempfile.mkdtemp(prefix="tfcert-test-"))
    place.chmod(0o755)
    for change in (A, B):
        (place / change.path).write_bytes(change.before)
    yield place
    shutil.rmtree(place)


def as_nobody(action):
    """Run an action as the user nobody, and return its error as text, or None."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = None
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            action()
        except BaseException as error:  # noqa: BLE001 -- the child has nobody else to tell
            said = f"{type(error).__name__}: {error}"
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as stream:
        return json.loads(stream.read())


def test_the_owner_stays(public):
    """A file keeps its owner and mode when root edits it."""
    os.chown(public / "a.tf", NOBODY, NOBODY)
    (public / "a.tf").chmod(0o4750)
    write(public, A, B, within=public)
    status = (public / "a.tf").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (NOBODY, NOBODY, 0o4750)
    assert (public / "b.tf").stat().st_uid == 0


def test_an_owner_that_cannot_be_kept_is_refused(public):
    """A file whose owner cannot be kept is refused."""
    public.chmod(0o777)
    (public / "a.tf").chmod(0o666)
    said = as_nobody(lambda: write(public, A, within=public))
    assert "belongs to somebody else" in said
    assert texts(public) == {"a.tf": b"a\n", "b.tf": b"b\n"}


def test_a_read_only_file_is_left_alone(public):
    """A read-only file is not replaced, even in a writable folder."""
    public.chmod(0o777)
    os.chown(public / "a.tf", NOBODY, NOBODY)
    (public / "a.tf").chmod(0o444)
    assert "is read-only" in as_nobody(lambda: write(public, A, within=public))
    assert texts(public)["a.tf"] == b"a\n"


def test_a_read_only_tree_is_said(public):
    """In a read-only folder the error names the place, and nothing changes."""
    for action in (
        lambda: write(public, A, within=public),
        lambda: write(public, NEW, within=public),
        lambda: replace_file(public / "trust.pem", b"x"),
    ):
        said = as_nobody(action)
        assert said.startswith("UsageError: ")
        assert str(public) in said
        assert ".tfcert" not in said
        assert "nothing was changed" in said
    assert texts(public) == {"a.tf": b"a\n", "b.tf": b"b\n"}


def test_a_new_file_is_written_by_the_command_line(tfcert, story):
    """If a hash covers the certificate's file, `--write` creates a new file, and the next run finds
    it.
    """
    (story / "deploy.tf").write_text('locals {\n  hash = filesha1("certificate.tf")\n}\n')
    before = (story / "certificate.tf").read_bytes()
    done = tfcert("patch", *DAY_12, "--write", cwd=story)
    assert done.returncode == 0, done.stderr
    assert (story / "certificate.tf").read_bytes() == before
    assert b"# tfcert: succeeds" in (story / "tfcert_backend_202611.tf").read_bytes()
    assert (
        b"waiting: the introduce phase is written"
        in tfcert("patch", *DAY_12, "--write", cwd=story).stdout
    )
