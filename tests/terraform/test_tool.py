"""Choosing the terraform or tofu program."""

from __future__ import annotations

import pytest

from checker.errors import UsageError
from checker.terraform.tool import find_tool


@pytest.fixture
def place(tmp_path):
    """Return a function that creates programs in a folder, and an environment with that PATH."""

    def placing(*names):
        for name in names:
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)
        return {"PATH": str(tmp_path), "AWS_SECRET_ACCESS_KEY": "hunter2"}

    return placing


@pytest.mark.parametrize(
    ("there", "name", "chosen", "found"),
    [
        (["terraform", "tofu"], None, None, "terraform"),
        (["tofu"], None, None, "tofu"),
        (["terraform", "tofu"], None, "tofu", "tofu"),
        (["terraform", "tofu"], "terraform", "tofu", "terraform"),
        (["terraform", "tofu"], "tofu", None, "tofu"),
        (["terraform", "tofu-1.9"], None, "tofu-1.9", "tofu-1.9"),
        (["terraform", "tofu"], None, "", "terraform"),
    ],
)
def test_the_option_then_the_environment_then_path(place, there, name, chosen, found):
    """The option takes precedence over TFCERT_TOOL and PATH; on PATH, terraform precedes tofu."""
    environment = place(*there) | ({} if chosen is None else {"TFCERT_TOOL": chosen})
    assert find_tool(name, environment).name == found


def test_no_tool_at_all(place):
    """A missing tool is no error until it is needed."""
    assert find_tool(None, place()) is None


@pytest.mark.parametrize(
    ("name", "chosen", "where"), [("tofu", None, "--tool"), (None, "/no/such/tofu", "TFCERT_TOOL")]
)
def test_a_tool_that_was_asked_for_must_be_there(place, name, chosen, where):
    """A requested tool that does not exist is an error, without a fallback."""
    with pytest.raises(UsageError, match="is not a program") as error:
        find_tool(name, place("terraform") | ({"TFCERT_TOOL": chosen} if chosen else {}))
    assert error.value.where == where


def test_a_path_is_made_absolute_and_no_secret_is_shown(place, tmp_path, monkeypatch):
    """The tool's path is made absolute, and its repr does not show the environment."""
    environment = place("terraform")
    monkeypatch.chdir(tmp_path)
    tool = find_tool("./terraform", environment)
    assert tool.path == str(tmp_path / "terraform")
    assert "hunter2" not in repr(tool)
