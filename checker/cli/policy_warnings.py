"""Warnings about a valid policy whose effect is surprising."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from checker.cli.load import display_prefix
from checker.cli.policy_options import ResolvedPolicy
from checker.errors import UnreadableError
from checker.model.configuration_files import SUFFIXES
from checker.model.exemptions import Exemption, FaultyExemption
from checker.model.policy import Policy, Untouched
from checker.model.severity import FailOn

if TYPE_CHECKING:
    from checker.cli.policy_options import Base


def policy_warnings(resolved: ResolvedPolicy, *, today: date) -> Iterator[str]:
    """Yield a sentence for each surprise in a policy.

    These are deadlines before the first warning, caps without effect, and expired exemptions.
    """
    policy = resolved.policy
    yield from _of(policy, "the policy")
    for index, scope in enumerate(policy.scopes):
        yield from _of(policy.under((index,)), f"{scope.location}: scope {index + 1}")
    for exemption in policy.exemptions:
        if exemption.until < today:
            yield (
                f"{exemption.location}: the exemption of {exemption.subject} "
                f"from {exemption.rule} ran out on {exemption.until}"
            )


def _of(policy: Policy, what: str) -> Iterator[str]:
    before = policy.margin_days + policy.trust_window_days + policy.introduce_margin_days
    if policy.notice_days < before:
        yield (
            f"{what}: the first word comes {policy.notice_days} days "
            "before a certificate's end (notice_days), and introduce-by is "
            f"{before} days before it already"
        )
    if policy.untouched is Untouched.WARNING and policy.fail_on is FailOn.WARNING:
        yield (
            f'{what}: untouched = "warning" changes no exit code '
            'while fail_on is "warning"; "note" does'
        )


def is_configuration(file: str) -> bool:
    """Return whether a file is a Terraform file and no policy, by its name alone."""
    return file.endswith(SUFFIXES)


def inline_exemptions(
    files: Sequence[str], base: Base | None = None
) -> Iterator[Exemption | FaultyExemption]:
    """Yield the exemptions of these files and the faulty ones, each with its location, by folder.

    With `base`, the files are those of that commit. A file is read with its folder, since a comment
    belongs to a block and a block to a module. Raises UnreadableError.
    """
    from checker.terraform.configuration import read_configuration

    for file in files:
        if not (base.exists(Path(file)) if base is not None else Path(file).is_file()):
            raise UnreadableError("No such file", where=file, remedy="check the path")
    for folder in sorted({str(Path(file).parent) for file in files}):
        placed = base.place(folder) if base is not None else None
        found = read_configuration(str(placed or folder), display_prefix(folder))
        if found is None:
            raise UnreadableError(
                "no .tf files here", where=folder, remedy="name files that Terraform reads"
            )
        _, declared = found
        read: tuple[Exemption | FaultyExemption, ...] = (*declared.exemptions, *declared.faulty)
        wanted = {
            os.path.relpath(Path(file).resolve(), Path.cwd())
            for file in files
            if str(Path(file).parent) == folder
        }
        for each in read:
            if each.location is not None and os.path.normpath(each.location.file) in wanted:
                yield each
