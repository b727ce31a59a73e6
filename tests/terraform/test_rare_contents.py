"""What a document may have that few have: tags in a list, numbers beside a PEM, damaged gzip."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from checker.model.address import Address
from checker.model.trust import BundleFault
from checker.terraform.consumers.certificates import bundles_in
from checker.terraform.load import read_document


def state(*resources):
    return json.dumps(
        {"version": 4, "serial": 1, "lineage": "l", "outputs": {}, "resources": [
            {"mode": "managed", "type": kind, "name": "x", "provider": "p", "instances": [{"attributes": held}]}
            for kind, held in resources
        ]}
    ).encode()  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([{"key": "owner", "value": "a"}, {"key": "x", "value": "b"}], (("owner", "a"),)),
        ([{"key": "owner", "value": None}], ()),
        ([5], None),
        (None, ()),
    ],
)
def test_tags_of_the_cloud_control_provider_are_a_list(tags, expected):
    """Only the tags that are asked for are kept; a list of another shape is not known."""
    stage = {"rest_api_id": "a", "stage_name": "prod", "client_certificate_id": "x", "tags": tags}
    document = read_document("s.json", state(("awscc_apigateway_stage", stage)), tags=("owner",))
    assert document.stages[0].tags == expected


@pytest.mark.parametrize(("identity", "count"), [("a", 0), (None, 1), ("", 1)])
def test_an_http_api_without_an_id_takes_no_stage_away(identity, count):
    """Its stages cannot be told from those of other APIs, so they are read."""
    api = {"id": identity, "protocol_type": "HTTP"}
    stage = {"id": "live", "name": "live", "api_id": "a", "client_certificate_id": ""}
    data = state(("aws_apigatewayv2_api", api), ("aws_apigatewayv2_stage", stage))
    assert len(read_document("s.json", data).stages) == count


@pytest.mark.parametrize("value", [5, {"a": [None, True, 1.5]}, '{"port": 443}', "[1, 2]"])
def test_what_is_no_text_has_no_certificates(value):
    """Numbers beside a PEM are passed over."""
    assert bundles_in(value) == ()


def test_gzip_that_was_cut_off_is_a_fault():
    """It may have had the certificate that the rest lacks."""
    whole = gzip.compress(bytes(range(256)) * 8, mtime=0)
    with pytest.raises(BundleFault, match="damaged or longer"):
        bundles_in(base64.b64encode(whole[:-4]).decode())


def test_a_text_that_is_longer_than_any_bundle_is_a_fault():
    """It is not searched at all."""
    with pytest.raises(BundleFault, match="longer than any bundle"):
        bundles_in("x" * (16 * 1024**2 + 1))


@pytest.mark.parametrize(
    ("instances", "count"),
    [
        ([{"attributes": {"value": "a"}}], 1),
        ([{"attributes": {"value": "a"}, "deposed": "abcd1234"}], 0),
        ([{"attributes": {"value": "a"}, "deposed": "abcd1234"}, {"attributes": {"value": "b"}}], 1),
    ],
)  # fmt: skip
def test_a_deposed_object_is_no_evidence_of_what_a_consumer_has(instances, count):
    """Terraform deletes it with the next apply; the current object counts."""
    whole = json.loads(state(("aws_ssm_parameter", {})))
    whole["resources"][0]["instances"] = instances
    consumers = {Address("aws_ssm_parameter", "x"): frozenset({"value"})}
    found = read_document("s.json", json.dumps(whole).encode(), consumers=consumers)
    assert len(found.held) == count


@pytest.mark.parametrize(("address", "count"), [("a_b.x", 1), ("a_b..x", 0)])
def test_a_consumer_without_a_readable_address_is_no_evidence(address, count):
    """It cannot be told which block it belongs to."""
    resource = {
        "address": address,
        "mode": "managed",
        "type": "a_b",
        "name": "x",
        "values": {"v": "a"},
    }
    whole = {"format_version": "1.0", "values": {"root_module": {"resources": [resource]}}}
    consumers = {Address("a_b", "x"): frozenset({"v"})}
    found = read_document("s.json", json.dumps(whole).encode(), consumers=consumers)
    assert len(found.held) == count
