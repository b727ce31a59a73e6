"""Reading a source from S3, on the command line and against a real HTTP server."""

from __future__ import annotations

import gzip
import time

import pytest
from typer.testing import CliRunner

from checker.aws import Connection
from checker.aws.s3 import fetch_object
from checker.aws.session import Clients
from checker.cli.app import build
from checker.errors import UnreadableError

STATE = "rotation/03-apply2-repoint/terraform.tfstate"


@pytest.fixture
def bucket(aws, fixtures):
    storage = aws.client("s3")
    storage.create_bucket(Bucket="states")
    storage.put_object(
        Bucket="states", Key="env:/prod/terraform.tfstate", Body=(fixtures / STATE).read_bytes()
    )
    return storage


def fetched(source, **limits):
    return fetch_object(source, Clients(Connection(timeout=5)), **limits)


def test_an_object_is_read_as_it_lies_there(bucket, fixtures):
    """An object is read unchanged; its key may have slashes and colons."""
    assert fetched("s3://states/env:/prod/terraform.tfstate") == (fixtures / STATE).read_bytes()


def test_check_takes_one_as_a_source(bucket, fixtures, monkeypatch, tmp_path):
    """`check` reads an S3 object, compressed or not, also with --offline."""
    monkeypatch.chdir(tmp_path)
    bucket.put_object(
        Bucket="states", Key="packed", Body=gzip.compress((fixtures / STATE).read_bytes())
    )
    (tmp_path / "local.tfstate").write_bytes((fixtures / STATE).read_bytes())

    def judged(source):
        ran = CliRunner().invoke(
            build(), ["check", source, "--offline", "--as-of", "2026-11-25", "--format", "json"]
        )
        return ran.output.replace(source, "SOURCE")

    assert (
        judged("s3://states/env:/prod/terraform.tfstate")
        == judged("s3://states/packed")
        == judged("local.tfstate")
    )
    assert '"stages": [' in judged("s3://states/packed")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://states/missing", "there is no such object in the bucket"),
        ("s3://nobody/key", "there is no such bucket"),
        ("s3://states", "names no object"),
        ("s3://states/", "names no object"),
        ("s3:///key", "names no object"),
        ("s3://UPPER_case!/key", "not valid"),
    ],
)
def test_what_is_not_there(bucket, source, message):
    """A missing object, a missing bucket or an invalid URL is an error that names the source."""
    with pytest.raises(UnreadableError) as refused:
        fetched(source)
    assert message in str(refused.value)
    assert source in str(refused.value)


def test_a_denial_names_the_permission(bucket, aws):
    """A denied object names the missing permission s3:GetObject."""
    aws.faults.allow_only("CreateBucket")
    with pytest.raises(UnreadableError, match="s3:GetObject"):
        fetched("s3://states/env:/prod/terraform.tfstate")


def test_no_credentials(bucket, monkeypatch):
    """Missing credentials are reported before anything is sent."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UnreadableError, match="no AWS credentials were found"):
        fetched("s3://states/env:/prod/terraform.tfstate")


def test_an_endless_object_ends(bucket):
    """An object beyond the size or time limit is an error."""
    with pytest.raises(UnreadableError, match="larger than 100 bytes"):
        fetched("s3://states/env:/prod/terraform.tfstate", most=100)
    with pytest.raises(UnreadableError, match="did not arrive in time"):
        fetched("s3://states/env:/prod/terraform.tfstate", seconds=0)


def silent(_connection, over):
    over.wait(30)


def dripping(connection, over):
    connection.recv(65536)
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: binary/octet-stream\r\nContent-Length: 900000\r\n\r\n"
    )
    while not over.wait(0.1):
        connection.sendall(b" ")


@pytest.mark.parametrize("behave", [silent, dripping])
def test_a_server_that_never_comes_to_an_end_is_given_up_on_in_time(wire, behave):
    """A server that never ends its answer is given up at --timeout."""
    wire(behave)
    began = time.monotonic()
    with pytest.raises(UnreadableError, match=r"did not arrive in time|no answer came in time"):
        fetch_object("s3://states/key", Clients(Connection(timeout=1)))
    assert time.monotonic() - began < 15
