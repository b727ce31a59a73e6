"""tfcert starts itself for `comment --run` and the demo, never with modules of the
current folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from hostile import plant, ran

from checker.cli.children import own_command, own_environment

ROOT = Path(__file__).resolve().parents[2]


def test_a_check_that_a_comment_runs_imports_nothing_of_the_checkout(story, tfcert, tmp_path):
    """`comment --run` in a folder with its own `checker` package imports nothing from there."""
    marks = tmp_path / "marks"
    plant(story, marks)
    run = "terraform.tfstate --offline --as-of 2026-11-24"
    arguments = (
        "comment",
        "github",
        "--run",
        run,
        "--dry-run",
        "--repository",
        "o/r",
        "--number",
        "7",
    )
    done = tfcert(*arguments, cwd=story, environment={"PYTHONSAFEPATH": "1"})
    assert (done.returncode, ran(marks)) == (1, []), done.stderr.decode()
    assert b"certificate-expiring" in done.stdout


def test_the_demo_imports_nothing_of_the_current_folder(tfcert, tmp_path):
    """The demo in a folder with its own `checker` package imports nothing from there."""
    here, marks = tmp_path / "here", tmp_path / "marks"
    here.mkdir()
    plant(here, marks)
    done = tfcert("demo", cwd=here, environment={"PYTHONSAFEPATH": "1"})
    assert (done.returncode, ran(marks)) == (0, []), done.stderr.decode()


def test_the_environment_of_a_child_leads_to_this_package_alone(tmp_path):
    """A child's PYTHONPATH begins with this package and has no relative entry and no current
    folder.
    """
    given = os.pathsep.join([".", "", "lib", str(tmp_path), "/opt/lib"])
    made = own_environment(
        {"PYTHONPATH": given, "PYTHONSTARTUP": "x.py", "HOME": "/h"}, folder=str(tmp_path)
    )
    assert made == {
        "PYTHONPATH": f"{ROOT}{os.pathsep}/opt/lib",
        "HOME": "/h",
        "PYTHONSAFEPATH": "1",
    }
    assert own_command("check")[1:] == ["-P", "-m", "checker", "check"]
