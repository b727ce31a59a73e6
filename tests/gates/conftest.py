"""A machine as a pipeline has it: tfcert of this checkout, a terraform that plans what a fixture holds, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/forges"))

# Fixtures have their dates, and no pipeline of a test has an AWS; OFFLINE empty leaves both out.
_TFCERT = f"""#!/bin/bash
export PYTHONPATH={ROOT}
words=("$@")
if [ "$1" = check ] && [ -n "${{OFFLINE:-}}" ]; then words=(check --offline --as-of "$OFFLINE" "${{@:2}}"); fi
exec {sys.executable} -c 'from checker.cli import main; main()' "${{words[@]}}"
"""
_TERRAFORM = """#!/bin/bash
echo "$*" >> "$LOG"
case "$1" in
  plan) while [ $# -gt 0 ]; do [ "$1" != -out ] || echo binary > "$2"; shift; done ;;
  show) cat "$PLANNED" ;;
esac
"""
# `python3 -m venv DIR` makes a folder in which tfcert is there, pip writes down what it is asked for.
_PYTHON = f"""#!/bin/bash
echo "$*" >> "$LOG"
mkdir -p "$3/bin"
cp "$(dirname "$0")/tfcert" "$3/bin/tfcert"
printf '#!/bin/bash\\nif [ "$2" = pip ]; then echo "$*" >> "$LOG"; else exec {sys.executable} "$@"; fi\\n' > "$3/bin/python"
chmod +x "$3/bin/python"
"""


@dataclass(kw_only=True)
class Machine:
    """A working folder with a configuration, and the programs on its PATH."""

    work: Path
    bin: Path
    log: Path

    def run(self, script, *, shell=("bash", "-eo", "pipefail"), planned="shared-1-introduce", offline="2026-11-24", **environment):
        """Run a script as a pipeline's runner does, in the folder of a configuration."""
        plain = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.work.parent), "AWS_EC2_METADATA_DISABLED": "true"}
        plan = ROOT / "fixtures/acceptance" / planned / "plan.json"
        own = {"LOG": str(self.log), "PLANNED": str(plan), "OFFLINE": offline}
        cache = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")}
        return subprocess.run(
            [*shell, "-c", script],
            cwd=self.work,
            env={**plain, **own, **cache, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def asked(self):
        """What terraform, python and pip were asked for."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path):
    """With the configuration and the plan of the rotation's first phase."""
    programs, work = tmp_path / "bin", tmp_path / "work"
    programs.mkdir()
    for name, text in (("tfcert", _TFCERT), ("terraform", _TERRAFORM), ("python3", _PYTHON)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    shutil.copytree(ROOT / "fixtures/acceptance/shared-1-introduce/config", work)
    shutil.copy(ROOT / "fixtures/acceptance/shared-1-introduce/plan.json", work / "plan.json")
    return Machine(work=work, bin=programs, log=tmp_path / "log")


@pytest.fixture
def github_server():
    """The stand-in of GitHub, held to its description."""
    from github_stand_in import GithubStandIn

    with GithubStandIn() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def gitlab_server():
    """That of GitLab."""
    from gitlab_stand_in import GitlabStandIn

    with GitlabStandIn() as server:
        yield server
    assert server.violations == []
