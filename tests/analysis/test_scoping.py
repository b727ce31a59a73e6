"""The sets of scopes that apply to a certificate, a stage, a place and a finding."""

from __future__ import annotations

from builders import CERTIFICATE, cases_of, certificate, document, stage
from msgspec.structs import replace
from world import HOME

from checker.analysis.scoping import Scoping
from checker.model.conditions import Conditions, Traits
from checker.model.finding import Finding
from checker.model.places import Place
from checker.model.policy import Policy, Scope
from checker.model.severity import Severity


def scoping(*conditions, found=None, **values):
    policy = Policy(
        scopes=tuple(
            Scope(conditions=each, values=tuple(values.get(f"s{number}", {}).items()))
            for number, each in enumerate(conditions)
        ),
        homes=("/home/us",),
    )
    return Scoping(cases_of(found or document(), policy=policy))


def finding(about, source="plan.json"):
    return Finding(
        rule="r", severity=Severity.NOTE, message="m", remedy="r", about=about, source=source
    )


PROD = Conditions(stage=("prod",))
DEV = Conditions(stage=("dev",))
OLD = Conditions(address=(f"{CERTIFICATE}.old",))


def test_a_certificate_has_a_set_of_scopes_for_each_stage_that_presents_it():
    """A certificate has one set of scopes for each stage that presents it, or one by its own
    traits.
    """
    shared = document(None, [stage("prod", "old"), stage("dev", "old"), stage("test", None)])
    found = scoping(PROD, DEV, OLD, found=shared)
    (part,) = found.cases.documents
    (case,) = part.cases
    assert found.of_subject(part.document, case.subject) == {(0, 2), (1, 2)}
    prod, dev, bare = part.document.stages
    assert found.of_stages(part, (prod,)) == {(0, 2)}
    assert found.of_stages(part, (prod, dev)) == {(0, 2), (1, 2)}
    assert found.of_stages(part, (bare,)) == {()}
    assert found.of_stages(part, ()) == {()}
    unused = scoping(PROD, OLD, found=document([certificate("old")], []))
    (part,) = unused.cases.documents
    assert unused.of_subject(part.document, part.cases[0].subject) == {(1,)}


def test_a_finding_has_the_sets_of_what_it_is_about():
    """A finding has the scopes of its certificate, stages or place; an unknown document
    has none.
    """
    found = scoping(PROD, Conditions(region=("us-*",)))
    (part,) = found.cases.documents
    subject = part.cases[0].subject
    assert found.of(finding(subject)) == {(0, 1)}
    assert found.of(finding(part.document.stages)) == {(0, 1)}
    assert found.of(finding(Place(None, HOME.account, HOME.region))) == {(1,)}
    assert found.of(finding(None)) == {()}
    assert found.of(finding(subject, source="other.json")) == {()}
    assert found.of(finding(part.document.stages, source=None)) == {()}


def test_a_directory_is_relative_to_the_first_home_that_has_it():
    """A directory is relative to the first home that contains it, compared by whole path
    segments.
    """
    for directory, relative in (
        ("/home/us/live/eu", "live/eu"),
        ("/home/us", "."),
        ("/home/use/live", "/home/use/live"),
        (None, None),
    ):
        found = scoping(PROD, found=replace(document(), directory=directory, workspace="blue"))
        (part,) = found.cases.documents
        assert found.document_traits(part.document) == Traits(workspace="blue", directory=relative)


def test_stages_that_two_documents_share_are_matched_in_each():
    """Equal stages in two documents are matched with each document's own workspace."""
    first = document()
    second = replace(first, source=replace(first.source, path="b.json"), workspace="blue")
    policy = Policy(scopes=(Scope(conditions=Conditions(workspace=("blue",))),))
    found = Scoping(cases_of(first, second, policy=policy))
    one, two = found.cases.documents
    assert found.of_stages(one, one.document.stages) == {()}
    assert found.of_stages(two, two.document.stages) == {(0,)}


def test_the_policy_of_several_certificates_is_the_strictest_of_their_scopes():
    """The policy of a shared certificate is the strictest of its stages' scopes, in every
    number.
    """
    shared = document(None, [stage("prod", "old"), stage("dev", "old")])
    found = scoping(PROD, DEV, found=shared, s0={"threshold_days": 45}, s1={"margin_days": 20})
    (part,) = found.cases.documents
    policy = found.policy_of(part, part.cases)
    assert (policy.threshold_days, policy.margin_days) == (45, 20)
    plain = Scoping(cases_of(shared))
    assert plain.policy_of(plain.cases.documents[0], ()) is plain.policy
