"""The pre-commit hooks, run by pre-commit: which files each gets, and tfcert's result."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from runner import ROOT

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS = {hook["id"]: hook for hook in yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))}
PRE_COMMIT = [sys.executable, "-m", "pre_commit"]


def test_the_manifest_and_the_example_are_what_pre_commit_reads(tmp_path):
    """pre-commit validates the manifest and the example, which names existing hooks."""
    example = ROOT / "docs/gates/pre-commit/pre-commit-config.yaml"
    for verb, file in (("validate-manifest", MANIFEST), ("validate-config", example)):
        done = subprocess.run(
            [*PRE_COMMIT, verb, str(file)], capture_output=True, text=True, check=False, timeout=120
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    (repository,) = yaml.safe_load(example.read_text(encoding="utf-8"))["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == set(HOOKS)


@pytest.fixture
def commit(tmp_path, fixtures):
    """Return a function that stages files in a repository with the hooks and runs pre-commit."""
    home = tmp_path / "repository"
    home.mkdir()
    hooks = []
    for hook in HOOKS.values():
        verb, *rest = hook["entry"].removeprefix("tfcert ").split()
        entry = f"{Path(sys.executable).parent}/tfcert {verb} {' '.join(rest)}"
        hooks.append({**hook, "language": "system", "entry": entry})
    (home / ".pre-commit-config.yaml").write_text(
        json.dumps({"repos": [{"repo": "local", "hooks": hooks}]})
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": "/dev/null"}

    def git(*arguments):
        subprocess.run(
            ["git", *arguments],
            cwd=home,
            env=environment,
            check=True,
            capture_output=True,
            timeout=60,
        )

    git("init", "-q")

    def run(hook, files, *options):
        for name, source in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, home / name)
        git("add", "-A")
        return subprocess.run(
            [*PRE_COMMIT, "run", hook, "--verbose", *options],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


# The stage's certificate is not in state, so only AWS knows when it ends.
STRANGER = {
    "mode": "managed",
    "type": "aws_api_gateway_stage",
    "name": "prod",
    "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
    "instances": [
        {
            "schema_version": 0,
            "attributes": {
                "rest_api_id": "a1",
                "stage_name": "prod",
                "client_certificate_id": "abc123",
            },
        }
    ],
}
EMPTY = {
    "version": 4,
    "terraform_version": "1.11.4",
    "serial": 1,
    "lineage": "x",
    "outputs": {},
    "resources": [],
}


@pytest.fixture
def empty(tmp_path):
    """Return a state without relevant resources, which is always clean."""
    file = tmp_path / "empty"
    file.write_text(json.dumps(EMPTY))
    return file


def test_a_committed_state_is_judged(commit, fixtures, empty):
    """A committed state with an expired certificate fails the commit; an unrelated one passes."""
    assert commit("tfcert-documents", {"live/empty.tfstate": empty}).returncode == 0
    done = commit(
        "tfcert-documents", {"live/my state.tfstate": fixtures / "readme/terraform.tfstate"}
    )
    assert done.returncode == 1
    assert "exit code: 1" in done.stdout
    assert "aws_api_gateway_client_certificate.backend" in done.stdout


def test_i4_what_could_not_be_checked_fails_the_commit(commit, empty):
    """I4: an inconclusive state fails the commit."""
    empty.write_text(json.dumps({**EMPTY, "resources": [STRANGER]}))
    done = commit("tfcert-documents", {"terraform.tfstate": empty})
    assert (done.returncode, "exit code: 3" in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize(
    ("name", "taken"),
    [("a.tfstate", True), ("deep/plan.json", True), ("plan.json.txt", False), ("main.tf", False)],
)
def test_only_documents_are_handed_over(commit, empty, name, taken):
    """The first hook gets only states and plans, by their names."""
    assert ("no files to check" in commit("tfcert-documents", {name: empty}).stdout) is not taken


def test_a_policy_is_read_as_tfcert_reads_it(commit, tmp_path):
    """Each tfcert.toml of a commit is checked, and a wrong key fails with its line."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("threshold_days = 20\n")
    wrong.write_text("threshold_days = 20\nnotise_days = 45\n")
    assert (
        commit("tfcert-policy", {"tfcert.toml": right, "live/tfcert.toml": right}).returncode == 0
    )
    done = commit("tfcert-policy", {"tfcert.toml": right, "live/tfcert.toml": wrong})
    assert (done.returncode, "exit code: 2" in done.stdout) == (1, True)
    assert "live/tfcert.toml:2" in done.stdout
    assert "notice_days" in done.stdout


def test_an_exemption_in_a_comment_is_read_as_tfcert_reads_it(commit, tmp_path):
    """A faulty exemption comment fails the commit with its line; a valid one passes."""
    block = 'resource "aws_api_gateway_client_certificate" "orders" {}\n'
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(
        f'# tfcert:ignore certificate-expiring until=2999-12-04 reason="moved to mTLS"\n{block}'
    )
    bad.write_text(
        f"{block}\n# tfcert:ignore certificate-expiring until=2999-12-04\n{block.replace('orders', 'other')}"
    )
    assert (
        commit("tfcert-policy", {"live/a b.tf": good, "other.tf": tmp_path / "good"}).returncode
        == 0
    )
    done = commit("tfcert-policy", {"live/more.tf": bad})
    assert (done.returncode, "exit code: 2" in done.stdout) == (1, True)
    assert "live/more.tf:3: this tfcert:ignore exempts nothing: it has no reason" in done.stdout


def test_roots_are_judged_before_a_push(commit, fixtures):
    """An unreadable root fails the push, not the commit."""
    files = {
        "live/main.tf": fixtures / "readme/certificate.tf",
        "live/provider.tf": fixtures / "readme/provider.tf",
    }
    assert "exit code" not in commit("tfcert-roots", files).stdout
    done = commit("tfcert-roots", {}, "--hook-stage", "pre-push", "--all-files")
    assert (done.returncode, "exit code: 3" in done.stdout) == (1, True), done.stdout
