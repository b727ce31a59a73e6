"""`--policy-base REF`: take the policy and the inline exemptions from a commit.

Also report what the checkout would change in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checker.cli import output
from checker.cli.policy_options import (
    Base,
    PolicyOptions,
    ResolvedPolicy,
    checkout_policy,
    resolve_policy,
)
from checker.errors import TfcertError, UsageError
from checker.model.configuration_files import SUFFIXES
from checker.model.inventory import Document
from checker.model.outcome import Outcome
from checker.model.policy import Policy
from checker.pipeline import Loaded

if TYPE_CHECKING:
    from checker.model.exemptions import Exemption

OPTION = "--policy-base"
# Trust bundles too: one of another name is not read from the commit (docs/trust.md).
_SUFFIXES = (*SUFFIXES, ".toml", ".pem", ".crt")
_MOST_LINES = 20


@contextmanager
def run_policy(
    file: str | None, ref: str | None, *, given: Sequence[PolicyOptions] = (), inline: bool = True
) -> Iterator[RunPolicy]:
    """Yield the policy of a run: from the files, or from a commit.

    The files of the commit are in a temporary folder inside this block. Raises UsageError for a ref
    that cannot be read: the checkout's own policy never replaces it.
    """
    with committed(ref) as base:
        yield RunPolicy(file, base, inline=inline, given=given)


@contextmanager
def committed(ref: str | None) -> Iterator[Base | None]:
    """Put the files of a commit into a temporary folder for this block; yield None without a ref.

    Raises UsageError for a ref that cannot be read.
    """
    if ref is None:
        yield None
        return
    # Imported here: a run without the option reads no commit.
    import tempfile

    from checker.git import find_commit

    commit = find_commit(Path.cwd(), ref, option=OPTION)
    with tempfile.TemporaryDirectory(prefix="tfcert-base-") as folder:
        base = Base(commit=commit, folder=Path(folder).resolve())
        try:
            _put(base)
        except OSError as error:
            raise UsageError(
                f"cannot be put aside: {error.strerror}",
                where=f"{OPTION} {ref}",
                remedy="free some space",
            ) from error
        yield base


class RunPolicy:
    """The policy of a run, and notices about policy and exemptions that do not apply."""

    def __init__(
        self,
        file: str | None,
        base: Base | None,
        *,
        inline: bool = True,
        given: Sequence[PolicyOptions] = (),
    ) -> None:
        """Read the policy; raises TfcertError for one that cannot be used.

        Without `inline` no comment exempts anything.
        """
        self._resolved = resolve_policy(file, given, base)
        self._base = base
        self._inline = inline
        self._notices: list[str] = list(self._changes(base, file)) if base is not None else []

    @property
    def resolved(self) -> ResolvedPolicy:
        """Return the policy with the source of each value."""
        return self._resolved

    @property
    def policy(self) -> Policy:
        """Return the policy itself."""
        return self._resolved.policy

    def trusting(self, files: Sequence[str] | None, fetch: Callable[[str], bytes]) -> Policy:
        """Return the policy with the bundles of its backends; `files` are those of --trust-file.

        Raises UsageError for a backend that is not declared, and UnreadableError for a bundle.
        """
        if not files and not self.policy.backends:
            return self.policy
        # Imported here: most policies declare no backend.
        from checker.cli.trust_files import with_bundles

        return with_bundles(self.policy, self._base, files, fetch)

    def warn(self) -> None:
        """Warn on stderr of what the checkout would change, for a command that writes no report."""
        for text in self._notices:
            output.warn(text)

    def exemptions(self, loaded: Loaded) -> Loaded:
        """Return the loaded documents with the inline exemptions that apply.

        Also record a notice for each difference from the checkout.
        """
        if self._base is not None:
            _refuse_workspaces(self._base, self.policy, loaded.inventory.documents)
        if not self._inline:
            documents = tuple(map(without_inline, loaded.inventory.documents))
        elif self._base is not None:
            documents = tuple(map(self._base.exemptions_of, loaded.inventory.documents))
        else:
            return loaded
        for before, after in zip(loaded.inventory.documents, documents, strict=True):
            self._notices += [
                text for text in self._differences(before, after) if text not in self._notices
            ]
        return replace(loaded, inventory=replace(loaded.inventory, documents=documents))

    def with_notices(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the notices of what the checkout would change."""
        return (
            replace(outcome, notices=(*outcome.notices, *self._notices))
            if self._notices
            else outcome
        )

    def _changes(self, base: Base, file: str | None) -> Iterator[str]:
        import difflib

        from checker.cli.commands.policy_show import policy_lines

        try:
            found = checkout_policy(file, self._resolved.overrides)
        except TfcertError as error:
            yield (
                f"the policy is that of {base.commit.ref}; "
                f"the one of this checkout cannot be used: {error}"
            )
            return
        before, after = (
            [line.text for line in policy_lines(each)] for each in (self._resolved, found)
        )
        changes = difflib.SequenceMatcher(None, before, after).get_opcodes()
        lines = [
            f"{sign}{line}"
            for kind, *at in changes
            if kind != "equal"
            for sign, side in (("-", before[at[0] : at[1]]), ("+", after[at[2] : at[3]]))
            for line in side
            if line.strip()
        ]
        if lines:
            more = f"; and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
            yield (
                f"the policy is that of {base.commit.ref}; "
                f"this checkout would change it: {'; '.join(lines[:_MOST_LINES])}{more}"
            )

    def _differences(self, checkout: Document, committed: Document) -> Iterator[str]:
        here, there = _by_content(checkout), _by_content(committed)
        why = (
            "--no-inline-exemptions"
            if self._base is None or not self._inline
            else f"{self._base.commit.ref} does not have it"
        )
        for key, entry in here.items():
            if key not in there:
                yield f"{entry.location}: the tfcert:ignore of {entry.rule} exempts nothing: {why}"
        for key, entry in there.items():
            if key not in here and self._base is not None:
                yield (
                    f"{entry.location}: the tfcert:ignore of {entry.rule} "
                    f"holds as in {self._base.commit.ref}"
                )


def _refuse_workspaces(base: Base, policy: Policy, documents: Sequence[Document]) -> None:
    """Raise UsageError if scopes depend on the workspace and the repository itself selects it.

    It does so if git tracks the file that selects the workspace. TF_WORKSPACE overrides that file.
    """
    conditions = (
        *(scope.conditions for scope in policy.scopes),
        *(entry.where for entry in policy.exemptions),
    )
    if os.environ.get("TF_WORKSPACE") or not any(each.workspace for each in conditions):
        return
    from checker.git import tracks_workspace

    for document in documents:
        if document.directory is not None and tracks_workspace(
            base.commit, Path(document.directory)
        ):
            raise UsageError(
                "git tracks the file that selects the workspace, "
                "and the policy has conditions on the workspace",
                where=f"{document.directory}/.terraform/environment",
                remedy="remove it from the repository, or set TF_WORKSPACE",
            )


def without_inline(document: Document) -> Document:
    """Return the document without its inline exemptions; faulty ones stay."""
    return (
        replace(document, declared=replace(document.declared, exemptions=()))
        if document.declared is not None
        else document
    )


def _put(base: Base) -> None:
    from checker.git import read_files

    # Searches for a repository's files end here, not in the folders around the temporary one.
    base.folder.joinpath(".git").mkdir()
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
                f"is a link out of the repository, to {data}",
                where=f"{base.commit.ref}:{name}",
                remedy="name that file with --policy",
            )


def _by_content(document: Document) -> Mapping[tuple[object, ...], Exemption]:
    """Return the inline exemptions of a document by content, independent of their location."""
    found = document.declared.exemptions if document.declared is not None else ()
    return {
        (each.rule, each.until, each.reason, each.owner, each.addresses): each for each in found
    }
