"""`make coverage`: run pytest so that children without the environment of the tests count too.

coverage tells its children by a variable that they are measured. Many tests start tfcert with an
environment of their own, so a `.pth` file sets the variable in every process of this interpreter
while the tests run.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import pytest

NAME = "COVERAGE_PROCESS_CONFIG"
# Tests of what a run costs and reaches, which measuring changes.
LEFT_OUT = (
    "tests/cli/test_cli_policy.py::test_a_run_pays_for_no_more_policy_than_it_has",
    "tests/reach/test_reach.py",
    "tests/terraform/test_files.py::test_a_large_document_needs_little_memory_of_its_own",
)


def main(arguments: list[str]) -> int:
    """Run pytest under `coverage run`, and return its exit code."""
    # Read before coverage's own file, which is a1_coverage.pth.
    always = Path(sysconfig.get_path("purelib"), "a0_coverage.pth")
    always.write_text(f"import os; os.environ.setdefault({NAME!r}, {os.environ[NAME]!r})\n")
    try:
        return pytest.main([*arguments, *(f"--deselect={each}" for each in LEFT_OUT)])
    finally:
        always.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
