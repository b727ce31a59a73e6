"""Every way to refer to a certificate, in one configuration, rotated by three real applies."""

from __future__ import annotations

import pytest
from rig.bench import Bench
from rig.gateway import assert_trustworthy
from rig.making import without_month

pytestmark = pytest.mark.xdist_group("acceptance-many-patterns")

OLD = {
    "aws_api_gateway_client_certificate.orders[0]",
    'aws_api_gateway_client_certificate.team["blue"]',
    'aws_api_gateway_client_certificate.team["g.reen"]',
    "aws_api_gateway_client_certificate.legacy",
    "module.invoices_certificate.aws_api_gateway_client_certificate.main",
}
IN_MODULE = ("orders", "blue", "green", "legacy", "splat", "invoices", "tried")
STAGES = {
    *(f'module.api.aws_api_gateway_stage.this["{name}"]' for name in IN_MODULE),
    *(f'aws_api_gateway_stage.team["{name}"]' for name in ("blue", "green")),
    "aws_apigatewayv2_stage.chat",
}


@pytest.fixture
def bench(aws, tool, tmp_path):
    bench = Bench.lay(aws, tool, tmp_path / "mixed", "mixed")
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    return bench


def test_all_of_them_rotate_in_step(bench):
    """Each plan has its phase's change for all certificates, and in the end nothing is
    left to do.
    """
    before = assert_trustworthy_but(bench, "everything/nothing")
    assert bench.check("infra").code == 1

    planned = bench.rotate("introduce")
    created = {address for address, actions in planned.items() if actions == ("create",)}
    assert set(without_month(created)) == OLD
    assert planned == dict.fromkeys(created, ("create",))
    assert assert_trustworthy_but(bench, "everything/nothing") == before

    assert bench.rotate("repoint") == dict.fromkeys(STAGES, ("update",))
    after = assert_trustworthy_but(bench, "everything/nothing")
    assert set(after) == set(before)
    assert set(after.values()).isdisjoint(before.values())
    assert pairs(after) == pairs(before), "stages that shared a certificate still do"

    assert bench.rotate("retire") == dict.fromkeys(OLD, ("delete",))
    assert assert_trustworthy_but(bench, "everything/nothing") == after
    assert b"nothing to do" in bench.patch("--write")
    assert bench.check("infra").document["verdict"] == "clean"
    bench.assert_nothing_changes()


def assert_trustworthy_but(bench: Bench, nothing: str) -> dict[str, str]:
    """Check what each stage presents; one stage presents nothing."""
    return assert_trustworthy(bench.aws, without={nothing})


def pairs(presented: dict[str, str]) -> set[frozenset[str]]:
    """Return groups of stages that present one certificate."""
    return {
        frozenset(stage for stage, one in presented.items() if one == identity)
        for identity in presented.values()
    }
