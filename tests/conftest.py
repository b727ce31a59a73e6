"""Fixtures of all tests. tfcert runs as a process, in an environment without AWS credentials and
without the machine's terraform.
"""

from __future__ import annotations

import json
import os
from functools import cache
from itertools import count
from pathlib import Path

import lazy_formats  # noqa: F401 -- before jsonschema

# isort: split
import jsonschema
import pytest
from forked import Parent
from hypothesis import settings
from mutated import MUTANT, Forks

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = json.loads(
    (ROOT / "checker/reports/schemas/outcome-v1.schema.json").read_text(encoding="utf-8")
)

# The examples are the same in each run, because a failure that depends on the machine helps little.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


def pytest_configure(config):
    """Let the acceptance tests report in the last lines of the run whether they ran."""
    from rig.announcing import register

    register(config)


def pytest_collection_modifyitems(items):
    """Mark the tests that use the emulator of AWS as `outside`, so that `make unit` skips them."""
    for item in items:
        if "running" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.outside)


@pytest.fixture
def fixtures():
    """Return the folder of the recorded plans, states and configurations."""
    return ROOT / "fixtures"


@pytest.fixture(scope="session")
def forking():
    """Yield the process of this test worker that forks a child for each run of tfcert."""
    parent = Forks() if MUTANT in os.environ else Parent()
    yield parent
    parent.close()


@pytest.fixture
def tfcert(tmp_path, forking):
    """Return a function that runs tfcert as a process.

    Without `environment` it has no credentials, no region and no terraform.
    """

    def run(*arguments, cwd=None, environment=None, stdin=b""):
        plain = {
            "PATH": str(tmp_path / "no-tools"),
            "HOME": str(tmp_path),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        env = {**plain, **(environment or {}), "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": cache}
        return forking.run([*map(str, arguments)], cwd=cwd or tmp_path, env=env, stdin=stdin)

    return run


@pytest.fixture
def outcome(tfcert):
    """Return a function that runs `tfcert check --format json`, validates the document against its
    schema, and returns it with the exit code.
    """

    def check(*arguments, **more):
        done = tfcert("check", "--format", "json", *arguments, **more)
        assert done.stdout, done.stderr.decode()
        document = json.loads(done.stdout)
        jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
        return document, done.returncode

    return check


@pytest.fixture
def story(tmp_path, fixtures):
    """Copy the README's configuration and state: one certificate, rj3hhn, which ends at
    2026-12-06T01:39:35Z.
    """
    folder = tmp_path / "story"
    folder.mkdir()
    for file in (fixtures / "readme").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(scope="session")
def seed_keys():
    """Let the calls of `seed` share sixteen key pairs, since a new pair takes a tenth of a second.

    No test needs more than sixteen.
    """
    from checker.demo.emulator import control

    pair, numbers = cache(lambda _number, make=control.new_key: make()), count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "new_key", lambda: pair(next(numbers) % 16))
        yield


@pytest.fixture(scope="module")
def running(seed_keys):
    """Yield one emulator for each test module."""
    # Imported here, because most tests need no AWS and moto is the slowest import of all.
    from checker.demo.emulator import Emulator

    with Emulator() as aws:
        yield aws


@pytest.fixture
def aws(running):
    """Empty the emulator of the module before each test."""
    running.reset()
    return running
