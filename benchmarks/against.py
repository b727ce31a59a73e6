"""Compare `tfcert check --offline` with its peers on generated plans.

Whole processes are measured in one run, in turns, as ratios.

    python benchmarks/against.py [MEGABYTES ...]     (default: 1 10 100; 500 adds the memory limit)

Checkov runs its one rule on the same question (CKV2_AWS_51), `jq` does the same extraction, `cat
FILE | cat` reads and writes the bytes. Programs that are not installed are left out, with a
message.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from documents import write_plan

HERE = Path(__file__).resolve().parent
TFCERT = [
    str(Path(sys.executable).with_name("tfcert")),
    "check",
    "--offline",
    "--as-of",
    "2026-11-25",
]
CHECKOV = HERE.parent / ".bench" / "bin" / "checkov"
ONE_RULE = [
    "--framework",
    "terraform_plan",
    "--check",
    "CKV2_AWS_51",
    "--skip-download",
    "--compact",
    "--quiet",
]
EXTRACTION = """
def ours: .type == "aws_api_gateway_stage" or .type == "aws_api_gateway_client_certificate";
def all: (.resources // [])[], ((.child_modules // [])[] | all);
[(.resource_changes[] | select(ours) | [.address, .change.actions, .change.before, .change.after]),
 (.prior_state.values.root_module | all | select(ours) | [.address, .values])] | length
"""
LIMIT = 192 * 1024**2
ROUNDS = {1: 9, 10: 7, 100: 5}
# A rule engine takes minutes where the others take a second; noise does not matter to such a ratio.
SLOW_ROUNDS = {1: 3, 10: 1, 100: 1}

WANTED = {
    "checkov": {1: "at least 50", 10: "at least 150", 100: "at least 300"},
    "jq": {1: "at least 0.5", 10: "at least 0.33", 100: "at least 0.1"},
    "cat, cat": {100: "at least 0.33"},
}


def commands(plan: Path) -> dict[str, list[str]]:
    """Return the command of each peer, tfcert's first."""
    found = {
        "tfcert": [*TFCERT, str(plan)],
        "cat, cat": ["sh", "-c", 'cat "$1" | cat > /dev/null', "sh", str(plan)],
    }
    if jq := shutil.which("jq"):
        found["jq"] = [jq, EXTRACTION, str(plan)]
    if CHECKOV.exists():
        found["checkov"] = [str(CHECKOV), "-f", str(plan), *ONE_RULE]
    return found


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode not in {0, 1}:
        sys.exit(
            f"{command[0]} ended with {done.returncode}: "
            f"{done.stderr.decode(errors='replace')[-300:]}"
        )
    return time.perf_counter() - start


def compare(size: int, folder: Path) -> Iterator[str]:
    plan = folder / f"{size}.json"
    write_plan(plan, size * 10**6)
    taken: dict[str, list[float]] = {name: [] for name in commands(plan)}
    for turn in range(ROUNDS.get(size, 3)):
        for name, command in commands(plan).items():
            if name != "checkov" or turn < SLOW_ROUNDS.get(size, 0):
                taken[name].append(seconds(command))
    medians = {name: statistics.median(times) for name, times in taken.items() if times}
    for name, median in medians.items():
        ratio = "1" if name == "tfcert" else f"{median / medians['tfcert']:.2f}"
        yield (
            f"| {size} MB | {name} | {median * 1000:.0f} ms | {ratio} "
            f"| {WANTED.get(name, {}).get(size, '')} |"
        )
    yield (
        f"| {size} MB | tfcert, memory | | {memory(plan)} "
        "| anonymous at most 0.3, peak at most 1.4 (100 MB) |"
    )
    if size >= 500:
        yield (
            f"| {size} MB | tfcert, in {LIMIT // 1024**2} MiB of data | | {limited(plan)} "
            "| finishes |"
        )
    plan.unlink()


def memory(plan: Path) -> str:
    """Return the largest anonymous memory, and the peak with mapped pages, in parts of the file."""
    with subprocess.Popen([*TFCERT, str(plan)], stdout=subprocess.DEVNULL) as process:
        anonymous = peak = 0
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None and status.exists():
            lines = dict(
                line.split(":", 1)
                for line in status.read_text().splitlines()
                if line.startswith(("RssAnon", "VmHWM"))
            )
            if lines:
                anonymous = max(anonymous, int(lines["RssAnon"].split()[0]))
                peak = max(peak, int(lines["VmHWM"].split()[0]))
            time.sleep(0.001)
    whole = plan.stat().st_size / 1024
    return f"{anonymous / whole:.2f} anonymous, {peak / whole:.2f} peak"


def limited(plan: Path) -> str:
    """Return how a run ends with this limit on its own memory; mapped pages do not count."""
    done = subprocess.run(
        [*TFCERT, str(plan)],
        stdout=subprocess.DEVNULL,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
    )
    return "finishes" if done.returncode in {0, 1} else f"ends with {done.returncode}"


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or [1, 10, 100]
    for name in {"jq", "checkov"} - set(commands(Path("x"))):
        print(f"{name} is not installed: left out", file=sys.stderr)
    print("| plan | command | median | times tfcert's | wanted |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        for size in sizes:
            for line in compare(size, Path(folder)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
