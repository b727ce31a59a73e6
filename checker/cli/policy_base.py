"""`--policy-base REF`: take the policy and the inline exemptions from a commit, and say what the checkout would change in them."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from checker.cli.reading import Loaded
from checker.domain.errors import TfcertError, UnreadableError, UsageError
from checker.domain.inventory import Document
from checker.domain.value import replace, value
from checker.readers.git_tree import Commit, find_commit, read_files

if TYPE_CHECKING:
    from checker.cli.policies import Standing
    from checker.domain.exemption import Exemption

OPTION = "--policy-base"
_SUFFIXES = (".tf", ".tofu", ".tf.json", ".tofu.json", ".toml")
_MOST_LINES = 20


@value
class Base:
    """A commit whose policy and exemptions hold, and the folder in which its files were put for this run."""

    commit: Commit
    folder: Path

    def place(self, path: str | Path) -> Path | None:
        """Return where the commit's own file of that path is; None for a path outside the repository, which no commit changes.

        The path is not resolved inside the repository: a link there is the checkout's, and the commit may have another.
        """
        plain = Path(os.path.abspath(path))  # noqa: PTH100 -- Path.resolve would follow the links of the checkout
        for candidate in (plain, plain.resolve()):
            if candidate.is_relative_to(self.commit.top):
                return self.folder / candidate.relative_to(self.commit.top)
        return None

    def exists(self, path: Path) -> bool:
        """Whether the file is in the commit, or outside the repository on disk."""
        return (self.place(path) or path).is_file()

    def read(self, path: str, opener: Callable[[str], bytes]) -> bytes:
        """Read a file as the commit has it; raises UnreadableError under the path that the user knows."""
        placed = self.place(path)
        if placed is None:
            return opener(path)
        try:
            return opener(str(placed))
        except UnreadableError as error:
            raise UnreadableError(f"{error.message} (at {self.commit.ref})", where=path, remedy=error.remedy) from error

    def exemptions_of(self, document: Document) -> Document:
        """Return the document with the inline exemptions that the commit has in the same folder."""
        from checker.readers.configuration import read_configuration

        declared = document.declared
        if declared is None or document.directory is None:
            return document
        placed = self.place(document.directory)
        found = None
        if placed is not None and placed.is_dir():
            from checker.cli.reading import shown_as

            found = read_configuration(str(placed), shown_as(document.directory))
        held = found[1] if found is not None else None
        return replace(
            document,
            declared=replace(
                declared,
                exemptions=held.exemptions if held is not None else (),
                faulty=held.faulty if held is not None else (),
            ),
        )

    def hold(self, loaded: Loaded) -> tuple[Loaded, tuple[str, ...]]:
        """Return what was loaded with the commit's inline exemptions, and what the checkout would change in them."""
        documents = tuple(map(self.exemptions_of, loaded.inventory.documents))
        told: dict[str, None] = {}
        for before, after in zip(loaded.inventory.documents, documents, strict=True):
            told |= dict.fromkeys(self._differences(before, after))
        return replace(loaded, inventory=replace(loaded.inventory, documents=documents)), tuple(told)

    def _differences(self, checkout: Document, held: Document) -> Iterator[str]:
        here = {_written(each): each for each in (checkout.declared.exemptions if checkout.declared is not None else ())}
        there = {_written(each): each for each in (held.declared.exemptions if held.declared is not None else ())}
        for key, entry in here.items():
            if key not in there:
                yield f"{entry.location}: the tfcert:ignore of {entry.rule} does not hold: {self.commit.ref} does not have it"
        for key, entry in there.items():
            if key not in here:
                yield f"{entry.location}: the tfcert:ignore of {entry.rule} holds: this checkout removes or changes it, {self.commit.ref} has it"


@contextmanager
def policy_base(ref: str | None) -> Iterator[Base | None]:
    """Put the commit's policies and configuration into a temporary folder while the run lasts; None where no ref was given.

    Raises UsageError for a ref that cannot be read: the checkout's own policy never takes its place.
    """
    if ref is None:
        yield None
        return
    commit = find_commit(Path.cwd(), ref, option=OPTION)
    with tempfile.TemporaryDirectory(prefix="tfcert-base-") as folder:
        base = Base(commit=commit, folder=Path(folder).resolve())
        try:
            _put(base)
        except OSError as error:
            raise UsageError(f"cannot be put aside: {error.strerror}", where=f"{OPTION} {ref}", remedy="free some space") from error
        yield base


def changes(base: Base, held: Standing, checkout: Callable[[], Standing]) -> Iterator[str]:
    """Say what the policy of the checkout would change in the one that holds."""
    from checker.cli.policy_lines import policy_lines

    try:
        found = checkout()
    except TfcertError as error:
        yield f"the policy is that of {base.commit.ref}; the one of this checkout cannot be used: {error}"
        return
    before, after = ([line.partition("  # ")[0].rstrip() for line in policy_lines(each)] for each in (held, found))
    lines = [line for line in difflib.unified_diff(before, after, n=0, lineterm="") if line[:3] not in {"+++", "---"}]
    lines = [line for line in lines if not line.startswith("@@") and line[1:].strip()]
    if lines:
        more = f" and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
        yield f"the policy is that of {base.commit.ref}; this checkout would change it: {'; '.join(lines[:_MOST_LINES])}{more}"


def _put(base: Base) -> None:
    for name, data in read_files(base.commit, _SUFFIXES):
        path = Path(os.path.normpath(base.folder / name))
        if not path.is_relative_to(base.folder):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, bytes):
            path.write_bytes(data)
        elif Path(os.path.normpath(path.parent / data)).is_relative_to(base.folder):
            path.symlink_to(data)
        elif name.endswith(".toml"):
            raise UsageError(
                f"is a link to {data}, outside of the repository", where=f"{base.commit.ref}:{name}", remedy="name that file with --policy"
            )


def _written(entry: Exemption) -> tuple[object, ...]:
    """What an exemption says, wherever it stands."""
    return entry.rule, entry.until, entry.reason, entry.owner, entry.addresses
