"""The proxy of the environment for other hosts than AWS, and the user's wish to stop."""

from __future__ import annotations

import base64

import pytest
import urllib3

from checker.aws.deadline import Interruption
from checker.aws.https import _pool


@pytest.mark.parametrize(
    ("proxy", "skipped", "auth"),
    [
        ("http://proxy.example:3128", "", None),
        ("http://ann:secret@proxy.example:3128", "", b"ann:secret"),
        ("http://ann:p%40ss@proxy.example:3128", "", b"ann:p@ss"),
        ("http://proxy.example:3128", "backend.example", None),
        ("", "", None),
    ],
)
def test_a_host_is_reached_through_the_proxy_that_is_named_for_it(
    monkeypatch, proxy, skipped, auth
):
    """HTTPS_PROXY with its user and password is used, except for the hosts of NO_PROXY."""
    for name in ("https_proxy", "no_proxy", "all_proxy", "NO_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", skipped)
    made = _pool("backend.example")
    if not proxy or skipped:
        assert type(made) is urllib3.PoolManager
        return
    assert isinstance(made, urllib3.ProxyManager)
    assert made.proxy.host == "proxy.example"
    sent = made.proxy_headers.get("proxy-authorization", "").removeprefix("Basic ")
    assert (base64.b64decode(sent) or None) == auth


def test_a_second_interrupt_changes_nothing():
    """The wish to stop stays, also if the user presses Ctrl-C twice."""
    wish = Interruption()
    assert not wish.requested
    for _ in range(2):
        wish.request()
        assert wish.requested
