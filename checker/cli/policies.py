"""Which policy a run goes by: a file and what it extends, the environment over it, the command line over both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from checker.domain.errors import UnreadableError, UsageError
from checker.domain.policy import Policy, Untouched
from checker.domain.severity import FailOn
from checker.domain.value import replace, short_value, value

if TYPE_CHECKING:
    from checker.readers.policy_layers import Layer

_FILE = "tfcert.toml"
_PREFIX = "TFCERT_"
_POLICY_VARIABLE = "TFCERT_POLICY"


@short_value
class Said:
    """A value of the policy that an option or a variable gives, by the field that it sets; None where it was not given."""

    by: str
    field: str
    value: int | FailOn | Untouched | None


@value
class Standing:
    """The policy, with the layers of files that it comes from and what was said over them, in that order."""

    policy: Policy
    layers: tuple[Layer, ...] = ()
    said: tuple[Said, ...] = ()


def options(*, threshold: int | None = None, notice: int | None = None, fail_on: FailOn | None = None) -> tuple[Said, ...]:
    """What the command line says of the policy."""
    return (
        Said("--threshold", "threshold_days", threshold),
        Said("--notice", "notice_days", notice),
        Said("--fail-on", "fail_on", fail_on),
    )


def standing(file: str | None, given: Sequence[Said] = ()) -> Standing:
    """Find and read the policy; raises UsageError for one that contradicts itself, naming what says so."""
    layers, policy = _layers(file or os.environ.get(_POLICY_VARIABLE) or None)
    said = (*_environment(), *(each for each in given if each.value is not None))
    settings = {each.field: each.value for each in said if each.value is not None}
    policy = replace(policy, **settings, overrides=tuple(sorted(settings.items())))
    if policy.notice_days < policy.threshold_days:
        if "notice_days" in settings:
            by = next(each.by for each in reversed(said) if each.field == "notice_days")
            raise UsageError(
                f"notice_days is {policy.notice_days}, below threshold_days, {policy.threshold_days}",
                where=by,
                remedy="a warning comes before an error: make the notice the larger of the two",
            )
        policy = replace(policy, notice_days=policy.threshold_days)
    return Standing(policy=policy, layers=layers, said=said)


def _layers(named: str | None) -> tuple[tuple[Layer, ...], Policy]:
    here = Path.cwd().as_posix()
    path = named if named is not None else _nearest()
    if path is None:
        return (), Policy(homes=(here,))
    from checker.readers.policy_chain import PACKS, read_chain, read_pack
    from checker.readers.policy_layers import laid

    if path in PACKS:
        layers = read_chain(*read_pack(path))
        return layers, replace(laid(layers, path), homes=(here,))
    layers = read_chain(path, _bytes(path))
    policy = laid(layers, layers[-1].sheet.values.get("name", Path(path).name))
    return layers, replace(policy, homes=(Path(path).resolve().parent.as_posix(), here))


def _environment() -> tuple[Said, ...]:
    if not any(name.startswith(_PREFIX) for name in os.environ):
        return ()
    from checker.cli.output import warn
    from checker.readers.policy_environment import Unknown, read_environment

    found: list[Said] = []
    for entry in read_environment(os.environ):
        match entry:
            case Unknown(name=name):
                warn(f"{name} is no variable of tfcert's; it changes nothing")
            case (name, (field, setting)):
                found.append(Said(name, field, setting))
    return tuple(found)


def _nearest() -> str | None:
    here = Path.cwd()
    found = next((folder / _FILE for folder in (here, *here.parents) if (folder / _FILE).is_file()), None)
    return None if found is None else os.path.relpath(found, here)


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        remedy = "check --policy (packs: default, strict)"
        raise UnreadableError(error.strerror or "cannot be read", where=path, remedy=remedy) from error
