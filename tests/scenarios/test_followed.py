"""Following the remedy of a blocked rotation unblocks it."""

from __future__ import annotations

import pytest
from test_scenarios import lay_out

from checker.model.rotation import Blocked, Next, Phase, Waiting

OLD = "aws_api_gateway_client_certificate.orders"
# Each scenario with its remedy as edits: the file, the old text, and the new text. None removes the
# file.
FOLLOWED: dict[str, tuple[tuple[str, str | None, str], ...]] = {
    "blocked-whole-object": (("main.tf", f"value = {OLD}\n", f"value = {OLD}.id\n"),),
    "blocked-deployment-trigger": (("main.tf", f"[{OLD}.id]", '["1"]'),),
    "blocked-quoted-address": (("main.tf", f'["{OLD}"]', f"[{OLD}]"),),
    "blocked-everything-hashed": (
        (
            "deployment.tf",
            'sha1(join("", [for f in fileset(path.module, "**") : filesha1(f)]))',
            '"1"',
        ),
    ),
    "blocked-override-of-the-stage": (("override.tf", None, ""),),
    "blocked-ignore-changes": (
        ("main.tf", "[deployment_id, client_certificate_id]", "[deployment_id]"),
    ),
    "blocked-ignore-all": (("main.tf", "ignore_changes = all", "ignore_changes = [variables]"),),
    "blocked-succeeds-itself": (("main.tf", f"# tfcert: succeeds {OLD}\n", ""),),
    "blocked-two-successors": (
        (
            "main.tf",
            f'\n# tfcert: succeeds {OLD}\nresource "aws_api_gateway_client_certificate" "two" {{\n}}\n',
            "",
        ),
    ),
    "blocked-tofu-instead": (("main.tofu", None, ""),),
    "blocked-own-file-unparsable": (("main.tf", "names = [\n", "names = []\n"),),
    "blocked-call-unparsable": (("main.tf", "variables = {\n", "variables = {}\n"),),
    "blocked-another-stage-by-literal": (("main.tf", '"old000"', f"{OLD}.id"),),
}


@pytest.mark.parametrize("name", list(FOLLOWED))
def test_the_remedy_of_a_blocked_configuration_unblocks_it(name, tmp_path):
    """Editing the files as the remedy says leads to introduce, or to waiting for the next apply."""
    world = lay_out(name, tmp_path)
    (rotation,) = world.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    for file, old, new in FOLLOWED[name]:
        path = tmp_path / file
        if old is None:
            path.unlink()
            continue
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    (rotation,) = world.ask()[1].rotations
    assert rotation.step == Next(Phase.INTRODUCE) or isinstance(rotation.step, Waiting), (
        rotation.step
    )


def test_a_taken_name_is_chosen_otherwise(tmp_path):
    """A rotation blocked by a taken name continues with another `--name`."""
    world = lay_out("blocked-name-taken", tmp_path)
    (rotation,) = world.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    assert "--name" in rotation.step.remedy
    (rotation,) = world.ask(name="orders_fresh")[1].rotations
    assert rotation.step == Next(Phase.INTRODUCE)


def test_to_ignore_all_is_answered_by_a_list(tmp_path):
    """The remedy for `ignore_changes = all` is to list the attributes."""
    world = lay_out("blocked-ignore-all", tmp_path)
    (rotation,) = world.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    assert "list the attributes in ignore_changes" in rotation.step.remedy
