"""The edits of a phase are proven together, and one bad rotation does not affect the others."""

# ruff: noqa: SLF001 -- the tests take a draft apart, to put wrong edits into it
from __future__ import annotations

from dataclasses import replace

import pytest
from world import CERTIFICATE, STAGE, world

from checker.errors import UnprovenError
from checker.hcl.splice import Edit
from checker.hcl.syntax import SourceFile, Span
from checker.model.rotation import SERIES, Blocked, Next, Phase
from checker.patches import series
from checker.patches.draft import Draft, Edits

C = CERTIFICATE


def rotation_text(number: int) -> str:
    return (
        f"# about c{number}\n"
        f'resource "{C}" "c{number}" {{\n  description = "c{number}"\n  tags        = {{ a = 1 }}\n}}\n\n'
        f'resource "{STAGE}" "s{number}" {{\n'
        f"  client_certificate_id = {C}.c{number}.id # id\n  stage_name            = <<-EOT\n    x{number}\n  EOT\n}}\n"
    )


def fleet(folder, count, extra=None):
    """Return a world with this many certificates, each with a stage, in one file."""
    texts = {number: rotation_text(number) for number in range(count)} | (extra or {})
    return world(
        folder,
        {"main.tf": "\n".join(texts[number] for number in sorted(texts))},
        certificates={f"{C}.c{number}": f"old{number:03}" for number in range(count)},
        stages={f"{STAGE}.s{number}": f"old{number:03}" for number in range(count)},
    )


@pytest.fixture
def drafts(monkeypatch):
    """Return the drafts of all phases, as they are when they are proven."""
    seen = []
    draft = series._draft

    def spy(*arguments):
        seen.append(draft(*arguments))
        return seen[-1]

    monkeypatch.setattr(series, "_draft", spy)
    return seen


def refuses(draft: Draft, path: str = "main.tf") -> bool:
    try:
        draft.prove(path)
    except UnprovenError:
        return True
    return False


def with_after(draft: Draft, data: bytes) -> Draft:
    """Return the same draft with another text after its edits."""
    other = Draft(draft.before)
    other._batches = draft._batches
    other.configuration = draft.configuration.with_text({"main.tf": data})
    return other


def with_edit(draft: Draft, edit: Edit, instead: Edit | None = None) -> Draft:
    """Return the same draft with one more edit, or with one edit replaced."""
    (batch,) = draft._batches
    other = Draft(draft.before)
    edits = [each for each in batch.edits["main.tf"] if each is not instead]
    other.add(
        Edits(
            edits=(*edits, edit),
            intents=tuple(("main.tf", each) for each in batch.intents["main.tf"]),
        ),
        (),
    )
    other.apply()
    return other


def refuses_edit(draft: Draft, edit: Edit, instead: Edit | None = None) -> bool:
    """Return whether a draft with this edit is refused, by the draft itself or by its proof."""
    try:
        return refuses(with_edit(draft, edit, instead))
    except UnprovenError:
        return True


@pytest.mark.parametrize("phase", SERIES)
@pytest.mark.parametrize("count", [1, 40])
def test_a_byte_that_changes_is_refused_at_every_position(count, phase, drafts, tmp_path):
    """A text that differs from the edited text in any one byte is refused."""
    fleet(tmp_path, count).ask(every=True)
    draft = next(each.draft for each in drafts if each.phase is phase)
    assert not refuses(draft)
    data = draft.configuration.files["main.tf"].data
    for at in range(0, len(data), 1 if count == 1 else 41):
        for wrong in (
            data[:at] + b"~" + data[at + 1 :],
            data[:at] + data[at + 1 :],
            data[:at] + b" " + data[at:],
        ):
            if wrong != data:
                assert refuses(with_after(draft, wrong)), at


@pytest.mark.parametrize("phase", SERIES)
@pytest.mark.parametrize("count", [1, 40])
def test_an_edit_that_nobody_intended_is_refused_at_every_block(count, phase, drafts, tmp_path):
    """An edit without an intent is refused in every block: added or dropped blocks, changed
    comments, reordered attributes.
    """
    fleet(tmp_path, count).ask(every=True)
    draft = next(each.draft for each in drafts if each.phase is phase)
    file = draft.before.files["main.tf"]
    taken = [edit.span for batch in draft._batches for edit in batch.edits["main.tf"]]
    for number in range(0, count, 1 if count == 1 else 13):
        for edit in unintended(file, number):
            if not any(each.start < edit.span.end and edit.span.start < each.end for each in taken):
                assert refuses_edit(draft, edit), edit


def unintended(file: SourceFile, number: int) -> list[Edit]:
    data = file.data

    def at(text: str) -> Span:
        start = data.index(text.encode())
        return Span(start, start + len(text.encode()))

    (stage,) = file.blocks("resource", STAGE, f"s{number}")
    (certificate,) = file.blocks("resource", C, f"c{number}")
    first, second = certificate.body.attributes
    both = Span(first.span.start, second.span.end)
    swapped = second.span.of(data) + b"\n  " + first.span.of(data)
    return [
        Edit(path=file.path, span=span, text=text)
        for span, text in (
            (Span(stage.span.start, stage.span.end + 1), b""),
            (Span(stage.span.end + 1, stage.span.end + 1), b"locals {\n}\n"),
            (Span(stage.span.end + 1, stage.span.end + 1), b"# a comment\n"),
            (at(f"    x{number}\n"), b"    y\n"),
            (at(f"    x{number}\n"), b""),
            (at(f"# about c{number}\n"), b""),
            (at(f"# about c{number}\n"), b"# About\n"),
            (both, swapped),
            (first.value, b'"other"'),
        )
    ]


@pytest.mark.parametrize("phase", SERIES)
def test_an_edit_that_goes_too_far_is_refused(phase, drafts, tmp_path):
    """An edit that differs from its intent is refused: a longer removal, a lost comment, another
    name.
    """
    fleet(tmp_path, 2).ask(every=True)
    draft = next(each.draft for each in drafts if each.phase is phase)
    (batch,) = draft._batches
    for edit in batch.edits["main.tf"]:
        if edit.text:
            wrongs = [
                replace(edit, text=edit.text.replace(b"c1", b"c2").replace(b"c0", b"c1")),
                replace(edit, text=edit.text.replace(b"# about", b"# About")),
                replace(edit, text=edit.text.replace(b"description", b"descriptor")),
                replace(edit, text=edit.text + edit.text),
            ]
        else:
            wrongs = [
                replace(edit, span=Span(edit.span.start, edit.span.end + 30)),
                replace(edit, span=Span(edit.span.start, edit.span.end - 3)),
            ]
        for wrong in wrongs:
            if wrong != edit:
                assert refuses_edit(draft, wrong, instead=edit), wrong


@pytest.mark.parametrize("phase", SERIES)
@pytest.mark.parametrize("number", [0, 17, 39])
def test_one_bad_rotation_among_forty_leaves_the_others_as_they_are(
    number, phase, monkeypatch, tmp_path
):
    """One bad rotation of forty is blocked, and the patches of the others are the same bytes."""
    wanted = {f"{C}.c{each}" for each in range(40) if each != number}
    _, without = fleet(tmp_path / "a", 40).ask(every=True, only=frozenset(wanted))
    spoil(monkeypatch, phase, f"c{number}")
    proofs = count_proofs(monkeypatch)
    _, patches = fleet(tmp_path / "b", 40).ask(every=True)
    blocked = [each for each in patches.rotations if isinstance(each.step, Blocked)]
    assert [each.label for each in blocked] == [f"{C}.c{number}"]
    assert "could not be proven" in blocked[0].step.reason
    assert [each.diff("") for each in patches.patches] == [
        each.diff("") for each in without.patches
    ]
    assert {
        each.label for each in patches.rotations if each.step == Next(Phase.INTRODUCE)
    } == wanted
    # Each proof reads the whole file. Without a bad rotation four are needed.
    assert len(proofs) <= 12


def spoil(monkeypatch, phase: Phase, name: str) -> None:
    """Make one rotation also change a heredoc, without an intent for it."""
    writer = series._WRITERS if phase is not Phase.RETIRE else None
    original = series.retire if writer is None else writer[phase]

    def spoilt(draft, step):
        edits = original(draft, step)
        if step.predecessor.name != name:
            return edits
        file = draft.configuration.files["main.tf"]
        start = file.data.index(f"    x{name[1:]}\n".encode())
        wrong = Edit(path="main.tf", span=Span(start, start + 4), text=b"    z")
        return replace(edits, edits=(*edits.edits, wrong))

    if writer is None:
        monkeypatch.setattr(series, "retire", spoilt)
    else:
        monkeypatch.setitem(writer, phase, spoilt)


def count_proofs(monkeypatch) -> list[int]:
    """Return a list that collects the sizes of large texts that python-hcl2 parses from now on."""
    from checker.hcl import readings

    sizes = []
    loads = readings._loads

    def counting(text):
        if text.count(b"resource") > 40:
            sizes.append(len(text))
        return loads(text)

    readings._BY_HCL2 = readings.TextCache(readings._MOST)
    monkeypatch.setattr(readings, "_loads", counting)
    return sizes


def test_a_phase_reads_each_file_once(monkeypatch, tmp_path):
    """Forty rotations in three phases give four texts, each parsed once by python-hcl2."""
    proofs = count_proofs(monkeypatch)
    _, patches = fleet(tmp_path, 40).ask(every=True)
    assert len(patches.patches) == 3
    assert len(proofs) == 4
