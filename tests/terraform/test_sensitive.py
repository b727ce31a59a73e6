"""Values that a document marks as sensitive are not kept, and a notice says what was not
checked.
"""

from __future__ import annotations

import json

import pytest
from terraform_json import CERTIFICATE, STAGE, change, plan, raw, raw_state, shown, shown_state

from checker.model.resources import Presents, PresentsPlanned

VALUES = {"stage_name": "prod", "rest_api_id": "a", "client_certificate_id": "hunter2"}
MARKED_RAW = [[{"type": "get_attr", "value": "client_certificate_id"}]]


@pytest.mark.parametrize(
    "document",
    [
        shown_state(shown(f"{STAGE}.s", VALUES, sensitive_values={"client_certificate_id": True})),
        shown_state(shown(f"{STAGE}.s", VALUES, sensitive_values=True)),
        raw_state(raw(STAGE, "s", {"attributes": VALUES, "sensitive_attributes": MARKED_RAW})),
        raw_state(raw(STAGE, "s", {"attributes": VALUES, "sensitive_attributes": [[]]})),
        plan(
            change(
                f"{STAGE}.s",
                ["no-op"],
                before=VALUES,
                after=VALUES,
                before_sensitive={"client_certificate_id": True},
                after_sensitive={"client_certificate_id": True},
            )
        ),
    ],
)
def test_a_hidden_id_is_not_kept(read, document):
    """A sensitive certificate id makes the stage's certificate unknown, with a notice."""
    found = read(document)
    assert "hunter2" not in repr(found)
    assert found.stages[0].presents == PresentsPlanned(())
    (notice,) = found.notices
    assert "aws_api_gateway_stage.s" in notice
    assert "nonsensitive()" in notice


def test_an_id_that_a_certificate_discloses_is_no_secret(read):
    """A sensitive id of a stage is used if the certificate has the same id unmarked."""
    certificate = shown(f"{CERTIFICATE}.c", {"id": "hunter2"}, sensitive_values={"tags": {}})
    found = read(
        shown_state(
            certificate,
            shown(f"{STAGE}.s", VALUES, sensitive_values={"client_certificate_id": True}),
        )
    )
    assert found.stages[0].presents == Presents("hunter2")
    assert found.notices == ()


def test_a_hidden_id_of_a_certificate_is_not_kept(read):
    """A sensitive id of a certificate is not kept, and does not reveal the stage's."""
    certificate = shown(f"{CERTIFICATE}.c", {"id": "hunter2"}, sensitive_values={"id": True})
    found = read(
        shown_state(
            certificate,
            shown(f"{STAGE}.s", VALUES, sensitive_values={"client_certificate_id": True}),
        )
    )
    assert "hunter2" not in repr(found)
    assert found.certificates[0].id is None


@pytest.mark.parametrize(
    ("hidden", "dated", "has_pem"),
    [((), True, True), (("pem_encoded_certificate",), True, False), (("*",), False, False)],
)
def test_a_hidden_pem_or_date_of_a_certificate_is_not_kept(read, fixtures, hidden, dated, has_pem):
    """A sensitive PEM or date is not kept; if both are sensitive, the end is unknown (I4)."""
    document = json.loads((fixtures / "readme/terraform.tfstate").read_bytes())
    paths = [[]] if hidden == ("*",) else [[{"type": "get_attr", "value": name}] for name in hidden]
    for resource in document["resources"]:
        for instance in resource["instances"]:
            instance["sensitive_attributes"] = paths
    found = read(document).certificates
    assert found
    assert {
        (one.expires_at is not None, one.pem is not None, one.fingerprint is not None)
        for one in found
    } == {(dated, has_pem, has_pem)}


@pytest.mark.parametrize("name", ["stage_name", "rest_api_id"])
def test_a_hidden_name_is_not_kept(read, name):
    """A sensitive stage name or API id is not kept."""
    found = read(
        shown_state(
            shown(
                f"{STAGE}.s",
                VALUES | {name: "hunter2", "client_certificate_id": None},
                sensitive_values={name: True},
            )
        )
    )
    assert "hunter2" not in repr(found)


def test_nothing_but_what_the_inventory_needs_is_kept(read):
    """Only the needed attributes are kept: no descriptions, tags, variables or PEM."""
    values = VALUES | {
        "client_certificate_id": "c",
        "description": "hunter2",
        "tags": {"x": "hunter2"},
        "variables": {"password": "hunter2"},
    }
    certificate = {
        "id": "c",
        "pem_encoded_certificate": "hunter2",
        "description": "hunter2",
        "tags_all": {"x": "hunter2"},
    }
    document = plan(
        change(f"{STAGE}.s", ["update"], before=values, after=values | {"description": "hunter3"}),
        prior=[shown(f"{CERTIFICATE}.c", certificate)],
        variables={"x": {"value": "hunter2"}},
    )
    found = read(document)
    assert "hunter" not in repr(found)
    assert found.plan.stages[0].changed == {"description"}


@pytest.mark.parametrize("marks", [5, "x", [True], None, {"a": 1}])
def test_odd_marks_mark_nothing(read, marks):
    """Invalid sensitivity marks are ignored."""
    found = read(shown_state(shown(f"{STAGE}.s", VALUES, sensitive_values=marks)))
    assert found.stages[0].presents == Presents("hunter2")
