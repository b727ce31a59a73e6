"""Documents passed by mistake: each is recognized, and the remedy says what to pass instead."""

from __future__ import annotations

import json
import re
import time

import pytest

from checker.errors import UnreadableError

TF = """# The orders API
resource "aws_api_gateway_rest_api" "orders" {
  name = "orders"
}
"""


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        (TF, "looks like Terraform configuration$", "pass the directory"),
        (
            'terraform {\n  required_version = "1"\n}',
            "looks like Terraform configuration$",
            "pass the directory",
        ),
        ('// x\n\nmodule "a" {}', "looks like Terraform configuration$", "pass the directory"),
        (
            '{"resource": {"aws_x": {"y": {}}}, "//": "note"}',
            "looks like Terraform configuration in JSON",
            "pass the directory",
        ),
        (
            '{"@level":"info","@message":"Terraform 1.11.4"}\n{"@level":"info"}\n',
            "is the log of `terraform plan -json`",
            "-out=PLANFILE",
        ),
        (
            '{"@message":"Terraform","@level":"info"}',
            "one line of the log of `terraform plan -json`",
            "-out=PLANFILE",
        ),
        (
            '{"format_version":"1.0","provider_schemas":{}}',
            "has the schemas of providers",
            "show -json",
        ),
        (
            '{"format_version":"1.0","valid":true,"error_count":0,"diagnostics":[]}',
            "answer of `terraform validate -json`",
            "show -json",
        ),
        (
            '{"format_version":"1.0","function_signatures":{}}',
            "Terraform's functions",
            "show -json",
        ),
        (
            '{"format_version":"1.0","root_module":{},"provider_config":{}}',
            "has only a configuration",
            "show -json",
        ),
        (
            '{"serial":1,"lineage":"l","meta":{},"encrypted_data":"eA==","encryption_version":"v0"}',
            "is encrypted by OpenTofu",
            "tofu state pull",
        ),
        (
            '{"meta":{},"encrypted_data":"eA==","encryption_version":"v0"}',
            "is encrypted by OpenTofu",
            "tofu show -json",
        ),
        (
            '{"version":3,"serial":1,"lineage":"l","backend":{"type":"s3","config":{}},"modules":[]}',
            "only remembers which backend",
            "pass the directory itself",
        ),
        (
            '{"version":3,"terraform_version":"1.11.4","backend":{"type":"s3"}}',
            "only remembers which backend",
            "pass the directory itself",
        ),
        (
            "\nTerraform used the selected providers to generate the following execution plan.",
            "prints for people",
            "show -json",
        ),
        (
            "\x1b[0m\x1b[1mNo changes. Your infrastructure matches",
            "prints for people",
            "show -json",
        ),
        (
            '# aws_api_gateway_stage.s["a"]:\nresource "aws_api_gateway_stage" "s" {\n}\n',
            "prints for people",
            "show -json",
        ),
        ('{"hello": 1}', "is JSON, but neither a Terraform plan nor a state", "pass a plan"),
        ('{"version": 4}', "is JSON, but neither a Terraform plan nor a state", "pass a plan"),
        ('{"format_version": "1.0", "modules": []}', "is JSON, but neither", "pass a plan"),
        ("{}", "is JSON, but neither", "pass a plan"),
        ('{"version": "3"}', "is JSON, but neither", "pass a plan"),
        ("[]", "expected object, found array", "show -json"),
        ("null", "expected object, found null", "show -json"),
        ('"text"', "expected object, found text", "show -json"),
        ("hello", "is not valid JSON at byte 0", "show -json"),
        (
            'Warning: x\n{"format_version":"1.2"}',
            "has text before the JSON.*a warning or an error of Terraform",
            "show -json",
        ),
        ("   \n ", "is truncated JSON", "write it again"),
        (
            '{"output": {"id": {"value": "${aws_x.y.id}"}}}',
            "looks like Terraform configuration in JSON",
            "pass the directory",
        ),
        (
            '{"time":"t","level":"info","msg":"m"}\n{"time":"t","level":"info","msg":"n"}\n',
            "is a log in JSON, as Terragrunt writes it",
            "--tf-forward-stdout",
        ),
        ('[{"check_type":"terraform","results":{}}]', "a report of Checkov", "that was checked"),
        ('[{"apiVersion":"v1","kind":"Pod"}]', "manifests of Kubernetes", "show -json"),
    ],
)
def test_what_it_is_and_what_to_pass_instead(read, text, message, remedy):
    """Each wrong document gets a message with its kind and a remedy."""
    with pytest.raises(UnreadableError) as error:
        read(text.encode())
    assert re.search(message, error.value.message)
    assert remedy in error.value.remedy
    assert error.value.where == "plan.json"


def test_a_configuration_given_as_a_plan(fixtures, read_file):
    """A `.tf` file passed as a plan is recognized."""
    with pytest.raises(UnreadableError, match="looks like Terraform configuration"):
        read_file(fixtures / "rotation/00-create/config/main.tf")


@pytest.mark.parametrize("name", ["plan.json", "state.tfstate", "x.tf", "README"])
def test_the_name_tells_nothing(tmp_path, read_file, fixtures, name):
    """The file's name does not matter for the kind of document."""
    (tmp_path / name).write_bytes((fixtures / "formats/plan-noop.json").read_bytes())
    assert read_file(tmp_path / name).source.kind == "plan"


def test_a_plan_without_its_configuration(read, fixtures):
    """A plan without its configuration is still read."""
    document = json.loads((fixtures / "formats/plan-noop.json").read_bytes())
    del document["configuration"]
    assert read(document).source.kind == "plan"


def test_a_plan_without_its_version_is_refused(read):
    """A plan without a format version is refused."""
    with pytest.raises(
        UnreadableError, match="is missing: something was cut out of this plan"
    ) as error:
        read({"resource_changes": [], "planned_values": {}})
    assert error.value.where == "plan.json: format_version"


def test_keys_may_come_in_any_order(read, fixtures):
    """The order of keys does not matter, for example after `jq -S`."""
    data = (fixtures / "formats/plan-swap-one-step.json").read_bytes()
    again = json.dumps(json.loads(data), sort_keys=True, indent=4).encode()
    assert read(again) == read(data)


def test_recognising_takes_linear_time(read):
    """Recognizing a wrong document takes linear time."""
    started = time.process_time()
    for text in (
        b"\n" * 200_000,
        b"# " + b"." * 200_000,
        b"\n\t " * 70_000 + b"x",
        b"# a" * 70_000,
        b'resource "' * 20_000,
    ):
        with pytest.raises(UnreadableError):
            read(text)
    assert time.process_time() - started < 5
