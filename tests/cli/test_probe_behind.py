"""Comparing a probe report with the present backends; each VPC link is a backend of its own."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace
from probes import STAGE, TRUSTED, probe

from checker.cli.probing.behind import compared
from checker.cli.probing.evidence import Bound
from checker.model.trust import TrustStatus


def test_one_url_by_two_vpc_links_is_two_backends():
    """One URL through two VPC links is two backends; a report about one leaves the other
    unknown.
    """
    asked = replace(TRUSTED, vpc_link="one")
    bound = Bound(path="r", document=probe(asked), max_age=timedelta(hours=1))
    url = TRUSTED.backend
    behind = {(STAGE.api_id, STAGE.name): frozenset({(url, "one"), (url, "two")})}
    (found,) = compared(bound, behind)
    assert found.status is TrustStatus.UNKNOWN
    assert "two" in (found.backend or "")
