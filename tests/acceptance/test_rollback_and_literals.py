"""Rollback of a repoint, and a literal id, with real applies."""

from __future__ import annotations

import pytest
from rig.bench import Bench
from rig.gateway import assert_trustworthy

pytestmark = pytest.mark.xdist_group("acceptance-rollback")

CERTIFICATE = "aws_api_gateway_client_certificate"
OWN = f"""\
resource "{CERTIFICATE}" "own" {{
  description = "own"
}}

resource "aws_api_gateway_stage" "own" {{
  rest_api_id           = local.api.id
  deployment_id         = local.api.deployment
  stage_name            = "own"
  client_certificate_id = {CERTIFICATE}.own.id
}}
"""
LITERAL = """\
resource "aws_api_gateway_stage" "literal" {
  rest_api_id           = local.api.id
  deployment_id         = local.api.deployment
  stage_name            = "literal"
  client_certificate_id = "ID" # made by hand
}
"""


def laid(aws, tool, top, name, text):
    """Return one stage, applied 353 days ago, and a manually created certificate."""
    aws.reset()
    aws.clock.advance(days=-353, hours=1)
    by_hand = aws.client("apigateway").generate_client_certificate()["clientCertificateId"]
    bench = Bench.lay(aws, tool, top, "made", {f"{name}.tf": text.replace("ID", by_hand)})
    bench.apply_at_once()
    aws.clock.run()
    return bench, by_hand


def test_a_repoint_is_taken_back(aws, tool, tmp_path):
    """After a rollback the stage presents the predecessor, the successor stays, and repoint is
    next.
    """
    bench, _ = laid(aws, tool, tmp_path / "own", "own", OWN)
    first = assert_trustworthy(aws)
    bench.rotate("introduce")
    before = bench.texts()
    bench.rotate("repoint")
    assert assert_trustworthy(aws) != first
    diff = bench.patch("--phase", "rollback")
    bench.git("apply", stdin=diff)
    assert bench.texts() == before
    planned = bench.plan("rollback")
    judged = bench.check_plan(planned, "--expect", "rollback")
    assert judged.code == 0, str(judged.ended)
    assert planned.changes() == {"aws_api_gateway_stage.own": ["update"]}
    bench.apply(planned)
    assert assert_trustworthy(aws) == first
    assert bench.check("infra").document["rotations"][0]["phase"] == "repoint"


def test_a_literal_id_becomes_a_reference(aws, tool, tmp_path):
    """A literal id is replaced in introduce and repoint.

    Retire names the AWS command that deletes the old certificate.
    """
    bench, by_hand = laid(aws, tool, tmp_path / "literal", "literal", LITERAL)
    assert set(assert_trustworthy(aws).values()) == {by_hand}
    assert set(bench.rotate("introduce").values()) == {("create",)}
    assert bench.rotate("repoint") == {"aws_api_gateway_stage.literal": ("update",)}
    assert by_hand not in assert_trustworthy(aws).values()
    ended = bench.tfcert("patch", "infra")
    assert ended.code == 3
    assert f"delete-client-certificate --client-certificate-id {by_hand}".encode() in ended.stdout
    aws.client("apigateway").delete_client_certificate(clientCertificateId=by_hand)
    ended = bench.tfcert("patch", "infra")
    assert ended.code == 0, str(ended)
    bench.assert_nothing_changes()
