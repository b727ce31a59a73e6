"""Whether a module that an edit would touch belongs to others too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from checker.hcl.callers import callers_elsewhere
from checker.hcl.configuration import Configuration, ModulePath
from checker.hcl.hindrance import Hindrance
from checker.hcl.repository import repository_of
from checker.hcl.source import SourceFile

_NAMED = 5


def shared(configuration: Configuration, module: ModulePath, file: SourceFile) -> Iterator[Hindrance]:
    """Whether an edit of the module that declares a certificate would reach more than this one call of it."""
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
        named = ", ".join(map(str, others[:_NAMED])) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
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
