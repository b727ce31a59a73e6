"""Compare start-up with `python3 -c pass`: whole processes, measured in one run, as ratios.

`tfcert --help` may take at most 8 times as long, `tfcert check --offline` of a 1 MB plan at most
7.5 times.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from documents import write_plan

ROUNDS = 15
TFCERT = [str(Path(sys.executable).with_name("tfcert"))]


def measure(commands: dict[str, list[str]]) -> dict[str, float]:
    """Return the median time of each command in seconds.

    The commands run in turns, so that noise affects all of them equally.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder, "plan.json")
        write_plan(plan, 1_000_000)
        taken = measure(
            {
                "python3 -c pass": [sys.executable, "-c", "pass"],
                "tfcert --help": [*TFCERT, "--help"],
                "tfcert check --offline, 1 MB": [*TFCERT, "check", "--offline", str(plan)],
            }
        )
    base = taken["python3 -c pass"]
    for name, seconds in taken.items():
        print(f"{name:<30} {seconds * 1000:7.1f} ms  {seconds / base:5.1f} times")


if __name__ == "__main__":
    main()
