"""Run terraform or tofu as a subprocess."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.errors import UnreadableError, UsageError
from checker.programs import find_program

if TYPE_CHECKING:
    from subprocess import Popen


_KNOWN = ("terraform", "tofu")
# The variables that terraform and its backends read, by exact name and by prefix. Sources:
# Terraform, "Environment variables" and the pages of the backends s3, azurerm, gcs, http, pg,
# consul, kubernetes, oss, cos, oci and remote; OpenTofu, "State encryption".
_NAMES = frozenset(
    {
        *(
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "TMPDIR",
            "TMP",
            "TEMP",
            "TERM",
            "TZ",
            "LANG",
            "LANGUAGE",
            "LD_LIBRARY_PATH",
        ),
        *(
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "all_proxy",
        ),
        *(
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "KUBECONFIG",
            "NIX_SSL_CERT_FILE",
            "CLOUDSDK_CONFIG",
            "GOENV",
        ),
        *(
            "ASDF_DIR",
            "ASDF_DATA_DIR",
            "MISE_DATA_DIR",
            "TFENV_CONFIG_DIR",
            "TFENV_TERRAFORM_VERSION",
            "TENV_ROOT",
            "TOFUENV_CONFIG_DIR",
        ),
    }
)
_PREFIXES = (
    *(
        "TF_",
        "LC_",
        "XDG_",
        "AWS_",
        "ARM_",
        "AZURE_",
        "GOOGLE_",
        "GCLOUD_",
        "CLOUDSDK_AUTH_",
        "ALICLOUD_",
        "ALIBABA_CLOUD_",
    ),
    *("TENCENTCLOUD_", "OCI_", "KUBE_", "PG", "CONSUL_"),
)
# Exceptions: variables for other commands, and values that reading a state does not need.
_NOT_PASSED_ON = ("TF_VAR_", "TF_LOG", "TF_REATTACH_PROVIDERS")
_OF_FORGES = ("GITHUB", "GITLAB", "BITBUCKET", "ACTIONS_")
_CHOICE = "TFCERT_TOOL"


class Wanted(Struct, frozen=True, kw_only=True):
    """The requested tool, its extra environment variables, and whether it may contact a backend."""

    name: str | None = None
    passed: tuple[str, ...] = ()
    offline: bool = False


class Tool(Struct, frozen=True, kw_only=True):
    """A terraform or tofu: its file, its name in messages, and its environment.

    The environment may contain secrets.
    """

    path: str
    name: str
    environment: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Tool(path={self.path!r})"  # never the environment


def find_tool(
    name: str | None, environment: Mapping[str, str], passed: Collection[str] = ()
) -> Tool | None:
    """Return the tool with that name or path, or the default tool.

    The default is TFCERT_TOOL, then the terraform or the tofu on PATH. The tool gets the variables
    of a documented list and those in `passed`. Returns None if none was requested and none is
    found.

    Raises UsageError for a requested tool that is not found, and for an invalid variable name.
    """
    for each in passed:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", each):
            raise UsageError(
                f"{each!r} is not the name of a variable",
                where="--tool-env",
                remedy="give the name alone: --tool-env NAME",
            )
    asked = name or environment.get(_CHOICE)
    for candidate in (asked,) if asked else _KNOWN:
        found = find_program(candidate, environment)
        if found:
            return Tool(
                path=found, name=Path(found).name, environment=_passed_on(environment, passed)
            )
    if asked:
        raise UsageError(
            f"{asked} is not a program that can be run",
            where="--tool" if name else _CHOICE,
            remedy="name terraform or tofu, or the path of one",
        )
    return None


def _passed_on(environment: Mapping[str, str], passed: Collection[str]) -> Mapping[str, str]:
    """Return the part of the environment that the tool gets.

    The tool runs code that a checkout configures, so it gets no token of a pipeline.
    """
    return {
        name: text
        for name, text in environment.items()
        if name in passed
        or ((name in _NAMES or name.startswith(_PREFIXES)) and not _is_held_back(name.upper()))
    }


def _is_held_back(name: str) -> bool:
    """Return whether a variable, in upper case, stays here although its beginning is known."""
    return name.startswith(_NOT_PASSED_ON) or any(word in name for word in _OF_FORGES)


SECONDS = 600.0
MOST_BYTES = 2 * 1024**3
_WINDOW = 1024**2
_LONGEST = 300

# No questions, since nobody can answer them; no colours; no logs among the errors; no arguments for
# other commands.
_QUIET = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "TF_CLI_ARGS": "",
    "TF_LOG": "",
    "NO_COLOR": "1",
    "CHECKPOINT_DISABLE": "1",
}
_CONTROL = r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f│╷╵]"


class ToolAnswer(Struct, frozen=True, kw_only=True):
    """The output of the tool, and its error in one line; no error means success.

    `details` are the lines after the headline of the error, also in one line.
    """

    printed: memoryview
    complaint: str | None
    details: str = ""


def run_tool(
    tool: Tool,
    arguments: Sequence[str],
    directory: str,
    *,
    seconds: float = SECONDS,
    most: int = MOST_BYTES,
) -> ToolAnswer:
    """Run the tool in a directory.

    Raises UnreadableError if it cannot start, does not end in time, or prints more than the size
    limit for a plan or state.
    """
    from subprocess import TimeoutExpired

    command = f"{tool.name} {' '.join(arguments)}"
    with _started(tool, arguments, directory, command) as process:
        try:
            printed, complaints = _collect(process, monotonic() + seconds, most)
            if len(printed) > most:
                raise UnreadableError(f"`{command}` prints more than {most} bytes", where=directory)
            code = process.wait(seconds)
        except (TimeoutError, TimeoutExpired) as error:
            raise UnreadableError(
                f"`{command}` did not end within {seconds:.0f} seconds",
                where=directory,
                remedy="run it there yourself, and pass what it prints",
            ) from error
    if not code:
        return ToolAnswer(printed=memoryview(printed).toreadonly(), complaint=None)
    complaint, details = _summary(bytes(complaints), code)
    return ToolAnswer(
        printed=memoryview(printed).toreadonly(), complaint=complaint, details=details
    )


@contextmanager
def _started(
    tool: Tool, arguments: Sequence[str], directory: str, command: str
) -> Iterator[Popen[bytes]]:
    import subprocess

    try:
        process = subprocess.Popen(  # noqa: S603  # the tool is the one that the user chose
            [tool.path, *arguments],
            cwd=directory,
            env={**tool.environment, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # it starts providers, which must end with it
        )
    except OSError as error:
        reason = error.strerror or "it is not a program"
        raise UnreadableError(
            f"`{command}` could not be started: {reason}", where=directory
        ) from error
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _collect(process: Popen[bytes], deadline: float, most: int) -> tuple[bytearray, bytearray]:
    from selectors import EVENT_READ, DefaultSelector

    printed, complaints = bytearray(), bytearray()
    with DefaultSelector() as selector:
        for pipe, into in ((process.stdout, printed), (process.stderr, complaints)):
            if pipe is not None:
                selector.register(pipe, EVENT_READ, into)
        while selector.get_map() and len(printed) <= most:
            ready = selector.select(max(deadline - monotonic(), 0))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                chunk = os.read(key.fd, _WINDOW)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.data is printed or len(complaints) < _WINDOW:
                    key.data.extend(chunk)
    return printed, complaints


def _summary(complaints: bytes, code: int) -> tuple[str, str]:
    """Return the headline of the first error, and the lines after it."""
    text = re.sub(_CONTROL, "", complaints.decode("utf-8", "replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    at = next((index for index, line in enumerate(lines) if line.startswith("Error")), None)
    if at is None:
        return _short(lines[-1] if lines else f"it ended with code {code}"), ""
    end = next(
        (
            index
            for index, line in enumerate(lines[at + 1 :], at + 1)
            if line.startswith(("Error", "Warning"))
        ),
        len(lines),
    )
    return _short(lines[at]), _short(" ".join(lines[at + 1 : end]))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
