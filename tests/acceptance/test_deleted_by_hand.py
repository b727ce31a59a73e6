"""The remedy for a deleted certificate, followed with the real tool."""

from __future__ import annotations

import pytest
from rig.bench import Bench

pytestmark = pytest.mark.xdist_group("acceptance-deleted-by-hand")

OLD = "aws_api_gateway_client_certificate.orders"


def test_it_is_made_alone_and_the_stages_follow_in_an_apply_of_their_own(aws, tool, tmp_path):
    """The remedy of certificate-gone creates the certificate with `-target`, and a second apply
    moves the stages. One apply for both is rotation-unstaged.
    """
    bench = Bench.lay(aws, tool, tmp_path / tool.binary.name, "single")
    bench.apply_at_once()
    (gone,) = {
        shown["clientCertificateId"]
        for shown in aws.client("apigateway").get_client_certificates()["items"]
    }
    aws.answer_delete_in_use("allow")
    aws.client("apigateway").delete_client_certificate(clientCertificateId=gone)

    judged = bench.check("infra")
    finding = judged.finding("certificate-gone")
    assert (judged.code, finding["severity"], finding["certificate_id"]) == (1, "error", gone)
    assert f"terraform apply -target='{OLD}'" in finding["remedy"]
    (rotation,) = judged.document["rotations"]
    assert rotation["phase"] == "blocked"

    everything = bench.plan("everything")
    assert everything.changes()[OLD] == ["create"]
    assert ["update"] in everything.changes().values()
    assert "rotation-unstaged" in bench.check_plan(everything).rules

    alone = bench.plan("alone", f"-target={OLD}")
    assert alone.changes() == {OLD: ["create"]}
    assert bench.check_plan(alone).found == {("certificate-gone", "warning")}
    bench.apply(alone)

    rest = bench.plan("rest")
    assert OLD not in rest.changes()
    moved = bench.check_plan(rest)
    assert (moved.code, moved.rules) == (0, {"certificate-gone"})
    bench.apply(rest)
    assert bench.check("infra").code == 0
