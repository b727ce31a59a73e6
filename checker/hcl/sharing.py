"""Whether a module that an edit would touch belongs to others too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from checker.hcl.callers import callers_elsewhere
from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.hindrance import Hindrance
from checker.hcl.repository import repository_of
from checker.hcl.source import SourceFile
from checker.hcl.terragrunt import Terragrunt, UnitUse, terragrunt_of

_NAMED = 5


def shared(configuration: Configuration, module: ModulePath, file: SourceFile) -> Iterator[Hindrance]:
    """Whether an edit of the module that declares a certificate would reach more than this one call of it."""
    yield from _by_units(configuration, module, file)
    if not module:
        return
    directory = configuration.modules[module].directory
    calls = [path for path, other in configuration.modules.items() if other.directory == directory]
    top = repository_of(Path(configuration.root).resolve())
    inside = top is not None and Path(configuration.root, directory).resolve().is_relative_to(top)
    if directory.startswith("..") and not inside:
        yield Hindrance(
            reason=f"the certificate is declared in {directory}, outside this root module, where others may call it too",
            remedy="rotate it by hand, module by module, by the runbook; in a git repository tfcert sees who else calls it",
            path=file.path,
        )
    above = dict.fromkeys(configuration.modules[module[:end]].directory for end in range(1, len(module) + 1))
    others = tuple(caller for each in above for caller in callers_elsewhere(configuration, each))
    if others:
        named = _named(others)
        yield Hindrance(
            reason=f"the certificate is declared in {directory}, which other configurations of the repository call too: {named}",
            remedy="they take each phase with their own next apply, or several at once: give this root a module of its own, or "
            "rotate by hand, each phase in all of them before the next",
            path=file.path,
        )
    if len(calls) > 1:
        names = ", ".join(sorted("module." + ".module.".join(path) for path in calls))
        yield Hindrance(
            reason=f"the certificate is declared in {directory}, which is called more than once: {names}",
            remedy="all of them would rotate at once; do it by hand, or give each call a module of its own",
            path=file.path,
        )


def _by_units(configuration: Configuration, module: ModulePath, file: SourceFile) -> Iterator[Hindrance]:
    """Whether several Terragrunt units run the text: two of the root module, or one of a module that it calls."""
    certain = [use for use, most in unit_uses(configuration, module) if use.certain and most]
    if certain:
        yield Hindrance(
            reason=f"several Terragrunt units run the text that declares the certificate: {_named(certain)}",
            remedy="all of them take an edit with their next apply: rotate manually, each phase in every unit before the next,"
            " or give one unit a copy of the module",
            path=file.path,
        )


def unit_uses(configuration: Configuration, module: ModulePath) -> Iterator[tuple[UnitUse, bool]]:
    """Every Terragrunt unit that runs a module on the way to a certificate; True where that makes its text a shared one.

    One unit may run the root module: that is how this configuration is run.
    """
    terragrunt = _terragrunt(configuration)
    if terragrunt is None:
        return
    for depth in range(len(module) + 1):
        directory = Path(configuration.root, configuration.modules[module[:depth]].directory).resolve().as_posix()
        uses = terragrunt.uses(directory)
        most = depth > 0 or sum(use.certain for use in uses) > 1
        yield from ((use, most) for use in uses)


def _terragrunt(configuration: Configuration) -> Terragrunt | None:
    known = configuration.terragrunt
    if not known:
        known.append(terragrunt_of(configuration.root))
    return known[0]


def _named(found: Sequence[object]) -> str:
    return ", ".join(map(str, found[:_NAMED])) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
