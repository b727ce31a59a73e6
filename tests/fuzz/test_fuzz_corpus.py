"""Tests of what `make fuzz` runs, without atheris: the corpora, and that they would show a bug."""

from __future__ import annotations

import random
import re

import pytest
from fuzz_damage import damage_bytes, damage_values
from fuzz_run import NAMES
from fuzz_targets import TARGETS, FindingError, Target

import checker.patches.draft
import checker.patches.patch
from checker.cli import output
from checker.cli.commands import policy_show
from checker.errors import TfcertError
from checker.policyfile import toml_file

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def inputs(target: Target) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(target.corpus.iterdir())}


@each_target
def test_no_input_of_the_corpus_is_a_finding(target):
    """Each input is read, or refused with one error that names a place."""
    for data in inputs(target).values():
        target.check(data)


@each_target
def test_no_damaged_input_is_a_finding(target):
    """Forty inputs of each corpus, damaged at random by a fixed seed, are read or refused."""
    chance, texts = random.Random(7), [*inputs(target).values()]
    for _ in range(40):
        text = chance.choice(texts)
        damage = damage_values if text[:1] == b"{" and chance.random() < 0.6 else damage_bytes
        try:
            data = damage(chance, text)
        except ValueError:
            data = damage_bytes(chance, text)
        target.check(data)


def test_the_corpora_are_small_and_each_target_has_a_dictionary():
    """All corpora together have less than 300 KB, and no input is longer than its target takes."""
    assert tuple(target.name for target in TARGETS) == NAMES
    sizes = {target.name: [*map(len, inputs(target).values())] for target in TARGETS}
    assert sum(map(sum, sizes.values())) < 300_000
    for target in TARGETS:
        assert max(sizes[target.name]) <= target.longest
        assert len(sizes[target.name]) >= 8
        lines = target.dictionary.read_text(encoding="ascii").splitlines()
        assert all(re.fullmatch(r'"(?:[^"\\]|\\x[0-9a-f]{2})+"|#.*', line) for line in lines)


def raising(error):
    def broken(*arguments, **more):
        raise error

    return broken


@pytest.mark.parametrize(
    ("name", "place", "error"),
    [
        ("documents", "checker.terraform.plan.read_plan", KeyError),
        ("documents", "checker.terraform.records.raw_records", IndexError),
        ("documents", "checker.terraform.load.shown_records", KeyError),
        ("documents", "checker.terraform.decode._inflated", IndexError),
        ("documents", "checker.terraform.other_documents.document_kind", KeyError),
        ("edits", "checker.patches.draft.prove_bytes", IndexError),
        ("edits", "checker.hcl.splice._in_order", KeyError),
        ("edits", "checker.patches.patch.diff_lines", IndexError),
        ("policies", "checker.policyfile.toml_file.lines", KeyError),
        ("policies", "checker.policyfile.resolve.read_scope", IndexError),
        ("policies", "checker.policyfile.resolve.read_pack", KeyError),
        ("bot", "checker.forges.comment._is_sound", IndexError),
        ("bot", "checker.forges.proposals.marker.Phase", IndexError),
        ("bot", "checker.reports.markdown.sections._step", IndexError),
        ("bot", "checker.cli.post_comment.without_html", KeyError),
    ],
)
def test_a_corpus_reaches_a_planted_bug(name, place, error, monkeypatch):
    """With a function that raises KeyError or IndexError, the target's corpus has a finding.

    The readers of markers answer KeyError themselves, so theirs is IndexError.
    """
    monkeypatch.setattr(place, raising(error("planted")))
    assert findings(name, LookupError), "no input of the corpus calls it"


def findings(name, kind):
    (target,) = (each for each in TARGETS if each.name == name)
    found = []
    for data in inputs(target).values():
        try:
            target.check(data)
        except kind as wrong:
            found.append(str(wrong))
    return found


def test_a_patch_that_is_not_the_proven_text_is_a_finding(monkeypatch):
    """A diff with another line than the proven text, which git applies, is a finding."""
    own = checker.patches.patch.unified_diff
    monkeypatch.setattr(
        checker.patches.patch,
        "unified_diff",
        lambda path, before, after: own(path, before, after.replace(b"orders_2026", b"orders_x")),
    )
    assert "introduce: git apply does not give the proven text" in findings("edits", FindingError)


def test_a_proof_that_passes_everything_is_a_finding(monkeypatch):
    """Without the proof, an edit that also removes a block is a finding: blocks are compared."""
    own = checker.patches.draft.splice
    monkeypatch.setattr(checker.patches.draft, "prove_bytes", lambda *_: None)
    monkeypatch.setattr(checker.patches.draft, "prove", lambda *_: None)
    monkeypatch.setattr(
        checker.patches.draft,
        "splice",
        lambda texts, edits: {
            path: text.replace(b'resource "aws_api_gateway_stage" "prod"', b"locals")
            for path, text in own(texts, edits).items()
        },
    )
    assert any("blocks differ" in found for found in findings("edits", FindingError))


def test_a_comment_without_its_marker_is_a_finding(monkeypatch):
    """A comment whose marker is not in the first line is a finding."""
    own = output.write
    monkeypatch.setattr(output, "write", lambda data: own(b"\n" + data))
    assert "github: the comment has not the marker of this run" in findings("bot", FindingError)


def test_an_error_without_a_place_is_a_finding(monkeypatch):
    """A refusal that names no place, or has control characters, is a finding."""
    for error in (TfcertError("no"), TfcertError("\x1b[2J", where="tfcert.toml")):
        monkeypatch.setattr(toml_file, "validate", raising(error))
        assert len(findings("policies", FindingError)) >= 8


def test_a_shown_policy_that_cannot_be_read_is_a_finding(monkeypatch):
    """A `policy show` that prints no TOML, or a value other than it reads, is a finding."""
    own = policy_show.value_text
    monkeypatch.setattr(policy_show, "value_text", lambda _: "many")
    found = findings("policies", FindingError)
    assert len(found) >= 8
    assert all("`policy show` prints is refused" in each for each in found)
    monkeypatch.setattr(policy_show, "value_text", _one_more(own))
    assert "what `policy show` prints is another policy" in findings("policies", FindingError)


def _one_more(own):
    return lambda value: str(value + 1) if type(value) is int else own(value)
