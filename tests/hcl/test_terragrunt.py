"""Terragrunt units: two units that run one module share it, like two calls."""

from __future__ import annotations

import pytest
from world import CERTIFICATE, STAGE, World, git, lay

from checker.hcl.roots import find_units
from checker.model.rotation import Blocked, Next, Phase

MODULE = f'resource "{CERTIFICATE}" "c" {{\n}}\n\nresource "{STAGE}" "s" {{\n  client_certificate_id = {CERTIFICATE}.c.id\n}}\n'
ROOT = 'include "root" {\n  path = find_in_parent_folders("root.hcl")\n}\n'


def source(text: str) -> str:
    return f'terraform {{\n  source = "{text}"\n}}\n'


def world(folder, files: dict[str, str], *, repository: bool = True) -> World:
    """Return a world whose root module is run by the units in these files."""
    lay(folder, {"modules/api/main.tf": MODULE, "root.hcl": "", **files})
    if repository:
        git(folder, "init", "-q")
    return World(
        folder=folder / "modules/api",
        certificates={f"{CERTIFICATE}.c": "old000"},
        stages={f"{STAGE}.s": "old000"},
    )


def two(text: str, more: str = "") -> dict[str, str]:
    return {f"live/{name}/api/terragrunt.hcl": more + text for name in ("dev", "prod")}


TWO = {
    "with two slashes": two(source("../../../modules//api")),
    "two slashes first": two(source("../../..//modules/api")),
    "from the root of the repository": two(source("${get_repo_root()}//modules/api")),
    "by a local": two(
        'locals {\n  base = "${get_repo_root()}/modules"\n}\n' + source("${local.base}//api")
    ),
    "by the folder of a parent file": two(
        source('${dirname(find_in_parent_folders("root.hcl"))}/modules//api')
    ),
    "by the way to an include": two(ROOT)
    | {
        "root.hcl": source(
            "${path_relative_from_include()}/modules//${basename(path_relative_to_include())}"
        )
    },
    "by a common file": two(
        'include "common" {\n  path = "${dirname(find_in_parent_folders("root.hcl"))}/_envcommon/api.hcl"\n}\n'
    )
    | {"_envcommon/api.hcl": source("${get_repo_root()}/modules//api")},
    "by a common file beside a circle and an include without a path": two(
        'include "empty" {\n}\n'
        + ROOT
        + 'include "common" {\n  path = "${get_repo_root()}/_envcommon/api.hcl"\n}\n'
    )
    | {
        "root.hcl": 'include "self" {\n  path = "root.hcl"\n}\n',
        "_envcommon/api.hcl": source("${get_repo_root()}//modules/api"),
    },
    "by a stack with other units": {
        "units/api/terragrunt.hcl": source("${get_repo_root()}//modules/api"),
        **{
            f"live/{name}/terragrunt.stack.hcl": 'unit "a" {\n  path = "a"\n}\n'
            'unit "b" {\n  source = "../../units/b"\n}\n'
            'unit "api" {\n  source = "../../units/api"\n  path   = "api"\n}\n'
            for name in ("dev", "prod")
        },
    },
    "by a stack": {
        "units/api/terragrunt.hcl": source("${get_repo_root()}//modules/api"),
        "live/dev/terragrunt.stack.hcl": 'unit "api" {\n  source = "../../units/api"\n  path   = "api"\n}\n',
        "live/prod/terragrunt.stack.hcl": 'unit "api" {\n  source = "../../units/api"\n  path   = "api"\n}\n',
    },
}


@pytest.mark.parametrize("files", TWO.values(), ids=TWO)
def test_a_module_that_two_units_run_is_edited_for_neither(files, tmp_path):
    """A module that two units run is blocked, and both units are named with their file."""
    _, patches = world(tmp_path, files).ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked), rotation.step
    named = [path for path in files if path.startswith("live/")]
    assert all(path in rotation.step.reason for path in named), rotation.step.reason
    assert patches.patches == ()


def test_it_is_so_without_a_repository_too(tmp_path):
    """Units are found in the folders above a module without a repository too."""
    _, patches = world(tmp_path, TWO["with two slashes"], repository=False).ask()
    assert isinstance(patches.rotations[0].step, Blocked)


def test_one_unit_is_how_a_module_is_run(tmp_path):
    """A module that one unit runs is edited; units of other modules do not count."""
    files = {
        "live/dev/api/terragrunt.hcl": source("../../../modules//api"),
        "live/dev/other/terragrunt.hcl": source("../../../modules//other"),
        "live/dev/whole/terragrunt.hcl": source("git::https://example.com/infra.git"),
        "terragrunt.hcl": "inputs = {}\n",
    }
    _, patches = world(tmp_path, files).ask()
    assert patches.rotations[0].step == Next(Phase.INTRODUCE)
    assert patches.rotations[0].cautions == ()


@pytest.mark.parametrize(
    "text",
    [
        "${local.base}//modules/api",
        "git::https://example.com/infra.git//modules/api?ref=v1",
        '${run_cmd("where")}',
        '${find_in_parent_folders("nowhere.hcl")}/modules/api',
        '${local.a}/modules/api"\n}\nlocals {\n  a = local.b\n  b = "${local.a}',
    ],
)
def test_a_source_that_may_name_the_module_is_a_warning(text, tmp_path):
    """A unit whose source may be the module gives a caution, and does not block."""
    _, patches = world(tmp_path, two(source(text))).ask()
    (rotation,) = patches.rotations
    assert rotation.step == Next(Phase.INTRODUCE)
    told = " ".join(
        caution.text for caution in rotation.cautions if caution.phase is Phase.INTRODUCE
    )
    assert "live/dev/api/terragrunt.hcl:2" in told
    assert "live/prod/api/terragrunt.hcl:2" in told


def test_a_module_that_a_run_module_calls_is_shared_with_every_unit(tmp_path):
    """A module that a root calls is blocked if units run it."""
    files = {
        "stacks/edge/main.tf": 'module "api" {\n  source = "../../modules/api"\n}\n',
        **two(source("../../../modules//api")),
    }
    home = world(tmp_path, files)
    inner = World(
        folder=tmp_path / "stacks/edge",
        certificates={
            f"module.api.{address}": identity for address, identity in home.certificates.items()
        },
        stages={f"module.api.{address}": identity for address, identity in home.stages.items()},
    )
    _, patches = inner.ask()
    assert isinstance(patches.rotations[0].step, Blocked)
    assert "live/dev/api/terragrunt.hcl" in patches.rotations[0].step.reason


def test_units_are_found_below_a_folder_with_the_modules_that_they_run(tmp_path):
    """Units are found with the module that each runs; one with an unknown source may be
    relevant.
    """
    files = {
        "live/api/terragrunt.hcl": source("../../modules//api"),
        "live/other/terragrunt.hcl": source("../../modules//other"),
        "live/unclear/terragrunt.hcl": source("${local.somewhere}"),
        "modules/other/main.tf": 'resource "aws_sqs_queue" "q" {}\n',
    }
    world(tmp_path, files)
    found = {
        unit.directory.removeprefix(f"{tmp_path}/"): unit for unit in find_units(str(tmp_path))
    }
    assert {name: unit.concerned for name, unit in found.items()} == {
        "live/api": True,
        "live/other": False,
        "live/unclear": True,
    }
    assert found["live/api"].module is not None
    assert found["live/api"].module.endswith("modules/api")
    assert found["live/unclear"].module is None


def test_units_beside_the_folder_are_not_below_it(tmp_path):
    """Only the units of the folder that is asked for are returned, of all in the repository."""
    files = two(source("../../../modules//api"))
    world(tmp_path, files)
    assert [each.directory for each in find_units(str(tmp_path / "live/dev"))] == [
        str(tmp_path / "live/dev/api")
    ]


@pytest.mark.parametrize(("depth", "count"), [(8, 1), (9, 0)])
def test_units_are_searched_down_to_a_depth(depth, count, tmp_path):
    """A link or a copy of a whole disk does not make the search endless."""
    below = "/".join("abcdefghi"[:depth])
    world(tmp_path, {f"{below}/terragrunt.hcl": source("/elsewhere//api")})
    assert len(find_units(str(tmp_path))) == count
