"""Reading raw and shown states."""

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
    """A raw state and its `show -json` output give the same stages and certificates."""
    stored, printed = read_file(fixtures / raw_file), read_file(fixtures / shown_file)
    assert stored.source.format_version == "4"
    assert printed.source.format_version == "1.0"
    assert stored.stages == printed.stages != ()
    assert stored.certificates == printed.certificates != ()
    assert stored.plan is printed.plan is None


def test_a_state_with_a_module_and_for_each(fixtures, read_file):
    """Each instance of a state with a module and for_each has its own address."""
    document = read_file(fixtures / "rotation/03-apply2-repoint/terraform.tfstate")
    assert {str(stage.address): (stage.name, stage.presents) for stage in document.stages} == {
        'aws_api_gateway_stage.this["dev"]': ("dev", Presents("kt4vd3")),
        'aws_api_gateway_stage.this["prod"]': ("prod", Presents("kt4vd3")),
        "module.canary.aws_api_gateway_stage.this": ("canary", Presents("kt4vd3")),
    }
    assert {stage.place for stage in document.stages} == {Place("aws", "123456789012", "us-east-1")}


def test_tainted_and_deposed_objects_are_both_there(fixtures, read_file):
    """Tainted and deposed objects are both read."""
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
    """An empty state is read as a state without resources."""
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
    """Instance keys of a raw state may be numbers, floats or texts, and are printed as HCL."""
    instance = {"attributes": {"stage_name": "prod"}} | ({} if key is None else {"index_key": key})
    (stage,) = read(raw_state(raw(STAGE, "s", instance, module='module.a["x"].module.b[0]'))).stages
    assert str(stage.address) == f'module.a["x"].module.b[0].{STAGE}.{printed}'


@pytest.mark.parametrize("key", [1.5, -1.0, 1e300, True, [], {}])
def test_what_is_no_instance_key(read, key):
    """An invalid instance key is an error with its path."""
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
    """A null, empty or absent certificate id means no certificate."""
    (stage,) = read(build({"stage_name": "prod", "rest_api_id": "a"} | none)).stages
    assert stage.presents == PresentsNothing()


def test_a_websocket_stage(read):
    """A WebSocket stage is read, with its name and `api_id`."""
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
    """The `region` argument of AWS provider 6 gives the region and the partition if there is no
    ARN.
    """
    values = {"id": "c1", "region": "us-gov-west-1"}
    (certificate,) = read(shown_state(shown(f"{CERTIFICATE}.c", values))).certificates
    assert certificate.place == Place("aws-us-gov", None, "us-gov-west-1")


def test_awscc_certificates_have_no_end(read):
    """A certificate of awscc has an unknown end, because CloudFormation gives no date and
    no PEM.
    """
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
    """An ACM certificate is read only if a stage names its ARN."""
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
    """A deposed stage is read with its certificate, and gives a notice."""
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
    """Data sources of awscc give stages and certificates; the aws provider has none of these."""
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
    """Addresses of Terraform 0.12, without module and key, are completed."""
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
    """Resources of other types are skipped, whatever their shape."""
    odd = {"address": 5, "type": "aws_lambda_function", "values": [1, "x"], "deposed_key": None}
    odd["address"] = "x"
    document = read(
        shown_state(odd, shown(f"{CERTIFICATE}.c", {"id": "c"})) | {"unheard_of": [{}], "checks": 5}
    )
    assert len(document.certificates) == 1


def test_attributes_of_terraform_011_are_refused(read):
    """Flat attributes of Terraform 0.11 are refused with their path."""
    with pytest.raises(UnreadableError, match=r"form of Terraform 0\.11") as error:
        read(raw_state(raw(STAGE, "s", {"attributes_flat": {"id": "x"}})), "s")
    assert error.value.where == "s: resources[0].instances[0].attributes_flat"
