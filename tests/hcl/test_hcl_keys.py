"""An id that becomes a key of for_each is found on every path; an id used as a value is not."""

from __future__ import annotations

import pytest
from world import lay

from checker.hcl.configuration import load_configuration
from checker.hcl.flow import follow_certificate

C = "aws_api_gateway_client_certificate.orders.id"
DECLARED = 'resource "aws_api_gateway_client_certificate" "orders" {\n}\n'


@pytest.mark.parametrize(
    ("local", "for_each", "keyed"),
    [
        ("1", f"toset([{C}])", True),
        (f"[{C}]", "toset(local.x)", True),
        (f"toset([{C}])", "local.x", True),
        (f"{{ ({C}) = 1 }}", "local.x", True),
        (f'{{ "${{{C}}}" = 1 }}', "local.x", True),
        (f"[{C}]", "{ for each_id in local.x : each_id => 1 }", True),
        (f'[{{ name = "a", cert = {C} }}]', "{ for s in local.x : s.cert => s }", True),
        (f'[{{ name = "a", cert = {C} }}]', '{ for s in local.x : s["cert"] => s }', True),
        (f"setproduct([{C}], [1])", "{ for p in local.x : p[0] => 1 }", True),
        (f'[{{ name = "a", cert = {C} }}]', "{ for s in local.x : s.name => s }", False),
        (f"{{ a = {{ cert = {C} }} }}", "{ for k, v in local.x : k => v.cert }", False),
        (f"{{ a = {C} }}", "local.x", False),
        (f'zipmap(["a"], [{C}])', "local.x", True),
    ],
)
def test_an_id_that_is_a_key_is_told_from_one_that_is_a_value(local, for_each, keyed, tmp_path):
    """An id that is used as a key is distinguished from a value.

    In doubt it counts as a key: both arguments of zipmap do.
    """
    stage = f'resource "aws_api_gateway_stage" "prod" {{\n  for_each = {for_each}\n  client_certificate_id = each.value\n}}\n'
    configuration = load_configuration(
        str(lay(tmp_path, {"main.tf": f"{DECLARED}locals {{\n  x = {local}\n}}\n{stage}"}))
    )
    assert configuration is not None
    assert (
        bool(
            follow_certificate(
                configuration, (), "aws_api_gateway_client_certificate", "orders"
            ).keys
        )
        == keyed
    )
