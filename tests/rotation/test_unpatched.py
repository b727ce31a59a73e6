"""Why a run without a configuration writes no patch, and who rotates the certificate instead."""

from __future__ import annotations

import pytest
from builders import cases_of, certificate, document, stage
from msgspec.structs import replace
from world import HOME

from checker.model.inventory import Source
from checker.rotation.planner import plan_rotations, unpatched

WHERE = f"certificate old ({HOME})"


def reason(kind, managed):
    old = replace(certificate("old"), address=None, managed=managed)
    found = replace(document([old], [stage("prod", "old")]), source=Source(path="x", kind=kind))
    part = cases_of(found).documents[0]
    blocked = unpatched(part, part.cases[0])
    assert [each.step for each in plan_rotations(cases_of(found))] == [blocked]
    return blocked.reason, blocked.remedy


@pytest.mark.parametrize(
    ("managed", "says"),
    [
        (
            True,
            (
                f"Terraform manages {WHERE}, and a scan writes no patches",
                "run `tfcert patch` where its state is",
            ),
        ),
        (
            False,
            (
                f"{WHERE} is in none of the given states",
                "rotate it manually: `tfcert scan` prints the steps",
            ),
        ),
        (
            None,
            (
                f"no given state shows whether Terraform manages {WHERE}",
                (
                    "pass the states to `tfcert scan`; it prints the manual steps for a certificate "
                    "that is in none of them"
                ),
            ),
        ),
    ],
)
def test_a_scan_says_who_rotates_a_certificate(managed, says):
    assert reason("aws", managed) == says


def test_a_state_without_its_configuration_needs_the_folder():
    assert reason("state", None) == (
        "the configuration is not available",
        "pass the folder of its .tf files with --config to get patches",
    )
