"""The IAM action behind each call, as a denied person needs to read it."""

from __future__ import annotations

# API Gateway's actions are HTTP methods on paths. Source: AWS's service authorization reference, "Amazon API Gateway
# Management" and "... V2". `policies/iam/` allows exactly these.
_ACTIONS = {
    "GetClientCertificates": "apigateway:GET on /clientcertificates",
    "GetRestApis": "apigateway:GET on /restapis",
    "GetApis": "apigateway:GET on /apis",
    "GetStages": "apigateway:GET on /restapis/*/stages and /apis/*/stages",
    "GetStage": "apigateway:GET on /restapis/*/stages/* and /apis/*/stages/*",
    "DescribeCertificate": "acm:DescribeCertificate on the certificate",
    "GetCallerIdentity": "sts:GetCallerIdentity",
    "DescribeRegions": "ec2:DescribeRegions",
    "GetObject": "s3:GetObject on the object",
    "AssumeRole": "sts:AssumeRole on the role",
}


def action_for(operation: str) -> str:
    """The IAM action that an operation needs, and on what."""
    return _ACTIONS.get(operation, operation)
