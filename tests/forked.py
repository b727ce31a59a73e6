"""Run the command line in a fork of a process that has already imported it, which saves the start
of Python for each run.

Each run is a process of its own, with its own arguments, environment, working directory and
standard streams. Tests of start-up, imports and signals start a new interpreter instead.

A script reaches the same process through a command (`Parent.command`): a small client passes on the
script's own standard streams.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LENGTH = struct.Struct("!I")
# What the verbs import where they use it: all of tfcert and its heavy libraries. Importing it beforehand changes no output.
_PRELOADED = ("boto3", "cryptography.x509", "hcl2", "jinja2", "jinja2.ext", "rich.console")

_SERVICES = ("acm", "apigateway", "apigatewayv2", "ec2", "s3", "sts")
_FORMATS = ("text", "json", "html", "markdown")
_WARMING = (*(("check", "--format", name) for name in _FORMATS), ("patch",))
# A command's whole run: it gives its streams, what it runs, its folder, arguments and environment, and ends as the run ends.
# It starts in a hundredth of a second, because it skips `site` and uses the bare socket.
_CLIENT = """
import _socket, os, sys
where, program, *arguments = sys.argv[1:]
words = [program, os.getcwd(), str(len(arguments)), *arguments]
body = b"\\0".join(map(os.fsencode, words))
body += b"".join(b"\\0" + name + b"=" + value for name, value in os.environb.items())
call = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
call.connect(where)
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)]
call.sendmsg([len(body).to_bytes(4, "big")], rights)
call.sendall(body)
status = call.recv(1)
os._exit(status[0] if status else 137)
"""


def _measured():
    """Return the variables by which `make coverage` measures children."""
    return {name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")}


class Parent:
    """A process that forks a child for each run of `tfcert`.

    It ends with the tests that started it.
    """

    def __init__(self):
        # Called with the process of each run as it starts.
        self.started = lambda _pid: None
        ours, theirs = socket.socketpair()
        self._socket = ours
        # Not pytest's own folder, because the name of a socket has at most 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="tfcert-"))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._folder / "calls"))
        listener.listen(16)
        descriptors = (theirs.fileno(), listener.fileno())
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), *map(str, descriptors)],
            pass_fds=descriptors,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | _measured(),
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        listener.close()

    def command(self, program="tfcert"):
        """Return the shell command that runs in place of `tfcert`, or of a Python program named by
        its file.
        """
        (self._folder / "client.py").write_text(_CLIENT, encoding="utf-8")
        words = (sys.executable, "-I", "-S", self._folder / "client.py")
        return shlex.join(map(str, (*words, self._folder / "calls", program)))

    def run(self, arguments, *, cwd, env, stdin=b"", timeout=120):
        """Run `tfcert` once and return what `subprocess.run` would return."""
        given, giver = os.pipe()
        printing, out = os.pipe()
        complaining, err = os.pipe()
        order = json.dumps(
            {
                "arguments": [os.fsencode(a).hex() for a in arguments],
                "cwd": os.fsencode(cwd).hex(),
                "env": env,
            }
        )
        body = order.encode("utf-8", "surrogateescape")
        socket.send_fds(self._socket, [_LENGTH.pack(len(body))], [given, out, err])
        self._socket.sendall(body)
        for descriptor in (given, out, err):
            os.close(descriptor)
        (pid,) = _LENGTH.unpack(_receive(self._socket, 4))
        self.started(pid)
        with ThreadPoolExecutor(3) as threads:
            threads.submit(feed, giver, stdin)
            printed, complained = (
                threads.submit(drain, printing),
                threads.submit(drain, complaining),
            )
            self._socket.settimeout(timeout)
            try:
                (status,) = struct.unpack("!i", _receive(self._socket, 4))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._socket.settimeout(10)
                _receive(self._socket, 4)
                raise subprocess.TimeoutExpired(arguments, timeout) from None
            finally:
                self._socket.settimeout(None)
            return subprocess.CompletedProcess(
                arguments, status, printed.result(10), complained.result(10)
            )

    def close(self):
        """End the parent and wait for it."""
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
        shutil.rmtree(self._folder)


def feed(descriptor, data):
    """Write all data to a pipe and close it."""
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)


def drain(descriptor):
    """Read a pipe to its end."""
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read()


def _receive(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("the process that forks is gone")
        data += more
    return data


def _serve(connection, listener):
    from importlib import import_module
    from pkgutil import walk_packages

    import checker

    ours = (
        found.name
        for found in walk_packages(checker.__path__, "checker.")
        # Only `demo` imports moto, which takes longer than all other modules.
        if not found.name.endswith("__main__") and not found.name.startswith("checker.demo.")
    )
    for name in (*_PRELOADED, *ours):
        import_module(name)
    _warm()
    running = {}
    while True:
        ready, _, _ = select.select([connection, listener, *running], [], [])
        for ended in running.keys() & ready:
            _tell(ended, *running.pop(ended))
        if listener in ready:
            ended, *started = _answer(connection, listener)
            running[ended] = started
        if connection in ready and not _run(connection, listener):
            return


def _run(connection, listener):
    """Run `tfcert` for the tests' own process and wait for the end of the run.

    Return false when the tests' process has ended.
    """
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    if not head:
        return False
    order = json.loads(
        _receive(connection, _LENGTH.unpack(head)[0]).decode("utf-8", "surrogateescape")
    )
    pid = os.fork()
    if pid == 0:
        connection.close()
        listener.close()
        become(order, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(_LENGTH.pack(pid))
    _, status = os.waitpid(pid, 0)
    connection.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
    return True


def _answer(connection, listener):
    """Start the run that a command asks for.

    Return a pipe that closes when the run ends, its process id, and the connection of the command.
    """
    call, _ = listener.accept()
    head, descriptors, _, _ = socket.recv_fds(call, 4, 3)
    program, cwd, count, *words = _receive(call, _LENGTH.unpack(head)[0]).split(b"\0")
    order = {
        "program": os.fsdecode(program),
        "cwd": cwd.hex(),
        "arguments": [word.hex() for word in words[: int(count)]],
        "env": dict(os.fsdecode(word).split("=", 1) for word in words[int(count) :]),
    }
    ended, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        for inherited in (connection, listener, call):
            inherited.close()
        become(order, descriptors)
    for descriptor in (*descriptors, held):
        os.close(descriptor)
    return ended, pid, call


def _tell(ended, pid, call):
    """Send a command the exit code of its run, in the form that a shell uses."""
    os.close(ended)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(BrokenPipeError), call:
        call.sendall(bytes([code if code >= 0 else 128 - code]))


def _warm():
    """Fill the caches that depend only on the code: grammars, templates, decoders, compiled
    patterns.

    The process fills them once for all its children. Otherwise each child that writes a patch or a
    page would load the grammar of HCL and compile the templates again.
    """
    import gc
    import tempfile
    from functools import cache

    import boto3
    import botocore.session

    from checker.cli.app import build

    # Without the cache each session would read AWS's models from disk.
    botocore.session.create_loader = cache(botocore.session.create_loader)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    for service in _SERVICES:
        boto3.Session(**keys, region_name="us-east-1").client(service)
    here, environment = Path.cwd(), dict(os.environ)
    streams = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("wb") as nowhere:
        for file in (ROOT / "fixtures" / "readme").iterdir():
            (Path(folder) / file.name).write_bytes(file.read_bytes())
        os.chdir(folder)
        os.environ.update({"PATH": "", "HOME": folder})
        for number in (1, 2):
            os.dup2(nowhere.fileno(), number)
        for arguments in _WARMING:
            with contextlib.suppress(SystemExit):
                build()([*arguments, "--offline", "terraform.tfstate", "--as-of", "2026-11-24"])
        sys.stdout.flush()
        sys.stderr.flush()
        os.chdir(here)
    for number, stream in enumerate(streams, 1):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    # Frozen objects are neither searched for cycles nor copied by the children.
    gc.collect()
    gc.freeze()


def become(order, descriptors, at_start=lambda: None):
    """Turn this process into one run of `tfcert`, or of the program that the order names.

    This function does not return.
    """
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    at_start()
    os.chdir(bytes.fromhex(order["cwd"]))
    measured = _measured()
    os.environ.clear()
    os.environ.update(order["env"] | measured)
    program = order.get("program", "tfcert")
    sys.argv = [
        program,
        *(os.fsdecode(bytes.fromhex(argument)) for argument in order["arguments"]),
    ]
    code = 1
    try:
        if program == "tfcert":
            from checker.cli import main

            main()
        else:
            runpy.run_path(program, run_name="__main__")
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - an interpreter of its own would print any exception and exit with 1
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    _serve(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
