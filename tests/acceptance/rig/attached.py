"""One AWS provider for many commands: it is started once with `-debug`, and terraform attaches to it by TF_REATTACH_PROVIDERS."""

from __future__ import annotations

import atexit
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

from rig.processes import PATIENCE

VARIABLE = "TF_REATTACH_PROVIDERS"
# The keeper ends the provider when its own input ends, which it does when the process of the tests ends in whatever way.
_KEEPER = """\
import subprocess, sys
with subprocess.Popen([sys.argv[1], "-debug"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as provider:
    sys.stdin.buffer.read()
    provider.kill()
"""
_PRINTED = re.compile(rb"TF_REATTACH_PROVIDERS='(\{.*\})'")
_ALIAS = re.compile(rb"^\s*alias\s*=", re.MULTILINE)
_WINDOW = 64 * 1024


class Attached:
    """A provider that runs until it is stopped, with the value of the variable that leads terraform to it."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", _KEEPER, str(program)],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self.variable = self._read()
        except BaseException:
            self.stop()
            raise

    def _read(self) -> str:
        stream = self._keeper.stdout
        assert stream is not None
        printed, deadline = b"", monotonic() + PATIENCE
        with DefaultSelector() as selector:
            selector.register(stream, EVENT_READ)
            while (found := _PRINTED.search(printed)) is None:
                assert selector.select(max(deadline - monotonic(), 0)), (
                    "the provider did not say in time where it listens"
                )
                chunk = stream.read1(_WINDOW)
                assert chunk, f"the provider does not start: {printed!r}"
                printed += chunk
        (said,) = json.loads(found[1])
        assert said.endswith("/hashicorp/aws"), said
        return found[1].decode()

    def stop(self) -> None:
        """End the provider and its keeper."""
        for stream in (self._keeper.stdin, self._keeper.stdout):
            if stream is not None:
                stream.close()
        try:
            self._keeper.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait(timeout=PATIENCE)


_running: dict[tuple[Path, str], Attached] = {}


def attach(infra: Path, environment: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """The variable that leads terraform to the provider that `init` put there; nothing where `init` put none.

    Nothing either where a block `provider` has an alias: one process holds one configuration, and the last one would win.
    The provider reads its own environment, so that each emulator has a provider of its own; the one before ends.
    """
    programs = sorted(
        (infra / ".terraform" / "providers").glob("*/hashicorp/aws/*/*/terraform-provider-aws*")
    )
    if len(programs) != 1 or any(_ALIAS.search(file.read_bytes()) for file in infra.rglob("*.tf")):
        return {}
    key = (programs[0].resolve(), endpoint)
    if key not in _running:
        stop()
        _running[key] = Attached(key[0], environment)
    return {VARIABLE: _running[key].variable}


@atexit.register
def stop() -> None:
    """End the provider, if one runs."""
    while _running:
        _running.popitem()[1].stop()
