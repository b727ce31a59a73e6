"""Refuse outputs that are inputs: a report or a patch must not replace a file it is made from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from checker.errors import UsageError
from checker.git import find_repository
from checker.model.configuration_files import SUFFIXES
from checker.pipeline import Loaded

# Suffixes of files that Terraform and OpenTofu read in a root module's folder, or keep there.
_TERRAFORMS = (*SUFFIXES, ".tfvars", ".tfvars.json", ".tfstate", ".tfstate.backup")
_TERRAFORMS_OWN = (".tfplan", ".tftest.hcl", ".terraform.lock.hcl")
_POLICIES = ".toml"

Known = frozenset[tuple[int, int]]


def refuse_overwriting(
    outputs: Iterable[Path],
    sources: Sequence[str],
    loaded: Loaded | None,
    *,
    option: str,
    policy: str | None = None,
) -> None:
    """Raise UsageError if an output is a source, a policy, or a file that Terraform reads.

    Only files in the folders of the run count. Files are compared by identity on disk: another
    path, a symbolic link or a hard link leads to the same file.
    """
    wanted = [path for path in outputs if not path.is_dir()]
    refuse_links_out(wanted, option=option)
    if not wanted:
        return
    folders = {folder.resolve() for folder in _folders(sources, loaded)}
    known = _identities(
        (*_named(sources, loaded), *([Path(policy)] if policy else ()), *_listed(folders))
    )
    for path in wanted:
        real = path.resolve()
        by_name = real.name.endswith(_TERRAFORMS + _TERRAFORMS_OWN) and real.parent in folders
        is_policy = real.name.endswith(_POLICIES) and real.exists()
        if by_name or is_policy or not known.isdisjoint(_identities((path,))):
            raise UsageError(
                f"{path} is an input of this run, or a file that Terraform reads",
                where=option,
                remedy="nothing was written; give the output a name of its own",
            )


def refuse_links_out(outputs: Iterable[Path], *, option: str) -> None:
    """Raise UsageError if a link in a repository leads an output out of it or into a `.git`."""
    for path in outputs:
        if (out := _beyond(path)) is not None:
            raise UsageError(
                f"{path} is a link of this repository to {out}",
                where=option,
                remedy="nothing was written: the author of the link would choose the file; "
                "name that file, or remove the link",
            )


def _beyond(path: Path) -> Path | None:
    """Return the target of a link that leads out of the repository or into `.git`; else None.

    The repository is that of the current folder, and that of the path as it is written: a path may
    lead to the checkout through a link, such as /proc/self/cwd.
    """
    plain = Path(os.path.abspath(path))  # noqa: PTH100 -- Path.resolve would follow the link
    real = plain.resolve()
    for top in (find_repository(Path.cwd()), find_repository(plain.parent)):
        if top is None or not plain.is_relative_to(top):
            continue
        root = top.resolve()
        inside = real.is_relative_to(root) and ".git" not in real.relative_to(root).parts
        if not inside and real != root / plain.relative_to(top):
            return real
    return None


def _folders(sources: Sequence[str], loaded: Loaded | None) -> Iterator[Path]:
    for source in sources or (".",):
        if source != "-" and not source.startswith("s3://"):
            yield Path(source) if Path(source).is_dir() else Path(source).parent
    for configuration in loaded.configurations if loaded is not None else ():
        if configuration is not None:
            for module in configuration.modules.values():
                yield Path(os.path.normpath(Path(configuration.root, module.directory)))


def _named(sources: Sequence[str], loaded: Loaded | None) -> Iterator[Path]:
    yield from (
        Path(source) for source in sources if source != "-" and not source.startswith("s3://")
    )
    for document in loaded.inventory.documents if loaded is not None else ():
        yield Path(document.source.path)
    for configuration in loaded.configurations if loaded is not None else ():
        if configuration is not None:
            yield from (Path(configuration.root, name) for name in configuration.files)


def _listed(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            names = os.listdir(folder)  # noqa: PTH208 -- only names are needed
        except OSError:
            continue
        yield from (
            folder / name
            for name in names
            if name.endswith((*_TERRAFORMS, *_TERRAFORMS_OWN, _POLICIES))
        )


def _identities(paths: Iterable[Path]) -> Known:
    found = set()
    for path in paths:
        try:
            status = path.stat()
        except (OSError, ValueError):
            continue
        # A device, such as /dev/null, is not a file that could be lost.
        if path.is_file():
            found.add((status.st_dev, status.st_ino))
    return frozenset(found)
