"""Says in the run's very last lines when the acceptance tests did not run; fails one that is skipped for no good reason.

Another conftest takes part with `from rig.announcing import register` and `register(config)` in its `pytest_configure`, which
under xdist lets the controller speak too, whatever folder the run was started with.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.equipment import NO_PROVIDER, NO_TOOL

FOLDER = Path(__file__).resolve().parents[1]
ABSENCES = (NO_TOOL, NO_PROVIDER)
_NAME = "tfcert-acceptance"


def register(config: pytest.Config) -> None:
    """Take part in a run, once."""
    if not config.pluginmanager.has_plugin(_NAME):
        config.pluginmanager.register(Announcer(config), _NAME)


class Announcer:
    """Looks at what became of the acceptance tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._absent: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item):
        """Turn a skip into a failure, unless a binary or the provider is missing."""
        report = yield
        if report.skipped and not hasattr(report, "wasxfail") and FOLDER in Path(item.path).parents:
            reason = _reason(report)
            if not any(absence in reason for absence in ABSENCES):
                report.outcome = "failed"
                report.longrepr = f"{item.nodeid}: a binary and the provider are at hand, so that a skip is a failure: {reason}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note which tests did not run, and why."""
        reason = _reason(report) if report.skipped else ""
        absence = next((absence for absence in ABSENCES if absence in reason), None)
        if absence is not None:
            self._absent[report.nodeid] = absence

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self):
        """Speak after everybody else has."""
        result = yield
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._absent and reporter is not None and not hasattr(self._config, "workerinput"):
            reporter.write_line("")
            reporter.write_sep("!", "THE ACCEPTANCE TESTS DID NOT RUN", red=True, bold=True)
            for reason in sorted(set(self._absent.values())):
                reporter.write_line(f"skipped {sum(reason == other for other in self._absent.values())}: {reason}", red=True)
            reporter.write_line("Nothing in this run shows that tfcert works with the real Terraform.", red=True)
        return result


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
