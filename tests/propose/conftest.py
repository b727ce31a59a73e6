"""A repository on each forge, and runs of `propose` in the test's own process."""

from __future__ import annotations

from itertools import count

import pytest
from direct import wired
from homes import SERVERS, Home, put_tool


@pytest.fixture
def wire(monkeypatch, tmp_path):
    """The wire of all runs; the only program is a `terraform` that prints a state."""
    monkeypatch.setenv("PATH", str(put_tool(tmp_path / "tools")))
    with wired(monkeypatch) as made:
        yield made


@pytest.fixture(params=["github", "gitlab"])
def make(request, wire, tmp_path):
    """Make the repository of a shape on each forge in turn; a violation of the forge's description fails the test."""
    server = wire.serve(SERVERS[request.param]())

    numbers = count()

    def build(shape="one file", **more):
        return Home.make(server, tmp_path / f"home{next(numbers)}", shape=shape, **more)

    yield build
    assert server.violations == []
    server.discard()
