"""Detecting a local state without a backend, and the selected workspace of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from terraform_json import CERTIFICATE, raw, raw_state

from checker.errors import UnreadableError
from checker.terraform.directories import backend_of, pull_state
from checker.terraform.tool import Tool
from checker.terraform.workspaces import in_default_workspace, workspace_of

STATE = json.dumps(raw_state(raw(CERTIFICATE, "c", {"attributes": {"id": "c1"}})))


def backend_in(folder):
    return backend_of(str(folder), [entry.name for entry in folder.iterdir()])


@pytest.mark.parametrize(
    ("name", "text", "remote"),
    [
        ("main.tf", 'terraform {\n  backend "s3" {}\n}\n', True),
        ("main.tf", "terraform {\n  cloud {}\n}\n", True),
        ("main.tofu", "terraform {\n  encryption {}\n}\n", True),
        ("main.tf", 'terraform {\n  required_version = "1"\n}\n# backend\n', False),
        ("main.tf", 'resource "x" "backend" {\n  backend {}\n}\n', False),
        ("main.tf", 'terraform { backend "s3" {', True),
        ("main.tf.json", '{"terraform": {"backend": {"s3": {}}}}', True),
        ("main.tf.json", '{"terraform": [{"required_version": "1"}, [{"cloud": {}}]]}', True),
        ("main.tofu.json", '[{"terraform": {"encryption": {}}}]', True),
        ("main.tf.json", '{"terraform": {"required_version": "1"}, "backend": {}}', False),
        ("main.tf.json", "", False),
        ("main.tf.json", "{", True),
        (".hidden.tf", 'terraform {\n  backend "s3" {}\n}\n', False),
        ("main.txt", 'terraform {\n  backend "s3" {}\n}\n', False),
    ],
)
def test_the_file_that_names_a_backend(tmp_path, name, text, remote):
    """A backend block in any configuration file is found; an unparsable file may have one."""
    (tmp_path / name).write_text(text)
    assert backend_in(tmp_path) == (name if remote else None)


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ('{"backend": {"type": "s3"}}', True),
        ('{"backend": {}}', False),
        ('{"version": 3}', False),
        ("[]", True),
        ("{", True),
    ],
)
def test_a_backend_that_init_recorded(tmp_path, text, remote):
    """A backend recorded in `.terraform` is found; an unreadable record may have one."""
    (tmp_path / ".terraform").mkdir()
    (tmp_path / ".terraform/terraform.tfstate").write_text(text)
    assert backend_in(tmp_path) == (".terraform/terraform.tfstate" if remote else None)


def test_a_configuration_that_cannot_be_opened_may_name_a_backend(tmp_path):
    """A configuration file that cannot be opened may have a backend."""
    (tmp_path / "main.tf").mkdir()
    assert backend_in(tmp_path) == "main.tf"


def test_a_record_of_init_that_cannot_be_opened_may_name_a_backend(tmp_path):
    """A record of `init` that cannot be opened may have a backend; a missing one has none."""
    (tmp_path / ".terraform/terraform.tfstate").mkdir(parents=True)
    assert backend_in(tmp_path) == ".terraform/terraform.tfstate"


def tool_without_program(**environment):
    return Tool(path="/nowhere/terraform", name="terraform", environment=environment)


def test_offline_reads_the_local_state_without_a_tool(tmp_path):
    """Offline, the local state is read without starting the tool."""
    (tmp_path / "main.tf").write_text("")
    (tmp_path / "terraform.tfstate").write_text(STATE)
    found = pull_state(str(tmp_path), tool_without_program(), offline=True)
    assert bytes(found).decode() == STATE


def test_offline_refuses_a_state_in_a_backend(tmp_path):
    """Offline, a state in a backend is refused with the name of the file that configures it."""
    (tmp_path / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    (tmp_path / "terraform.tfstate").write_text(STATE)
    with pytest.raises(UnreadableError, match=r"in a backend or encrypted \(main\.tf\)") as error:
        pull_state(str(tmp_path), tool_without_program(), offline=True)
    assert error.value.where == str(tmp_path)


def test_offline_does_not_take_the_file_of_another_workspace(tmp_path):
    """Offline, a local state of another workspace is not used."""
    (tmp_path / "main.tf").write_text("")
    (tmp_path / "terraform.tfstate").write_text(STATE)
    with pytest.raises(UnreadableError, match="could not be started"):
        pull_state(str(tmp_path), tool_without_program(TF_WORKSPACE="test"), offline=True)


@pytest.mark.parametrize(
    ("environment", "selected", "default"),
    [
        ({}, None, True),
        ({}, ".terraform", False),
        ({"TF_WORKSPACE": "default"}, ".terraform", True),
        ({"TF_WORKSPACE": "test"}, None, False),
        ({"TF_DATA_DIR": "data"}, "data", False),
        ({"TF_DATA_DIR": "data"}, ".terraform", False),
        ({"TF_DATA_DIR": "data"}, None, True),
    ],
)
def test_another_workspace_may_be_selected(tmp_path, environment, selected, default):
    """A selected workspace in the data directory, or in TF_WORKSPACE, means not the default one."""
    if selected is not None:
        (tmp_path / selected).mkdir()
        (tmp_path / selected / "environment").write_text("default")
    assert in_default_workspace(str(tmp_path), environment) is default


def workspace(tmp_path, kind, source="terraform.tfstate", **environment):
    return workspace_of(kind, str(tmp_path / source), str(tmp_path), environment)


def select(tmp_path, name, data=".terraform"):
    (tmp_path / data).mkdir(exist_ok=True)
    (tmp_path / data / "environment").write_bytes(name)


def test_the_workspace_of_a_folder(tmp_path):
    """The workspace of a folder is TF_WORKSPACE, else the selected one, else the default."""
    assert workspace(tmp_path, "directory") == "default"
    (tmp_path / ".terraform").mkdir()
    assert workspace(tmp_path, "directory") == "default"
    select(tmp_path, b"test\n")
    assert workspace(tmp_path, "directory") == "test"
    assert workspace(tmp_path, "directory", TF_WORKSPACE="prod") == "prod"
    select(tmp_path, b"data", "elsewhere")
    assert workspace(tmp_path, "directory", TF_DATA_DIR="elsewhere") == "data"


def test_the_workspace_of_a_plan(tmp_path):
    """The workspace of a plan is the selected one; without a data directory it is unknown."""
    assert workspace(tmp_path, "plan") is None
    select(tmp_path, b"test")
    assert workspace(tmp_path, "plan") == "test"


@pytest.mark.parametrize("name", [b"", b" \n", b"a\x00b", b"x" * 257])
def test_a_selection_that_is_no_name(tmp_path, name):
    """An invalid workspace name in the selection is ignored; 256 characters are allowed."""
    select(tmp_path, name)
    assert workspace(tmp_path, "plan") is None
    select(tmp_path, b"x" * 256)
    assert workspace(tmp_path, "plan") == "x" * 256


def test_a_selection_that_cannot_be_read(tmp_path):
    """An unreadable selection gives no workspace."""
    Path(tmp_path, ".terraform/environment").mkdir(parents=True)
    assert workspace(tmp_path, "plan") is None


def test_the_workspace_of_a_state_file(tmp_path):
    """The workspace of a state file comes from its path; a conflicting selection makes it
    unknown.
    """
    assert workspace(tmp_path, "state") == "default"
    assert workspace(tmp_path, "state", "terraform.tfstate.d/test/terraform.tfstate") == "test"
    assert workspace(tmp_path, "state", "old.json") is None
    select(tmp_path, b"prod")
    assert workspace(tmp_path, "state") is None
    assert workspace(tmp_path, "state", "terraform.tfstate.d/test/terraform.tfstate") == "test"
    assert workspace(tmp_path, "state", "old.json") == "prod"
    select(tmp_path, b"default")
    assert workspace(tmp_path, "state") == "default"
