"""What a folder has beside its own configuration: backends in JSON, roots below, other workspaces."""

from __future__ import annotations

import json

import pytest
from terraform_json import CERTIFICATE, raw_state

from checker.errors import UnreadableError
from checker.model.inventory import Document, Source
from checker.terraform.directories import backend_blocks
from checker.terraform.load import other_workspaces

BACKEND = {"backend": {"s3": {"bucket": "b"}}}


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", ()),
        ('{"resource": {}}', ()),
        (json.dumps({"terraform": BACKEND}), ('{"s3": {"bucket": "b"}}',)),
        (json.dumps({"terraform": [BACKEND, {"required_version": "1"}]}), ('{"s3": {"bucket": "b"}}',)),
        ('{"terraform": {"backend":', ('{"terraform": {"backend":',)),
    ],
)  # fmt: skip
def test_a_backend_in_json_tells_folders_apart(tmp_path, text, blocks):
    """A file that cannot be read counts whole, because it may have the backend."""
    (tmp_path / "main.tf.json").write_text(text)
    assert backend_blocks(str(tmp_path)) == blocks


def test_a_folder_without_configuration_names_the_one_root_below(tmp_path, read_file):
    """It is named as the folder to pass, not as one of several."""
    root = tmp_path / "live"
    root.mkdir()
    (root / "main.tf").write_text(f'provider "aws" {{\n}}\nresource "{CERTIFICATE}" "c" {{\n}}\n')
    with pytest.raises(UnreadableError, match="below it is the root module") as error:
        read_file(tmp_path)
    assert error.value.message.endswith("live")
    assert error.value.remedy.startswith("pass it, or pass --recursive")


def test_what_is_beyond_the_most_workspaces_is_told_and_not_taken_as_clean(tmp_path):
    """Fifty states of other workspaces are read; the rest is one entry that was not read."""
    for number in range(52):
        folder = tmp_path / f"terraform.tfstate.d/w{number:02}"
        folder.mkdir(parents=True)
        (folder / "terraform.tfstate").write_text(json.dumps(raw_state()))
    here = Document(source=Source(path="terraform.tfstate", kind="state"))
    found = other_workspaces(here, "terraform.tfstate", str(tmp_path))
    assert [each.name for each in found if each.unread] == ["2 more"]
    assert found[-1].unread == "only the first 50 states are read"
    assert len(found) == 51
