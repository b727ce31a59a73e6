"""The walk through a run in docs/architecture.md names the files that really run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
MOST_FILES = 22
# Each module costs a 500th of the run. Before you raise this, look for one that the run does not need.
MOST_MODULES = 105
# A file counts if one of its functions runs; class bodies and comprehensions do not.
RECORD = """
import json, os, sys
import checker.cli as cli
root = os.path.dirname(os.path.dirname(cli.__file__)) + "/"
seen = set()
def record(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_flags & 1 and code.co_filename.startswith(root):
        if not code.co_name.startswith("<"):
            seen.add(code.co_filename.removeprefix(root))
def leave(code):
    sys.setprofile(None)
    loaded = [name for name in sys.modules if name.split(".")[0] == "checker"]
    print(json.dumps([sorted(seen), sorted(loaded)]), file=sys.stderr)
    os._exit(code)
cli._leave = leave
sys.argv = ["tfcert", "check", sys.argv[1], "--offline", "--as-of", "2026-11-25"]
sys.setprofile(record)
cli.main()
"""
PLAN = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "planned_values": {"root_module": {}},
    "resource_changes": [],
    "prior_state": {
        "format_version": "1.0",
        "values": {
            "root_module": {
                "resources": [
                    {
                        "address": "aws_api_gateway_client_certificate.a",
                        "mode": "managed",
                        "type": "aws_api_gateway_client_certificate",
                        "name": "a",
                        "provider_name": "registry.terraform.io/hashicorp/aws",
                        "values": {
                            "id": "abc123",
                            "created_date": "2026-11-01T00:00:00Z",
                            "expiration_date": "2027-11-01T00:00:00Z",
                        },
                    },
                    {
                        "address": "aws_api_gateway_stage.live",
                        "mode": "managed",
                        "type": "aws_api_gateway_stage",
                        "name": "live",
                        "provider_name": "registry.terraform.io/hashicorp/aws",
                        "values": {
                            "rest_api_id": "lo64vzqnaj",
                            "stage_name": "live",
                            "client_certificate_id": "abc123",
                        },
                    },
                ]
            }
        },
    },
    "configuration": {"root_module": {}},
}


def section():
    """Return the files in the table of the walk, and the files named beside it."""
    text = PAGE.read_text(encoding="utf-8").partition("### The files that a plan passes")[2]
    table, _, rest = text.partition("\n## ")[0].partition("\nThe run enters other files")
    return [re.findall(r"`([\w/]+\.py)`", part) for part in (table, rest)]


def ran(tmp_path):
    """Check a clean plan, and return the files that ran and the loaded modules."""
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(PLAN))
    done = subprocess.run(
        [sys.executable, "-c", RECORD, str(plan)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert b"tfcert: clean" in done.stdout
    return json.loads(done.stderr.decode().splitlines()[-1])


def test_the_walk_has_at_most_22_files_that_run(tmp_path):
    """Every file of the table runs for a plan, every file that runs is named, and the table has at
    most 22.
    """
    walk, beside = section()
    files, _ = ran(tmp_path)
    run = {name for name in files if not name.startswith(("model/", "rules/"))}
    assert len(walk) == len(set(walk)) <= MOST_FILES
    assert set(walk) - run == set()
    assert run - set(walk) - set(beside) == set()


def test_a_run_without_a_rotation_loads_no_planner_of_steps(tmp_path):
    """A run without a rotation does not import the planner's modules."""
    _, loaded = ran(tmp_path)
    assert {
        "checker.rotation.configured",
        "checker.rotation.next_step",
        "checker.rotation.state",
        "checker.rotation.unmanaged",
        "checker.analysis.succession",
        "checker.analysis.backend_trust",
        "checker.analysis.scoping",
        "checker.cli.atomic_write",
        "checker.cli.usage.help_page",
        "checker.cli.usage.mistakes",
        "checker.model.text_values",
        "checker.model.trust",
        "checker.model.x509",
        "checker.reports.text.rotations",
        "checker.rotation.sentences",
        "checker.rules.next_phase",
        "checker.rules.replaced",
        "checker.terraform.configuration",
        "checker.hcl",
    }.isdisjoint(loaded)


def test_a_run_loads_few_modules(tmp_path):
    """A clean check imports no more modules than the limit allows."""
    _, loaded = ran(tmp_path)
    assert len(loaded) <= MOST_MODULES


def test_the_list_of_commands_imports_no_command(tmp_path):
    """`tfcert --help` imports no module of a command."""
    code = RECORD.replace(
        '["tfcert", "check", sys.argv[1], "--offline", "--as-of", "2026-11-25"]',
        '["tfcert", "--help"]',
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    _, loaded = json.loads(done.stderr.decode().splitlines()[-1])
    assert set(loaded) == {
        "checker",
        "checker.cli",
        "checker.cli.app",
        "checker.cli.signals",
        "checker.cli.usage",
        "checker.cli.usage.help_page",
        "checker.errors",
        "checker.programs",
    }
