"""Patches for several rotations at once, and what is refused."""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, World, days, lay, tree, world

from checker.errors import UnprovenError
from checker.hcl.proof import Intent, prove
from checker.model.rotation import SERIES, Blocked, Next, Phase
from checker.patches.runbook import header, runbook

C = f"{CERTIFICATE}.orders"
TWO = (
    BASE
    + f"""
resource "{CERTIFICATE}" "orders_v2" {{
}}

resource "{STAGE}" "two" {{
  client_certificate_id = {CERTIFICATE}.orders_v2.id
}}
"""
)


def two(folder) -> World:
    return world(
        folder,
        {"main.tf": TWO},
        certificates={C: "old000", f"{C}_v2": "old111"},
        stages={f"{STAGE}.prod": "old000", f"{STAGE}.two": "old111"},
    )


def test_two_certificates_never_get_the_same_successor(tmp_path):
    """Two rotations with one successor name are both blocked, and the remedy is `--only`."""
    _, patches = two(tmp_path).ask(every=True, name="fresh")
    assert patches.patches == ()
    assert len(patches.rotations) == 2
    for rotation in patches.rotations:
        assert isinstance(rotation.step, Blocked)
        assert "the same successor" in rotation.step.reason
        assert "--only" in rotation.step.remedy


@pytest.mark.parametrize(
    "suffix", ["v2", "two", "three", "twelve", "2", "02", "second", "new", "next"]
)
def test_two_certificates_in_use_whose_names_differ_by_a_suffix_go_their_own_ways(suffix, tmp_path):
    """Two certificates in use whose names differ by a suffix each keep theirs through both
    rotations.
    """
    home = world(
        lay(tmp_path, {"main.tf": TWO.replace("orders_v2", f"orders_{suffix}")}),
        {},
        certificates={C: "old000", f"{C}_{suffix}": "old111"},
        stages={f"{STAGE}.prod": "old000", f"{STAGE}.two": "old111"},
    )
    for phase in SERIES:
        _, patches = home.ask()
        assert [(rotation.step, str(rotation.successor)) for rotation in patches.rotations] == [
            (Next(phase), f"{C}_202611"),
            (Next(phase), f"{C}_{suffix}_202611"),
        ]
        home.write(patches)
        home.apply(phase, patches.rotations)
    assert home.ask()[1].rotations == ()


def test_one_of_two_that_would_collide_is_written_when_it_alone_is_asked_for(tmp_path):
    """`--only` writes one of two rotations with one name; the other then needs another `--name`."""
    home = two(tmp_path)
    _, patches = home.ask(only=frozenset({C}), name="fresh")
    assert [entry.phase for entry in patches.patches] == [Phase.INTRODUCE]
    home.write(patches)
    home.apply(Phase.INTRODUCE, patches.rotations)
    _, patches = home.ask(only=frozenset({f"{C}_v2"}), name="fresh")
    assert isinstance(patches.rotations[0].step, Blocked)
    assert "is taken" in patches.rotations[0].step.reason
    _, patches = home.ask(only=frozenset({f"{C}_v2"}), name="second")
    assert patches.rotations[0].step == Next(Phase.INTRODUCE)


@pytest.mark.parametrize("phase", SERIES)
def test_a_phase_asked_for_by_name_is_that_of_the_whole_series(phase, tmp_path):
    """A phase requested by name has the same patch as in the whole series."""
    home = world(tmp_path, {"main.tf": BASE})
    _, whole = home.ask(every=True)
    _, alone = home.ask(phase=phase)
    (entry,) = alone.patches
    assert entry.diff("") == next(each for each in whole.patches if each.phase is phase).diff("")
    assert entry.on_disk == (phase is Phase.INTRODUCE)
    assert [each.on_disk for each in whole.patches] == [True, False, False]


def test_one_blocked_rotation_does_not_hold_up_another(tmp_path):
    """A blocked rotation does not block the patches of the others."""
    text = (
        BASE
        + f"""
resource "{CERTIFICATE}" "billing" {{
}}

output "whole" {{
  value = {CERTIFICATE}.billing
}}

resource "{STAGE}" "billing" {{
  client_certificate_id = {CERTIFICATE}.billing.id
}}
"""
    )
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={C: "old000", f"{CERTIFICATE}.billing": "old111"},
        stages={f"{STAGE}.prod": "old000", f"{STAGE}.billing": "old111"},
    )
    _, patches = home.ask(every=True)
    assert {rotation.label: type(rotation.step) for rotation in patches.rotations} == {
        C: Next,
        f"{CERTIFICATE}.billing": Blocked,
    }
    assert len(patches.patches) == 3
    assert all(b"billing_" not in entry.diff("") for entry in patches.patches)


@pytest.mark.parametrize(
    "above",
    ["/* note */ ", "/* opens here\n   and ends */ "],
    ids=["a comment before it", "a comment that ends there"],
)
def test_a_comment_on_the_block_s_own_line_never_swallows_the_lineage(above, tmp_path):
    """A comment on the block's own line either keeps the lineage readable or blocks the
    rotation.
    """
    home = world(tmp_path, {"main.tf": above + BASE})
    _, patches = home.ask()
    if patches.patches:
        home.write(patches)
        home.apply(Phase.INTRODUCE, patches.rotations)
        assert [rotation.step for rotation in home.ask()[1].rotations] == [Next(Phase.REPOINT)]
    else:
        assert isinstance(patches.rotations[0].step, Blocked)


def test_an_import_of_something_else_by_the_certificate_s_id_stays(tmp_path):
    """Retire removes an `import` block for the predecessor, and keeps one that only uses its id."""
    text = BASE + f"\nimport {{\n  to = aws_ssm_parameter.id\n  id = {C}.id\n}}\n"
    _, patches = world(tmp_path, {"main.tf": text}).ask(every=True)
    assert b"import {\n  to = aws_ssm_parameter.id\n" in patches.patches[2].changes[0].after


def test_a_file_may_be_empty_after_retire(tmp_path):
    """Retire leaves an empty file if it had only the predecessor."""
    files = {
        "old.tf": f'resource "{CERTIFICATE}" "orders" {{\n}}\n',
        "new.tf": f'# tfcert: succeeds {C}\nresource "{CERTIFICATE}" "n" {{\n}}\n',
    }
    home = world(
        tmp_path,
        files,
        certificates={C: "old000", f"{CERTIFICATE}.n": "new000"},
        stages={},
        ends={"new000": days(300)},
    )
    _, patches = home.ask()
    home.write(patches)
    assert tree(tmp_path) == {
        "old.tf": b"",
        "new.tf": f'resource "{CERTIFICATE}" "n" {{\n}}\n'.encode(),
    }


def test_asking_changes_no_file(tmp_path):
    """Planning a rotation changes no file."""
    home = world(tmp_path, {"main.tf": BASE})
    before = tree(tmp_path)
    home.ask(every=True)
    home.judge()
    assert tree(tmp_path) == before


RENAMED = Intent(
    kind=CERTIFICATE,
    old="orders",
    new="n",
    renamed={("resource", (STAGE, "prod")): 1},
)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (f"{C}.id", f"{CERTIFICATE}.n.id", None),
        (f"{C}.id", f"{C}.id # only a comment", "not exactly 1"),
        (f"{C}.id", f"{CERTIFICATE}.n.arn", "more than the certificate's name"),
        (f"{C}.id", f"{CERTIFICATE}.m.id", "more than the certificate's name"),
        (f"{C}.id", f'{CERTIFICATE}.n.id\n  stage_name = "x"', "more than the certificate's name"),
        (f"{C}.id", f"{CERTIFICATE}.n.id\n}}\nlocals {{\n  a = 1", "locals changed"),
        (f"{C}.id", f"{CERTIFICATE}.n.id\n}}\n}}", "not valid HCL"),
        ('description = "orders"', 'description = "other"', "orders.* changed"),
    ],
)
def test_a_proof_fails_for_every_difference_that_was_not_meant(old, new, complaint):
    """The proof accepts a changed name in one reference, and no other difference."""
    before = BASE
    after = before.replace(old, new)
    assert after != before
    if complaint is None:
        prove("main.tf", before.encode(), after.encode(), (RENAMED,))
        return
    with pytest.raises(UnprovenError, match=complaint):
        prove("main.tf", before.encode(), after.encode(), (RENAMED,))


def test_a_proof_fails_when_the_copy_is_none():
    """The proof accepts only a copy that differs in its description, and exactly one."""
    copy = f'\nresource "{CERTIFICATE}" "n" {{\n  description = "another"\n}}\n'
    intent = Intent(
        kind=CERTIFICATE,
        old="orders",
        new="n",
        added=(("resource", (CERTIFICATE, "n")),),
        clone_of=("resource", (CERTIFICATE, "orders")),
    )
    prove("a.tf", BASE.encode(), (BASE + copy).encode(), (intent,))
    for wrong in (copy.replace("}", "  tags = {}\n}"), copy + "locals {\n}\n", copy + copy, ""):
        with pytest.raises(
            UnprovenError, match=r"not a copy|changed|was not added|different blocks"
        ):
            prove("a.tf", BASE.encode(), (BASE + wrong).encode(), (intent,))


def test_the_header_and_the_runbook_say_what_must_hold_first(tmp_path):
    """The header and the runbook have each condition with its status, and the dates."""
    home = world(lay(tmp_path, {}), {"main.tf": BASE})
    outcome, patches = home.ask(every=True)
    texts = [header(entry, where="here") for entry in patches.patches]
    assert all(line.startswith("#") for text in texts for line in text.splitlines())
    assert f"#   first: {C}_202611 is applied and in state (does not hold now)" in texts[1]
    assert "AWS shows no stage of the account and region presenting" in texts[2]
    declared = home.inventory().documents[0].declared
    assert declared is not None
    text = runbook(patches.rotations, declared, outcome.cases.policy, as_of=home.now, where="here")
    for needed in (
        "by 2026-11-25",
        "by 2026-11-28",
        "PARTIAL_CHAIN",
        "git apply -R",
        f"`{STAGE}.prod`",
        "terraform output -raw orders_202611_pem",
    ):
        assert needed in text


HASHING = (
    'resource "aws_api_gateway_deployment" "d" {\n  triggers = { at = filesha1("main.tf") }\n}\n'
)


def test_a_phase_that_edits_a_hashed_file_says_what_that_triggers(tmp_path):
    """Introduce leaves a hashed file unchanged; the headers of the other phases name the hash by
    line.
    """
    home = world(tmp_path, {"main.tf": BASE, "d.tf": HASHING})
    _, patches = home.ask(every=True)
    assert [change.path for change in patches.patches[0].changes] == ["tfcert_orders_202611.tf"]
    told = [
        header(entry, where="here").count(f"careful: d.tf:2 hashes main.tf, which {entry.phase}")
        for entry in patches.patches
    ]
    assert told == [0, 1, 1]
    home.write(patches)
    home.apply(Phase.INTRODUCE, patches.rotations)
    home.write(home.ask()[1])
    _, back = home.ask(phase=Phase.ROLLBACK)
    assert "careful: d.tf:2 hashes main.tf, which rollback" in header(back.patches[0], where="here")


def test_a_file_in_the_way_of_a_new_one_blocks(tmp_path):
    """An existing file with the name of the new one blocks introduce; another `--name` works."""
    home = world(
        tmp_path, {"main.tf": BASE, "d.tf": HASHING, "tfcert_orders_202611.tf": "# mine\n"}
    )
    _, patches = home.ask()
    assert isinstance(patches.rotations[0].step, Blocked)
    assert "tfcert_orders_202611.tf exists already" in patches.rotations[0].step.reason
    _, patches = home.ask(name="next")
    assert [change.path for change in patches.patches[0].changes] == ["tfcert_next.tf"]


def test_repoint_names_what_else_takes_the_id(tmp_path):
    """Repoint has a caution for each output and resource that uses the id, except stages."""
    more = f'output "id" {{\n  value = {C}.id\n}}\nresource "aws_ssm_parameter" "p" {{\n  value = {C}.id\n}}\n'
    home = world(tmp_path, {"main.tf": BASE + more})
    (rotation,) = home.ask(every=True)[1].rotations
    told = [caution.text for caution in rotation.cautions if caution.phase is Phase.REPOINT]
    assert [text.split(" takes")[0] for text in told] == [
        "output id (main.tf:10)",
        "aws_ssm_parameter.p (main.tf:13)",
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_licence_above_the_predecessor_stays_at_retire(mark, tmp_path):
    """A licence comment at the start of the file stays at retire, with a byte-order mark or
    without.
    """
    licence = f"{mark}# Copyright 2024 Orders Ltd\n# SPDX-License-Identifier: MIT\n"
    home = world(tmp_path, {"main.tf": licence + BASE})
    for phase in SERIES:
        _, patches = home.ask()
        home.write(patches)
        home.apply(phase, patches.rotations)
    written = (tmp_path / "main.tf").read_text(encoding="utf-8")
    assert written.startswith(licence)
    assert written.count("Copyright") == 1
    assert f'"{CERTIFICATE}" "orders"' not in written


def test_a_licence_further_down_goes_with_its_block(tmp_path):
    """A licence comment above a later block is removed with that block."""
    text = f"locals {{\n}}\n\n# Copyright 2024 Orders Ltd\n{BASE}"
    home = world(tmp_path, {"main.tf": text})
    for phase in SERIES:
        _, patches = home.ask()
        home.write(patches)
        home.apply(phase, patches.rotations)
    assert "Copyright" not in (tmp_path / "main.tf").read_text()
