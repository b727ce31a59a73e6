"""Real terraform plans and applies each way of an expression to a PEM: what it cannot plan, and who has both afterwards, is what tfcert says.

`terraform_data` needs no provider: one of them stands for the old PEM, one for the successor's.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from rig.processes import run

sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))

from world import BASE, CERTIFICATE, world

from checker.cli.patch_preview import patch_text, repository_paths
from checker.model.rotation import Delivery

PEM = f"{CERTIFICATE}.orders.pem_encoded_certificate"
# The body of a resource: `<PEM>` is the PEM, `<LOCAL>` a local that has it.
KEYED = [
    "for_each = toset([<PEM>])\n  input = each.value",
    "for_each = { (<LOCAL>) = 1 }\n  input = each.key",
    'for_each = <LOCAL> == "" ? {} : { a = <LOCAL> }\n  input = each.value',
    'for_each = { for k, v in { a = <PEM> } : k => v if v != "" }\n  input = each.value',
    'count = <LOCAL> != "" ? 1 : 0\n  input = "x"',
    "count = length(compact([<LOCAL>]))\n  input = <LOCAL>",
]
SAFE = [
    "input = <PEM>",
    "for_each = { a = <PEM> }\n  input = each.value",
    "count = <LOCAL> != null ? 1 : 0\n  input = <LOCAL>",
    "count = length([<LOCAL>])\n  input = <LOCAL>",
    'input = <LOCAL> != "" ? <LOCAL> : "none"',
    'input = coalesce(<PEM>, "none")',
    'input = jsonencode({ ca = [for p in [<LOCAL>] : p if p != ""] })',
    'input = format("%s%%", <PEM>)',
]
OFF = [
    'input = var.on ? <PEM> : "none"',
    'input = !var.on ? "none" : <LOCAL>',
    'input = "%{ if var.on }${<PEM>}%{ else }none%{ endif }"',
    'input = coalesce("none", <PEM>)',
    'input = try("none", <PEM>)',
    'input = lookup({ ca = "none" }, "ca", <PEM>)',
    'input = join("", [for p in [<PEM>] : p if var.on])',
    "count = var.on ? 1 : 0\n  input = <PEM>",
    'input = false ? <PEM> : "none"',
    'input = <PEM> == "none" ? "yes" : "no"',
    "input = sha256(<PEM>)",
    "triggers_replace = [md5(<PEM>)]",
    "lifecycle {\n    replace_triggered_by = [terraform_data.r6]\n  }",
]
ROWS = [*KEYED, *SAFE, *OFF]
ALIKE = """
terraform {
  required_version = ">= 1.0"
}

variable "on" {
  default = false
}

resource "terraform_data" "old" {
  input = "THE OLD"
}
"""
SUCCESSOR = """
resource "terraform_data" "new" {
  input = "THE NEW"
}
"""
BOTH = 'join("\\n", [trimspace(terraform_data.old.output), trimspace(terraform_data.new.output)])'
FAULT = re.compile(r'in resource "terraform_data" "(r\d+)"')


def text(rows, pem):
    """The configuration of these rows, by number, with an expression for the PEM."""
    resources = (
        f'resource "terraform_data" "r{number}" {{\n  {body}\n}}\n' for number, body in rows.items()
    )
    return f"locals {{\n  p = {pem}\n}}\n" + "".join(resources).replace("<PEM>", pem).replace(
        "<LOCAL>", "local.p"
    )


def said(folder, rows):
    """Which rows tfcert cannot edit, and which it says have both PEMs after introduce."""
    home = world(
        folder / "keyed",
        {"main.tf": BASE, "v.tf": 'variable "on" {}\n', "trust.tf": text(rows, PEM)},
    )
    (declared,) = home.inventory().documents[0].declared.certificates
    keyed = {
        each.block.name for each in declared.trust if each.delivery is Delivery.KEY and each.block
    }
    rest = {number: body for number, body in rows.items() if f"r{number}" not in keyed}
    home = world(
        folder / "rest",
        {"main.tf": BASE, "v.tf": 'variable "on" {}\n', "trust.tf": text(rest, PEM)},
    )
    (entry,) = home.ask(trust_bundle=True)[1].patches
    header = patch_text(entry, repository_paths(home.configuration())).decode()
    both = set(
        re.findall(r"terraform_data\.(r\d+) changes in this apply and has both PEMs", header)
    )
    return keyed, both


@pytest.mark.needs_terraform("replace_triggered_by", "terraform_data")
def test_what_is_said_of_each_expression_is_what_terraform_does(tool, tmp_path):
    """Terraform refuses to plan exactly the rows that --trust-bundle refuses; the others have both where that is said."""
    folder = tmp_path / "alike"
    folder.mkdir()
    environment = os.environ | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}

    def terraform(*arguments):
        return run(
            [tool.binary.path, *arguments, "-no-color"], folder=folder, environment=environment
        )

    rows = dict(enumerate(ROWS))
    keyed, both = said(tmp_path, rows)
    assert keyed == {f"r{number}" for number in range(len(KEYED))}
    (folder / "main.tf").write_text(ALIKE + text(rows, "terraform_data.old.input"))
    begun = terraform("init")
    assert begun.code == 0, str(begun)
    first = terraform("apply", "-auto-approve")
    assert first.code == 0, str(first)

    (folder / "main.tf").write_text(ALIKE + SUCCESSOR + text(rows, BOTH))
    planned = terraform("plan")
    assert planned.code == 1
    assert set(FAULT.findall(planned.stderr.decode())) == keyed
    rest = {number: body for number, body in rows.items() if f"r{number}" not in keyed}
    (folder / "main.tf").write_text(ALIKE + SUCCESSOR + text(rest, BOTH))
    second = terraform("apply", "-auto-approve")
    assert second.code == 0, str(second)

    state = json.loads((folder / "terraform.tfstate").read_bytes())
    there = {
        each["name"]
        for each in state["resources"]
        if each["name"].startswith("r")
        and all(
            word in json.dumps([one["attributes"]["output"] for one in each["instances"]])
            for word in ("THE OLD", "THE NEW")
        )
    }
    assert both == there
    assert there == {f"r{len(KEYED) + number}" for number in range(len(SAFE))}
