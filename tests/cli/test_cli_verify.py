"""`tfcert patch --verify` with tools that are small scripts; tests/acceptance uses the real one."""

from __future__ import annotations

import pytest

DAY_12 = ("terraform.tfstate", "--offline", "--as-of", "2026-11-24")
TOOLS = {"PATH": "/usr/bin:/bin"}
VALID = '{"valid": true, "diagnostics": []}'
BROKEN = (
    '{"valid": false, "diagnostics": [{"severity": "warning", "summary": "odd"}, {"severity": "error", "summary": "No such thing", '
    '"range": {"filename": "a.tf", "start": {"line": 7}}}]}'
)


@pytest.fixture
def tool(tmp_path):
    """Return a function that writes a tool with a body for each command, which logs its arguments
    and folder.
    """

    def writing(*, init="exit 0", validate=f"echo '{VALID}'", fmt="exit 0"):
        file = tmp_path / "terraform"
        file.write_text(
            f"#!/bin/sh\n"
            f'printf "%s|%s|%s\\n" "$*" "$PWD" "$TF_DATA_DIR$TF_WORKSPACE$TF_CLI_ARGS_init" >> {tmp_path}/log\n'
            f"case $1 in\ninit) {init};;\nvalidate) {validate};;\nfmt) {fmt};;\nesac\n"
        )
        file.chmod(0o755)
        return file

    return writing


def texts(folder):
    """Return each file of a folder by path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def asked(tmp_path):
    """Return the arguments, folder and variables of each call of the tool."""
    return [line.split("|") for line in (tmp_path / "log").read_text().splitlines()]


def test_it_is_asked_on_a_copy_that_is_gone_afterwards(tfcert, story, tool, tmp_path):
    """The tool runs in a copy, `init` once without the backend, and the copy is removed."""
    before = texts(story)
    misleading = TOOLS | {
        "TF_DATA_DIR": "/elsewhere",
        "TF_WORKSPACE": "prod",
        "TF_CLI_ARGS_init": "-upgrade",
    }
    done = tfcert(
        "patch",
        *DAY_12,
        "--phase",
        "all",
        "--verify",
        "--tool",
        tool(),
        cwd=story,
        environment=misleading,
    )
    assert done.returncode == 0, done.stderr
    assert b"# verified with terraform on a copy: introduce, repoint, retire\n" in done.stdout
    commands = [command.split()[0] for command, _, _ in asked(tmp_path)]
    assert commands == ["init", "validate", "fmt", "validate", "fmt", "validate", "fmt"]
    assert "-backend=false" in asked(tmp_path)[0][0]
    assert {found for _, _, found in asked(tmp_path)} == {""}
    assert not any(place.startswith(str(tmp_path)) for _, place, _ in asked(tmp_path))
    assert texts(story) == before


def test_each_phase_is_verified_on_the_text_that_it_leaves(tfcert, story, tool, tmp_path):
    """Each phase is validated with the text of the phases before it, and without the state."""
    validate = f"cat *.tf | grep -c backend_202611 >> {tmp_path}/seen; test -e terraform.tfstate && echo state >> {tmp_path}/seen; echo '{VALID}'"
    assert (
        tfcert(
            "patch",
            *DAY_12,
            "--phase",
            "all",
            "--verify",
            "--tool",
            tool(validate=validate),
            cwd=story,
            environment=TOOLS,
        ).returncode
        == 0
    )
    introduced = (tmp_path / "seen").read_text().split()
    expected = []
    for phase in ("introduce", "repoint", "retire"):
        diff = tfcert("patch", *DAY_12, "--phase", "all", "--out", tmp_path / "out", cwd=story)
        assert diff.returncode == 0
        lines = [
            line
            for name in sorted(file.name for file in (tmp_path / "out").glob("*.patch"))
            if int(name[0]) <= ("introduce", "repoint", "retire").index(phase) + 1
            for line in (tmp_path / "out" / name).read_text().splitlines()
            if "backend_202611" in line
        ]
        added = sum(line.startswith("+") for line in lines) - sum(
            line.startswith("-") for line in lines
        )
        expected.append(str(added))
    assert introduced == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"init": "echo 'Error: no such provider' >&2; exit 1"}, b"no such provider"),
        ({"validate": f"echo '{BROKEN}'; exit 1"}, b"No such thing (a.tf:7)"),
        ({"validate": "echo not json"}, b"prints no report"),
        ({"fmt": "echo after0.tf; exit 3"}, b"in another way"),
    ],
)
@pytest.mark.parametrize("way", [("--write",), ("--out", "rotation"), ()])
def test_a_proof_that_fails_writes_nothing_and_says_so(tfcert, story, tool, body, said, way):
    """A failed verification is exit code 3 with the tool's message, and nothing is written."""
    before = texts(story)
    done = tfcert("patch", *DAY_12, "--verify", "--tool", tool(**body), *way, cwd=story)
    assert done.returncode == 3
    assert done.stdout.startswith(b"# not verified: ")
    assert said in done.stdout
    assert b"nothing was written" in done.stdout
    assert b"diff --git" not in done.stdout
    assert texts(story) == before


def test_a_configuration_that_is_refused_before_the_edit_is_told_apart(tfcert, story, tool):
    """The message says whether the configuration was invalid before the edit or became invalid
    through it.
    """
    both = tfcert(
        "patch", *DAY_12, "--verify", "--tool", tool(validate=f"echo '{BROKEN}'"), cwd=story
    )
    assert b"refused before the edit too" in both.stdout
    ours = f"if grep -q backend_202611 *.tf; then echo '{BROKEN}'; else echo '{VALID}'; fi"
    edit = tfcert(
        "patch", *DAY_12, "--verify", "--tool", tool(validate=ours), cwd=story, environment=TOOLS
    )
    assert b"please report this" in edit.stdout


def test_a_file_that_never_was_in_form_is_none_of_our_business(tfcert, story, tool):
    """A file that was not formatted before the edit need not be formatted after it."""
    done = tfcert(
        "patch",
        *DAY_12,
        "--verify",
        "--tool",
        tool(fmt="echo before0.tf; echo after0.tf; exit 3"),
        cwd=story,
    )
    assert done.returncode == 0


def test_without_a_tool_it_is_exit_2(tfcert, story):
    """`--verify` without a tool is exit code 2, and the error names --tool."""
    done = tfcert("patch", *DAY_12, "--verify", "--write", cwd=story)
    assert done.returncode == 2
    assert b"--tool" in done.stderr


def test_the_copy_has_what_the_configuration_refers_to(tfcert, story, tool, tmp_path):
    """The copy has local and downloaded modules, the lock file and referenced files, but
    no state.
    """
    (story / ".git").mkdir()
    root = story / "live"
    root.mkdir()
    for file in story.glob("*.tf*"):
        file.rename(root / file.name)
    (story / "modules" / "m").mkdir(parents=True)
    (story / "modules" / "m" / "main.tf").write_text("locals {\n}\n")
    (story / "shared.json").write_text("{}")
    (root / ".terraform" / "modules" / "far").mkdir(parents=True)
    (root / ".terraform" / "modules" / "modules.json").write_text("{}")
    (root / ".terraform" / "environment").write_text("prod")
    (root / ".terraform.lock.hcl").write_text("")
    (root / "main.tf").write_text('module "m" {\n  source = "../modules/m"\n}\n')
    validate = f"ls -A . .. ../modules/m .terraform .terraform/modules ../shared.json > {tmp_path}/seen; echo '{VALID}'"
    done = tfcert(
        "patch", *DAY_12, "--verify", "--tool", tool(validate=validate), cwd=root, environment=TOOLS
    )
    assert done.returncode == 0, done.stdout
    seen = (tmp_path / "seen").read_text().split()
    for name in (
        "main.tf",
        "certificate.tf",
        "far",
        "modules.json",
        ".terraform.lock.hcl",
        "../shared.json",
    ):
        assert name in seen
    assert "terraform.tfstate" not in seen
    assert "environment" not in seen
