"""Tests of the emulator's services with trust material: trust stores of load balancers, S3 objects,
parameters, secrets.
"""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from checker.demo.emulator import access_denied

BUCKET, KEY = "trust-material", "live/ca.pem"


@pytest.fixture
def s3(aws):
    """Return an S3 client with a versioned bucket."""
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def pems(gateway):
    """Return two PEMs in the form that API Gateway returns."""
    return [gateway.generate_client_certificate()["pemEncodedCertificate"] for _ in range(2)]


def put(s3, text):
    """Write the object and return its version."""
    return s3.put_object(Bucket=BUCKET, Key=KEY, Body=text.encode())["VersionId"]


def create(elb, **more):
    """Create a trust store from the object."""
    answer = elb.create_trust_store(
        Name="backend", CaCertificatesBundleS3Bucket=BUCKET, CaCertificatesBundleS3Key=KEY, **more
    )
    return answer["TrustStores"][0]


def bundle(elb, arn):
    """Return the bundle of a trust store, read from its presigned URL."""
    location = elb.get_trust_store_ca_certificates_bundle(TrustStoreArn=arn)["Location"]
    with urlopen(location) as answer:
        return answer.read().decode()


def test_a_trust_store_keeps_its_copy_until_it_is_modified(aws, s3, pems):
    """A trust store keeps its copy after a new object is written; ModifyTrustStore copies the
    newest or a named version.
    """
    elb, (old, new) = aws.client("elbv2"), pems
    first = put(s3, old)
    made = create(elb, Tags=[{"Key": "team", "Value": "orders"}])
    arn = made["TrustStoreArn"]
    assert (made["Status"], made["NumberOfCaCertificates"]) == ("ACTIVE", 1)
    put(s3, f"{old}\n{new}")
    assert bundle(elb, arn) == old
    named = {"CaCertificatesBundleS3Bucket": BUCKET, "CaCertificatesBundleS3Key": KEY}
    changed = elb.modify_trust_store(TrustStoreArn=arn, **named)["TrustStores"][0]
    assert changed["NumberOfCaCertificates"] == 2
    assert bundle(elb, arn) == f"{old}\n{new}"
    elb.modify_trust_store(TrustStoreArn=arn, **named, CaCertificatesBundleS3ObjectVersion=first)
    assert bundle(elb, arn) == old
    tags = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
    assert tags == [{"Key": "team", "Value": "orders"}]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no certificate", "InvalidCaCertificatesBundle"),
        ("{0}\n\n{1}", "InvalidCaCertificatesBundle"),
        ("# orders-2026\n{0}", "InvalidCaCertificatesBundle"),
        (None, "CaCertificatesBundleNotFound"),
    ],
)
def test_a_bundle_that_a_load_balancer_does_not_take_is_refused(aws, s3, pems, text, code):
    """A trust store is refused for a bundle without a certificate, with a blank line or hyphenated
    comment, or for a missing object.
    """
    if text is not None:
        put(s3, text.format(*pems))
    with pytest.raises(ClientError) as refused:
        create(aws.client("elbv2"))
    assert refused.value.response["Error"]["Code"] == code


def test_a_deleted_trust_store_is_not_found(aws, s3, pems):
    """A deleted trust store has neither a description nor a bundle, and its name can be
    used again.
    """
    elb = aws.client("elbv2")
    put(s3, pems[0])
    arn = create(elb)["TrustStoreArn"]
    with pytest.raises(ClientError, match="DuplicateTrustStoreName"):
        create(elb)
    elb.delete_trust_store(TrustStoreArn=arn)
    for ask in (
        lambda: elb.describe_trust_stores(TrustStoreArns=[arn]),
        lambda: elb.get_trust_store_ca_certificates_bundle(TrustStoreArn=arn),
    ):
        with pytest.raises(ClientError) as missing:
            ask()
        assert missing.value.response["Error"]["Code"] == "TrustStoreNotFound"
    assert create(elb)["TrustStoreArn"] != arn


def test_each_call_names_its_action_and_resource(aws, s3, pems):
    """The log names the IAM action and resource of each call; the presigned URL needs no
    permission.
    """
    elb = aws.client("elbv2")
    put(s3, pems[0])
    arn = create(elb)["TrustStoreArn"]
    aws.client("ssm").put_parameter(Name="/orders/ca", Value=pems[0], Type="SecureString")
    secret = aws.client("secretsmanager").create_secret(Name="orders-ca", SecretString=pems[0])
    aws.forget_calls()
    bundle(elb, arn)
    s3.get_object(Bucket=BUCKET, Key=KEY)
    shown = aws.client("ssm").get_parameter(Name="/orders/ca", WithDecryption=True)
    assert shown["Parameter"]["Value"] == pems[0]
    aws.client("secretsmanager").get_secret_value(SecretId=secret["ARN"])
    place = "us-east-1:123456789012"
    assert [call.iam for call in aws.calls() if call.service != "sts"] == [
        ("elasticloadbalancing:GetTrustStoreCaCertificatesBundle", arn),
        ("presigned:GetBundle", "*"),
        ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{KEY}"),
        ("ssm:GetParameter", f"arn:aws:ssm:{place}:parameter/orders/ca"),
        ("secretsmanager:GetSecretValue", secret["ARN"]),
    ]


def test_a_presigned_url_without_its_token_is_denied(aws):
    """A presigned URL without its token is answered with 403, as in S3."""
    with pytest.raises(HTTPError) as denied:
        urlopen(f"{aws.endpoint}/_presigned/0123")
    assert denied.value.code == 403


def test_faults_come_in_the_form_of_the_service(aws, s3, pems):
    """A fault of ELB is XML, and its code has no `Exception` at its end."""
    elb = aws.client("elbv2")
    put(s3, pems[0])
    arn = create(elb)["TrustStoreArn"]
    aws.faults.inject("GetTrustStoreCaCertificatesBundle", access_denied())
    with pytest.raises(ClientError) as denied:
        elb.get_trust_store_ca_certificates_bundle(TrustStoreArn=arn)
    assert denied.value.response["Error"]["Code"] == "AccessDenied"


def test_tags_of_a_trust_store_change_beside_those_of_a_load_balancer(aws, s3, pems):
    """Tags are added to and removed from trust stores, and target groups keep moto's own way."""
    elb = aws.client("elbv2")
    put(s3, pems[0])
    arn = create(elb)["TrustStoreArn"]
    group = elb.create_target_group(Name="g", TargetType="lambda")["TargetGroups"][0]
    for each in (arn, group["TargetGroupArn"]):
        elb.add_tags(
            ResourceArns=[each], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
        )
        elb.remove_tags(ResourceArns=[each], TagKeys=["b"])
        (found,) = elb.describe_tags(ResourceArns=[each])["TagDescriptions"]
        assert found["Tags"] == [{"Key": "a", "Value": "1"}]
