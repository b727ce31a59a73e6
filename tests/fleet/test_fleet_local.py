"""`check --states` with local folders: each due certificate is found, and each unread state is
named.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from states import AS_OF, DUE, LATER, certificate, due, faults, other, stage, state, write

ROOT = Path(__file__).resolve().parents[2]


def check(tfcert, *arguments, stdin=b"", cwd=None):
    """Check a fleet offline; return the exit code, the JSON and stderr."""
    done = tfcert(
        "check", "--states", *arguments, "--offline", "--as-of", AS_OF, "--format", "json",
        stdin=stdin, cwd=cwd,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode()


def found(report, rule="certificate-expiring"):
    """Return the certificate ids of a rule's findings."""
    return sorted(each["certificate_id"] for each in report["findings"] if each["rule"] == rule)


def unread(report):
    """Return the names of unread sources, each with its message."""
    return {
        each["message"].partition(" could not be read: ")[0]: each["message"]
        for each in report["findings"]
        if " could not be read: " in each["message"]
    }


def test_every_state_below_a_folder_is_judged_by_itself(tfcert, tmp_path):
    """Every state and plan below a folder is checked, also in gzip, and unrelated ones are not
    kept.
    """
    write(tmp_path / "fleet/a/terraform.tfstate", state(due(1)))
    write(tmp_path / "fleet/b/c/prod.tfstate", state(due(2)))
    write(tmp_path / "fleet/z.tfstate.gz", gzip.compress(state(due(3)).encode()))
    write(tmp_path / "fleet/state.json", state(due(4)))
    write(tmp_path / "fleet/azure.tfstateenv:stage", state(due(5)))
    write(tmp_path / "fleet/none.tfstate", state(other()))
    write(tmp_path / "fleet/later.tfstate", state(due(6, LATER)))
    write(tmp_path / "fleet/package.json", '{"name": "x", "version": "1.0.0"}')
    write(tmp_path / "fleet/list.json", "[1, 2]")
    write(tmp_path / "fleet/main.tf", "")
    code, report, _ = check(tfcert, "fleet")
    assert code == 1
    assert found(report) == ["c00001", "c00002", "c00003", "c00004", "c00005"]
    assert unread(report) == {}
    paths = [each["path"] for each in report["sources"]]
    assert paths == sorted(paths)
    assert "fleet/none.tfstate" not in paths
    assert report["notices"][0] == (
        "7 states and plans were read below 1 source, 6 of them with stages or client "
        "certificates; left out: 1 file of another name, 2 JSON files of another kind"
    )


def test_backups_locks_and_old_versions_are_counted(tfcert, tmp_path):
    """Backups, locks and old versions are counted and not read, even with --include."""
    for name in (
        "terraform.tfstate.backup", "x.tfstate.1700000000.backup", "x.tfstate.bak", "x.tfstate~",
        "x.tfstate.old", ".terraform.tfstate.lock.info", "default.tflock",
    ):  # fmt: skip
        write(tmp_path / "fleet" / name, state(due(9)))
    write(tmp_path / "fleet/.terraform/terraform.tfstate", '{"version": 3, "backend": {}}')
    write(tmp_path / "fleet/one.tfstate", state(due(1)))
    code, report, _ = check(tfcert, "fleet", "--include", "*")
    assert (code, found(report), unread(report)) == (1, ["c00001"], {})
    assert report["notices"][0].endswith(
        "left out: 5 backups or old versions, 2 lock files, 1 folder of Terraform or git"
    )


def test_include_and_exclude(tfcert, tmp_path):
    """`--include` replaces the default name patterns, and `--exclude` removes files and folders."""
    write(tmp_path / "fleet/a.tfstate", state(due(1)))
    write(tmp_path / "fleet/network", state(due(2)))
    write(tmp_path / "fleet/sandbox/b.tfstate", state(due(3)))
    write(tmp_path / "fleet/x/old/c.tfstate", state(due(4)))
    assert found(check(tfcert, "fleet", "--include", "net*")[1]) == ["c00002"]
    assert found(check(tfcert, "fleet", "--exclude", "sandbox")[1]) == ["c00001", "c00004"]
    assert found(check(tfcert, "fleet", "--exclude", "x/**")[1]) == ["c00001", "c00003"]
    assert found(check(tfcert, "fleet", "--exclude", "*.tfstate", "--include", "*")[1]) == [
        "c00002"
    ]


def test_a_state_that_is_reached_twice_counts_once(tfcert, tmp_path):
    """A state that is reached twice, by sources or links, counts once."""
    one = write(tmp_path / "fleet/a/one.tfstate", state(due(1)))
    (tmp_path / "fleet/link.tfstate").symlink_to(one)
    (tmp_path / "fleet/hard.tfstate").hardlink_to(one)
    (tmp_path / "fleet/b").symlink_to(tmp_path / "fleet/a", target_is_directory=True)
    (tmp_path / "fleet/a/up").symlink_to(tmp_path / "fleet", target_is_directory=True)
    code, report, _ = check(tfcert, "fleet", "fleet/a", "fleet/a/one.tfstate")
    assert (code, len(report["sources"]), found(report)) == (1, 1, ["c00001"])


def test_every_fault_is_named_and_the_rest_is_judged(tfcert, tmp_path):
    """Each unreadable state is named, and the others are checked: exit code 3, or 1 with
    a finding.
    """
    kinds = faults()
    for name, (content, _) in kinds.items():
        write(tmp_path / "fleet" / name, content)
    write(tmp_path / "fleet/fine.tfstate", state(due(1, LATER)))
    code, report, _ = check(tfcert, "fleet")
    assert code == 3
    messages = unread(report)
    assert sorted(messages) == sorted(f"fleet/{name}" for name in kinds)
    for name, (_, word) in kinds.items():
        assert word in messages[f"fleet/{name}"], messages[f"fleet/{name}"]
    assert [each["path"] for each in report["sources"]] == ["fleet/fine.tfstate"]
    write(tmp_path / "fleet/due.tfstate", state(due(2)))
    code, report, _ = check(tfcert, "fleet")
    assert (code, found(report), len(unread(report))) == (1, ["c00002"], len(kinds))


@pytest.mark.parametrize(
    "hidden",
    [
        lambda text: text.replace("aws_api_gateway", "aws\\u005fapi\\u005fgateway").encode(),
        lambda text: text.replace("_stage", "\\u005fst\\u0061ge").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-be"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: gzip.compress(text.encode("utf-16")),
        lambda text: text.replace('"type"', '"t\\u0079pe"').encode(),
        lambda text: text.replace('"resources"', '"resour\\u0063es"').encode(),
        lambda text: json.dumps(json.loads(text), sort_keys=True).encode(),
    ],
)
def test_no_encoding_hides_a_certificate(tfcert, tmp_path, hidden):
    """A certificate is found despite JSON escapes, UTF-16, byte-order marks, gzip or another key
    order.
    """
    write(tmp_path / "fleet/one.tfstate", hidden(state([*other(), *due(1)])))
    assert found(check(tfcert, "fleet")[1]) == ["c00001"]


def test_what_may_not_be_read_is_named(tfcert, tmp_path):
    """A FIFO, a broken link and a missing source are named, and nothing blocks."""
    write(tmp_path / "fleet/fine.tfstate", state(due(1, LATER)))
    os.mkfifo(tmp_path / "fleet/pipe.tfstate")
    (tmp_path / "fleet/broken.tfstate").symlink_to(tmp_path / "nowhere")
    code, report, _ = check(tfcert, "fleet", "missing")
    assert code == 3
    assert sorted(unread(report)) == ["fleet/broken.tfstate", "fleet/pipe.tfstate", "missing"]


def test_a_source_without_a_state_is_not_clean(tfcert, tmp_path):
    """A source without any state is unverified, because its prefix may be wrong."""
    (tmp_path / "empty").mkdir()
    code, report, _ = check(tfcert, "empty")
    assert code == 3
    assert list(unread(report)) == ["empty"]


def test_sources_from_a_list(tfcert, tmp_path):
    """`--sources-from` reads lines, or with -0 NUL-separated names, from a file or stdin, in
    addition to arguments.
    """
    for number in (1, 2, 3):
        write(tmp_path / f"s/a b{number}.tfstate", state(due(number)))
    write(tmp_path / "list", "s/a b1.tfstate\r\n\ns/a b2.tfstate\n")
    assert found(check(tfcert, "--sources-from", "list")[1]) == ["c00001", "c00002"]
    listed = b"s/a b1.tfstate\0s/a b3.tfstate\0"
    code, report, _ = check(tfcert, "--sources-from", "-", "-0", "s/a b2.tfstate", stdin=listed)
    assert (code, found(report)) == (1, ["c00001", "c00002", "c00003"])
    code, _, err = check(tfcert, "--sources-from", "-", stdin=listed)
    assert (code, "give -0" in err) == (2, True)
    code, _, err = check(tfcert, "--sources-from", "-", stdin=b"\n")
    assert (code, "names no source" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["check", "--sources-from", "x", "fleet"], "give --states too"),
        (["check", "--include", "*", "fleet"], "give --states too"),
        (["scan", "--exclude", "*", "fleet"], "give --states too"),
        (["check", "-0", "fleet"], "give --states too"),
        (["check", "--states", "--recursive", "fleet"], "contradict"),
        (["check", "--states", "--config", "fleet", "fleet"], "no configuration"),
        (["check", "--states", "-"], "--sources-from -"),
        (["check", "--states", "-0", "fleet"], "--sources-from"),
        (["check", "--states", "ftp://x/y/"], "s3://BUCKET/PREFIX/"),
        (["check", "--states", "s3://"], "s3://BUCKET/PREFIX/"),
        (["check", "s3://bucket/prefix/", "--offline"], "give --states"),
    ],
)
def test_wrong_usage_is_refused(tfcert, tmp_path, arguments, word):
    """Wrong usage is one error line with the correction."""
    (tmp_path / "fleet").mkdir()
    done = tfcert(*arguments)
    assert (done.returncode, word in done.stderr.decode()) == (2, True), done.stderr


def test_a_report_does_not_replace_a_state(tfcert, tmp_path):
    """A report never replaces a state of the fleet, and does replace an older report."""
    kept = write(tmp_path / "fleet/deep/one.json", state(other()))
    write(tmp_path / "fleet/two.tfstate", state(due(2)))
    before = kept.read_bytes()
    done = tfcert("check", "--states", "fleet", "--offline", "--format", f"json={kept}")
    assert (done.returncode, kept.read_bytes() == before) == (2, True)
    report = tmp_path / "fleet/report.json"
    for _ in range(2):
        done = tfcert(
            "check", "--states", "fleet", "--offline", "--as-of", AS_OF, "--format",
            f"json={report}",
        )  # fmt: skip
        assert done.returncode == 1, done.stderr


def test_the_result_does_not_depend_on_who_reads(tmp_path, monkeypatch):
    """One process and several workers give the same inventory."""
    from checker.fleet import collect as module
    from checker.fleet.listing import FleetListing
    from checker.fleet.selection import NameSelection
    from checker.fleet.sources import LocalSource

    for number in range(200):
        resources = due(number) if number % 7 == 0 else other()
        write(tmp_path / f"fleet/{number % 10}/{number}.tfstate", state(resources))
    for name, (content, _) in faults().items():
        write(tmp_path / "fleet" / name, content)
    monkeypatch.setattr(module, "_ALONE_BYTES", 0)
    monkeypatch.setattr(module, "_BATCH_FILES", 16)
    results = []
    for processes in (1, 2, 3):
        listing = FleetListing(NameSelection())
        watch = Watch()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        found = module.collect(
            listing.local(LocalSource(str(tmp_path / "fleet"))),
            listing,
            remote=None,
            tags=("owner",),
            environment=environment,
            watch=watch,
            processes=processes,
        )
        assert watch.done == watch.expected == 200 + len(faults())
        results.append(found)
    assert results[0] == results[1] == results[2]
    assert (len(results[0].documents), len(results[0].unread)) == (29, len(faults()))


class Watch:
    """A watch that counts its calls."""

    def __init__(self):
        self.expected = self.done = 0

    def expect(self, count):
        """Add to the total."""
        self.expected += count

    def advance(self, count):
        """Add to the done count."""
        self.done += count

    def listed(self):
        """Ignore the end of the listing."""

    def tick(self):
        """Ignore a tick."""


def test_a_file_that_kills_its_reader_is_named(tmp_path, monkeypatch):
    """A file that crashes its worker process is named, and the other files of its batch
    are read.
    """
    from checker.fleet.read import Item
    from checker.fleet.workers import ReaderProcess

    shim = tmp_path / "shim/sitecustomize.py"
    write(
        shim,
        "import checker.fleet.read as read, os\n"
        "plain = read.read_batch\n"
        "def deadly(items, *more):\n"
        "    if any('deadly' in item.path for item in items): os._exit(9)\n"
        "    return plain(items, *more)\n"
        "read.read_batch = deadly\n",
    )
    items = []
    for name in ("a", "deadly", "z"):
        path = write(tmp_path / f"{name}.tfstate", state(due(1)))
        items.append(Item(str(path), str(path), 10, True))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(shim.parent), str(ROOT)])}
    read = ReaderProcess(environment, ())
    try:
        result = read(items)
    finally:
        read([])
    assert (result.read, [each.path for each in result.unread]) == (2, [items[1].path])
    assert "was killed" in result.unread[0].reason


def test_worker_processes_end_with_the_run():
    """A worker process ends when its standard input ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "checker.fleet.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    process.stdin.close()
    assert process.wait(timeout=20) == 0


def test_what_leaves_a_worker_is_small_and_has_no_secret():
    """A worker's result is small, has no unneeded attribute, and is equal after pickling."""
    import pickle

    from checker.fleet.read import Item, read_batch

    secret = "hunter2-" * 1000
    text = state([*due(1), *other(), certificate("c2", DUE, name="b", tags={"password": secret})])
    result = read_batch([Item("x", "x", 1, True)], lambda _: text.encode(), ())
    data = pickle.dumps(result.documents)
    assert pickle.loads(data) == result.documents
    assert b"hunter2" not in data
    assert len(data) < 6000


def test_nothing_of_another_kind_is_kept():
    """A state with only an unused ACM certificate is read and not kept."""
    from states import resource

    from checker.fleet.read import Item, read_batch

    text = state([resource("aws_acm_certificate", "x", {"arn": "arn:aws:acm:x:1:certificate/y"})])
    result = read_batch([Item("x", "x", 1, True)], lambda _: text.encode(), ())
    assert (result.documents, result.read, result.unread) == ([], 1, [])


def test_the_way_of_a_stage_without_its_certificate(tfcert, tmp_path):
    """A stage and its certificate in two states are both checked."""
    write(tmp_path / "fleet/certs.tfstate", state([certificate("c1")]))
    write(tmp_path / "fleet/apis.tfstate", state([stage("api1", "c1")]))
    code, report, _ = check(tfcert, "fleet")
    assert code in (1, 3)
    assert len(report["sources"]) == 2
