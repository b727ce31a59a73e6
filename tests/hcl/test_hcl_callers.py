"""A local module that other root modules of the repository also call is not edited."""

from __future__ import annotations

import os

import pytest
from world import CERTIFICATE, STAGE, World, git, lay

from checker.model.rotation import Blocked, Next, Phase

MODULE = f'resource "{CERTIFICATE}" "c" {{\n}}\n\nresource "{STAGE}" "s" {{\n  client_certificate_id = {CERTIFICATE}.c.id\n}}\n'


def call(source: str) -> str:
    return f'module "gateway" {{\n  source = "{source}"\n}}\n'


def world(folder, inner: str = "", **files: str) -> World:
    """Return a repository whose envs/prod calls a module; `files` are others, with __ for each
    slash.
    """
    lay(
        folder,
        {
            "envs/prod/main.tf": call("../../modules/gateway"),
            **{k.replace("__", "/") + ".tf": v for k, v in files.items()},
        },
    )
    path = f"module.gateway{inner}"
    return World(
        folder=folder / "envs" / "prod",
        certificates={f"{path}.{CERTIFICATE}.c": "old000"},
        stages={f"{path}.{STAGE}.s": "old000"},
    )


def test_a_module_outside_the_root_is_edited_when_nobody_else_calls_it(tmp_path):
    """A module outside the root is edited if no other root calls it; the patch has paths from the
    repository's root.
    """
    home = world(
        tmp_path, modules__gateway__main=MODULE, envs__dev__main=call("../../modules/other")
    )
    git(tmp_path, "init", "-q")
    _, patches = home.ask(every=True)
    assert [rotation.step for rotation in patches.rotations] == [Next(Phase.INTRODUCE)]
    for entry in patches.patches:
        git(tmp_path, "apply", "-", data=entry.diff("envs/prod"))
    assert b'"c"' not in (tmp_path / "modules/gateway/main.tf").read_bytes()


@pytest.mark.parametrize(
    "source", ["../../modules/gateway", "../../modules/gateway/", "../../modules/./gateway"]
)
def test_other_callers_are_named(source, tmp_path):
    """Another caller blocks the rotation and is named with file and line, however it writes the
    folder.
    """
    home = world(tmp_path, modules__gateway__main=MODULE, envs__dev__main="\n\n" + call(source))
    git(tmp_path, "init", "-q")
    _, patches = home.ask()
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert "envs/dev/main.tf:4" in rotation.step.reason
    assert patches.patches == ()


def test_a_module_is_shared_when_the_one_around_it_is(tmp_path):
    """An inner module is shared if another root calls the module around it."""
    files = {"modules__gateway__main": call("./inner"), "modules__gateway__inner__main": MODULE}
    home = world(
        tmp_path, ".module.gateway", **files, envs__dev__main=call("../../modules/gateway")
    )
    git(tmp_path, "init", "-q")
    _, patches = home.ask()
    assert isinstance(patches.rotations[0].step, Blocked)
    assert "envs/dev/main.tf:2" in patches.rotations[0].step.reason


def test_without_a_repository_nobody_knows_who_calls_it(tmp_path):
    """Without a repository, a module outside the root is blocked, because its callers are
    unknown.
    """
    home = world(tmp_path, modules__gateway__main=MODULE)
    _, patches = home.ask()
    assert isinstance(patches.rotations[0].step, Blocked)
    assert "outside this root module" in patches.rotations[0].step.reason


def test_a_copy_that_terraform_made_is_no_caller(tmp_path):
    """A module copy in `.terraform/modules` is no caller."""
    home = world(tmp_path, modules__gateway__main=MODULE)
    lay(tmp_path, {"envs/dev/.terraform/modules/x/main.tf": call("../../../../../modules/gateway")})
    git(tmp_path, "init", "-q")
    _, patches = home.ask()
    assert [rotation.step for rotation in patches.rotations] == [Next(Phase.INTRODUCE)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("main.tofu", call("../../modules/gateway")),
        ("main.tf.json", '{"module": {"gateway": {"source": "../../modules/gateway"}}}'),
        ("main.tofu.json", '{"module": {"gateway": [{"source": "../../modules/gateway"}]}}'),
    ],
)
def test_a_caller_of_any_suffix_is_named(name, text, tmp_path):
    """A caller in a JSON or OpenTofu file is named too, and a FIFO beside it is not read."""
    home = world(tmp_path, modules__gateway__main=MODULE)
    lay(tmp_path, {f"envs/dev/{name}": text})
    os.mkfifo(tmp_path / "envs" / "dev" / "x.tf")
    git(tmp_path, "init", "-q")
    _, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert f"envs/dev/{name}:" in rotation.step.reason
