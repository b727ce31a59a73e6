"""`--states` with prefixes in S3, against a real HTTP server."""

from __future__ import annotations

import json
import os
import sys

import pytest
from states import AS_OF, LATER, due, faults, other, state
from typer.testing import CliRunner

from checker.cli.app import build

if "CI" not in os.environ:
    pytest.importorskip("obstore", reason="pip install 'tfcert[fleet]'")


@pytest.fixture
def bucket(aws):
    """Return a function that puts an object into an empty bucket."""
    storage = aws.client("s3")
    storage.create_bucket(Bucket="fleet")

    def put(key, text):
        body = text if isinstance(text, bytes) else text.encode()
        storage.put_object(Bucket="fleet", Key=key, Body=body)

    return put


def run(*arguments):
    """Run a fleet command in this process; return the exit code and the JSON."""
    ran = CliRunner().invoke(build(), [*arguments, "--as-of", AS_OF, "--format", "json"])
    return ran.exit_code, json.loads(ran.stdout) if ran.stdout.startswith("{") else ran.output


def check(*sources):
    """Check a fleet offline."""
    return run("check", "--states", *sources, "--offline")


def ids(report):
    """Return the ids of expiring certificates."""
    return sorted(
        each["certificate_id"]
        for each in report["findings"]
        if each["rule"] == "certificate-expiring"
    )


def unread(report):
    """Return the names of unread sources, each with its message."""
    return {
        each["message"].partition(" could not be read: ")[0]: each["message"]
        for each in report["findings"]
        if " could not be read: " in each["message"]
    }


def test_every_state_below_a_prefix_is_read(bucket):
    """Every state below a prefix is read, over several pages and with special characters
    in keys.
    """
    for number in range(1030):
        bucket(
            f"prod/many/{number}.tfstate", state(other(1)) if number % 103 else state(due(number))
        )
    odd = ("prod/env:/ws/x.tfstate", "prod/a b/ü%41#+.tfstate", "prod/q?&=~!'()*.tfstate")
    for number, key in enumerate(odd, 2000):
        bucket(key, state(due(number)))
    bucket("prod/x.tflock", "{}")
    bucket("prod/x.tfstate.backup", state(due(7)))
    bucket("prod/folder/", b"")
    bucket("product/other.tfstate", state(due(8)))
    code, report = check("s3://fleet/prod/")
    assert unread(report) == {}
    assert code == 1
    assert ids(report) == sorted(
        f"c{number:05d}" for number in (*range(0, 1030, 103), 2000, 2001, 2002)
    )
    assert {f"s3://fleet/{key}" for key in odd} < {each["path"] for each in report["sources"]}
    assert report["notices"][0].endswith("left out: 1 backup or old version, 1 lock file")


def test_overlapping_sources_count_once(bucket):
    """A bucket, a prefix and an object that overlap count once."""
    bucket("a/one.tfstate", state(due(1)))
    bucket("network", state(due(2)))
    code, report = check(
        "s3://fleet", "s3://fleet/a/", "s3://fleet/a/one.tfstate", "s3://fleet/network"
    )
    assert (code, ids(report), len(report["sources"])) == (1, ["c00001", "c00002"], 2)


def test_every_fault_is_named(bucket):
    """Each unreadable object is named, as for files."""
    kinds = faults()
    for name, (content, _) in kinds.items():
        bucket(f"p/{name}", content)
    bucket("p/fine.tfstate", state(due(1, LATER)))
    code, report = check("s3://fleet/p/")
    messages = unread(report)
    assert code == 3
    assert sorted(messages) == sorted(f"s3://fleet/p/{name}" for name in kinds)
    for name, (_, word) in kinds.items():
        assert word in messages[f"s3://fleet/p/{name}"]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("s3://nobody/prefix/", "no such bucket"),
        ("s3://fleet/nothing/", "no state or plan is below it"),
        ("s3://fleet/missing.tfstate", "no such object"),
    ],
)
def test_what_is_not_there_is_named(bucket, source, word):
    """A missing bucket, prefix or object is unverified, and the other sources are checked."""
    bucket("a/one.tfstate", state(due(1, LATER)))
    code, report = check(source, "s3://fleet/a/")
    assert (code, list(unread(report)), len(report["sources"])) == (3, [source], 1)
    assert word in unread(report)[source]


def test_without_the_package_single_objects_are_read(bucket, monkeypatch):
    """Without obstore single objects are read, and a prefix is an error with the install
    command.
    """
    monkeypatch.setattr("checker.fleet.stores.is_installed", lambda: False)
    bucket("a/one.tfstate", state(due(1)))
    code, report = check("s3://fleet/a/one.tfstate")
    assert (code, ids(report)) == (1, ["c00001"])
    for source in ("s3://fleet/a/", "gs://fleet/x", "az://fleet/x/"):
        ran = CliRunner().invoke(build(), ["check", "--states", source])
        assert "pip install 'tfcert[fleet]'" in str(ran.exception)


def test_no_credentials_are_one_clear_reason(bucket, monkeypatch):
    """Missing credentials are one reason with the source, without a hang."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    code, report = check("s3://fleet/a/")
    assert code == 3
    assert "no AWS credentials were found" in unread(report)["s3://fleet/a/"]


def test_a_profile_and_a_role_give_the_credentials(bucket, monkeypatch, tmp_path):
    """`--profile` and `--role-arn` are used for S3."""
    bucket("a/one.tfstate", state(due(1)))
    config = tmp_path / "config"
    config.write_text(
        "[profile fleet]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n"
        "region = eu-west-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    role = "arn:aws:iam::123456789012:role/reader"
    code, report = run(
        "check", "--states", "s3://fleet/a/", "--profile", "fleet", "--role-arn", role, "--offline"
    )
    assert (code, ids(report)) == (1, ["c00001"])


def test_nothing_of_obstore_is_imported_without_a_bucket(tfcert, tmp_path):
    """A local fleet imports neither obstore nor boto3."""
    (tmp_path / "one.tfstate").write_text(state(due(1)))
    script = (
        "import sys, os, checker.cli as cli\n"
        "cli._leave = lambda code: (print(sorted(sys.modules)), sys.stdout.flush(), os._exit(0))\n"
        f"sys.argv = ['tfcert', 'check', '--states', {str(tmp_path)!r}, '--offline']\n"
        "cli.main()\n"
    )
    import subprocess

    out = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    assert b"'checker.fleet.collect'" in out
    assert b"'obstore'" not in out
    assert b"'boto3'" not in out
