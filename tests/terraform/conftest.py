"""Fixtures that read documents."""

from __future__ import annotations

import json

import pytest

from checker.terraform.load import read_document, read_source


@pytest.fixture
def read():
    """Return a function that reads a document given as Python values."""

    def reading(document, name="plan.json"):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        return read_document(name, data)

    return reading


@pytest.fixture
def read_file():
    """Return a function that reads a source as the command line does, without a tool."""

    def reading(path, **more):
        return read_source(str(path), tool=None, stdin=lambda: b"", **more)

    return reading
