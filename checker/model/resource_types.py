"""The resource types that tfcert reads; everything else in a document is skipped.

Source: terraform-provider-aws internal/service/{apigateway,apigatewayv2,acm} and terraform-provider-awscc, which names
its resources after CloudFormation's `AWS::ApiGateway::…`.
"""

from __future__ import annotations

from checker.model.resources import StageKind

STAGES = {
    "aws_api_gateway_stage": StageKind.REST,
    "awscc_apigateway_stage": StageKind.REST,
    "aws_apigatewayv2_stage": StageKind.WEBSOCKET,
}
CERTIFICATES = frozenset(
    {"aws_api_gateway_client_certificate", "awscc_apigateway_client_certificate"}
)
ACM_CERTIFICATE = "aws_acm_certificate"
DEPLOYMENTS = frozenset(
    {"aws_api_gateway_deployment", "aws_apigatewayv2_deployment", "awscc_apigateway_deployment"}
)

# What hands a template or a description of resources to another service, which may write stages and certificates by it; and the
# attributes that hold the text. Source: the documentation of the providers aws and awscc for each type.
OTHER_WRITERS: dict[str, tuple[str, ...]] = {
    "aws_cloudformation_stack": ("template_body",),
    "aws_cloudformation_stack_set": ("template_body",),
    "aws_cloudformation_stack_set_instance": (),
    "aws_cloudformation_stack_instances": (),
    "aws_serverlessapplicationrepository_cloudformation_stack": (),
    "aws_cloudcontrolapi_resource": ("type_name",),
    "awscc_cloudformation_stack": ("template_body",),
    "awscc_cloudformation_stack_set": ("template_body",),
}

# What stages belong to, read for its name alone; and the kind of the stages that name it.
APIS = {
    "aws_api_gateway_rest_api": StageKind.REST,
    "awscc_apigateway_rest_api": StageKind.REST,
    "aws_apigatewayv2_api": StageKind.WEBSOCKET,
}

HOLDERS = frozenset({*STAGES, *CERTIFICATES, ACM_CERTIFICATE})
CHANGED = HOLDERS | DEPLOYMENTS
KEPT = CHANGED | APIS.keys() | OTHER_WRITERS.keys()


# Source: the provider awscc has a data source for each of its resources; of the provider aws's only this one has one.
_DATA_SOURCES = frozenset(
    {ACM_CERTIFICATE, *(name for name in HOLDERS if name.startswith("awscc_"))}
)


def is_relevant(resource_type: str, mode: str) -> bool:
    """Whether a recorded object is one that tfcert reads: managed, or of a data source that shows a stage or a certificate."""
    if resource_type in APIS:
        return mode in {"managed", "data"}
    if resource_type in OTHER_WRITERS:
        return mode == "managed"
    return resource_type in HOLDERS and (
        mode == "managed" or (mode == "data" and resource_type in _DATA_SOURCES)
    )
