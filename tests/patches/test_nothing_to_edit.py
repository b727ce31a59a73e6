"""Why `--trust-bundle` edits nothing: what is beside the certificate, and what was not read."""

from __future__ import annotations

from builders import certificate_at
from msgspec.structs import replace

from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.location import Location
from checker.model.rotation import Delivery, JoinedTrust, Next, Phase, Rotation, TrustConsumer
from checker.patches.trust_text import nothing_to_edit

OLD = certificate_at("old")
ROTATION = Rotation(
    predecessor=OLD, predecessor_ids=("o1",), successor=None, step=Next(Phase.INTRODUCE)
)
DECLARED = ConfigurationFacts(
    directory=".",
    certificates=(DeclaredCertificate(block=OLD, location=Location("main.tf", 1)),),
)
PLACE = TrustConsumer(
    what="resource aws_ssm_parameter.trust",
    location=Location("trust.tf", 3),
    effect="the parameter changes",
    needs="tell the backend",
)
JOINED = JoinedTrust(delivery=Delivery.SENT, effect="e", needs="")


def why(*trust, declared=DECLARED, rotation=ROTATION):
    return nothing_to_edit(replace(rotation, trust=trust), declared)


def test_a_place_that_is_edited_needs_no_reason():
    assert why(replace(PLACE, joined=JOINED)) is None
    assert why(PLACE, replace(PLACE, joined=JOINED)) is None


def test_each_place_that_is_not_edited_has_its_reason():
    """One that has both PEMs already, one with a manual step, and one that says what it needs."""
    place = "trust.tf:3: resource aws_ssm_parameter.trust"
    assert why(
        replace(PLACE, both=True, joined=JOINED), replace(PLACE, manual="it is a list"), PLACE
    ) == (
        f"--trust-bundle edits nothing for {OLD}: "
        f"{place} has the PEM of both certificates already; "
        f"{place} is not edited: it is a list; "
        f"{place} is not edited: the parameter changes; tell the backend"
    )
    assert why(replace(PLACE, needs="")).endswith("is not edited: the parameter changes")


def test_without_a_place_it_says_what_was_read_and_what_was_not():
    """It never says that nothing uses the PEM."""
    start = f"--trust-bundle edits nothing for {OLD}: "
    none = "no place that uses its PEM was found in the files that were read"
    assert why() == start + none
    unread = replace(DECLARED, unsearched=("a.tf", "b.tf"))
    missed = "these files were not searched: a.tf, b.tf"
    assert why(declared=unread) == f"{start}{none}; there may be some: {missed}"
    assert why(replace(PLACE, both=True), declared=unread).endswith(
        f" already; there may be more: {missed}"
    )
    assert why(declared=replace(DECLARED, certificates=())).endswith(
        "; there may be some: its block was not found in this configuration"
    )


def test_a_certificate_outside_terraform_has_no_text_that_refers_to_it():
    outside = replace(ROTATION, predecessor=None)
    assert why(rotation=outside) == (
        "--trust-bundle edits nothing for o1: no place that uses its PEM was found in the files "
        "that were read; there may be some: Terraform does not manage this certificate, so no text "
        "refers to its PEM"
    )
