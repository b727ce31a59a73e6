"""`tfcert` without arguments: what it would do in this folder, and how; it judges nothing."""

from __future__ import annotations

import json
import os

import pytest

PLAN = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "variables": {"a": {"value": {"values": 1}}},
    "planned_values": {},
}
SHOWN = {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"variables": {}}}


def test_a_root_module_is_told_what_to_type(tfcert, story):
    """The configuration, its certificates, the state beside it; the exit code is not that of a clean check."""
    (story / "plan.json").write_text(json.dumps(PLAN))
    (story / "shown.json").write_text(json.dumps(SHOWN))
    (story / "my plan").write_bytes(b"PK\x03\x04 a saved plan")
    (story / "tfplan").write_bytes(b"PK\x03\x04 a saved plan")
    done = tfcert(cwd=story)
    assert (done.returncode, done.stdout) == (2, b"")
    assert (
        done.stderr.decode()
        == """\
tfcert: 4 files of a Terraform configuration here, with 1 client certificate
  aws_api_gateway_client_certificate.backend

  tfcert check plan.json
      judge this plan before it is applied; asks AWS
  tfcert check tfplan
      judge this plan before it is applied; asks AWS
  tfcert check terraform.tfstate --offline
      judge this state by its recorded dates; no call to AWS
  tfcert patch terraform.tfstate
      show the patch of each rotation that is due; edits no file
  tfcert doctor
      say what tfcert can see here, and how to mend the rest
  tfcert --help
      list all commands

Nothing was judged (exit code 2).
"""
    )


def test_what_it_says_can_be_typed(tfcert, story):
    """Each command that it prints is one that tfcert takes."""
    for line in tfcert(cwd=story).stderr.decode().splitlines():
        if line.startswith("  tfcert "):
            done = tfcert(*line.split()[1:], cwd=story)
            assert b"tfcert: error" not in done.stderr, line


@pytest.mark.parametrize("name", ["terraform", "tofu"])
def test_the_tool_is_named_and_not_started(tfcert, story, tmp_path, name):
    """With a tool on PATH the folder itself can be judged; the tool is not started for that."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tools / name).chmod(0o755)
    said = tfcert(cwd=story, environment={"PATH": str(tools)}).stderr.decode()
    assert (
        f"  tfcert check\n      judge it: asks `{name} state pull` for the state, then AWS\n"
        in said
    )
    assert "  tfcert patch\n" in said
    assert not (tmp_path / "started").exists()


def test_a_folder_above_root_modules_is_for_recursive(tfcert, story, tmp_path):
    """No .tf file here, but root modules below."""
    top = tmp_path / "top"
    for name in ("a", "b"):
        (top / name).mkdir(parents=True)
        (top / name / "main.tf").write_text('terraform {\n  backend "s3" {\n  }\n}\n')
    done = tfcert(cwd=top)
    assert done.returncode == 2
    assert done.stderr.startswith(b"tfcert: 2 root modules of Terraform below this folder\n")
    assert b"  tfcert check --recursive\n" in done.stderr


def test_a_folder_without_terraform_gets_the_help(tfcert, tmp_path):
    """As before: the help page, exit code 2."""
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "package.json").write_text('{"variables": {"format_version": 1}}')
    done = tfcert(cwd=folder)
    assert done.returncode == 2
    assert done.stderr == tfcert("--help", cwd=folder).stdout


def test_hostile_names_are_words_and_act_on_nothing(tfcert, tmp_path):
    """A name with a space is quoted, an escape sequence is shown, and a FIFO is not opened."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "a b;$(x).tfstate").write_text("{}")
    (folder / "\x1b[2J.tfstate").write_text("{}")
    os.mkfifo(folder / "plan.json")
    done = tfcert(cwd=folder)
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr
    assert b"  tfcert check 'a b;$(x).tfstate' --offline\n" in done.stderr
    assert b"plan.json" not in done.stderr


def test_without_tool_and_state_it_says_what_is_missing(tfcert, tmp_path):
    """Without a tool and a state, the command takes a state; certificates after the tenth, and
    names wider than the terminal, are counted.
    """
    block = 'resource "aws_api_gateway_client_certificate" "c{}" {{}}\n'
    names = [*range(3), "x" * 70]
    (tmp_path / "main.tf").write_text("".join(map(block.format, names)))
    shown = tfcert(cwd=tmp_path).stderr.decode()
    assert "  aws_api_gateway_client_certificate.c2\n  and 1 more\n" in shown
    assert "  tfcert check STATE\n      judge a state: no terraform or tofu is on PATH" in shown
