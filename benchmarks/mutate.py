"""Change the code at random and see whether a fast test fails: `make mutate`.

mutmut makes all mutants of the folders that `pyproject.toml` names. This draws some of them by a
seed, runs the fast tests that execute each, and prints the share that died and the diff of each
survivor. `equivalent_mutants.toml` lists mutants that no test can tell from the code, with reasons.

    python benchmarks/mutate.py [COUNT] [SEED]
    python benchmarks/mutate.py mutmut ARGUMENT...
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from itertools import accumulate, islice, zip_longest
from math import ceil
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOP = Path(__file__).resolve().parents[1]
# mutmut with `quickest_first`.
MUTMUT = (sys.executable, __file__, "mutmut")
# This one is run first: mutmut then makes all mutants, and records what each test executes.
FIRST = "checker.model.text_values.x_nearest_word__mutmut_1"
# Exit codes that mutmut stores. Source: its `stats.py`.
KILLED = {1, 3, 37}
TIMEOUT = {24, 36, -24, 152, 255}
NO_TESTS = {5, 33}
# The tests that a mutant meets first: at most so many, with so many seconds together.
FIRST_TESTS = 40
FIRST_SECONDS = 3.0
# The seconds of all its other tests. A few mutants survive that a slow test would notice, so that
# the share that dies is at least the one that is printed.
OTHER_SECONDS = 20.0


def main(count: int, seed: int) -> int:
    """Draw, run and report; returns 1 when fewer than 90 % died."""
    copy_data()
    subprocess.run([*MUTMUT, "run", FIRST], cwd=TOP, check=True)
    names = sorted(stored())
    drawn = sorted(random.Random(seed).sample(names, min(count, len(names))))
    # In one run: each first runs all its tests without a mutant.
    subprocess.run([*MUTMUT, "run", *drawn], cwd=TOP, check=True)
    codes = stored()
    equivalent = tomllib.loads(Path(__file__).with_name("equivalent_mutants.toml").read_text())
    seen: Counter[str] = Counter()
    for name in drawn:
        verdict = verdict_of(codes[name])
        diff = changed_lines(name) if verdict in {"survived", "no tests"} else ""
        if diff and (reason := equivalent.get(function_of(name), {}).get(diff)):
            verdict = "equivalent"
            sys.stdout.write(f"{verdict}: {name}: {reason}\n")
        elif diff:
            sys.stdout.write(f"{verdict}: {name}\n{diff}\n\n")
        seen[verdict] += 1
    died = seen["killed"] + seen["timeout"]
    judged = len(drawn) - seen["equivalent"]
    share = died / judged
    sys.stdout.write(
        f"{len(names)} mutants, {len(drawn)} drawn with seed {seed}: "
        + ", ".join(f"{number} {verdict}" for verdict, number in seen.most_common())
        + f"; {share:.1%} of {judged} died\n"
    )
    return 0 if share >= 0.9 else 1


def mutmut(arguments: list[str]) -> None:
    """Run mutmut with the arguments, the quickest tests of each mutant first."""
    from mutmut.__main__ import cli
    from mutmut.runners.harness import PytestRunner
    from mutmut.state import state

    whole = PytestRunner.run_tests

    def run_tests(self: PytestRunner, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        seconds = state().duration_by_test
        first, rest = quickest_first(tests, seconds) if mutant_name else ([], list(tests))
        if first and rest:
            soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
            # As mutmut limits all of a mutant's tests: an endless loop ends soon.
            limit = process_time() + 30 * (1 + sum(seconds[test] for test in first))
            resource.setrlimit(resource.RLIMIT_CPU, (min(soft, ceil(limit)), hard))
            if code := whole(self, mutant_name=mutant_name, tests=first):
                return code
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        return whole(self, mutant_name=mutant_name, tests=rest or first)

    PytestRunner.run_tests = run_tests
    cli(arguments)


def quickest_first(
    tests: Iterable[str], seconds: Mapping[str, float]
) -> tuple[list[str], list[str]]:
    """Return the quickest tests of each file, and the others, the quickest files first.

    Most mutants die in the first list, which pytest collects in a tenth of a second. The others can
    be thousands.
    """
    files: dict[str, list[str]] = {}
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        files.setdefault(test.partition("::")[0], []).append(test)
    rounds = (test for row in zip_longest(*files.values()) for test in row if test)
    first: list[str] = []
    spent = 0.0
    for test in islice(rounds, FIRST_TESTS):
        spent += seconds[test]
        if spent > FIRST_SECONDS:
            break
        first.append(test)
    met = set(first)
    cheap = sorted(files.values(), key=lambda its: sum(seconds[test] for test in its))
    others = [test for its in cheap for test in its if test not in met]
    until = accumulate(seconds[test] for test in others)
    return first, [test for test, spent in zip(others, until, strict=True) if spent < OTHER_SECONDS]


def copy_data() -> None:
    """Copy templates and schemas: mutmut leaves those of an earlier run as they are."""
    for file in (TOP / "checker").rglob("*.*"):
        copy = TOP / "mutants" / file.relative_to(TOP)
        if file.suffix not in {".py", ".pyc"} and copy.parent.is_dir():
            shutil.copy(file, copy)


def stored() -> dict[str, int | None]:
    """Return the exit code of each mutant as mutmut stores it; None where it did not run."""
    codes: dict[str, int | None] = {}
    for file in sorted(TOP.glob("mutants/checker/**/*.meta")):
        codes |= json.loads(file.read_text())["exit_code_by_key"]
    return codes


def verdict_of(code: int | None) -> str:
    """Return how a mutant ended, by the exit code of its tests."""
    if code == 0:
        return "survived"
    if code in NO_TESTS:
        return "no tests"
    return "timeout" if code in TIMEOUT else "killed" if code in KILLED else f"ended with {code}"


def function_of(name: str) -> str:
    """Return the function that a mutant is of."""
    return name.rpartition("__mutmut_")[0]


def changed_lines(name: str) -> str:
    """Return the lines that a mutant takes away and adds."""
    shown = subprocess.run(
        [*MUTMUT, "show", name], cwd=TOP, check=True, capture_output=True, text=True
    ).stdout
    return "\n".join(
        line
        for line in shown.splitlines()
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["mutmut"]:
        mutmut(sys.argv[2:])
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*given, *(1000, 1)[len(given) :]))
