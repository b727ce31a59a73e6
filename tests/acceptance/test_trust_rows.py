"""tfcert's effects for each trust consumer match the plan, and those for provisioners match the
apply.
"""

from __future__ import annotations

import json
import re

import pytest
from rig.bench import Bench

pytestmark = pytest.mark.xdist_group("acceptance-trust-rows")

PEM = "aws_api_gateway_client_certificate.orders.pem_encoded_certificate"
CERTIFICATE = """resource "aws_api_gateway_client_certificate" "orders" {
  description = "orders to its backend"
"""
RUNS = """
  provisioner "local-exec" {
    command = "cat > backend-ca.pem <<'PEM'\\n${self.pem_encoded_certificate}\\nPEM"
  }

  provisioner "local-exec" {
    when    = destroy
    command = "echo ${self.id} >> untrusted.txt"
  }
"""
ROWS = f"""
resource "aws_ssm_parameter" "written" {{
  name             = "written"
  type             = "SecureString"
  value_wo         = {PEM}
  value_wo_version = 1
}}

resource "aws_ssm_parameter" "ignored" {{
  name  = "ignored"
  type  = "String"
  value = {PEM}

  lifecycle {{
    ignore_changes = [value]
  }}
}}

resource "aws_ssm_parameter" "plain" {{
  name  = "plain"
  type  = "String"
  value = {PEM}
}}

resource "aws_s3_bucket" "trust" {{
  bucket = "trust-rows"
}}

resource "aws_s3_object" "trust" {{
  bucket  = aws_s3_bucket.trust.bucket
  key     = "ca.pem"
  content = {PEM}
}}

resource "aws_ssm_parameter" "place" {{
  name  = "place"
  type  = "String"
  value = "s3://${{aws_s3_object.trust.bucket}}/${{aws_s3_object.trust.key}}"
}}

resource "terraform_data" "push" {{
  triggers_replace = [aws_api_gateway_client_certificate.orders.id]

  provisioner "local-exec" {{
    command = "cat > pushed.pem"

    environment = {{
      PEM = {PEM}
    }}
  }}
}}

resource "terraform_data" "fresh" {{
  triggers_replace = [sha256({PEM})]

  provisioner "local-exec" {{
    command = "true"

    environment = {{
      PEM = {PEM}
    }}
  }}
}}

resource "terraform_data" "kept" {{
  input = {PEM}

  provisioner "local-exec" {{
    command = "true"

    environment = {{
      PEM = self.input
    }}
  }}
}}
"""
ENDPOINTS = "    s3 = var.aws_endpoint\n    ssm = var.aws_endpoint\n"
LINE = re.compile(r"^#   trust: \S+: resource (\S+) (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def bench(aws, tool, tmp_path_factory):
    """Return an API whose PEM has every kind of consumer, applied 353 days ago."""
    if tool.binary.name != "terraform":
        pytest.skip("write-only arguments are Terraform's")
    bench = Bench.lay(aws, tool, tmp_path_factory.mktemp("rows"), "single")
    main = bench.infra / "main.tf"
    main.write_text(
        main.read_text()
        .replace("  max_retries ", "  s3_use_path_style           = true\n  max_retries ")
        .replace("  endpoints {\n", f"  endpoints {{\n{ENDPOINTS}")
    )
    rotation = bench.infra / "rotation.tf"
    rotation.write_text(rotation.read_text().replace(CERTIFICATE, CERTIFICATE + RUNS))
    (bench.infra / "trust.tf").write_text(
        ROWS.replace('"cat > pushed.pem"', '"printenv PEM > pushed.pem"')
    )
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    return bench


def count(bench, name):
    """Return the number of certificates in a file of the backend."""
    return (bench.infra / name).read_text().count("BEGIN CERTIFICATE")


def assert_that_aws_has_what_is_said(bench, said):
    """Check that the emulator has both PEMs exactly where the header says so, and that state
    agrees.
    """
    ssm, s3 = bench.aws.client("ssm"), bench.aws.client("s3")
    copies = {
        f"aws_ssm_parameter.{name}": ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"][
            "Value"
        ]
        for name in ("written", "ignored", "plain")
    }
    copies["aws_s3_object.trust"] = (
        s3.get_object(Bucket="trust-rows", Key="ca.pem")["Body"].read().decode()
    )
    for address, copy in copies.items():
        both = "has both PEMs after it" in said[address]
        assert copy.count("BEGIN CERTIFICATE") == (2 if both else 1), (address, said[address])
    judged = bench.check(str(bench.state), "--config", "infra").document
    (rotation,) = judged["rotations"]
    trust = {each["backend"]: each for each in rotation["trust"]}
    for address in copies.keys() - {"aws_ssm_parameter.written"}:
        both = "has both PEMs after it" in said[address]
        assert len(trust[address]["fingerprints"]) == (2 if both else 1)
        # Two certificates of one subject, without a declared server that reads them.
        assert trust[address]["status"] == ("not confirmed" if both else "refused")
    assert "value_wo is write-only" in trust["aws_ssm_parameter.written"]["reason"]


@pytest.mark.needs_terraform("write-only arguments")
def test_each_header_says_what_the_plan_of_its_phase_does(bench):
    """Each header names every consumer, and the plan of its phase changes exactly those that it
    announces.
    """
    old = (bench.infra / "backend-ca.pem").read_text()
    seen = {}
    for phase in ("introduce", "repoint", "retire"):
        header = bench.patch("--trust-bundle", "--phase", phase).decode().partition("diff --git")[0]
        bench.patch("--trust-bundle", "--phase", phase, "--write")
        said = dict(LINE.findall(header))
        planned = bench.plan(phase)
        changed = {
            address
            for address in planned.changes()
            if address.startswith(("aws_ssm", "aws_s3", "terraform_data"))
        }
        seen[phase] = changed
        assert changed == {
            address for address, text in said.items() if "changes in this apply" in text
        }, header
        assert set(said) >= changed
        if phase == "introduce":
            # A place that the plan would leave as it is does not get both PEMs in the text.
            judged = bench.check_plan(planned, "--expect", "introduce").document
            assert "trust-not-updated" not in {each["rule"] for each in judged["findings"]}
            assert "is not edited and keeps the old PEM" in said["aws_ssm_parameter.ignored"]
        bench.apply(planned)
        if phase == "introduce":
            assert_that_aws_has_what_is_said(bench, said)
        assert (bench.infra / "backend-ca.pem").read_text() == old, (
            "nothing overwrote the backend's file"
        )
        if phase == "introduce":
            assert count(bench, "pushed.pem") == 2, "its trigger has both PEMs"
            assert "backend-ca.pem" not in header
            assert 'provisioner "local-exec" is left out of the successor' in header
        if phase == "retire":
            assert "`when = destroy` and does not run in retire" in header
    always = {
        "aws_ssm_parameter.plain",
        "aws_s3_object.trust",
        "terraform_data.fresh",
        "terraform_data.kept",
        "terraform_data.push",
        "aws_ssm_parameter.written",
    }
    assert seen == {"introduce": always, "repoint": set(), "retire": always}
    assert count(bench, "pushed.pem") == 1, "retire hands the new one on alone"
    assert not (bench.infra / "untrusted.txt").exists(), (
        "the destroy-time provisioner went with its block"
    )
    resources = json.loads(bench.state.read_bytes())["resources"]
    names = {
        resource["name"]
        for resource in resources
        if resource["type"] == "aws_api_gateway_client_certificate"
    }
    assert len(names) == 1


@pytest.mark.needs_terraform("write-only arguments")
def test_the_removed_block_that_retire_names_runs_the_provisioner(bench):
    """The `removed` block that retire recommends runs the destroy-time provisioner in the same
    apply.
    """
    (name,) = re.findall(
        r'"aws_api_gateway_client_certificate" "(orders_\d+)"',
        (bench.infra / "rotation.tf").read_text(),
    )
    address = f"aws_api_gateway_client_certificate.{name}"
    # A certificate without a reference, with the provisioner that introduce kept.
    text = (bench.infra / "rotation.tf").read_text()
    assert "when    = destroy" in text
    extra = (
        text[text.index(f'resource "aws_api_gateway_client_certificate" "{name}"') :].partition(
            "\n}\n"
        )[0]
        + "\n}\n"
    )
    (bench.infra / "extra.tf").write_text(extra.replace(name, "extra"))
    bench.apply_at_once()
    (bench.infra / "extra.tf").write_text(
        f"removed {{\n  from = {address.replace(name, 'extra')}\n\n  lifecycle {{\n    destroy = true\n  }}\n"
        '\n  provisioner "local-exec" {\n    when    = destroy\n    command = "echo ${self.id} >> untrusted.txt"\n  }\n}\n'
    )
    bench.apply_at_once()
    assert (bench.infra / "untrusted.txt").read_text().strip()
