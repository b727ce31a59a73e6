"""Which resource types tfcert reads."""

from __future__ import annotations

import pytest

from checker.model.resource_types import is_relevant


@pytest.mark.parametrize(
    ("resource_type", "modes"),
    [
        ("aws_api_gateway_stage", {"managed"}),
        ("aws_api_gateway_client_certificate", {"managed"}),
        ("awscc_apigateway_stage", {"managed", "data"}),
        ("aws_acm_certificate", {"managed", "data"}),
        ("aws_api_gateway_rest_api", {"managed", "data"}),
        ("aws_cloudformation_stack", {"managed"}),
        ("aws_cloudcontrolapi_resource", {"managed"}),
        ("aws_api_gateway_deployment", {"managed"}),
        ("aws_instance", set()),
    ],
)
def test_managed_ones_and_the_data_sources_that_show_a_stage_or_a_certificate(resource_type, modes):
    """Managed resources are read, and data sources only if they show a stage or a certificate."""
    assert {
        mode for mode in ("managed", "data", "ephemeral", "") if is_relevant(resource_type, mode)
    } == modes
