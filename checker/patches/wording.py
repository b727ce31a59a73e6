"""The words around a patch: its header and the runbook, by templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from checker.domain.deadlines import due, late_plan
from checker.domain.declared import Declared, TrustConsumer
from checker.domain.policy import Policy
from checker.domain.rotation import SERIES, Blocked, Phase, Rotation
from checker.patches.phase_patch import PhasePatch
from checker.rotation.sentences import condition_in_words, step_in_words

if TYPE_CHECKING:
    from jinja2 import Environment


# How `where` names the root of the git repository.
REPOSITORY = "the repository's root"


def header(patch: PhasePatch, *, where: str) -> str:
    """The comment lines above a patch: what it is, and what must hold first; `git apply` passes over them."""
    return _environment().get_template("header.j2").render(patch=patch, where=where, repository=where == REPOSITORY)


def runbook(
    rotations: tuple[Rotation, ...],
    declared: Declared,
    policy: Policy,
    *,
    as_of: datetime,
    where: str,
    trust_bundle: bool = False,
    written: frozenset[Phase] = frozenset(SERIES),
) -> str:
    """What to apply, what to give the backend, what to check, by which date and how to roll back, in order, as Markdown."""
    template = _environment().get_template("runbook.md.j2")
    trust = {rotation.label: _trust(rotation, declared) for rotation in rotations}
    return template.render(
        rotations=rotations,
        trust=trust,
        policy=policy,
        as_of=as_of,
        where=where,
        trust_bundle=trust_bundle,
        written={str(phase) for phase in written},
    )


def _trust(rotation: Rotation, declared: Declared) -> tuple[TrustConsumer, ...]:
    certificate = declared.certificate(rotation.predecessor) if rotation.predecessor is not None else None
    return certificate.trust if certificate is not None else ()


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
        "step_in_words": step_in_words,
        "condition_in_words": condition_in_words,
        "due": due,
        "late_plan": late_plan,
        "blocked": lambda step: isinstance(step, Blocked),
        "code": lambda text: f"`{text}`",
    }
    environment.filters.update(filters)
    return environment
