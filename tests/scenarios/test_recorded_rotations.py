"""Recorded JSON of whole rotations and their findings, with their full text.

`fixtures/scenarios/rotations.json` has each phase of a few scenarios, and each reason for a block.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import assert_recorded, plain, texts
from test_scenarios import BLOCKED, SCENARIOS, lay_out
from world import BASE, CERTIFICATE, World, days, world

from checker.model.rotation import SERIES, Next

RECORDED = SCENARIOS / "rotations.json"
WHOLE = ("for-each", "literal-in-the-stage", "several-due")


def seen(world: World, **wish: object) -> dict[str, object]:
    outcome, patches = world.ask(**wish)
    return {"rotations": plain(patches.rotations), "findings": texts(outcome.findings)}


def story(world: World) -> dict[str, object]:
    """Return the results of runs at the start, offline, after the end date, and after each write
    and apply.
    """
    found = {
        "start": seen(world),
        "offline": seen(world, offline=True),
        "ended": seen(replace(world, now=days(30))),
    }
    for phase in SERIES:
        _, patches = world.ask()
        if {each.step for each in patches.rotations} == {Next(phase)}:
            world.write(patches)
            found[f"{phase} written"] = seen(world)
            world.apply(phase, patches.rotations)
            found[f"{phase} applied"] = seen(world)
            found[f"{phase} applied, offline"] = seen(world, offline=True)
    return found


def recorded_without(folder: Path, found: object) -> object:
    """Return the result without the path of the test's own folder."""
    return json.loads(json.dumps(found).replace(str(folder), "."))


@pytest.mark.parametrize("name", WHOLE)
def test_every_word_of_a_rotation(name, tmp_path):
    """A rotation, its conditions, cautions and findings equal the recorded text in every phase."""
    assert_recorded(name, recorded_without(tmp_path, story(lay_out(name, tmp_path))), RECORDED)


@pytest.mark.parametrize("name", BLOCKED)
def test_every_word_of_what_is_blocked(name, tmp_path):
    """The reason, remedy, cautions and findings of a blocked rotation equal the recorded text."""
    outcome, patches = lay_out(name, tmp_path).ask()
    steps = [plain((each.step, each.back, each.cautions)) for each in patches.rotations]
    found = [*steps, *texts(outcome.findings)]
    assert_recorded(name, recorded_without(tmp_path, found), RECORDED)


PEM = f"{CERTIFICATE}.orders.pem_encoded_certificate"
UNJOINED = {
    "a splat": f"locals {{\n  pems = {CERTIFICATE}.orders[*].pem_encoded_certificate\n}}\n"
    'resource "aws_ssm_parameter" "x" {\n  value = jsonencode(local.pems)\n}\n',
    "a hashed file": f'resource "aws_ssm_parameter" "x" {{\n  value = {PEM}\n}}\n'
    'resource "terraform_data" "h" {\n  input = filesha1("main.tf")\n}\n',
    "every file hashed": f'resource "aws_ssm_parameter" "x" {{\n  value = {PEM}\n}}\n'
    'resource "terraform_data" "h" {\n  input = sha1(join("", fileset(path.module, "*.tf")))\n}\n',
    "an object that takes one": f'resource "aws_ssm_parameter" "x" {{\n  value = {PEM}\n}}\n',
}


@pytest.mark.parametrize("name", UNJOINED)
def test_every_word_where_both_pems_are_asked_for(name, tmp_path):
    """`--trust-bundle` joins the two PEMs, or gives the recorded reason and remedy why it
    cannot.
    """
    _, patches = world(tmp_path, {"main.tf": BASE + UNJOINED[name]}).ask(trust_bundle=True)
    found = [
        *plain(patches.rotations),
        *("\n".join(each.diff("").decode().splitlines()) for each in patches.patches),
    ]
    assert_recorded(f"--trust-bundle, {name}", recorded_without(tmp_path, found), RECORDED)
