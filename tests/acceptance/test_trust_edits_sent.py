"""What `--trust-bundle` writes beside both PEMs makes real Terraform send them, and the rest is left and named."""

from __future__ import annotations

import re

import pytest
from rig.bench import Bench
from test_trust_material import with_services

pytestmark = pytest.mark.xdist_group("acceptance-trust-edits-sent")

C = "aws_api_gateway_client_certificate.orders"
PEM = f"{C}.pem_encoded_certificate"


def push(name, first, file):
    """A terraform_data whose provisioner writes the PEM to a file, and counts its runs."""
    return f"""
resource "terraform_data" "{name}" {{
{first}
  provisioner "local-exec" {{
    command = "printenv PEM > {file}.pem; echo run >> {file}.runs"

    environment = {{
      PEM = {PEM}
    }}
  }}
}}
"""


BY_HOLDER = "  lifecycle {\n    replace_triggered_by = [terraform_data.holder]\n  }"
SENT = f"""
resource "aws_ssm_parameter" "raised" {{
  name             = "/sent/raised"
  type             = "SecureString"
  value_wo         = {PEM}
  value_wo_version = 1 # counted by hand
}}

resource "aws_ssm_parameter" "hashed" {{
  name             = "/sent/hashed"
  type             = "SecureString"
  value_wo         = {PEM}
  value_wo_version = parseint(substr(sha256({C}.id), 0, 6), 16)
}}

resource "aws_secretsmanager_secret" "raised" {{
  name = "sent-raised"
}}

resource "aws_secretsmanager_secret_version" "raised" {{
  secret_id                = aws_secretsmanager_secret.raised.id
  secret_string_wo         = {PEM}
  secret_string_wo_version = 7
}}

resource "aws_s3_bucket" "trust" {{
  bucket = "trust-edits-sent"
}}

resource "aws_s3_bucket_versioning" "trust" {{
  bucket = aws_s3_bucket.trust.id

  versioning_configuration {{
    status = "Enabled"
  }}
}}

resource "aws_s3_object" "trust" {{
  bucket  = aws_s3_bucket_versioning.trust.bucket
  key     = "ca.pem"
  content = {PEM}
}}

resource "aws_lb_trust_store" "versioned" {{
  name                             = "versioned"
  ca_certificates_bundle_s3_bucket = aws_s3_object.trust.bucket
  ca_certificates_bundle_s3_key    = aws_s3_object.trust.key
}}

resource "terraform_data" "holder" {{
  input = {C}.id
}}
{push("by_holder", BY_HOLDER, "by_holder")}
{push("by_id", f"  triggers_replace = [{C}.id]", "by_id")}
{push("by_both", f"  triggers_replace = {{ id = {C}.id, pem = sha256({PEM}) }}", "by_both")}"""
LEFT = f"""
locals {{
  number = 1
}}

resource "aws_ssm_parameter" "counted" {{
  name             = "/left/counted"
  type             = "SecureString"
  value_wo         = {PEM}
  value_wo_version = local.number
}}

resource "aws_ssm_parameter" "ignored" {{
  name  = "/left/ignored"
  type  = "String"
  value = {PEM}

  lifecycle {{
    ignore_changes = [value]
  }}
}}
{push("untriggered", "", "untriggered")}"""
ROWS = {
    "aws_ssm_parameter.raised",
    "aws_ssm_parameter.hashed",
    "aws_secretsmanager_secret_version.raised",
    "aws_s3_object.trust",
    "aws_lb_trust_store.versioned",
    "terraform_data.by_id",
    "terraform_data.by_both",
    "terraform_data.by_holder",
}
# It has the id before, and the PEM after, as a trigger only.
HOLDER = "terraform_data.holder"
KEPT = {"aws_ssm_parameter.counted", "aws_ssm_parameter.ignored", "terraform_data.untriggered"}
LINE = re.compile(r"^#   trust: \S+: resource (\S+) (.*)$", re.MULTILINE)
CONSUMING = ("aws_ssm", "aws_s3", "aws_secretsmanager", "aws_lb", "terraform_data")


@pytest.fixture
def bench(aws, tool, tmp_path):
    """One API whose PEM goes to every row, applied 353 days ago."""
    if tool.binary.name != "terraform":
        pytest.skip("write-only arguments are Terraform's")
    bench = Bench.lay(aws, tool, tmp_path / "sent", "single", {"sent.tf": SENT, "left.tf": LEFT})
    with_services(bench)
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    return bench


def there(bench):
    """How many certificates each place has now, by its address: AWS's copy, or the provisioner's file."""
    ssm, elb = bench.aws.client("ssm"), bench.aws.client("elbv2")
    texts = {}
    for address, name in (
        ("aws_ssm_parameter.raised", "/sent/raised"),
        ("aws_ssm_parameter.hashed", "/sent/hashed"),
        ("aws_ssm_parameter.counted", "/left/counted"),
        ("aws_ssm_parameter.ignored", "/left/ignored"),
    ):
        answer = ssm.get_parameter(Name=name, WithDecryption=True)
        texts[address] = answer["Parameter"]["Value"]
    secret = bench.aws.client("secretsmanager").get_secret_value(SecretId="sent-raised")
    texts["aws_secretsmanager_secret_version.raised"] = secret["SecretString"]
    found = bench.aws.client("s3").get_object(Bucket="trust-edits-sent", Key="ca.pem")
    texts["aws_s3_object.trust"] = found["Body"].read().decode()
    for name in ("by_id", "by_both", "by_holder", "untriggered"):
        texts[f"terraform_data.{name}"] = (bench.infra / f"{name}.pem").read_text()
    counts = {address: text.count("BEGIN CERTIFICATE") for address, text in texts.items()}
    (store,) = elb.describe_trust_stores()["TrustStores"]
    return counts | {"aws_lb_trust_store.versioned": store["NumberOfCaCertificates"]}


def write(bench, phase):
    """Write a phase, and plan it; what its header says of each place, and which of them change."""
    header = bench.patch("--trust-bundle", "--phase", phase).decode().partition("diff --git")[0]
    bench.patch("--trust-bundle", "--phase", phase, "--write")
    planned = bench.plan(phase)
    changed = {each for each in planned.changes() if each.startswith(CONSUMING)}
    return dict(LINE.findall(header)), planned, changed


def not_updated(bench, name, written, instead):
    """The places of trust-not-updated in a plan of introduce with another text in one file."""
    file = bench.infra / name
    text = file.read_text()
    assert written in text
    file.write_text(text.replace(written, instead))
    judged = bench.check_plan(bench.plan("other"), "--expect", "introduce")
    file.write_text(text)
    found = judged.document["findings"]
    return {each["address"] for each in found if each["rule"] == "trust-not-updated"}


def runs(bench, name):
    """How often a provisioner has run."""
    return len((bench.infra / f"{name}.runs").read_text().splitlines())


@pytest.mark.needs_terraform("replace_triggered_by", "terraform_data", "write-only arguments")
def test_each_edit_is_sent_in_introduce_and_again_in_retire_and_not_in_repoint(bench):
    """AWS is asked after introduce: what is said to have both has both, and what is left has one."""
    assert set(there(bench).values()) == {1}
    said, planned, changed = write(bench, "introduce")
    assert changed == ROWS | {HOLDER}
    both = {each for each, text in said.items() if "has both PEMs after it" in text}
    assert both == ROWS
    left = {each for each, text in said.items() if text.startswith("is not edited and keeps")}
    assert left == KEPT
    judged = bench.check_plan(planned, "--expect", "introduce")
    assert judged.code == 0, str(judged.ended)
    assert not_updated(bench, "sent.tf", "value_wo_version = 2", "value_wo_version = 1") == {
        "aws_ssm_parameter.raised"
    }
    bench.apply(planned)
    assert there(bench) == dict.fromkeys(ROWS, 2) | dict.fromkeys(KEPT, 1)
    counted = [runs(bench, name) for name in ("by_id", "by_both", "by_holder", "untriggered")]
    assert counted == [2, 2, 2, 1]
    bench.assert_nothing_changes()
    said, _, changed = write(bench, "repoint")
    assert changed == set()
    assert set(said) == KEPT | {
        "aws_ssm_parameter.raised",
        "aws_secretsmanager_secret_version.raised",
    }, "whether a raised version was applied, the text alone does not show"
    said, _, changed = write(bench, "retire")
    assert changed == ROWS | {HOLDER}
    new = {each for each, text in said.items() if "has only the new PEM after it" in text}
    assert new == ROWS | {HOLDER}
