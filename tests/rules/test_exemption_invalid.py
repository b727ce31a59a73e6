"""Tests of exemption-invalid: an exemption with a wrong form or too long a duration."""

from __future__ import annotations

from builders import cases_of, certificate, document, findings, lineage
from msgspec.structs import replace
from test_exempting import OLD, exemption

from checker.model.exemptions import FaultyExemption
from checker.model.location import Location
from checker.model.policy import Policy
from checker.model.severity import Severity


def test_one_past_the_certificates_end_names_the_end_and_exempts_nothing():
    """An exemption that lasts longer than the certificate has no effect; the remedy names the last
    possible day.
    """
    cases = cases_of(
        document(), policy=Policy(exemptions=(exemption("certificate-expiring", OLD, until=13),))
    )
    (found,) = findings(cases, "exemption-invalid")
    assert (found.severity, found.address, found.location) == (
        Severity.WARNING,
        OLD,
        Location("tfcert.toml", 3),
    )
    assert (
        "lasts until 2026-12-06, and certificate old ends on 2026-12-05: it exempts nothing"
        in found.message
    )
    assert found.remedy == "let it end on 2026-12-05 at the latest"
    (counted,) = findings(cases, "certificate-expiring")
    assert counted.suppression is None


def test_a_comment_of_a_wrong_form_is_said_with_its_line():
    """A malformed exemption comment is reported with its line, even if there is no finding to
    exempt.
    """
    wrong = FaultyExemption(
        reason="it has no reason", remedy="write one", location=Location("main.tf", 7), address=OLD
    )
    declared = replace(lineage(old=None), faulty=(wrong,))
    (found,) = findings(cases_of(document([certificate("old", 300)], declared=declared)))
    assert (found.rule, found.location, found.message, found.remedy) == (
        "exemption-invalid",
        Location("main.tf", 7),
        "it has no reason",
        "write one",
    )
