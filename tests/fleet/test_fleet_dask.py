"""`--dask`: the same bytes whoever reads, and no wrong word whichever process is killed.

One cluster for this file: a scheduler and workers as an operator starts them, over TLS.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from uuid import uuid4

import pytest
from bucket import Bucket
from states import AS_OF, due, faults, other, state, write

if "CI" not in os.environ:
    pytest.importorskip("distributed", reason="pip install 'tfcert[fleet]'")

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
# In a worker, a file `deadly` kills the first that takes it, `slow` is waited for, and `late` and
# `older` change what the worker says of its version.
SHIM = """
import importlib.metadata, os, signal, time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
here = Path(os.environ["SIGNS"])
if os.environ.get("OTHER"):
    plain_version = importlib.metadata.version
    def version(name):
        late = (here / "late").exists()
        return plain_version(name) if name != "tfcert" or late else "0.0.9"
    importlib.metadata.version = version
    import checker.fleet.task as task
    task.own_version = lambda: "0.0.9"
import checker.fleet.read as read
plain = read.read_batch
def read_batch(items, *more):
    if items:
        try:
            (here / "deadly").unlink()
        except FileNotFoundError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
        end = time.monotonic() + 50
        run = (here / "slow").read_text() if (here / "slow").exists() else ""
        while run and (here / "slow").read_text() == run and time.monotonic() < end:
            (here / run).write_text(str(os.getpid()))
            time.sleep(0.05)
    return plain(items, *more)
read.read_batch = read_batch
"""


class Cluster:
    """A scheduler and workers, and the environment for connecting to it."""

    def __init__(self, folder):
        self.folder = folder
        self.signs = folder / "signs"
        self.signs.mkdir()
        write(folder / "shim/sitecustomize.py", SHIM)
        from distributed import Security

        made = Security.temporary().get_tls_config_for_role("client")
        parts = {"ca-file": made["ca_file"], "cert": made["cert"], "key": made["key"]}
        for name, text in parts.items():
            write(folder / name, text)
        self.options = [f"--tls-{name}={folder / name}" for name in parts]
        tls = "DASK_DISTRIBUTED__COMM__TLS__"
        self.environment = {
            f"{tls}CA_FILE": str(folder / "ca-file"),
            f"{tls}CLIENT__CERT": str(folder / "cert"),
            f"{tls}CLIENT__KEY": str(folder / "key"),
        }
        self.processes = []
        self.scheduler = self.start(
            "scheduler", "--port", "0", "--protocol", "tls", "--scheduler-file", folder / "file"
        )
        self.address = json.loads(wait((folder / "file").read_text))["address"]

    def start(self, *arguments, **environment):
        """Start a scheduler or a worker."""
        command = [sys.executable, "-P", "-m", "dask", *map(str, arguments)]
        command += ["--host", "127.0.0.1", "--no-dashboard", *self.options]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=worker_environment(self.folder, **environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def worker(self, **environment):
        """Start a worker; it ends if the scheduler does."""
        return self.start(
            "worker", "--scheduler-file", self.folder / "file", "--nthreads", "1", "--no-nanny",
            "--death-timeout", "30", "--local-directory", self.folder / "scratch", **environment,
        )  # fmt: skip

    def close(self):
        """End what was started."""
        for process in self.processes:
            process.kill()
            process.wait(SECONDS)


def worker_environment(folder, **more):
    """Return the environment of a worker with the shim."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder / "shim"), str(ROOT)]),
        "SIGNS": str(folder / "signs"),
        **more,
    }


def wait(look):
    """Wait until something is there, and return it."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            found = look()
        except (OSError, ValueError):
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it took too long")


@pytest.fixture(scope="module")
def bucket():
    """Run the bucket that the workers read."""
    made = Bucket()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, bucket):
    """Run the cluster of this file; its workers have credentials of their own."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        for _ in range(2):
            made.worker(**of_bucket(bucket, "WORKERS"))
        yield made
    finally:
        made.close()


def of_bucket(bucket, key):
    """Return the environment for reading the bucket with an access key."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{bucket.server.server_port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Write six hundred states, some of them due, and files with every fault."""
    folder = tmp_path_factory.mktemp("fleet")
    for number in range(600):
        resources = due(number) if number % 40 == 0 else other(1)
        write(folder / f"fleet/{number % 7}/{number}.tfstate", state(resources))
    for name, (content, _) in faults().items():
        write(folder / "fleet" / name, content)
    return folder


def arguments(*more, source="fleet", form="json"):
    """Return the arguments of a check of the fleet."""
    return (
        "check", "--states", source, "--offline", "--as-of", AS_OF, "--format", form, *more,
    )  # fmt: skip


@pytest.fixture
def alone(tfcert, fleet):
    """Run the check in one process."""
    done = tfcert(*arguments(), cwd=fleet)
    assert (done.returncode, done.stderr) != (2, b"")
    return done


def test_the_same_bytes_whoever_reads(tfcert, fleet, cluster, alone):
    """One process, two and four workers here, two elsewhere, and one of them killed on the way."""
    for count in (2, 4):
        done = tfcert(*arguments("--dask", f"local:{count}"), cwd=fleet)
        assert (done.stdout == alone.stdout, done.returncode) == (True, alone.returncode), count
    environment = cluster.environment
    for deadly in (False, True):
        if deadly:
            (cluster.signs / "deadly").touch()
        done = tfcert(*arguments("--dask", cluster.address), cwd=fleet, environment=environment)
        assert (done.stdout == alone.stdout, done.stderr) == (True, alone.stderr)
        dead = [each for each in cluster.processes if each.poll() is not None]
        assert [each.returncode for each in dead] == ([-signal.SIGKILL] if deadly else [])


@pytest.mark.parametrize(("given", "caller"), [("own", "WORKERS"), ("forward", "DRIVERS")])
def test_whose_credentials_read_a_bucket(tfcert, tmp_path, cluster, bucket, given, caller):
    """The workers' own, or those of the run; the states are the same."""
    bucket.callers.clear()
    done = tfcert(
        *arguments(
            "--dask", cluster.address, "--worker-credentials", given, source="s3://fleet/p/"
        ),
        cwd=tmp_path,
        environment={**cluster.environment, **of_bucket(bucket, "DRIVERS")},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (len(report["sources"]), bucket.callers) == (40, {caller})


def test_a_worker_of_another_version_is_named(tfcert, fleet, cluster):
    """At the start, and if it only says so with its first task: exit code 2, no report."""
    other_worker = cluster.worker(OTHER="1")
    try:
        for late in (False, True):
            if late:
                (cluster.signs / "late").touch()
            # The worker takes a while to join.
            done = wait(lambda: refused(tfcert, fleet, cluster))
            error = done.stderr.decode()
            assert "have another tfcert than this one" in error
            assert "tls://127.0.0.1:" in error
            assert "has 0.0.9" in error
            assert (done.stdout, error.count("\n")) == (b"", 1)
    finally:
        other_worker.kill()
        other_worker.wait(SECONDS)


def refused(tfcert, fleet, cluster):
    """Return a run that ends with exit code 2, or None."""
    done = tfcert(*arguments("--dask", cluster.address), cwd=fleet, environment=cluster.environment)
    return done if done.returncode == 2 else None


def started(cluster, fleet, dask, **environment):
    """Start a run whose reading waits; return it and the pid of one worker."""
    run = uuid4().hex
    # A worker that an earlier run left in the middle of a task goes on.
    write(cluster.signs / "slow", run)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "checker", *arguments("--dask", dask)],
        cwd=fleet,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(fleet), "PYTHONPATH": str(ROOT),
             **cluster.environment, **environment},
    )  # fmt: skip
    return process, int(wait((cluster.signs / run).read_text))


def below(pid):
    """Return a process and all that it started, directly or not."""
    parents = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(each.parent.name)] = int(each.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, size = {pid}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found


def is_alive(pid):
    """Return whether a process runs; one that waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_run_leaves_nothing_behind(fleet, cluster):
    """kill -9 of the run: scheduler and workers of `--dask local` end, in the middle of a task."""
    process, worker = started(
        cluster, fleet, "local:1",
        **{name: text for name, text in worker_environment(cluster.folder).items()
           if name in {"PYTHONPATH", "SIGNS"}},
    )  # fmt: skip
    family = below(process.pid)
    assert worker in family
    process.kill()
    process.communicate(timeout=SECONDS)
    wait(lambda: not any(map(is_alive, family)))


def test_ctrl_c_ends_a_run_on_a_cluster(fleet, cluster):
    """Exit code 130, at once though no worker answers; what was not read is named."""
    process, _ = started(cluster, fleet, cluster.address)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, err
    assert "the run was interrupted" in out.decode()
    assert b"Traceback" not in err


def test_a_killed_scheduler_is_one_error(fleet, cluster):
    """Exit code 2, one line, no report: nothing is called clean. This ends the cluster."""
    process, _ = started(cluster, fleet, cluster.address)
    cluster.scheduler.kill()
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (2, b""), err
    assert err.decode() == (
        f"tfcert: error: {cluster.address}: the connection to the Dask scheduler was lost "
        "(run it again when it answers; nothing was judged)\n"
    )


def test_no_scheduler_is_one_error(fleet, cluster, monkeypatch):
    """Nothing listens there: exit code 2 by the time limit of the connection."""
    from checker.errors import UsageError
    from checker.fleet import dask_engine

    monkeypatch.setattr(dask_engine, "_CONNECT", 0.5)
    with pytest.raises(UsageError, match="no Dask scheduler answers there"):
        dask_engine.connect("tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (["--dask", "local:0"], "needs a worker"),
        (["--dask", "nowhere"], "is no address"),
        (["--dask", "tcp://h:1", "--worker-credentials", "forward"], "only sent over TLS"),
        (["--dask", "tcp://h:1", "--worker-credentials", "mine"], "neither own nor forward"),
        (["--worker-credentials", "own"], "give --dask too"),
    ],
)
def test_what_is_refused(tfcert, tmp_path, given, word):
    """Before anything is read or started."""
    done = tfcert(*arguments(*given), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert word in done.stderr.decode()


def test_a_file_that_a_worker_does_not_see_is_named(tmp_path):
    """It is missing there, or is another one of that name: it is not read, and never clean."""
    from checker.cli.fleet.worker import read_task
    from checker.fleet.read import Item
    from checker.fleet.task import ReadTask, WorkerSettings
    from checker.fleet.versions import file_version

    settings = WorkerSettings(
        run="1", tags=(), stores=(), timeout=1.0, profile=None, role_arn=None, region=None,
        compared=True,
    )  # fmt: skip
    same, changed = (write(tmp_path / f"{name}.tfstate", state(other())) for name in "ab")
    items = [
        Item(str(path), str(path), path.stat().st_size, True, version=file_version(path.stat()))
        for path in (same, changed)
    ]
    os.utime(changed, ns=(0, 0))
    items.append(Item("c", str(tmp_path / "c"), 3, True, version="1:1:1"))
    result = read_task(ReadTask(settings=settings, items=tuple(items)))
    assert (result.read, [each.path for each in result.unread]) == (1, [str(changed), "c"])
    assert "another file of this name" in result.unread[0].reason
    assert "cannot read it: No such file" in result.unread[1].reason


def test_no_log_shows_the_credentials_of_a_task():
    """Dask logs the arguments of a task that fails."""
    from datetime import UTC, datetime

    from checker.fleet.stores import S3Keys
    from checker.fleet.task import ForwardedAccess, ReadTask, WorkerSettings, pack

    settings = WorkerSettings(
        run="1", tags=(), stores=(), timeout=1.0, profile=None, role_arn=None, region=None,
        compared=True,
    )  # fmt: skip
    keys = S3Keys(key="AKIA", secret="hunter2", token="hunter3", until=datetime.now(UTC))
    access = ForwardedAccess(places={}, keys={"us-east-1": keys})
    parcel = pack(ReadTask(settings=settings, items=(), access=access))
    assert "hunter" not in repr(parcel) + str([parcel])


def test_a_cluster_of_this_machine_shows_nothing_and_leaves_nothing(tmp_path):
    """No page of Dask's web servers is there for other users, and no file stays behind."""
    import psutil

    from checker.cli.children import own_environment
    from checker.fleet.local_cluster import LocalDask

    (tmp_path / "plain").mkdir()
    environment = own_environment({**os.environ, "TMPDIR": str(tmp_path / "plain")})
    here = psutil.Process()
    before = here.children(recursive=True)
    cluster = LocalDask(1, environment)
    try:
        ports = {
            each.laddr.port
            for process in here.children(recursive=True)
            if process not in before
            for each in process.net_connections()
            if each.status == psutil.CONN_LISTEN
        }
        found = {port: [status_of(port, page) for page in PAGES] for port in ports}
    finally:
        cluster.close()
    # The others are the sockets of the scheduler and the workers, which speak TLS.
    assert [404] * len(PAGES) in found.values()
    assert all(each in ([404] * len(PAGES), [None] * len(PAGES)) for each in found.values()), found
    assert not list((tmp_path / "plain").iterdir())


PAGES = ("/health", "/metrics", "/json/identity.json", "/info/main/workers.html")


def status_of(port, page):
    """Return the HTTP status of a page; None if the port does not answer in HTTP."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", page)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
