"""Each finding names its resource, and the file and line of the resource's block."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, lineage, stage
from msgspec.structs import replace
from test_recorded_answers import CASES
from test_recorded_findings import EXPECTED, KNOWN, PLANS, STAGES
from world import CERTIFICATE, STAGE

from checker.model.address import parse
from checker.model.location import Location
from checker.rules import judge

TYPES = (CERTIFICATE, STAGE, "aws_api_gateway_deployment")
NAMES = ("old", "new", "third", "x", "prod", "other", "more", "bare", "b", "dev", "d")
# One line for each block that a recorded case may name.
PLACES = {
    parse(f"{kind}.{name}"): Location(f"{kind}.tf", line)
    for kind in TYPES
    for line, name in enumerate(NAMES, start=1)
}
# These are about an entry of the policy or of a comment, which has a place of its own.
OF_ENTRIES = {"exemption-unused", "exemption-expired", "exemption-invalid"}


def placed(cases):
    """Return the cases with a configuration that declares all blocks."""
    parts = []
    for part in cases.documents:
        declared = replace(part.document.declared or lineage(old=None), locations=PLACES)
        parts.append(replace(part, document=replace(part.document, declared=declared)))
    return replace(cases, documents=tuple(parts))


def check(cases):
    """Check the findings of a run; return how many have a place."""
    known = {part.document.source.path for part in cases.documents}
    findings = [each for each in judge(cases) if each.rule not in OF_ENTRIES]
    for each in findings:
        block = parse(each.address).block if each.address is not None else None
        assert each.location == PLACES.get(block), each
        assert each.source in known or each.address is None, each
        if isinstance(each.about, tuple) and each.about:
            assert each.address in {str(one.address) for one in each.about}, each
    return sum(each.location is not None for each in findings)


@pytest.mark.parametrize("name", PLANS)
def test_the_place_of_a_finding_about_a_plan(name):
    declared = replace(lineage(old=None, new="old", third=None), locations=PLACES)
    given = document(KNOWN, STAGES, PLANS[name], declared)
    assert sum(check(placed(cases_of(given, expect=each, survey=[]))) for each in EXPECTED) > 0


@pytest.mark.parametrize("name", CASES)
def test_the_place_of_a_finding_about_an_answer(name):
    check(placed(CASES[name]))


def test_the_place_of_a_second_claim():
    """Two states with the same stage and certificate."""
    first = document([certificate("old")], [stage("prod", "old")])
    second = replace(first, source=replace(first.source, path="other.json"))
    assert check(placed(cases_of(first, second))) > 2
