"""GitHub's API for git data over a real bare repository: references, commits, trees, blobs,
contents and comparisons.
"""

from __future__ import annotations

import base64
import binascii
import re
import textwrap

from bare_repository import GitError
from strict_server import Answer, UnlistedError

SHA = re.compile(r"[0-9a-f]{40}\Z")
MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}
STATUSES = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}


def wrong(message, **error):
    """Return GitHub's answer 422."""
    body = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": "422",
    }
    if error:
        body = {**body, "message": "Validation Failed", "errors": [{**error, "message": message}]}
    return Answer(status=422, body=body)


def missing(message="Not Found"):
    return Answer(status=404, body={"message": message, "status": "404"})


class GitData:
    """GitHub's answers for the repository of one project.

    `project` has its address and its clock.
    """

    def __init__(self, description, server):
        self._description, self._server = description, server

    def answer(self, project, path, request):  # noqa: C901, PLR0911 -- an operation each
        """Return the answer to a request for git data, or None if it asks for something else."""
        repository, values, body = project.repository, request.values, request.body
        match path.rsplit("/{repo}/", 1)[-1], request.method:
            case "git/ref/{ref}", "GET":
                return self._reference(project, values["ref"])
            case "git/matching-refs/{ref}", "GET":
                prefix = values["ref"].removeprefix("heads/")
                found = repository.branches(prefix) if values["ref"].startswith("heads") else {}
                shown = [self._shown_ref(project, name, sha) for name, sha in sorted(found.items())]
                return self._server.page(request, shown, plain=True)
            case "git/refs", "POST":
                return self._create(project, body["ref"], body["sha"])
            case "git/refs/{ref}", "PATCH":
                return self._update(
                    project, values["ref"], body["sha"], force=body.get("force", False)
                )
            case "git/refs/{ref}", "DELETE":
                return self._delete(project, values["ref"])
            case "branches/{branch}", "GET":
                return self._branch(project, values["branch"])
            case "git/commits/{commit_sha}", "GET":
                return self._git_commit(project, values["commit_sha"])
            case "git/commits", "POST":
                return self._commit(project, body)
            case "git/trees/{tree_sha}", "GET":
                return self._tree(
                    project, values["tree_sha"], recursive="recursive" in request.query
                )
            case "git/trees", "POST":
                return self._new_tree(project, body)
            case "git/blobs/{file_sha}", "GET":
                return self._blob(project, values["file_sha"])
            case "git/blobs", "POST":
                return self._new_blob(project, body)
            case "contents/{path}", "GET":
                return self._contents(project, values["path"], request.query.get("ref"))
            case "compare/{basehead}", "GET":
                return self._compare(project, values["basehead"])
            case "commits/{ref}", "GET":
                return self._one_commit(project, values["ref"])
            case "commits", "GET":
                return self._commits(project, request)
        return None

    # ---- references

    def _reference(self, project, ref):
        sha = (
            project.repository.head(ref.removeprefix("heads/"))
            if ref.startswith("heads/")
            else None
        )
        if sha is None:
            return missing()
        return Answer(status=200, body=self._shown_ref(project, ref.removeprefix("heads/"), sha))

    def _create(self, project, ref, sha):
        if not ref.startswith("refs/") or ref.count("/") < 2:
            return wrong("Reference name must start with 'refs/' and have at least 2 slashes.")
        branch = ref.removeprefix("refs/heads/")
        if project.repository.kind(sha) != "commit":
            return wrong("Object does not exist")
        if project.repository.head(branch) is not None:
            return wrong("Reference already exists")
        refused = self._server.move(project, branch, sha, None)
        return refused or Answer(status=201, body=self._shown_ref(project, branch, sha))

    def _update(self, project, ref, sha, *, force):
        branch = ref.removeprefix("heads/")
        old = project.repository.head(branch) if ref.startswith("heads/") else None
        if old is None:
            return wrong("Reference does not exist")
        if project.repository.kind(sha) != "commit":
            return wrong("Object does not exist")
        if not force and not project.repository.is_ancestor(old, sha):
            return wrong("Update is not a fast forward")
        refused = self._server.move(project, branch, sha, old)
        return refused or Answer(status=200, body=self._shown_ref(project, branch, sha))

    def _delete(self, project, ref):
        branch = ref.removeprefix("heads/")
        old = project.repository.head(branch) if ref.startswith("heads/") else None
        if old is None:
            return wrong("Reference does not exist")
        return self._server.move(project, branch, None, old) or Answer(status=204)

    def _branch(self, project, name):
        sha = project.repository.head(name)
        if sha is None:
            return missing("Branch not found")
        made = self._description.smallest(self._description.schema("branch-with-protection"))
        shown = {**made, "name": name, "commit": self.commit(project, sha), "protected": False}
        return Answer(status=200, body=shown)

    def _shown_ref(self, project, branch, sha):
        url = f"{self._server.url}/repos/{project.name}/git"
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": f"REF_{branch}",
            "url": f"{url}/refs/heads/{branch}",
            "object": {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"},
        }

    # ---- objects

    def _git_commit(self, project, sha):
        if project.repository.kind(sha) != "commit":
            return missing()
        return Answer(status=200, body=self.git_commit(project, sha))

    def _commit(self, project, body):
        repository = project.repository
        if repository.kind(body["tree"]) != "tree":
            return wrong("Tree SHA does not exist")
        parents = body.get("parents", [])
        if any(repository.kind(parent) != "commit" for parent in parents):
            return wrong("Parent SHA does not exist or is not a commit object")
        # For an App that names no author and no committer, GitHub commits in its own name, and signs. Seen in public commits:
        # committer `GitHub <noreply@github.com>`, login `web-flow`, verified.
        own = self._server.is_app() and "author" not in body and "committer" not in body
        author = body.get("author") or self._server.identity()
        author = author if isinstance(author, tuple) else (author["name"], author["email"])
        sha = repository.write_commit(
            body["tree"],
            parents,
            body["message"],
            author=author,
            committer=("GitHub", "noreply@github.com") if own else author,
            date=self._server.now.isoformat(),
        )
        project.made[sha] = self._server.viewer
        if own:
            project.signed.add(sha)
        return Answer(status=201, body=self.git_commit(project, sha))

    def _tree(self, project, name, *, recursive):
        sha = name if SHA.match(name) else project.repository.head(name)
        if sha is None or project.repository.kind(sha) not in {"tree", "commit"}:
            return missing()
        if project.repository.kind(sha) == "commit":
            sha = project.repository.commit(sha).tree
        return Answer(status=200, body=self._shown_tree(project, sha, recursive=recursive))

    def _new_tree(self, project, body):  # noqa: PLR0911 -- a refusal each
        repository, base = project.repository, body.get("base_tree")
        if base is not None and repository.kind(base) not in {"tree", "commit"}:
            return missing()
        if not body["tree"]:
            return wrong("Invalid tree info")
        lines = []
        for entry in body["tree"]:
            path, mode = entry.get("path", ""), entry.get("mode")
            if not path or path.startswith("/") or "//" in path or ".." in path.split("/"):
                return wrong("tree.path contains a malformed path component")
            if mode not in MODES or ("sha" in entry) == ("content" in entry):
                return wrong("Must supply either tree.sha or tree.content, and a valid tree.mode")
            sha = entry.get("sha")
            if "content" in entry:
                sha = repository.write_blob(entry["content"].encode())
            if sha is not None and repository.kind(sha) != MODES[mode]:
                return wrong(f"tree.sha {sha} is not a valid {MODES[mode]}")
            lines.append((mode, sha, path))
        try:
            sha = repository.write_tree(base, lines)
        except GitError as error:
            return wrong(f"GitRPC::BadObjectState: {error}")
        return Answer(status=201, body=self._shown_tree(project, sha, recursive=False))

    def _shown_tree(self, project, sha, *, recursive):
        url = f"{self._server.url}/repos/{project.name}/git"
        entries = [
            {
                "path": entry.path,
                "mode": entry.mode,
                "type": entry.kind,
                "sha": entry.sha,
                "url": f"{url}/{entry.kind}s/{entry.sha}",
                **({} if entry.size is None else {"size": entry.size}),
            }
            for entry in project.repository.tree(sha, recursive=recursive)
        ]
        limit = self._server.tree_limit
        return {
            "sha": sha,
            "url": f"{url}/trees/{sha}",
            "tree": entries[:limit],
            "truncated": len(entries) > limit,
        }

    def _blob(self, project, sha):
        if project.repository.kind(sha) != "blob":
            return missing()
        data = project.repository.blob(sha)
        shown = {"content": _sixty(data), "encoding": "base64", "size": len(data)}
        return Answer(status=200, body={**self._shown_blob(project, sha), **shown, "node_id": sha})

    def _new_blob(self, project, body):
        if body.get("encoding", "utf-8") == "base64":
            try:
                data = base64.b64decode(body["content"], validate=True)
            except binascii.Error:
                return wrong("content is not valid Base64")
        else:
            data = body["content"].encode()
        return Answer(
            status=201, body=self._shown_blob(project, project.repository.write_blob(data))
        )

    def _shown_blob(self, project, sha):
        return {"sha": sha, "url": f"{self._server.url}/repos/{project.name}/git/blobs/{sha}"}

    def git_commit(self, project, sha):
        """Return a commit as the git data API shows it."""
        commit, url = project.repository.commit(sha), f"{self._server.url}/repos/{project.name}"
        who = {"name": commit.author, "email": commit.email, "date": commit.date}
        return {
            "sha": sha,
            "node_id": f"C_{sha}",
            "url": f"{url}/git/commits/{sha}",
            "html_url": f"{self._server.origin}/{project.name}/commit/{sha}",
            "author": who,
            "committer": {**who, "name": commit.committer},
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
            "parents": [self._parent(project, parent) for parent in commit.parents],
            "verification": self._verification(project, sha),
        }

    def commit(self, project, sha):
        """Return a commit as the rest of the REST API shows it."""
        commit, url = project.repository.commit(sha), f"{self._server.url}/repos/{project.name}"
        who = {"name": commit.author, "email": commit.email, "date": commit.date}
        login = project.made.get(sha)
        return {
            "sha": sha,
            "node_id": f"C_{sha}",
            "url": f"{url}/commits/{sha}",
            "html_url": f"{self._server.origin}/{project.name}/commit/{sha}",
            "comments_url": f"{url}/commits/{sha}/comments",
            "commit": {
                "url": f"{url}/git/commits/{sha}",
                "author": who,
                "committer": {**who, "name": commit.committer},
                "message": commit.message,
                "comment_count": 0,
                "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
                "verification": {**self._verification(project, sha), "verified_at": None},
            },
            "author": None if login is None else self._server.user(login),
            "committer": None
            if login is None
            else self._server.user("web-flow" if sha in project.signed else login),
            "parents": [self._parent(project, parent) for parent in commit.parents],
        }

    def _verification(self, project, sha):
        signed = sha in project.signed
        return {
            "verified": signed,
            "reason": "valid" if signed else "unsigned",
            "signature": "a signature" if signed else None,
            "payload": None,
            "verified_at": None,
        }

    def _parent(self, project, sha):
        url = f"{self._server.url}/repos/{project.name}/git/commits/{sha}"
        return {
            "sha": sha,
            "url": url,
            "html_url": f"{self._server.origin}/{project.name}/commit/{sha}",
        }

    # ---- contents and history

    def _contents(self, project, path, ref):
        repository, sha = project.repository, self._resolved(project, ref)
        if sha is None:
            return missing(f"No commit found for the ref {ref}")
        entry = repository.entry(sha, path)
        if entry is None:
            return missing()
        if entry.kind == "tree":
            there = [
                found
                for found in repository.tree(sha, recursive=True)
                if found.path.rpartition("/")[0] == path
            ]
            return Answer(status=200, body=[self._content(project, found, None) for found in there])
        data = repository.blob(entry.sha)
        if entry.mode == "120000":
            return Answer(
                status=200,
                body=self._content(project, entry, None)
                | {"type": "symlink", "target": data.decode()},
            )
        return Answer(status=200, body=self._content(project, entry, data))

    def _content(self, project, entry, data):
        url = f"{self._server.url}/repos/{project.name}"
        shown = {
            "type": "dir" if entry.kind == "tree" else "file",
            "size": entry.size or 0,
            "name": entry.path.rpartition("/")[2],
            "path": entry.path,
            "sha": entry.sha,
            "url": f"{url}/contents/{entry.path}",
            "git_url": f"{url}/git/{entry.kind}s/{entry.sha}",
            "html_url": f"{self._server.origin}/{project.name}/blob/{entry.path}",
            "download_url": None,
            "_links": {"self": f"{url}/contents/{entry.path}", "git": None, "html": None},
        }
        return shown if data is None else {**shown, "encoding": "base64", "content": _sixty(data)}

    def _resolved(self, project, ref):
        """Return the commit of a branch's name or of an id, or of the default branch if none is
        named.
        """
        if ref is None:
            return project.repository.head()
        name = ref.removeprefix("refs/").removeprefix("heads/")
        found = project.repository.head(name)
        if found is not None:
            return found
        return name if SHA.match(name) and project.repository.kind(name) == "commit" else None

    def _one_commit(self, project, ref):
        sha = self._resolved(project, ref)
        if sha is None:
            return wrong(f"No commit found for SHA: {ref}")
        shown = self.commit(project, sha)
        parents = project.repository.commit(sha).parents
        old = parents[0] if parents else None
        files = [] if old is None else self._files(project, old, sha)
        return Answer(status=200, body={**shown, "files": files})

    def _commits(self, project, request):
        sha = self._resolved(project, request.query.get("sha"))
        if sha is None:
            return missing()
        found = project.repository.history(sha, request.query.get("path"))
        return self._server.page(request, [self.commit(project, each) for each in found])

    def _compare(self, project, basehead):
        base, dots, head = basehead.partition("...")
        repository = project.repository
        old, new = self._resolved(project, base), self._resolved(project, head)
        if not dots or old is None or new is None:
            return missing()
        middle = repository.merge_base(old, new)
        if middle is None:
            return missing(f"No common ancestor between {base} and {head}.")
        ahead, behind = repository.between(old, new), repository.between(new, old)
        status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
        url = f"{self._server.url}/repos/{project.name}/compare/{basehead}"
        body = {
            "url": url,
            "html_url": url,
            "permalink_url": url,
            "diff_url": url,
            "patch_url": url,
            "base_commit": self.commit(project, old),
            "merge_base_commit": self.commit(project, middle),
            "status": status.get((bool(ahead), bool(behind)), "diverged"),
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": [self.commit(project, each) for each in ahead],
            "files": self._files(project, middle, new),
        }
        return Answer(status=200, body=body)

    def _files(self, project, old, new):
        url = f"{self._server.url}/repos/{project.name}/contents"
        return [
            {
                "sha": change.sha if change.status != "D" else change.old_sha,
                "filename": change.path,
                "status": STATUSES[change.status],
                "additions": 1,
                "deletions": 1,
                "changes": 2,
                "blob_url": f"{url}/{change.path}",
                "raw_url": f"{url}/{change.path}",
                "contents_url": f"{url}/{change.path}",
            }
            for change in project.repository.changes(old, new)
        ]


def known_only(answer):
    """Raise an error for an answer that GitHub gives and its description omits."""
    raise UnlistedError(answer)


def _sixty(data):
    """Return Base64 as GitHub writes it, in lines of sixty characters."""
    return "".join(f"{line}\n" for line in textwrap.wrap(base64.b64encode(data).decode(), 60))
