"""The resource types that tfcert reads; it skips everything else in a document.

Source: terraform-provider-aws internal/service/{apigateway,apigatewayv2,acm} and
terraform-provider-awscc, which names its resources after CloudFormation's `AWS::ApiGateway::…`.
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

# Types that give a template or a description of resources to another service, and the attributes
# with the text. That service may write stages and certificates.
# Source: the documentation of the providers aws and awscc for each type.
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

# The APIs of stages, read only for their names, and the kind of their stages.
APIS = {
    "aws_api_gateway_rest_api": StageKind.REST,
    "awscc_apigateway_rest_api": StageKind.REST,
    "aws_apigatewayv2_api": StageKind.WEBSOCKET,
}

# Resources whose content AWS can show as trust material, with the attributes that name it for the
# read call. Source: the documentation of the provider aws for each type.
MATERIAL: dict[str, tuple[str, ...]] = {
    "aws_lb_trust_store": ("arn",),
    "aws_s3_object": ("bucket", "key"),
    "aws_s3_bucket_object": ("bucket", "key"),
    "aws_ssm_parameter": ("name",),
    "aws_secretsmanager_secret_version": ("secret_id",),
}

HOLDERS = frozenset({*STAGES, *CERTIFICATES, ACM_CERTIFICATE})
CHANGED = HOLDERS | DEPLOYMENTS
KEPT = CHANGED | APIS.keys() | OTHER_WRITERS.keys()
# Changes of trust material are not read, its records are.
RECORDED = KEPT | MATERIAL.keys()


# Source: awscc has a data source for each of its resources; aws has one only for ACM certificates.
_DATA_SOURCES = frozenset(
    {ACM_CERTIFICATE, *(name for name in HOLDERS if name.startswith("awscc_"))}
)


def is_relevant(resource_type: str, mode: str) -> bool:
    """Return whether tfcert reads this recorded object.

    It reads managed resources, deployments and trust material among them, and data sources that
    show a stage or a certificate.
    """
    if resource_type in APIS:
        return mode in {"managed", "data"}
    if resource_type in OTHER_WRITERS or resource_type in MATERIAL or resource_type in DEPLOYMENTS:
        return mode == "managed"
    return resource_type in HOLDERS and (
        mode == "managed" or (mode == "data" and resource_type in _DATA_SOURCES)
    )
