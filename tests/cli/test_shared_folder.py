"""Another package with a top-level folder `checker` in the same environment."""

from __future__ import annotations

import pytest

from checker import cli
from checker.cli import _refuse_shared_folder
from checker.errors import UsageError


@pytest.mark.parametrize(
    ("name", "record", "refused"),
    [
        ("other-1.0.dist-info", "other/a.py,,\nchecker/a.py,,\n", True),
        ("other-1.0.dist-info", "checker.py,,\n", True),
        ("other-1.0.dist-info", "my/checker/a.py,,\n", False),
        ("other-1.0.dist-info", None, False),
        ("tfcert-0.1.0.dist-info", "checker/a.py,,\n", False),
        ("other-1.0.egg-info", "checker/a.py,,\n", False),
    ],
)
def test_a_package_with_the_same_folder_is_named(tmp_path, monkeypatch, name, record, refused):
    """A package whose files are in the folder of tfcert is an error; any other one is not."""
    (tmp_path / "checker/cli").mkdir(parents=True)
    (tmp_path / name).mkdir()
    if record is not None:
        (tmp_path / name / "RECORD").write_text(record)
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "checker/cli/__init__.py"))
    if refused:
        with pytest.raises(UsageError, match=r"other-1\.0 has files of this name too.*of its own"):
            _refuse_shared_folder()
    else:
        _refuse_shared_folder()
