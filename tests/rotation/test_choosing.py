"""Tests of `--only` with the address of a block, the address of an instance, or an id."""

from __future__ import annotations

import pytest
from world import CERTIFICATE, STAGE, world

from checker.model.rotation import Blocked, Next, Phase

TEXT = f"""resource "{CERTIFICATE}" "c" {{
  for_each = toset(["a", "b"])
}}

resource "{STAGE}" "prod" {{
  for_each              = toset(["a", "b"])
  client_certificate_id = {CERTIFICATE}.c[each.key].id
}}
"""
ONE, OTHER = f'{CERTIFICATE}.c["a"]', f'{CERTIFICATE}.c["b"]'


def step(tmp_path, certificates, *only):
    stages = {
        f'{STAGE}.prod["{address[-3]}"]': identity for address, identity in certificates.items()
    }
    _, patches = world(tmp_path, {"main.tf": TEXT}, certificates=certificates, stages=stages).ask(
        only=frozenset(only)
    )
    (rotation,) = patches.rotations
    return rotation.step


@pytest.mark.parametrize("only", [ONE, "id000a"])
def test_one_key_of_several_is_blocked_with_advice(only, tmp_path):
    """`--only` for one of several instances is blocked, because the block's copy has all keys."""
    found = step(tmp_path, {ONE: "id000a", OTHER: "id000b"}, only)
    assert isinstance(found, Blocked)
    assert "is one of 2 instances" in found.reason
    assert '["a"]' in found.remedy


@pytest.mark.parametrize("only", [(f"{CERTIFICATE}.c",), (ONE, OTHER), ("id000a", "id000b")])
def test_all_of_them_are_rotated(only, tmp_path):
    """`--only` with the block, or with all of its instances, rotates the whole block."""
    assert step(tmp_path, {ONE: "id000a", OTHER: "id000b"}, *only) == Next(Phase.INTRODUCE)


def test_the_only_instance_is_its_block(tmp_path):
    """`--only` with the single instance of a block rotates the block."""
    assert step(tmp_path, {ONE: "id000a"}, ONE) == Next(Phase.INTRODUCE)
