"""The `succeeds` comment works in every form and place that people use; an unreadable comment
blocks.
"""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, World, days, world

from checker.model.rotation import Blocked, Next, Phase

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.orders_202611"
MARK = f"tfcert: succeeds {OLD}"
OPEN = f'resource "{CERTIFICATE}" "orders_202611" {{\n'
BODY = '  description = "orders"\n}\n'

READ = {
    "blank line": f"# {MARK}\n\n{OPEN}{BODY}",
    "blank lines and comments": f"# {MARK}\n# by Ann\n\n# the new one\n\n{OPEN}{BODY}",
    "slashes": f"// {MARK}\n{OPEN}{BODY}",
    "block comment": f"/* {MARK} */\n{OPEN}{BODY}",
    "block comment of several lines": f"/*\n * {MARK}\n */\n{OPEN}{BODY}",
    "block comment that says more": f"/* by Ann\n   {MARK}\n   in autumn */\n{OPEN}{BODY}",
    "first line of a block comment": f"/* {MARK}\n   in autumn */\n{OPEN}{BODY}",
    "last line of a block comment": f"/* in autumn\n   {MARK} */\n{OPEN}{BODY}",
    "wrapped": f"/* tfcert: succeeds\n   {OLD} */\n{OPEN}{BODY}",
    "inside": f"{OPEN}  # {MARK}\n{BODY}",
    "inside, at the end": f'{OPEN}  description = "orders"\n  # {MARK}\n}}\n',
    "in front of an attribute": f"{OPEN}  /* {MARK} */ {BODY.lstrip()}",
    "behind an attribute": f'{OPEN}  description = "orders" # {MARK}\n}}\n',
    "behind the header": f"{OPEN.rstrip()} # {MARK}\n{BODY}",
    "behind the block": f"{OPEN}{BODY.rstrip()} # {MARK}\n",
    "before the block": f"/* {MARK} */ {OPEN}{BODY}",
    "words behind": f"# {MARK} (JIRA-12, by Ann)\n{OPEN}{BODY}",
    "full stop": f"# {MARK}.\n{OPEN}{BODY}",
    "comma and more": f"# {MARK}, until Christmas\n{OPEN}{BODY}",
    "quoted": f"# tfcert: succeeds `{OLD}`\n{OPEN}{BODY}",
    "case": f"# TFCERT: Succeeds {OLD.upper()}\n{OPEN}{BODY}",
    "spaces": f"#tfcert:succeeds   {OLD}  \n{OPEN}{BODY}",
    "the id": f"# {MARK}.id\n{OPEN}{BODY}",
    "twice": f"# {MARK}\n{OPEN}  # {MARK}\n{BODY}",
    "windows": f"# {MARK}\r\n\r\n{OPEN}{BODY}".replace("\r\n", "\n").replace("\n", "\r\n"),
}

UNREAD = {
    "no address": (f"# tfcert: succeeds\n{OPEN}{BODY}", "names no certificate"),
    "a sentence": (f"# tfcert: succeeds the old one\n{OPEN}{BODY}", "names no certificate"),
    "a name alone": (f"# tfcert: succeeds orders\n{OPEN}{BODY}", "without its type"),
    "two certificates": (f"# {MARK} and {CERTIFICATE}.carts\n{OPEN}{BODY}", "more than one"),
    "words before": (f"# was {MARK}\n{OPEN}{BODY}", "reads 'was tfcert"),
    "misspelt": (f"# tfcert: suceeds {OLD}\n{OPEN}{BODY}", "reads 'tfcert: suceeds"),
    "another word": (f"# tfcert: replaces {OLD}\n{OPEN}{BODY}", "reads 'tfcert: replaces"),
    "an output": (
        f'{OPEN}{BODY}\n# {MARK}\noutput "x" {{\n  value = 1\n}}\n',
        "belongs to output x",
    ),
    "no block": (f"{OPEN}{BODY}\n# {MARK}\n", "belongs to no block"),
    "another module": (f"# tfcert: succeeds module.edge.{OLD}\n{OPEN}{BODY}", "another module"),
    "two that differ": (
        f"# {MARK}\n{OPEN}  # tfcert: succeeds {CERTIFICATE}.carts\n{BODY}",
        "name different certificates",
    ),
}


def introduced(folder, text: str) -> World:
    return world(
        folder,
        {"main.tf": BASE + "\n", "new.tf": text},
        certificates={OLD: "old000", NEW: "new000"},
        stages={f"{STAGE}.prod": "old000"},
        ends={"new000": days(355)},
    )


@pytest.mark.parametrize("form", READ)
def test_a_displaced_comment_goes_through_the_whole_rotation_and_goes_at_retire(form, tmp_path):
    """A successor with a displaced comment goes through all phases.

    Retire removes the comment and keeps every other word of the file.
    """
    home = introduced(tmp_path, READ[form])
    for phase in (Phase.REPOINT, Phase.RETIRE):
        _, patches = home.ask()
        assert [(rotation.step, str(rotation.successor)) for rotation in patches.rotations] == [
            (Next(phase), NEW)
        ]
        home.write(patches)
        home.apply(phase, patches.rotations)
    left = (tmp_path / "new.tf").read_bytes().decode()
    assert "succeeds" not in left.lower()
    assert OLD.lower() not in left.lower()
    for word in ("by Ann\n", "the new one", "in autumn"):
        assert (word in left) == (word in READ[form])
    assert f'"{CERTIFICATE}" "orders_202611"' in left
    outcome, patches = home.ask()
    assert (patches.rotations, outcome.findings) == ((), ())


@pytest.mark.parametrize("form", UNREAD)
def test_a_comment_that_cannot_be_read_is_reported_with_its_line_and_blocks(form, tmp_path):
    """An unreadable comment gives a warning with its file and blocks the rotation without
    a patch.
    """
    text, why = UNREAD[form]
    home = introduced(tmp_path, text)
    outcome, patches = home.ask(every=True)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Blocked)
    assert why in rotation.step.reason
    assert "new.tf:" in rotation.step.reason
    assert rotation.step.remedy
    assert patches.patches == ()
    assert any(
        finding.location is not None
        and finding.location.file == "new.tf"
        and why in finding.message
        for finding in outcome.findings
    )


def test_a_comment_between_two_certificates_belongs_to_neither(tmp_path):
    """A comment below one certificate and a blank line above another blocks: it may belong to
    either.
    """
    text = f'resource "{CERTIFICATE}" "carts" {{\n}}\n# {MARK}\n\n{OPEN}{BODY}'
    _, patches = introduced(tmp_path, text).ask(every=True)
    assert any(
        isinstance(each.step, Blocked) and "may belong to either" in each.step.reason
        for each in patches.rotations
    )
    assert patches.patches == ()
