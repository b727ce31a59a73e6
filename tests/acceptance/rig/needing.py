"""Tests that need a newer Terraform than the oldest one of `make matrix`.

`@pytest.mark.needs_terraform("import blocks")` names features of FEATURES. `make matrix` sets a
variable; then a test whose terraform lacks one of them has to fail, and its failure has to name
what is lacking: it is an expected failure, with the reason. If it passes, or fails by something
else, the run fails. Without the variable the mark changes nothing, so CI skips no test.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pytest

from rig.equipment import Binary
from rig.processes import run

EXPECTED = "TFCERT_EXPECT_FAILURES_OF_OLDER_TERRAFORM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature of Terraform, the first version that has it, and what a failure without it
    contains.
    """

    name: str
    since: tuple[int, int]
    shown_by: re.Pattern[str]


def _feature(name: str, since: tuple[int, int], shown_by: str) -> Feature:
    return Feature(name=name, since=since, shown_by=re.compile(shown_by))


# Source of the versions: Terraform's changelog.
FEATURES: Mapping[str, Feature] = MappingProxyType({
    each.name: each
    for each in (
        _feature("moved blocks", (1, 1), r'Blocks of type "moved" are not expected'),
        _feature("replace_triggered_by", (1, 2), r'"replace_triggered_by" is not expected'),
        _feature("terraform_data", (1, 4), r"Invalid resource type"),
        _feature("import blocks", (1, 5), r'Blocks of type "import" are not expected'),
        _feature(
            "mocks in tests",
            (1, 7),
            r'no test ran|Blocks of type "mock_provider" are not expected',
        ),
        _feature("write-only arguments", (1, 11), r"Write-only Attribute Not Allowed"),
    )
})  # fmt: skip


@cache
def version(binary: Binary) -> tuple[int, ...]:
    """Return the version of a binary as it prints it."""
    ended = run(
        [binary.path, "version", "-json"],
        folder=Path.cwd(),
        environment=os.environ | {"CHECKPOINT_DISABLE": "1"},
    )
    assert ended.code == 0, str(ended)
    found = json.loads(ended.stdout)["terraform_version"]
    return tuple(int(part) for part in found.partition("-")[0].split("."))


def amend(report: pytest.TestReport, missing: Sequence[Feature], has: tuple[int, ...]) -> None:
    """Make an expected failure of a failure, and a failure of a pass, where features are
    missing.
    """
    this = ".".join(map(str, has))
    needs = "; ".join(
        f"needs Terraform {'.'.join(map(str, each.since))} ({each.name})" for each in missing
    )
    if report.when == "call" and report.passed:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} {needs}, but it passes with Terraform {this}"
    elif report.when != "teardown" and report.failed:
        if any(each.shown_by.search(report.longreprtext) for each in missing):
            report.outcome = "skipped"
            report.wasxfail = needs
        else:
            why = f"It {needs}, and this is {this}, but the failure names nothing of it."
            report.sections.append(("Terraform's version", why))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Judge a marked test by the version of its terraform."""
    report = yield
    mark = item.get_closest_marker("needs_terraform")
    if mark is None or EXPECTED not in os.environ:
        return report
    binary = item.callspec.params["tool"]
    if binary is not None and binary.name == "terraform":
        has = version(binary)
        missing = [FEATURES[name] for name in mark.args if FEATURES[name].since > has[:2]]
        if missing:
            amend(report, missing, has)
    return report
