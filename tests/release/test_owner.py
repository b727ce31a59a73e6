"""`make owner OWNER=acme` writes the owner of the repository into every file that names it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pre_commit.clientlib import load_config

ROOT = Path(__file__).resolve().parents[2]
# These files are about the placeholders.
KEPT = ("release/owner.py", "tests/release/")
PLACEHOLDERS = re.compile(rb"OWNER/tfcert|REPOSITORY-OF-TFCERT")


def tracked():
    """Return the files of this repository that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def make(folder, owner):
    """Run the command in a folder."""
    return subprocess.run(
        ["make", "-s", "owner", f"OWNER={owner}", f"PYTHON={sys.executable}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def renamed(tmp_path_factory):
    """Return a copy of the repository with the owner written, and the result of the command."""
    top = tmp_path_factory.mktemp("owner")
    for name in tracked():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, top / name)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=top, check=True, capture_output=True)
    return top, make(top, "acme-2")


def texts(top):
    """Yield the name and the bytes of each file that may have no placeholder."""
    for name in tracked():
        if not name.startswith(KEPT):
            yield name, (top / name).read_bytes()


def test_no_placeholder_is_left(renamed):
    """After the command no file has a placeholder, and the files that had one name the owner."""
    top, done = renamed
    assert done.returncode == 0, done.stderr
    before = {name for name, data in texts(ROOT) if PLACEHOLDERS.search(data)}
    assert set(done.stdout.split()) == before
    assert before >= {"README.md", "docs/gates.md", "docs/release.md", "release/formula.py"}
    for name, data in texts(top):
        assert not PLACEHOLDERS.search(data), name
        if name in before:
            assert re.search(rb"\bacme-2/tfcert\b", data), name


def test_there_is_no_other_placeholder():
    """No page, gate or message has the word OWNER outside the placeholder, the command that
    replaces it, and the help of options.
    """
    for name, data in texts(ROOT):
        if name.startswith(
            ("docs/", "checker/cli/first_steps/", "README", "action", ".pre-commit", ".github/")
        ):
            words = re.findall(rb"\bOWNER\b(?!/tfcert\b)[^\n]{0,6}", data)
            assert not [word for word in words if not word.startswith((b"OWNER/NAME", b"OWNER=acme"))], name  # fmt: skip


def test_only_the_placeholders_change(renamed):
    """Every other byte of every file is as before."""
    top, _ = renamed
    for name in tracked():
        wanted = (ROOT / name).read_bytes()
        if not name.startswith(KEPT):
            wanted = wanted.replace(b"OWNER/tfcert", b"acme-2/tfcert").replace(
                b"REPOSITORY-OF-TFCERT", b"https://github.com/acme-2/tfcert"
            )
        assert (top / name).read_bytes() == wanted, name
        assert (top / name).stat().st_mode == (ROOT / name).stat().st_mode, name


def test_the_workflows_stay_valid(renamed):
    """GitHub's schema accepts the workflows with the owner written, as it does without."""
    top, _ = renamed
    done = subprocess.run(
        [
            *[sys.executable, "-m", "check_jsonschema", "--builtin-schema"],
            "vendor.github-workflows",
            *sorted((top / "docs/gates/github").iterdir()),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_gates_can_be_read(renamed, after):
    """pre-commit and YAML read the gates before and after, and each names the one owner."""
    top = renamed[0] if after else ROOT
    (repository,) = load_config(top / "docs/gates/pre-commit/pre-commit-config.yaml")["repos"]
    assert repository["repo"] == (
        "https://github.com/acme-2/tfcert" if after else "REPOSITORY-OF-TFCERT"
    )
    owner = "acme-2" if after else "OWNER"
    for file in (top / "docs/gates/github").iterdir():
        for line in file.read_text(encoding="utf-8").splitlines():
            if re.search(r"^[\s-]*(uses|repository): \S+/tfcert\b", line):
                assert f" {owner}/tfcert" in line
        assert yaml.safe_load(file.read_text(encoding="utf-8"))
    compile((top / "checker/cli/first_steps/forge_workflows.py").read_text(), "gates", "exec")


def test_a_second_run_changes_nothing(renamed):
    """With the owner written, the command says that there is nothing to do."""
    top, _ = renamed
    done = make(top, "other")
    assert done.returncode == 2
    assert "nothing to do" in done.stderr
    assert b"acme-2/tfcert" in (top / "docs/gates.md").read_bytes()


@pytest.mark.parametrize(
    "owner", ["", "a/b", "-a", "a--b", "a b", "$(touch marked)", "a" * 40, "a-" * 20 + "a"]
)
def test_an_owner_is_a_login_of_github(tmp_path, owner):
    """A text that is no login of GitHub changes no file, and is never run as a command."""
    shutil.copytree(ROOT / "release", tmp_path / "release")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "page.md").write_text("OWNER/tfcert")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "release/owner.py", owner],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, "make owner OWNER=acme" in done.stderr) == (2, True)
    assert make(tmp_path, owner.replace("$", "$$")).returncode == 2
    assert (tmp_path / "page.md").read_text() == "OWNER/tfcert"
    assert not (tmp_path / "marked").exists()


def test_pages_and_gates_name_the_version_of_the_package():
    """The version of tfcert in the README and in docs/ is the one of pyproject.toml."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    named = {
        (path.relative_to(ROOT).as_posix(), found)
        for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*"))
        if path.is_file() and path.suffix in {".md", ".yml", ".yaml", ".mk"}
        for found in re.findall(
            r"(?:/tfcert@v|TFCERT@v|^\s+(?:rev|ref): v)(\d+\.\d+\.\d+)",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }
    assert {found for _, found in named} == {version}, named
    assert len(named) >= 8
