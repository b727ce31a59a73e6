"""A certificate in use whose block is in the configuration but not in state is imported, not
replaced.
"""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, days, world

from checker.model.rotation import Blocked, Next, Phase, Waiting

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.n"
INTRODUCED = BASE + f'\n# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "n" {{\n}}\n'
REPOINTED = INTRODUCED.replace("orders.id", "n.id")
TWO = {f"{STAGE}.s[0]": "old0", f"{STAGE}.s[1]": "old1"}
COUNTED = f"""\
resource "{CERTIFICATE}" "orders" {{
  count = 2
}}

resource "{STAGE}" "s" {{
  count                 = 2
  client_certificate_id = {OLD}[count.index].id
}}
"""


@pytest.mark.parametrize("left", [12, 300])
@pytest.mark.parametrize(
    ("text", "certificates", "after"),
    [
        (BASE, {}, None),
        (INTRODUCED, {NEW: "new000"}, Next(Phase.REPOINT)),
        (INTRODUCED, {}, Waiting),
        (REPOINTED, {NEW: "new000"}, Waiting),
    ],
)
def test_an_import_takes_it_back_and_the_rotation_goes_on(
    text, certificates, after, left, tmp_path
):
    """After `terraform state rm`, the remedy names the import; once it is done, the rotation
    continues.
    """
    ends = {"old000": days(left), "new000": days(361)}
    home = world(tmp_path, {"main.tf": text}, certificates=dict(certificates), ends=ends)
    outcome, patches = home.ask(every=True)
    if text is BASE and left > 60:
        assert [each.step for each in outcome.rotations if isinstance(each.step, Next)] == []
    (rotation,) = outcome.rotations
    assert isinstance(rotation.step, Blocked)
    assert patches.patches == ()
    assert f"its block {OLD} (main.tf:1) is in the configuration" in rotation.step.reason
    assert f"`terraform import '{OLD}' old000`" in rotation.step.remedy
    assert ("is meant to be its successor instead" in rotation.step.remedy) == (text is BASE)
    # Follow the remedy: the import adds the certificate to state.
    home.certificates[OLD] = "old000"
    home.ends["new000"] = days(361)
    found = home.ask()[1].rotations
    if after is None:
        assert [each.step for each in found] == ([Next(Phase.INTRODUCE)] if left == 12 else [])
    else:
        (rotation,) = found
        assert rotation.step == after or (
            isinstance(after, type) and isinstance(rotation.step, after)
        ), rotation.step


def test_an_import_block_that_is_written_is_to_be_applied(tmp_path):
    """With a written `import` block, the rotation waits for its apply."""
    text = BASE + f'\nimport {{\n  to = {OLD}\n  id = "old000"\n}}\n'
    home = world(tmp_path, {"main.tf": text}, certificates={}, ends={"old000": days(12)})
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Waiting)
    assert "an import block (main.tf:10) takes it into the state" in rotation.step.reason


def test_a_block_with_a_region_is_imported_with_its_region(tmp_path):
    """With a `region` of the resource, the import id ends with the region."""
    text = BASE.replace(
        f'"{CERTIFICATE}" "orders" {{', f'"{CERTIFICATE}" "orders" {{\n  region = var.r'
    )
    assert "region = var.r" in text
    home = world(tmp_path, {"main.tf": text}, certificates={}, ends={"old000": days(12)})
    (rotation,) = home.ask()[1].rotations
    assert isinstance(rotation.step, Blocked)
    assert f"`terraform import '{OLD}' old000@us-east-1`" in rotation.step.remedy
    assert '`id = "old000@us-east-1"`' in rotation.step.remedy


def test_one_instance_of_several_is_imported_under_its_key(tmp_path):
    """A missing instance is imported under its own key, which the other instance reveals."""
    home = world(
        tmp_path,
        {"main.tf": COUNTED},
        certificates={f"{OLD}[0]": "old0"},
        stages=TWO,
        ends={"old1": days(300)},
    )
    steps = {rotation.predecessor_ids: rotation.step for rotation in home.ask()[1].rotations}
    blocked = steps["old1",]
    assert isinstance(blocked, Blocked)
    assert f"`terraform import '{OLD}[1]' old1`" in blocked.remedy


def test_a_certificate_that_somebody_put_on_the_stage_is_not_imported(tmp_path):
    """A certificate that someone put on the stage is not imported to a block whose own certificate
    is in state.
    """
    home = world(
        tmp_path,
        {"main.tf": BASE},
        stages={f"{STAGE}.prod": "console1"},
        ends={"console1": days(12)},
    )
    (rotation,) = home.ask()[1].rotations
    assert "terraform import" not in str(rotation.step)


def test_what_a_comment_names_by_its_id_is_not_imported(tmp_path):
    """A certificate named by id in a `succeeds` comment is not imported, because it stays outside
    Terraform.
    """
    text = BASE.replace("resource", "# tfcert: succeeds old000\nresource", 1)
    home = world(tmp_path, {"main.tf": text}, certificates={}, ends={"old000": days(12)})
    assert all("terraform import" not in str(rotation.step) for rotation in home.ask()[1].rotations)
