"""Measure `patch --phase all` for growing work: N certificates in one file, in N files, N stages.

The edited text of each file is compared with the expected one before a time is reported. The last
column is the exponent between two sizes: 1 is linear. Exits with 1 if the last one is over 1.3.

.venv/bin/python benchmarks/patches.py [LARGEST]
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from big_tree import CERTIFICATE, STAGE, TFCERT, resource, state

MOST = 1.3
ARGUMENTS = ("patch", "--offline", "--as-of", "2026-11-24", "--phase", "all", "--out", "patches")
SERIES = ("1-introduce.patch", "2-repoint.patch", "3-retire.patch")


def certificate(name: str) -> str:
    return f'resource "{CERTIFICATE}" "{name}" {{\n  tags = {{ owner = "{name}" }}\n}}\n'


def stage(name: str, shown: str) -> str:
    return (
        f'\nresource "{STAGE}" "{name}" {{\n  stage_name            = "live"\n'
        f"  client_certificate_id = {CERTIFICATE}.{shown}.id\n"
        f'  variables             = {{ policy = jsonencode({{ a = [1, 2], b = "x" }}) }}\n}}\n'
    )


def one_file(count: int) -> dict[str, str]:
    """Return many certificates with a stage each, in one file."""
    texts = [certificate(f"c{n}") + stage(f"s{n}", f"c{n}") for n in range(count)]
    return {"main.tf": "\n".join(texts)}


def many_files(count: int) -> dict[str, str]:
    """Return the same, each in a file of its own."""
    return {f"f{n}.tf": certificate(f"c{n}") + stage(f"s{n}", f"c{n}") for n in range(count)}


def many_stages(count: int) -> dict[str, str]:
    """Return one certificate that many stages present."""
    return {"main.tf": certificate("c0") + "".join(stage(f"s{n}", "c0") for n in range(count))}


TABLES: dict[str, tuple[Callable[[int], dict[str, str]], tuple[int, ...]]] = {
    "certificates in one file": (one_file, (1, 5, 40, 160, 320, 1000)),
    "certificates in as many files": (many_files, (1, 10, 40, 160, 320)),
    "stages on one certificate": (many_stages, (1, 10, 100, 300, 1000)),
}


def lay(top: Path, files: dict[str, str]) -> None:
    """Write the files, and the state in which each certificate ends in twelve days."""
    resources = []
    for path, text in files.items():
        (top / path).write_text(text)
        for name in re.findall(rf'"{CERTIFICATE}" "(\w+)"', text):
            made = {"id": f"old-{name}", "expiration_date": "2026-12-06 00:00:00 +0000 UTC"}
            resources.append(resource(CERTIFICATE, name, made))
        for name, shown in re.findall(rf'"{STAGE}" "(\w+)"[^}}]*?{CERTIFICATE}\.(\w+)\.id', text):
            presented = {
                "rest_api_id": name,
                "stage_name": "live",
                "client_certificate_id": f"old-{shown}",
            }
            resources.append(resource(STAGE, name, presented))
    (top / "terraform.tfstate").write_text(state(resources))


def rotated(files: dict[str, str]) -> dict[str, str]:
    """Return what the files are after all phases: each certificate under its successor's name."""
    return {
        path: re.sub(
            rf'(resource "{CERTIFICATE}" ")(\w+)(" {{\n.*\n}}\n)',
            lambda found: (
                f"{found[1]}{found[2]}_202611{found[3]}\n"
                f"# tfcert: PEM of {CERTIFICATE}.{found[2]}_202611, for the backends to trust\n"
                f'output "{found[2]}_202611_pem" {{\n'
                f"  value = {CERTIFICATE}.{found[2]}_202611.pem_encoded_certificate\n}}\n"
            ),
            re.sub(rf"({CERTIFICATE}\.\w+)\.id", r"\1_202611.id", text),
        )
        for path, text in files.items()
    }


def measure(files: dict[str, str]) -> tuple[float, int]:
    """Return the processor time in seconds and the peak memory in MB of a run.

    The patches are applied with git, and the text is compared, before that.
    """
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        lay(top, files)
        with subprocess.Popen([*TFCERT, *ARGUMENTS], cwd=top, stdout=subprocess.DEVNULL) as run:
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
        if run.returncode:
            sys.exit(f"tfcert left with {run.returncode}")
        for name in SERIES:
            subprocess.run(["git", "apply", f"patches/{name}"], cwd=top, check=True)
        for path, text in rotated(files).items():
            if (top / path).read_text() != text:
                sys.exit(f"{path} is not what the three phases are to leave")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def main() -> None:
    """Print a line for each size."""
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    bad = False
    for title, (make, sizes) in TABLES.items():
        print(f"patch --phase all, {title}")
        last: tuple[int, float] | None = None
        exponent = 0.0
        for size in (each for each in sizes if each <= largest):
            seconds, memory = measure(make(size))
            line = f"{size:>6} {seconds:7.2f} s {memory:6} MB"
            if last is not None:
                exponent = math.log(seconds / last[1]) / math.log(size / last[0])
                line += f"   exponent {exponent:.2f}"
            print(line, flush=True)
            last = (size, seconds)
        bad |= exponent > MOST
    if bad:
        sys.exit(f"an exponent is over {MOST}")


if __name__ == "__main__":
    main()
