"""A real bare git repository behind a stand-in of a forge, with objects, trees, commits and
branches, all made by `git`.

Objects never change, so each is read once. Branches are read each time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
NONE = "0" * 40
# Found before a test takes all programs away from tfcert.
PATH = os.environ["PATH"]
GIT = shutil.which("git") or "git"


class GitError(Exception):
    """An operation that git refuses."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a tree."""

    mode: str
    kind: str
    sha: str
    path: str
    size: int | None


@dataclass(frozen=True, kw_only=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: str
    committer: str
    committer_email: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """A file that differs between two trees. `status` is git's letter."""

    status: str
    path: str
    old_mode: str
    mode: str
    old_sha: str
    sha: str


@cache
def _environment(home):
    return {
        "PATH": PATH,
        "HOME": home,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


class BareRepository:
    """One repository.

    `moved` is called with the branch, the old and the new commit after each change of a branch.
    """

    def __init__(self, folder, *, branch="main", copy_of=None):
        self.folder, self.branch = Path(folder), branch
        self.moved = lambda _branch, _old, _new: None
        self._known = {}
        if copy_of is not None:
            shutil.copytree(copy_of.folder, self.folder)
            return
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", ".")

    def git(self, *arguments, data=None, allow=(0,), **more):
        """Run git without the configuration of the machine, and return its output."""
        done = subprocess.run(
            [GIT, *arguments],
            cwd=self.folder,
            input=data,
            env={**_environment(str(self.folder)), **more},
            capture_output=True,
            check=False,
        )
        if done.returncode not in allow:
            raise GitError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    # ---- objects

    def kind(self, sha):
        """Return the kind of an object, or None if there is none."""
        if ("kind", sha) not in self._known:
            found = self.git("cat-file", "--batch-check", data=f"{sha}\n".encode()).decode().split()
            if found[1] == "missing" or found[0] != sha:
                return None
            self._known["kind", sha] = found[1]
        return self._known["kind", sha]

    def blob(self, sha):
        return self._once("blob", sha, lambda: self.git("cat-file", "blob", sha))

    def commit(self, sha):
        return self._once("commit", sha, lambda: self._commit(sha))

    def tree(self, sha, *, recursive=False):
        """Return the entries of a tree, or of a commit's tree."""
        return self._once(f"tree{recursive}", sha, lambda: self._tree(sha, recursive))

    def read(self, commit, path):
        """Return the mode and the content of a file, or None if there is none."""
        entry = self.entry(commit, path)
        return None if entry is None or entry.kind != "blob" else (entry.mode, self.blob(entry.sha))

    def entry(self, commit, path):
        return next(
            (entry for entry in self.tree(commit, recursive=True) if entry.path == path), None
        )

    def files(self, commit):
        """Return each file's mode and content by its path."""
        return {
            entry.path: (entry.mode, self.blob(entry.sha))
            for entry in self.tree(commit, recursive=True)
            if entry.kind == "blob"
        }

    def write_blob(self, data):
        return self.git("hash-object", "-w", "--stdin", data=data).decode().strip()

    def write_tree(self, base, entries):
        """Write a copy of the tree `base` with changed files, given as (mode, sha, path).

        A sha of None removes the file.
        """
        lines = "".join(
            f"0 {NONE}\t{path}\n" if sha is None else f"{mode} {sha}\t{path}\n"
            for mode, sha, path in entries
        )
        with tempfile.TemporaryDirectory() as place:
            index = {"GIT_INDEX_FILE": f"{place}/index"}
            self.git("read-tree", base or "--empty", **index)
            self.git(
                "update-index", "--add", "--replace", "--index-info", data=lines.encode(), **index
            )
            return self.git("write-tree", **index).decode().strip()

    def write_commit(self, tree, parents, message, *, author, committer=None, date):
        """Write a commit.

        The author and the committer are (name, email), and the date is in a form that git reads.
        """
        names = {
            f"GIT_{role}_{part}": text
            for role, who in (("AUTHOR", author), ("COMMITTER", committer or author))
            for part, text in (("NAME", who[0]), ("EMAIL", who[1]), ("DATE", date))
        }
        parts = [word for parent in parents for word in ("-p", parent)]
        made = self.git("commit-tree", tree, *parts, data=message.encode(), **names)
        return made.decode().strip()

    # ---- branches

    def head(self, branch=None):
        """Return the commit of a branch, or None if there is no such branch."""
        file = self.folder / "refs/heads" / (branch or self.branch)
        try:
            return file.read_text().strip()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def branches(self, prefix=""):
        """Return the commits of branches by name."""
        found = self.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
        pairs = (line.split(" ", 1) for line in found.decode().splitlines())
        named = ((name.removeprefix("refs/heads/"), sha) for sha, name in pairs)
        return {name: sha for name, sha in named if name.startswith(prefix)}

    def move(self, branch, new, old):
        """Set a branch to a commit if it is still at `old` (None: absent).

        A new commit of None deletes it. Raises GitError if the branch moved.
        """
        ref = f"refs/heads/{branch}"
        if new is None:
            self.git("update-ref", "-d", ref, old or NONE)
        else:
            self.git("update-ref", ref, new, old or NONE)
        self.moved(branch, old, new)

    # ---- history

    def is_ancestor(self, old, new):
        key = ("ancestor", old, new)
        if key not in self._known:
            command = ("merge-base", "--is-ancestor", old, new)
            done = subprocess.run(
                [GIT, *command],
                cwd=self.folder,
                env=_environment(str(self.folder)),
                capture_output=True,
                check=False,
            )
            self._known[key] = done.returncode == 0
        return self._known[key]

    def merge_base(self, one, other):
        return self._once(
            f"base {one}",
            other,
            lambda: self.git("merge-base", one, other, allow=(0, 1)).decode().strip() or None,
        )

    def between(self, old, new):
        """Return the commits that `new` has and `old` lacks, oldest first."""
        return self._once(
            f"between {old}",
            new,
            lambda: self.git("rev-list", "--reverse", f"{old}..{new}").decode().split(),
        )

    def history(self, sha, path=None):
        """Return a commit and its ancestors, newest first.

        With a path, return only those that change it.
        """
        there = ("--", path) if path else ()
        return self._once(
            f"history {path}", sha, lambda: self.git("rev-list", sha, *there).decode().split()
        )

    def changes(self, old, new):
        return self._once(f"changes {old}", new, lambda: self._changes(old, new))

    def merge(self, base, head):
        """Return the tree of a merge of two commits, or None if they conflict."""
        done = self.git("merge-tree", "--write-tree", base, head, allow=(0, 1)).decode().split("\n")
        return done[0] if len([line for line in done if line]) == 1 else None

    # ---- what people do

    def put(self, files, *, branch=None, message="Change\n", who="Ann", date, parent=None):
        """Commit files to a branch as a person would: contents, or (mode, content), by path.

        None removes a file.
        """
        branch = branch or self.branch
        old = self.head(branch)
        base = parent or old or self.head()
        entries = []
        for path, given in files.items():
            known = self.entry(base, path) if base else None
            mode, data = (
                given if isinstance(given, tuple) else (known.mode if known else "100644", given)
            )
            sha = None if data is None else self.write_blob(data)
            entries.append((mode, sha, path))
        tree = self.write_tree(base, entries)
        author = (who, f"{who.lower()}@example.com")
        new = self.write_commit(tree, [base] if base else [], message, author=author, date=date)
        self.move(branch, new, old)
        return new

    def _once(self, what, name, read):
        if (what, name) not in self._known:
            self._known[what, name] = read()
        return self._known[what, name]

    def _commit(self, sha):
        form = "%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%B"
        shown = self.git("show", "--no-patch", f"--format={form}", sha).decode().split("\0", 7)
        tree, parents, author, email, date, committer, mail, message = shown
        return Commit(
            sha=sha,
            tree=tree,
            parents=tuple(parents.split()),
            author=author,
            email=email,
            date=date,
            committer=committer,
            committer_email=mail,
            message=message.rstrip("\n"),
        )

    def _tree(self, sha, recursive):
        flags = ("-r", "-t") if recursive else ()
        lines = self.git("ls-tree", "-l", "-z", *flags, sha).decode().split("\0")[:-1]
        found = []
        for line in lines:
            about, path = line.split("\t", 1)
            mode, kind, name, size = about.split()
            found.append(
                Entry(
                    mode=mode,
                    kind=kind,
                    sha=name,
                    path=path,
                    size=None if size == "-" else int(size),
                )
            )
        return tuple(found)

    def _changes(self, old, new):
        parts = (
            self.git("diff-tree", "-r", "-z", "--no-renames", old, new).decode().split("\0")[:-1]
        )
        found = []
        for about, path in zip(parts[::2], parts[1::2], strict=True):
            old_mode, mode, old_sha, sha, status = about.removeprefix(":").split()
            found.append(
                Change(
                    status=status, path=path, old_mode=old_mode, mode=mode, old_sha=old_sha, sha=sha
                )
            )
        return tuple(found)
