"""The emulator supports trust stores, S3 objects, parameters and secrets, also write-only
arguments.
"""

from __future__ import annotations

import json
from urllib.request import urlopen

import pytest
from rig.bench import Bench

pytestmark = pytest.mark.xdist_group("acceptance-trust-material")

PEM = "aws_api_gateway_client_certificate.orders.pem_encoded_certificate"
MATERIAL = f"""
resource "aws_s3_bucket" "trust" {{
  bucket = "trust-material"
}}

resource "aws_s3_bucket_versioning" "trust" {{
  bucket = aws_s3_bucket.trust.id

  versioning_configuration {{
    status = "Enabled"
  }}
}}

resource "aws_s3_object" "trust" {{
  bucket  = aws_s3_bucket_versioning.trust.bucket
  key     = "live/ca.pem"
  content = {PEM}
}}

resource "aws_lb_trust_store" "by_key" {{
  name                             = "by-key"
  ca_certificates_bundle_s3_bucket = aws_s3_object.trust.bucket
  ca_certificates_bundle_s3_key    = aws_s3_object.trust.key
}}

resource "aws_lb_trust_store" "by_version" {{
  name                                     = "by-version"
  ca_certificates_bundle_s3_bucket         = aws_s3_object.trust.bucket
  ca_certificates_bundle_s3_key            = aws_s3_object.trust.key
  ca_certificates_bundle_s3_object_version = aws_s3_object.trust.version_id
}}

resource "aws_ssm_parameter" "plain" {{
  name  = "/orders/plain"
  type  = "String"
  value = {PEM}
}}

resource "aws_ssm_parameter" "written" {{
  name             = "/orders/written"
  type             = "SecureString"
  value_wo         = {PEM}
  value_wo_version = 1
}}

resource "aws_secretsmanager_secret" "plain" {{
  name = "orders-plain"
}}

resource "aws_secretsmanager_secret_version" "plain" {{
  secret_id     = aws_secretsmanager_secret.plain.id
  secret_string = {PEM}
}}

resource "aws_secretsmanager_secret" "written" {{
  name = "orders-written"
}}

resource "aws_secretsmanager_secret_version" "written" {{
  secret_id                = aws_secretsmanager_secret.written.id
  secret_string_wo         = {PEM}
  secret_string_wo_version = 1
}}
"""
ADDRESSES = {
    "by-key": "aws_lb_trust_store.by_key",
    "by-version": "aws_lb_trust_store.by_version",
    "object": "aws_s3_object.trust",
    "/orders/plain": "aws_ssm_parameter.plain",
    "/orders/written": "aws_ssm_parameter.written",
    "orders-plain": "aws_secretsmanager_secret_version.plain",
    "orders-written": "aws_secretsmanager_secret_version.written",
}
SERVICES = ("elbv2", "s3", "secretsmanager", "ssm")
SECOND = """
# tfcert: succeeds aws_api_gateway_client_certificate.orders
resource "aws_api_gateway_client_certificate" "second" {
  description = "a second one"
}
"""


def with_services(bench):
    """Point the provider's other services at the emulator."""
    main = bench.infra / "main.tf"
    endpoints = "".join(f"    {name} = var.aws_endpoint\n" for name in SERVICES)
    main.write_text(
        main.read_text()
        .replace("  max_retries ", "  s3_use_path_style           = true\n  max_retries ")
        .replace("  endpoints {\n", f"  endpoints {{\n{endpoints}")
    )


def held(aws):
    """Return the number of certificates that AWS has in each place."""
    elb, ssm = aws.client("elbv2"), aws.client("ssm")
    texts = {}
    for store in elb.describe_trust_stores()["TrustStores"]:
        arn = store["TrustStoreArn"]
        location = elb.get_trust_store_ca_certificates_bundle(TrustStoreArn=arn)["Location"]
        with urlopen(location) as answer:
            texts[store["Name"]] = answer.read().decode()
    found = aws.client("s3").get_object(Bucket="trust-material", Key="live/ca.pem")
    texts["object"] = found["Body"].read().decode()
    for name in ("/orders/plain", "/orders/written"):
        answer = ssm.get_parameter(Name=name, WithDecryption=True)
        texts[name] = answer["Parameter"]["Value"]
    for name in ("orders-plain", "orders-written"):
        answer = aws.client("secretsmanager").get_secret_value(SecretId=name)
        texts[name] = answer["SecretString"]
    return {name: text.count("BEGIN CERTIFICATE") for name, text in texts.items()}


@pytest.mark.needs_terraform("write-only arguments")
def test_real_terraform_makes_them_and_an_edit_reaches_what_sends_it(aws, tool, tmp_path):
    """After an edit to both PEMs, every place has both, except write-only values and trust stores
    without a version.
    """
    if tool.binary.name != "terraform":
        pytest.skip("write-only arguments are Terraform's")
    bench = Bench.lay(aws, tool, tmp_path, "single")
    with_services(bench)
    trust = bench.infra / "trust.tf"
    trust.write_text(MATERIAL)
    bench.apply_at_once()
    places = {"by-key", "by-version", "object", "/orders/plain", "/orders/written"}
    places |= {"orders-plain", "orders-written"}
    assert held(aws) == dict.fromkeys(places, 1)
    both = f'join("\\n", [{PEM}, {PEM.replace(".orders.", ".second.")}])'
    trust.write_text(SECOND + MATERIAL.replace(f"= {PEM}", f"= {both}"))
    bench.apply_at_once()
    stale = {"by-key", "/orders/written", "orders-written"}
    there = dict.fromkeys(places, 2) | dict.fromkeys(stale, 1)
    assert held(aws) == there
    # tfcert asks AWS and gets the same results. Two certificates of one subject are not confirmed,
    # because no server is declared. A missing certificate is refused, whatever state and
    # configuration contain.
    ended = bench.tfcert("check", "infra", "--trust", "--format", "json")
    (rotation,) = json.loads(ended.stdout)["rotations"]
    said = {each["backend"]: each["status"] for each in rotation["trust"] if each["backend"]}
    assert said == {
        address: "refused" if place in stale else "not confirmed"
        for place, address in ADDRESSES.items()
    }
