"""Tests of exemption-unused: an exemption without a finding in a run that could have found it."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, findings, making
from msgspec.structs import replace
from test_exempting import OLD, exemption

from checker.model.inventory import Unread
from checker.model.plan import Plan
from checker.model.policy import Policy

HEALTHY = document([certificate("old", 300)])
PLANNED = document([certificate("old", 300)], plan=Plan())


def unused(found, entry, *, asked=True, **policy):
    cases = cases_of(found, policy=Policy(exemptions=(entry,), **policy), asked=asked)
    return [one.message for one in findings(cases, "exemption-unused")]


def test_it_says_why_nothing_needed_it():
    """The message says why: no such finding, no such address, or the rule is off."""
    (mended,) = unused(HEALTHY, exemption("certificate-expiring", OLD))
    assert "there is no such finding about it" in mended
    (misspelt,) = unused(HEALTHY, exemption("certificate-expiring", f"{OLD}er"))
    assert "no stage and no certificate of these sources has this name" in misspelt
    (off,) = unused(
        document(), exemption("certificate-expiring", OLD), rules=(("certificate-expiring", None),)
    )
    assert "switched the rule off" in off


@pytest.mark.parametrize(
    ("rule", "found", "asked", "said"),
    [
        ("certificate-expiring", HEALTHY, False, True),
        ("certificate-gone", HEALTHY, False, False),
        ("certificate-gone", HEALTHY, True, True),
        ("certificate-drifted", HEALTHY, False, False),
        ("certificate-drifted", HEALTHY, True, False),
        ("certificate-unused", HEALTHY, True, False),
        ("stage-detached", HEALTHY, True, False),
        ("stage-detached", PLANNED, False, True),
        ("rotation-unstaged", PLANNED, True, True),
        ("plan-exceeds-phase", PLANNED, True, False),
    ],
)
def test_it_is_not_said_where_the_run_could_not_have_had_the_finding(rule, found, asked, said):
    """It is not reported if the run could not have the finding: offline, without a plan or without
    --expect.
    """
    assert bool(unused(found, exemption(rule, OLD), asked=asked)) is said


def test_it_is_not_said_while_a_root_module_could_not_be_read():
    """It is not reported while a root module could not be read, because the finding may
    be there.
    """
    cases = cases_of(HEALTHY, policy=Policy(exemptions=(exemption("certificate-expiring", OLD),)))
    cases = replace(cases, unread=(Unread(path="a", reason="no", remedy="look"),))
    assert findings(cases, "exemption-unused") == []


def test_one_that_is_used_in_one_of_several_documents_is_used():
    """An exemption that matches in one of several documents is not unused."""
    other = replace(
        document([certificate("new", 300)], []), source=replace(HEALTHY.source, path="other.json")
    )
    cases = cases_of(
        document(plan=Plan(certificates=(making("new"),))),
        policy=Policy(exemptions=(exemption("certificate-expiring", OLD),)),
    )
    assert findings(cases, "exemption-unused") == []
    both = cases_of(
        document(), other, policy=Policy(exemptions=(exemption("certificate-expiring", OLD),))
    )
    assert findings(both, "exemption-unused") == []
