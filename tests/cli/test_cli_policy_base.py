"""`--policy-base`: ten ways in which a pull request tries to pass its own check, and unreadable
refs.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

STATE = "terraform.tfstate"
CERTIFICATE = "aws_api_gateway_client_certificate.backend"
BASE = 'extends = "team.toml"\n[[scope]]\nname = "all"\naddress = "*"\nnotice_days = 70\n'
TEAM = "threshold_days = 20\n"
EXEMPTION = f'[[exemption]]\nrule = "certificate-expiring"\naddress = "{CERTIFICATE}"\nuntil = 2026-12-04\nreason = "x"\n'
COMMENT = '# tfcert:ignore certificate-expiring until=2026-12-04 reason="x"\n'


def git(folder, *arguments):
    """Run git in a folder without the machine's configuration."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return done.stdout.decode().strip()


@pytest.fixture
def checkout(story):
    """Return a repository with a policy on main and a pull request's branch checked out."""
    (story / "tfcert.toml").write_text(BASE)
    (story / "team.toml").write_text(TEAM)
    git(story, "init", "-q")
    git(story, "add", "-A")
    git(story, "commit", "-qm", "base")
    git(story, "checkout", "-qb", "pull-request")
    return story


@pytest.fixture
def judged(checkout, tfcert):
    """Return a function that commits the change and checks it with the policy of main."""

    def run(*arguments, cwd=None, base="main", commit=True, **environment):
        if commit:
            git(checkout, "add", "-A")
            git(checkout, "commit", "-qm", "attack", "--allow-empty")
        named = ("--policy-base", base) if base is not None else ()
        options = ("--offline", "--as-of", "2026-11-24", "--format", "json", *named, *arguments)
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", **environment}
        done = tfcert(
            "check", checkout / STATE, *options, cwd=cwd or checkout, environment=environment
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()

    return run


def never_fails(folder):
    """Set `fail_on = "never"` in tfcert.toml."""
    (folder / "tfcert.toml").write_text('fail_on = "never"\n')


def rule_off(folder):
    """Switch the rule off."""
    (folder / "tfcert.toml").write_text('[rules]\ncertificate-expiring = "off"\n')


def weaker_scope(folder):
    """Add a last scope that lowers the threshold for everything."""
    (folder / "tfcert.toml").write_text(
        BASE + '[[scope]]\naddress = "*"\nthreshold_days = 0\nnotice_days = 0\n'
    )


def exemption_in_the_policy(folder):
    """Add an exemption to tfcert.toml."""
    (folder / "tfcert.toml").write_text(BASE + EXEMPTION)


def exemption_in_a_comment(folder):
    """Add an exemption comment above the block."""
    file = folder / "certificate.tf"
    file.write_text(
        file.read_text().replace(
            'resource "aws_api_gateway_client_certificate"',
            f'{COMMENT}resource "aws_api_gateway_client_certificate"',
        )
    )


def weaker_parent(folder):
    """Weaken the file that tfcert.toml extends."""
    (folder / "team.toml").write_text("threshold_days = 1\nnotice_days = 2\n")


def no_policy(folder):
    """Delete the policy, and put a weaker one in the folder above."""
    (folder / "tfcert.toml").unlink()
    (folder.parent / "tfcert.toml").write_text("threshold_days = 1\nnotice_days = 2\n")


def link_elsewhere(folder):
    """Make the policy a link to another file of the checkout."""
    (folder / "weak.toml").write_text("threshold_days = 1\nnotice_days = 2\n")
    (folder / "tfcert.toml").unlink()
    (folder / "tfcert.toml").symlink_to("weak.toml")


def same_name(folder):
    """Replace the commit of main by a weaker one with `git replace`."""
    weak = "threshold_days = 1\nnotice_days = 2\n"
    (folder / "tfcert.toml").write_text(weak)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "weak")
    git(folder, "replace", "main", "HEAD")


def bare_repository(folder):
    """Add a folder that is a bare repository with another main, a hook and a monitor."""
    inner = folder / "inner"
    subprocess.run(
        ["git", "init", "-q", "--bare", str(inner)], check=True, capture_output=True, timeout=60
    )
    (inner / "config").write_text(
        f"[core]\n\tbare = true\n\tfsmonitor = touch {folder}/ran\n\thooksPath = {inner}\n"
    )
    (inner / "tfcert.toml").write_text("threshold_days = 1\nnotice_days = 2\n")


WAYS = (
    never_fails,
    rule_off,
    weaker_scope,
    exemption_in_the_policy,
    exemption_in_a_comment,
    weaker_parent,
    no_policy,
    link_elsewhere,
    same_name,
    bare_repository,
)


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_a_pull_request_does_not_turn_its_gate_off(checkout, judged, way):
    """With --policy-base, none of these changes makes the check pass, and a notice reports the
    change.
    """
    way(checkout)
    code, document = judged()
    assert code == 1, document
    (finding,) = [each for each in document["findings"] if each["rule"] == "certificate-expiring"]
    assert (finding["severity"], finding["suppression"], document["policy"]["threshold_days"]) == (
        "error",
        None,
        20,
    )
    told = [each for each in document["notices"] if "main" in each]
    assert bool(told) == (way is not bare_repository)


def test_a_bare_repository_in_the_checkout_is_no_repository(checkout, judged):
    """A run inside a bare repository of the checkout is exit code 2 and executes nothing."""
    bare_repository(checkout)
    code, said = judged(cwd=checkout / "inner")
    assert code == 2
    assert "bare" in said
    assert not (checkout / "ran").exists()


def test_what_the_base_exempts_is_exempt(checkout, judged):
    """An exemption of the base branch applies, even if the pull request removes it, and a notice
    says so.
    """
    git(checkout, "checkout", "-q", "main")
    exemption_in_a_comment(checkout)
    git(checkout, "commit", "-qam", "exempt")
    git(checkout, "checkout", "-q", "pull-request")
    code, document = judged()
    assert (code, document["findings"][0]["suppression"]["kind"]) == (0, "inSource")
    assert any("holds as in main" in each for each in document["notices"])


def test_without_a_base_the_found_file_cannot_let_everything_pass(checkout, judged):
    """Without a base, `fail_on = "never"` in a policy file that was found is exit code 2; in a
    named one it is valid.
    """
    for file, text in (
        ("tfcert.toml", 'fail_on = "never"\n'),
        ("team.toml", 'fail_on = "never"\n'),
        ("tfcert.toml", '[[scope]]\naddress = "*"\nfail_on = "never"\n'),
    ):
        (checkout / "tfcert.toml").write_text(BASE)
        (checkout / file).write_text(text)
        code, said = judged(base=None)
        assert (code, "cannot set fail_on" in said, f"{file}:" in said) == (2, True, True), said
    assert judged("--policy", "tfcert.toml", base=None)[0] == 0


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("nowhere", "no such commit"),
        ("-h", "no name of a commit"),
        ("--help", "no name of a commit"),
        ("", "no name of a commit"),
        ("main:tfcert.toml", "no such commit"),
        ("main; touch owned", "no such commit"),
    ],
)
def test_a_ref_that_cannot_be_read_is_an_error(checkout, judged, base, said):
    """An unreadable ref is exit code 2; the checkout's policy is not used instead."""
    never_fails(checkout)
    code, told = judged(f"--policy-base={base}", base=None)
    assert (code, said in told) == (2, True), told
    assert not list(checkout.rglob("owned"))


def test_outside_a_repository_no_base_is_read(story, tfcert):
    """`--policy-base` outside a repository is exit code 2."""
    done = tfcert(
        "check",
        STATE,
        "--offline",
        "--policy-base",
        "main",
        cwd=story,
        environment={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, b"not a git repository" in done.stderr) == (2, True)
    assert tfcert("check", STATE, "--offline", "--policy-base", "main", cwd=story).returncode == 2


def test_a_base_that_a_shallow_clone_lacks_is_an_error(checkout, judged, tfcert, tmp_path):
    """A base that a shallow clone lacks is exit code 2, and the error says to fetch it."""
    never_fails(checkout)
    git(checkout, "commit", "-qam", "attack")
    shallow = tmp_path / "shallow"
    git(
        tmp_path,
        "clone",
        "-q",
        "--depth",
        "1",
        "--branch",
        "pull-request",
        f"file://{checkout}",
        str(shallow),
    )
    base = git(checkout, "rev-parse", "main")
    environment = {"PATH": os.environ["PATH"]}
    for ref in ("main", "origin/main", "HEAD^", base):
        done = tfcert(
            "check", STATE, "--offline", "--policy-base", ref, cwd=shallow, environment=environment
        )
        assert (done.returncode, b"fetch it first" in done.stderr) == (2, True), done.stderr


def test_a_policy_beside_the_checkout_holds_with_a_base_too(checkout, judged, tmp_path):
    """A policy file outside the repository is read as it is; one inside is read from the base."""
    (tmp_path / "ours.toml").write_text("threshold_days = 5\nnotice_days = 6\n")
    assert judged("--policy", str(tmp_path / "ours.toml"))[0] == 0
    weaker_parent(checkout)
    assert judged("--policy", "team.toml")[1]["policy"]["threshold_days"] == 20
    assert judged("--policy", str(checkout / "team.toml"))[1]["policy"]["threshold_days"] == 20


@pytest.mark.parametrize("kind", ["fifo", "directory", "broken", "dangling"])
def test_a_policy_of_the_checkout_that_cannot_be_read_changes_nothing(checkout, judged, kind):
    """An unreadable policy in the checkout is a notice with --policy-base, and exit code 2 without
    it.
    """
    (checkout / "tfcert.toml").unlink()
    match kind:
        case "fifo":
            os.mkfifo(checkout / "tfcert.toml")
        case "directory":
            (checkout / "tfcert.toml").mkdir()
        case "broken":
            (checkout / "tfcert.toml").write_text("[[")
        case "dangling":
            (checkout / "tfcert.toml").symlink_to("nowhere")
    code, document = judged(commit=False)
    assert code == 1
    assert any("cannot be used" in each for each in document["notices"])
    assert judged(base=None, commit=False)[0] == 2


def test_comments_exempt_nothing_where_that_is_wished(checkout, judged):
    """`--no-inline-exemptions` ignores exemption comments and says so."""
    exemption_in_a_comment(checkout)
    assert judged(base=None)[0] == 0
    code, document = judged("--no-inline-exemptions", base=None)
    assert (code, document["findings"][0]["suppression"]) == (1, None)
    assert any("--no-inline-exemptions" in each for each in document["notices"])


def test_a_change_behind_a_hash_in_a_reason_is_reported(checkout, judged):
    """A changed reason with ` #` in its text is reported completely."""
    text = EXEMPTION.replace('"x"', '"agreed  # until {}"')
    (checkout / "tfcert.toml").write_text(BASE + text.format("May"))
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "exempt")
    git(checkout, "branch", "-f", "main")
    (checkout / "tfcert.toml").write_text(BASE + text.format("June"))
    _, document = judged()
    notices = " ".join(document["notices"])
    assert '-reason = "agreed  # until May"' in notices
    assert '+reason = "agreed  # until June"' in notices


def test_a_policy_of_the_base_that_links_out_of_the_repository_is_refused(checkout, judged):
    """A policy of the commit that is a link inside the repository is read; one that leads out of
    it is an error, and another file that does so is left out.
    """
    git(checkout, "checkout", "-q", "main")
    (checkout / "team.toml").rename(checkout / "shared.toml")
    (checkout / "team.toml").symlink_to("shared.toml")
    (checkout / "notes.tf").symlink_to("../../nowhere")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "links")
    code, document = judged()
    assert code == 1
    assert document["policy"]["threshold_days"] == 20
    (checkout / "team.toml").unlink()
    (checkout / "team.toml").symlink_to("../../elsewhere.toml")
    code, said = judged()
    assert code == 2
    assert "main:team.toml: is a link out of the repository, to ../../elsewhere.toml" in said
