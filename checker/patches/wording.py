"""The words around a patch: its header and the runbook, by templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from shlex import quote
from typing import TYPE_CHECKING, Any

from checker.domain.declared import Declared
from checker.domain.policy import Policy
from checker.domain.rotation import Blocked, Done, Next, Rotation, Step, Waiting
from checker.patches.phase_patch import PhasePatch
from checker.patches.trust_text import also_changes, trust_effect, trust_lines

if TYPE_CHECKING:
    from jinja2 import Environment


def header(patch: PhasePatch, *, where: str) -> str:
    """The comment lines above a patch: what it is, and what must hold first; `git apply` passes over them."""
    return _environment().get_template("header.j2").render(patch=patch, where=where)


def runbook(
    rotations: tuple[Rotation, ...],
    declared: Declared,
    policy: Policy,
    *,
    as_of: datetime,
    where: str,
    trust_bundle: bool = False,
) -> str:
    """What to apply, what to give the backend, what to check, by which date and how to roll back, in order, as Markdown."""
    template = _environment().get_template("runbook.md.j2")
    return template.render(
        rotations=rotations,
        unseen={rotation.label: _unseen(rotation, declared) for rotation in rotations},
        policy=policy,
        as_of=as_of,
        where=where,
        both={rotation.label for rotation in rotations if trust_bundle},
    )


def pem_commands(rotation: Rotation) -> tuple[str, ...]:
    """Return the shell commands that print the successor's PEM, for each of its instances.

    An output exists in the root module alone, and only introduce adds it; the state and AWS have the PEM in every case.
    """
    successor = rotation.successor
    if successor is None:
        return ()
    instances = rotation.instances or (successor,)
    has_output = not successor.modules and successor.type.startswith("aws_") and rotation.taken_up is None
    single = instances[0].key is None
    outputs = [f"terraform output {'-raw' if single else '-json'} {successor.name}_pem"] if has_output else []
    shown = [f"terraform state show -no-color {quote(str(instance))}" for instance in instances]
    asked = [
        f'aws apigateway get-client-certificate --client-certificate-id "$({each} | sed -n \'s/^ *id *= "\\(.*\\)"$/\\1/p\')"'
        " --query pemEncodedCertificate --output text"
        for each in shown
    ]
    of_state = shown if not has_output and successor.type.startswith("aws_") else []
    return (*outputs, *of_state, *asked)


def told(step: Step) -> str:
    """A rotation's next step in words."""
    match step:
        case Next(phase=phase):
            return f"{phase} is safe"
        case Waiting(reason=reason):
            return f"waiting: {reason}"
        case Blocked(reason=reason):
            return f"blocked: {reason}"
        case Done():
            return "done"


def _unseen(rotation: Rotation, declared: Declared) -> str | None:
    """Why the list of trust consumers may be incomplete; None where the whole configuration was searched."""
    if rotation.predecessor is None:
        return "Terraform does not manage this certificate, so no text refers to its PEM"
    certificate = declared.certificate(rotation.predecessor)
    if certificate is None:
        return "its block was not found in this configuration"
    if declared.unread:
        return f"these files were not searched: {', '.join(declared.unread)}"
    return None


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("checker.patches"),
        autoescape=False,  # noqa: S701 -- Markdown and comments; what comes from outside is an address, printed by our own rules
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: Mapping[str, Any] = {
        "told": told,
        "pem_commands": pem_commands,
        "trust_lines": trust_lines,
        "trust_effect": trust_effect,
        "also_changes": also_changes,
        "blocked": lambda step: isinstance(step, Blocked),
        "code": lambda text: f"`{text}`",
    }
    environment.filters.update(filters)
    return environment
