"""Measure the processor time of a check of many stages with 0, 10 and 40 scopes.

With OTHER, a checkout of tfcert, the bytes of both outputs are compared before a time is printed.
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
HERE = Path(__file__).resolve().parents[1]
# One kind of condition each: few values, one value a stage, and a pattern that begins with `*`.
KINDS = {
    "regions": lambda number: f'region = "{("us", "eu", "ap")[number % 3]}-*"',
    "names": lambda number: f'address = "aws_api_gateway_stage.s{number}*"',
    "suffixes": lambda number: f'address = "*{number}"',
}


def policy(kind: str, scopes: int) -> str:
    """Return a policy whose scopes set other days for some stages."""
    tables = (
        f"[[scope]]\n{KINDS[kind](number)}\nthreshold_days = {20 + number % 30}\n"
        for number in range(scopes)
    )
    return 'name = "bench"\n' + "".join(tables)


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


def main() -> None:
    """Print a line for each kind of condition and number of scopes."""
    stages = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    other = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "terraform.tfstate").write_bytes(state(stages))
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
