"""Fuzz each target for a minute, by one seed, so that a run in CI can be repeated."""

from __future__ import annotations

import importlib.util
import os

import pytest
from fuzz_run import NAMES, fuzz

SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris has no wheel for this system or this Python",
)


@needs_atheris
@pytest.mark.parametrize("name", NAMES)
def test_a_minute_of_changed_inputs_has_no_finding(name, tmp_path, capfd):
    """Inputs that reach new code are changed further; each is read, or refused with an error."""
    assert fuzz(name, SECONDS, tmp_path, seed=1), capfd.readouterr().out


@needs_atheris
def test_a_finding_is_printed_and_kept(tmp_path, capfd):
    """An input that is a finding fails the run, and its file is named."""
    assert not fuzz("planted", SECONDS, tmp_path, seed=1)
    printed = capfd.readouterr().out
    (kept,) = tmp_path.glob("planted-crash-*")
    assert f"planted: a finding, in {kept}\n" in printed
    assert "KeyError: 'planted'" in printed
