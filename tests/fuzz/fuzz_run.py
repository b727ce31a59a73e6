"""Fuzz each target with atheris for SECONDS: `make fuzz SECONDS=60 TARGETS="edits bot"`.

    python tests/fuzz/fuzz_run.py SECONDS [TARGET]...

Each target runs in a process of its own. What reaches new code is kept in `.fuzz/TARGET`, and the
next run starts with it. A finding is written to `.fuzz`, its path is printed, and the exit code
is 1. To see one again: `python tests/fuzz/fuzz_run.py --again TARGET FILE`. The tests run each
target for a minute, with one seed and nothing kept.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".fuzz"
for _folder in ("tests/fuzz", "tests/scenarios", ""):
    sys.path.insert(0, str(ROOT / _folder))
NAMES = ("documents", "edits", "policies", "bot")
_STATUS = re.compile(r"cov: (\d+) ft: (\d+)")
_COUNT = re.compile(r"stat::number_of_executed_units: (\d+)")
_ARTIFACT = re.compile(r"Test unit written to (\S+)")
_GRACE = 300  # for the imports, the corpus and the last input


def main(seconds: int, names: list[str]) -> int:
    """Run the targets in turn; return 1 if one has a finding."""
    found = [fuzz(name, seconds, KEPT) for name in names or NAMES]
    return int(not all(found))


def fuzz(name: str, seconds: int, folder: Path, seed: int = 0) -> bool:
    """Fuzz a target, print what it reached, and return whether there was no finding.

    What reaches new code, and a finding, is kept in `folder`. Without a seed, libFuzzer draws one.
    """
    (folder / name).mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--child", name, str(seconds), str(folder), str(seed)],
            cwd=ROOT,
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=seconds + _GRACE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"{name}: did not end {_GRACE} seconds after its time\n")
        return False
    status, count = _STATUS.findall(done.stdout), _COUNT.search(done.stdout)
    reached = f"coverage {status[-1][0]}, {status[-1][1]} features" if status else "no coverage"
    sys.stdout.write(f"{name}: {count[1] if count else 'unknown'} executions, {reached}\n")
    if done.returncode == 0 and status and count:
        return True
    artifact = _ARTIFACT.search(done.stdout)
    sys.stdout.write(f"{done.stdout[-6000:]}\n")
    sys.stdout.write(f"{name}: a finding, in {artifact[1] if artifact else 'no file; see above'}\n")
    return False


def _child(name: str, seconds: int, folder: Path, seed: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["checker"]):
        from fuzz_damage import damage_bytes, damage_values
        from fuzz_targets import PLANTED, TARGETS

        target = next(each for each in (*TARGETS, PLANTED) if each.name == name)
        # Modules that are imported on demand are imported now, so that their branches count too.
        for file in sorted(target.corpus.iterdir()):
            try:
                target.check(file.read_bytes())
            except Exception:
                # As libFuzzer says it.
                sys.stderr.write(f"Test unit written to {file}\n")
                raise

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        draw = chance.random()
        if target.json and draw < 0.6:
            try:
                changed = damage_values(chance, data)
            except (ValueError, RecursionError):
                changed = damage_bytes(chance, data)
            return changed[:most]
        if draw < 0.7:
            return damage_bytes(chance, data)[:most]
        return bytes(atheris.Mutate(data, most))

    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-dict={target.dictionary}",
        f"-artifact_prefix={folder / name}-",
        f"-seed={seed}",
        "-timeout=120",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        str(folder / name),
        str(target.corpus),
    ]
    atheris.Setup(arguments, target.check, custom_mutator=mutate)
    atheris.Fuzz()


def _again(name: str, file: str) -> None:
    from fuzz_targets import TARGETS

    next(each for each in TARGETS if each.name == name).check(Path(file).read_bytes())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--child", name, seconds, folder, seed]:
            _child(name, int(seconds), Path(folder), int(seed))
        case ["--again", name, file]:
            _again(name, file)
        case [seconds, *names] if seconds.isdigit() and set(names) <= {*NAMES}:
            sys.exit(main(int(seconds), names))
        case _:
            sys.exit(__doc__)
