"""Report at the end of a run which tests with real binaries were skipped, and fail unjustified
skips.

These are the acceptance tests with terraform or tofu, the tests of the page with chromium, and the
tests with TLS servers. Another conftest calls `register(config)` in its `pytest_configure`, so that
under xdist the controller reports too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from equipped import ABSENCES

from rig.equipment import NO_PROVIDER, NO_TOOL

NO_BROWSER = "no chromium is on PATH (TFCERT_CHROMIUM may name one; `make browser` installs Debian's where it may)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Tests that need special binaries: their folder, the accepted reasons for a skip, and the
    messages.
    """

    name: str
    folder: Path
    absences: tuple[str, ...]
    title: str
    untold: str


_TESTS = Path(__file__).resolve().parents[2]
SUITES = (
    Suite(
        name="acceptance",
        folder=_TESTS / "acceptance",
        absences=(NO_TOOL, NO_PROVIDER),
        title="THE ACCEPTANCE TESTS DID NOT RUN",
        untold="Nothing in this run shows that tfcert works with the real Terraform.",
    ),
    Suite(
        name="browser",
        folder=_TESTS / "browser",
        absences=(NO_BROWSER,),
        title="THE TESTS OF THE PAGE DID NOT RUN",
        untold="Nothing in this run shows that the page of --format html works in a browser.",
    ),
    Suite(
        name="servers",
        folder=_TESTS / "servers",
        absences=tuple(ABSENCES.values()),
        title="TESTS WITH REAL TLS SERVERS DID NOT RUN",
        untold="Nothing in this run shows that the files of `tfcert bundle --for` work in these servers.",
    ),
)


def register(config: pytest.Config) -> None:
    """Register one announcer per suite."""
    for suite in SUITES:
        name = f"tfcert-{suite.name}"
        if not config.pluginmanager.has_plugin(name):
            config.pluginmanager.register(Announcer(config, suite), name)


class Announcer:
    """Observe the results of a suite."""

    def __init__(self, config: pytest.Config, suite: Suite) -> None:
        self._config = config
        self._suite = suite
        self._absent: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item):
        """Turn a skip into a failure, unless a binary or the provider is missing."""
        report = yield
        if (
            report.skipped
            and not hasattr(report, "wasxfail")
            and self._suite.folder in Path(item.path).parents
        ):
            reason = _reason(report)
            if not any(absence in reason for absence in self._suite.absences):
                report.outcome = "failed"
                report.longrepr = f"{item.nodeid}: what it needs is at hand, so that a skip is a failure: {reason}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record which tests were skipped, and why."""
        reason = _reason(report) if report.skipped else ""
        absence = next((absence for absence in self._suite.absences if absence in reason), None)
        if absence is not None:
            self._absent[report.nodeid] = absence

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self):
        """Print the skipped tests after all other output."""
        result = yield
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._absent and reporter is not None and not hasattr(self._config, "workerinput"):
            reporter.write_line("")
            reporter.write_sep("!", self._suite.title, red=True, bold=True)
            for reason in sorted(set(self._absent.values())):
                reporter.write_line(
                    f"skipped {sum(reason == other for other in self._absent.values())}: {reason}",
                    red=True,
                )
            reporter.write_line(self._suite.untold, red=True)
        return result


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
