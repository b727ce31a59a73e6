"""The grammar of python-hcl2 ships with tfcert; a changed, outdated or unsafe one is not loaded."""

# ruff: noqa: SLF001 -- the shipped grammar is taken apart, to put wrong ones in its place
from __future__ import annotations

import sys

import hcl2
import pytest

from checker.hcl import grammar

TEXT = 'resource "a" "b" {\n  x = [1, { a = "${c.d}" }]\n  y = <<EOT\n  text\nEOT\n}\n'


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the two files of a newly built grammar."""
    folder = tmp_path_factory.mktemp("built")
    grammar.write_grammar(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def shipped(written, tmp_path, monkeypatch):
    """Return a package folder with these files, from which the grammar is loaded."""
    folder = tmp_path / "built_here"
    folder.mkdir()
    for name, data in written.items():
        (folder / name).write_bytes(data)
    import checker.hcl

    monkeypatch.setattr(checker.hcl, "__path__", [*checker.hcl.__path__, str(tmp_path)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("checker.hcl.built_here")]:
        del sys.modules[name]


def test_the_shipped_grammar_reads_as_the_built_one(shipped):
    """The shipped grammar gives the same tree as a newly built one."""
    found = grammar._shipped(shipped)
    assert found is not None
    assert hcl2.serialize(hcl2.transform(found.parse(TEXT))) == hcl2.loads(TEXT)


def test_a_forged_grammar_is_not_read(shipped, monkeypatch):
    """A grammar file with one changed byte is rejected by its hash before it is decoded."""
    path = shipped / "python_hcl2.grammar"
    data = path.read_bytes()
    monkeypatch.setattr(grammar.marshal, "loads", lambda _: pytest.fail("decoded a forged file"))
    for at in (0, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert grammar._shipped(shipped) is None


@pytest.mark.parametrize("package", ["python-hcl2", "lark"])
def test_an_outdated_grammar_is_not_read(package, shipped, monkeypatch):
    """A grammar for another version of python-hcl2 or lark is not loaded."""
    real = grammar.version
    monkeypatch.setattr(grammar, "version", lambda name: "0" if name == package else real(name))
    assert grammar._shipped(shipped) is None


def test_the_grammar_of_another_python_is_not_read(shipped, monkeypatch):
    """A grammar for another minor version of Python is not loaded."""
    monkeypatch.setattr(grammar.sys, "version_info", (3, 99, 0))
    assert grammar._shipped(shipped) is None


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_grammar_that_others_can_write_is_not_read(mode, shipped):
    """A grammar file that other users can write is not loaded."""
    (shipped / "python_hcl2.grammar").chmod(mode)
    assert grammar._shipped(shipped) is None


@pytest.mark.parametrize("name", ["python_hcl2.grammar", "digest.py"])
def test_without_a_shipped_grammar_it_is_built(name, shipped, monkeypatch):
    """Without a shipped grammar and without a cache, the grammar is built in memory."""
    (shipped / name).unlink()
    monkeypatch.setattr(grammar, "_BUILT", shipped)
    monkeypatch.setattr(grammar, "_private", [])
    assert grammar.parser.__wrapped__().parse(TEXT).data == "start"
