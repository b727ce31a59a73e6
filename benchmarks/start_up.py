"""Start-up against `python3 -c pass`, measured in one run, whole processes: ratios, since times here mean little.

`tfcert --help` is to take at most 8 times as long, `tfcert check --offline` of a 1 MB plan at most 12 times.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
TFCERT = [sys.executable, "-c", "from checker.cli import main; main()"]


def generated_plan(size: int) -> bytes:
    """A plan of about `size` bytes, 1 % of whose resources are stages and certificates."""
    changes = []
    length = number = 0
    while length < size:
        number += 1
        if number % 200 == 0:
            values = {"stage_name": f"s{number}", "rest_api_id": f"api{number}", "client_certificate_id": f"c{number:05d}"}
            entry = _change("aws_api_gateway_stage", number, values)
        elif number % 200 == 100:
            values = {"id": f"c{number + 100:05d}", "expiration_date": "2030-01-01 00:00:00 +0000 UTC", "tags": None}
            entry = _change("aws_api_gateway_client_certificate", number, values)
        else:
            entry = _change("aws_iam_role", number, {f"attribute_{index}": f"value {number} {index}" for index in range(40)})
        changes.append(entry)
        length += len(json.dumps(entry))
    plan = {"format_version": "1.2", "terraform_version": "1.11.4", "planned_values": {}, "resource_changes": changes}
    return json.dumps(plan, separators=(",", ":")).encode()


def _change(kind: str, number: int, values: dict) -> dict:
    change = {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}}
    return {"address": f"{kind}.r{number}", "mode": "managed", "type": kind, "name": f"r{number}", "change": change}


def measure(commands: dict[str, list[str]]) -> dict[str, float]:
    """The median time of each command in seconds, taken in turns so that noise meets all alike."""
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
        plan.write_bytes(generated_plan(1_000_000))
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
