"""The recorded successor of a certificate: by its block, by its id, and in a scan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import cases_of, certificate, certificate_at, document, lineage
from msgspec.structs import replace
from world import NOW

from checker.analysis.progress import successor_in_state
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.inventory import Source
from checker.model.location import Location
from checker.model.observation import Found, Gone


def found(given, answers=None, identity="old"):
    (part,) = cases_of(given, answers=answers).documents
    case = successor_in_state(part, part.by_id(identity))
    return case.id if case is not None else None


@pytest.mark.parametrize(
    ("left", "expected"), [(200, "new"), (13, "new"), (12, None), (5, None), (None, "new")]
)
def test_a_successor_ends_later(left, expected):
    """One that ends on the same day or before does not count; an unknown end does."""
    given = document(
        [certificate("old", 12), certificate("new", left)], declared=lineage(old=None, new="old")
    )
    assert found(given) == expected


def test_a_successor_that_aws_does_not_know_does_not_count():
    """The next one that lasts is taken."""
    declared = lineage(old=None, new="old", newer="old")
    three = [certificate("old"), certificate("new", 200), certificate("newer", 300)]
    assert found(document(three, declared=declared)) == "new"
    assert found(document(three, declared=declared), {"new": Gone()}) == "newer"


def test_without_a_comment_or_a_configuration_there_is_no_successor():
    """Another certificate that lasts longer is not enough."""
    two = [certificate("old"), certificate("new", 200)]
    assert found(document(two, declared=lineage(old=None, new=None))) is None
    assert found(document(two)) is None


def test_an_instance_is_succeeded_by_the_same_instance():
    """The key of the certificate decides."""

    def keyed(name, identity, key, left):
        address = replace(certificate_at(name), key=key)
        return replace(certificate(identity, left), address=address)

    declared = lineage(old=None, new="old")
    several = [keyed("old", "old", "a", 12), keyed("new", "newb", "b", 300)]
    assert found(document(several, declared=declared)) is None
    assert found(document([*several, keyed("new", "newa", "a", 200)], declared=declared)) == "newa"


def succeeding_id(*identities):
    blocks = tuple(
        DeclaredCertificate(
            block=certificate_at(f"new{number}"),
            location=Location("main.tf", number + 1),
            succeeds_id=identity,
        )
        for number, identity in enumerate(identities)
    )
    return ConfigurationFacts(directory=".", certificates=blocks)


@pytest.mark.parametrize(
    ("identities", "expected"),
    [(("old",), "new0"), (("other", "old"), "new1"), ((None,), None), ((), None)],
)
def test_a_certificate_outside_terraform_is_succeeded_by_its_id(identities, expected):
    """The comment of the successor's block names the id."""
    outside = replace(certificate("old"), address=None)
    recorded = [outside, certificate("new0", 200), certificate("new1", 200)]
    assert found(document(recorded, declared=succeeding_id(*identities))) == expected


@pytest.mark.parametrize(
    ("succeeds", "left", "expected"),
    [("old", 200, "new"), ("old", 5, None), ("other", 200, None), (None, 200, None)],
)
def test_in_a_scan_the_description_names_the_predecessor(succeeds, left, expected):
    """There no certificate has a block."""
    outside = [replace(certificate(name, None), address=None) for name in ("old", "new")]
    scan = replace(document(outside), source=Source(path="aws://1", kind="aws"))
    answers = {
        "old": Found(expires_at=NOW + timedelta(days=12)),
        "new": Found(expires_at=NOW + timedelta(days=left), succeeds=succeeds),
    }
    assert found(scan, answers) == expected
