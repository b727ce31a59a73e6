"""The files that `tfcert init` makes: whole or not at all, and never in the place of another."""

from __future__ import annotations

import os

import pytest

from checker.cli.first_steps.first_files import create
from checker.errors import UsageError


def test_a_new_file_is_made_with_its_folders(tmp_path):
    """A file is made once; a name that is taken, also by a broken link, is left alone."""
    target = tmp_path / "a/b/new.toml"
    assert create(target, b"text", within=tmp_path)
    assert not create(target, b"other", within=tmp_path)
    assert target.read_bytes() == b"text"
    (tmp_path / "link").symlink_to("nowhere")
    assert not create(tmp_path / "link", b"text", within=tmp_path)


@pytest.mark.parametrize("appears", [True, False])
def test_a_name_that_is_taken_in_between_is_left_alone(tmp_path, monkeypatch, appears):
    """A file that appears after the check stays; a name that vanishes again is an error."""
    target = tmp_path / "new.toml"

    def taken(path, *_more):
        if appears:
            target.write_bytes(b"of somebody else")
        raise FileExistsError(17, "File exists", path)

    monkeypatch.setattr("checker.cli.first_steps.first_files.os.open", taken)
    if appears:
        assert not create(target, b"text", within=tmp_path)
        assert target.read_bytes() == b"of somebody else"
    else:
        with pytest.raises(UsageError, match="nothing was changed"):
            create(target, b"text", within=tmp_path)


@pytest.mark.parametrize(("error", "shown"), [(OSError(28, "No space"), UsageError),
                                              (KeyboardInterrupt(), KeyboardInterrupt)])  # fmt: skip
def test_no_part_of_a_file_is_left(tmp_path, monkeypatch, error, shown):
    """A full disk and an interrupt leave no part of the file."""
    real = os.fdopen

    class Full:
        def __init__(self, handle):
            self.stream = real(handle, "wb")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def write(self, text):
            self.stream.write(text[:1])
            raise error

    monkeypatch.setattr(
        "checker.cli.first_steps.first_files.os.fdopen", lambda handle, _mode: Full(handle)
    )
    with pytest.raises(shown):
        create(tmp_path / "new.toml", b"text", within=tmp_path)
    assert list(tmp_path.iterdir()) == []
