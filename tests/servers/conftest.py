"""Fixtures for certificates, the files of `tfcert bundle`, and servers that start once for each
module with a port for each bundle.
"""

from __future__ import annotations

import os

import pytest
from callers import (
    EARLIER,
    KITS,
    NOW,
    PLAIN,
    Listener,
    free_port,
    issue_all,
    let_in,
    state,
)
from equipped import ABSENCES, find
from starting import serve


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Return a folder with the certificates of all callers and of the server."""
    return issue_all(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def bundle(certificates, forking, tmp_path_factory):
    """Return a function that runs `tfcert bundle` on a state with these certificates.

    A stage presents the first.
    """

    def run(names, *arguments, key=""):
        folder = tmp_path_factory.mktemp("state")
        home = {
            "PATH": str(folder / "none"),
            "HOME": str(folder),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        source = state(folder, certificates, names, key=key)
        return forking.run(
            ["bundle", str(source), "--offline", *map(str, arguments)], cwd=folder, env=home
        )

    return run


@pytest.fixture(scope="session")
def bundles(bundle, tmp_path_factory):
    """Return the files that `bundle --no-comments` writes, by the names of PLAIN."""
    folder = tmp_path_factory.mktemp("bundles")
    files = {}
    for number, (name, certificates) in enumerate(PLAIN.items()):
        files[name] = folder / f"{number}.pem"
        moment = NOW - EARLIER[name] if name in EARLIER else NOW
        done = bundle(
            certificates,
            "--no-comments",
            "--out",
            files[name],
            "--as-of",
            f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        )
        assert done.returncode == 0, done.stderr
    return files


@pytest.fixture(scope="session")
def kits(bundle, tmp_path_factory):
    """Return a function that writes the files of `bundle --for SERVER`, in one folder for each name
    of KITS.
    """

    def write(server):
        folder = tmp_path_factory.mktemp(server)
        for number, (name, certificates) in enumerate(KITS.items()):
            moment = NOW - EARLIER[name] if name in EARLIER else NOW
            done = bundle(
                certificates,
                "--for",
                server,
                "--out",
                folder / str(number),
                "--as-of",
                f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            )
            assert done.returncode == 0, done.stderr
        return {name: folder / str(number) for number, name in enumerate(KITS)}

    return write


@pytest.fixture(scope="session")
def program():
    """Return a function that finds a server's program.

    If it is missing, the test is skipped, or fails where CI is set.
    """

    def path(name):
        found = find(name)
        if found is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(ABSENCES[name])
        return found

    return path


@pytest.fixture(scope="module")
def observe(certificates, bundles, kits):
    """Return a function that starts a server with a listener for each plain bundle and each kit,
    and returns the callers that each accepts.

    `start` receives the listeners by name and returns the command. A program that chooses its own
    ports prints them instead.
    """

    def seen(server, start, *, folder):
        files = kits(server)

        def make():
            listeners = {
                f"plain {name}": Listener(bundle=file, kit=None, port=free_port())
                for name, file in bundles.items()
            }
            return listeners | {
                f"for {name}": Listener(bundle=None, kit=file, port=free_port())
                for name, file in files.items()
            }

        return serve(start, make, folder, lambda listener: let_in(listener, certificates))

    return seen
