"""`removed` blocks at each phase, and the remedies that restore or apply them."""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, days, world

from checker.model.address import Address
from checker.model.configuration import Removed
from checker.model.location import Location
from checker.model.rotation import Blocked, Done, Next, Phase, Waiting

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.n"
PROD = f"{STAGE}.prod"
CERTIFICATE_BLOCK, STAGE_BLOCK = BASE.split("\n\n")
SUCCESSOR = f'# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "n" {{\n}}\n'
BY_TEXT = STAGE_BLOCK.replace(f"{OLD}.id", '"old000"')
ENDS = {"old000": days(12), "new000": days(350)}
BOTH = {OLD: "old000", NEW: "new000"}


def removed(address: str, destroy: str | None = "false") -> str:
    inner = f"  lifecycle {{\n    destroy = {destroy}\n  }}\n" if destroy is not None else ""
    return f"removed {{\n  from = {address}\n{inner}}}\n"


def rotations(home):
    outcome, patches = home.ask()
    return {str(each.predecessor): each.step for each in outcome.rotations}, outcome, patches


def test_the_predecessor_before_introduce_is_put_back(tmp_path):
    """A `removed` block for a certificate in use is blocked; after its block is restored, introduce
    is next.
    """
    stage = STAGE_BLOCK.replace(
        f"  client_certificate_id = {OLD}.id\n", "  client_certificate_id = var.id\n"
    )
    home = world(tmp_path, {"main.tf": f"{stage}\n{removed(OLD)}"}, ends=ENDS)
    steps, outcome, patches = rotations(home)
    step = steps[OLD]
    assert isinstance(step, Blocked)
    assert "takes it out of the state without deleting it, though stages present it" in step.reason
    assert patches.patches == ()
    assert "rotation-destroys-in-use" not in [finding.rule for finding in outcome.findings]
    (tmp_path / "main.tf").write_text(BASE)
    assert rotations(home)[0] == {OLD: Next(Phase.INTRODUCE)}


def test_a_certificate_whose_id_stands_as_text_is_handed_over(tmp_path):
    """A `removed` block for a certificate whose id is a literal is applied alone; then introduce is
    next.
    """
    home = world(tmp_path, {"main.tf": f"{BY_TEXT}\n{removed(OLD)}"}, ends=ENDS)
    step = rotations(home)[0][OLD]
    assert isinstance(step, Waiting)
    assert "apply that alone, then run tfcert again" in step.reason
    del home.certificates[OLD]
    assert [each.step for each in home.ask()[1].rotations] == [Next(Phase.INTRODUCE)]


@pytest.mark.parametrize("destroy", ["true", None])
def test_a_certificate_in_use_that_is_to_be_destroyed_is_an_error(destroy, tmp_path):
    """A `removed` block that destroys a certificate in use is an error.

    The remedy names that block.
    """
    stage = STAGE_BLOCK.replace(f"{OLD}.id", "var.id")
    home = world(tmp_path, {"main.tf": f"{stage}\n{removed(OLD, destroy)}"}, ends=ENDS)
    steps, outcome, _ = rotations(home)
    assert "rotation-destroys-in-use" in [finding.rule for finding in outcome.findings]
    step = steps[OLD]
    assert isinstance(step, Blocked)
    assert "take the removed block (main.tf:6) out" in step.remedy
    (tmp_path / "main.tf").write_text(BASE)
    steps, outcome, _ = rotations(home)
    assert "rotation-destroys-in-use" not in [finding.rule for finding in outcome.findings]


def test_the_successor_after_repoint_is_not_let_go(tmp_path):
    """After repoint, a `removed` block for the successor is blocked."""
    home = world(
        tmp_path,
        {"main.tf": f"{CERTIFICATE_BLOCK}\n\n{STAGE_BLOCK}\n{removed(NEW)}"},
        certificates=dict(BOTH),
        stages={PROD: "new000"},
        ends=ENDS,
    )
    step = rotations(home)[0][NEW]
    assert isinstance(step, Blocked)
    assert "put its block back" in step.remedy


def test_the_successor_after_introduce_leaves_unused(tmp_path):
    """A `removed` block for an unused successor waits for its apply, and the reason says that AWS
    keeps it.
    """
    home = world(
        tmp_path, {"main.tf": f"{BASE}\n{removed(NEW)}"}, certificates=dict(BOTH), ends=ENDS
    )
    step = rotations(home)[0][NEW]
    assert isinstance(step, Waiting)
    assert "until its owner deletes it in AWS" in step.reason


def test_the_predecessor_at_retire_leaves_the_state_and_stays_in_aws(tmp_path):
    """A `removed` block for the predecessor is a retire that keeps it in AWS.

    The remedy names the AWS command to delete it.
    """
    text = f"{SUCCESSOR}\n{STAGE_BLOCK.replace('orders.id', 'n.id')}\n{removed(OLD)}"
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates=dict(BOTH),
        stages={PROD: "new000"},
        ends={**ENDS, "old000": days(12)},
    )
    steps, outcome, _ = rotations(home)
    step = steps[OLD]
    assert isinstance(step, Waiting)
    assert "takes it out of the state without deleting it" in step.reason
    assert {finding.severity.word for finding in outcome.findings} <= {"note"}
    (unused,) = (finding for finding in outcome.findings if finding.rule == "certificate-unused")
    assert (
        "Terraform does not delete it; its owner does: `aws apigateway delete-client-certificate"
        in unused.remedy
    )
    del home.certificates[OLD]
    assert all(step == Done() for step in rotations(home)[0].values())


def test_a_retire_whose_deletion_failed_is_applied_again(tmp_path):
    """A retire whose deletion failed waits for another apply, without a patch."""
    text = f"{SUCCESSOR.split(chr(10), 1)[1]}\n{STAGE_BLOCK.replace('orders.id', 'n.id')}"
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates=dict(BOTH),
        stages={PROD: "new000"},
        ends=dict(ENDS),
    )
    steps, outcome, patches = rotations(home)
    step = steps[OLD]
    assert isinstance(step, Waiting)
    assert "the last apply failed" in step.reason
    assert patches.patches == ()
    (unused,) = (finding for finding in outcome.findings if finding.rule == "certificate-unused")
    assert "plan and apply again, and Terraform deletes it" in unused.remedy
    # Follow the remedy: the apply deletes the certificate.
    home.certificates.pop(OLD)
    home.ends.pop("old000")
    assert rotations(home)[0] == {}


def test_an_introduce_that_failed_halfway_is_applied_again(tmp_path):
    """After an introduce that created one of two instances, the rotation waits for
    another apply.
    """
    each = '  for_each = toset(["a", "b"])\n'
    text = f"""\
resource "{CERTIFICATE}" "orders" {{
{each}}}

# tfcert: succeeds {OLD}
resource "{CERTIFICATE}" "n" {{
{each}}}

resource "{STAGE}" "prod" {{
{each}  client_certificate_id = {OLD}[each.key].id
}}
"""
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={f'{OLD}["a"]': "olda", f'{OLD}["b"]': "oldb", f'{NEW}["a"]': "newa"},
        stages={f'{PROD}["a"]': "olda", f'{PROD}["b"]': "oldb"},
        ends={"newa": days(350), "newb": days(350)},
    )
    steps, _, patches = rotations(home)
    step = steps[OLD]
    assert isinstance(step, Waiting)
    assert f'applied in part: {NEW}["b"] is not in state; plan and apply it again' in step.reason
    assert patches.patches == ()
    home.certificates[f'{NEW}["b"]'] = "newb"
    assert rotations(home)[0] == {OLD: Next(Phase.REPOINT)}


@pytest.mark.parametrize("destroy", ["true", "false"])
@pytest.mark.parametrize("phase", ["introduce", "repoint"])
def test_a_stage_that_is_removed_goes_first(phase, destroy, tmp_path):
    """A `removed` block for a stage must be applied first; then the rotation continues with the
    other stages.
    """
    text = f"{CERTIFICATE_BLOCK}\n\n{SUCCESSOR if phase == 'repoint' else ''}\n{STAGE_BLOCK}\n{removed(f'{STAGE}.gone', destroy)}"
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates=dict(BOTH) if phase == "repoint" else {OLD: "old000"},
        stages={PROD: "old000", f"{STAGE}.gone": "old000"},
        ends=ENDS,
    )
    steps, _, patches = rotations(home)
    step = steps[OLD]
    assert isinstance(step, Blocked)
    assert "apply the removed block alone" in step.remedy
    assert ("it stays in AWS" in step.reason) == (destroy == "false")
    assert patches.patches == ()
    home.stages.pop(f"{STAGE}.gone")
    if destroy == "false":
        home.elsewhere["gone"] = "old000"
    assert rotations(home)[0] == {OLD: Next(Phase(phase))}


def test_a_stage_that_left_the_state_holds_retire_back(tmp_path):
    """A stage that left the state and still presents the predecessor blocks retire."""
    text = f"{CERTIFICATE_BLOCK}\n\n{SUCCESSOR}\n{STAGE_BLOCK.replace('orders.id', 'n.id')}"
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates=dict(BOTH),
        stages={PROD: "new000"},
        ends=ENDS,
        elsewhere={"gone": "old000"},
    )
    step = rotations(home)[0][OLD]
    assert isinstance(step, Blocked)
    assert "stages that this state does not know still present it" in step.reason


def test_a_module_that_is_let_go_is_not_called_destroyed(tmp_path):
    """A `removed` block for a module in use is reported as destroying only if it destroys."""
    outer = 'module "certs" {\n  source = "./certs"\n}\n'
    stage = STAGE_BLOCK.replace(f"{OLD}.id", "module.certs.id")
    inner = f'{CERTIFICATE_BLOCK}\n\noutput "id" {{\n  value = {OLD}.id\n}}\n'
    files = {
        "main.tf": f"{outer}\n{stage}\n{removed('module.certs.' + OLD)}",
        "certs/main.tf": inner.replace('"orders" {', '"x" {'),
    }
    home = world(
        tmp_path,
        files,
        certificates={f"module.certs.{OLD}": "old000"},
        stages={PROD: "old000"},
        ends={"old000": days(300)},
    )
    assert "rotation-destroys-in-use" not in [finding.rule for finding in home.ask()[0].findings]
    (tmp_path / "main.tf").write_text(f"{outer}\n{stage}\n{removed('module.certs')}")
    assert "rotation-destroys-in-use" not in [finding.rule for finding in home.ask()[0].findings]
    (tmp_path / "main.tf").write_text(f"{outer}\n{stage}")
    assert "rotation-destroys-in-use" in [finding.rule for finding in home.ask()[0].findings]


def test_a_removed_block_names_its_own_block_alone_or_all_of_a_module():
    """A `removed` block names its own block, or without one all of its module."""
    old, new = (Address("aws_api_gateway_client_certificate", name) for name in ("old", "new"))
    line = Location("main.tf", 1)
    one = Removed(module=(), block=old, destroys=None, location=line)
    every = Removed(module=(), block=None, destroys=None, location=line)
    assert [one.names(each) for each in (old, new)] == [True, False]
    assert [every.names(each) for each in (old, new)] == [True, True]
