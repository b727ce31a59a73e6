"""Tests of programs that terminate TLS themselves, with and without the files of `tfcert bundle
--for`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from callers import CALLERS, PLAIN
from equipped import environment
from rows import _ENDED, _WORDS, assert_row, table

PROGRAMS = Path(__file__).parent / "programs"


def arguments(listeners, certificates):
    """Yield the arguments of a program: the folder of the server's files, then the port, kind and
    trust of each listener.
    """
    yield str(certificates)
    for listener in listeners.values():
        yield str(listener.port)
        yield "plain" if listener.kit is None else "kit"
        yield str(listener.bundle or listener.kit)


def test_python(observe, certificates, tmp_path):
    """Python accepts both certificates with partial-chain verification, and only the first of a
    bundle without it.
    """

    def start(listeners):
        return [sys.executable, PROGRAMS / "backend.py", *arguments(listeners, certificates)]

    seen = observe("python", start, folder=tmp_path)
    assert_row("Python", f"{sys.version_info.major}.{sys.version_info.minor}", seen)


def test_node(observe, program, certificates, tmp_path):
    """Node accepts both certificates with the kit's guard, and only the first of a list, even with
    `allowPartialTrustChain`.
    """
    node = program("node")

    def start(listeners):
        return [node, PROGRAMS / "backend.js", *arguments(listeners, certificates)]

    seen = observe("node", start, folder=tmp_path)
    version = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert_row("Node", re.match(r"v(\d+)", version)[1], seen)


def test_java(observe, program, certificates, tmp_path):
    """Java's own trust manager accepts both certificates even after their end, and that of the kit
    only before.
    """
    java = program("java")

    def start(listeners):
        # A single-file launch needs the kit's class in the file of the backend.
        kit = next(listener.kit for listener in listeners.values() if listener.kit is not None)
        source = (PROGRAMS / "Backend.java").read_text()
        trust = (kit / "GatewayTrust.java").read_text()
        imports = "".join(sorted({*re.findall(r"^import .*\n", source + trust, re.MULTILINE)}))
        bodies = re.sub(r"^import .*\n", "", source + trust, flags=re.MULTILINE)
        (tmp_path / "Backend.java").write_text(imports + bodies)
        quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        return [java, *quick, tmp_path / "Backend.java", *arguments(listeners, certificates)]

    seen = observe("java", start, folder=tmp_path)
    version = subprocess.run(
        [java, "-version"], capture_output=True, text=True, check=True, timeout=60
    ).stderr
    assert_row("Java", re.search(r'version "(\d+)', version)[1], seen)


def test_go(observe, program, certificates, tmp_path):
    """Go accepts both certificates in a pool."""
    compiler = Path(program("go"))
    packages = next(compiler.parents[2].glob("linux_*"))

    def build(kit):
        def run(tool, *rest):
            subprocess.run(
                [str(compiler.with_name(tool)), *map(str, rest)],
                check=True,
                capture_output=True,
                timeout=120,
            )

        run(
            "compile",
            "-I",
            packages,
            "-p",
            "gatewaytrust",
            "-o",
            tmp_path / "gatewaytrust.a",
            kit / "gatewaytrust.go",
        )
        run(
            "compile",
            "-I",
            packages,
            "-I",
            tmp_path,
            "-p",
            "main",
            "-o",
            tmp_path / "main.o",
            PROGRAMS / "backend.go",
        )
        run("link", "-L", packages, "-L", tmp_path, "-o", tmp_path / "backend", tmp_path / "main.o")

    def start(listeners):
        build(next(listener.kit for listener in listeners.values() if listener.kit is not None))
        return [tmp_path / "backend", *arguments(listeners, certificates)]

    seen = observe("go", start, folder=tmp_path)
    assert_row(
        "Go",
        re.search(r"go-(\d+\.\d+)", str(compiler))[1] if "go-" in str(compiler) else "1.19",
        seen,
    )


@pytest.mark.parametrize("partial", [False, True], ids=["by default", "with -partial_chain"])
def test_openssl(program, certificates, bundles, partial):
    """`openssl verify` accepts the certificates of the plain bundles as docs/trust.md shows, with
    and without -partial_chain.
    """
    openssl = program("openssl")

    def accepts(bundle, name):
        command = [
            openssl,
            "verify",
            *(["-partial_chain"] if partial else []),
            "-CAfile",
            bundle,
            certificates / f"{name}.pem",
        ]
        return (
            subprocess.run(
                [*map(str, command)],
                capture_output=True,
                check=False,
                timeout=60,
                env=environment(),
            ).returncode
            == 0
        )

    seen = {
        name: tuple(sorted(caller for caller in CALLERS if accepts(bundles[name], caller)))
        for name in PLAIN
    }
    cells = table()["`openssl verify -partial_chain`" if partial else "`openssl verify`"]
    assert cells[1] == _WORDS[seen["old, new"], seen["new, old"]]
    assert cells[2] == _ENDED[seen["ended, new"]]
    assert cells[5] == "refused"
    assert "expired" not in seen["ended, new"]
    if os.environ.get("CI"):
        said = subprocess.run(
            [openssl, "version"], capture_output=True, text=True, check=True, timeout=60
        )
        assert said.stdout.startswith(f"OpenSSL {cells[0]}.")
