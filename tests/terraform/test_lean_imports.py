"""Reading a document imports only the modules that it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "boto3",
    "botocore",
    "cryptography",
    "hcl2",
    "jinja2",
    "pydantic",
    "rich",
    "tree_sitter",
    "lark",
)
RARE = ("subprocess", "gzip", "zipfile", "json", "shutil", "tempfile", "base64", "selectors")

# What msgspec imports itself is another matter: 0.19 imports json.
SCRIPT = """
import sys
import msgspec
before = set(sys.modules)
from checker.terraform.load import read_source
read_source(sys.argv[1], tool=None, stdin=None)
print(" ".join(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


@pytest.mark.parametrize(
    "name",
    [
        "rotation/03-apply2-repoint/plan.json",
        "rotation/03-apply2-repoint/terraform.tfstate",
        "formats/plan-create.json",
    ],
)
def test_what_reading_loads(fixtures, name):
    """Reading a JSON plan or state imports no heavy library, and no module for directories or
    compression.
    """
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(fixtures / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(run.stdout.split())
    assert "checker" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint(RARE)
