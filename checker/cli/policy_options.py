"""Resolve the policy of a run: a file and what it extends, then environment, then command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.cli.load import display_prefix
from checker.errors import UnreadableError, UsageError
from checker.model.inventory import Document
from checker.model.policy import Policy, Value
from checker.model.severity import FailOn

if TYPE_CHECKING:
    from checker.git import Commit
    from checker.policyfile.resolve import Layer

_FILE = "tfcert.toml"
_PREFIX = "TFCERT_"
_POLICY_VARIABLE = "TFCERT_POLICY"


class Base(Struct, frozen=True, kw_only=True):
    """The commit whose policy and exemptions apply, and the folder with its files for this run."""

    commit: Commit
    folder: Path

    def place(self, path: str | Path) -> Path | None:
        """Return the extracted path of a file; None for a path outside the repository.

        A path inside the repository is not resolved. A commit does not change files outside the
        repository.
        """
        # Imported here: most runs read no commit.
        from checker.git import path_in_repository

        inside = path_in_repository(path, self.commit.top)
        return self.folder / inside if inside is not None else None

    def exists(self, path: Path) -> bool:
        """Return whether the file is in the commit; for a path outside the repository, on disk."""
        return (self.place(path) or path).is_file()

    def read(self, path: str, opener: Callable[[str], bytes]) -> bytes:
        """Read a file as it is in the commit; raises UnreadableError with the user's own path."""
        placed = self.place(path)
        if placed is None:
            return opener(path)
        try:
            return opener(str(placed))
        except UnreadableError as error:
            raise UnreadableError(
                f"{error.message} (at {self.commit.ref})", where=path, remedy=error.remedy
            ) from error

    def exemptions_of(self, document: Document) -> Document:
        """Return the document with the inline exemptions that the commit has in the same folder."""
        from checker.terraform.configuration import read_configuration

        declared = document.declared
        if declared is None or document.directory is None:
            return document
        placed = self.place(document.directory)
        found = None
        if placed is not None and placed.is_dir():
            found = read_configuration(str(placed), display_prefix(document.directory))
        loaded = found[1] if found is not None else None
        return replace(
            document,
            declared=replace(
                declared,
                exemptions=loaded.exemptions if loaded is not None else (),
                faulty=loaded.faulty if loaded is not None else (),
            ),
        )


class PolicyOptions(Struct, frozen=True):
    """A policy value from an option or a variable, with the field it sets; None if not given."""

    by: str
    field: str
    value: Value | None


class ResolvedPolicy(Struct, frozen=True, kw_only=True):
    """The policy, its layers of files, and the options that override them, in that order."""

    policy: Policy
    layers: tuple[Layer, ...] = ()
    overrides: tuple[PolicyOptions, ...] = ()


def options(
    *, threshold: int | None = None, notice: int | None = None, fail_on: FailOn | None = None
) -> tuple[PolicyOptions, ...]:
    """Return the policy options of the command line."""
    return (
        PolicyOptions("--threshold", "threshold_days", threshold),
        PolicyOptions("--notice", "notice_days", notice),
        PolicyOptions("--fail-on", "fail_on", fail_on),
    )


def resolve_policy(
    file: str | None, given: Sequence[PolicyOptions] = (), base: Base | None = None
) -> ResolvedPolicy:
    """Find and read the policy; with `base` as it is in that commit.

    Raises UsageError for a policy that contradicts itself, naming its line.

    A file that was found, and not named, must not set `fail_on = "never"`: anyone who may change a
    file of the repository could turn its gate off.
    """
    named = file or os.environ.get(_POLICY_VARIABLE) or None
    layers, policy = _layers(named, base)
    if named is None:
        _refuse_never_failing(layers)
    return _overridden(
        layers, policy, (*_environment(), *(each for each in given if each.value is not None))
    )


def checkout_policy(file: str | None, overrides: tuple[PolicyOptions, ...]) -> ResolvedPolicy:
    """Read the policy of the checkout, to compare it with the one that applies."""
    return _overridden(*_layers(file or os.environ.get(_POLICY_VARIABLE) or None, None), overrides)


def _overridden(
    layers: tuple[Layer, ...], policy: Policy, overrides: tuple[PolicyOptions, ...]
) -> ResolvedPolicy:
    settings = {each.field: each.value for each in overrides if each.value is not None}
    policy = replace(policy, **settings, overrides=tuple(sorted(settings.items())))
    if policy.notice_days < policy.threshold_days:
        if "notice_days" in settings:
            by = next(each.by for each in reversed(overrides) if each.field == "notice_days")
            raise UsageError(
                f"notice_days is {policy.notice_days}, "
                f"below threshold_days, {policy.threshold_days}",
                where=by,
                remedy="a warning comes before an error: make the notice the larger of the two",
            )
        policy = replace(policy, notice_days=policy.threshold_days)
    return ResolvedPolicy(policy=policy, layers=layers, overrides=overrides)


def _layers(named: str | None, base: Base | None) -> tuple[tuple[Layer, ...], Policy]:
    here = Path.cwd().as_posix()
    path = named if named is not None else _nearest(base)
    if path is None:
        return (), Policy(homes=(here,))
    from checker.policyfile.resolve import PACKS, merge_layers, read_chain, read_file, read_pack

    if path in PACKS:
        layers = read_chain(*read_pack(path))
        return layers, replace(merge_layers(layers, path), homes=(here,))
    read = read_file if base is None else partial(base.read, opener=read_file)
    layers = read_chain(path, _bytes(path, read), read)
    policy = merge_layers(layers, layers[-1].toml_file.values.get("name", Path(path).name))
    # A link there is the checkout's, so it is not resolved with `base`.
    home = Path(path).resolve() if base is None else Path(os.path.abspath(path))  # noqa: PTH100 -- as in `place`
    return layers, replace(policy, homes=(home.parent.as_posix(), here))


def _refuse_never_failing(layers: tuple[Layer, ...]) -> None:
    """Raise UsageError with the line if a file that was found sets `fail_on = "never"`."""
    for layer in layers:
        where = [layer.location("fail_on")] if ("fail_on", FailOn.NEVER) in layer.settings else []
        where += [
            layer.location("scope", index, "fail_on")
            for index, scope in enumerate(layer.scopes)
            if ("fail_on", FailOn.NEVER) in scope.values
        ]
        if where:
            raise UsageError(
                'a policy that is found, and not named, cannot set fail_on = "never"',
                where=str(where[0]),
                remedy="name the file with --policy or TFCERT_POLICY, or give --fail-on never",
            )


def _environment() -> tuple[PolicyOptions, ...]:
    if not any(name.startswith(_PREFIX) for name in os.environ):
        return ()
    from checker.cli.output import warn
    from checker.policyfile.resolve import Unknown, read_environment

    found: list[PolicyOptions] = []
    for entry in read_environment(os.environ):
        match entry:
            case Unknown(name=name):
                warn(f"{name} is no variable of tfcert's; it changes nothing")
            case (name, (field, setting)):
                found.append(PolicyOptions(name, field, setting))
    return tuple(found)


def _nearest(base: Base | None) -> str | None:
    here = Path.cwd()
    files = (folder / _FILE for folder in (here, *here.parents))
    # A file that exists but is not regular, such as a broken link or a FIFO, is an error, not
    # skipped.
    found = next(
        (file for file in files if (os.path.lexists(file) if base is None else base.exists(file))),
        None,
    )
    if found is None:
        return None
    _refuse_strangers(found, here)
    return os.path.relpath(found, here)


def _refuse_strangers(found: Path, here: Path) -> None:
    """Raise UsageError for a policy that another user has put into a folder above.

    In a shared folder such as /tmp, anybody may write a file that all folders below it find, and a
    `.git` beside it. The owner of the current folder is trusted: a container often runs as another
    user than the one who checked out.
    """
    if found.parent == here or not hasattr(os, "geteuid"):
        return
    if found.lstat().st_uid not in {0, os.geteuid(), here.stat().st_uid}:
        raise UsageError(
            "is found above this folder, and belongs to another user",
            where=str(found),
            remedy="name the policy with --policy; --policy default is the one without a file",
        )


def _bytes(path: str, read: Callable[[str], bytes]) -> bytes:
    try:
        return read(path)
    except UnreadableError as error:
        remedy = "check --policy (packs: default, strict)"
        raise UnreadableError(error.message, where=path, remedy=remedy) from error
