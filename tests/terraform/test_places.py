"""The account and region of a planned resource, by its attributes, ARN and provider
configuration.
"""

from __future__ import annotations

import pytest
from terraform_json import CERTIFICATE, STAGE, block, call, change, created, expression, plan

from checker.model.places import Place, in_region

C = CERTIFICATE


def place_of(read, document):
    return read(document).plan.certificates[0].after.place


def provider(expressions, **more):
    return {
        "name": "aws",
        "expressions": {name: expression(value) for name, value in expressions.items()},
    } | more


def root_with(key="aws"):
    return {"resources": [block(C, "c", provider_config_key=key)]}


@pytest.mark.parametrize(
    ("expressions", "place"),
    [
        ({"region": "eu-west-1"}, Place("aws", None, "eu-west-1")),
        ({"region": "cn-north-1"}, Place("aws-cn", None, "cn-north-1")),
        ({"region": ["var.region"]}, Place("aws", None, "ap-south-1")),
        ({"region": ["var.defaulted"]}, Place("aws", None, "us-west-2")),
        ({"region": ["var.missing"]}, Place()),
        ({"region": ["data.aws_region.here.name", "data.aws_region.here"]}, Place()),
        ({"region": ["var.region", "var.other"]}, Place()),
        ({"region": 5}, Place()),
        ({}, Place()),
        (
            {"region": "eu-west-1", "allowed_account_ids": ["111122223333"]},
            Place("aws", None, "eu-west-1"),
        ),
    ],
)
def test_the_region_of_a_provider(read, expressions, place):
    """The region comes from a constant or a known variable of the provider; otherwise it is
    unknown.
    """
    document = plan(
        created(f"{C}.c"),
        root=root_with() | {"variables": {"region": {}, "defaulted": {"default": "us-west-2"}}},
        providers={"aws": provider(expressions)},
        variables={"region": {"value": "ap-south-1"}, "other": {"value": "secret"}},
    )
    assert place_of(read, document) == place


@pytest.mark.parametrize(
    ("provided", "account"),
    [
        (
            {"assume_role": [{"role_arn": {"constant_value": "arn:aws:iam::111122223333:role/x"}}]},
            "111122223333",
        ),
        (
            {"assume_role": {"role_arn": {"constant_value": "arn:aws:iam::111122223333:role/x"}}},
            "111122223333",
        ),
        ({"assume_role": [{"role_arn": {"references": ["var.role"]}}]}, "444455556666"),
        ({"assume_role": [{}, {}]}, None),
        ({"assume_role": 5}, None),
        ({"allowed_account_ids": {"constant_value": ["777788889999"]}}, "777788889999"),
        ({"allowed_account_ids": {"constant_value": ["1", "2"]}}, None),
    ],
)
def test_the_account_of_a_provider(read, provided, account):
    """The account comes from the provider's role or its single allowed account; several roles are
    unknown.
    """
    document = plan(
        created(f"{C}.c"),
        root=root_with(),
        providers={"aws": {"expressions": provided}},
        variables={"role": {"value": "arn:aws:iam::444455556666:role/y"}},
    )
    assert place_of(read, document).account == account


@pytest.mark.parametrize(
    ("key", "region"),
    [
        ("aws", "us-east-1"),
        ("aws.eu", "eu-west-1"),
        ("module.own:aws", "ap-south-1"),
        ("module.l1.module.l2:aws", "us-east-1"),
        ("module.l1.module.l2:aws.eu", "eu-west-1"),
        ("nowhere", None),
    ],
)
def test_which_configuration_a_resource_has(read, key, region):
    """A resource has the provider configuration of its alias, its module, or an outer module."""
    providers = {
        "aws": provider({"region": "us-east-1"}),
        "aws.eu": provider({"region": "eu-west-1"}),
        "module.own:aws": provider({"region": ["var.r"]}, module_address="module.own"),
        "module.l1.module.l2:aws": {"name": "aws", "module_address": "module.l1.module.l2"},
    }
    root = root_with(key) | {"module_calls": {"own": call({}, {"r": "ap-south-1"})}}
    assert place_of(read, plan(created(f"{C}.c"), root=root, providers=providers)).region == region


def test_a_module_variable_leads_to_a_root_variable(read):
    """A provider's region is resolved through module variables and their defaults."""
    inner = call({"variables": {"r": {}}}, {"r": ["var.region"]})
    root = root_with("module.a.module.b:aws") | {
        "module_calls": {
            "a": call(
                {"module_calls": {"b": inner}, "variables": {"region": {"default": "eu-south-1"}}}
            )
        }
    }
    providers = {
        "module.a.module.b:aws": provider({"region": ["var.r"]}, module_address="module.a.module.b")
    }
    assert (
        place_of(read, plan(created(f"{C}.c"), root=root, providers=providers)).region
        == "eu-south-1"
    )


def test_the_region_argument_wins_over_the_provider(read):
    """The `region` argument of AWS provider 6 takes precedence over the provider's region."""
    made = created(f"{C}.c")
    made["change"]["after"]["region"] = "eu-central-1"
    document = plan(made, root=root_with(), providers={"aws": provider({"region": "us-east-1"})})
    assert place_of(read, document) == Place("aws", None, "eu-central-1")


def test_a_stage_that_is_updated_stays_where_it_is(read):
    """An updated stage keeps the place of its recorded ARN."""
    arn = "arn:aws:execute-api:us-east-1:111122223333:a/prod"
    document = plan(
        change(
            f"{STAGE}.s",
            ["update"],
            before={"execution_arn": arn},
            after={"description": "x"},
            unknown=["execution_arn"],
        )
    )
    assert read(document).plan.stages[0].after.place == Place("aws", "111122223333", "us-east-1")


def test_what_is_replaced_stays_where_it_was_unless_its_provider_moved(read):
    """A replaced certificate keeps its recorded region, unless its provider configuration
    changed.
    """
    before = {"id": "a", "arn": "arn:aws:apigateway:us-east-1::/clientcertificates/a"}
    entry = change(f"{C}.c", ["delete", "create"], before=before, after={}, unknown=["id", "arn"])
    assert place_of(read, plan(entry)) == Place("aws", None, "us-east-1")
    moved = plan(entry, root=root_with(), providers={"aws": provider({"region": "eu-west-1"})})
    assert place_of(read, moved) == Place("aws", None, "eu-west-1")


def test_secrets_of_a_provider_are_in_no_error(read):
    """A provider configuration with secrets gives no place and shows no secret."""
    root = root_with()
    document = plan(
        created(f"{C}.c"),
        root=root,
        providers={
            "aws": {"expressions": {"region": ["x"], "secret_key": {"constant_value": "hunter2"}}}
        },
    )
    assert place_of(read, document) == Place()


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_is_in_one_partition(region, partition):
    """The prefix of a region gives its partition."""
    assert in_region(region) == Place(partition, None, region)


def test_a_provider_of_a_module_that_the_plan_does_not_have_is_nowhere(read):
    """Its region may come from variables of that module."""
    providers = {"module.gone:aws": provider({"region": "eu-west-1"}, module_address="module.gone")}
    root = {"resources": [block(C, "c", provider_config_key="module.gone:aws")]}
    found = read(plan(created(f"{C}.c"), root=root, providers=providers))
    assert found.plan.certificates[0].after.place == Place()


def test_variables_that_lead_too_deep_are_not_followed(read):
    """A chain of many modules ends in an unknown region; a short one is followed."""
    for depth, region in ((3, "ap-south-1"), (120, None)):
        inner = {"resources": [block(C, "c", provider_config_key="own")], "variables": {"r": {}}}
        path = ".".join(["module.m"] * depth)
        for level in range(depth):
            inner = {
                "module_calls": {
                    "m": call(inner, {"r": ["var.r"] if level < depth - 1 else "ap-south-1"})
                },
                "variables": {"r": {}},
            }
        providers = {"own": provider({"region": ["var.r"]}, module_address=path)}
        found = read(plan(created(f"{path}.{C}.c"), root=inner, providers=providers))
        assert found.plan.certificates[0].after.place.region == region, depth
