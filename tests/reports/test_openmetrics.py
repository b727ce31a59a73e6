"""The OpenMetrics format, read by prometheus_client's strict and older parsers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from outcomes import ADDRESS, due, finding, judged, many, mixed, pair
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as older
from world import NOW

from checker.model.outcome import UNVERIFIED
from checker.reports import FORMATS


def samples(outcome) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return each sample by name and labels; check that both parsers agree and no series
    repeats.
    """
    text = FORMATS["openmetrics"].render(outcome)
    assert text.endswith("\n# EOF\n")
    strict = [sample for family in openmetrics(text) for sample in family.samples]
    lenient = [sample for family in older(text) for sample in family.samples]
    assert [(each.name, each.labels, each.value) for each in strict] == [
        (each.name, each.labels, each.value) for each in lenient
    ]
    assert all(each.timestamp is None for each in strict)
    found = {(each.name, frozenset(each.labels.items())): each.value for each in strict}
    assert len(found) == len(strict)
    return found


def value(found, name, **labels) -> float:
    """Return the value of the one series with these labels."""
    (only,) = [
        number
        for (metric, pairs), number in found.items()
        if metric == name and labels.items() <= dict(pairs).items()
    ]
    return only


def test_the_end_of_each_certificate_in_unix_time(tmp_path):
    """Each certificate has its end in Unix time, its labels, and its number of stages."""
    found = samples(due(tmp_path))
    labels = {
        "address": ADDRESS,
        "certificate_id": "old000",
        "account": "123456789012",
        "region": "us-east-1",
        "source": "state.json",
    }
    end = value(found, "tfcert_certificate_not_after_seconds", **labels)
    assert datetime.fromtimestamp(end, UTC) == datetime(2026, 12, 5, tzinfo=UTC)
    assert value(found, "tfcert_certificate_stages", **labels) == 1
    assert value(found, "tfcert_certificate_observed", **labels) == 0


def test_verdict_findings_and_moment(tmp_path):
    """The verdict, the findings and the time have metrics; suppressed findings are counted
    separately.
    """
    found = samples(mixed(tmp_path))
    assert [
        value(found, "tfcert_verdict", verdict=name)
        for name in ("clean", "findings", "inconclusive")
    ] == [0, 1, 0]
    assert value(found, "tfcert_findings", rule="certificate-expiring", severity="error") == 1
    assert value(found, "tfcert_findings", rule="certificate-gone", severity="error") == 0
    assert value(found, "tfcert_suppressed_findings") == 2
    assert value(found, "tfcert_unverified") == 1
    assert value(found, "tfcert_as_of_timestamp_seconds") == NOW.timestamp()
    assert value(found, "tfcert_aws_asked") == 0


def test_i4_what_was_not_verified_is_no_clean_verdict():
    """I4: an unverified run has the verdict inconclusive, not clean."""
    found = samples(replace(judged(), findings=(finding(rule=UNVERIFIED),)))
    assert value(found, "tfcert_verdict", verdict="clean") == 0
    assert value(found, "tfcert_verdict", verdict="inconclusive") == 1


@pytest.mark.parametrize("length", [200, 201, 5000])
def test_labels_are_bounded_and_stay_distinct(length):
    """Labels are at most 200 characters long and stay distinct."""
    keys = ["x" * (length - 1) + last for last in "ab"]
    found = samples(
        judged(*(pair("orders", key, f"id{number}", 9) for number, key in enumerate(keys)))
    )
    addresses = [
        dict(pairs)["address"] for name, pairs in found if name == "tfcert_certificate_stages"
    ]
    assert len(set(addresses)) == 2
    assert all(len(address) <= 200 for address in addresses)


def test_the_same_certificate_twice_is_one_series(tmp_path):
    """A certificate listed twice is one series, because a repeated series would make the file
    invalid.
    """
    outcome = due(tmp_path)
    (part,) = outcome.cases.documents
    twice = replace(
        outcome,
        cases=replace(outcome.cases, documents=(replace(part, cases=(*part.cases, *part.cases)),)),
    )
    assert samples(twice) == samples(outcome)


def test_many_are_read_too():
    """Five hundred certificates give five hundred series."""
    assert (
        sum(name == "tfcert_certificate_not_after_seconds" for name, _ in samples(many(500))) == 500
    )
