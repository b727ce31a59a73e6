"""Ways to read documents."""

from __future__ import annotations

import json

import pytest

from checker.terraform.load import read_document, read_source


@pytest.fixture
def read():
    """Read a document from what would be its JSON."""

    def reading(document, name="plan.json"):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        return read_document(name, data)

    return reading


@pytest.fixture
def read_file():
    """Read a source as the command line does, with no tool at hand."""

    def reading(path, **more):
        return read_source(str(path), tool=None, stdin=lambda: b"", **more)

    return reading
