"""Follow the remedies for a shared module; then the rotation continues."""

from __future__ import annotations

import re
import shutil

import pytest
from test_hcl_callers import MODULE, call
from test_hcl_callers import world as in_a_repository
from test_terragrunt import source, two
from test_terragrunt import world as by_terragrunt
from world import CERTIFICATE, STAGE, git, world

from checker.model.rotation import Blocked, Next, Phase


def remedy(home) -> str:
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Blocked), rotation.step
    return rotation.step.remedy


def goes_on(home) -> bool:
    """Return whether introduce is next with one patch."""
    _, patches = home.ask()
    return [rotation.step for rotation in patches.rotations] == [Next(Phase.INTRODUCE)] and len(
        patches.patches
    ) == 1


def test_a_module_outside_the_root_is_brought_into_a_repository(tmp_path):
    """After `git init`, a module outside the root without other callers is edited."""
    home = in_a_repository(tmp_path, modules__gateway__main=MODULE)
    found = re.search(r"in a (\w+) repository tfcert finds the other callers$", remedy(home))
    assert found is not None
    assert found[1] == "git"
    git(tmp_path, "init", "-q")
    assert goes_on(home)


def test_a_module_of_another_root_too_gets_a_copy_for_this_root(tmp_path):
    """After this root gets its own copy of the module, the rotation continues."""
    home = in_a_repository(
        tmp_path, modules__gateway__main=MODULE, envs__dev__main=call("../../modules/gateway")
    )
    git(tmp_path, "init", "-q")
    assert "give this root module its own copy of the module, or" in remedy(home)
    shutil.copytree(tmp_path / "modules/gateway", tmp_path / "modules/gateway_prod")
    (tmp_path / "envs/prod/main.tf").write_text(call("../../modules/gateway_prod"))
    assert goes_on(home)


@pytest.mark.parametrize("own", ["a", "b"])
def test_a_module_that_is_called_twice_gets_a_copy_for_each_call(own, tmp_path):
    """After one of two calls gets its own copy of the module, the rotation continues."""
    calls = "".join(f'module "{name}" {{\n  source = "./gateway"\n}}\n' for name in "ab")
    home = world(
        tmp_path,
        {"main.tf": calls, "gateway/main.tf": MODULE},
        certificates={f"module.a.{CERTIFICATE}.c": "old000"},
        stages={f"module.a.{STAGE}.s": "old000"},
    )
    assert remedy(home).endswith("or give each call its own copy of the module")
    shutil.copytree(tmp_path / "gateway", tmp_path / "copy")
    (tmp_path / "main.tf").write_text(
        calls.replace(f'"{own}" {{\n  source = "./gateway"', f'"{own}" {{\n  source = "./copy"')
    )
    assert goes_on(home)


def test_a_module_that_two_units_run_gets_a_copy_for_one_of_them(tmp_path):
    """After one of two Terragrunt units gets its own copy of the module, the rotation continues."""
    home = by_terragrunt(tmp_path, two(source("../../../modules//api")))
    assert remedy(home).endswith("or give one unit its own copy of the module")
    shutil.copytree(tmp_path / "modules/api", tmp_path / "modules/api_dev")
    (tmp_path / "live/dev/api/terragrunt.hcl").write_text(source("../../../modules//api_dev"))
    assert goes_on(home)
