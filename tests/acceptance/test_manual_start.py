"""A rotation that a person began in one step is separated by tfcert and completed with real
terraform.
"""

from __future__ import annotations

import pytest
from rig.bench import Bench
from rig.gateway import assert_trustworthy, changes

pytestmark = pytest.mark.xdist_group("acceptance-manual-start")

OLD, NEW = (
    "aws_api_gateway_client_certificate.backend",
    "aws_api_gateway_client_certificate.backend_two",
)
ADDED = b"""
resource "aws_api_gateway_client_certificate" "backend_two" {
  provider    = aws.gateway
  description = "orders and payments, to their backend, expires 2027"
}
"""


@pytest.fixture
def bench(aws, tool, tmp_path):
    """Return two APIs on one certificate with 12 days left, after a change that adds a second one
    and moves the stages.
    """
    bench = Bench.lay(aws, tool, tmp_path / "begun", "shared")
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    texts = {
        name: text.replace(b".backend.", b".backend_two.") for name, text in bench.texts().items()
    }
    texts["certificates.tf"] += ADDED.replace(b"\n", b"\r\n")
    bench.write(texts)
    return bench


def test_the_one_step_change_is_separated_and_rotated(bench):
    """The one-step plan is an error whose remedy names the patch.

    Each later phase passes, without a third certificate.
    """
    aws = bench.aws
    first = assert_trustworthy(aws)
    planned = bench.plan("one-step")
    judged = bench.check_plan(planned)
    assert judged.code == 1
    refused = [
        finding["remedy"]
        for finding in judged.document["findings"]
        if finding["rule"] == "rotation-unstaged"
    ]
    assert len(refused) == 3
    assert all(f"keeps {NEW}" in remedy for remedy in refused)

    said = bench.patch("--write")
    assert b"a guess" in said
    assert not any(f"{OLD}_2".encode() in text for text in bench.texts().values()), (
        "no third certificate"
    )
    planned = bench.plan("introduce")
    assert planned.changes() == {NEW: ["create"]}
    assert bench.check_plan(planned, "--expect", "introduce").code == 0
    assert bench.check_plan(planned, "--expect", "next").code == 0
    aws.forget_calls()
    bench.apply(planned)
    assert changes(aws) == ["GenerateClientCertificate"]
    assert assert_trustworthy(aws) == first

    for phase, made in (("repoint", ["UpdateStage"] * 3), ("retire", ["DeleteClientCertificate"])):
        bench.patch("--write")
        planned = bench.plan(phase)
        assert bench.check_plan(planned, "--expect", phase).code == 0
        aws.forget_calls()
        bench.apply(planned)
        assert changes(aws) == made
    assert len(set(assert_trustworthy(aws).values())) == 1
    assert b"nothing to do" in bench.patch()
    bench.assert_nothing_changes()
