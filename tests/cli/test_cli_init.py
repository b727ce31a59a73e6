"""Tests of `tfcert init`: it writes a valid policy and gate, and never changes an existing file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from checker.cli.first_steps.forge_workflows import GATES
from checker.model.policy import Policy
from checker.policyfile.resolve import read_policy

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "checker/policyfile/schemas/policy-v1.schema.json").read_text())
TEMPLATE = ROOT / "checker/cli/first_steps/templates/tfcert.toml"
GITHUB, GITLAB = ".github/workflows/client-certificates.yml", "tfcert.gitlab-ci.yml"


def switched_on(text):
    """Return the template with all its commented values enabled."""
    return re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE)


@pytest.fixture
def repository(tmp_path):
    """Return a repository without a remote, with a root module in a subfolder."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "live").mkdir()
    (root / "live/main.tf").write_text("")
    return root


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_the_policy_passes_and_is_the_default_one(tfcert, repository):
    """The written policy passes `policy check` without a warning and equals the default policy."""
    done = tfcert("init", cwd=repository / "live")
    assert (done.returncode, done.stderr) == (0, b"")
    assert files(repository) == ["live/main.tf", "live/tfcert.toml"]
    checked = tfcert("policy", "check", cwd=repository / "live")
    assert checked.stdout == b"tfcert.toml: is a policy (scopes: 0, exemptions: 0)\n"
    written = (repository / "live/tfcert.toml").read_bytes()
    assert read_policy("tfcert.toml", written, name="default") == Policy()


def test_every_value_of_the_policy_can_be_switched_on(tmp_path):
    """Every commented key of the policy template is valid, the first part has the defaults, and
    every key of the schema occurs.
    """
    text = switched_on(TEMPLATE.read_text(encoding="utf-8"))
    read_policy(str(tmp_path / "tfcert.toml"), text.encode())
    values = tomllib.loads(text)
    assert set(values) | {"name"} == set(SCHEMA["properties"])
    first = text.partition("[rules]")[0]
    assert read_policy("tfcert.toml", first.encode(), name="default") == Policy()
    defaults = {name for name, value in values.items() if not isinstance(value, dict | list)}
    assert defaults == {"extends", *(name for name, _ in _settings())}


def _settings():
    return [
        (name, value)
        for name, value in SCHEMA["properties"].items()
        if value.get("type") == "integer" or "enum" in value
    ]


@pytest.mark.parametrize(
    ("sign", "target"),
    [
        (".github/dependabot.yml", GITHUB),
        (".gitlab-ci.yml", GITLAB),
        ('.git/config:[remote "origin"]\n\turl = git@github.com:acme/infra.git\n', GITHUB),
        ('.git/config:[remote "x"]\n\turl = https://gitlab.acme.example/i.git\n', GITLAB),
        ('.git/config:[remote "x"]\n\turl = ssh://git@github.acme.example:22/i\n', GITHUB),
    ],
)
def test_the_gate_is_that_of_the_forge(tfcert, repository, sign, target):
    """`init --workflow` detects the forge by files or by the remote, and writes the gate of
    docs/gates at the root.
    """
    name, _, text = sign.partition(":")
    (repository / name).parent.mkdir(exist_ok=True)
    (repository / name).write_text(text)
    before = files(repository)
    done = tfcert("init", "--workflow", cwd=repository / "live")
    assert done.returncode == 0, done.stderr.decode()
    (gate,) = [each for each in GATES.values() if each.target == target]
    written = (repository / target).read_bytes()
    assert written == (ROOT / "docs/gates" / gate.template).read_bytes()
    assert files(repository) == sorted([*before, target, "live/tfcert.toml"])
    printed = done.stdout.decode()
    assert f"../{target}: written" in printed
    assert all(step in printed for step in (*gate.steps, gate.below.replace("{}", "live")))


def test_a_root_module_at_the_top_needs_no_other_folder(tfcert, repository):
    """The step about the folder is only there if the root module is below the repository's root."""
    done = tfcert("init", "--forge", "github", cwd=repository)
    assert b"working-directory" not in done.stdout
    assert b"TFCERT_ROLE" in done.stdout


def test_github_takes_the_gate(tfcert, repository):
    """The written workflow is valid by GitHub's schema."""
    assert tfcert("init", "--forge", "github", cwd=repository).returncode == 0
    schema = ("--builtin-schema", "vendor.github-workflows")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, repository / GITHUB],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout.decode()


def test_the_remote_of_a_worktree_is_that_of_its_repository(tfcert, repository, tmp_path):
    """In a worktree, whose `.git` is a file, `init` reads the remote of the main repository."""
    own = repository / ".git/worktrees/blue"
    own.mkdir(parents=True)
    (own / "commondir").write_text("../..\n")
    (repository / ".git/config").write_text('[remote "o"]\nurl = https://github.com/a/b\n')
    tree = tmp_path / "blue"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {own}\n")
    assert tfcert("init", "--workflow", cwd=tree).returncode == 0
    assert files(tree) == [".git", GITHUB, "tfcert.toml"]


def test_running_it_again_changes_nothing(tfcert, repository):
    """A second run changes no existing file, even an edited one, and reports each as existing."""
    first = tfcert("init", "--forge", "github", cwd=repository)
    (repository / "tfcert.toml").write_text("threshold_days = 9\n")
    (repository / GITHUB).write_text("name: ours\n")
    second = tfcert("init", "--forge", "github", cwd=repository / "live")
    assert (first.returncode, second.returncode) == (0, 0)
    assert (repository / "tfcert.toml").read_text() == "threshold_days = 9\n"
    assert (repository / GITHUB).read_text() == "name: ours\n"
    assert files(repository) == [GITHUB, "live/main.tf", "tfcert.toml"]
    assert second.stdout.decode().splitlines()[:2] == [
        "../tfcert.toml: there already, and the policy here; not changed",
        f"../{GITHUB}: there already; not changed",
    ]


@pytest.mark.parametrize("link", ["gone", "../outside.toml"])
def test_a_link_in_the_place_of_a_file_is_not_followed(tfcert, repository, link):
    """A link with the name of the policy counts as an existing file, even if its target does not
    exist.
    """
    (repository.parent / "outside.toml").write_text("")
    (repository / "tfcert.toml").symlink_to(link)
    done = tfcert("init", cwd=repository)
    assert done.returncode == 0
    assert b"there already" in done.stdout
    assert not (repository / "gone").exists()
    assert (repository.parent / "outside.toml").read_text() == ""


@pytest.mark.parametrize("inside", [False, True])
def test_no_file_is_written_through_a_linked_folder(tfcert, repository, tmp_path, inside):
    """If `.github` is a link out of the repository or into `.git`, no gate is written and the exit
    code is 2.
    """
    target = repository / ".git/hooks" if inside else tmp_path / "outside"
    target.mkdir()
    (repository / ".github").symlink_to(target)
    done = tfcert("init", "--workflow", cwd=repository)
    assert done.returncode == 2
    assert files(target) == []
    assert b"nothing was written there" in done.stderr
    assert done.stdout.startswith(b"tfcert.toml: written")


REFUSED = {
    "no sign of a forge": ([], ("--workflow",), b"name it: --forge github, or --forge gitlab"),
    "signs of both": ([".github/x", ".gitlab-ci.yml"], ("--workflow",), b"github and gitlab"),
    "Jenkins": (["Jenkinsfile"], ("--workflow",), b"docs/gates.md"),
    "a misspelt forge": ([], ("--forge", "githup"), b"did you mean 'github'?"),
    "no such folder": ([], ("gone",), b"name the folder of the .tf files"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_writes_nothing(tfcert, repository, case):
    """A refused `init` is one line with exit code 2, and writes no file, not even the policy."""
    there, arguments, message = REFUSED[case]
    for name in there:
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text("")
    before = files(repository)
    done = tfcert("init", *arguments, cwd=repository)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert files(repository) == before


def test_both_forges_are_told_apart_by_the_remote(tfcert, repository):
    """If a repository has files of both forges, its remote decides which gate is written."""
    (repository / ".github").mkdir()
    (repository / ".gitlab-ci.yml").write_text("")
    (repository / ".git/config").write_text('[remote "o"]\n url = git@gitlab.com:a/b.git\n')
    assert tfcert("init", "--workflow", cwd=repository).returncode == 0
    assert (repository / GITLAB).is_file()


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    """A write that fails on a full disk leaves no partial file."""
    from checker.cli.first_steps import first_files
    from checker.errors import UsageError

    class Full:
        def __init__(self, handle, _mode):
            self.handle = handle

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self.handle)

        def write(self, text):
            os.write(self.handle, text[:10])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(first_files.os, "fdopen", Full)
    with pytest.raises(UsageError, match="No space left"):
        first_files.create(tmp_path / "tfcert.toml", b"x" * 100, within=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    """A file that another process creates before the write is not replaced."""
    from checker.cli.first_steps import first_files

    target = tmp_path / "tfcert.toml"
    seen = []

    def lexists(path):
        if not seen:
            target.write_bytes(b"another's")
            seen.append(path)
            return False
        return os.path.exists(path)  # noqa: PTH110 -- the function that is replaced is os's

    monkeypatch.setattr(first_files.os.path, "lexists", lexists)
    assert first_files.create(target, b"ours", within=tmp_path) is False
    assert target.read_bytes() == b"another's"
