"""Files that change or may not be read while tfcert opens them."""

from __future__ import annotations

import pytest

from checker.errors import UnreadableError
from checker.files import open_file


def test_a_file_that_grows_while_it_is_read_ends(tmp_path, monkeypatch):
    """A file to which somebody appends all the time is read up to its size, and not for ever."""
    (tmp_path / "growing.json").write_bytes(b"{}")
    calls = []

    def endless(_handle, size):
        calls.append(size)
        assert len(calls) < 9
        return b" " * size

    monkeypatch.setattr("checker.files.os.read", endless)
    assert len(open_file(str(tmp_path / "growing.json"))) <= 3


def test_a_file_of_another_user_is_refused(tmp_path, monkeypatch):
    """A file that this user may not read is named, with what to do."""
    (tmp_path / "secret.json").write_bytes(b"{}")

    def denied(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("checker.files.os.open", denied)
    with pytest.raises(UnreadableError, match="may not be read by this user") as caught:
        open_file(str(tmp_path / "secret.json"))
    assert caught.value.remedy == "check its permissions"
