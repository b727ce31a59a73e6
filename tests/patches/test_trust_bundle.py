"""`--trust-bundle`: consumers of the PEM get both PEMs from introduce until retire."""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, days, tree, world

from checker.errors import UnprovenError
from checker.hcl.proof import Intent, prove
from checker.model.rotation import SERIES, Blocked, Next, Phase

C = f"{CERTIFICATE}.orders"
N = f"{CERTIFICATE}.orders_202611"
BOTH = (
    f'join("\\n", [trimspace({C}.pem_encoded_certificate), trimspace({N}.pem_encoded_certificate)])'
)

CONSUMERS = [
    f'resource "kubernetes_secret" "trust" {{\n  data = {{\n    "ca.crt" = {C}.pem_encoded_certificate # theirs\n  }}\n}}\n',
    f'output "ca" {{\n  value = base64encode({C}.pem_encoded_certificate)\n}}\n',
    f'resource "aws_ssm_parameter" "y" {{\n  value = <<-EOT\n    a\n    ${{{C}.pem_encoded_certificate}}\n  EOT\n}}\n',
    f'locals {{\n  ca = "${{{C}.pem_encoded_certificate}}"\n  b  = var.on ? {C}.pem_encoded_certificate : null\n}}\noutput "l" {{\n  value = [local.ca, local.b]\n}}\n',
    f'resource "aws_lambda_function" "l" {{\n  ca = [{C}.pem_encoded_certificate, {C}.pem_encoded_certificate]\n}}\n',
]


def rotate(home, **wish):
    """Write and apply each phase in turn, and yield the phase with the files."""
    for phase in SERIES:
        _, patches = home.ask(**wish)
        assert [entry.phase for entry in patches.patches] == [phase], patches.rotations
        assert patches.patches[0].on_disk
        home.write(patches)
        home.apply(phase, patches.rotations)
        yield phase, {name: data.decode() for name, data in tree(home.folder).items()}


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_both_from_introduce_until_retire_and_never_in_repoint(consumer, tmp_path):
    """Each consumer has both PEMs after introduce and repoint, and only the new one after
    retire.
    """
    plain = dict(rotate(world(tmp_path / "plain", {"main.tf": BASE, "trust.tf": consumer})))
    bundled = dict(
        rotate(
            world(tmp_path / "bundled", {"main.tf": BASE, "trust.tf": consumer}), trust_bundle=True
        )
    )
    count = consumer.count(C)
    assert bundled[Phase.INTRODUCE]["trust.tf"] == consumer.replace(
        f"{C}.pem_encoded_certificate", BOTH
    )
    assert bundled[Phase.INTRODUCE]["trust.tf"].count(BOTH) == count
    assert bundled[Phase.REPOINT]["trust.tf"] == bundled[Phase.INTRODUCE]["trust.tf"]
    assert bundled[Phase.RETIRE] == plain[Phase.RETIRE]
    assert plain[Phase.REPOINT]["trust.tf"] == consumer


def test_retire_takes_the_old_pem_out_without_the_option_too(tmp_path):
    """I6: retire removes the old PEM from the consumers without the option too."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": CONSUMERS[0]})
    for phase, wish in zip(SERIES, ({"trust_bundle": True}, {}, {}), strict=True):
        _, patches = home.ask(**wish)
        assert [entry.phase for entry in patches.patches] == [phase]
        home.write(patches)
        home.apply(phase, patches.rotations)
    assert (tmp_path / "trust.tf").read_text() == CONSUMERS[0].replace(C, N)


def test_a_later_phase_brings_no_join_along(tmp_path):
    """Repoint with the option changes only references to the certificate, if introduce ran without
    it.
    """
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": CONSUMERS[0]})
    _, patches = home.ask()
    home.write(patches)
    home.apply(Phase.INTRODUCE, patches.rotations)
    _, patches = home.ask(trust_bundle=True)
    (entry,) = patches.patches
    assert (entry.phase, entry.on_disk) == (Phase.REPOINT, True)
    assert [change.path for change in entry.changes] == ["main.tf"]


def test_introduce_asked_for_again_by_name_adds_the_joins(tmp_path):
    """`--phase introduce --trust-bundle` adds the missing joins to an introduced rotation, and then
    nothing more.
    """
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": CONSUMERS[0]})
    home.write(home.ask()[1])
    _, patches = home.ask(phase=Phase.INTRODUCE, trust_bundle=True)
    assert [change.path for change in patches.patches[0].changes] == ["trust.tf"]
    home.write(patches)
    assert home.ask(phase=Phase.INTRODUCE, trust_bundle=True)[1].patches == ()


@pytest.mark.parametrize(
    "expression",
    [
        "{}[*].pem_encoded_certificate",
        "{}.*.pem_encoded_certificate",
        "[for c in [{}] : c.pem_encoded_certificate]",
    ],
)
def test_a_list_of_pems_is_blocked_with_its_line(expression, tmp_path):
    """A consumer with a list of PEMs is blocked with its line, because two PEMs do not
    fit there.
    """
    text = BASE.replace("  description", "  count = 1\n  description").replace(
        f"{C}.id", f"{C}[0].id"
    )
    home = world(
        tmp_path,
        {"main.tf": text, "trust.tf": f'output "ca" {{\n  value = {expression.format(C)}\n}}\n'},
        certificates={f"{C}[0]": "old000"},
    )
    _, patches = home.ask(trust_bundle=True)
    assert patches.patches == ()
    step = patches.rotations[0].step
    assert isinstance(step, Blocked)
    assert "trust.tf:2" in step.reason or "whole certificate" in step.reason


def test_an_instance_by_its_key_is_joined(tmp_path):
    """A reference to one instance by key is joined with the same instance of the successor."""
    text = BASE.replace("  description", "  count = 1\n  description").replace(
        f"{C}.id", f"{C}[0].id"
    )
    consumer = f'output "ca" {{\n  value = one([{C}[0].pem_encoded_certificate])\n}}\n'
    home = world(
        tmp_path, {"main.tf": text, "trust.tf": consumer}, certificates={f"{C}[0]": "old000"}
    )
    _, patches = home.ask(trust_bundle=True)
    changed = {change.path: change.after.decode() for change in patches.patches[0].changes}
    assert f"trimspace({N}[0].pem_encoded_certificate)" in changed["trust.tf"]


def test_the_output_that_tfcert_wrote_is_not_a_consumer(tmp_path):
    """The output that tfcert wrote is no consumer: a second rotation does not join it."""
    home = world(tmp_path, {"main.tf": BASE})
    for _ in rotate(home, trust_bundle=True):
        pass
    home.now = days(360)
    _, patches = home.ask(trust_bundle=True)
    assert patches.rotations[0].step == Next(Phase.INTRODUCE)
    assert b"join(" not in patches.patches[0].diff("")


def test_a_hashed_file_is_not_edited_in_introduce(tmp_path):
    """A consumer in a file that a deployment hashes blocks introduce, with the line of the hash."""
    trigger = 'resource "aws_api_gateway_deployment" "d" {\n  triggers = {\n    r = filesha1("trust.tf")\n  }\n}\n'
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": CONSUMERS[0], "deploy.tf": trigger})
    _, patches = home.ask(trust_bundle=True)
    step = patches.rotations[0].step
    assert isinstance(step, Blocked)
    assert "(deploy.tf:3)" in step.reason
    assert [entry.phase for entry in home.ask()[1].patches] == [Phase.INTRODUCE]


INTENT = Intent(
    kind=CERTIFICATE,
    old="orders",
    new="orders_202611",
    joins={("output", ("ca",)): 1},
)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (BOTH, None),
        (f"{C}.pem_encoded_certificate", "not exactly 1 places"),
        (BOTH.replace(N, C), "not exactly|more than"),
        (BOTH.replace("\\n", ","), "more than"),
        (BOTH.replace("pem_encoded", "x", 1), "more than"),
        (f"[{BOTH}]", "more than"),
        (BOTH.replace(N, f"{CERTIFICATE}.stranger"), "more than"),
        (f"trimspace({N}.pem_encoded_certificate)", "more than"),
    ],
)
def test_a_proof_fails_for_every_other_join(value, complaint):
    """The proof accepts only a join of the two PEMs with a line end, and no other expression."""
    before = f'{BASE}output "ca" {{\n  value = {C}.pem_encoded_certificate\n}}\n'
    after = before.replace(f"value = {C}.pem_encoded_certificate", f"value = {value}")
    if complaint is None:
        prove("a.tf", before.encode(), after.encode(), (INTENT,))
        return
    with pytest.raises(UnprovenError, match=complaint):
        prove("a.tf", before.encode(), after.encode(), (INTENT,))


def test_stages_are_none_of_its_business(tmp_path):
    """The option changes no reference of a stage."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": CONSUMERS[0]})
    after = {
        change.path: change.after for change in home.ask(trust_bundle=True)[1].patches[0].changes
    }
    assert f'resource "{STAGE}"'.encode() in after["main.tf"]
    assert after["main.tf"].count(f"{C}.id".encode()) == 1
