"""`--recursive` by the command line: every root module on its own, and none passed over in silence."""

from __future__ import annotations

import json
import shutil

import pytest

OFFLINE = ("--offline", "--as-of", "2026-11-24")
CERTIFICATE = "aws_api_gateway_client_certificate.backend"


@pytest.fixture
def tree(tmp_path, story):
    """A repository with two roots like the README's, one that is another matter, and one whose state nobody can give."""
    top = tmp_path / "tree"
    for name in ("live/orders", "live/billing", "unread"):
        shutil.copytree(story, top / name)
    (top / "unread" / "terraform.tfstate").unlink()
    (top / "other").mkdir()
    (top / "other" / "main.tf").write_text('provider "aws" {\n}\n')
    (top / ".git").mkdir()
    return top


def texts(folder):
    """Every file below a folder by path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_each_root_has_its_own_patch(tfcert, tree):
    """One stdout takes them all to `git apply`, from the repository's root; two roots with the same names do not get into each other's way."""
    done = tfcert("patch", "--recursive", *OFFLINE, cwd=tree)
    assert done.returncode == 3
    for name in ("live/orders", "live/billing"):
        assert f"# root module {name}\n".encode() in done.stdout
        assert f"--- a/{name}/certificate.tf\n".encode() in done.stdout
    assert b"# root modules: 2 read, 1 not read, 1 without anything of ours\n" in done.stdout


def test_i4_a_root_that_cannot_be_read_is_said_and_the_others_are_done(tfcert, outcome, tree):
    """I4: no tool is there for the root without a state file: patch is exit 3, check has it among what is not verified."""
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
    """I4: a file that leads nowhere in one folder does not keep the others from being done."""
    shutil.rmtree(tree / "unread")
    (tree / "other" / "dangling.tf").symlink_to(tree / "nowhere")
    done = tfcert("patch", "--recursive", *OFFLINE, cwd=tree)
    assert done.returncode == 3
    assert b"# other: could not be read: " in done.stdout
    assert b"a/live/billing/certificate.tf" in done.stdout


def test_check_judges_every_root(tfcert, outcome, tree):
    """Two findings, each at its own file; two rotations, though the addresses are the same; what was passed over is counted."""
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
    """Patches and runbook of each root lie in a folder of its path below --out."""
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
    """A link among one root's files: nothing of that root is edited, it is said, and the other is."""
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
    """Nothing due, nothing unread: exit 0, and one line."""
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
    """It is what is left of the time before the backend: the tool is asked, and here there is none."""
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
    """A file or nothing where folders are wanted, a --config, an address that no root has."""
    (tree / "docs").mkdir()
    done = tfcert("patch", "--recursive", *OFFLINE, *arguments, cwd=tree)
    assert done.returncode == 2
    assert said in done.stderr


def test_only_finds_its_root(tfcert, tree):
    """An address that one root has is no error in the others."""
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
    """A folder without configuration: check and patch name the folders to pass, and the option that reads all of them."""
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
    """Then there is nothing that --recursive could read."""
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
    """The same findings for one root module. Where a backend or a workspace is chosen, the file beside it is stale for both."""
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
        # The one folder cannot be read: a usage error alone, and one that is not verified among others.
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
    """The text speaks of nothing of ours, and the local state does: --recursive judges it as check does."""
    for name in ("billing.tf", "orders.tf", "certificate.tf"):
        (story / name).unlink()
    assert outcome("--recursive", *OFFLINE, cwd=story)[1] == 1
