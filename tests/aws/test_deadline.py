"""Time limits for answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from checker.aws.deadline import OverdueError, TimeBudget, start_thread, wait_for_result


def test_patience_ends_after_its_seconds_and_stays_ended():
    """A time budget ends after its seconds, and the rest is never negative."""
    now = [100.0]
    budget = TimeBudget(20, clock=lambda: now[0])
    assert budget.left() == 20
    now[0] += 19
    assert budget.left() == 1
    now[0] += 5
    assert budget.left() == 0


def test_quick_answers_renew_patience_and_slow_ones_use_it_up():
    """Quick answers renew the budget; slow ones use it up."""
    now = [0.0]
    budget = TimeBudget(20, clock=lambda: now[0])
    for _ in range(1000):
        now[0] += 0.1
        budget.answered()
        assert budget.left() == pytest.approx(20)

    answers = 0
    while budget.left():
        now[0] += 19
        budget.answered()
        answers += 1
    assert answers == 2


def test_the_result_or_the_exception_of_the_work_comes_back():
    """The result or the exception of the work is returned, also a TimeoutError of its own."""
    assert wait_for_result(TimeBudget(5), start_thread(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        wait_for_result(TimeBudget(5), start_thread(lambda: 1 // 0))
    with pytest.raises(TimeoutError):
        wait_for_result(TimeBudget(5), start_thread(_times_out))


def _times_out():
    raise TimeoutError


def test_work_that_does_not_end_is_overdue():
    """Waiting for endless work ends with OverdueError."""
    over = threading.Event()
    with pytest.raises(OverdueError):
        wait_for_result(TimeBudget(0.05), start_thread(lambda: over.wait(20)))
    over.set()


HUNG = """
import os, socket, sys, threading, time
from checker.model.observation import CertificateKey
from checker.model.places import Place
from checker.aws import Connection, observe
server = socket.create_server(("127.0.0.1", 0))
os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}"
def drip():
    connection, _ = server.accept()
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 9999\\r\\n\\r\\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)
for _ in range(4):
    threading.Thread(target=drip, daemon=True).start()
key = CertificateKey(id="abc123", place=Place("aws", "123456789012", "us-east-1"))
print("asking", flush=True)
try:
    print(observe([key], [key.place], [], connection=Connection(timeout=float(sys.argv[1]))), flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_server_that_never_answers_does_not_keep_the_process_from_ending():
    """Threads that wait for a silent server do not keep the process from ending."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", HUNG, "0.5"], capture_output=True, text=True, timeout=30, check=True
    )

    assert "Unanswered" in done.stdout
    assert done.stderr == ""
    assert time.monotonic() - began < 20


def test_an_interrupt_ends_every_wait_at_once_and_leaves_the_rest_unanswered():
    """Ctrl-C ends all waits at once, and open questions are unanswered, not gone."""
    child = subprocess.Popen(
        [sys.executable, "-c", HUNG, "50"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout.readline() == "asking\n"
        time.sleep(0.5)
        os.kill(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=20)
    finally:
        child.kill()
    assert out.count("Unanswered(") == 2
    assert out.count("was interrupted before it was answered") == 2
    assert "interrupted=True" in out
    assert err == ""
    assert child.returncode == 0
