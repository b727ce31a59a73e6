"""A pipeline's machine: a folder with a plan, tfcert with a fixed clock, and a terraform that
prints the plan.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
ACCEPTANCE = ROOT / "fixtures" / "acceptance"
# The outcome of each plan without AWS, as fixtures/acceptance/README.md lists it.
PLANS = {
    "single-first-certificates": 0,
    "shared-2-repoint": 0,
    "single-replace": 1,
    "single-attribute-removed": 1,
}
# The installed command, with an interpreter of its own.
STARTED = shlex.quote(f"{Path(sys.executable).parent}/tfcert")
TFCERT = """#!/bin/sh
printf '%s\\n' "tfcert $*" >> "$CALLS"
if [ "$1" != check ]; then exec {tfcert} "$@"; fi
shift
exec {tfcert} check $CLOCK "$@"
"""
# A plan file that names no recorded plan is unreadable for terraform.
TERRAFORM = """#!/bin/sh
printf '%s\\n' "terraform $*" >> "$CALLS"
case "$1" in
  plan) cp "$PLANNED" plan.bin ;;
  show) if [ -s "$3" ]; then cat "$3"; else echo "Error: Failed to load plan" >&2; exit 1; fi ;;
esac
"""


class Did(NamedTuple):
    """The result of a script: exit code, combined output, and the called commands in order."""

    code: int
    said: str
    calls: list[str]


class Machine:
    """Run scripts in a root module of the recorded acceptance tests."""

    def __init__(self, home, plan, tfcert):
        """Create the root module in a folder with a blank in its name, as in Atlantis."""
        self.plan = ACCEPTANCE / plan / "plan.json"
        self.as_of = json.loads((ACCEPTANCE / plan / "said.json").read_text())["as_of"]
        self.root = home / "live orders"
        shutil.copytree(ACCEPTANCE / plan / "config", self.root)
        self.binaries, self.log = home / "bin", home / "calls.txt"
        self.binaries.mkdir()
        self.command("tfcert", TFCERT.replace("{tfcert}", tfcert))
        self.command("terraform", TERRAFORM)
        self.home = home

    def command(self, name, script):
        """Put a command on the PATH."""
        file = self.binaries / name
        file.write_text(script)
        file.chmod(0o755)

    def run(self, *command, offline=True, stdin=None, **environment):
        """Run a command with both streams combined, as in a log."""
        self.log.write_text("")
        done = subprocess.run(
            command,
            cwd=self.root,
            env={
                "PATH": f"{self.binaries}:/usr/bin:/bin",
                "HOME": str(self.home),
                "AWS_EC2_METADATA_DISABLED": "true",
                "CALLS": str(self.log),
                "PLANNED": str(self.plan),
                "CLOCK": f"--as-of={self.as_of}" + (" --offline" if offline else ""),
                **{key: os.environ[key] for key in ("XDG_CACHE_HOME",) if key in os.environ},
                **environment,
            },
            input=stdin or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Did(done.returncode, done.stdout, self.log.read_text().splitlines())
