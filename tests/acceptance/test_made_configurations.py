"""Generated configurations are rotated with real terraform; each plan has only its phase's changes.

TFCERT_SEEDS="7 8 9" tries other seeds than the default one.
"""

from __future__ import annotations

import os

import pytest
from rig.bench import Bench
from rig.gateway import assert_trustworthy
from rig.making import make, without_month

pytestmark = pytest.mark.xdist_group("acceptance-made")


@pytest.mark.needs_terraform("terraform_data")
@pytest.mark.parametrize(
    "seed", [int(text) for text in os.environ.get("TFCERT_SEEDS", "1").split()]
)
def test_what_a_seed_draws_is_rotated(aws, tool, tmp_path, seed):
    """The plan of each phase passes its check, and changes exactly the configuration's certificates
    or stages.
    """
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
