"""`--cache`: what has not changed is not read again, and no entry is believed that may be wrong."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from bucket import Bucket
from states import AS_OF, DUE, LATER, certificate, due, faults, other, resource, stage, state, write
from typer.testing import CliRunner

from checker.cli.app import build
from checker.fleet.cache import FleetCache
from checker.fleet.read import BatchRead, Item, read_batch

COUNT = 40


@pytest.fixture(autouse=True)
def read(monkeypatch):
    """Count the files that are read; a file need not be old to be kept."""
    monkeypatch.setattr("checker.fleet.versions.SETTLED", 0.0)
    from checker.fleet import workers

    plain, opened = workers.open_file, Counter()

    def counted(path):
        opened[Path(path).name] += 1
        return plain(path)

    monkeypatch.setattr(workers, "open_file", counted)
    return opened


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """Write forty states, JSON of another kind, and every fault."""
    for number in range(COUNT):
        resources = due(number, DUE if number % 10 == 0 else LATER) if number % 5 == 0 else other(1)
        write(tmp_path / f"fleet/{number % 3}/{number}.tfstate", state(resources))
    write(tmp_path / "fleet/package.json", '{"name": "x"}')
    for name, (content, _) in faults().items():
        write(tmp_path / "fleet" / name, content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*more, source="fleet"):
    """Check the fleet; return the exit code, stdout and stderr."""
    ran = CliRunner().invoke(
        build(),
        ["check", "--states", source, "--offline", "--as-of", AS_OF, "--format", "json", *more],
    )
    return ran.exit_code, ran.stdout, ran.stderr


def test_only_what_changed_is_read(fleet, read):
    """The same bytes without a cache, with a new one and with a full one; faults are read again."""
    plain = check()
    for expected in (COUNT + 1 + len(faults()), len(faults())):
        read.clear()
        assert check("--cache", "kept") == plain
        assert sum(read.values()) == expected
    changed = fleet / "fleet/1/1.tfstate"
    write(changed, state(due(777)))
    (fleet / "fleet/2/2.tfstate").unlink()
    read.clear()
    code, out, _ = check("--cache", "kept")
    assert sum(read.values()) == len(faults()) + 1
    assert (code, out) == check()[:2]
    assert "c00777" in out


def test_a_state_that_comes_back_with_its_old_date_is_read(fleet, read):
    """Same size and same date: the inode's own time tells them apart."""
    path = fleet / "fleet/0/0.tfstate"
    check("--cache", "kept")
    before = path.stat()
    write(path, state(due(0, LATER)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert check("--cache", "kept") == check()


def test_what_changes_while_it_is_read_is_not_kept(fleet, read, monkeypatch):
    """A state that is written again after it was opened, and one that was just written."""
    monkeypatch.setattr("checker.fleet.versions.SETTLED", 60.0)
    check("--cache", "kept")
    assert not any((fleet / "kept").iterdir())
    monkeypatch.setattr("checker.fleet.versions.SETTLED", 0.0)
    from checker.fleet import workers

    counted = workers.open_file

    def disturbed(path):
        data = counted(path)
        if path.endswith("/7.tfstate"):
            os.utime(path)
        return data

    monkeypatch.setattr(workers, "open_file", disturbed)
    check("--cache", "kept")
    read.clear()
    check("--cache", "kept")
    assert read["7.tfstate"] == 1


def flip(path):
    """Change one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def believed(path):
    """Call every state of a file empty, with a hash of its own that fits."""
    head, _, body = path.read_bytes().partition(b"\n")
    import hashlib

    entries = [[*each[:3], "nothing", each[4], None] for each in json.loads(body)]
    body = json.dumps(entries).encode()
    made = json.loads(head) | {"sha256": hashlib.sha256(body).hexdigest()}
    path.write_bytes(json.dumps(made).encode() + b"\n" + body)


def older(path):
    """Say that another release has written a file, and call its states empty."""
    believed(path)
    head, _, body = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps(json.loads(head) | {"identity": "0" * 64}).encode() + b"\n" + body)


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        older,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"[" * 100_000),
        lambda path: path.write_bytes(b"\xff\xfe\n[]"),
        lambda path: (believed(path), path.chmod(0o666)),
        lambda path: (
            believed(path),
            path.rename(path.with_suffix(".kept")),
            path.symlink_to(path.with_suffix(".kept")),
        ),
        lambda path: (path.unlink(), os.mkfifo(path)),
    ],
    ids=["flipped", "older", "empty", "cut", "deep", "bytes", "open", "link", "fifo"],
)
def test_a_file_that_is_not_sure_is_not_believed(fleet, read, damage):
    """The states are read again, and the file is written again: nothing looks clean."""
    plain = check("--cache", "kept")
    for path in sorted((fleet / "kept").iterdir()):
        damage(path)
    read.clear()
    assert check("--cache", "kept") == plain
    assert sum(read.values()) == COUNT + 1 + len(faults())
    read.clear()
    assert check("--cache", "kept") == plain
    assert sum(read.values()) == len(faults())


@pytest.mark.parametrize("mode", [0o775, 0o777, 0o1777])
def test_a_folder_that_others_can_write_is_refused(fleet, mode):
    """Exit code 2: an entry of theirs could make a state look clean."""
    (fleet / "kept").mkdir()
    (fleet / "kept").chmod(mode)
    code, out, _ = check("--cache", "kept")
    assert (code, out) == (1, "")
    ran = CliRunner().invoke(build(), ["check", "--states", "fleet", "--cache", "kept"])
    assert "others can write into this folder" in str(ran.exception)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("fleet/kept", "is below a source"),
        ("s3://b/key", "is no prefix"),
        ("/dev/null/kept", "cannot be the folder"),
    ],
)
def test_what_is_no_place_for_a_cache(fleet, given, word):
    """A folder among the states, one object, and what is no folder."""
    ran = CliRunner().invoke(build(), ["check", "--states", "fleet", "--cache", given])
    assert word in str(ran.exception)
    assert not ran.stdout


def test_a_cache_is_of_one_policy(fleet, read):
    """Other tags are other entries: the first run did not keep them."""
    check("--cache", "kept")
    write(
        fleet / "tags.toml", '[[scope]]\nname = "x"\ntags = { cost = "a" }\nthreshold_days = 20\n'
    )
    read.clear()
    check("--cache", "kept", "--policy", "tags.toml")
    assert sum(read.values()) == COUNT + 1 + len(faults())


class Memory:
    """A place in memory, as two runs share it."""

    def __init__(self):
        self.files = {}

    def read(self, name):
        """Return a file."""
        return self.files.get(name)

    def write(self, name, data):
        """Write a file."""
        self.files[name] = data


def item(name, version="1"):
    """Return an item."""
    return Item(f"s3://b/{name}", name, 10, True, 0, version)


def opened(place, today=20_000):
    """Return a loaded cache."""
    made = FleetCache(place, (), today=today)
    made.load()
    return made


def test_two_runs_at_once_lose_nothing(fleet):
    """Both load, both save: each keeps the entries of the other."""
    place = Memory()
    one, two = opened(place), opened(place)
    for number in range(100):
        (one if number % 2 else two).keep([item(f"{number}")], BatchRead(read=1))
    one.save()
    two.save()
    after = opened(place)
    assert all(after.find(item(f"{number}"), BatchRead()) for number in range(100))


def test_entries_that_nobody_uses_are_dropped():
    """After thirty days; an entry that is used stays, and is seldom written again."""
    place = Memory()
    first = opened(place)
    first.keep([item("used"), item("unused")], BatchRead(read=2))
    first.save()
    for day in range(1, 40):
        again = opened(place, 20_000 + day)
        before = dict(place.files)
        assert again.find(item("used"), BatchRead())
        again.keep([item(f"new{day}")] if day == 39 else [], BatchRead())
        again.save()
        assert (place.files == before) == (day % 8 != 0 and day != 39)
    for day in range(40, 60):
        again = opened(place, 20_000 + day)
        again.keep([item(f"more{day}-{number}") for number in range(40)], BatchRead())
        again.save()
    last = opened(place, 20_060)
    assert last.find(item("used"), BatchRead())
    assert not last.find(item("unused"), BatchRead())


def test_another_version_of_an_item_is_another_entry():
    """Version, size and name belong to the entry; without a version there is none."""
    place = Memory()
    first = opened(place)
    first.keep([item("a"), item("b", "")], BatchRead(read=2))
    first.save()
    again = opened(place)
    assert again.find(item("a"), BatchRead())
    assert not again.find(item("a", "2"), BatchRead())
    assert not again.find(item("b", ""), BatchRead())
    assert not again.find(Item("s3://b/a", "a", 11, True, 0, "1"), BatchRead())
    assert not again.find(item("c"), BatchRead())


def test_all_of_a_state_comes_back_and_no_secret():
    """Modules, keys, tags, trust stores, two kinds of stages; nothing of other attributes."""
    secret = "hunter2"
    names = [
        {**certificate("c1", tags={"team": "a", "password": secret}), "module": 'module.a["b.c"]'},
        {**stage("api", "c1"), "module": "module.a[0].module.b"},
        resource("aws_apigatewayv2_stage", "ws", {"api_id": "w", "name": "live"}),
        resource("aws_s3_object", "bundle", {"bucket": "b", "key": "k", "content": secret}),
        resource("aws_acm_certificate", "acm", {"arn": "arn:aws:acm:x:1:certificate/y"}),
        resource("aws_db_instance", "db", {"password": secret}),
    ]
    text = state(names).encode()
    read = read_batch([item("a")], lambda _: text, ("team",))
    assert read.documents[0].stages
    place = Memory()
    first = opened(place)
    first.keep([item("a")], read)
    first.save()
    found = BatchRead()
    assert opened(place).find(item("a"), found)
    assert (found.documents, found.read) == (read.documents, 1)
    assert secret.encode() not in b"".join(place.files.values())


def test_a_plan_is_always_read(fixtures):
    """A cache has states only."""
    path = next(iter(sorted(fixtures.rglob("plan.json"))))
    read = read_batch([item("a")], lambda _: path.read_bytes(), ())
    assert read.documents[0].plan is not None
    place = Memory()
    first = opened(place)
    first.keep([item("a")], read)
    first.save()
    assert place.files == {}


@pytest.fixture
def bucket(monkeypatch):
    """Run a bucket that takes objects too."""
    pytest.importorskip("obstore")
    made = Bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.server.server_port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("checker.fleet.stores.RETRY_SECONDS", 3)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_bucket_of_states_with_its_cache_in_a_bucket(bucket):
    """Only the cache and what has changed are read; what changes after its listing is not kept."""
    arguments = ("--cache", "s3://fleet/cache/")
    source = "s3://fleet/p/"
    plain = check(source=source)
    first = bucket.objects["p/03.tfstate"]
    bucket.objects["p/04.tfstate"] = state(other()).encode()
    assert check(*arguments, source=source)[0] == 0
    bucket.read.clear()
    bucket.objects["p/03.tfstate"] = state(due(3)).encode()
    code, out, _ = check(*arguments, source=source)
    assert [key for key in bucket.read if key.startswith("p/")] == ["p/03.tfstate"]
    assert (code, "c00003" in out) == (1, True)
    # The listing is of the state that is due, and the read of the one before.
    bucket.answer = lambda key: (200, first) if key == "p/03.tfstate" else None
    bucket.objects["p/03.tfstate"] = state(due(3, "2026-12-02T00:00:00Z")).encode()
    check(*arguments, source=source)
    bucket.answer = lambda _: None
    assert check(*arguments, source=source)[0] == 1
    assert plain[0] == 0


def test_a_cache_that_denies_access_is_a_warning(bucket):
    """The states are read, the exit code is that of the run."""
    bucket.answer = lambda key: (
        (403, b"<Error><Code>AccessDenied</Code></Error>") if key.startswith("cache/") else None
    )
    code, out, error = check("--cache", "s3://fleet/cache/", source="s3://fleet/p/")
    assert (code, len(json.loads(out)["sources"])) == (0, COUNT)
    assert error.count("the cache") == 1
