"""Tests of the start and stop of the emulator, which leaves nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError

from checker.demo.emulator import Emulator, Hang, SeedApi, SeedCertificate, access_denied
from checker.errors import UsageError


def test_each_emulator_starts_empty():
    """Each emulator of a process starts empty, without the accounts, faults, clock or calls of the
    one before.
    """
    for _ in range(3):
        with Emulator() as aws:
            assert aws.calls() == ()
            assert aws.client("apigateway").get_client_certificates()["items"] == []
            assert aws.client("apigateway").get_rest_apis()["items"] == []
            aws.seed(SeedCertificate(), SeedApi(id="orders"))
            aws.clock.advance(days=5)
            aws.faults.inject("*", access_denied())


def test_one_object_can_be_started_again():
    """An emulator that was stopped can be started again and is empty, and a second stop does no
    harm.
    """
    aws = Emulator()
    for _ in range(2):
        aws.start()
        aws.seed(SeedCertificate(id="abc123"))
        aws.answer_delete_in_use("allow")
        aws.stop()
        aws.stop()
    with aws:
        assert aws.client("apigateway").get_client_certificates()["items"] == []


def test_two_at_once_are_refused():
    """A second emulator in one process is refused, because both would share their accounts, and the
    first one still works.
    """
    with Emulator() as aws:
        with pytest.raises(UsageError, match="another emulator"):
            Emulator().start()
        assert aws.client("sts").get_caller_identity()["Account"]


def test_it_listens_on_the_loopback_address_alone_and_stops():
    """The endpoint listens on 127.0.0.1 only, and after the stop the port is closed."""
    with Emulator() as aws:
        address = urlsplit(aws.endpoint)
        assert address.hostname == "127.0.0.1"
        socket.create_connection(("127.0.0.1", address.port), timeout=5).close()
        with pytest.raises(OSError, match=r"refused|assign|unreachable"):
            socket.create_connection(("127.0.0.2", address.port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", address.port), timeout=5).close()
    with pytest.raises(UsageError, match="does not run"):
        _ = aws.endpoint


def test_a_hung_call_ends_with_the_emulator():
    """A stop ends a hung call at once and leaves no thread of the emulator."""
    outcome = []
    aws = Emulator()
    aws.start()
    aws.faults.inject("GetRestApis", Hang())
    client = aws.client("apigateway")

    def call():
        try:
            client.get_rest_apis()
        except BotoCoreError as error:
            outcome.append(type(error).__name__)

    caller = threading.Thread(target=call)
    caller.start()
    until = time.monotonic() + 20
    while not aws.calls() and time.monotonic() < until:
        time.sleep(0.01)
    began = time.monotonic()
    aws.stop()
    caller.join(10)
    assert time.monotonic() - began < 20
    assert outcome == ["ConnectionClosedError"]
    assert not [thread for thread in threading.enumerate() if thread.name == "tfcert-emulator"]


def test_a_silent_caller_is_hung_up_on():
    """A stop closes the connection of a caller that has sent nothing yet."""
    with Emulator() as aws:
        silent = socket.create_connection(("127.0.0.1", urlsplit(aws.endpoint).port), timeout=10)
        aws.client("sts").get_caller_identity()  # the earlier connection now has a thread
    with silent:
        assert silent.recv(1) == b""


def test_a_start_that_fails_leaves_room_for_another(monkeypatch):
    """After a failed start, the next emulator is not refused as a second one."""

    def fail(*_):
        raise OSError("no port is free")

    with monkeypatch.context() as broken:
        broken.setattr("checker.demo.emulator.server.Server.__init__", fail)
        with pytest.raises(OSError, match="no port"):
            Emulator().start()
    with Emulator() as aws:
        assert aws.endpoint


def test_importing_it_does_nothing():
    """The import of the emulator loads neither moto nor boto3, starts no thread and
    writes nothing.
    """
    script = (
        "import sys, threading, checker.demo.emulator\n"
        "loaded = {'moto', 'boto3', 'botocore', 'flask', 'werkzeug', 'cryptography'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "assert threading.active_count() == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_writes_nothing(capfd):
    """The emulator prints nothing while it answers or refuses calls."""
    with Emulator() as aws:
        aws.client("sts").get_caller_identity()
        aws.faults.inject("GetRestApis", access_denied())
        for service, operation in (
            ("apigateway", "get_rest_apis"),
            ("apigateway", "get_sdk_types"),
        ):
            with pytest.raises(Exception, match=r"AccessDenied|NotImplemented"):
                getattr(aws.client(service), operation)()
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_missing_extra_is_named(monkeypatch):
    """Without moto, the error names the extra to install, and a later start is not refused."""
    for name in [name for name in sys.modules if name.startswith("checker.demo.emulator.server")]:
        monkeypatch.delitem(sys.modules, name)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "moto.moto_server.werkzeug_app", None)
        with pytest.raises(UsageError, match=r"tfcert\[demo\]"):
            Emulator().start()
    with Emulator() as aws:
        assert aws.endpoint


def test_the_environment_of_a_child_leads_to_the_emulator():
    """A child process with the emulator's environment calls the emulator, and none of the parent's
    settings lead elsewhere.
    """
    base = {
        "PATH": os.defpath,
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "real",
        "HTTPS_PROXY": "http://proxy.example.com",
        "http_proxy": "http://proxy.example.com",
        "TF_CLI_ARGS_plan": "-refresh=false",
        "TF_VAR_name": "kept",
    }
    with Emulator() as aws:
        child = aws.environment(base, region="eu-west-1")
        script = (
            "import boto3, json\n"
            "sts = boto3.client('sts')\n"
            "print(sts.get_caller_identity()['Account'], boto3.session.Session().region_name)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=child,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout.split(), done.stderr) == (["123456789012", "eu-west-1"], "")
        assert child["AWS_ENDPOINT_URL"] == aws.endpoint
    assert child.keys() & base.keys() == {"PATH", "TF_VAR_name"}


def test_a_client_reads_nothing_of_the_surroundings(monkeypatch):
    """The emulator's own clients work even if the environment names a missing profile, proxy or
    endpoint.
    """
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "stale")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with Emulator() as aws:
        assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
