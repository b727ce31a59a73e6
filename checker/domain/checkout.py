"""The working copy that a run stands in: what a forge's pages name files by."""

from __future__ import annotations

import posixpath

from checker.domain.value import value


@value
class Checkout:
    """A repository's root, as an absolute path, and the folder below it that the run stood in, both with forward slashes.

    Without a repository the root is that folder. The empty one knows of neither, and takes every name as it is.
    """

    root: str = ""
    folder: str = ""

    def path(self, name: str) -> str:
        """A file's path from the root, empty for the root itself; of what lies elsewhere its last part, the rest is the machine's.

        Never absolute, never upwards and without a scheme: forges refuse such paths, GitHub the whole report that holds one
        ("SARIF URI scheme did not match the checkout URI scheme", github/codeql-action issue 754).
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
