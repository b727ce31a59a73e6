"""The workflows of this repository: valid, audited, pinned, with few permissions and tested shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from runner import ROOT, load

FOLDER = ROOT / ".github/workflows"
FILES = sorted(path.name for path in FOLDER.iterdir())
WORKFLOWS = {name: load(f".github/workflows/{name}") for name in FILES}
RELEASE = WORKFLOWS["release.yml"]["jobs"]
# What may run with a permission to sign, publish or write.
TRUSTED = {
    "actions/download-artifact",
    "actions/attest",
    "pypa/gh-action-pypi-publish",
}


def jobs():
    """Yield each job of each workflow with its name."""
    for name, workflow in WORKFLOWS.items():
        for job, body in workflow["jobs"].items():
            yield f"{name}: {job}", body


def run_of(job, part):
    """Return the one script of a job that has a text in it."""
    (script,) = [
        step["run"] for step in RELEASE[job]["steps"] if "run" in step and part in step["run"]
    ]
    return script


def bash(script, folder, **environment):
    """Run a script as GitHub does."""
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_github_reads_the_workflows_of_this_repository():
    """The workflows are valid by GitHub's schema."""
    assert FILES == ["ci.yml", "release.yml"]
    done = subprocess.run(
        [
            *[sys.executable, "-m", "check_jsonschema", "--builtin-schema"],
            "vendor.github-workflows",
            *(FOLDER / name for name in FILES),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


def test_an_auditor_finds_nothing():
    """zizmor finds nothing, also as a pedant; one finding is accepted where it is, with a reason."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("zizmor"),
            *("--offline", "--no-config", "--strict-collection", "--quiet"),
            *("--persona", "pedantic"),
            *("--format", "json"),
            *(FOLDER / name for name in FILES),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, []), done.stdout
    text = "".join((FOLDER / name).read_text(encoding="utf-8") for name in FILES)
    assert re.findall(r"# zizmor: ignore\[([\w-]+)\] \w+", text) == ["unpinned-images"]
    assert text.count("zizmor:") == 1


def test_every_action_is_pinned_by_commit():
    """Each action is named by a commit with its version beside it; an action has one version."""
    pinned = {}
    for name in FILES:
        for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
            if "uses:" not in line or "uses: $/.github/" in line:
                continue
            found = re.search(r"uses: ([\w.-]+/[\w.-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$", line)
            assert found, line
            pinned.setdefault(found[1], set()).add((found[2], found[3]))
    assert len(pinned) == 6
    assert {name: len(found) for name, found in pinned.items() if len(found) > 1} == {}


def test_permissions_are_per_job_and_few():
    """No workflow has a permission; a job names its own, and runs for a bounded time."""
    for workflow in WORKFLOWS.values():
        assert workflow["permissions"] == {}
        assert workflow["concurrency"]["group"]
    for name, job in jobs():
        if "uses" not in job:
            assert 0 < int(job["timeout-minutes"]) <= 60, name
        assert "secrets" not in json.dumps(job), name
        assert "continue-on-error" not in json.dumps(job), name
    granted = {name: job["permissions"] for name, job in jobs()}
    read = {"contents": "read"}
    assert granted == {
        "ci.yml: test": read,
        "release.yml: test": read,
        "release.yml: build": read,
        "release.yml: rebuild": read,
        "release.yml: attest": {"attestations": "write", "id-token": "write"},
        "release.yml: pypi": {"id-token": "write"},
        "release.yml: github": {"contents": "write"},
        "release.yml: major": {"contents": "write"},
    }


def test_a_job_that_may_write_runs_no_code_of_the_repository():
    """A job that can sign, publish or write checks nothing out: it runs pinned actions and gh."""
    for name, job in jobs():
        if "write" not in job["permissions"].values():
            continue
        for step in job["steps"]:
            if "uses" in step:
                assert step["uses"].split("@")[0] in TRUSTED, name
            else:
                assert not re.search(r"\b(python\d?|pip|make|git|npm|curl|sh|bash|eval)\b", re.sub(r"/git/|\.git\b", "/", step["run"])), name  # fmt: skip
    assert RELEASE["pypi"]["environment"] == "pypi"
    assert [name for name, job in RELEASE.items() if "environment" in job] == ["pypi"]


def test_no_text_of_others_becomes_part_of_a_script():
    """No script has an expression, and no checkout keeps its token."""
    for name, job in jobs():
        for step in job.get("steps", ()):
            assert "${{" not in step.get("run", ""), name
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false", name


def needs(job):
    """Return the jobs that have to succeed before a job, also indirectly."""
    named = RELEASE[job].get("needs", [])
    direct = [named] if isinstance(named, str) else named
    return {each for one in direct for each in (one, *needs(one))}


def test_nothing_is_published_before_the_tests_and_the_comparison():
    """PyPI, the release and the tag come after the tests, both builds and the attestations."""
    before = {"test", "build", "rebuild"}
    assert needs("attest") == before
    assert needs("pypi") == before | {"attest"}
    assert needs("github") == before | {"attest", "pypi"}
    assert needs("major") == before | {"attest", "pypi", "github"}
    # A condition such as always() would run a job after a failure.
    assert not [name for name, job in RELEASE.items() if "if" in job]
    assert RELEASE["test"]["uses"] == "$/.github/workflows/ci.yml"
    assert "workflow_call" in WORKFLOWS["ci.yml"]["on"]
    assert WORKFLOWS["ci.yml"]["jobs"]["test"]["steps"][-1]["run"] == ".ci/run"


def test_only_a_tag_of_three_numbers_starts_a_release():
    """The workflow runs for version tags alone, so moving the major tag starts none."""
    assert WORKFLOWS["release.yml"]["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}


def test_one_version_of_python_everywhere():
    """The builds, the tests and the image use one Python, since the grammar in the wheel is for it."""
    image = re.search(
        r"^ARG BASE=python:(\d+\.\d+)-", (ROOT / "Containerfile").read_text(), re.MULTILINE
    )[1]
    used = {
        step["with"]["python-version"]
        for _, job in jobs()
        for step in job.get("steps", ())
        if step.get("uses", "").startswith("actions/setup-python@")
    }
    assert used == {image}
    assert WORKFLOWS["ci.yml"]["jobs"]["test"]["container"].startswith(f"python:{image}-")


def test_artifacts_are_what_the_build_has_uploaded():
    """Each artifact that a job takes is one of the build, which keeps dist/ and papers/ apart."""
    uploaded, taken = {}, set()
    for job in RELEASE.values():
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/upload-artifact@"):
                uploaded[step["with"]["name"]] = step["with"]["path"]
            if step.get("uses", "").startswith("actions/download-artifact@"):
                taken.add(step["with"]["name"])
    assert uploaded == {"dist": "dist/", "papers": "papers/"}
    assert taken == set(uploaded)


def test_a_tag_outside_the_default_branch_is_refused(tmp_path):
    """The build stops if the default branch does not have the commit."""
    script = run_of("build", "merge-base")

    def git(*words):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert bash(script, tmp_path, BRANCH="main").returncode == 0
    git("commit", "-q", "--allow-empty", "-m", "two")
    assert bash(script, tmp_path, BRANCH="main").returncode == 1
    assert bash(script, tmp_path, BRANCH="no-such-branch").returncode != 0


def test_two_builds_that_differ_stop_the_release(tmp_path):
    """The comparison fails for a different byte, a missing file and one more file."""
    script = run_of("rebuild", "diff")
    for folder in ("build/first", "dist"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.whl").write_bytes(b"same")
    assert bash(script, tmp_path).returncode == 0
    (tmp_path / "dist/a.whl").write_bytes(b"sane")
    assert bash(script, tmp_path).returncode == 1
    (tmp_path / "dist/a.whl").write_bytes(b"same")
    (tmp_path / "dist/b.tar.gz").touch()
    assert bash(script, tmp_path).returncode == 1
    (tmp_path / "dist/b.tar.gz").rename(tmp_path / "build/first/b.tar.gz")
    assert bash(script, tmp_path).returncode == 1


@pytest.fixture
def gh(tmp_path):
    """Return a function that runs a script with a stand-in for gh, and returns its calls.

    `tags` are the repository's tags; a call that names one of `failing` fails.
    """
    log = tmp_path / "calls"
    program = tmp_path / "bin/gh"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        f"open({str(log)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "call = ' '.join(sys.argv[1:])\n"
        "if any(word in call for word in json.loads(os.environ['FAILING'])): sys.exit(1)\n"
        "tags = json.loads(os.environ['TAGS'])\n"
        "if 'matching-refs/tags/' in call:\n"
        "    start = call.split('matching-refs/tags/')[1].split()[0]\n"
        "    print(*[f'refs/tags/{tag}' for tag in tags if tag.startswith(start)], sep='\\n')\n"
        "elif '/git/ref/tags/' in call and call.split('/git/ref/tags/')[1] not in tags:\n"
        "    sys.exit(1)\n"
    )
    program.chmod(0o755)

    def run(script, tag, tags=(), failing=()):
        log.write_text("")
        done = bash(
            script,
            tmp_path,
            TAG=tag,
            GH_REPO="acme/tfcert",
            GITHUB_SHA="c" * 40,
            TAGS=json.dumps(list(tags)),
            FAILING=json.dumps(list(failing)),
        )
        return done.returncode, [json.loads(line) for line in log.read_text().splitlines()]

    return run


MOVE = ["api", "--method", "PATCH", "repos/acme/tfcert/git/refs/tags/v1"]
MAKE = ["api", "--method", "POST", "repos/acme/tfcert/git/refs", "-f", "ref=refs/tags/v1"]


@pytest.mark.parametrize(
    ("tag", "tags", "last"),
    [
        ("v1.0.0", ["v1.0.0"], [*MAKE, "-f", f"sha={'c' * 40}"]),
        ("v1.10.0", ["v1", "v1.9.0", "v1.10.0", "v10.0.0"], [*MOVE, "-f", f"sha={'c' * 40}", "-F", "force=true"]),
        ("v1.2.3", ["v1", "v1.2.3", "v1.9.0-rc1", "v1.3.x"], [*MOVE, "-f", f"sha={'c' * 40}", "-F", "force=true"]),
        # A fix of an older version does not take users of v1 back.
        ("v1.9.1", ["v1", "v1.9.1", "v1.10.0"], None),
    ],
)  # fmt: skip
def test_the_major_tag_names_the_newest_version(gh, tag, tags, last):
    """The major tag is made or moved to the release, unless a newer version exists."""
    code, calls = gh(run_of("major", "matching-refs"), tag, tags)
    assert code == 0
    assert calls[0][2] == "repos/acme/tfcert/git/matching-refs/tags/v1."
    if last is None:
        assert len(calls) == 1
    else:
        assert calls[-1] == last


def test_the_major_tag_is_not_moved_when_tags_cannot_be_read(gh):
    """A failed call of GitHub fails the job, and writes nothing."""
    script = run_of("major", "matching-refs")
    assert gh(script, "v1.0.0", ["v1.0.0"], ["matching-refs"]) == (
        1,
        [["api", "--paginate", "repos/acme/tfcert/git/matching-refs/tags/v1.", "--jq", ".[].ref"]],
    )
    assert gh(script, "v1.0.0", ["v1", "v1.0.0"], ["PATCH"])[0] == 1


def test_the_release_has_the_notes_and_all_files(gh, tmp_path):
    """The release of a tag that exists has the wheel, the sdist and the papers, and its notes."""
    (tmp_path / "dist").mkdir()
    names = ["tfcert-1.0.0-py3-none-any.whl", "tfcert-1.0.0.tar.gz"]
    for name in names:
        (tmp_path / "dist" / name).touch()
    code, (call,) = gh(run_of("github", "gh release"), "v1.0.0")
    assert code == 0
    assert call == [
        *["release", "create", "v1.0.0", "--verify-tag", "--title", "tfcert 1.0.0"],
        *["--notes-file", "papers/notes.md"],
        *[f"dist/{name}" for name in names],
        *["papers/hashes.txt", "papers/tfcert.cdx.json", "papers/SHA256SUMS"],
    ]
