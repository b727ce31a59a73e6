"""Certificates, what `tfcert bundle` writes for them, and servers that are started once a module, with a port for each bundle."""

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
    """A folder with the certificates of all callers, and of the server."""
    return issue_all(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def bundle(certificates, forking, tmp_path_factory):
    """Run `tfcert bundle` on a state with these certificates; a stage presents the first."""

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
    """The files that `bundle --no-comments` writes, by the names of PLAIN."""
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
    """Write the files of `bundle --for SERVER`: a folder for each name of KITS."""

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
    """The path of a server's program; without it the test is skipped, or with CI set fails."""

    def path(name):
        found = find(name)
        if found is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(ABSENCES[name])
        return found

    return path


@pytest.fixture(scope="module")
def observe(certificates, bundles, kits):
    """Start a server with a listener for each plain bundle and each kit; return who is let in by each.

    `start` gets the listeners by name and returns the command; a program that chooses its ports itself prints them instead.
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
