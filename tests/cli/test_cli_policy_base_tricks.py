"""`--policy-base`: attacks by links, submodules, workspaces, PATH and outputs."""

from __future__ import annotations

import json
import os

import pytest
from test_cli_policy_base import (
    CERTIFICATE,
    STATE,
    checkout,
    exemption_in_a_comment,
    git,
    judged,
)

__all__ = ["checkout", "judged"]

STRICT = "threshold_days = 20\n"
LAXER = "threshold_days = 0\nnotice_days = 0\n"
DATE = ("--offline", "--as-of", "2026-11-24")


def rebased(folder, policy, **files):
    """Commit a policy and files to main, and continue on the pull request's branch."""
    git(folder, "checkout", "-q", "main")
    (folder / "tfcert.toml").write_text(policy)
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "policy")
    git(folder, "checkout", "-qB", "pull-request")


def test_a_committed_workspace_chooses_no_scope(checkout, judged):
    """A workspace selected in a committed file is exit code 2; TF_WORKSPACE is accepted."""
    rebased(checkout, f'{STRICT}[[scope]]\nworkspace = "sandbox"\n{LAXER}')
    data = checkout / ".terraform"
    data.mkdir()
    (data / "environment").write_text("sandbox")
    plan = ("--config", ".")
    assert judged(*plan)[0] == 2
    assert "selects the workspace" in judged(*plan)[1]
    assert judged(*plan, TF_WORKSPACE="prod")[0] == 1
    (data / "environment").unlink()
    data.rmdir()
    (checkout / "data").mkdir()
    (checkout / "data/environment").write_text("sandbox")
    data.symlink_to("data")
    assert judged(*plan)[0] == 2
    assert judged("--policy", "default", "--notice", "60")[0] != 2


def test_a_workspace_that_the_job_selects_is_used(checkout, judged):
    """A workspace selected in an untracked file is used, because the pipeline wrote it."""
    rebased(checkout, f'{STRICT}[[scope]]\nworkspace = "sandbox"\n{LAXER}')
    (checkout / ".terraform").mkdir()
    (checkout / ".terraform/environment").write_text("sandbox")
    (checkout / "plan").write_bytes((checkout / STATE).read_bytes())
    assert judged(commit=False)[0] in {0, 1}


def test_a_link_in_the_place_of_a_folder_chooses_no_scope(checkout, judged):
    """A folder replaced by a link to another one does not match that folder's scope."""
    rebased(checkout, f'{STRICT}[[scope]]\ndirectory = "sandbox"\n{LAXER}')
    (checkout / "sandbox").mkdir()
    for file in checkout.glob("*.tf"):
        file.rename(checkout / "sandbox" / file.name)
    assert judged("--config", "sandbox")[0] == 0
    (checkout / "live").symlink_to("sandbox")
    assert judged("--config", "live")[0] == 1
    assert judged("--config", str(checkout / "live"))[0] == 1


def test_a_link_in_the_place_of_a_folder_brings_no_exemption(checkout, judged):
    """A folder replaced by a link to another one has none of that folder's exemptions."""
    git(checkout, "checkout", "-q", "main")
    exemption_in_a_comment(checkout)
    (checkout / "sandbox").mkdir()
    for file in checkout.glob("*.tf"):
        file.rename(checkout / "sandbox" / file.name)
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "sandbox")
    git(checkout, "checkout", "-qB", "pull-request")
    (checkout / "live").symlink_to("sandbox")

    def exempt(folder):
        (finding,) = judged("--config", folder)[1]["findings"]
        return finding["suppression"] is not None

    assert exempt("sandbox")
    assert not exempt("live")


def test_a_submodule_in_the_place_of_a_folder_is_refused(checkout, judged, tmp_path):
    """A run inside a submodule is exit code 2."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "tfcert.toml").write_text(LAXER)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "lax")):
        git(other, *command)
    git(
        checkout,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(other),
        "infra",
    )
    code, said = judged(cwd=checkout / "infra")
    assert (code, "submodule" in said) == (2, True), said


@pytest.mark.parametrize("entry", ["", ".", "tools", "./tools"])
def test_no_program_of_the_current_folder_is_run(checkout, tfcert, tmp_path, entry):
    """git and terraform are not taken from the current folder, even if PATH names it."""
    for folder in (checkout, checkout / "tools"):
        folder.mkdir(exist_ok=True)
        for name in ("git", "terraform", "tofu"):
            (folder / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
            (folder / name).chmod(0o755)
    environment = {"PATH": f"{entry}:{os.environ['PATH']}", "GIT_CONFIG_NOSYSTEM": "1"}
    done = tfcert(
        "check", STATE, *DATE, "--policy-base", "main", cwd=checkout, environment=environment
    )
    assert done.returncode == 1, done.stderr
    done = tfcert(
        "check",
        ".",
        "--as-of",
        "2026-11-24",
        cwd=checkout,
        environment={"PATH": f"{entry}:/nowhere"},
    )
    assert (done.returncode, b"neither terraform nor tofu" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("entry", ["", "."])
def test_no_program_of_the_current_folder_is_run_by_another_program(
    checkout, tfcert, tmp_path, entry
):
    """What tfcert starts gets a PATH without the current folder."""
    tool, program = tmp_path / "bin/terraform", checkout / "uname"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nuname\n")
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    for each in (tool, program):
        each.chmod(0o755)
    path = f"{entry}:{tool.parent}:{os.environ['PATH']}"
    done = tfcert("check", ".", cwd=checkout, environment={"PATH": path})
    assert (done.returncode, b"terraform state pull" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "ran").exists()


def test_offline_starts_no_tool_for_encryption(story, tfcert, tmp_path):
    """`--offline` does not start OpenTofu for a configuration with encryption."""
    tofu = tmp_path / "bin" / "tofu"
    tofu.parent.mkdir()
    tofu.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    tofu.chmod(0o755)
    (story / STATE).unlink()
    block = 'terraform {\n  encryption {\n    key_provider "external" "x" {\n      command = ["./evil"]\n    }\n  }\n}\n'
    for name, text in (
        ("e.tofu", block),
        ("e.tf.json", json.dumps({"terraform": {"encryption": {}}})),
    ):
        (story / name).write_text(text)
        done = tfcert("check", ".", *DATE, cwd=story, environment={"PATH": str(tofu.parent)})
        assert (done.returncode, b"or encrypted" in done.stderr) == (2, True), done.stderr
        (story / name).unlink()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "verb",
    [
        ("check", "--format", "json=report"),
        ("bundle", "--out", "report"),
        ("patch", "--out", "report.d"),
    ],
)
@pytest.mark.parametrize("inside", ["git", "outside"])
def test_no_output_goes_through_a_link_out_of_the_repository(
    checkout, tfcert, tmp_path, verb, inside
):
    """No output is written through a link that leaves the repository."""
    target = checkout / ".git/hooks" if inside == "git" else tmp_path / "home"
    target.mkdir(exist_ok=True)
    (target / "rc").write_text("as it was")
    (checkout / "report").symlink_to(target / "rc")
    (checkout / "report.d").symlink_to(target)
    before = sorted(target.iterdir())
    done = tfcert(verb[0], STATE, *DATE, *verb[1:], cwd=checkout)
    assert (done.returncode, b"is a link of this repository" in done.stderr) == (2, True), (
        done.stderr
    )
    assert (sorted(target.iterdir()), (target / "rc").read_text()) == (before, "as it was")


@pytest.mark.parametrize("written", ["{}/report", "/proc/self/cwd/report", "{}/elsewhere/report"])
def test_a_path_to_the_checkout_through_a_link_hides_no_link(checkout, tfcert, tmp_path, written):
    """A link is refused too where the run's folder is another one, or the path is through a link."""
    (tmp_path / "rc").write_text("as it was")
    (tmp_path / "way").symlink_to(checkout)
    (tmp_path / "job").mkdir()
    (checkout / "elsewhere").mkdir()
    for folder in (checkout, checkout / "elsewhere"):
        (folder / "report").symlink_to(tmp_path / "rc")
    output = written.format(tmp_path / "way")
    done = tfcert(
        *("check", str(checkout / STATE), *DATE, "--format", f"json={output}"),
        cwd=checkout if written.startswith("/proc") else tmp_path / "job",
    )
    assert (done.returncode, b"is a link of this repository" in done.stderr) == (2, True), (
        done.stderr
    )
    assert (tmp_path / "rc").read_text() == "as it was"
    assert tfcert("check", STATE, *DATE, "-o", f"{tmp_path}/way/new", cwd=checkout).returncode == 1


def test_no_output_goes_into_the_git_folder_of_a_repository_below(checkout, tfcert):
    """A link to the settings of a repository inside the checkout is refused as well."""
    (checkout / "below").mkdir()
    git(checkout / "below", "init", "-q")
    before = (checkout / "below/.git/config").read_text()
    (checkout / "report").symlink_to("below/.git/config")
    assert tfcert("check", STATE, *DATE, "-o", "report", cwd=checkout).returncode == 2
    assert (checkout / "below/.git/config").read_text() == before


@pytest.mark.parametrize("link", ["pages", "pages/README.md"])
def test_no_page_of_a_rule_goes_through_a_link_out_of_the_repository(
    checkout, tfcert, tmp_path, link
):
    """`rules --out` writes and removes nothing behind a link that leaves the repository."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/notes.md").write_text("as it was")
    (checkout / link).parent.mkdir(exist_ok=True)
    (checkout / link).symlink_to(tmp_path / ("home" if link == "pages" else "home/notes.md"))
    done = tfcert("rules", "--out", "pages", cwd=checkout)
    assert (done.returncode, b"is a link of this repository" in done.stderr) == (2, True), (
        done.stderr
    )
    assert (tmp_path / "home/notes.md").read_text() == "as it was"
    assert len(list((tmp_path / "home").iterdir())) == 1


def test_an_output_through_a_link_inside_the_repository_or_to_a_device_is_written(checkout, tfcert):
    """An output is written through a link inside the repository, or to a device."""
    (checkout / "reports").mkdir()
    (checkout / "report").symlink_to("reports/today.json")
    assert tfcert("check", STATE, *DATE, "--format", "json=report", cwd=checkout).returncode == 1
    assert json.loads((checkout / "reports/today.json").read_text())["verdict"] == "findings"


@pytest.mark.parametrize("target", ["config", "credentials"])
@pytest.mark.parametrize("base", [(), ("--policy-base", "main")])
def test_a_policy_that_is_a_link_to_a_secret_shows_nothing_of_it(
    checkout, tfcert, tmp_path, target, base
):
    """A policy that links to a file with secrets shows none of its content."""
    (tmp_path / "config").write_text(
        '[http "https://github.com/"]\n\textraheader = AUTHORIZATION: basic HUSHHUSH\n'
    )
    (tmp_path / "credentials").write_text("[default]\naws_secret_access_key = HUSHHUSH\n")
    for name in ("tfcert.toml", "x.tf"):
        (checkout / name).unlink(missing_ok=True)
        (checkout / name).symlink_to(tmp_path / target)
    done = tfcert(
        "check", STATE, *DATE, *base, cwd=checkout, environment={"PATH": os.environ["PATH"]}
    )
    assert done.returncode == (1 if base else 2)
    assert b"HUSHHUSH" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["main", "origin/main", "main~0"])
def test_a_tag_with_the_name_of_the_base_branch_is_refused(checkout, judged, name):
    """git prefers a tag to a branch; a name in full, and a commit, are not ambiguous."""
    rebased(checkout, STRICT)
    base = git(checkout, "rev-parse", "main")
    git(checkout, "update-ref", "refs/remotes/origin/main", base)
    (checkout / "tfcert.toml").write_text(LAXER)
    git(checkout, "commit", "-qam", "laxer")
    assert judged(base=name, commit=False)[0] == 1
    git(checkout, "tag", name.removesuffix("~0"))
    code, said = judged(base=name, commit=False)
    assert (code, "ambiguous" in said) == (2, True), said
    for full in ("refs/heads/main", "refs/remotes/origin/main", base):
        assert judged(base=full, commit=False)[0] == 1


def test_attributes_filters_and_hooks_of_git_are_not_run(checkout, judged, tmp_path):
    """Filters, hooks and monitors of git are not executed.

    git starts a monitor only when it reads the index, as for the file that selects a workspace.
    """
    rebased(checkout, f'{STRICT}[[scope]]\nworkspace = "sandbox"\n{LAXER}')
    (checkout / ".gitattributes").write_text("* filter=evil diff=evil\n")
    hook = checkout / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    hook.chmod(0o755)
    judged("--config", ".")
    (tmp_path / "ran").unlink(missing_ok=True)
    for key in (
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.fsmonitor",
        "core.pager",
    ):
        git(checkout, "config", key, f"touch '{tmp_path}/ran'; cat")
    code, document = judged("--config", ".", commit=False)
    assert (code, document["findings"][0]["suppression"]) == (1, None)
    assert not (tmp_path / "ran").exists()
    git(checkout, "ls-files")
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("letter", ["\u0441", "\uff43", "c\u200b"])
def test_a_letter_that_looks_alike_exempts_nothing(checkout, judged, letter):
    """A look-alike letter in a rule name or an address exempts nothing."""
    comment = f'# tfcert:ignore {letter}ertificate-expiring until=2026-12-04 reason="x"\n'
    file = checkout / "certificate.tf"
    file.write_text(file.read_text().replace('resource "aws_api', f'{comment}resource "aws_api', 1))
    code, document = judged(base=None)
    assert code == 1
    (finding,) = [each for each in document["findings"] if each["rule"] == "certificate-expiring"]
    assert finding["suppression"] is None
    lookalike = CERTIFICATE.replace("c", letter, 1)
    (checkout / "tfcert.toml").write_text(
        f'[[exemption]]\nrule = "certificate-expiring"\naddress = "{lookalike}"\nuntil = 2026-12-04\nreason = "x"\n'
    )
    assert judged(base=None)[0] in {1, 2}


def test_a_name_of_a_megabyte_is_judged(checkout, tfcert):
    """A resource key of a megabyte with workflow commands is checked, and no output line begins
    with one.
    """
    state = json.loads((checkout / STATE).read_text())
    name = "::set-output name=verdict::clean\n::stop-commands::x\n" * 20_000
    for resource in state["resources"]:
        for instance in resource["instances"]:
            instance["index_key"] = name
    (checkout / STATE).write_text(json.dumps(state))
    for report in ("text", "github", "markdown"):
        done = tfcert("check", STATE, *DATE, "--format", report, cwd=checkout)
        assert done.returncode in {1, 2, 3}, done.stderr[:300]
        lines = (done.stdout + done.stderr).decode().splitlines()
        assert not [
            line for line in lines if line.lstrip().startswith(("::set-output", "::stop-commands"))
        ]
