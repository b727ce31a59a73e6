"""`--recursive` on the command line: each root module is checked, and none is skipped silently."""

from __future__ import annotations

import json
import shutil

import pytest

OFFLINE = ("--offline", "--as-of", "2026-11-24")
CERTIFICATE = "aws_api_gateway_client_certificate.backend"


@pytest.fixture
def tree(tmp_path, story):
    """Return a repository with two relevant roots, one unrelated root, and one without a readable
    state.
    """
    top = tmp_path / "tree"
    for name in ("live/orders", "live/billing", "unread"):
        shutil.copytree(story, top / name)
    (top / "unread" / "terraform.tfstate").unlink()
    (top / "other").mkdir()
    (top / "other" / "main.tf").write_text('provider "aws" {\n}\n')
    (top / ".git").mkdir()
    return top


def texts(folder):
    """Return each file below a folder by path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_each_root_has_its_own_patch(tfcert, tree):
    """`patch --recursive` prints the patch of each root with paths from the repository's root."""
    done = tfcert("patch", "--recursive", *OFFLINE, cwd=tree)
    assert done.returncode == 3
    for name in ("live/orders", "live/billing"):
        assert f"# root module {name}\n".encode() in done.stdout
        assert f"--- a/{name}/certificate.tf\n".encode() in done.stdout
    assert b"# root modules: 2 read, 1 not read, 1 without anything of ours\n" in done.stdout


def test_i4_a_root_that_cannot_be_read_is_said_and_the_others_are_done(tfcert, outcome, tree):
    """I4: an unreadable root is reported, exit code 3, and the other roots are patched."""
    done = tfcert("patch", "--recursive", *OFFLINE, "--write", cwd=tree)
    assert done.returncode == 3
    assert b"# unread: could not be read: " in done.stdout
    assert b"backend_202611" in (tree / "live/orders/certificate.tf").read_bytes()
    assert b"backend_202611" in (tree / "live/billing/certificate.tf").read_bytes()
    assert b"backend_202611" not in (tree / "unread/certificate.tf").read_bytes()
    shutil.rmtree(tree / "live")
    document, code = outcome("--recursive", *OFFLINE, cwd=tree)
    assert code == 3
    assert document["verdict"] == "inconclusive"
    (finding,) = document["findings"]
    assert finding["message"].startswith("unread could not be read: ")


def test_i4_a_folder_that_cannot_be_read_is_said(tfcert, tree):
    """I4: a folder with a dangling .tf file is reported, and the other roots are patched."""
    shutil.rmtree(tree / "unread")
    (tree / "other" / "dangling.tf").symlink_to(tree / "nowhere")
    done = tfcert("patch", "--recursive", *OFFLINE, cwd=tree)
    assert done.returncode == 3
    assert b"# other: could not be read: " in done.stdout
    assert b"a/live/billing/certificate.tf" in done.stdout


def test_check_judges_every_root(tfcert, outcome, tree):
    """`check --recursive` reports each root's finding with its file, and counts the
    skipped roots.
    """
    document, code = outcome("--recursive", *OFFLINE, cwd=tree)
    assert code == 1
    expiring = [
        finding for finding in document["findings"] if finding["rule"] == "certificate-expiring"
    ]
    assert {finding["location"]["file"] for finding in expiring} == {
        "live/orders/certificate.tf",
        "live/billing/certificate.tf",
    }
    assert [rotation["predecessor"] for rotation in document["rotations"]] == [
        CERTIFICATE,
        CERTIFICATE,
    ]
    assert (
        b"1 of the root modules speak of no stage"
        in tfcert("check", "--recursive", *OFFLINE, cwd=tree).stderr
    )


def test_out_has_a_folder_for_each_root(tfcert, tree, tmp_path):
    """`--out` gets a folder for each root."""
    out = tmp_path / "out"
    assert (
        tfcert(
            "patch", "--recursive", *OFFLINE, "--out", out, "--phase", "all", cwd=tree
        ).returncode
        == 3
    )
    names = ["1-introduce.patch", "2-repoint.patch", "3-retire.patch", "RUNBOOK.md"]
    assert sorted(texts(out)) == sorted(
        f"{root}/{name}" for root in ("live/orders", "live/billing") for name in names
    )


def test_one_root_that_cannot_be_written_leaves_the_others_to_be(tfcert, tree):
    """A root with a linked file is reported and not edited, and the other root is edited."""
    (tree / "live/billing/certificate.tf").rename(tree / "elsewhere.txt")
    (tree / "live/billing/certificate.tf").symlink_to(tree / "elsewhere.txt")
    shutil.rmtree(tree / "unread")
    done = tfcert("patch", "--recursive", *OFFLINE, "--write", cwd=tree)
    assert done.returncode == 3
    assert b"# live/billing: " in done.stdout
    assert b"symbolic link" in done.stdout
    assert b"backend_202611" not in (tree / "elsewhere.txt").read_bytes()
    assert b"backend_202611" in (tree / "live/orders/certificate.tf").read_bytes()


def test_all_is_well_in_every_root(tfcert, tree):
    """If nothing is due and all roots are read, the exit code is 0 with one line."""
    shutil.rmtree(tree / "unread")
    done = tfcert("patch", "--recursive", "--offline", "--as-of", "2026-03-01", cwd=tree)
    assert (done.returncode, done.stdout) == (
        0,
        b"# root modules: 2 read, 0 not read, 1 without anything of ours\n",
    )
    assert (
        tfcert("check", "--recursive", "--offline", "--as-of", "2026-03-01", cwd=tree).returncode
        == 0
    )


def test_a_state_file_beside_a_backend_is_not_believed(tfcert, tree):
    """A state file beside a backend configuration is not used; the tool is needed."""
    shutil.rmtree(tree / "unread")
    (tree / "live/orders/backend.tf").write_text('terraform {\n  backend "s3" {\n  }\n}\n')
    done = tfcert("check", "--recursive", "--offline", "--as-of", "2026-03-01", cwd=tree)
    assert done.returncode == 3
    assert b"live/orders could not be read: neither terraform nor tofu" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), b"not a folder"),
        (("--config", "."), b"--config"),
        (("docs",), b"no root module"),
        (("--only", "aws_api_gateway_client_certificate.none", "live"), b"--only"),
    ],
)
def test_what_cannot_be_meant_is_exit_2(tfcert, tree, arguments, said):
    """A wrong folder, --config or an unknown --only address is exit code 2."""
    (tree / "docs").mkdir()
    done = tfcert("patch", "--recursive", *OFFLINE, *arguments, cwd=tree)
    assert done.returncode == 2
    assert said in done.stderr


def test_only_finds_its_root(tfcert, tree):
    """`--only` with an address of one root is no error in the others."""
    (tree / "live/billing/certificate.tf").write_text(
        (tree / "live/billing/certificate.tf").read_text().replace("backend", "mine")
    )
    for name in ("billing.tf", "orders.tf", "terraform.tfstate"):
        file = tree / "live/billing" / name
        text = file.read_text().replace(CERTIFICATE, "aws_api_gateway_client_certificate.mine")
        file.write_text(text)
    state = json.loads((tree / "live/billing/terraform.tfstate").read_text())
    for resource in state["resources"]:
        if resource["type"] == "aws_api_gateway_client_certificate":
            resource["name"] = "mine"
    (tree / "live/billing/terraform.tfstate").write_text(json.dumps(state))
    done = tfcert(
        "patch",
        "--recursive",
        "live",
        *OFFLINE,
        "--only",
        "aws_api_gateway_client_certificate.mine",
        cwd=tree,
    )
    assert done.returncode == 0
    assert b"a/live/billing/certificate.tf" in done.stdout
    assert b"a/live/orders" not in done.stdout


def test_the_root_of_a_repository_names_the_root_modules_below(tfcert, tree):
    """A folder without configuration is exit code 2; the error names the roots below and
    --recursive.
    """
    for command in ("check", "patch"):
        done = tfcert(command, *OFFLINE, cwd=tree)
        assert done.returncode == 2
        said = done.stderr.decode()
        assert (
            "has no Terraform configuration; below it are the root modules live/billing, live/orders, other, unread"
            in said
        )
        assert "--recursive" in said


def test_a_folder_without_any_root_module_names_none(tfcert, tmp_path):
    """If there is no root module below, the error does not name --recursive."""
    done = tfcert("check", tmp_path, *OFFLINE)
    assert done.returncode == 2
    assert b"--recursive" not in done.stderr


PULLS = "#!/bin/sh\nexec cat pulled.json\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("more.tf", "locals {\n}\n"),
        (".terraform/environment", "other"),
        (".terraform/terraform.tfstate", '{"version": 3, "backend": {"type": "s3"}}'),
        ("main.tf.json", '{"terraform": [[{"cloud": {}}]]}'),
    ],
)
@pytest.mark.parametrize("offline", [("--offline",), ()])
def test_with_and_without_recursive_the_verdict_is_the_same(
    tfcert, story, tmp_path, path, text, offline
):
    """A run with and without --recursive gives the same verdict for one root, with a backend or
    workspace too.
    """
    script = tmp_path / "bin" / "terraform"
    script.parent.mkdir()
    script.write_text(PULLS)
    script.chmod(0o755)
    state = (story / "terraform.tfstate").read_text()
    (story / "pulled.json").write_text(
        state if path == "more.tf" else state.replace("2026-12-06", "2027-12-06")
    )
    (story / path).parent.mkdir(exist_ok=True)
    (story / path).write_text(text)

    def check(*options):
        given = {"PATH": f"{script.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
        return tfcert(
            "check",
            "--format",
            "json",
            *options,
            *offline,
            "--as-of",
            "2026-11-24",
            cwd=story,
            environment=given,
        )

    alone, each = check(), check("--recursive")
    if alone.returncode == 2:
        # If the folder cannot be read, it is a usage error alone, and unverified among others.
        assert each.returncode == 3
        assert "its state is in a backend" in alone.stderr.decode()
        assert "its state is in a backend" in json.loads(each.stdout)["findings"][0]["message"]
        return
    one, same = json.loads(alone.stdout), json.loads(each.stdout)
    assert alone.returncode == each.returncode
    for name in ("verdict", "rotations", "summary"):
        assert one[name] == same[name]
    assert [(found["rule"], found["message"]) for found in one["findings"]] == [
        (found["rule"], found["message"]) for found in same["findings"]
    ]


def test_a_block_that_left_the_configuration_counts_while_state_has_it(outcome, story):
    """`--recursive` checks a root whose certificate is only in its local state."""
    for name in ("billing.tf", "orders.tf", "certificate.tf"):
        (story / name).unlink()
    assert outcome("--recursive", *OFFLINE, cwd=story)[1] == 1
