"""Rotations that a person begins manually, with a second certificate and no `succeeds` comment."""

from __future__ import annotations

import pytest
from world import CERTIFICATE, STAGE, World, days, tree, world

from checker.model.rotation import SERIES, Blocked, Next, Phase, Waiting

OLD = f"{CERTIFICATE}.edge"
TRUST = f"""
resource "terraform_data" "backend_trust" {{
  input = {OLD}.pem_encoded_certificate
}}
"""


def text(
    name: str,
    shown: str,
    description: str = "shown to the backend expires 15/05/2025",
    lineage: str = "",
) -> str:
    return f"""\
resource "{CERTIFICATE}" "edge" {{
  description = "shown to the backend"
}}

{lineage}resource "{CERTIFICATE}" "{name}" {{
  description = "{description}"
}}

resource "{STAGE}" "main" {{
  client_certificate_id = {CERTIFICATE}.{shown}.id
}}
{TRUST.replace("edge.pem", f"{shown}.pem")}"""


def begun(
    folder, name: str, shown: str, *, applied: bool = False, end: float = 360, **more: str
) -> World:
    """Return a world with a second certificate block; by default the stage presents the
    first one.
    """
    return world(
        folder,
        {"main.tf": text(name, shown, **more)},
        certificates={OLD: "old000", **({f"{CERTIFICATE}.{name}": "new000"} if applied else {})},
        stages={f"{STAGE}.main": "old000"},
        ends={"old000": days(9), "new000": days(end)},
    )


@pytest.mark.parametrize(
    "name",
    ["edge_two", "edge_new", "edge_2026", "edge_v2", "edge_next", "edge_b", "edge2", "other"],
)
def test_a_one_step_change_is_taken_apart_into_the_three_phases(name, tmp_path):
    """A change that adds a certificate and moves the stage in one step becomes the three phases.

    The stage and the PEM go back to the predecessor, and no third certificate is introduced.
    """
    home = begun(tmp_path, name, name)
    outcome, patches = home.ask()
    (rotation,) = patches.rotations
    assert (rotation.step, str(rotation.successor)) == (
        Next(Phase.INTRODUCE),
        f"{CERTIFICATE}.{name}",
    )
    assert rotation.taken_up is not None
    assert "a guess" in rotation.taken_up.guess
    assert "main.tf:5" in rotation.taken_up.guess
    home.write(patches)
    lineage = f"# tfcert: succeeds {OLD}\n"
    assert (tmp_path / "main.tf").read_text() == text(name, "edge", lineage=lineage)
    _, again = home.ask()
    assert isinstance(again.rotations[0].step, Waiting)
    assert again.patches == ()
    home.apply(Phase.INTRODUCE, patches.rotations)
    for phase in SERIES[1:]:
        _, patches = home.ask()
        assert [each.step for each in patches.rotations] == [Next(phase)]
        home.write(patches)
        home.apply(phase, patches.rotations)
    outcome, patches = home.ask()
    assert (patches.rotations, outcome.findings) == ((), ())


def test_with_trust_bundle_the_consumer_gets_both(tmp_path):
    """With `--trust-bundle`, a consumer that already has the new PEM gets both PEMs until
    retire.
    """
    home = begun(tmp_path, "edge_two", "edge_two")
    _, patches = home.ask(trust_bundle=True)
    home.write(patches)
    written = (tmp_path / "main.tf").read_text()
    pem = "pem_encoded_certificate"
    assert f'join("\\n", [trimspace({OLD}.{pem}), trimspace({OLD}_two.{pem})])' in written


@pytest.mark.parametrize("shown", ["edge", "edge_two"])
def test_a_successor_in_state_gets_its_comment_and_nothing_else(shown, tmp_path):
    """A successor that is already in state gets only the `succeeds` comment, and the next phase
    follows without an apply.
    """
    home = begun(tmp_path, "edge_two", shown, applied=True)
    _, patches = home.ask()
    assert [each.step for each in patches.rotations] == [Next(Phase.INTRODUCE)]
    assert patches.patches[0].comments_only
    home.write(patches)
    assert (tmp_path / "main.tf").read_text() == text(
        "edge_two", shown, lineage=f"# tfcert: succeeds {OLD}\n"
    )
    (step,) = (each.step for each in home.ask()[1].rotations)
    if shown == "edge":
        assert step == Next(Phase.REPOINT)
    else:
        assert isinstance(step, Waiting)
        assert "the repoint phase is written but not applied" in step.reason


def test_a_certificate_of_the_same_description_is_a_guess(tmp_path):
    """Two certificates whose descriptions differ only in a date are guessed to be successors,
    whatever their names.
    """
    home = begun(tmp_path, "shiny", "edge", applied=True)
    (rotation,) = home.ask()[1].rotations
    assert rotation.taken_up is not None
    assert "the same description" in rotation.taken_up.guess


@pytest.mark.parametrize("description", ["", "Managed by Terraform", "something else"])
def test_a_description_that_says_nothing_makes_no_guess(description, tmp_path):
    """An empty, default or different description makes no guess: a new successor is introduced."""
    home = begun(tmp_path, "shiny", "edge", applied=True, description=description)
    (rotation,) = home.ask()[1].rotations
    assert rotation.taken_up is None
    assert str(rotation.successor) == f"{OLD}_202611"


def test_two_that_may_be_meant_are_both_named(tmp_path):
    """Two possible successors block the rotation, and both are named with their lines."""
    home = begun(tmp_path, "edge_two", "edge", applied=True)
    (tmp_path / "more.tf").write_text(f'resource "{CERTIFICATE}" "edge_three" {{\n}}\n')
    before = tree(tmp_path)
    _, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert "edge_two (main.tf:5)" in rotation.step.reason
    assert "edge_three (more.tf:1)" in rotation.step.reason
    assert patches.patches == ()
    assert tree(tmp_path) == before


def test_a_new_stage_on_the_successor_is_not_pointed_back(tmp_path):
    """A new stage on the successor is not pointed back; the remedy applies the successor alone with
    `-target`.
    """
    home = begun(tmp_path, "edge_two", "edge_two")
    (tmp_path / "more.tf").write_text(
        f'resource "{STAGE}" "new" {{\n  client_certificate_id = {OLD}_two.id\n}}\n'
    )
    _, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert f"-target='{OLD}_two'" in rotation.step.remedy
    assert patches.patches == ()


@pytest.mark.parametrize(
    ("end", "why"), [(-3, "ended on"), (5, "no later than"), (20, "within the threshold")]
)
def test_a_successor_that_ends_too_soon_is_passed_over_and_retired_with_the_predecessor(
    end, why, tmp_path
):
    """A successor that ends too soon is replaced by a fresh one, and retire removes it with the
    predecessor.
    """
    home = begun(
        tmp_path,
        "edge_202611",
        "edge",
        applied=True,
        end=end,
        lineage=f"# tfcert: succeeds {OLD}\n",
    )
    for phase in SERIES[:2]:
        _, patches = home.ask()
        rotation = next(each for each in patches.rotations if each.label == OLD)
        assert (rotation.step, str(rotation.successor)) == (Next(phase), f"{OLD}_202611_2")
        assert any(why in caution.text for caution in rotation.cautions) or phase is Phase.REPOINT
        home.write(patches)
        home.apply(phase, [rotation])
    _, patches = home.ask()
    assert {each.label: each.step for each in patches.rotations} == {
        OLD: Next(Phase.RETIRE),
        f"{OLD}_202611": Next(Phase.RETIRE),
    }
    home.write(patches)
    home.apply(Phase.RETIRE, patches.rotations)
    assert home.ask()[1].rotations == ()
    assert (tmp_path / "main.tf").read_text().count(f'"{CERTIFICATE}"') == 1
    assert "succeeds" not in (tmp_path / "main.tf").read_text()


def test_a_successor_that_is_passed_over_can_be_asked_for_by_name(tmp_path):
    """`--only` with the address of a successor that ends too soon selects the rotation of its
    predecessor.
    """
    home = begun(
        tmp_path, "edge_202611", "edge", applied=True, end=-3, lineage=f"# tfcert: succeeds {OLD}\n"
    )
    (rotation,) = home.ask(only=frozenset({f"{OLD}_202611"}))[1].rotations
    assert (rotation.label, rotation.step) == (OLD, Next(Phase.INTRODUCE))


def test_no_stage_moves_to_a_successor_that_ends_sooner_and_the_remedy_leads_out(tmp_path):
    """A repoint to a successor that ends sooner is blocked.

    After the rollback that the remedy names, a fresh successor is introduced.
    """
    home = begun(
        tmp_path,
        "edge_202611",
        "edge_202611",
        applied=True,
        end=5,
        lineage=f"# tfcert: succeeds {OLD}\n",
    )
    for wish in ({}, {"every": True}, {"phase": Phase.REPOINT}):
        _, patches = home.ask(**wish)
        (rotation,) = patches.rotations
        assert isinstance(rotation.step, Blocked)
        assert "--phase rollback" in rotation.step.remedy
        assert patches.patches == ()
    _, patches = home.ask(phase=Phase.ROLLBACK)
    home.write(patches)
    (rotation,) = home.ask()[1].rotations
    assert rotation.step == Next(Phase.INTRODUCE)
    assert str(rotation.successor) == f"{OLD}_202611_2"


def test_a_leftover_is_named_and_retired_once_aws_confirms(tmp_path):
    """A leftover certificate waits for AWS with `--offline`; once AWS confirms it, retire removes
    its block.
    """
    home = begun(tmp_path, "edge_two", "edge_two", applied=True)
    home.stages[f"{STAGE}.main"] = "new000"
    _, patches = home.ask(offline=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Waiting)
    assert rotation.step.unverified
    assert "main.tf:1" in rotation.step.reason
    assert "AWS must confirm it" in rotation.step.reason
    assert (rotation.introduce_by, rotation.repoint_by) == (None, None)
    _, patches = home.ask(phase=Phase.RETIRE)
    assert [each.step for each in patches.rotations] == [Next(Phase.RETIRE)]
    home.write(patches)
    assert '"edge"' not in (tmp_path / "main.tf").read_text()
    home.certificates.pop(OLD)
    assert home.ask()[1].rotations == ()


def test_a_leftover_that_a_stage_elsewhere_presents_is_kept(tmp_path):
    """A leftover that a stage outside Terraform presents is blocked, and the reason names that
    stage.
    """
    home = begun(tmp_path, "edge_two", "edge_two", applied=True)
    home.stages[f"{STAGE}.main"] = "new000"
    home.elsewhere["hidden"] = "old000"
    _, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert "hidden" in rotation.step.reason
    assert patches.patches == ()


def test_a_deletion_is_not_told_to_be_applied_and_has_no_dates(tmp_path):
    """A certificate that the next apply deletes has no deadlines, and beside a blocked rotation no
    reason says to apply.
    """
    home = world(
        tmp_path,
        {"main.tf": text("edge_three", "edge_three").replace('"edge"', '"edge_four"')},
        certificates={OLD: "old000", f"{OLD}_two": "two000"},
        stages={f"{STAGE}.main": "two000"},
        ends={"old000": days(-40), "two000": days(300)},
    )
    _, patches = home.ask()
    steps = {each.label: each for each in patches.rotations}
    gone, used = steps[OLD], steps[f"{OLD}_two"]
    assert isinstance(gone.step, Waiting)
    assert "apply, and" not in gone.step.reason
    assert (gone.introduce_by, gone.repoint_by) == (None, None)
    assert isinstance(used.step, Blocked)
    assert "put the block back" in used.step.remedy


def test_a_second_successor_without_a_comment_is_named(tmp_path):
    """The rotation continues with the successor that has the comment, and a caution names the other
    one with its line.
    """
    home = begun(
        tmp_path, "edge_202611", "edge", applied=True, lineage=f"# tfcert: succeeds {OLD}\n"
    )
    (tmp_path / "more.tf").write_text(f'resource "{CERTIFICATE}" "edge_202612" {{\n}}\n')
    home.certificates[f"{OLD}_202612"] = "more00"
    home.ends["more00"] = days(364)
    (rotation,) = home.ask()[1].rotations
    assert (rotation.step, str(rotation.successor)) == (Next(Phase.REPOINT), f"{OLD}_202611")
    assert any("edge_202612 (more.tf:1)" in caution.text for caution in rotation.cautions)


@pytest.mark.parametrize(
    ("ends", "kept"), [((300, 350), "two"), ((350, 300), "one"), ((350, None), "one")]
)
def test_of_two_that_claim_to_succeed_one_the_leftover_is_named(ends, kept, tmp_path):
    """Of two successors with a comment, the remedy keeps the one in state that ends last and names
    the other.
    """
    home = begun(tmp_path, "one", "edge", lineage=f"# tfcert: succeeds {OLD}\n")
    (tmp_path / "two.tf").write_text(
        f'# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "two" {{\n}}\n'
    )
    for name, end in zip(("one", "two"), ends, strict=True):
        if end is not None:
            home.certificates[f"{CERTIFICATE}.{name}"] = name
            home.ends[name] = days(end)
    _, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert f"keep {CERTIFICATE}.{kept} (" in rotation.step.remedy
    other = {"one": "two", "two": "one"}[kept]
    assert f"{CERTIFICATE}.{other} (" in rotation.step.remedy
    assert "left over" in rotation.step.remedy
    assert patches.patches == ()
    if other == "two":
        (tmp_path / "two.tf").unlink()
        home.certificates.pop(f"{CERTIFICATE}.two", None)
        assert [each.step for each in home.ask()[1].rotations] == [Next(Phase.REPOINT)], (
            "the remedy leads out"
        )


def test_a_rename_by_a_moved_block_is_no_successor(tmp_path):
    """A rename by a `moved` block is no successor: the rotation waits until the rename is
    applied.
    """
    home = begun(tmp_path, "edge_two", "edge_two")
    moved = f"moved {{\n  from = {OLD}\n  to   = {OLD}_two\n}}\n"
    renamed = text("edge_two", "edge_two").partition("\n\n")[2]
    (tmp_path / "main.tf").write_text(moved + renamed)
    _, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Waiting)
    assert "renames it" in rotation.step.reason
    assert rotation.taken_up is None
    assert patches.patches == ()


def test_a_stage_that_may_take_either_is_not_taken_up(tmp_path):
    """A stage with a condition over both certificates blocks the rotation without a patch."""
    home = begun(tmp_path, "edge_two", "edge")
    written = (
        (tmp_path / "main.tf")
        .read_text()
        .replace(f"= {OLD}.id", f"= var.new ? {OLD}_two.id : {OLD}.id")
    )
    (tmp_path / "main.tf").write_text(written)
    _, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert "either" in rotation.step.reason
    assert patches.patches == ()


def test_an_output_of_the_new_pem_beside_that_of_the_old_one_stays(tmp_path):
    """An output of the new PEM stays unchanged if the old PEM has an output of its own."""
    home = begun(tmp_path, "edge_two", "edge_two")
    outputs = "".join(
        f'output "{name}" {{\n  value = {CERTIFICATE}.{of}.pem_encoded_certificate\n}}\n'
        for name, of in (("first", "edge"), ("fresh", "edge_two"))
    )
    (tmp_path / "outputs.tf").write_text(outputs)
    _, patches = home.ask()
    home.write(patches)
    assert (tmp_path / "outputs.tf").read_text() == outputs
    assert f"client_certificate_id = {OLD}.id" in (tmp_path / "main.tf").read_text()
