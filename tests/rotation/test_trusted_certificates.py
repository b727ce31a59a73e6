"""The certificates that backends must trust now: which, why, and in which order."""

from __future__ import annotations

import pytest
from builders import (
    PRINTS,
    cases_of,
    certificate,
    document,
    known,
    lineage,
    moving,
    stage,
)
from msgspec.structs import replace

from checker.model.observation import Found, Gone, ObservedStage
from checker.model.plan import Plan
from checker.model.resources import StageKind
from checker.rotation.planner import plan_rotations
from checker.rotation.trust_bundle import trusted_certificates

WITHOUT = "no stage presents it; without the configuration it may be a successor"
SUCCESSOR = "the successor in a rotation that is under way"
LEAVING = "rotated out, and not confirmed yet that no stage presents it any more"
PLANNED = "a plan lets stages present it"


def needed(found, **more):
    cases = cases_of(found, **more)
    return [(each.case.id, each.why) for each in trusted_certificates(cases, plan_rotations(cases))]


def by(*names):
    return f"presented by {', '.join(f'aws_api_gateway_stage.{name}' for name in names)}"


OLD, NEW = certificate("old"), certificate("new", 350)
ROTATING = lineage(old=None, new="old")
SHOWN = ObservedStage(kind=StageKind.REST, api_id="api9", name="b", certificate_id="old")


@pytest.mark.parametrize(
    ("found", "more", "expected"),
    [
        (document([OLD, NEW]), {}, [("old", by("prod")), ("new", WITHOUT)]),
        (document([NEW, OLD]), {}, [("old", by("prod")), ("new", WITHOUT)]),
        (document([OLD, certificate("new", 0.5)]), {}, [("old", by("prod")), ("new", WITHOUT)]),
        (document([OLD, certificate("new", -0.5)]), {}, [("old", by("prod"))]),
        (
            document([OLD], [stage("b", "old"), stage("a", "old")]),
            {},
            [("old", by("a", "b"))],
        ),
        (
            document([OLD, NEW], declared=ROTATING),
            {},
            [("old", by("prod")), ("new", SUCCESSOR)],
        ),
        (document([OLD, NEW], declared=lineage(old=None, new=None)), {}, [("old", by("prod"))]),
        (
            document([OLD, NEW], [stage("prod", "new")], declared=ROTATING),
            {"asked": False},
            [("new", by("prod")), ("old", LEAVING)],
        ),
        (
            document([OLD, NEW], [stage("prod", "new")], declared=ROTATING),
            {"survey": []},
            [("new", by("prod"))],
        ),
        (
            document([OLD, NEW], plan=Plan(stages=(moving("prod", "old", "new"),))),
            {},
            [("old", by("prod")), ("new", PLANNED)],
        ),
        (document([replace(OLD, id=None)], []), {}, []),
    ],
)
def test_what_backends_must_trust_and_why(found, more, expected):
    """Certificates in use come first: with OpenSSL's defaults only the first is accepted."""
    assert needed(found, **more) == expected


def test_a_stage_outside_terraform_keeps_its_certificate_in_the_list():
    found = document([OLD, NEW], [stage("prod", "new")], declared=ROTATING)
    assert needed(found, survey=[SHOWN])[0][0] in {"new", "old"}
    assert {each for each, _ in needed(found, survey=[SHOWN])} == {"new", "old"}


def test_the_pem_is_that_of_aws_if_it_has_one_and_else_that_of_state():
    """One PEM in two documents is one entry; certificates without a PEM are told apart by id."""
    end = OLD.expires_at
    first = replace(known("old"), pem="RECORDED")
    for answer, expected in (
        (Found(expires_at=end, pem="SEEN"), ("SEEN", True)),
        (Found(expires_at=end), ("RECORDED", False)),
        (Gone(), ("RECORDED", False)),
    ):
        cases = cases_of(document([first]), answers={"old": answer})
        (each,) = trusted_certificates(cases, ())
        assert (each.pem, each.observed) == expected
        assert each.label == "aws_api_gateway_client_certificate.old"
    twice = [replace(certificate(name), pem="SAME") for name in ("old", "new")]
    stages = [stage("a", "old"), stage("b", "new")]
    assert [each for each, _ in needed(document(twice, stages))] == ["old"]
    without = [replace(each, pem=None) for each in twice]
    assert [each for each, _ in needed(document(without, stages))] == ["old", "new"]
    assert PRINTS["old"] != PRINTS["new"]


def test_a_certificate_without_an_address_is_named_by_its_id():
    cases = cases_of(document([replace(OLD, address=None)]))
    assert [each.label for each in trusted_certificates(cases, ())] == ["old"]
