"""The emulator answers as AWS's own models specify, in shapes, error codes and pages, for every
operation that tfcert uses.

botocore's parsed answer would hide a field with a wrong name or type, so these tests look at the
bytes that were sent. Source: botocore's models of `apigateway`, `apigatewayv2`, `acm`, `sts`, `s3`,
`ec2`, `elbv2`, `ssm` and `secretsmanager`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import ClientError

from checker.aws.errors import _ACTIONS, action_for
from checker.demo.emulator import (
    SeedAcm,
    SeedApi,
    SeedCertificate,
    SeedMethod,
    SeedRole,
    access_denied,
    throttled,
    unavailable,
)

ENDS = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
ROLE = "arn:aws:iam::222222222222:role/reader"
# Errors that any operation can answer with, and their status, which the models omit. Source: AWS's
# "Common errors" of API Gateway, ACM and STS, and S3's "Error responses". The second version of API
# Gateway counts as the service of the first.
COMMON = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "ServiceUnavailableException": 503,
}

# Every operation that tfcert uses, with its parameters and the fields that tfcert reads from the
# answer.
ASKED = [
    ("apigateway", "GetClientCertificates", {"limit": 500}, {"items"}),
    ("apigateway", "GetRestApis", {"limit": 500}, {"items"}),
    ("apigateway", "GetStages", {"restApiId": "rest1"}, {"item"}),
    (
        "apigateway",
        "GetStage",
        {"restApiId": "rest1", "stageName": "prod"},
        {"stageName", "clientCertificateId"},
    ),
    (
        "apigateway",
        "GetResources",
        {"restApiId": "rest1", "limit": 500, "embed": ["methods"]},
        {"items"},
    ),
    (
        "apigateway",
        "TestInvokeMethod",
        {"restApiId": "rest1", "resourceId": "", "httpMethod": "GET"},
        {"status", "log", "latency"},
    ),
    ("apigatewayv2", "GetApis", {}, {"Items"}),
    ("apigatewayv2", "GetStages", {"ApiId": "sock1"}, {"Items"}),
    (
        "apigatewayv2",
        "GetStage",
        {"ApiId": "sock1", "StageName": "live"},
        {"StageName", "ClientCertificateId"},
    ),
    ("acm", "DescribeCertificate", {"CertificateArn": ARN}, {"Certificate"}),
    ("sts", "GetCallerIdentity", {}, {"Account", "Arn", "UserId"}),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": ROLE, "RoleSessionName": "tfcert", "ExternalId": "x-1"},
        {"Credentials", "AssumedRoleUser"},
    ),
    ("s3", "GetObject", {"Bucket": "states", "Key": "k"}, {"Body", "ContentLength", "ETag"}),
    ("ec2", "DescribeRegions", {}, {"Regions"}),
    ("elbv2", "GetTrustStoreCaCertificatesBundle", {"TrustStoreArn": ""}, {"Location"}),
    ("ssm", "GetParameter", {"Name": "/live/ca", "WithDecryption": True}, {"Parameter"}),
    ("secretsmanager", "GetSecretValue", {"SecretId": "live/ca"}, {"SecretString"}),
]
IDS = [f"{service}:{operation}" for service, operation, *_ in ASKED]


@pytest.fixture
def seeded(aws):
    """Fill the emulator with one resource of each kind."""
    aws.seed(
        SeedCertificate(id="abc123", expires_at=ENDS, description="d", tags={"a": "b"}),
        SeedApi(
            id="rest1",
            name="orders",
            stages={"prod": "abc123", "dev": None},
            methods={"GET /": SeedMethod(type="MOCK"), "GET /h": SeedMethod(uri="https://b.test/")},
        ),
        SeedApi(id="sock1", kind="websocket", name="chat", stages={"live": "abc123"}),
        SeedAcm(arn=ARN, expires_at=ENDS, renewal="FAILED", renewal_reason="PCA_ACCESS_DENIED"),
        SeedRole(arn=ROLE, external_id="x-1"),
    )
    storage = aws.client("s3")
    storage.create_bucket(Bucket="states")
    storage.put_object(Bucket="states", Key="k", Body=b"{}")
    pem = aws.client("apigateway").get_client_certificate(clientCertificateId="abc123")
    storage.put_object(Bucket="states", Key="ca.pem", Body=pem["pemEncodedCertificate"].encode())
    aws.client("elbv2").create_trust_store(
        Name="live", CaCertificatesBundleS3Bucket="states", CaCertificatesBundleS3Key="ca.pem"
    )
    aws.client("ssm").put_parameter(Name="/live/ca", Value="x", Type="SecureString")
    aws.client("secretsmanager").create_secret(Name="live/ca", SecretString="x")
    return aws


@pytest.fixture
def ask(seeded):
    """Return a function that calls the emulator and returns botocore's parsed answer, the raw
    answer, and the operation's model.
    """

    def asking(service, operation, parameters):
        client = seeded.client(service)
        came = []
        client.meta.events.register(
            "response-received", lambda response_dict, **_: came.append(response_dict)
        )
        method = next(
            name for name, op in client.meta.method_to_api_mapping.items() if op == operation
        )
        model = client.meta.service_model.operation_model(operation)
        if parameters.get("resourceId") == "":
            items = seeded.client(service).get_resources(restApiId="rest1")["items"]
            root = next(item["id"] for item in items if item["path"] == "/")
            parameters = {**parameters, "resourceId": root}
        if parameters.get("TrustStoreArn") == "":
            (store,) = client.describe_trust_stores()["TrustStores"]
            parameters = {"TrustStoreArn": store["TrustStoreArn"]}
            came.clear()
        try:
            read = getattr(client, method)(**parameters)
        except ClientError as error:
            read = error
        return read, came[-1], model

    return asking


def told_apart(shape, value, path="answer"):
    """Return the differences between a JSON value and its shape, each with its path.

    A null counts as a missing field.
    """
    kinds = {"structure": dict, "map": dict, "list": list}
    if value is None:
        return []
    if shape.type_name not in kinds:
        return (
            []
            if fits(shape, value)
            else [f"{path} is {value!r}, and not a {shape.type_name} of {shape.name}"]
        )
    if not isinstance(value, kinds[shape.type_name]):
        return [f"{path} is no {shape.type_name}"]
    if shape.type_name == "structure":
        members = {
            member.serialization.get("name", name): member for name, member in shape.members.items()
        }
        wanted = (
            shape.members[name].serialization.get("name", name) for name in shape.required_members
        )
        wrong = [f"{path}.{name} is not in the model" for name in value if name not in members]
        wrong += [f"{path}.{name} is required" for name in wanted if name not in value]
        parts = [(members[name], found, name) for name, found in value.items() if name in members]
    elif shape.type_name == "map":
        wrong, parts = [], [(shape.value, found, name) for name, found in value.items()]
    else:
        wrong, parts = [], [(shape.member, found, n) for n, found in enumerate(value)]
    return [
        *wrong,
        *(
            each
            for member, found, name in parts
            for each in told_apart(member, found, f"{path}.{name}")
        ),
    ]


def fits(shape, value):
    """Return whether a JSON value fits a shape that contains no other shapes."""
    if shape.type_name == "timestamp" and shape.serialization.get("timestampFormat") == "iso8601":
        return isinstance(value, str) and re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value
        )
    kinds = {
        "boolean": bool,
        "integer": int,
        "long": int,
        "timestamp": int | float,
        "double": int | float,
        "float": int | float,
    }
    known = isinstance(value, kinds.get(shape.type_name, str)) and isinstance(value, bool) == (
        shape.type_name == "boolean"
    )
    return known and (not shape.metadata.get("enum") or value in shape.metadata["enum"])


def told_apart_in_xml(shape, element, path):
    """Return the differences between an XML element of the query protocol, whose values are all
    texts, and its shape.
    """
    if shape.type_name == "structure":
        members = {
            member.serialization.get("name", name): member for name, member in shape.members.items()
        }
        wrong = [
            f"{path}.{named(child)} is not in the model"
            for child in element
            if named(child) not in members
        ]
        inner = (
            told_apart_in_xml(members[named(c)], c, f"{path}.{named(c)}")
            for c in element
            if named(c) in members
        )
        return [*wrong, *(each for found in inner for each in found)]
    if shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        wrong = [f"{path}/{named(child)} is no {item}" for child in element if named(child) != item]
        return [
            *wrong,
            *(
                each
                for child in element
                for each in told_apart_in_xml(shape.member, child, f"{path}/{item}")
            ),
        ]
    return [f"{path} has elements in it"] if len(element) else []


def named(element):
    return element.tag.rpartition("}")[2]


def test_the_operations_are_all_that_tfcert_uses():
    """The operations that are compared are exactly those for which tfcert has an IAM action."""
    assert {operation for _, operation, *_ in ASKED} == set(_ACTIONS)
    assert all(action_for(operation) for operation in _ACTIONS)


@pytest.mark.parametrize(("service", "operation", "parameters", "holds"), ASKED, ids=IDS)
def test_an_answer_has_the_fields_and_types_of_the_model(
    ask, service, operation, parameters, holds
):
    """An answer has only fields of AWS's model, each with its type, and includes every field that
    tfcert reads.
    """
    read, came, model = ask(service, operation, parameters)

    assert holds <= read.keys()
    protocol = model.service_model.metadata["protocol"]
    if protocol in {"rest-json", "json"}:
        assert told_apart(model.output_shape, json.loads(came["body"])) == []
    elif protocol == "query":
        root = ET.fromstring(came["body"])
        (result,) = (
            child
            for child in root
            if named(child) == model.output_shape.serialization["resultWrapper"]
        )
        assert named(root) == f"{operation}Response"
        assert told_apart_in_xml(model.output_shape, result, operation) == []
    elif protocol == "ec2":
        root = ET.fromstring(came["body"])
        assert {named(child) for child in root} - {"requestId", "regionInfo"} == set()
    else:
        assert came["headers"]["Content-Length"] == "2"
        assert read["Body"].read() == b"{}"


def test_the_check_itself_finds_what_is_wrong(ask):
    """The comparison itself reports each of six wrong answers."""
    _, came, model = ask("apigateway", "GetClientCertificates", {})
    (item,) = json.loads(came["body"])["item"]
    wrong = [
        {"item": {"a": 1}},
        {"items": []},
        {"item": [{**item, "expirationDate": "2027-03-01"}]},
        {"item": [{**item, "clientCertificateId": 5}]},
        {"item": [{**item, "tags": ["a"]}]},
        {"item": [{**item, "arn": "x"}]},
    ]
    assert [len(told_apart(model.output_shape, answer)) for answer in wrong] == [1] * len(wrong)


# Calls that fail, with the code of their error.
WRONG = [
    ("apigateway", "GetStages", {"restApiId": "nope"}, "NotFoundException"),
    ("apigateway", "GetStage", {"restApiId": "rest1", "stageName": "nope"}, "NotFoundException"),
    ("apigateway", "GetStage", {"restApiId": "nope", "stageName": "prod"}, "NotFoundException"),
    ("apigateway", "GetClientCertificates", {"position": "%"}, "BadRequestException"),
    ("apigateway", "GetClientCertificates", {"limit": 501}, "BadRequestException"),
    ("apigateway", "GetRestApis", {"position": "%"}, "BadRequestException"),
    ("apigatewayv2", "GetStages", {"ApiId": "nope"}, "NotFoundException"),
    ("apigatewayv2", "GetStage", {"ApiId": "sock1", "StageName": "nope"}, "NotFoundException"),
    ("apigatewayv2", "GetStage", {"ApiId": "nope", "StageName": "live"}, "NotFoundException"),
    ("apigatewayv2", "GetApis", {"NextToken": "%"}, "BadRequestException"),
    ("acm", "DescribeCertificate", {"CertificateArn": ARN[:-1] + "9"}, "ResourceNotFoundException"),
    ("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "tfcert"}, "AccessDenied"),
    ("s3", "GetObject", {"Bucket": "states", "Key": "nope"}, "NoSuchKey"),
    ("s3", "GetObject", {"Bucket": "nobody", "Key": "k"}, "NoSuchBucket"),
]


@pytest.mark.parametrize(("service", "operation", "parameters", "code"), WRONG)
def test_an_error_has_a_code_and_a_status_that_the_model_declares(
    ask, service, operation, parameters, code
):
    """An error has a code and a status that the model declares, because tfcert decides by
    the code.
    """
    error, _, model = ask(service, operation, parameters)

    assert isinstance(error, ClientError)
    assert error.response["Error"]["Code"] == code
    assert error.response["Error"]["Message"]
    assert_declared(model, code, error.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.mark.parametrize(
    "fault",
    [access_denied(), throttled(), unavailable()],
    ids=["denied", "throttled", "unavailable"],
)
@pytest.mark.parametrize("service", ["apigateway", "apigatewayv2"])
def test_a_fault_is_one_of_the_models_errors(seeded, ask, service, fault):
    """An injected fault is an error that AWS's model declares."""
    seeded.faults.inject("GetStages", fault)
    parameters = {"restApiId": "rest1"} if service == "apigateway" else {"ApiId": "sock1"}

    error, _, model = ask(service, "GetStages", parameters)

    assert_declared(
        model, error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    )


def assert_declared(model, code, status):
    """Check that a code is one of the operation's own errors, of the service's, or a common one,
    with the matching status.
    """
    shapes = (*model.error_shapes, *model.service_model.error_shapes)
    declared = {
        shape.metadata.get("error", {}).get("code", shape.name): shape.metadata.get("error", {})
        for shape in shapes
    }
    assert code in declared or code in COMMON
    assert status == (declared.get(code, {}).get("httpStatusCode") or COMMON.get(code, 400))


PAGED = [
    ("apigateway", "get_client_certificates", {}, "items", 61),
    ("apigateway", "get_rest_apis", {}, "items", 31),
    ("apigatewayv2", "get_apis", {}, "Items", 32),
    ("apigatewayv2", "get_stages", {"ApiId": "many"}, "Items", 30),
]


@pytest.mark.parametrize(
    ("service", "method", "parameters", "items", "count"), PAGED, ids=[each[1] for each in PAGED]
)
def test_botocores_own_paginator_finds_everything_once(
    seeded, service, method, parameters, items, count
):
    """botocore's own paginator finds every item once by the tokens of its model."""
    seeded.seed(
        *(SeedCertificate(id=f"c{n:05}") for n in range(60)),
        *(SeedApi(id=f"r{n:03}", stages={}) for n in range(30)),
        *(SeedApi(id=f"w{n:03}", kind="websocket", stages={}) for n in range(30)),
        SeedApi(id="many", kind="websocket", stages={f"s{n:02}": None for n in range(30)}),
    )
    client = seeded.client(service)

    pages = list(client.get_paginator(method).paginate(**parameters))

    assert [len(page[items]) for page in pages[:-1]] == [25] * (len(pages) - 1)
    assert (
        len({json.dumps(one, default=str, sort_keys=True) for page in pages for one in page[items]})
        == count
    )


def test_what_the_model_says_has_no_pages_has_none(seeded):
    """GetStages of the first version returns all stages and no token."""
    seeded.seed(SeedApi(id="many", stages={f"s{n:02}": None for n in range(30)}))
    client = seeded.client("apigateway")
    assert not client.can_paginate("get_stages")
    assert len(client.get_stages(restApiId="many")["item"]) == 30


@pytest.mark.parametrize(
    ("method", "most"), [("get_client_certificates", 500), ("get_rest_apis", 500)]
)
def test_a_page_may_have_as_many_as_the_model_says(seeded, method, most):
    """A page can have as many items as the model allows, so that tfcert needs one call for a
    region.
    """
    client = seeded.client("apigateway")
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    assert f"maximum value is {most}" in model.input_shape.members["limit"].documentation
    assert getattr(client, method)(limit=most)["items"]
