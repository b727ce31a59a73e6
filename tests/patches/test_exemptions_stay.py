"""An exemption comment belongs to the predecessor: it is not copied, and retire removes it."""

from __future__ import annotations

import pytest
from world import CERTIFICATE, STAGE, days, tree, world

from checker.model.rotation import Phase

C = f"{CERTIFICATE}.orders"
SAYS = 'tfcert:ignore certificate-expiring until=2026-12-01 reason="moved soon"'
STAGE_BLOCK = f'resource "{STAGE}" "prod" {{\n  client_certificate_id = {C}.id\n}}\n'


def block(above="", head="", body="", end=""):
    return f'{above}resource "{CERTIFICATE}" "orders" {{{head}\n{body}}}{end}\n\n{STAGE_BLOCK}'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (block(above=f"# {SAYS}\n"), []),
        (
            block(above=f"# What it is for.\n# {SAYS}\n# And more.\n"),
            ["# What it is for.\n", "# And more.\n"],
        ),
        (block(above=f"/* {SAYS} */\n# kept\n"), ["# kept\n"]),
        (block(above=f"/*\n * {SAYS}\n */\n"), []),
        (
            block(above=f"#checkov:skip=CKV2_AWS_51:later\n# {SAYS}\n"),
            ["#checkov:skip=CKV2_AWS_51:later\n"],
        ),
        (block(head=f" # {SAYS}"), []),
        (block(body=f"  # {SAYS}\n  # kept\n"), ["  # kept\n"]),
        (block(body=f'  description = "a" // {SAYS}\n'), ['  description = "a"\n']),
        (block(body=f"  lifecycle {{\n    /* {SAYS} */\n    # kept\n  }}\n"), ["    # kept\n"]),
        (block(body=f"  tags = {{\n    a = 1 # {SAYS}\n  }}\n"), ["    a = 1\n"]),
        (block(end=f" # {SAYS}"), []),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_successor_is_not_exempt_and_everything_else_is_copied(text, kept, newline, tmp_path):
    """The successor has no exemption comment, and after the rotation none remains.

    All other lines are copied.
    """
    home = world(tmp_path, {"main.tf": text.replace("\n", newline)}, ends={"old000": days(12)})
    _, patches = home.ask()
    assert [entry.phase for entry in patches.patches] == [Phase.INTRODUCE]
    (change,) = patches.patches[0].changes
    assert change.after.count(b"tfcert:ignore") == 1
    lines = patches.patches[0].diff("").decode().split("\n")
    added = "".join(
        f"{line[1:]}\n" for line in lines if line.startswith("+") and not line.startswith("+++")
    )
    assert "tfcert: succeeds" in added
    for line in kept:
        assert line.replace("\n", newline) in added
    declared = read_after(home, patches)
    assert [entry.addresses for entry in declared.exemptions] == [{C}]
    assert declared.faulty == ()
    for number, phase in enumerate((Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE)):
        if number:
            _, patches = home.ask()
            home.write(patches)
        home.apply(phase, patches.rotations)
    assert b"tfcert:ignore" not in b"".join(tree(tmp_path).values())


def read_after(home, patches):
    home.write(patches)
    (document,) = home.inventory().documents
    return document.declared


def test_a_comment_on_the_stage_stays_through_the_rotation(tmp_path):
    """An exemption comment on the stage stays through the whole rotation."""
    text = block().replace(
        f'resource "{STAGE}"',
        f'# tfcert:ignore stage-detached until=2026-12-01 reason="x"\nresource "{STAGE}"',
    )
    home = world(tmp_path, {"main.tf": text})
    for phase in (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE):
        _, patches = home.ask()
        home.write(patches)
        home.apply(phase, patches.rotations)
    (document,) = home.inventory().documents
    assert [entry.addresses for entry in document.declared.exemptions] == [{f"{STAGE}.prod"}]
