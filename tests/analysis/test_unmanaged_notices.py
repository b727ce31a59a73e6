"""The sentences about what no state of an organisation manages."""

from __future__ import annotations

import pytest
from builders import certificate
from world import HOME

from checker.analysis.scan_inventory import scan_to_inventory
from checker.analysis.unmanaged import unmanaged_notices
from checker.model.inventory import Inventory, ScanResult, Sweep
from checker.model.observation import CertificateKey, Found, ObservedStage, Unanswered
from checker.model.resources import StageKind

NO_STATES = Inventory(documents=(), organisation=True)


def notices(stages=None, certificates=None, recorded=NO_STATES):
    """Return the notices of one account; names with their tags, None where AWS did not answer."""
    sweep = Sweep(
        place=HOME,
        stages=tuple(
            ObservedStage(
                kind=StageKind.REST, api_id="api1", name=name, certificate_id=None, tags=tags
            )
            for name, tags in (stages or {}).items()
        ),
        certificates={
            CertificateKey(id=name, place=HOME): Unanswered(reason="denied", remedy="grant it")
            if tags is None
            else Found(expires_at=certificate("old").expires_at, tags=tags)
            for name, tags in (certificates or {}).items()
        },
    )
    inventory, _ = scan_to_inventory(ScanResult(sweeps=(sweep,)), recorded, ())
    return list(unmanaged_notices((sweep,), inventory.documents))


def test_each_owner_has_a_sentence_with_its_resources():
    """Stages come before certificates, owners in the order of their names."""
    found = notices(
        {"prod": (("Owner", "web"),), "beta": (("team", "pay"),)},
        {"cert1": (("Owner", "web"),)},
    )
    assert found == [
        f"no state manages 1 resource of pay (tag team): stage api1/beta ({HOME})",
        (
            f"no state manages 2 resources of web (tag Owner): stage api1/prod ({HOME}), "
            f"certificate cert1 ({HOME})"
        ),
    ]


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ((("aws:cloudformation:stack-name", "net"),), "stack net"),
        ((("AWS:CloudFormation:Stack-Name", "net"),), "stack net"),
        ((("aws:cloudformation:stack-name", "net"), ("contact", "ops")), "ops (tag contact)"),
        ((("team", "pay"), ("OWNER", "web")), "web (tag OWNER)"),
        ((("owner", ""), ("team", "pay")), "pay (tag team)"),
        ((("purpose", "x"),), "an unknown owner (no owner tag)"),
        ((("aws:cloudformation:stack-name", ""),), "an unknown owner (no owner tag)"),
        ((), "an unknown owner (no owner tag)"),
        (None, "an unknown owner (no owner tag)"),
    ],
)
def test_the_owner_is_that_of_a_tag_else_the_stack(tags, owner):
    assert notices({}, {"cert1": tags}) == [
        f"no state manages 1 resource of {owner}: certificate cert1 ({HOME})"
    ]


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, " and 1 more"), (9, " and 4 more")])
def test_of_many_resources_five_are_named(count, more):
    (found,) = notices({f"s{number}": None for number in range(count)})
    named = ", ".join(f"stage api1/s{number} ({HOME})" for number in range(5))
    assert found == (
        f"no state manages {count} resources of an unknown owner (no owner tag): {named}{more}"
    )


def test_what_may_be_in_a_state_is_not_reported():
    """Without any state, it is not known what Terraform manages."""
    assert notices({"prod": None}, {"cert1": ()}, recorded=None) == []
