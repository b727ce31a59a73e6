"""The request quota that is shared with Terraform."""

from __future__ import annotations

from threading import Thread

from checker.aws.session import RequestPace


class Time:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def test_a_burst_goes_at_once_and_what_follows_at_nine_a_second():
    """A burst of thirty requests does not wait; the next go at nine a second."""
    time = Time()
    pace = RequestPace(clock=time.clock, sleep=time.sleep)

    for _ in range(30):
        pace.wait()
    assert time.slept == []
    for _ in range(90):
        pace.wait()

    assert abs(time.now - 10) < 1e-6


def test_an_idle_second_earns_nine_requests_and_an_idle_hour_no_more_than_a_burst():
    """Idle time earns nine requests a second, up to a burst of thirty."""
    time = Time()
    pace = RequestPace(clock=time.clock, sleep=time.sleep)
    for _ in range(30):
        pace.wait()
    time.now += 1
    for _ in range(9):
        pace.wait()
    assert time.slept == []
    time.now += 3600
    for _ in range(31):
        pace.wait()
    assert len(time.slept) == 1


def test_threads_share_the_quota_and_none_holds_up_another_while_it_waits():
    """Threads share one quota, and none waits for another's sleep."""
    waits = []
    pace = RequestPace(burst=4, clock=lambda: 0.0, sleep=waits.append)
    threads = [Thread(target=pace.wait) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert [round(wait * 9) for wait in sorted(waits)] == [1, 2, 3, 4, 5, 6]
