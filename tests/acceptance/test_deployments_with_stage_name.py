"""A deployment with `stage_name` beside a stage resource: tfcert's findings on plans match their
applies.
"""

from __future__ import annotations

import pytest
from rig.bench import Bench
from rig.processes import run

pytestmark = pytest.mark.xdist_group("acceptance-stage-name")

STAGE, DEPLOYMENT = "aws_api_gateway_stage.live", "aws_api_gateway_deployment.orders"
OWN = """
import {{
  to = aws_api_gateway_stage.live
  id = "{api}/live"
}}

resource "aws_api_gateway_stage" "live" {{
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}}
"""


def presented(bench: Bench, api: str) -> str | None:
    """Return the certificate that the stage presents in AWS."""
    return (
        bench.aws.client("apigateway")
        .get_stage(restApiId=api, stageName="live")
        .get("clientCertificateId")
    )


@pytest.mark.needs_terraform("import blocks")
def test_a_stage_loses_its_certificate_to_a_deployment_and_is_not_created_beside_one(
    aws, tool, tmp_path
):
    """A replaced deployment detaches the certificate, and a stage replaced with it cannot be
    created.
    """
    bench = Bench.lay(aws, tool, tmp_path / tool.binary.name, "deployed")
    bench.apply_at_once()
    (api,) = (one["id"] for one in aws.client("apigateway").get_rest_apis()["items"])
    bench.infra.joinpath("stage.tf").write_text(OWN.format(api=api))
    bench.apply_at_once()
    (shown,) = (
        one["clientCertificateId"]
        for one in aws.client("apigateway").get_client_certificates()["items"]
    )
    assert presented(bench, api) == shown

    both = bench.plan("both", f"-replace={STAGE}", f"-replace={DEPLOYMENT}", "-refresh=false")
    assert both.changes() == {STAGE: ["delete", "create"], DEPLOYMENT: ["delete", "create"]}
    judged = bench.check_plan(both)
    found = judged.finding("stage-detached")
    assert (judged.code, found["severity"], found["certificate_id"]) == (1, "error", shown)
    assert f"{DEPLOYMENT} (replaced) has stage_name and creates the stage first" in found["message"]

    replaced = bench.plan("replaced", "-var=content=2", "-refresh=false")
    assert replaced.changes() == {STAGE: ["update"], DEPLOYMENT: ["delete", "create"]}
    judged = bench.check_plan(replaced)
    found = judged.finding("stage-detached")
    assert (judged.code, found["severity"], found["certificate_id"]) == (1, "error", shown)
    assert "its own resource does not send the certificate again" in found["message"]
    bench.apply(replaced)
    assert presented(bench, api) is None

    again = bench.plan("again", f"-replace={STAGE}", f"-replace={DEPLOYMENT}", "-var=content=2")
    command = [tool.binary.path, "apply", "-input=false", "-no-color", str(again.binary)]
    ended = run(command, folder=bench.infra, environment=bench.attached)
    assert ended.code == 1
    assert b"ConflictException" in ended.stderr
    assert presented(bench, api) is None
