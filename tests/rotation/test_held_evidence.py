"""What the consumers of a PEM have now, as evidence of whether backends trust a rotation."""

from __future__ import annotations

import pytest
from builders import PRINTS, cases_of, document, known, lineage, stage
from msgspec.structs import replace
from world import HOME, STAGE, days

from checker.model.address import Address
from checker.model.cases import Cases
from checker.model.location import Location
from checker.model.places import Place
from checker.model.policy import Policy
from checker.model.rotation import TrustConsumer
from checker.model.trust import (
    BundleCertificate,
    HeldBundle,
    TrustBackend,
    TrustMaterial,
    TrustStatus,
)
from checker.rotation.held_evidence import followed, with_held
from checker.rotation.planner import plan_rotations

CONFIRMED, REFUSED, UNKNOWN = TrustStatus
PARAMETER = Address("aws_ssm_parameter", "trust")
STORE = Address("aws_lb_trust_store", "trust")


def certificates(*names):
    return tuple(
        BundleCertificate(fingerprint=PRINTS[name], subject="s", ends=days(99)) for name in names
    )


def held(*names, consumer=PARAMETER, **more):
    """Return what a consumer has; without names it could not be read."""
    return HeldBundle(
        consumer=consumer,
        certificates=certificates(*names) or None,
        source="state plan.json",
        reason=None if names else "AWS denied it",
        document="plan.json",
        **more,
    )


def using(*consumers, **more):
    """Return a configuration whose consumers use the PEM of both certificates."""
    found = lineage(old=None, new="old")
    trust = tuple(
        TrustConsumer(
            what=f"resource {each}",
            location=Location("main.tf", 1),
            place=str(each),
            block=each,
            **more,
        )
        for each in consumers
    )
    return replace(
        found, certificates=tuple(replace(each, trust=trust) for each in found.certificates)
    )


def rotating(*has, consumers=(PARAMETER,), shown="old", policy=None, declared=None) -> Cases:
    """Return cases between introduce and repoint; stage `prod` presents `shown`."""
    found = document(
        [known("old", 12), known("new", 360)],
        [stage("prod", shown)],
        declared=declared or using(*consumers),
    )
    source = replace(found.source, path="plan.json")
    return cases_of(replace(found, source=source, held=has), policy=policy)


def evidence(cases: Cases):
    (rotation,) = plan_rotations(cases)
    return rotation.evidence


def test_the_evidence_of_a_consumer_names_its_stages_source_server_and_certificates():
    """Before repoint there is nothing that it may drop."""
    (found,) = evidence(rotating(held("old", "new", consumer=STORE), consumers=(STORE,)))
    assert (found.backend, found.stages) == (str(STORE), (f"{STAGE}.prod",))
    assert (found.source, found.server) == ("state plan.json", "alb")
    assert found.fingerprints == (PRINTS["old"], PRINTS["new"])
    assert found.may_drop == ()


@pytest.mark.parametrize(
    ("names", "status", "old"),
    [
        (("new",), CONFIRMED, REFUSED),
        (("old",), REFUSED, CONFIRMED),
        (("third",), REFUSED, REFUSED),
        (("old", "new"), UNKNOWN, UNKNOWN),  # two of one subject; the server is not known
        ((), UNKNOWN, UNKNOWN),
    ],
)
def test_what_a_consumer_has_is_judged_for_both_certificates(names, status, old):
    (found,) = evidence(rotating(held(*names)))
    assert (found.status, found.old) == (status, old)
    if not names:
        assert found.reason == "AWS denied it"


def test_after_repoint_a_consumer_may_drop_the_predecessor():
    """Only a consumer that has both, and only once no stage presents the predecessor."""
    for names, shown, drop in (
        (("old", "new"), "new", (PRINTS["old"],)),
        (("old", "new"), "old", ()),
        (("old",), "new", ()),
        (("new",), "new", ()),
    ):
        (found,) = evidence(rotating(held(*names), shown=shown))
        assert found.may_drop == drop, (names, shown)


def keyed(name, key, left):
    """Return an instance of a certificate block, one of several accounts' worth."""
    return replace(
        known(name, left),
        address=replace(known(name).address, key=key),
        id=f"{name}{key}",
        fingerprint=PRINTS[name] if key == "eu" else PRINTS["third"],
    )


def test_a_consumer_of_one_instance_is_judged_for_that_instance_alone():
    """A consumer with the key of an instance gets the PEM of the instance of the same key."""
    consumer = replace(PARAMETER, key="eu")
    found = document(
        [keyed("old", "eu", 12), keyed("old", "us", 12), keyed("new", "eu", 360),
         keyed("new", "us", 360)],
        [stage("prod", "oldeu")],
        declared=using(PARAMETER),
    )  # fmt: skip
    found = replace(found, source=replace(found.source, path="plan.json"))
    for has, (status, old) in (
        (held("new", consumer=consumer), (CONFIRMED, REFUSED)),
        (held("new"), (REFUSED, REFUSED)),  # all instances: it lacks one of them
    ):
        (shown,) = evidence(cases_of(replace(found, held=(has,))))
        assert (shown.status, shown.old) == (status, old)


def test_consumers_that_nothing_shows_are_one_entry_that_is_not_confirmed():
    """With a consumer that tfcert could read with `--trust`, the reason says that too."""
    destroy = Address("null_resource", "tell")
    for consumers, absent in (
        ((PARAMETER, destroy), ""),
        ((PARAMETER, destroy, STORE), "it is not in state, or "),
    ):
        first, rest = evidence(rotating(held("new"), consumers=consumers))
        assert first.status is CONFIRMED
        names = ", ".join(f"resource {each}" for each in consumers[1:])
        assert rest.reason == (
            f"nothing shows what {names} has now: {absent}tfcert has no read call for it"
        )
        assert (rest.backend, rest.status, rest.stages) == (None, UNKNOWN, (f"{STAGE}.prod",))


def test_without_the_successor_in_state_there_is_no_evidence():
    found = document([known("old", 12)], [stage("prod", "old")], declared=using(PARAMETER))
    cases = cases_of(
        replace(found, source=replace(found.source, path="plan.json"), held=(held("old"),))
    )
    assert evidence(cases) == ()


def test_the_bundle_of_a_backend_is_that_of_its_consumer():
    """If it is not exactly one resource of state, the backend says why it was not read."""
    backend = TrustBackend(name="orders", stages=("*",), consumer=str(PARAMETER))
    policy = Policy(backends=(backend,))
    (read,) = with_held(policy, (held("old", "new"), held("old", consumer=STORE))).backends
    assert (read.bundle, read.certificates) == ("state plan.json", certificates("old", "new"))
    assert read.unread is None
    (denied,) = with_held(policy, (held(),)).backends
    assert (denied.certificates, denied.unread) == (None, "AWS denied it")
    (twice,) = with_held(policy, (held("old"), held("new"))).backends
    assert twice.certificates is None
    assert twice.unread == f"2 resources in state are its consumer {PARAMETER}"
    (none,) = with_held(policy, (held("old", consumer=STORE),)).backends
    assert none.certificates is None
    assert none.unread == f"its consumer {PARAMETER} is not in state, or AWS cannot show it"


def test_a_backend_with_a_bundle_of_its_own_or_without_a_consumer_stays_as_it_is():
    for backend in (
        TrustBackend(name="orders", stages=("*",)),
        TrustBackend(
            name="orders", stages=("*",), consumer=str(PARAMETER), certificates=certificates("old")
        ),
    ):
        policy = Policy(backends=(backend,))
        assert with_held(policy, (held("old", "new"),)) == policy


def test_trust_asks_about_the_consumers_of_a_rotation_and_those_that_a_backend_names():
    """One without a place of its own is where all stages of its document are."""
    material = tuple(
        TrustMaterial(address=address, place=place)
        for address, place in (
            (replace(PARAMETER, key="eu"), Place()),
            (STORE, Place()),
            (Address("aws_ssm_parameter", "other"), Place()),
            (replace(PARAMETER, key="us"), Place("aws", None, "us-west-2")),
        )
    )
    policy = Policy(backends=(TrustBackend(name="b", stages=("x",), consumer=str(STORE)),))
    cases = rotating(held("new"), policy=policy)
    (part,) = cases.documents
    there = replace(HOME, region="eu-west-1")
    for stages, home in (
        (part.document.stages, HOME),
        ((*part.document.stages, replace(stage("beta", "old"), place=there)), Place()),
    ):
        found = replace(part.document, material=material, stages=stages)
        seen = replace(cases, documents=(replace(part, document=found),))
        asked = list(followed(seen, plan_rotations(cases)))
        assert [each.source.path for each, _ in asked] == ["plan.json"] * 3
        assert [(str(one.address), one.place) for _, one in asked] == [
            (f'{PARAMETER}["eu"]', home),
            (str(STORE), home),
            (f'{PARAMETER}["us"]', Place("aws", home.account, "us-west-2")),
        ]
    assert [one.address for _, one in followed(seen, ())] == [STORE]
