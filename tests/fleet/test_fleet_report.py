"""The report of a fleet: totals, the most urgent, groups; and the metrics of each group."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from states import AS_OF, LATER, certificate, owned, stage, state, write


@pytest.fixture
def fleet(tmp_path):
    """Write a fleet with owners."""
    return owned(tmp_path)


def check(tfcert, fleet, *more, form="text"):
    """Check the fleet; return what is printed."""
    done = tfcert(
        "check", "--states", "fleet", "--offline", "--as-of", AS_OF, "--format", form, *more,
        cwd=fleet,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return done.stdout.decode()


def rows(text, by):
    """Return a table as lists of words."""
    table = text.split(f"\nby {by} ")[1].split("\n\n")[0].splitlines()[1:]
    return [line.split() for line in table]


def test_the_text_begins_with_what_matters(tfcert, fleet):
    """Totals, the ten most urgent with account, owner and state, then the groups."""
    text = check(tfcert, fleet)
    assert "fleet: 5 states, 5 certificates, 5 stages, 3 accounts, 2 owners\n" in text
    urgent = text.split("most urgent (5 of 5):\n")[1].split("\n\n")[0].splitlines()
    assert urgent[:3] == [
        "  error: certificate-expired, 3 days past (111111111111, pay)",
        "      aws_api_gateway_client_certificate.backend",
        "      in fleet/prod/pay/a.tfstate",
    ]
    found = [line.strip() for line in urgent if line.startswith("  error")]
    assert [line.split("(")[1] for line in found[:3]] == [
        "111111111111, pay)", "111111111111, pay)", "222222222222, web)",
    ]  # fmt: skip
    assert text.index("most urgent") < text.index("by account") < text.index("by owner")
    assert rows(text, "account") == [
        ["111111111111", "2", "2", "0", "0", "2026-11-22"],
        ["222222222222", "2", "1", "1", "0", "2026-12-01"],
        ["unknown", "account", "0", "0", "0", "1", "-"],
        ["333333333333", "1", "0", "0", "0", "2027-09-21"],
    ]
    assert rows(text, "owner") == [
        ["pay", "2", "2", "0", "0", "2026-11-22"],
        ["web", "2", "1", "1", "0", "2026-12-01"],
        ["no", "owner", "tag", "1", "0", "0", "1", "2027-09-21"],
    ]


def test_other_groups(tfcert, fleet):
    """Only those that are asked for, in that order."""
    text = check(tfcert, fleet, "--group-by", "prefix", "--group-by", "region")
    assert "by account" not in text
    assert [row[0] for row in rows(text, "prefix")] == ["fleet/prod/", "no", "fleet/test/"]
    assert rows(text, "region")[0] == ["eu-west-1", "5", "3", "1", "0", "2026-11-22"]
    done = tfcert("check", "--states", "fleet", "--group-by", "planet", cwd=fleet)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"account, owner, region, prefix" in done.stderr
    done = tfcert("check", "fleet", "--group-by", "owner", cwd=fleet)
    assert (done.returncode, done.stdout) == (2, b"")


def test_every_finding_of_a_long_list_names_its_state(tfcert, tmp_path):
    """Also those that are names only, though their addresses are all different."""
    for number in range(30):
        parts = [certificate(f"c{number}", name=f"n{number}"), stage(f"api{number}", f"c{number}")]
        write(tmp_path / f"fleet/{number}.tfstate", state(parts))
    text = " ".join(check(tfcert, tmp_path).split())
    assert all(f"in fleet/{number}.tfstate" in text for number in range(30))
    assert "most urgent (10 of 30)" in text


def test_metrics_have_each_group(tfcert, fleet):
    """Certificates, findings and the first end by account and owner."""
    text = check(tfcert, fleet, form="openmetrics")
    found = {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }
    assert found["tfcert_fleet_states",] == 5
    assert found["tfcert_fleet_certificates", "account", "222222222222"] == 2
    assert found["tfcert_fleet_findings", "owner", "pay", "error"] == 2
    assert found["tfcert_fleet_findings", "owner", "no owner tag", "unverified"] == 1
    assert found["tfcert_fleet_first_end_seconds", "owner", "web"] == 1_796_083_200


def test_a_clean_fleet_names_nothing_urgent_and_counts_its_groups(tfcert, tmp_path):
    """A clean fleet has no urgent part; a long name has a line of its own, and groups after the
    twentieth are counted.
    """
    for number in range(23):
        one = f"c{number:05}"
        parts = [certificate(one, LATER), stage(f"api{number}", one)]
        name = f"{'team' * (20 if number == 3 else 1)}-{number:02}"
        write(tmp_path / f"fleet/{name}/a.tfstate", state(parts))
    given = ("check", "--states", "fleet", "--offline", "--as-of", AS_OF, "--group-by", "prefix")
    done = tfcert(*given)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "most urgent" not in text
    assert "\nand 3 more (--all shows them)\n" in text
    lines = tfcert(*given, "--all").stdout.decode().splitlines()
    assert "(--all shows them)" not in "".join(lines)
    table = lines[next(at for at, line in enumerate(lines) if line.startswith("by prefix")) :]
    at = next(at for at, line in enumerate(table) if line.endswith("team-03/"))
    assert table[at + 1].split() == ["1", "0", "0", "0", "2027-11-01"]
