"""Render the words around a patch from templates: its header and the runbook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from shlex import quote
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from checker.model.configuration import ConfigurationFacts
from checker.model.deadlines import due, late_plan
from checker.model.policy import Policy
from checker.model.resources import Stage, StageKind
from checker.model.rotation import Blocked, Phase, Rotation
from checker.patches.patch import PhasePatch
from checker.patches.trust_text import also_changes, trust_effect, trust_lines, unsearched
from checker.rotation.sentences import condition_in_words, step_in_words

if TYPE_CHECKING:
    from jinja2 import Environment


# The value of `where` for the root of the git repository.
REPOSITORY = "the repository's root"


def header(patch: PhasePatch, *, where: str) -> str:
    """Return the comment lines above a patch: its purpose and its preconditions.

    `git apply` skips them.
    """
    return (
        _environment()
        .get_template("header.j2")
        .render(patch=patch, where=where, repository=where == REPOSITORY)
    )


def runbook(
    rotations: tuple[Rotation, ...],
    declared: ConfigurationFacts,
    policy: Policy,
    *,
    as_of: datetime,
    where: str,
    trust_bundle: bool = False,
    files: Mapping[Phase, str] = MappingProxyType({}),
    expected: Mapping[str, str] = MappingProxyType({}),
    places: Mapping[str, Stage] = MappingProxyType({}),
) -> str:
    """Return the runbook of the rotations, as Markdown.

    It lists in order the steps to apply, the PEMs for the backend, the checks, the due dates and
    the rollback. `files` has the path of each written patch, relative to `where`. `expected` has
    the patch's value of `--expect` where that is not its phase. `places` has the stages of the
    state by their addresses.
    """
    template = _environment().get_template("runbook.md.j2")
    paths = {str(phase): file for phase, file in files.items()}
    return template.render(
        rotations=rotations,
        unseen={rotation.label: unsearched(rotation, declared) for rotation in rotations},
        policy=policy,
        as_of=as_of,
        where=where,
        both={rotation.label for rotation in rotations if trust_bundle},
        written=set(paths),
        apply_command=partial(_apply_command, paths, where),
        undo_command=partial(_apply_command, paths, where, undo=True),
        places=places,
        expected=expected,
    )


def _apply_command(files: Mapping[str, str], where: str, phase: str, *, undo: bool = False) -> str:
    """Return the command that applies or reverses a stored patch, anywhere in the repository."""
    folder = ' -C "$(git rev-parse --show-toplevel)"' if where == REPOSITORY else ""
    return f"git{folder} apply{' -R' if undo else ''} {quote(files[phase])}"


def stage_commands(rotation: Rotation, places: Mapping[str, Stage]) -> tuple[str, ...]:
    """Return the commands that print which certificate each stage of a rotation presents.

    A stage of an unknown API has no command.
    """
    found = (places.get(address) for address in rotation.stages)
    return tuple(
        f"aws apigateway get-stage --rest-api-id {quote(stage.api_id)} --stage-name"
        f" {quote(stage.name)} --query clientCertificateId --output text"
        if stage.kind is StageKind.REST
        else f"aws apigatewayv2 get-stage --api-id {quote(stage.api_id)} --stage-name"
        f" {quote(stage.name)} --query ClientCertificateId --output text"
        for stage in found
        if stage is not None and stage.api_id and stage.name
    )


def pem_commands(rotation: Rotation) -> tuple[str, ...]:
    """Return the shell commands that print the successor's PEM, for each of its instances.

    The state and AWS have the PEM in every case. An output exists only in the root module, and only
    introduce adds it.
    """
    successor = rotation.successor
    if successor is None:
        return ()
    instances = rotation.instances or (successor,)
    has_output = (
        not successor.modules and successor.type.startswith("aws_") and rotation.taken_up is None
    )
    single = instances[0].key is None
    outputs = (
        [f"terraform output {'-raw' if single else '-json'} {successor.name}_pem"]
        if has_output
        else []
    )
    shown = [f"terraform state show -no-color {quote(str(instance))}" for instance in instances]
    asked = [
        "aws apigateway get-client-certificate --client-certificate-id"
        f' "$({each} | sed -n \'s/^ *id *= "\\(.*\\)"$/\\1/p\')"'
        " --query pemEncodedCertificate --output text"
        for each in shown
    ]
    of_state = shown if not has_output and successor.type.startswith("aws_") else []
    return (*outputs, *of_state, *asked)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("checker.patches"),
        # The output is Markdown and comments. Outside text in it is only addresses, which tfcert
        # prints by its own rules.
        autoescape=False,  # noqa: S701 -- no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: Mapping[str, Any] = {
        "step_in_words": step_in_words,
        "condition_in_words": condition_in_words,
        "due": due,
        "late_plan": late_plan,
        "pem_commands": pem_commands,
        "stage_commands": stage_commands,
        "trust_lines": trust_lines,
        "trust_effect": trust_effect,
        "also_changes": also_changes,
        "blocked": lambda step: isinstance(step, Blocked),
        "code": lambda text: f"`{text}`",
    }
    environment.filters.update(filters)
    return environment
