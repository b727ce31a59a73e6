"""The lines of `tfcert doctor` about this machine: policy, tool, state and configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from msgspec import Struct

from checker.cli.first_steps.doctor_line import DoctorLine, Health
from checker.errors import TfcertError
from checker.hcl.configuration import Configuration
from checker.model.policy import Policy
from checker.pipeline import Loaded
from checker.terraform.tool import Tool, Wanted

_HEAD = 4096
_SECONDS = 30.0
_RUN = "--run-tools"


class FoundPolicy(Struct, frozen=True, kw_only=True):
    """The policy of a run, or the default one where it cannot be used, and the line about it."""

    policy: Policy
    line: DoctorLine


def find_policy(
    file: str | None, bundles: Callable[[Policy], Callable[[str], bytes]]
) -> FoundPolicy:
    """Read the policy as `check` would, with the trust bundles of its backends."""
    from checker.cli.policy_base import RunPolicy

    try:
        in_force = RunPolicy(file, None)
        policy = in_force.trusting(None, bundles(in_force.policy))
    except TfcertError as error:
        return FoundPolicy(policy=Policy(), line=_error("policy", error))
    layers = in_force.resolved.layers
    parts = [
        f"error at {policy.threshold_days} days left, warning at {policy.notice_days}",
        *_counted(len(policy.scopes), "scope"),
        *_counted(len(policy.exemptions), "exemption"),
        *_counted(len(policy.accounts), "account"),
        *_counted(len(policy.backends), "backend"),
        *(f"{each.by} is set" for each in in_force.resolved.overrides),
    ]
    name = layers[-1].toml_file.path if layers else "pack default"
    return FoundPolicy(
        policy=policy,
        line=DoctorLine(
            about="policy",
            health=Health.OK if layers else Health.NOTE,
            text=f"{name}: {', '.join(parts)}",
            remedy="" if layers else "`tfcert init` writes a tfcert.toml",
        ),
    )


class FoundTool(Struct, frozen=True, kw_only=True):
    """The terraform or tofu that `check` would start, and the line about it."""

    tool: Tool | None
    line: DoctorLine


def look_for_tool(
    wanted: Wanted, environment: Mapping[str, str], directory: str, *, run: bool
) -> FoundTool:
    """Find terraform or tofu; with `run`, ask it for its version in the directory of the source."""
    from checker.terraform.tool import find_tool

    try:
        tool = find_tool(wanted.name, environment, wanted.passed)
    except TfcertError as error:
        return FoundTool(tool=None, line=_error("tool", error))
    if tool is None:
        # Whether `check` needs one depends on the source, whose line says so.
        return FoundTool(
            tool=None,
            line=DoctorLine(
                about="tool",
                health=Health.NOTE,
                text="neither terraform nor tofu is on PATH",
                remedy="install one or name one with --tool; a plan as JSON and a state file "
                "need none",
            ),
        )
    if not run:
        line = DoctorLine(
            about="tool",
            health=Health.OK,
            text=f"{tool.path}, not started ({_RUN} asks for its version)",
        )
    else:
        line = _version(tool, directory)
    return FoundTool(tool=tool, line=line)


def _version(tool: Tool, directory: str) -> DoctorLine:
    from checker.terraform.tool import run_tool

    # Whether a tool that answers wrongly stops `check` depends on the source, whose line says so.
    try:
        answer = run_tool(tool, ("version", "-json"), directory, seconds=_SECONDS, most=1024**2)
    except TfcertError as error:
        return _without_version(tool, error.message)
    if answer.complaint is not None:
        return _without_version(tool, answer.complaint)
    try:
        version = str(json.loads(bytes(answer.printed))["terraform_version"])
    except (ValueError, TypeError, KeyError):
        version = "of a version that it does not print"
    return DoctorLine(about="tool", health=Health.OK, text=f"{tool.name} {version} ({tool.path})")


def _without_version(tool: Tool, why: str) -> DoctorLine:
    return DoctorLine(
        about="tool",
        health=Health.NOTE,
        text=f"{tool.path}: `{tool.name} version` failed: {why}",
        remedy="mend the installation, or name another one with --tool",
    )


class FoundSource(Struct, frozen=True, kw_only=True):
    """What was read of the source, if anything, and the lines about state and configuration."""

    loaded: Loaded | None
    lines: tuple[DoctorLine, ...]


def read_source(
    source: str,
    *,
    config: str | None,
    tool: Tool | None,
    wanted: Wanted,
    fetch: Callable[[str], bytes],
    tags: Collection[str],
    run: bool,
) -> FoundSource:
    """Read the source as `check` would; without `run` only if that starts no program."""
    from checker.cli.load import load

    try:
        reason = None if run else _needs_tool(source, tool, offline=wanted.offline)
        if reason is not None:
            return FoundSource(loaded=None, lines=(_unread(reason), *_beside(source, config)))
        # Without `run`, a folder's own terraform.tfstate is read as --offline does: directly.
        how = Wanted(name=wanted.name, passed=wanted.passed, offline=wanted.offline or not run)
        loaded = load((source,), config=config, tool=how, fetch=fetch, tags=tags)
    except TfcertError as error:
        return FoundSource(loaded=None, lines=(_error("state", error),))
    (document,) = loaded.inventory.documents
    kind = {"plan": "a plan", "state": "a state"}.get(document.source.kind, "the folder's state")
    version = document.source.tool_version
    by = f" that {version} wrote" if version else ""
    read = DoctorLine(
        about="state",
        health=Health.OK,
        text=f"{document.source.path}: {kind}{by}, with "
        f"{_number(len(document.certificates), 'client certificate')} and "
        f"{_number(len(document.stages), 'stage')}",
    )
    return FoundSource(loaded=loaded, lines=(read, _configuration(loaded)))


def _needs_tool(source: str, tool: Tool | None, *, offline: bool) -> str | None:
    """Return why a program must be started to read the source; None if none would be.

    A source that cannot be read at all has no reason: reading it raises the error. With
    `offline`, a state in a backend is such a source.
    """
    if source == "-" or source.startswith("s3://") or tool is None:
        return None
    if Path(source).is_dir():
        return _of_folder(source, tool, offline=offline)
    from checker.files import open_file
    from checker.terraform.decode import ZIP, JsonPath, unwrap

    head = bytes(unwrap(open_file(source), JsonPath(source))[: len(ZIP)])
    return f"{source} is a binary plan" if head == ZIP else None


def _of_folder(folder: str, tool: Tool, *, offline: bool) -> str | None:
    from checker.model.configuration_files import SUFFIXES
    from checker.terraform.directories import backend_of
    from checker.terraform.workspaces import STATE, in_default_workspace

    try:
        names = os.listdir(folder)  # noqa: PTH208 -- only names are needed
    except OSError:
        return None
    if not any(name.endswith(SUFFIXES) and not name.startswith(".") for name in names):
        return None
    backend = backend_of(folder, names)
    if backend is not None:
        return None if offline else f"the state is in a backend or encrypted ({backend})"
    if STATE not in names:
        return f"there is no {STATE} in the folder"
    if not in_default_workspace(folder, tool.environment):
        return "another workspace than the default one is selected"
    return None


def _unread(reason: str) -> DoctorLine:
    return DoctorLine(
        about="state",
        health=Health.UNKNOWN,
        text=f"not read: {reason}",
        remedy=f"{_RUN} starts terraform or tofu to read it, as check does; that can start "
        "programs that the folder configures",
    )


def _beside(source: str, config: str | None) -> tuple[DoctorLine, ...]:
    """Return the line about the .tf files of a source that is not read."""
    from checker.cli.load import display_prefix

    folder = config if config is not None else source if Path(source).is_dir() else None
    if folder is None:
        return ()
    from checker.terraform.configuration import read_configuration

    try:
        found = read_configuration(folder, display_prefix(folder))
    except TfcertError as error:
        return (_error("configuration", error),)
    return (_files(found[0] if found is not None else None, display_prefix(folder)),)


def _configuration(loaded: Loaded) -> DoctorLine:
    from checker.cli.load import display_prefix

    (configuration,) = loaded.configurations
    return _files(configuration, display_prefix(configuration.root) if configuration else "")


def _files(configuration: Configuration | None, prefix: str) -> DoctorLine:
    if configuration is None or not configuration.files:
        return DoctorLine(
            about="configuration",
            health=Health.NOTE,
            text="no .tf files beside the source: findings have no line, and there is no patch",
            remedy="name their folder with --config",
        )
    text = f"{_number(len(configuration.files), '.tf file')}, modules included"
    broken = [
        f"{os.path.join(prefix, path)}:{file.fault.line}: {file.fault.reason}"  # noqa: PTH118 -- not UTF-8
        for path, file in sorted(configuration.files.items())
        if file.fault is not None
    ]
    if not broken:
        return DoctorLine(about="configuration", health=Health.OK, text=text)
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return DoctorLine(
        about="configuration",
        health=Health.NOTE,
        text=f"{text}; {broken[0]}{more}",
        remedy="tfcert reads such a file only in part: `terraform validate` shows the mistake",
    )


def _error(about: str, error: TfcertError) -> DoctorLine:
    text = f"{error.where}: {error.message}" if error.where else error.message
    return DoctorLine(about=about, health=Health.ERROR, text=text, remedy=error.remedy or "")


def _counted(number: int, word: str) -> tuple[str, ...]:
    return (_number(number, word),) if number else ()


def _number(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
