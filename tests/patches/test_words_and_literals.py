"""Literal ids whose patch cannot be written as it is, and consumers that take a PEM only sometimes."""

from __future__ import annotations

import pytest
from test_trust_consumers import PEM
from world import BASE, CERTIFICATE, STAGE, days, world

from checker.model.rotation import Blocked, Next, Phase
from checker.patches.trust_text import trust_effect

OLD = "old000"
NEW = "prod_202611"


def literal(folder, text, more=None, kind=STAGE):
    """Return a world with one stage whose id is text."""
    return world(
        folder, {"main.tf": text, **(more or {})}, certificates={}, stages={f"{kind}.prod": OLD},
        ends={OLD: days(12)},
    )  # fmt: skip


def stage(takes, kind=STAGE):
    return f'resource "{kind}" "prod" {{\n  client_certificate_id = {takes}\n}}\n'


@pytest.mark.parametrize(
    ("text", "more", "what"),
    [
        (stage(f'"{OLD}"'), {f"tfcert_{NEW}.tf": "# ours\n"}, f"tfcert_{NEW}.tf exists already"),
        (stage(f'"{OLD}"') + f'output "{NEW}_pem" {{\n  value = 1\n}}\n', {}, f"an output {NEW}_pem exists already"),
    ],
)  # fmt: skip
def test_a_successor_overwrites_nothing(text, more, what, tmp_path):
    """Another name is to be chosen; no patch is written."""
    home = literal(tmp_path, text, more)
    _, patches = home.ask()
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert what in rotation.step.reason
    assert "--name" in rotation.step.remedy
    assert patches.patches == ()


def test_a_stage_of_the_cloud_control_provider_gets_no_output_of_a_pem(tmp_path):
    """That provider's certificate has no PEM, so the patch has only the certificate."""
    kind = "awscc_apigateway_stage"
    home = literal(tmp_path, stage(f'"{OLD}"', kind), kind=kind)
    _, patches = home.ask()
    assert [each.step for each in patches.rotations] == [Next(Phase.INTRODUCE)]
    (change,) = patches.patches[0].changes
    assert b"output" not in change.after
    assert b'resource "awscc_apigateway_client_certificate"' in change.after


@pytest.mark.parametrize(
    ("takes", "becomes"),
    [
        ("{}", f'"{OLD}"'),
        ('"${{{}}}"', f'"{OLD}"'),
        ('"${{{}}}-x"', None),
        ('"${{{}}}${{var.x}}"', None),
    ],
)
def test_rollback_writes_the_id_back_only_where_it_is_the_whole_value(takes, becomes, tmp_path):
    """A part of a longer text is left to the user, with the place."""
    home = literal(tmp_path, stage(f'"{OLD}"'))
    for phase in (Phase.INTRODUCE, Phase.REPOINT):
        _, patches = home.ask()
        home.write(patches)
        home.apply(phase, patches.rotations)
    reference = f"{CERTIFICATE}.{NEW}.id"
    (tmp_path / "main.tf").write_text(stage(takes.format(reference)))
    _, patches = home.ask(phase=Phase.ROLLBACK)
    (rotation,) = patches.rotations
    if becomes is None:
        assert isinstance(rotation.step, Blocked), rotation.step
        assert "takes more than the id" in rotation.step.reason
        assert patches.patches == ()
    else:
        home.write(patches)
        assert (tmp_path / "main.tf").read_text() == stage(becomes)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(
    ("value", "condition"), [(PEM, None), (f'var.on ? {PEM} : "none"', "`var.on` is true")]
)
def test_the_runbook_says_under_which_condition_a_consumer_has_the_pem(value, condition, both, tmp_path):  # fmt: skip
    """With and without `--trust-bundle`; without a condition it says none."""
    text = f'resource "aws_ssm_parameter" "x" {{\n  value = {value}\n}}\n'
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    (declared,) = home.inventory().documents[0].declared.certificates
    (consumer,) = declared.trust
    said = trust_effect(consumer, both=both)
    assert (f"It has the PEM only if {condition}." in said) is (condition is not None)
    assert "only if" not in said or condition is not None
