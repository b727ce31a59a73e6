"""A profile with MFA, a credential process, and an AWS that never stops sending."""

from __future__ import annotations

import os
import pty
import resource
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def test_a_profile_with_mfa_never_asks_at_the_terminal(story, tmp_path):
    """A profile with MFA gives an error at once and no prompt on the terminal."""
    (tmp_path / "config").write_text(
        "[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n[profile base]\naws_access_key_id = x\naws_secret_access_key = x\n"
    )
    master, slave = pty.openpty()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }
    command = [
        sys.executable,
        "-c",
        "from checker.cli import main; main()",
        "check",
        "terraform.tfstate",
        "--profile",
        "admin",
    ]
    done = subprocess.run(
        [*command, "--region", "us-east-1"],
        cwd=story,
        env=environment,
        stdin=slave,
        capture_output=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    os.close(master)
    os.close(slave)
    assert done.returncode in {1, 3}
    assert b"MFA code" in done.stderr
    assert b"Enter MFA" not in done.stderr + done.stdout


@pytest.mark.parametrize("profile", ["direct", "role"])
def test_a_credential_process_has_nothing_on_its_standard_input(story, tmp_path, profile):
    """A credential process gets an empty standard input, directly and through a role's profile."""
    program = tmp_path / "program"
    program.write_text(
        f"#!/bin/sh\ncat > '{tmp_path}/read'\nreadlink /proc/self/fd/0 > '{tmp_path}/stdin'\nexit 1\n"
    )
    program.chmod(0o755)
    (tmp_path / "config").write_text(
        f"[profile direct]\ncredential_process = {program}\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = direct\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [
        sys.executable,
        "-c",
        "from checker.cli import main; main()",
        "check",
        "terraform.tfstate",
        "--profile",
        profile,
    ]
    # The pipe stays open: a program that reads it would wait until the end of the test.
    reader, writer = os.pipe()
    os.write(writer, b"a secret of the state\n")
    done = subprocess.run(
        [*command, "--region", "us-east-1"],
        cwd=story,
        env=environment,
        stdin=reader,
        capture_output=True,
        timeout=60,
        check=False,
    )
    os.close(reader)
    os.close(writer)
    assert done.returncode in {1, 3}
    assert (tmp_path / "read").read_bytes() == b""
    assert (tmp_path / "stdin").read_text() == f"{os.devnull}\n"


class Endless(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b" " * 1024**2)

    do_POST = do_GET  # noqa: N815 -- the name that http.server calls

    def log_message(self, *_):
        """Suppress the log."""


@pytest.fixture
def endless():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_answer_without_an_end_is_cut(tfcert, story, endless):
    """An endless answer is cut at 32 MiB, and the run is inconclusive."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = tfcert(
        "check",
        "terraform.tfstate",
        "--timeout",
        "50",
        cwd=story,
        environment={**KEYS, "AWS_ENDPOINT_URL": endless},
    )
    assert done.returncode in {1, 3}
    assert b"has more than 32 MiB" in done.stderr
    assert b"Traceback" not in done.stderr
    assert max(before, 700 * 1024) >= resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
