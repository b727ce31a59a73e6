"""Ways of a PEM that end before a consumer, come twice, or pass a place that only looks like one."""

from __future__ import annotations

import pytest
from test_trust_consumers import OBJECT, PEM, PUSH, C
from world import BASE, CERTIFICATE, world

from checker.model.rotation import Delivery


def parameter(value, more="", name="x"):
    return f'resource "aws_ssm_parameter" "{name}" {{\n{more}  value = {value}\n}}\n'


LOCAL = f"locals {{\n  p = {PEM}\n}}\n"
CHECK = (
    'check "c" {\n  assert {\n    condition     = local.p != ""\n    error_message = "no"\n  }\n}\n'
)
TWICE = f'"${{{PEM}}}${{{PEM}}}"'
API = {
    "main.tf": 'module "api" {\n  source = "./api"\n}\n'
    + parameter("module.api.t.n")
    + parameter("module.api.t.ca", name="y"),
    "api/main.tf": f'{BASE}output "t" {{\n  value = {{ ca = {TWICE}, n = 1 }}\n}}\n',
}
REPLACED_WITH = "  lifecycle {\n    replace_triggered_by = [aws_s3_object.o]\n  }\n"
DOMAIN = (
    'resource "aws_api_gateway_domain_name" "g" {\n  mutual_tls_authentication {\n'
    f'    truststore_uri = "s3://b/${{aws_s3_object.o.key}}"\n  }}\n{REPLACED_WITH}}}\n'
)
BROKEN = 'resource "aws_lb_trust_store" "g" {\n  ca_certificates_bundle_s3_key = "ca.pem"\n'
X, Y = "aws_ssm_parameter.x", "aws_ssm_parameter.y"
WAYS = {
    "a condition behind a local": (LOCAL + CHECK, {}),
    "where Terraform allows no reference": (
        LOCAL + 'variable "v" {\n  default = local.p\n}\nterraform {\n  required_version = local.p\n}\n',
        {},
    ),
    "twice in one local": (f"locals {{\n  p = {TWICE}\n}}\n" + parameter("local.p"), {X: Delivery.SENT}),
    "another data source of the type": (
        f'data "template_file" "t" {{\n  vars = {{ ca = {PEM} }}\n}}\n'
        + parameter("data.template_file.other.rendered")
        + parameter("data.template_file.t.rendered", name="y"),
        {"data template_file.t": Delivery.UNKNOWN, Y: Delivery.SENT},
    ),
    "the description of an output": (f'output "o" {{\n  value = 1\n  description = {PEM}\n}}\n', {}),
    "a comparison in an output": (f'output "o" {{\n  value = {PEM} == ""\n}}\n', {}),
    "an output of a module twice": (API, {Y: Delivery.SENT}),
    "what orders a module": (
        LOCAL + 'module "m" {\n  source = "./m"\n  version = local.p\n  depends_on = [local.p]\n}\n',
        {},
    ),
    "a comparison for a module elsewhere": (
        LOCAL + 'module "m" {\n  source = "git::x"\n  on = local.p == ""\n}\n',
        {},
    ),
    "a comparison of each value": (
        LOCAL + parameter('each.value == "" ? "a" : "b"', "  for_each = { a = local.p }\n"),
        {},
    ),
    "what only waits for a consumer": (
        parameter(PEM) + parameter('"y"', f"  depends_on = [{X}]\n", "y"),
        {X: Delivery.SENT},
    ),
    "another attribute of a consumer": (
        f'resource "aws_lambda_function" "f" {{\n  environment {{\n    variables = {{ a = {PEM} }}\n  }}\n}}\n'
        + parameter("aws_lambda_function.f.function_name"),
        {"aws_lambda_function.f": Delivery.SENT},
    ),
    "a file that is no HCL beside an object": (
        {"trust.tf": OBJECT, "store.tf": BROKEN},
        {"aws_s3_object.o": Delivery.SENT},
    ),
    "a domain that its object replaces": (
        OBJECT + DOMAIN,
        {
            "aws_s3_object.o": Delivery.SENT,
            "aws_api_gateway_domain_name.g": Delivery.REPLACED,
        },
    ),
    "a launch configuration": (
        f'resource "aws_launch_configuration" "x" {{\n  user_data = {PEM}\n}}\n',
        {"aws_launch_configuration.x": Delivery.REPLACED},
    ),
    "a machine of another cloud": (
        f'resource "google_compute_instance" "x" {{\n  metadata_startup_script = {PEM}\n}}\n',
        {"google_compute_instance.x": Delivery.REPLACED},
    ),
    "a directive that compares": (parameter(f'"%{{ if {PEM} != "" }}a%{{ endif }}"'), {}),
    "arithmetic": (parameter(f"{PEM} + 1"), {X: Delivery.SENT}),
    "the `if` of a `for`": (parameter(f'join("", [for x in ["a"] : x if {PEM} != ""])'), {}),
    "a file with a provisioner": (
        f'resource "local_file" "x" {{\n  content = {PEM}\n{PUSH % PEM}}}\n',
        {
            "local_file.x": Delivery.REPLACED,
            "a provisioner of resource local_file.x": Delivery.REPLACED,
        },
    ),
    "a file with a provisioner of its own PEM": (
        f'resource "local_file" "x" {{\n  filename = "ca"\n{PUSH % PEM}}}\n',
        {"a provisioner of resource local_file.x": Delivery.NEVER},
    ),
    "a provider": (
        f'provider "kubernetes" {{\n  cluster_ca_certificate = {PEM}\n}}\n',
        {"provider kubernetes": Delivery.UNKNOWN},
    ),
    "a comment inside a reference": (
        parameter(f"{CERTIFICATE} /* old */ .orders.pem_encoded_certificate"),
        {X: Delivery.SENT},
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_way_ends_where_the_pem_does(way, tmp_path):
    """What takes no byte of the PEM is not named, and each consumer is named once."""
    given, expected = WAYS[way]
    files = given if isinstance(given, dict) else {"trust.tf": given}
    home = world(tmp_path, {"main.tf": BASE, **files})
    (declared,) = home.inventory().documents[0].declared.certificates
    found = [(each.what.removeprefix("resource "), each.delivery) for each in declared.trust]
    assert sorted(found) == sorted(expected.items())


@pytest.mark.parametrize("count", ["", "  count  = var.on ? 1 : 0\n"])
def test_a_consumer_in_the_module_of_the_certificate_is_there_with_it(count, tmp_path):
    """The module's own condition is the certificate's condition too."""
    main = f'module "api" {{\n  source = "./api"\n{count}}}\n'
    files = {"main.tf": main, "api/main.tf": BASE + parameter(PEM)}
    at = "module.api[0]" if count else "module.api"
    home = world(tmp_path, files, certificates={f"{at}.{C}": "old000"}, stages={})
    (declared,) = home.inventory().documents[0].declared.certificates
    assert [(each.delivery, each.only_if) for each in declared.trust] == [(Delivery.SENT, "")]
