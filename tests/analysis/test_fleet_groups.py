"""The states of a fleet by account, owner, region and prefix."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, stage
from msgspec.structs import replace
from world import days

from checker.analysis.fleet_groups import (
    GroupNames,
    fleet_groups,
    owner_of,
    prefix_of,
    view_of,
)
from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.inventory import Source
from checker.model.outcome import UNVERIFIED, FleetView, GroupBy, Outcome
from checker.model.places import Place
from checker.model.severity import Severity

ACCOUNT, OWNER, REGION, PREFIX = GroupBy
WEST = Place("aws", "111111111111", "eu-west-1")
EAST = Place("aws", "222222222222", "us-east-1")
PAY, WEB = (("Owner", "pay"),), (("team", "web"),)


def state(path, *parts):
    """Return a state with certificates and stages: (name, days left, place, tags of both)."""
    certificates = [
        replace(certificate(name, left), place=place, tags=tags[0])
        for name, left, place, tags in parts
    ]
    stages = [
        replace(stage(f"of_{name}", name), place=place, tags=tags[1])
        for name, _, place, tags in parts
    ]
    return replace(document(certificates, stages), source=Source(path=path, kind="state"))


def outcome(*documents, findings=(), sources=("fleet",)):
    return Outcome(
        cases=cases_of(*documents, asked=False),
        findings=tuple(findings),
        rotations=(),
        fleet=FleetView(read=len(documents), sources=sources),
    )


def finding(rule="certificate-expiring", severity=Severity.ERROR, **more):
    return Finding(rule=rule, severity=severity, message="m", remedy="r", **more)


def groups(found, by):
    """Return each group: states, certificates, errors, warnings, unverified and first end."""
    return {
        each.name: (
            each.states,
            each.certificates,
            each.errors,
            each.warnings,
            each.unverified,
            each.first_end,
        )
        for each in fleet_groups(found, by, GroupNames(found))
    }


A = "fleet/prod/pay/a.tfstate"
B = "fleet/prod/web/b.tfstate"
C = "fleet/test/c.tfstate"
FLEET = (
    state(A, ("a1", 20, WEST, (PAY, ())), ("a2", 10, WEST, (PAY, ()))),
    state(B, ("b1", 40, EAST, ((), WEB))),
    state(C, ("c1", 30, Place(), ((), ()))),
)


def about(number, position=0):
    """Return the subject of a certificate of a state."""
    return cases_of(*FLEET, asked=False).documents[number].cases[position].subject


def test_a_group_counts_its_states_and_certificates_and_has_their_first_end():
    """A state of two accounts counts in both; the first end is the earliest that is presented."""
    both = state(C, ("c1", 5, WEST, ((), ())), ("c2", 6, EAST, ((), ())))
    assert groups(outcome(*FLEET[:2], both), ACCOUNT) == {
        "111111111111": (2, 3, 0, 0, 0, days(5)),
        "222222222222": (2, 2, 0, 0, 0, days(6)),
    }


def test_a_certificate_that_no_stage_presents_has_no_first_end():
    alone = replace(
        document([replace(certificate("old", 3), place=WEST)], []),
        source=Source(path=A, kind="state"),
    )
    assert groups(outcome(alone), REGION) == {"eu-west-1": (1, 1, 0, 0, 0, None)}


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (ACCOUNT, ["111111111111", "222222222222", "unknown account"]),
        (REGION, ["eu-west-1", "us-east-1", "unknown region"]),
        (OWNER, ["pay", "web", "no owner tag"]),
        (PREFIX, ["fleet/prod/", "fleet/test/"]),
    ],
)
def test_each_way_to_group(by, names):
    """The tags of a stage count as those of its certificate."""
    assert sorted(groups(outcome(*FLEET), by)) == sorted(names)


def test_findings_count_by_severity_and_what_was_not_verified_apart():
    """A suppressed finding counts nowhere; a note only as a finding of its group."""
    west = about(0)
    found = outcome(
        *FLEET,
        findings=[
            finding(about=west, source=A),
            finding(about=west, source=A, severity=Severity.WARNING),
            finding(about=west, source=A, severity=Severity.NOTE),
            finding(about=west, source=A, rule=UNVERIFIED),
            finding(
                about=west,
                source=A,
                suppression=Suppression(kind=SuppressedBy.POLICY, reason="r", until=days(9).date()),
            ),
        ],
    )
    assert groups(found, ACCOUNT)["111111111111"][2:5] == (1, 1, 1)
    (first, *_) = fleet_groups(found, ACCOUNT, GroupNames(found))
    assert [each.severity for each in first.findings] == [
        Severity.ERROR,
        Severity.WARNING,
        Severity.NOTE,
        Severity.ERROR,
    ]


def test_the_group_with_the_most_to_do_is_first():
    """Errors, then what is not verified, then warnings, then the first end, then the name."""
    places = {
        name: Place("aws", str(number) * 12, "eu-west-1")
        for number, name in enumerate(("late", "soon", "warned", "unseen", "failed"), start=1)
    }
    left = {"late": 90, "soon": 50, "warned": 95, "unseen": 96, "failed": 97}
    states = [
        state(f"fleet/{name}.tfstate", (name, left[name], place, ((), ())))
        for name, place in places.items()
    ]
    findings = [
        finding(about=places["warned"], severity=Severity.WARNING),
        finding(about=places["unseen"], rule=UNVERIFIED),
        finding(about=places["failed"]),
        finding(about=Place("aws", "9" * 12, "eu-west-1"), severity=Severity.NOTE),
    ]
    found = outcome(*states, findings=findings)
    order = [each.name for each in fleet_groups(found, ACCOUNT, GroupNames(found))]
    assert order == [str(number) * 12 for number in (5, 4, 3, 2, 1, 9)]


def test_the_group_of_a_finding_is_that_of_its_subject():
    """A finding with an id alone is of that certificate, in its own source only."""
    names = GroupNames(outcome(*FLEET))
    stages = about(1).stages
    for made, expected in (
        (finding(about=about(0), source=A), ("111111111111", "pay", "eu-west-1", "fleet/prod/")),
        (
            finding(certificate_id="a1", source=A),
            ("111111111111", "pay", "eu-west-1", "fleet/prod/"),
        ),
        (finding(about=stages, source=B), ("222222222222", "web", "us-east-1", "fleet/prod/")),
        (finding(about=EAST), ("222222222222", "no owner tag", "us-east-1", "no source")),
        (
            finding(certificate_id="a1", source=C),
            ("unknown account", "no owner tag", "unknown region", "fleet/test/"),
        ),
        (finding(), ("unknown account", "no owner tag", "unknown region", "no source")),
    ):
        assert tuple(names.of_finding(by, made) for by in GroupBy) == expected
        assert tuple(names.known(by, made) for by in GroupBy) == tuple(
            None if each.startswith(("unknown", "no ")) else each for each in expected
        )


def test_the_owner_of_a_certificate_or_of_its_stages():
    names = GroupNames(outcome(*FLEET))
    assert [names.owner_or_none(about(number)) for number in range(3)] == ["pay", "web", None]
    assert owner_of(replace(certificate("old"), tags=(("Contact", "ops"),))) == "ops"
    assert owner_of(certificate("old")) is None


def test_the_place_of_a_stage_is_that_of_a_certificate_without_one():
    """A certificate whose place is not known is where its stages are."""
    nowhere = replace(
        state(A, ("a1", 20, Place(), ((), ()))),
        stages=(replace(stage("prod", "a1"), place=WEST),),
    )
    found = outcome(nowhere)
    (use,) = (each.subject for part in found.cases.documents for each in part.cases)
    use = replace(use, key=None)
    names = GroupNames(found)
    assert names.of_certificate(ACCOUNT, use, A) == "111111111111"
    assert names.of_certificate(REGION, use, A) == "eu-west-1"


@pytest.mark.parametrize(
    ("path", "sources", "prefix"),
    [
        ("fleet/prod/pay/a.tfstate", ("fleet",), "fleet/prod/"),
        ("fleet/prod/pay/a.tfstate", ("fleet/",), "fleet/prod/"),
        ("fleet/prod/pay/a.tfstate", ("fleet", "fleet/prod"), "fleet/prod/pay/"),
        ("fleet/prod/pay/a.tfstate", ("fleet/prod", "fleet"), "fleet/prod/pay/"),
        ("fleet/a.tfstate", ("fleet",), "fleet/"),
        ("fleet2/b/a.tfstate", ("fleet",), "fleet2/b/"),
        ("s3://bucket/x/y/a.tfstate", ("s3://bucket",), "s3://bucket/x/"),
        ("s3://bucket/x/y/a.tfstate", ("s3://bucket/x/",), "s3://bucket/x/y/"),
        ("./prod/a.tfstate", (".",), "./prod/"),
        ("./a.tfstate", (".",), "./"),
        ("other/deep/a.tfstate", (), "other/deep/"),
        ("a.tfstate", ("fleet",), "./"),
    ],
)
def test_the_prefix_is_the_first_folder_below_the_longest_source(path, sources, prefix):
    assert prefix_of(path, sources) == prefix


def test_only_a_fleet_has_a_view():
    one = outcome(*FLEET)
    assert view_of(one).read == 3
    with pytest.raises(ValueError, match="no fleet"):
        view_of(replace(one, fleet=None))
    names = GroupNames(replace(one, fleet=None))
    assert names.of_finding(PREFIX, finding(source="x/y/a.tfstate")) == "x/y/"
