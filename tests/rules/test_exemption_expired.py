"""Tests of exemption-expired: an exemption past its last day."""

from __future__ import annotations

from builders import cases_of, document, findings
from test_exempting import OLD, exemption

from checker.model.location import Location
from checker.model.policy import Policy


def test_it_is_said_where_it_stands_and_what_it_exempted():
    """Each expired exemption is one warning with its location, even if nothing matches it
    any more.
    """
    entries = (
        exemption("certificate-expiring", OLD, until=-1),
        exemption("stage-detached", certificate_id="nobody", until=-9),
    )
    found = findings(cases_of(document(), policy=Policy(exemptions=entries)), "exemption-expired")
    assert [(one.severity.word, one.address, one.certificate_id) for one in found] == [
        ("warning", None, "nobody"),
        ("warning", OLD, None),
    ]
    assert {one.location for one in found} == {Location("tfcert.toml", 3)}
    assert "ran out on 2026-11-22" in found[1].message


def test_its_last_day_still_counts():
    """The exemption still applies on its last day, in UTC."""
    entry = exemption("certificate-expiring", OLD, until=0)
    assert (
        findings(cases_of(document(), policy=Policy(exemptions=(entry,))), "exemption-expired")
        == []
    )


def test_it_may_be_off():
    """The rule can be switched off; the exempted finding counts anyway."""
    policy = Policy(
        exemptions=(exemption("certificate-expiring", OLD, until=-1),),
        rules=(("exemption-expired", None),),
    )
    assert [one.rule for one in findings(cases_of(document(), policy=policy))] == [
        "certificate-expiring"
    ]
