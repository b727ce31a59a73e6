"""States, raw and shown, and that both say the same."""

from __future__ import annotations

import pytest
from terraform_json import CERTIFICATE, STAGE, raw, raw_state, shown, shown_state

from checker.errors import UnreadableError
from checker.model.places import Place
from checker.model.resources import Presents, PresentsNothing, StageKind


@pytest.mark.parametrize(
    ("raw_file", "shown_file"),
    [
        ("formats/state-basic.tfstate", "formats/show-basic.json"),
        ("rotation/00-create/terraform.tfstate", "rotation/00-create/state.json"),
        (
            "rotation/01-refreshed-near-expiry/terraform.tfstate",
            "rotation/01-refreshed-near-expiry/state.json",
        ),
        ("rotation/02-apply1-add-new/terraform.tfstate", "rotation/02-apply1-add-new/state.json"),
        ("rotation/03-apply2-repoint/terraform.tfstate", "rotation/03-apply2-repoint/state.json"),
        (
            "rotation/04-apply3-retire-old/terraform.tfstate",
            "rotation/04-apply3-retire-old/state.json",
        ),
        ("formats/state-deposed.tfstate", "formats/show-deposed.json"),
    ],
)
def test_both_forms_of_a_state_say_the_same(fixtures, read_file, raw_file, shown_file):
    """The stored state and what `show -json` prints of it."""
    stored, printed = read_file(fixtures / raw_file), read_file(fixtures / shown_file)
    assert stored.source.format_version == "4"
    assert printed.source.format_version == "1.0"
    assert stored.stages == printed.stages != ()
    assert stored.certificates == printed.certificates != ()
    assert stored.plan is printed.plan is None


def test_a_state_with_a_module_and_for_each(fixtures, read_file):
    """Every instance has its own address."""
    document = read_file(fixtures / "rotation/03-apply2-repoint/terraform.tfstate")
    assert {str(stage.address): (stage.name, stage.presents) for stage in document.stages} == {
        'aws_api_gateway_stage.this["dev"]': ("dev", Presents("kt4vd3")),
        'aws_api_gateway_stage.this["prod"]': ("prod", Presents("kt4vd3")),
        "module.canary.aws_api_gateway_stage.this": ("canary", Presents("kt4vd3")),
    }
    assert {stage.place for stage in document.stages} == {Place("aws", "123456789012", "us-east-1")}


def test_tainted_and_deposed_objects_are_both_there(fixtures, read_file):
    """The tainted one is the current one; the deposed one still has to be deleted."""
    document = read_file(fixtures / "formats/state-tainted-and-deposed.tfstate")
    assert [(one.id, one.deposed) for one in document.certificates] == [
        ("vyib0s", None),
        ("e2f4fo", "125d5822"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"format_version": "1.0"},
        {"format_version": "0.1", "terraform_version": "0.12.0"},
        {"format_version": "1.0", "values": None},
        {"format_version": "1.0", "values": {}},
        {"format_version": "1.0", "values": {"root_module": {}}},
        raw_state(),
    ],
)
def test_an_empty_state_is_a_state(read, document):
    """Terraform shows a state without resources as little more than a version."""
    found = read(document, "s.json")
    assert (found.source.kind, found.stages, found.certificates, found.plan) == (
        "state",
        (),
        (),
        None,
    )


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        (None, "s"),
        (0, "s[0]"),
        (2.0, "s[2]"),
        ("k.1", 's["k.1"]'),
        ('q"x', 's["q\\"x"]'),
        ("t${x}", 's["t$${x}"]'),
        ("n\nl", 's["n\\nl"]'),
    ],
)
def test_instance_keys_of_a_raw_state(read, key, printed):
    """Numbers (as floats too, as some writers have them) and texts, which addresses quote as HCL."""
    instance = {"attributes": {"stage_name": "prod"}} | ({} if key is None else {"index_key": key})
    (stage,) = read(raw_state(raw(STAGE, "s", instance, module='module.a["x"].module.b[0]'))).stages
    assert str(stage.address) == f'module.a["x"].module.b[0].{STAGE}.{printed}'


@pytest.mark.parametrize("key", [1.5, -1.0, 1e300, True, [], {}])
def test_what_is_no_instance_key(read, key):
    """The error names the key's place."""
    with pytest.raises(UnreadableError) as error:
        read(raw_state(raw(STAGE, "s", {"index_key": key, "attributes": {}})), "s")
    assert error.value.where == "s: resources[0].instances[0].index_key"


@pytest.mark.parametrize(
    "none", [{}, {"client_certificate_id": None}, {"client_certificate_id": ""}]
)
@pytest.mark.parametrize(
    "build",
    [
        lambda values: shown_state(shown(f"{STAGE}.s", values)),
        lambda values: raw_state(raw(STAGE, "s", {"attributes": values})),
    ],
)
def test_no_certificate_has_three_forms(read, none, build):
    """Absent, null, and the empty string that the provider writes after one was taken off."""
    (stage,) = read(build({"stage_name": "prod", "rest_api_id": "a"} | none)).stages
    assert stage.presents == PresentsNothing()


def test_a_websocket_stage(read):
    """Its id is the stage's name alone, and its API is `api_id`."""
    values = {
        "id": "prod",
        "name": "prod",
        "api_id": "w1",
        "client_certificate_id": "c1",
        "execution_arn": "arn:aws-cn:execute-api:cn-north-1:111122223333:w1/prod",
    }
    (stage,) = read(shown_state(shown("aws_apigatewayv2_stage.w", values))).stages
    assert (stage.kind, stage.api_id, stage.name, stage.presents) == (
        StageKind.WEBSOCKET,
        "w1",
        "prod",
        Presents("c1"),
    )
    assert stage.place == Place("aws-cn", "111122223333", "cn-north-1")


def test_the_region_argument_of_provider_6(read):
    """It is read where no ARN says more, and gives the partition."""
    values = {"id": "c1", "region": "us-gov-west-1"}
    (certificate,) = read(shown_state(shown(f"{CERTIFICATE}.c", values))).certificates
    assert certificate.place == Place("aws-us-gov", None, "us-gov-west-1")


def test_awscc_certificates_have_no_end(read):
    """CloudFormation tells neither a date nor a PEM: the end is unknown, not good."""
    document = read(
        shown_state(
            shown(
                "awscc_apigateway_client_certificate.c",
                {"id": "c1", "client_certificate_id": "c1", "tags": [{"key": "a", "value": "b"}]},
            ),
            shown(
                "awscc_apigateway_stage.s",
                {
                    "rest_api_id": "a",
                    "stage_name": "prod",
                    "client_certificate_id": "c1",
                    "id": "a|prod",
                },
            ),
        )
    )
    (certificate,) = document.certificates
    assert (certificate.id, certificate.expires_at, certificate.pem) == ("c1", None, None)
    assert document.stages[0].presents == Presents("c1")


ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/1"


@pytest.mark.parametrize("prefix", ["", "data."])
def test_an_acm_certificate_counts_where_a_stage_names_it(read, prefix):
    """Its id is its ARN, and its place the ARN's; others of the account are none of ours."""
    values = {
        "arn": ARN,
        "not_after": "2027-01-01T00:00:00Z",
        "not_before": "2026-01-01T00:00:00Z",
        "certificate_body": None,
    }
    document = read(
        shown_state(
            shown(f"{prefix}aws_acm_certificate.mine", values),
            shown(f"{prefix}aws_acm_certificate.other", values | {"arn": ARN + "2"}),
            shown(
                f"{STAGE}.s", {"stage_name": "p", "rest_api_id": "a", "client_certificate_id": ARN}
            ),
        )
    )
    (certificate,) = document.certificates
    assert (str(certificate.address), certificate.kind, certificate.id) == (
        f"{prefix}aws_acm_certificate.mine",
        "acm",
        ARN,
    )
    assert certificate.place == Place("aws", "111122223333", "eu-west-1")
    assert certificate.expires_at.year == 2027


def test_a_deposed_stage_is_listed(read):
    """It is in AWS, and presents what it presents, until an apply destroys it."""
    current = {
        "attributes": {"stage_name": "p", "rest_api_id": "a", "client_certificate_id": "new"}
    }
    deposed = {
        "attributes": {"stage_name": "q", "rest_api_id": "a", "client_certificate_id": "old"},
        "deposed": "12345678",
    }
    document = read(raw_state(raw(STAGE, "s", current, deposed)))
    assert [(stage.presents, stage.deposed) for stage in document.stages] == [
        (Presents("new"), None),
        (Presents("old"), "12345678"),
    ]
    assert [
        f"{STAGE}.s has a deposed object (12345678)" in notice for notice in document.notices
    ] == [True]


def test_data_sources_of_awscc_show_stages_and_certificates(read):
    """What somebody else manages and this configuration looks at; the provider aws has no such data sources."""
    document = read(
        shown_state(
            shown(
                "data.awscc_apigateway_stage.s", {"stage_name": "p", "client_certificate_id": "c"}
            ),
            shown(
                "data.awscc_apigateway_client_certificate.c",
                {"id": "x", "client_certificate_id": "c"},
            ),
            shown(
                "data.aws_api_gateway_stage.never",
                {"stage_name": "p", "client_certificate_id": "d"},
            ),
        )
    )
    assert [str(stage.address) for stage in document.stages] == ["data.awscc_apigateway_stage.s"]
    assert [(str(one.address), one.id) for one in document.certificates] == [
        ("data.awscc_apigateway_client_certificate.c", "c")
    ]


def test_terraform_012_wrote_addresses_without_module_and_key(read):
    """As terraform-json's test data shows: two modules would otherwise have stages of one address."""
    stage = {
        "mode": "managed",
        "type": STAGE,
        "name": "s",
        "values": {"stage_name": "p", "rest_api_id": "a"},
    }
    inner = {
        "address": "module.m[0].module.n",
        "resources": [stage | {"address": f"{STAGE}.s", "index": "k.1"}],
    }
    outer = {
        "address": "module.m[0]",
        "resources": [stage | {"address": f"{STAGE}.s"}],
        "child_modules": [inner],
    }
    root = {"resources": [stage | {"address": f"{STAGE}.s", "index": 1}], "child_modules": [outer]}
    document = read(
        {"format_version": "0.1", "terraform_version": "0.12.0", "values": {"root_module": root}}
    )
    assert [str(found.address) for found in document.stages] == [
        f"{STAGE}.s[1]",
        f"module.m[0].{STAGE}.s",
        f'module.m[0].module.n.{STAGE}.s["k.1"]',
    ]


def test_everything_else_is_skipped(read):
    """Types that are not ours may hold anything at all."""
    odd = {"address": 5, "type": "aws_lambda_function", "values": [1, "x"], "deposed_key": None}
    odd["address"] = "x"
    document = read(
        shown_state(odd, shown(f"{CERTIFICATE}.c", {"id": "c"})) | {"unheard_of": [{}], "checks": 5}
    )
    assert len(document.certificates) == 1


def test_attributes_of_terraform_011_are_refused(read):
    """A version 4 state may still hold flat attributes of a resource that was never refreshed since."""
    with pytest.raises(UnreadableError, match=r"form of Terraform 0\.11") as error:
        read(raw_state(raw(STAGE, "s", {"attributes_flat": {"id": "x"}})), "s")
    assert error.value.where == "s: resources[0].instances[0].attributes_flat"
