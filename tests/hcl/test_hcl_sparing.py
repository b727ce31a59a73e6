"""Unrelated files are not parsed, and the grammar of python-hcl2 is compiled once per user."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from world import BASE, lay, world

from checker.cli.aws import cache_folder

ROOT = Path(__file__).resolve().parents[2]
OTHERS = {
    "iam.tf": 'resource "aws_iam_role" "r" {\n  name = "orders"\n}\n',
    "calls.tf": 'module "far" {\n  source = "x/y/z"\n}\n\nmodule "near" {\n  source = "./near"\n}\n',
    "near/main.tf": 'resource "aws_iam_role" "n" {\n  assume_role_policy = file("x.json")\n}\n',
    "stagecoach.tf": "locals {\n  stages = [1, 2]\n}\n",
}


def parsed(configuration):
    """Return the paths of the parsed files."""
    return {path for path, file in configuration.files.items() if "body" in vars(file)}


def test_files_that_speak_of_nothing_of_ours_are_never_parsed(tmp_path):
    """Only files that mention a stage or a certificate are parsed, for check and for patch."""
    home = world(tmp_path, {"main.tf": BASE, **OTHERS})
    configuration = home.configuration()
    assert parsed(configuration) == {"main.tf"}
    assert configuration.modules[()].opaque == {"far": "x/y/z"}
    assert ("near",) in configuration.modules
    from checker.patches.write import write_patches

    rotations = home.ask(every=True)[1].rotations
    patches = write_patches(configuration, rotations, None, every=True)
    assert len(patches.patches) == 3
    assert parsed(configuration) == {"main.tf"}


def test_a_call_that_may_be_something_else_is_parsed(tmp_path):
    """A file with a module call inside a comment is parsed."""
    text = OTHERS["calls.tf"] + '/*\nmodule "dead" {\n  source = "./near"\n}\n*/\n'
    configuration = world(tmp_path, {"main.tf": BASE, **OTHERS, "calls.tf": text}).configuration()
    assert parsed(configuration) == {"main.tf", "calls.tf"}
    assert set(configuration.modules) == {(), ("near",)}


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Return the package without its shipped grammar."""
    top = tmp_path_factory.mktemp("bare")
    shutil.copytree(
        ROOT / "checker", top / "checker", ignore=shutil.ignore_patterns("built", "__pycache__")
    )
    return top


def run_patch(folder, cache, package, **more):
    """Run `tfcert patch` of this package with this user cache."""
    environment = {
        "PATH": "/nowhere",
        "PYTHONPATH": str(package),
        "XDG_CACHE_HOME": str(cache),
        **more,
    }
    source = ROOT / "fixtures" / "readme" / "terraform.tfstate"
    command = [
        sys.executable,
        "-c",
        "from checker.cli import main; main()",
        "patch",
        str(source),
        "--offline",
    ]
    done = subprocess.run(
        [*command, "--as-of", "2026-11-24"],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"+resource" in done.stdout


def test_the_grammar_is_kept_in_a_private_folder_of_the_user(bare, tmp_path):
    """The compiled grammar is cached in a private folder of the user and reused."""
    cache = tmp_path / "cache"
    run_patch(tmp_path, cache, bare)
    (grammar,) = (cache / "tfcert").iterdir()
    assert (cache / "tfcert").stat().st_mode & 0o777 == 0o700
    before = grammar.stat().st_mtime_ns
    run_patch(tmp_path, cache, bare)
    assert grammar.stat().st_mtime_ns == before


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_that_others_may_write_to_is_not_used(bare, mode, tmp_path):
    """A cache folder that other users can write is not used, because the cache is a pickle."""
    folder = tmp_path / "cache" / "tfcert"
    lay(tmp_path, {"cache/tfcert/nothing": ""})
    folder.chmod(mode)
    run_patch(tmp_path, tmp_path / "cache", bare)
    assert [file.name for file in folder.iterdir()] == ["nothing"]


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    """A user without a home folder has no cache; a relative XDG_CACHE_HOME is ignored."""

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/tfcert")
    assert cache_folder({"XDG_CACHE_HOME": "c"}) == Path("~/.cache/tfcert").expanduser()
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder({"XDG_CACHE_HOME": "c"}) is None
