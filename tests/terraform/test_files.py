"""Sources that are no readable files are refused at once."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from terraform_json import CERTIFICATE, change, shown, shown_state

from checker.errors import UnreadableError
from checker.files import open_file, read_stream


def refused(read_file, path, message):
    with pytest.raises(UnreadableError, match=message) as error:
        read_file(path)
    assert error.value.remedy
    assert str(path) in (error.value.where or "")


def test_a_fifo_does_not_hold_it_up(tmp_path, read_file):
    """A FIFO is refused without waiting for a writer."""
    os.mkfifo(tmp_path / "fifo")
    refused(read_file, tmp_path / "fifo", "is not a regular file.*give - as the source")


def test_devices_and_sockets(tmp_path, read_file):
    """Devices and sockets are refused."""
    refused(read_file, "/dev/zero", "is not a regular file")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        refused(read_file, tmp_path / "s", "is not a regular file")


def test_a_loop_of_links(tmp_path, read_file):
    """A loop of symbolic links is refused."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    refused(read_file, tmp_path / "a", "cannot be read: ")


def test_what_is_not_there(tmp_path, read_file):
    """A missing file, a dangling link and an invalid path are errors."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("{}")
    refused(read_file, tmp_path / "missing.json", "there is no such file or directory")
    refused(read_file, tmp_path / "link", "there is no such file or directory")
    refused(read_file, tmp_path / "file" / "x", "cannot be read: Not a directory")
    refused(read_file, tmp_path / ("x" * 300), "cannot be read: ")
    with pytest.raises(UnreadableError, match="is not a path"):
        read_file("a\0b")


def test_a_file_that_may_not_be_read(tmp_path, read_file):
    """A file without read permission is an error that says so."""
    file = tmp_path / "f"
    file.write_text("{}")
    file.chmod(0)
    if os.geteuid() == 0:
        pytest.skip("the super-user may read everything")
    refused(read_file, file, "may not be read by this user")


def test_a_file_that_is_too_large(tmp_path, read_file):
    """A file larger than 8 GiB is refused without reading it."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(9 * 1024**3)
    with pytest.raises(UnreadableError, match="is larger than 8 GiB"):
        read_file(tmp_path / "huge")


@pytest.mark.parametrize("size", [0, 1, 1024**2 - 1, 1024**2, 1024**2 + 1, 3 * 1024**2])
def test_small_files_are_copied_and_large_ones_mapped(tmp_path, size):
    """Small files are copied and large ones mapped; the file's handle is closed either way."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    (tmp_path / "f").write_bytes(b"x" * size)
    found = open_file(str(tmp_path / "f"))
    assert bytes(found) == b"x" * size
    assert found.readonly
    mapped = size > 1024**2
    assert (
        len(list(Path("/proc/self/fd").iterdir())) == before + mapped
    )  # a mapping keeps a handle of its own


def test_a_limit_on_the_address_space_is_named(tmp_path):
    """If a limit on the address space prevents the mapping, the error names `ulimit -v`."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(600 * 1024**2)
    script = (
        "import resource, sys; from checker.files import open_file; from checker.errors import UnreadableError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (512 * 1024**2,) * 2)\n"
        "try: open_file(sys.argv[1])\n"
        "except UnreadableError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "large")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "larger than the address space" in run.stdout
    assert "ulimit -v" in run.stdout


def test_a_large_document_needs_little_memory_of_its_own(tmp_path):
    """A plan of 60 MB is read with 40 MB of memory, because other resources are skipped."""
    one = json.dumps(
        change("aws_lambda_function.f", ["no-op"], before={"x": "y"}, after={"x": "y"})
    ).encode()
    with (tmp_path / "plan").open("wb") as file:
        file.write(b'{"format_version":"1.2","resource_changes":[' + one)
        for _ in range(60_000_000 // len(one)):
            file.write(b"," + one)
        file.write(b"]}")
    script = (
        "import resource, sys; from checker.terraform.load import read_source\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (40 * 1024**2,) * 2)\n"
        "print(read_source(sys.argv[1], tool=None, stdin=None).source.kind)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "plan")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.returncode) == ("plan\n", 0), run.stderr[-500:]


def test_a_large_mapped_document(tmp_path, read_file):
    """A large document in one line is read."""
    document = shown_state(
        shown(f"{CERTIFICATE}.c", {"id": "c1"}), shown("aws_x.y", {"text": "x" * 3_000_000})
    )
    (tmp_path / "s").write_text(json.dumps(document))
    assert [one.id for one in read_file(tmp_path / "s").certificates] == ["c1"]


def test_a_stream_without_end_is_left_at_its_limit():
    """An endless stream is refused at its size limit."""
    with (
        Path("/dev/zero").open("rb") as endless,
        pytest.raises(UnreadableError, match=r"is larger than 5000000 bytes.*into a file"),
    ):
        read_stream(endless, "-", most=5_000_000)


def test_a_stream_that_does_not_fit_into_memory():
    """A stream that does not fit into memory is an error with a remedy, not a traceback."""

    class Large(io.RawIOBase):
        def read(self, _size=-1, /):
            raise MemoryError

    with pytest.raises(UnreadableError, match=r"needs more memory than is available.*into a file"):
        read_stream(Large(), "-")
