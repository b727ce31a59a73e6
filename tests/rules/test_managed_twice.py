"""Tests of managed-twice: two states manage one stage or client certificate."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, findings, stage
from msgspec.structs import replace
from world import HOME

from checker.model.places import Place
from checker.model.plan import Plan

RULE = "managed-twice"
OTHER = Place("aws", "222222222222", HOME.region)


def state(path, certificates=(), stages=(), kind="state"):
    """Return a document with its own path."""
    made = document(list(certificates), list(stages))
    return replace(made, source=replace(made.source, path=path, kind=kind))


def judged(*documents):
    """Return the messages of the rule for these documents."""
    cases = cases_of(*documents, asked=False)
    return [each.message for each in findings(cases) if each.rule == RULE]


def test_one_certificate_in_two_states():
    """A certificate in three states is one finding, on the first, that names the others."""
    old = certificate("old", 300)
    assert judged(state("a", [old]), state("b", [old]), state("c", [old])) == [
        "certificate old is managed by this state and by b, c"
    ]


def test_one_stage_in_two_states():
    """A stage with the same API and name in two states is one finding."""
    live = stage("live", None)
    assert judged(state("a", [], [live]), state("b", [], [live])) == [
        "aws_api_gateway_stage.live is managed by this state and by b"
    ]


@pytest.mark.parametrize(
    "second",
    [
        state("b", [replace(certificate("old", 300), place=OTHER)]),
        state("b", [replace(certificate("old", 300), fingerprint="11")]),
        state("b", [certificate("new", 300)]),
        state("b", [], [stage("live", "old")]),
        state("a", [certificate("old", 300)]),
        state("b", [certificate("old", 300)], kind="aws"),
        replace(state("b", [certificate("old", 300)], kind="plan"), plan=Plan()),
    ],
    ids=["account", "PEM", "id", "presented", "same", "scan", "plan"],
)
def test_what_is_no_second_claim(second):
    """Another account, PEM or id, a stage that names the certificate, or the same file is no second
    claim.
    """
    first = state("a", [replace(certificate("old", 300), fingerprint="00")])
    assert judged(first, second) == []


def test_an_unknown_account_is_no_excuse():
    """A state without a known account may mean the same certificate, so it is a finding."""
    here = replace(certificate("old", 300), place=Place("aws", None, HOME.region))
    assert len(judged(state("a", [certificate("old", 300)]), state("b", [here]))) == 1


def test_a_data_source_claims_nothing():
    """A data source does not manage the certificate."""
    old = certificate("old", 300)
    read = replace(old, address=replace(old.address, data=True))
    assert judged(state("a", [old]), state("b", [read])) == []


def test_a_resource_of_one_state_is_no_finding():
    """After `terraform state rm` in one state, as the remedy says, the finding is gone."""
    old = certificate("old", 300)
    assert judged(state("a", [old]), state("b", [])) == []
