"""promtool accepts the alert rules and the dashboard of docs/gates/prometheus, over metrics that
tfcert wrote.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from equipped import environment
from msgspec.structs import replace
from outcomes import finding, judged, pair
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from world import NOW

from checker.model.outcome import UNVERIFIED
from checker.reports import FORMATS

FOLDER = Path(__file__).parents[2] / "docs/gates/prometheus"
RULES = FOLDER / "tfcert.rules.yml"
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))


def samples(outcome):
    """Yield each sample that tfcert writes: its series and its value, with times relative to the
    run.
    """
    zero = NOW.timestamp()
    for family in text_string_to_metric_families(FORMATS["openmetrics"].render(outcome)):
        for each in family.samples:
            labels = ", ".join(f"{key}={json.dumps(text)}" for key, text in each.labels.items())
            value = each.value - zero if each.name.endswith("_seconds") else each.value
            yield f"{each.name}{{{labels}}}", value


@pytest.fixture
def promtool(program, tmp_path):
    """Return a function that runs promtool on a document and returns its output and whether it
    succeeded.
    """
    path = program("promtool")

    def run(command, document):
        file = tmp_path / "document.yml"
        file.write_text(yaml.safe_dump(document))
        done = subprocess.run(
            [path, command, "rules", file],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
        )
        return done.stdout + done.stderr, done.returncode == 0

    return run


@pytest.fixture
def firing(promtool, tmp_path):
    """Return a function that compares, by promtool, the alerts that fire some hours after a run
    with all that are expected.
    """
    rules = yaml.safe_load(RULES.read_text())
    for rule in rules["groups"][0]["rules"]:
        # promtool also compares annotations, whose words are not tested here.
        del rule["annotations"]
    (tmp_path / RULES.name).write_text(yaml.safe_dump(rules))

    def compare(outcome, hours, expected):
        series = [
            {"series": name, "values": f"{value:.0f}x{hours * 60 + 60}"}
            for name, value in samples(outcome)
        ]
        alerts = [
            {
                "eval_time": f"{hours}h",
                "alertname": rule["alert"],
                "exp_alerts": [
                    {"exp_labels": labels} for labels in expected.get(rule["alert"], ())
                ],
            }
            for rule in rules["groups"][0]["rules"]
        ]
        case = {"interval": "1m", "input_series": series, "alert_rule_test": alerts}
        said, content = promtool("test", {"rule_files": [RULES.name], "tests": [case]})
        assert content, said

    return compare


CERTIFICATE = {
    "source": "state.json",
    "address": "aws_api_gateway_client_certificate.orders",
    "certificate_id": "abc123",
    "account": "123456789012",
    "region": "us-east-1",
}


def test_the_rules_are_valid(promtool):
    """promtool accepts all five rules with their annotations."""
    said, content = promtool("check", yaml.safe_load(RULES.read_text()))
    assert content, said
    assert "5 rules found" in said


def test_a_quiet_fleet_fires_nothing(firing):
    """No alert fires for a certificate with 200 days left, an hour after the run."""
    firing(judged(pair("orders", None, "abc123", 200)), 1, {})


def test_a_certificate_near_its_end_fires(firing):
    """A certificate with 20 days left fires its own alert and the alert of its finding."""
    expected = {
        "ClientCertificateEndsSoon": [{"severity": "warning", **CERTIFICATE}],
        "TfcertFinding": [{"severity": "warning", "rule": "certificate-expiring"}],
    }
    firing(judged(pair("orders", None, "abc123", 20)), 1, expected)


def test_a_certificate_that_ended_after_the_run_fires_without_a_new_one(firing):
    """A certificate that ends after the last run fires an alert without a new run, because the
    metric is a time.
    """
    expected = {
        "ClientCertificateEnded": [{"severity": "critical", **CERTIFICATE}],
        "TfcertFinding": [{"severity": "warning", "rule": "certificate-expiring"}],
    }
    firing(judged(pair("orders", None, "abc123", 1)), 25, expected)


def test_i4_what_could_not_be_verified_fires(firing):
    """I4: an unverified finding fires its own alert."""
    outcome = replace(judged(), findings=(finding(rule=UNVERIFIED),))
    expected = {
        "TfcertUnverified": [{"severity": "warning"}],
        "TfcertFinding": [{"severity": "warning", "rule": UNVERIFIED}],
    }
    firing(outcome, 2, expected)


def test_a_run_that_does_not_come_fires(firing):
    """An alert fires when the last run is more than two days ago."""
    firing(judged(), 50, {"TfcertStale": [{"severity": "warning"}]})


def test_the_dashboard_asks_for_metrics_that_there_are(promtool):
    """Each expression of the dashboard is valid for Prometheus and uses only metrics that tfcert
    writes.
    """
    written = {
        name.partition("{")[0] for name, _ in samples(judged(pair("orders", None, "abc123", 20)))
    }
    expressions = [
        target["expr"].replace("$account", ".*")
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]
    assert len(expressions) == len(DASHBOARD["panels"]) == 7
    rules = [{"record": f"panel:{at}", "expr": text} for at, text in enumerate(expressions)]
    said, content = promtool("check", {"groups": [{"name": "panels", "rules": rules}]})
    assert content, said
    every = " ".join((*expressions, RULES.read_text()))
    assert set(re.findall(r"tfcert_[a-z_]+", every)) <= written
