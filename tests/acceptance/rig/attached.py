"""Run AWS providers permanently; terraform attaches to them through a proxy."""

from __future__ import annotations

import atexit
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

from rig import provider_proxy
from rig.processes import PATIENCE

VARIABLE = "TF_REATTACH_PROVIDERS"
# A provider never reaches the real AWS; each configuration names the emulator's address.
_NOWHERE = "http://127.0.0.1:9"
_ALIAS = re.compile(rb"^\s*alias\s*=", re.MULTILINE)
_TYPE = re.compile(rb'^\s*(?:resource|data|ephemeral)\s+"(aws_\w+)"', re.MULTILINE)


class Attached:
    """A proxy that runs until it is stopped, with the variable that points terraform to it."""

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        self._proxy = subprocess.Popen(
            [sys.executable, provider_proxy.__file__, str(program)],
            env=dict(environment) | {"AWS_ENDPOINT_URL": _NOWHERE},
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
        stream = self._proxy.stdout
        assert stream is not None
        with DefaultSelector() as selector:
            selector.register(stream, EVENT_READ)
            assert selector.select(PATIENCE), "the proxy did not print in time where it listens"
        printed = stream.readline().decode().strip()
        assert "/hashicorp/aws" in printed, f"the proxy does not start: {printed!r}"
        return printed

    def stop(self) -> None:
        """Stop the proxy and its providers."""
        for stream in (self._proxy.stdin, self._proxy.stdout):
            if stream is not None:
                stream.close()
        try:
            self._proxy.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._proxy.kill()
            self._proxy.wait(timeout=PATIENCE)


_running: dict[Path, Attached] = {}


def attach(infra: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that points terraform to the provider that `init` installed in a folder.

    It is empty if `init` installed none there, or if the files have more aliases than the proxy has
    providers. A resource type that the proxy's schema lacks is an AssertionError.
    """
    programs = sorted(
        (infra / ".terraform" / "providers").glob("*/hashicorp/aws/*/*/terraform-provider-aws*")
    )
    texts = [file.read_bytes() for file in infra.rglob("*.tf")]
    aliases = sum(len(_ALIAS.findall(text)) for text in texts)
    if len(programs) != 1 or aliases >= provider_proxy.MOST_PROVIDERS:
        return {}
    for text in texts:
        for name in _TYPE.findall(text):
            assert name.decode().startswith(provider_proxy.KEPT), (
                f"add {name.decode()} to KEPT in provider_proxy.py"
            )
    program = programs[0].resolve()
    if program not in _running:
        _running[program] = Attached(program, environment)
    return {VARIABLE: _running[program].variable}


@atexit.register
def stop() -> None:
    """Stop all running proxies."""
    while _running:
        _running.popitem()[1].stop()
