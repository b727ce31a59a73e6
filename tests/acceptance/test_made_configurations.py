"""Configurations drawn by a seed are rotated for real: each plan changes just what its phase declares, and then nothing is left.

TFCERT_SEEDS="7 8 9" tries others than the one that every run tries.
"""

from __future__ import annotations

import os

import pytest
from rig.bench import Bench
from rig.gateway import assert_trustworthy
from rig.making import make, without_month

pytestmark = pytest.mark.xdist_group("acceptance-made")


@pytest.mark.parametrize(
    "seed", [int(text) for text in os.environ.get("TFCERT_SEEDS", "1").split()]
)
def test_what_a_seed_draws_is_rotated(aws, tool, tmp_path, seed):
    """Every plan is held to its phase, and names every certificate and every stage of the configuration and nothing else."""
    aws.reset()
    made = make(seed)
    bench = Bench.lay(aws, tool, tmp_path / "made", "made", made.files)
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    first = assert_trustworthy(aws)

    introduced = bench.rotate("introduce")
    assert set(introduced.values()) == {("create",)}
    assert set(without_month(set(introduced))) == made.certificates
    assert assert_trustworthy(aws) == first
    assert bench.rotate("repoint") == dict.fromkeys(made.stages, ("update",))
    second = assert_trustworthy(aws)
    assert set(second.values()).isdisjoint(first.values())
    assert bench.rotate("retire") == dict.fromkeys(made.certificates, ("delete",))
    assert assert_trustworthy(aws) == second
    assert b"nothing to do" in bench.patch("--write")
    bench.assert_nothing_changes()
