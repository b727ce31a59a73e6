"""The environment of terraform, and that --offline does not start it for a backend."""

from __future__ import annotations

import os

import pytest

SECRETS = (
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "NPM_TOKEN",
)
MORE = (
    "TF_VAR_password",
    "TF_TOKEN_gitlab_example_org",
    "SSH_AUTH_SOCK",
    "PYTHONPATH",
    "GIT_SSH_COMMAND",
    "PIP_INDEX_URL",
    "VAULT_TOKEN",
)
NEEDED = (
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "ARM_CLIENT_SECRET",
    "GOOGLE_CREDENTIALS",
    "TF_WORKSPACE",
    "TF_TOKEN_app_example_org",
)
BACKEND = 'terraform {\n  backend "s3" {\n    profile = "evil"\n    shared_config_files = ["./config"]\n  }\n}\n'


@pytest.fixture
def tool(tmp_path, story):
    """Return the environment with a terraform script that records its variables and prints the
    state.
    """
    binaries = tmp_path / "bin"
    binaries.mkdir()
    state = tmp_path / "pulled.json"
    state.write_bytes((story / "terraform.tfstate").read_bytes())
    (binaries / "terraform").write_text(
        f"#!/bin/sh\n/usr/bin/env > '{tmp_path}/environment'\n/bin/cat '{state}'\n"
    )
    (binaries / "terraform").chmod(0o755)
    return {"PATH": str(binaries)}


@pytest.fixture
def given(tmp_path):
    """Return a function that gives the names of the variables that terraform got, or None."""

    def read():
        file = tmp_path / "environment"
        return (
            {line.partition("=")[0] for line in file.read_text().splitlines()}
            if file.exists()
            else None
        )

    return read


def test_terraform_gets_what_backends_read_and_no_token(story, tfcert, tool, given):
    """terraform gets the variables of backends, and no tokens; `--tool-env` passes a named one."""
    environment = (
        dict.fromkeys((*SECRETS, *MORE, *NEEDED), "x")
        | tool
        | {"TF_WORKSPACE": "default", "https_proxy": "http://127.0.0.1:9"}
    )
    assert tfcert(
        "check", ".", "--timeout", "0.1", cwd=story, environment=environment
    ).returncode in {1, 3}
    assert given() >= {*NEEDED, "PATH", "HOME", "https_proxy"}
    assert given().isdisjoint({*SECRETS, *MORE})
    options = ("--tool-env", "TF_VAR_password", "--tool-env", "GITHUB_TOKEN")
    tfcert("check", ".", "--timeout", "0.1", *options, cwd=story, environment=environment)
    assert given() & {*SECRETS, *MORE} == {"TF_VAR_password", "GITHUB_TOKEN"}
    for wrong in ("A=b", "", "-x", "A B"):
        assert (
            tfcert(
                "check", ".", f"--tool-env={wrong}", cwd=story, environment=environment
            ).returncode
            == 2
        )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("backend.tf", BACKEND),
        ("backend.tf", 'terraform { cloud {\n organization = "o"\n } }\n'),
        ("backend.tf", "terraform\n/* x */ {\n  /* y */ backend /* z */ s3 {}\n}\n"),
        ("backend.tf", 'terraform {\n  backend "local" {\n    path = "/etc/hostname"\n  }\n}\n'),
        ("backend.tf", "terraform { backend"),
        ("x_override.tf", BACKEND),
        ("backend.tofu", BACKEND),
        ("backend.tf.json", '{"terraform": {"\\u0062ackend": {"s3": {}}}}'),
        ("backend.tf.json", '{"terraform": [[{"cloud": {}}]]}'),
        ("backend.tf.json", "{"),
        (".terraform/terraform.tfstate", '{"version": 3, "backend": {"type": "s3"}}'),
        (".terraform/terraform.tfstate", "x"),
    ],
)
@pytest.mark.parametrize("recursive", [(), ("--recursive",)])
def test_offline_contacts_no_backend(story, tfcert, tool, given, name, text, recursive):
    """`--offline` starts no tool for any form of backend, and says which file to pass."""
    (story / name).parent.mkdir(exist_ok=True)
    (story / name).write_text(text)
    done = tfcert("check", ".", "--offline", *recursive, cwd=story, environment=tool)
    assert given() is None
    if not recursive:
        assert done.returncode == 2
        assert b"pass a state or plan file" in done.stderr


def test_offline_reads_a_local_state_and_starts_no_tool(story, tfcert, outcome, given, tool):
    """`--offline` reads a local state; text that only looks like a backend is ignored."""
    (story / "more.tf").write_text('# backend "s3"\nlocals {\n  backend = { cloud = 1 }\n}\n')
    document, code = outcome(".", "--offline", "--as-of", "2026-11-24", cwd=story, environment=tool)
    assert (code, document["findings"][0]["rule"]) == (1, "certificate-expiring")
    assert b"pass terraform.tfstate" in tfcert("check", ".", "--offline", cwd=story).stderr
    assert given() is None


def test_offline_takes_no_pipe_for_the_state(story, tfcert, given, tool):
    """`--offline` refuses a state that is a FIFO."""
    (story / "terraform.tfstate").unlink()
    os.mkfifo(story / "terraform.tfstate")
    assert tfcert("check", ".", "--offline", cwd=story, environment=tool).returncode == 2
