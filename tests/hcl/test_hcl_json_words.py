"""Instructions for editing a .tf.json file name the keys to change, in the order of the phases."""

from __future__ import annotations

import json

import pytest

from checker.hcl.json_advice import concerns, json_certificates, json_edit

C = "aws_api_gateway_client_certificate"
STAGE = {"aws_api_gateway_stage": {"prod": [{"client_certificate_id": f"${{{C}.c.id}}"}]}}


@pytest.mark.parametrize("resource", [{C: {"c": {}}, **STAGE}, [{C: [{"c": [{}]}]}, STAGE]])
def test_the_three_phases_stand_in_order(resource):
    """The instructions have the three phases in order, for objects and for lists of one object."""
    words = json_edit("gw.tf.json", json.dumps({"resource": resource}).encode())
    assert words is not None
    parts = [
        f'copy the key "c" under resource.{C}',
        'client_certificate_id write "c_next" for "c"',
        f'delete the key "c" under resource.{C}',
    ]
    assert [words.index(part) for part in parts] == sorted(words.index(part) for part in parts)
    assert "gw.tf.json" in words


def test_another_reader_of_the_certificate_is_named():
    """An output that uses the certificate is named too."""
    words = json_edit(
        "o.tf.json",
        json.dumps({"output": {"pem": {"value": f"${{{C}.c.pem_encoded_certificate}}"}}}).encode(),
    )
    assert words is not None
    assert "output.pem.value" in words


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[" * 100_000,
        b"[]",
        b'{"resource": 1}',
        b'{"resource": {"x": "client_certificate"}}',
        b"\xff",
    ],
)
def test_what_says_nothing_of_a_certificate_has_no_words(data):
    """A file without a certificate, or without valid JSON, gives no instructions."""
    assert json_edit("x.tf.json", data) is None


def test_a_provisioner_is_not_to_be_copied():
    """The instructions leave out creation-time provisioners of the copied block."""
    block = {
        "provisioner": [
            {"local-exec": {"command": "echo '${self.pem_encoded_certificate}' > ca.pem"}}
        ]
    }
    for own, words in ((block, True), ({}, False)):
        text = json.dumps({"resource": {"aws_api_gateway_client_certificate": {"c": own}}}).encode()
        assert (
            "without the blocks that run at its creation" in (json_edit("main.tf.json", text) or "")
        ) is words


def test_a_stack_of_cdktf_is_changed_in_its_constructs():
    """For CDKTF the instructions name the stack and the constructs, and say not to edit
    the file.
    """

    def body(path: str, **more: str) -> dict[str, object]:
        return {"//": {"metadata": {"path": path}}, **more}

    resource = {
        C: {"api_cert_6F2A1B3C": body("api/cert")},
        "aws_api_gateway_stage": {
            "api_stage_0A1B2C3D": body(
                "api/stage", client_certificate_id=f"${{{C}.api_cert_6F2A1B3C.id}}"
            ),
        },
    }
    document = {"//": {"metadata": {"stackName": "edge"}}, "resource": resource}
    words = json_edit("cdk.tf.json", json.dumps(document).encode())
    assert words is not None
    assert all(
        part in words
        for part in (
            "do not edit",
            "stack edge",
            "beside api/cert",
            "give api/stage",
            "cdktf deploy edge",
        )
    )
    assert "copy the key" not in words


def test_the_words_are_about_the_certificate_that_is_rotated():
    """The instructions name only the rotated certificate, not others in the file."""
    document = {
        "resource": {C: {"c": {}, "other": {}}, **STAGE},
        "output": {"pem": {"value": f"${{{C}.other.pem_encoded_certificate}}"}},
    }
    data = json.dumps(document).encode()
    words = json_edit("gw.tf.json", data, (C, "c"))
    assert words is not None
    assert "other" not in words
    assert 'delete the key "c"' in words
    assert json_edit("gw.tf.json", data, (C, "third")) is None
    assert json_certificates(data) == {(C, "c"), (C, "other")}


OTHER = {
    C: {"b": {"description": "${var.name}"}},
    "aws_api_gateway_stage": {"b": {"client_certificate_id": f"${{{C}.b.id}}"}},
}


@pytest.mark.parametrize(
    ("document", "what", "expected"),
    [
        ({"resource": OTHER}, (C, "c"), False),
        ({"resource": OTHER}, (C, "b"), True),
        ({"resource": OTHER}, "old000", False),
        ({"resource": STAGE}, (C, "c"), True),
        ({"resource": OTHER, "locals": {"x": "${" + C + ".c.id}"}}, (C, "c"), True),
        ({"resource": OTHER, "locals": {"x": {"${" + C + ".c.id}": 1}}}, (C, "c"), True),
        ({"resource": OTHER, "moved": {"from": f"{C}.a", "to": f"{C}.c"}}, (C, "c"), True),
        (
            {"resource": {"aws_api_gateway_stage": {"x": {"client_certificate_id": "${local.c}"}}}},
            (C, "c"),
            True,
        ),
        (
            {"resource": {"aws_api_gateway_stage": {"x": {"client_certificate_id": "old000"}}}},
            "old000",
            True,
        ),
        (
            {"resource": {"aws_api_gateway_stage": {"x": {"client_certificate_id": "new000"}}}},
            "old000",
            False,
        ),
        ({"module": {"m": {"id": "${local.client_certificate}"}}}, (C, "c"), True),
    ],
)
def test_a_file_stays_out_of_a_rotation_only_where_that_is_sure(document, what, expected):
    """A file is skipped only if it does not name the certificate and its stages use other
    certificates directly.
    """
    assert concerns(json.dumps(document).encode(), what) is expected


def test_a_text_that_is_no_json_may_name_anything():
    """A file that is not valid JSON is not skipped."""
    assert concerns(b"{client_certificate", (C, "c"))


def test_a_literal_id_is_named_by_its_place():
    """A literal id is named by its JSON path; other certificates are not mentioned."""
    document = {
        "resource": {**OTHER, "aws_api_gateway_stage": {"x": {"client_certificate_id": "old000"}}}
    }
    words = json_edit("gw.tf.json", json.dumps(document).encode(), "old000")
    assert words is not None
    assert "at resource.aws_api_gateway_stage.x.client_certificate_id write" in words
    assert "copy the key" not in words
