"""Places of a literal id that no reference can take, and the var files that give it."""

from __future__ import annotations

import json

import pytest
from world import STAGE, days, world

from checker.model.rotation import Blocked, Next, Phase

OLD = "old000"
VARIABLE = 'variable "id" {\n  default = %s\n}\n'


def stage(takes, more="", name="prod"):
    return f'resource "{STAGE}" "{name}" {{\n{more}  client_certificate_id = {takes}\n}}\n'


def step(folder, files, at=f"{STAGE}.prod", *more):
    home = world(
        folder, files, certificates={}, stages=dict.fromkeys((at, *more), OLD), ends={OLD: days(12)}
    )
    (rotation,) = home.ask()[1].rotations
    return rotation.step


def setting(text):
    return f'id = "{text}"\n'


GIVEN = [
    ("by its default alone", {}, Next(Phase.INTRODUCE)),
    ("a file about something else", {"terraform.tfvars": 'name = "x"\n'}, Next(Phase.INTRODUCE)),
    ("another variable beside it", {"terraform.tfvars": 'name = "id"\n'}, Next(Phase.INTRODUCE)),
    ("a file in JSON", {"terraform.tfvars.json": json.dumps({"id": OLD})}, "in several places"),
    ("a file that is no HCL", {"terraform.tfvars": 'id = "\n'}, "in several places"),
    ("a second file", {"live.tfvars": setting("other0")}, "in several places"),
]


@pytest.mark.parametrize(("files", "expected"), [each[1:] for each in GIVEN], ids=[each[0] for each in GIVEN])  # fmt: skip
def test_a_var_file_that_gives_the_id_too_is_named(files, expected, tmp_path):
    """A file that cannot be read counts as one that gives it; one about other variables does not."""
    main = VARIABLE % f'"{OLD}"' + stage("var.id")
    found = step(tmp_path, {"main.tf": main, **files})
    if isinstance(expected, str):
        assert isinstance(found, Blocked)
        assert expected in found.reason
        assert next(iter(files)) in found.reason
    else:
        assert found == expected


def test_a_default_that_one_file_overrides_when_it_is_passed_is_not_edited(tmp_path):
    """Without the file the default is in force, so one reference cannot serve both."""
    main = VARIABLE % "null" + stage("var.id")
    found = step(tmp_path, {"main.tf": main, "live.tfvars": setting(OLD)})
    assert isinstance(found, Blocked)
    assert "has a default, and live.tfvars, if passed on the command line" in found.reason


MODULE = 'module "m" {\n  source = "./m"\n  id     = "old000"\n}\n'
IN = {
    "two regions": (
        {"main.tf": f'locals {{\n  id = "{OLD}"\n}}\n' + stage("local.id", '  region = "eu-west-1"\n') + stage("local.id", name="beta")},
        (f"{STAGE}.prod", f"{STAGE}.beta"),
        "differ in provider or region",
    ),
    "a region of the stage in a module": (
        {"main.tf": MODULE, "m/main.tf": 'variable "id" {\n}\n' + stage("var.id", '  region = "eu-west-1"\n')},
        (f"module.m.{STAGE}.prod",),
        "a provider or region of its own, inside a module",
    ),
    "a region by instance": (
        {"main.tf": stage(f'"{OLD}"', '  for_each = toset(["a"])\n  region = each.key\n')},
        (f'{STAGE}.prod["a"]',),
        "region differs by instance",
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", IN)
def test_a_stage_that_may_be_elsewhere_gets_no_certificate_from_here(place, tmp_path):
    """A certificate serves the stages of its account and region only."""
    files, stages, reason = IN[place]
    found = step(tmp_path, files, *stages)
    assert isinstance(found, Blocked)
    assert reason in found.reason
    assert "manually" in found.remedy
