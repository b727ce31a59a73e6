"""Run a command under strace, and read what it and its children reached.

What terraform, tofu and git do is theirs: their starts are recorded, and nothing below them.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 120.0
CALLS = (
    "connect,sendto,sendmsg,sendmmsg,bind,execve,execveat,clone,clone3,fork,vfork,open,openat,"
    "creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,symlink,symlinkat,link,"
    "linkat,truncate,chmod,fchmodat,chown"
)
_LINE = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)$")
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$")
_RESULT = re.compile(r"\) += (?P<result>-?\d+)[^()]*(?:\([^()]*\))?$")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_AT = re.compile(r"(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, ")
_IP4 = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
_IP6 = re.compile(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"')
_UNIX = re.compile(r'sun_path=(@?)"([^"]+)"')
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
_FOREIGN = frozenset({"terraform", "tofu", "git"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What one run reached: `ADDRESS:PORT`s and sockets, programs, files that it read and wrote."""

    code: int
    stdout: bytes
    stderr: bytes
    connections: frozenset[str]
    programs: tuple[str, ...]
    reads: frozenset[str]
    writes: frozenset[str]


def trace(
    command: Sequence[object],
    *,
    strace: str,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str],
    stdin: bytes = b"",
) -> Reached:
    """Run a command to its end under strace; TimeoutError if it takes too long."""
    words = [strace, "-f", "-qq", "-y", "-s", "4096", "--seccomp-bpf", "-e", f"trace={CALLS}"]
    done = subprocess.run(
        [*words, "-e", "signal=none", "-o", str(log), *map(str, command)],
        cwd=cwd,
        env=dict(environment),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    connections: set[str] = set()
    programs: list[str] = []
    reads: set[str] = set()
    writes: set[str] = set()
    for _, call, rest in _calls(log):
        match call:
            case "connect" | "sendto" | "sendmsg" | "sendmmsg":
                connections |= _addresses(rest)
            case "bind":
                # Port 0 or an abstract name is no place outside the run.
                connections |= {f"listens:{each}" for each in _addresses(rest)}
            case "execve" | "execveat":
                programs.append(_unquoted(_TEXT.search(rest)[1]))
            case "open" | "openat" | "creat":
                path = _path(rest, cwd)
                (writes if call == "creat" or _WRITES.search(rest) else reads).add(path)
            case "clone" | "clone3" | "fork" | "vfork":
                continue
            case _:
                writes |= _paths(rest, cwd)
    return Reached(
        code=done.returncode,
        stdout=done.stdout,
        stderr=done.stderr,
        connections=frozenset(connections),
        programs=tuple(programs[1:]),
        reads=frozenset(reads),
        writes=frozenset(writes),
    )


def _calls(log: Path) -> list[tuple[str, str, str]]:
    """Return the calls that succeeded, without those of foreign programs and their children."""
    foreign: set[str] = set()
    begun: dict[str, str] = {}
    found = []
    for line in log.read_text(errors="surrogateescape").splitlines():
        resumed = _RESUMED.match(line)
        if resumed is not None:
            pid, call = resumed["pid"], resumed["call"]
            rest = begun.pop(pid, "") + resumed["rest"]
        else:
            at = _LINE.match(line)
            if at is None:
                continue
            pid, call, rest = at["pid"], at["call"], at["rest"]
            if rest.endswith("<unfinished ...>"):
                begun[pid] = rest.removesuffix("<unfinished ...>")
                continue
        result = _RESULT.search(rest)
        # A connection in progress is one too.
        if result is None or (int(result["result"]) < 0 and "EINPROGRESS" not in rest):
            continue
        if call in {"clone", "clone3", "fork", "vfork"}:
            if pid in foreign:
                foreign.add(result["result"])
            continue
        if pid in foreign:
            continue
        found.append((pid, call, rest))
        if call.startswith("execve") and Path(_TEXT.search(rest)[1]).name in _FOREIGN:
            foreign.add(pid)
    return found


def _addresses(rest: str) -> set[str]:
    found = {f"{host}:{port}" for port, host in (*_IP4.findall(rest), *_IP6.findall(rest))}
    return found | {f"unix:{at}{path}" for at, path in _UNIX.findall(rest)}


def _unquoted(text: str) -> str:
    return text.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")


def _path(rest: str, cwd: Path) -> str:
    name = _unquoted(_TEXT.search(rest)[1])
    at = _AT.match(rest)
    return posixpath.normpath(posixpath.join(at["folder"] if at else str(cwd), name))


def _paths(rest: str, cwd: Path) -> set[str]:
    """Return all paths of a call; relative ones are relative to the folders before them."""
    found = set()
    folders = [at["folder"] for at in _AT.finditer(rest)]
    for index, text in enumerate(_TEXT.findall(rest)[:2]):
        folder = folders[min(index, len(folders) - 1)] if folders else str(cwd)
        found.add(posixpath.normpath(posixpath.join(folder, _unquoted(text))))
    return found
