"""Find repositories and commits, read files of a commit, and make paths for forges."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from checker.errors import UsageError
from checker.programs import find_program


class Checkout(Struct, frozen=True, kw_only=True):
    """The root of a repository and the run's folder below it; the root is an absolute path.

    Both use forward slashes. Without a repository the root is the run's folder. An empty Checkout
    has neither, and leaves every name as it is.
    """

    root: str = ""
    folder: str = ""

    def path(self, name: str) -> str:
        """Return a file's path relative to the root; empty for the root itself.

        For a file outside the root, return only its last part: the rest depends on the machine.

        The path is never absolute, never goes upwards and has no scheme. Forges refuse such paths,
        and GitHub refuses the whole report ("SARIF URI scheme did not match the checkout URI
        scheme", github/codeql-action issue 754).
        """
        scheme, found, rest = name.partition("://")
        if found and scheme.isalnum():
            return posixpath.normpath(f"/{rest}").lstrip("/")
        if name.startswith("/"):
            inside = posixpath.relpath(name, self.root) if self.root else name
        else:
            inside = posixpath.normpath(posixpath.join(self.folder, name))
        if inside.startswith(("../", "/")):
            inside = posixpath.basename(posixpath.normpath(name))
        return "" if inside in (".", "..") else inside


def find_repository(folder: Path) -> Path | None:
    """Return the root of the repository: the nearest folder, this one or above, with a `.git`.

    `.git` is a folder, or a file in a worktree.
    """
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)


def path_in_repository(path: str | Path, top: Path) -> Path | None:
    """Return a path relative to a repository's root; None for a path outside the repository.

    A path inside is not resolved: a link there belongs to the checkout, and a commit may have
    another one.
    """
    # Path.resolve would follow the links of the checkout.
    plain = Path(os.path.abspath(path))  # noqa: PTH100 -- see above
    for candidate in (plain, Path(os.path.realpath(plain))):
        if candidate.is_relative_to(top):
            return candidate.relative_to(top)
    return None


def find_checkout() -> Checkout:
    """Return the repository's root and the path from it to the current folder.

    Without a repository, the current folder is the root.
    """
    here = Path.cwd()
    root = find_repository(here) or here
    folder = here.relative_to(root).as_posix()
    return Checkout(root=root.as_posix(), folder="" if folder == "." else folder)


_SECONDS = 120
_LARGEST = 256 * 1024**2
# No hooks, no file monitor, and no bare repository inside the checkout (git-config(1),
# safe.bareRepository).
SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.pager=cat"),
)
# No settings of another repository, no replaced objects, and no fetch (git(1), "Environment").
_QUIET = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
_PASSED = ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SYSTEMROOT")
_DATA = ".terraform"
_LINK, _FILES = "120000", frozenset({"100644", "100755", "120000"})


class Commit(Struct, frozen=True, kw_only=True):
    """A readable commit: the root of its repository, its full name, and the ref that named it."""

    top: Path
    name: str
    ref: str


def find_commit(folder: Path, ref: str, *, option: str) -> Commit:
    """Return a commit of a folder's repository; raises UsageError for a missing or invalid ref."""
    where = f"{option} {ref}"
    if not ref.strip() or ref.startswith("-") or not ref.isprintable():
        raise UsageError(
            "is no name of a commit", where=where.strip(), remedy="name a branch, a tag or a commit"
        )
    if _git(folder, ("rev-parse", "--show-superproject-working-tree"), where).strip():
        # A pull request can replace a folder with a submodule, which has its own commits and root.
        raise UsageError(
            "this folder is in a submodule, and the commit is one of the repository around it",
            where=where,
            remedy="run it outside of the submodule, "
            "or name a policy outside of the checkout with --policy",
        )
    top = (
        _git(folder, ("rev-parse", "--show-toplevel"), where)
        .decode("utf-8", "surrogateescape")
        .rstrip("\n")
    )
    name = (
        _git(
            folder,
            ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"),
            where,
        )
        .decode()
        .strip()
    )
    if not ref.startswith((name, "refs/")):
        _refuse_ambiguous(folder, ref, where)
    return Commit(top=Path(top).resolve(), name=name, ref=ref)


def _refuse_ambiguous(folder: Path, ref: str, where: str) -> None:
    """Raise UsageError for a name that several refs have.

    git takes the tag before the branch, so anyone who may push a tag could choose the commit.
    Source: gitrevisions(7).
    """
    asked = ("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    done = _run(folder, ("-c", "core.warnAmbiguousRefs=true", *asked), where)
    if b" is ambiguous" in done.stderr:
        raise UsageError(
            "is ambiguous: several refs have this name, such as a tag and a branch",
            where=where,
            remedy="write it in full, such as refs/heads/main or refs/remotes/origin/main",
        )


def read_files(commit: Commit, suffixes: tuple[str, ...]) -> Iterator[tuple[str, bytes | str]]:
    """Yield each file of the commit with one of these suffixes: path from the root, and content.

    A link is yielded as the text of its target. Raises UsageError for objects that cannot be read,
    and for more than 256 MiB.
    """
    where = f"commit {commit.name[:12]}"
    listed = _git(commit.top, ("ls-tree", "-r", "-z", "--full-tree", commit.name), where)
    wanted: list[tuple[str, str, bool]] = []
    for entry in filter(None, listed.split(b"\0")):
        head, _, path = entry.partition(b"\t")
        mode, _, identity = head.decode().split(" ")
        name = path.decode("utf-8", "surrogateescape")
        # A link to a folder has no suffix, so all links are read.
        if mode == _LINK or (mode in _FILES and name.endswith(suffixes)):
            wanted.append((name, identity, mode == _LINK))
    asked = "".join(f"{identity}\n" for _, identity, _ in wanted).encode()
    output = _git(commit.top, ("cat-file", "--batch"), where, given=asked)
    at = 0
    for name, identity, link in wanted:
        end = output.index(b"\n", at)
        words = output[at:end].split(b" ")
        if len(words) != 3 or words[0].decode() != identity:
            raise UsageError(
                f"{name} is missing",
                where=where,
                remedy="fetch it: a partial clone has not all objects",
            )
        start = end + 1
        at = start + int(words[2])
        data = output[start:at]
        at += 1
        yield name, data.decode("utf-8", "surrogateescape") if link else data


def tracks_workspace(commit: Commit, directory: Path) -> bool:
    """Return whether git tracks the file that selects a folder's Terraform workspace.

    A link in its place counts too.
    """
    if not directory.is_relative_to(commit.top):
        return False
    name = (directory.relative_to(commit.top) / _DATA).as_posix()
    listed = _git(
        commit.top,
        ("--icase-pathspecs", "ls-files", "-z", "--", name),
        f"commit {commit.name[:12]}",
    )
    found = {each.decode("utf-8", "surrogateescape").lower() for each in listed.split(b"\0")}
    return not found.isdisjoint({name.lower(), f"{name}/environment".lower()})


def _run(
    folder: Path, arguments: tuple[str, ...], where: str, *, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    program = find_program("git", os.environ)
    if program is None:
        raise UsageError(
            "git is not on PATH", where=where, remedy="install it: the policy is read from a commit"
        )
    try:
        return subprocess.run(  # noqa: S603 -- git, by its full path, without a shell
            [program, *SAFE, *arguments],
            cwd=folder,
            env=_environment(os.environ),
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            f"git did not answer: {error}", where=where, remedy="run it there yourself"
        ) from error


def _git(folder: Path, arguments: tuple[str, ...], where: str, *, given: bytes = b"") -> bytes:
    done = _run(folder, arguments, where, given=given)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[0].removeprefix("fatal: ")[:200] if lines else "there is no such commit here"
        raise UsageError(
            reason,
            where=where,
            remedy="fetch it first (`git fetch`, or a checkout that is not shallow)",
        )
    if len(done.stdout) > _LARGEST:
        raise UsageError(
            "is larger than any configuration", where=where, remedy="name another commit"
        )
    return done.stdout


def _environment(base: Mapping[str, str]) -> dict[str, str]:
    return {name: base[name] for name in _PASSED if name in base} | _QUIET
