"""`tfcert patch` on the command line."""

from __future__ import annotations

import subprocess
from shutil import which

import pytest

STATE = "terraform.tfstate"
DAY_12 = (STATE, "--offline", "--as-of", "2026-11-24")
NEW = b"aws_api_gateway_client_certificate.backend_202611"


def texts(folder):
    """Return the .tf files of a folder by name."""
    return {file.name: file.read_bytes() for file in folder.glob("*.tf")}


def git(folder, *arguments, stdin=b""):
    """Run git in a folder."""
    return subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin, capture_output=True, timeout=60, check=False
    )


def test_the_diff_is_what_write_does(tfcert, story, tmp_path):
    """`git apply` of the diff and `--write` give the same bytes, and change only the certificate's
    file.
    """
    before = texts(story)
    diff = tfcert("patch", *DAY_12, cwd=story)
    assert diff.returncode == 0
    git(story, "init", "--quiet")
    applied = git(story, "apply", "-", stdin=diff.stdout)
    assert applied.returncode == 0, applied.stderr
    by_git = texts(story)
    for name, data in before.items():
        (story / name).write_bytes(data)
    written = tfcert("patch", *DAY_12, "--write", cwd=story)
    assert written.returncode == 0
    assert texts(story) == by_git
    assert [name for name in before if by_git[name] != before[name]] == ["certificate.tf"]


def test_a_diff_starts_at_the_repositorys_root(tfcert, story):
    """In a repository the diff has paths from its root, so that `git apply` works from there."""
    root = story.parent
    git(root, "init", "--quiet")
    diff = tfcert("patch", *DAY_12, cwd=story).stdout
    assert b"--- a/story/certificate.tf" in diff
    assert git(root, "apply", "--check", "-", stdin=diff).returncode == 0
    assert git(story, "apply", "--check", "-", stdin=diff).returncode == 0


@pytest.mark.skipif(which("patch") is None, reason="the program patch is not installed here")
def test_what_git_applies_patch_applies_too(tfcert, story):
    """`patch -p1` and `git apply` give the same bytes in all three phases."""
    root = story.parent
    git(root, "init", "--quiet")
    with (story / "billing.tf").open("ab") as file:
        file.write(b'\nlocals {\n  hash = filesha1("certificate.tf")\n}')
    tfcert("patch", *DAY_12, "--phase", "all", "--out", root / "rotation", cwd=story)
    found = {}
    for way in ("git", "patch"):
        before = texts(story)
        for name in ("1-introduce.patch", "2-repoint.patch", "3-retire.patch"):
            data = (root / "rotation" / name).read_bytes()
            if way == "git":
                assert git(root, "apply", "-", stdin=data).returncode == 0, name
            else:
                done = subprocess.run(
                    ["patch", "-p1", "--batch"],
                    cwd=root,
                    input=data,
                    capture_output=True,
                    timeout=60,
                    check=False,
                )
                assert done.returncode == 0, done.stdout
                assert b"fuzz" not in done.stdout
                assert b"offset" not in done.stdout
        found[way] = texts(story)
        for name in found[way]:
            (story / name).unlink()
        for name, data in before.items():
            (story / name).write_bytes(data)
    assert found["git"] == found["patch"]
    assert found["git"] != before
    assert "tfcert_backend_202611.tf" in found["git"]


def test_three_phases_apply_one_after_the_other(tfcert, story):
    """`--phase all --out` writes three patches that apply in order, and a runbook."""
    git(story, "init", "--quiet")
    done = tfcert("patch", *DAY_12, "--phase", "all", "--out", "rotation", cwd=story)
    assert done.returncode == 0
    names = ["1-introduce.patch", "2-repoint.patch", "3-retire.patch", "RUNBOOK.md"]
    assert sorted(file.name for file in (story / "rotation").iterdir()) == names
    for name in names[:3]:
        applied = git(story, "apply", f"rotation/{name}")
        assert applied.returncode == 0, (name, applied.stderr)
    joined = b"".join(texts(story).values())
    assert joined.count(NEW + b".id") == 2
    assert b"client_certificate.backend." not in joined
    assert b"tfcert: succeeds" not in joined


def test_the_runbook_tells_the_story_in_order(tfcert, story):
    """The runbook has the steps in order, with dates, conditions and rollback."""
    tfcert("patch", *DAY_12, "--phase", "all", "--out", "rotation", cwd=story)
    text = (story / "rotation" / "RUNBOOK.md").read_text(encoding="utf-8")
    parts = [
        "Introduce, by 2026-11-26",
        "backend_202611_pem",
        "by 2026-11-29",
        "Retire",
        "only the first",
        "PARTIAL_CHAIN",
    ]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert text.count("To roll back") == 2
    assert "certificate.tf:12" in text


def test_the_runbook_names_the_consumers_and_what_becomes_of_them(tfcert, story):
    """With --trust-bundle the runbook names each consumer with its line and says that it gets both
    PEMs.
    """
    tfcert("patch", *DAY_12, "--phase", "all", "--trust-bundle", "--out", "rotation", cwd=story)
    text = (story / "rotation" / "RUNBOOK.md").read_text(encoding="utf-8")
    assert "- `certificate.tf:12`: output backend_certificate. Introduce gives it both PEMs" in text
    assert "tfcert bundle" in text
    tfcert("patch", *DAY_12, "--out", "rotation", cwd=story)
    assert "with `--trust-bundle`" in (story / "rotation" / "RUNBOOK.md").read_text(
        encoding="utf-8"
    )


def test_trust_bundle_says_where_it_finds_nothing(tfcert, story):
    """`--trust-bundle` reports on stderr if it found no consumer to edit."""
    assert b"--trust-bundle" not in tfcert("patch", *DAY_12, "--trust-bundle", cwd=story).stderr
    file = story / "certificate.tf"
    file.write_text(file.read_text().partition("# The backend team")[0])
    done = tfcert("patch", *DAY_12, "--trust-bundle", cwd=story)
    assert done.returncode == 0
    assert (
        b"--trust-bundle edits nothing for aws_api_gateway_client_certificate.backend"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("", "no place that uses its PEM was found in the files that were read"),
        (
            'resource "aws_ssm_parameter" "x" {\n  value = %s\n  lifecycle {\n    ignore_changes = all\n  }\n}\n',
            "ignore_changes covers all",
        ),
        ('output "pem" {\n  value = %s\n}\n', None),
        (None, "there may be some: these files were not searched: use.tofu"),
    ],
)
def test_trust_bundle_says_what_it_leaves_alone_and_why(tfcert, story, block, words):
    """`--trust-bundle` names each consumer that it skips and each unread file."""
    file = story / "certificate.tf"
    file.write_text(file.read_text().partition("# The backend team")[0])
    if block is None:
        (story / "use.tofu").write_text('output "pem" {\n  value = module.other.pem\n}\n')
    elif block:
        (story / "use.tf").write_text(
            block % "aws_api_gateway_client_certificate.backend.pem_encoded_certificate"
        )
    warned = tfcert("patch", *DAY_12, "--trust-bundle", cwd=story).stderr.decode()
    assert "hands its PEM on" not in warned
    assert words in warned if words is not None else "--trust-bundle" not in warned


def test_i2_a_preview_says_what_must_hold_first(tfcert, story):
    """I2: a phase requested by name is written, and its header names the conditions that are not
    met.
    """
    done = tfcert("patch", *DAY_12, "--phase", "repoint", cwd=story)
    assert done.returncode == 0
    assert b"is applied and in state (does not hold now)" in done.stdout
    assert NEW + b".id" in done.stdout
    assert b"+resource" not in done.stdout


@pytest.mark.parametrize("phase", ["repoint", "retire"])
def test_a_phase_that_builds_on_an_unwritten_one_is_not_written(tfcert, story, phase):
    """`--write` of a later phase is refused while the earlier one is unwritten (I1)."""
    before = texts(story)
    done = tfcert("patch", *DAY_12, "--phase", phase, "--write", cwd=story)
    assert done.returncode == 2
    assert texts(story) == before


def test_i6_asking_again_before_the_apply_writes_nothing(tfcert, story):
    """I6: before the apply of introduce, a second run waits and writes nothing."""
    tfcert("patch", *DAY_12, "--write", cwd=story)
    before = texts(story)
    again = tfcert("patch", *DAY_12, "--write", cwd=story)
    assert again.returncode == 0
    assert b"waiting: the introduce phase is written but not applied" in again.stdout
    assert texts(story) == before


def test_nothing_is_due(tfcert, story):
    """If nothing is due, nothing is written, unless `--even-if-not-due` is given."""
    early = (STATE, "--offline", "--as-of", "2026-03-01")
    assert b"nothing to do" in tfcert("patch", *early, cwd=story).stdout
    assert b"backend_202603" in tfcert("patch", *early, "--even-if-not-due", cwd=story).stdout


def test_names_and_choices(tfcert, story):
    """`--name` names the successor, `--only` selects a certificate, and wrong values are exit code
    2.
    """
    assert b'"fresh"' in tfcert("patch", *DAY_12, "--name", "fresh", cwd=story).stdout
    assert tfcert("patch", *DAY_12, "--name", "not a name", cwd=story).returncode == 2
    assert (
        tfcert(
            "patch", *DAY_12, "--only", "aws_api_gateway_client_certificate.none", cwd=story
        ).returncode
        == 2
    )
    assert (
        b"+resource"
        in tfcert(
            "patch", *DAY_12, "--only", "aws_api_gateway_client_certificate.backend", cwd=story
        ).stdout
    )


def test_nothing_to_do_is_said_of_what_was_asked_for(tfcert, story):
    """The line "nothing to do" names the selected certificate or phase."""
    name = "aws_api_gateway_client_certificate.backend"
    early = (STATE, "--offline", "--as-of", "2026-03-01")
    alone = tfcert("patch", *early, "--only", name, cwd=story).stdout.decode()
    assert f"nothing to do for {name}: it ends on" in alone
    assert (
        "nothing to retire"
        in tfcert("patch", *early, "--phase", "retire", cwd=story).stdout.decode()
    )


def test_a_manual_successor_is_taken_up(tfcert, story):
    """A manual successor is used, with the reason for the guess and a patch that applies
    it alone.
    """
    block = 'resource "aws_api_gateway_client_certificate" "backend_two" {\n}\n'
    for file in story.glob("*.tf"):
        text = file.read_text().replace(
            "client_certificate.backend.id", "client_certificate.backend_two.id"
        )
        file.write_text(text)
    (story / "second.tf").write_text(block)
    done = tfcert("patch", *DAY_12, "--write", cwd=story)
    assert done.returncode == 0, done.stderr
    assert b"a guess: aws_api_gateway_client_certificate.backend_two (second.tf:1)" in done.stdout
    assert b"no stage moves yet" in done.stdout
    assert (
        story / "second.tf"
    ).read_text() == f"# tfcert: succeeds aws_api_gateway_client_certificate.backend\n{block}"
    assert not any("backend_two.id" in file.read_text() for file in story.glob("*.tf"))
    judged = tfcert("check", *DAY_12, cwd=story).stdout.decode()
    assert "successor: aws_api_gateway_client_certificate.backend_two" in judged
    assert "backend_202611" not in judged


def test_a_taken_name_is_blocked(tfcert, story):
    """A taken name blocks the rotation, exit code 3, and the remedy is `--name`."""
    with (story / "other.tf").open("a") as file:
        file.write('resource "aws_api_gateway_client_certificate" "backend_202611" {\n}\n')
    done = tfcert("patch", *DAY_12, cwd=story)
    assert done.returncode == 3
    assert b"is taken" in done.stdout
    assert b"--name" in done.stdout


def test_links_and_read_only_folders_are_left_alone(tfcert, story, tmp_path):
    """`--write` does not follow a symbolic link."""
    elsewhere = tmp_path / "elsewhere.tf"
    elsewhere.write_bytes((story / "certificate.tf").read_bytes())
    (story / "certificate.tf").unlink()
    (story / "certificate.tf").symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    done = tfcert("patch", *DAY_12, "--write", cwd=story)
    assert done.returncode == 2
    assert elsewhere.read_bytes() == before
    assert (story / "certificate.tf").is_symlink()


def test_the_mode_stays_and_nothing_is_left_behind(tfcert, story):
    """A written file keeps its mode, and no temporary file remains."""
    (story / "certificate.tf").chmod(0o640)
    names = sorted(file.name for file in story.iterdir())
    assert tfcert("patch", *DAY_12, "--write", cwd=story).returncode == 0
    assert (story / "certificate.tf").stat().st_mode & 0o777 == 0o640
    assert sorted(file.name for file in story.iterdir()) == names


def test_no_configuration_is_exit_2(tfcert, story, tmp_path):
    """Without a configuration the exit code is 2, and the error names --config."""
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / STATE).write_bytes((story / STATE).read_bytes())
    done = tfcert("patch", *DAY_12, cwd=alone)
    assert done.returncode == 2
    assert b"--config" in done.stderr
    assert tfcert("patch", *DAY_12, "--config", str(story), cwd=alone).returncode == 0


def test_rollback_undoes_a_written_repoint(tfcert, story, tmp_path):
    """Rollback restores each byte from before repoint; offline its header says what is
    unconfirmed.
    """
    for phase in ("introduce", "repoint"):
        assert tfcert("patch", *DAY_12, "--phase", phase, "--write", cwd=story).returncode == 0
        if phase == "introduce":
            before = texts(story)
    done = tfcert("patch", *DAY_12, "--phase", "rollback", cwd=story)
    assert done.returncode == 3, (
        "the successor was never applied, so nothing presents it: AWS was not asked"
    )
    assert b"# tfcert: rollback, the way back from repoint" in done.stdout
    assert (
        b"every backend still trusts aws_api_gateway_client_certificate.backend (not confirmed)"
        in done.stdout
    )
    git(story, "init", "--quiet")
    assert git(story, "apply", "-", stdin=done.stdout).returncode == 0
    assert texts(story) == before
    again = tfcert("patch", *DAY_12, "--phase", "rollback", cwd=story)
    assert b"nothing to roll back" in again.stdout


def test_rotations_in_different_phases_are_checked_by_next(tfcert, story):
    """If rotations are in different phases, the patch says to check with `--expect next`."""
    (story / "other.tf").write_text(
        f'# tfcert: succeeds x0y0z0\nresource "{NEW.decode().split(".")[0]}" "other" {{\n}}\n',
        encoding="utf-8",
    )
    alone = tfcert("patch", *DAY_12, "--only", "rj3hhn", cwd=story)
    assert b"--expect introduce" in alone.stdout
    both = tfcert("patch", *DAY_12, cwd=story)
    assert b"--expect next" in both.stdout
    assert b"--expect next" in both.stderr
    written = tfcert("patch", *DAY_12, "--write", cwd=story)
    assert b"introduce is written; plan, `tfcert check PLAN --expect next`" in written.stdout
