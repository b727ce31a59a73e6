"""Rotations in states that no patch of ours leads to: what is missing, doubled, moved or unread."""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, days, world

from checker.model.rotation import Blocked, Next, Phase, Waiting

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.n"
PROD = f"{STAGE}.prod"
CERTIFICATE_BLOCK, STAGE_BLOCK = BASE.split("\n\n")


def successor(name, *, comment=True):
    above = f"# tfcert: succeeds {OLD}\n" if comment else ""
    return f'\n{above}resource "{CERTIFICATE}" "{name}" {{\n}}\n'


def rotation_of(home, name=OLD):
    found = {str(each.predecessor): each for each in home.ask()[1].rotations}
    return found[name]


def test_of_two_successors_the_one_that_stages_present_counts(tmp_path):
    """Nothing else decides between two that fit; the other one is then of no use."""
    home = world(
        tmp_path,
        {"main.tf": BASE.replace("orders.id", "n.id") + successor("n") + successor("m")},
        certificates={OLD: "old000", NEW: "new000", f"{CERTIFICATE}.m": "new001"},
        stages={PROD: "new000"},
        ends={"old000": days(12), "new000": days(350), "new001": days(350)},
    )
    found = rotation_of(home)
    assert str(found.successor) == NEW
    assert found.step == Next(Phase.RETIRE)


def test_a_successor_by_its_name_that_ends_first_is_passed_over(tmp_path):
    """No comment names it and no stage uses it, so another one is introduced."""
    home = world(
        tmp_path,
        {"main.tf": BASE + successor("orders_v2", comment=False)},
        certificates={OLD: "old000", f"{CERTIFICATE}.orders_v2": "new000"},
        ends={"old000": days(12), "new000": days(20)},
    )
    found = rotation_of(home)
    assert found.step == Next(Phase.INTRODUCE)
    assert [str(each) for each in found.passed_over] == [f"{CERTIFICATE}.orders_v2"]
    assert str(found.successor) == f"{CERTIFICATE}.orders_202611"


def test_a_stage_that_takes_another_certificate_than_it_presents_is_named(tmp_path):
    """The remedy names one step: the apply that is not done yet, or else the edit."""
    home = world(
        tmp_path,
        {
            "main.tf": BASE.replace("orders.id", "other.id")
            + successor("other").replace(OLD, f"{OLD}_x")
        },
        certificates={OLD: "old000", f"{CERTIFICATE}.other": "new000"},
        ends={"old000": days(12), "new000": days(361)},
    )
    step = rotation_of(home).step
    assert isinstance(step, Blocked)
    assert f"takes its id from {CERTIFICATE}.other (main.tf:" in step.reason
    assert "refer to" in step.remedy


def test_a_module_call_may_be_in_a_file_that_was_not_searched(tmp_path):
    """With JSON that mentions certificates, nobody can say that the call is gone."""
    json = '{"module": {"gone": {"source": "./gone", "client_certificate": "x"}}}'
    home = world(
        tmp_path,
        {"main.tf": BASE, "more.tf.json": json},
        certificates={f"module.gone.{OLD}": "old000"},
        stages={f"module.gone.{PROD}": "old000"},
    )
    (rotation,) = home.judge().rotations
    assert isinstance(rotation.step, Blocked)
    assert "does not call" not in rotation.step.reason


def test_a_certificate_whose_block_is_gone_is_kept_where_aws_shows_a_stage(tmp_path):
    """The state has no stage that presents it, AWS has one: the next apply would cut it off."""
    home = world(
        tmp_path,
        {"main.tf": CERTIFICATE_BLOCK.replace("orders", "n").replace("resource", f"# tfcert: succeeds {OLD}\nresource", 1) + "\n"},
        certificates={OLD: "old000", NEW: "new000"},
        stages={},
        elsewhere={"by-hand": "old000"},
        ends={"old000": days(12), "new000": days(350)},
    )  # fmt: skip
    step = rotation_of(home).step
    assert isinstance(step, Blocked)
    assert "the retire phase is written, and must not be applied yet" in step.reason
    assert "by-hand" in step.reason
    home.elsewhere.clear()
    assert isinstance(rotation_of(home).step, Waiting)


@pytest.mark.parametrize(
    ("name", "guessed"), [("new_orders", True), ("second_orders", True), ("other", False)]
)
def test_a_word_before_the_name_may_tell_the_successor(name, guessed, tmp_path):
    """`new_orders` beside `orders` is its successor, and no second one is introduced."""
    home = world(
        tmp_path,
        {"main.tf": BASE + successor(name, comment=False)},
        certificates={OLD: "old000", f"{CERTIFICATE}.{name}": "new000"},
        ends={"old000": days(12), "new000": days(361)},
    )
    found = rotation_of(home)
    assert (found.successor is not None and str(found.successor).endswith(name)) is guessed
