"""Terraform test files that name the certificate are edited if parsable, else named with their
lines.
"""

from __future__ import annotations

import pytest
from world import CERTIFICATE, STAGE, World, lay

from checker.model.rotation import Next, Phase

C = f"{CERTIFICATE}.c"
MAIN = f'resource "{CERTIFICATE}" "c" {{\n}}\n\nresource "{STAGE}" "s" {{\n  client_certificate_id = {C}.id\n}}\n'
ASSERT = f'run "a" {{\n  assert {{\n    condition     = {C}.%s != ""\n    error_message = "No."\n  }}\n}}\n'


def world(folder, files: dict[str, str]) -> World:
    lay(folder, {"main.tf": MAIN, **files})
    return World(folder=folder, certificates={C: "old000"}, stages={f"{STAGE}.s": "old000"})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "tests/a.tftest.json",
            f'{{"run": {{"a": {{"assert": {{\n"condition": "${{{C}.id != null}}"}}}}}}}}',
        ),
        ("a.tofutest.json", f'{{\n"override_resource": {{"target": "{C}"}}}}'),
        ("a.tftest.hcl", f'run "a" {{\n  x = {C}.id +\n'),
    ],
)
def test_what_cannot_be_edited_is_named_with_its_line(path, text, tmp_path):
    """A test file that cannot be edited is a caution with its line, and does not block the
    rotation.
    """
    _, patches = world(tmp_path, {path: text}).ask(every=True)
    (rotation,) = patches.rotations
    assert rotation.step == Next(Phase.INTRODUCE)
    told = [caution.text for caution in rotation.cautions if caution.phase is Phase.RETIRE]
    assert any(f"{path}:2" in text and "manually" in text for text in told), told
    assert {change.path for entry in patches.patches for change in entry.changes} == {"main.tf"}


@pytest.mark.parametrize(
    ("path", "attribute", "phase"),
    [
        ("tests/a.tftest.hcl", "id", Phase.REPOINT),
        ("a.tofutest.hcl", "arn", Phase.REPOINT),
        ("tests/unit/a.tftest.hcl", "pem_encoded_certificate", Phase.RETIRE),
        ("tests/a.tftest.hcl", "description", Phase.RETIRE),
    ],
)
def test_a_plain_reference_moves_with_what_it_asserts(path, attribute, phase, tmp_path):
    """A reference in a test file moves with its attribute: the id at repoint, the others
    at retire.
    """
    _, patches = world(tmp_path, {path: ASSERT % attribute}).ask(every=True)
    assert [
        entry.phase for entry in patches.patches for change in entry.changes if change.path == path
    ] == [phase]
    (rotation,) = patches.rotations
    assert [
        caution.phase
        for caution in rotation.cautions
        if f"{path}:3" in caution.text and caution.phase is not Phase.ROLLBACK
    ] == [phase]


def test_a_run_of_another_module_and_a_test_of_another_configuration_are_left_alone(tmp_path):
    """A run of another module and a test of another configuration are not edited."""
    other = f'run "a" {{\n  module {{\n    source = "./other"\n  }}\n  assert {{\n    condition = {C}.id != ""\n  }}\n}}\n'
    files = {
        "tests/a.tftest.hcl": other,
        "examples/x/main.tf": "",
        "examples/x/tests/a.tftest.hcl": ASSERT % "id",
    }
    _, patches = world(tmp_path, files).ask(every=True)
    assert {change.path for entry in patches.patches for change in entry.changes} == {"main.tf"}
