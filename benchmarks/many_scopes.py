"""Measure the processor time of a check of many stages with 0, 10 and 40 scopes.

Before a time is printed, the output of scopes that set what the policy has anyway is compared with
that of no scope. With OTHER, a checkout of tfcert, the outputs of both are compared too.
Exits with 1 if 40 scopes cost over 1.6 times none.

.venv/bin/python benchmarks/many_scopes.py [STAGES] [OTHER]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from many_stages import AS_OF, state

MOST = 1.6
DAYS = 30
HERE = Path(__file__).resolve().parents[1]
# One kind of condition each: few values, one value a stage, and a pattern that begins with `*`.
KINDS = {
    "regions": lambda number: f'region = "{("us", "eu", "ap")[number % 3]}-*"',
    "names": lambda number: f'address = "aws_api_gateway_stage.s{number}*"',
    "suffixes": lambda number: f'address = "*{number}"',
}


def policy(kind: str, scopes: int, *, idle: bool = False) -> str:
    """Return a policy whose scopes set other days for some stages; the same days if `idle`."""
    tables = (
        f"[[scope]]\n{KINDS[kind](number)}\nthreshold_days = {DAYS if idle else 20 + number % 30}\n"
        for number in range(scopes)
    )
    return f'name = "bench"\nthreshold_days = {DAYS}\n' + "".join(tables)


def check(root: Path, folder: Path) -> tuple[float, bytes]:
    """Return the seconds of processor time of a check, and its JSON."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "checker",
            *("check", "terraform.tfstate", "--offline", "--as-of", AS_OF),
            *("--policy", "policy.toml", "--format", "json"),
        ],
        cwd=folder,
        env={"PATH": "", "HOME": str(folder), "PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stderr.decode())
    user = after.ru_utime - before.ru_utime
    return user + after.ru_stime - before.ru_stime, done.stdout


def compare_idle_scopes(folder: Path) -> None:
    """Exit with 1 if scopes that change nothing change the output."""
    outputs = set()
    for kind, scopes in [("regions", 0), *((kind, 40) for kind in KINDS)]:
        (folder / "policy.toml").write_text(policy(kind, scopes, idle=True))
        outputs.add(check(HERE, folder)[1])
    if len(outputs) > 1:
        sys.exit("scopes that set what the policy has anyway change the output")


def main() -> None:
    """Print a line for each kind of condition and number of scopes."""
    stages = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    other = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "terraform.tfstate").write_bytes(state(stages))
        compare_idle_scopes(folder)
        base: dict[Path, float] = {}
        worst = 0.0
        for kind, scopes in [("regions", 0), *((kind, n) for kind in KINDS for n in (10, 40))]:
            (folder / "policy.toml").write_text(policy(kind, scopes))
            seconds, text = check(HERE, folder)
            ratio = seconds / base.setdefault(HERE, seconds)
            worst = max(worst, ratio)
            line = f"{kind if scopes else '':<9} {scopes:>3} scopes {seconds:6.2f} s"
            line += f" {ratio:5.2f} times"
            if other is not None:
                before, old = check(other, folder)
                if old != text:
                    raise SystemExit(f"{kind}, {scopes} scopes: the outputs differ")
                line += f"   {other.name} {before:6.2f} s"
                line += f" {before / base.setdefault(other, before):5.2f} times, same bytes"
            print(line, flush=True)
    if worst > MOST:
        sys.exit(f"scopes cost over {MOST} times none")


if __name__ == "__main__":
    main()
