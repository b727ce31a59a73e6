"""Parse the remedy of a rotation and do what it says.

The command, block or address comes from the text, so a wrong text fails the test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_scenarios import lay_out
from world import BASE, CERTIFICATE, STAGE, World, days, git, world

from checker.model.rotation import Blocked, Next, Phase, Rotation, Waiting

OLD = f"{CERTIFICATE}.orders"
NEW = f"{CERTIFICATE}.orders_202611"
KEYED = f"""\
resource "{CERTIFICATE}" "c" {{
  for_each = toset(["a", "b"])
}}

resource "{STAGE}" "prod" {{
  for_each              = toset(["a", "b"])
  client_certificate_id = {CERTIFICATE}.c[each.key].id
}}
"""
SUCCESSOR = f'# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "orders_202611" {{\n}}\n'
BLOCK = f'resource "{CERTIFICATE}" "orders" {{\n  description = "orders"\n}}\n'


def asked(home: World, **wish: object) -> Rotation:
    """Return the only rotation of a run."""
    (rotation,) = home.ask(**wish)[1].rotations
    return rotation


def words(rotation: Rotation) -> str:
    """Return the remedy of a blocked rotation, or the reason of a waiting one."""
    match rotation.step:
        case Blocked(remedy=remedy):
            return remedy
        case Waiting(reason=reason):
            return reason
        case step:
            raise AssertionError(step)


def taken(pattern: str, text: str) -> tuple[str, ...]:
    """Return the groups that the pattern matches in the text; fail if it does not match."""
    found = re.search(pattern, text)
    assert found is not None, text
    return found.groups()


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def above(file: Path, comment: str, block: str) -> None:
    """Write a comment above a certificate's block."""
    heading = f'resource "{CERTIFICATE}" "{block}"'
    edit(file, heading, f"{comment}\n{heading}")


def keyed(folder: Path) -> World:
    keys = {key: f"id000{key}" for key in "ab"}
    return world(
        folder,
        {"main.tf": KEYED},
        certificates={f'{CERTIFICATE}.c["{key}"]': identity for key, identity in keys.items()},
        stages={f'{STAGE}.prod["{key}"]': identity for key, identity in keys.items()},
    )


@pytest.mark.parametrize("only", [f'{CERTIFICATE}.c["a"]', "id000a"])
def test_one_instance_of_several_by_the_option_that_is_named(only, tmp_path):
    """The `--only` option that the remedy names rotates all instances of the block."""
    home = keyed(tmp_path)
    (option,) = taken(r"--only '([^']+)'", words(asked(home, only=frozenset({only}))))
    rotation = asked(home, only=frozenset({option}))
    assert rotation.step == Next(Phase.INTRODUCE)
    assert set(rotation.predecessor_ids) == {"id000a", "id000b"}


def test_one_instance_of_several_by_another_key(tmp_path):
    """The remedy rotates one instance of several: add another key, move its stage, remove the old
    key. In the end only the other instance is due.
    """
    home = keyed(tmp_path)
    text = words(asked(home, only=frozenset({"id000a"})))
    (key,) = taken(
        r'add another key beside \["(\w+)"\], apply, let its stage take the new key, apply, and take the old key away',
        text,
    )
    before = {
        finding.certificate_id
        for finding in home.judge().findings
        if finding.rule == "certificate-expiring"
    }
    assert before == {"id000a", "id000b"}
    edit(
        tmp_path / "main.tf",
        f'c" {{\n  for_each = toset(["{key}", "b"])',
        f'c" {{\n  for_each = toset(["{key}", "{key}2", "b"])',
    )
    home.certificates[f'{CERTIFICATE}.c["{key}2"]'] = "fresh0"
    home.ends["fresh0"] = days(361)
    assert {finding.rule for finding in home.judge().findings} == {"certificate-expiring"}
    edit(tmp_path / "main.tf", "c[each.key].id", f'c[each.key == "{key}" ? "{key}2" : each.key].id')
    home.stages[f'{STAGE}.prod["{key}"]'] = "fresh0"
    edit(tmp_path / "main.tf", f'toset(["{key}", "{key}2", "b"])', f'toset(["{key}2", "b"])')
    del home.certificates[f'{CERTIFICATE}.c["{key}"]']
    assert {finding.certificate_id for finding in home.judge().findings} == {"id000b"}


def test_the_removed_block_is_taken_out(tmp_path):
    """After the `removed` block that the remedy names is deleted, introduce is next."""
    home = lay_out("blocked-removed-block", tmp_path)
    (kind,) = taken(r"delete the (\w+) block, then run tfcert again", words(asked(home)))
    without, count = re.subn(
        rf"^{kind} \{{\n.*?^\}}\n",
        "",
        (tmp_path / "main.tf").read_text(),
        flags=re.MULTILINE | re.DOTALL,
    )
    assert count == 1
    (tmp_path / "main.tf").write_text(without)
    assert asked(home).step == Next(Phase.INTRODUCE)


@pytest.mark.parametrize("gone", ["the block alone", "the block and the reference"])
def test_the_block_is_put_back(gone, tmp_path):
    """Each remedy names the next thing to restore, the block and then the reference, until
    introduce is next.
    """
    stage = BASE.removeprefix(BLOCK)
    text = stage if gone == "the block alone" else stage.replace(f"{OLD}.id", "null")
    home = world(tmp_path, {"main.tf": text})
    taken(
        "^put the block back before anything is applied, then run tfcert again$", words(asked(home))
    )
    (tmp_path / "certificate.tf").write_text(BLOCK)
    if gone == "the block and the reference":
        (address,) = taken(r"make the stage refer to ([\w.]+)\.id", words(asked(home)))
        edit(tmp_path / "main.tf", "= null", f"= {address}.id")
    assert asked(home).step == Next(Phase.INTRODUCE)


def test_the_call_of_a_module_is_put_back(tmp_path):
    """After the call of the module that the reason names is restored, introduce is next."""
    at = {
        "certificates": {f"module.edge.{OLD}": "old000"},
        "stages": {f"module.edge.{STAGE}.prod": "old000"},
    }
    home = world(tmp_path, {"main.tf": "", "edge/main.tf": BASE}, **at)
    step = asked(home).step
    assert isinstance(step, Blocked)
    taken("if the call was removed, put it back before anything is applied", step.remedy)
    (name,) = taken(r"inside module\.(\w+), which this configuration does not call", step.reason)
    (tmp_path / "main.tf").write_text(f'module "{name}" {{\n  source = "./edge"\n}}\n')
    assert asked(home).step == Next(Phase.INTRODUCE)


@pytest.mark.parametrize("named", ["two", "three"])
def test_the_comment_is_written_above_the_one_that_is_meant(named, tmp_path):
    """The comment that the remedy gives, written above either candidate, makes that one the
    successor.
    """
    more = "".join(
        f'\nresource "{CERTIFICATE}" "orders_{name}" {{\n}}\n' for name in ("two", "three")
    )
    home = world(tmp_path, {"main.tf": BASE + more})
    (comment,) = taken("write `([^`]+)` above the one that is", words(asked(home)))
    above(tmp_path / "main.tf", comment, f"orders_{named}")
    rotation = asked(home)
    assert str(rotation.successor) == f"{OLD}_{named}"
    taken("the introduce phase is written but not applied", words(rotation))


def test_the_comment_is_written_above_the_block_that_has_the_name(tmp_path):
    """For a taken name, the comment above the block of that name makes it the successor."""
    home = lay_out("blocked-name-taken", tmp_path)
    (comment,) = taken(
        "or write `([^`]+)` above it if it is meant to be the successor", words(asked(home))
    )
    above(tmp_path / "main.tf", comment, "orders_202611")
    home.certificates[NEW], home.ends["new000"] = "new000", days(361)
    assert asked(home).step == Next(Phase.REPOINT)


def test_the_successor_that_a_new_stage_needs_is_made_alone(tmp_path):
    """The `-target` that the remedy names creates the successor; after the remaining apply, retire
    is next.
    """
    begun = (
        BASE.replace(f"{OLD}.id", f"{OLD}_two.id")
        + f'\nresource "{CERTIFICATE}" "orders_two" {{\n}}\n'
    )
    stage = f'\nresource "{STAGE}" "new" {{\n  client_certificate_id = {OLD}_two.id\n}}\n'
    home = world(tmp_path, {"main.tf": begun + stage})
    (target,) = taken(
        r"`terraform apply -target='([^']+)'`\), have every backend trust it, then apply the rest",
        words(asked(home)),
    )
    home.certificates[target], home.ends["new000"] = "new000", days(361)
    rotation = asked(home)
    assert rotation.step == Next(Phase.INTRODUCE), "the comment alone"
    home.write(home.ask()[1])
    taken("the repoint phase is written but not applied", words(asked(home)))
    home.stages |= {f"{STAGE}.prod": "new000", f"{STAGE}.new": "new000"}
    assert asked(home).step == Next(Phase.RETIRE)


def test_a_condition_gives_way_to_the_certificate_that_is_named(tmp_path):
    """After the condition is replaced by the certificate that the remedy names, the successor is
    introduced.
    """
    begun = (
        BASE.replace(f"{OLD}.id", f"var.new ? {OLD}_two.id : {OLD}.id")
        + f'\nresource "{CERTIFICATE}" "orders_two" {{\n}}\n'
    )
    home = world(tmp_path, {"main.tf": begun})
    kept, until = taken(
        r"let it take its id from ([\w.]+) alone until ([\w.]+) is applied and trusted",
        words(asked(home)),
    )
    assert (kept, until) == (OLD, f"{OLD}_two")
    edit(tmp_path / "main.tf", f"var.new ? {OLD}_two.id : {OLD}.id", f"{kept}.id")
    rotation = asked(home)
    assert (rotation.step, str(rotation.successor)) == (Next(Phase.INTRODUCE), until)
    home.write(home.ask()[1])
    home.certificates[until], home.ends["new000"] = "new000", days(361)
    assert asked(home).step == Next(Phase.REPOINT)


def test_a_rename_is_applied_alone(tmp_path):
    """After the apply of a rename, state has the new address and introduce is next."""
    renamed = f"moved {{\n  from = {OLD}\n  to   = {OLD}_x\n}}\n\n" + BASE.replace(
        '"orders" {', '"orders_x" {'
    ).replace(f"{OLD}.id", f"{OLD}_x.id")
    home = world(tmp_path, {"main.tf": renamed})
    (new,) = taken(
        r"a moved block renames it to ([\w.]+): apply that alone, then run tfcert again",
        words(asked(home)),
    )
    home.certificates[new] = home.certificates.pop(OLD)
    rotation = asked(home)
    assert (str(rotation.predecessor), rotation.step) == (new, Next(Phase.INTRODUCE))


def test_terraform_deletes_what_has_no_block(tmp_path):
    """A certificate without a block waits only for the apply that deletes it."""
    home = world(tmp_path, {"main.tf": ""}, stages={})
    taken("so the next apply deletes it: AWS shows no stage that presents it", words(asked(home)))
    home.ends.pop(home.certificates.pop(OLD), None)
    assert home.ask()[1].rotations == ()


def test_a_successor_that_aws_lost_is_made_again(tmp_path):
    """After a successor that AWS lost is created again with another id, repoint is next."""
    home = world(
        tmp_path,
        {"main.tf": BASE + "\n" + SUCCESSOR},
        certificates={OLD: "old000", NEW: "new000"},
        ends={"new000": days(361)},
    )
    observe = home.observe
    lost = {"new000"}

    def without(certificates, places, stages, drift=()):
        from msgspec.structs import replace

        from checker.model.observation import Gone

        seen = observe(certificates, places, stages, drift)
        return replace(
            seen,
            certificates={
                key: Gone() if key.id in lost else said for key, said in seen.certificates.items()
            },
        )

    home.observe = without
    (address,) = taken(
        r"state has the successor ([\w.]+), and AWS does not: apply, and Terraform creates it again",
        words(asked(home)),
    )
    home.certificates[address], home.ends["again0"] = "again0", days(361)
    assert asked(home).step == Next(Phase.REPOINT)


def test_stages_outside_this_state_move_first(tmp_path):
    """After the named stages outside this state move to the successor, retire is next."""
    repointed = BASE.replace(f"{OLD}.id", f"{NEW}.id") + "\n" + SUCCESSOR
    home = world(
        tmp_path,
        {"main.tf": repointed},
        certificates={OLD: "old000", NEW: "new000"},
        stages={f"{STAGE}.prod": "new000"},
        ends={"new000": days(361)},
        elsewhere={"hidden": "old000"},
    )
    step = asked(home).step
    assert isinstance(step, Blocked)
    taken("^move them to the successor first, ", step.remedy)
    (name,) = taken(
        r"stages that this state does not know still present it: api1/(\w+)", step.reason
    )
    home.elsewhere[name] = "new000"
    assert asked(home).step == Next(Phase.RETIRE)


def test_what_was_never_applied_is_applied(tmp_path):
    """In a new workspace both named certificates are applied with the stage, and retire is next."""
    home = world(
        tmp_path,
        {"main.tf": BASE.replace(f"{OLD}.id", f"{NEW}.id") + "\n" + SUCCESSOR},
        certificates={},
        stages={},
    )
    both = taken(
        r"neither ([\w.]+) nor ([\w.]+) is in state: nothing has been applied yet",
        words(asked(home)),
    )
    home.certificates = dict(zip(both, ("old000", "new000"), strict=True))
    home.ends["new000"] = days(361)
    home.stages[f"{STAGE}.prod"] = home.certificates[NEW]
    assert asked(home).step == Next(Phase.RETIRE)


@pytest.mark.parametrize("phase", [Phase.REPOINT, Phase.RETIRE])
def test_asked_without_the_option_that_is_named(phase, tmp_path):
    """Without the `--offline` that the reason names, AWS answers and the next phase is written."""
    text = BASE + "\n" + SUCCESSOR
    moved = phase is Phase.RETIRE
    home = world(
        tmp_path,
        {"main.tf": text.replace(f"{OLD}.id", f"{NEW}.id") if moved else text},
        certificates={OLD: "old000", NEW: "new000"},
        stages={f"{STAGE}.prod": "new000" if moved else "old000"},
        ends={"new000": days(361)},
    )
    (option,) = taken(r"AWS was not asked .*\((--\w+)\)", words(asked(home, offline=True)))
    assert option == "--offline"
    assert asked(home).step == Next(phase)


def test_a_written_retire_is_taken_back_by_the_command_that_is_named(tmp_path):
    """The `git` command in the remedy takes a written retire patch back; then rollback is
    written.
    """
    home = world(
        tmp_path,
        {"main.tf": BASE.replace(f"{OLD}.id", f"{NEW}.id") + "\n" + SUCCESSOR},
        certificates={OLD: "old000", NEW: "new000"},
        stages={f"{STAGE}.prod": "new000"},
        ends={"new000": days(361)},
    )
    _, patches = home.ask()
    assert [rotation.step for rotation in patches.rotations] == [Next(Phase.RETIRE)]
    (patch,) = patches.patches
    (tmp_path / patch.file_name).write_bytes(patch.diff(""))
    home.write(patches)
    git(tmp_path, "init", "-q")
    step = asked(home, phase=Phase.ROLLBACK).step
    assert isinstance(step, Blocked)
    (command,) = taken(
        r"before it is applied, take the retire patch back \(`git ([^`]+)`\) or put the block back",
        step.remedy,
    )
    git(tmp_path, *command.split())
    assert asked(home, phase=Phase.ROLLBACK).step == Next(Phase.ROLLBACK)


def test_two_rotations_of_one_name_go_one_after_the_other(tmp_path):
    """Two rotations with the same `--name` each write introduce with `--only` and their own
    `--name`.
    """
    text = (
        BASE
        + f'\nresource "{CERTIFICATE}" "other" {{\n}}\n\nresource "{STAGE}" "two" {{\n  client_certificate_id = {CERTIFICATE}.other.id\n}}\n'
    )
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={OLD: "old000", f"{CERTIFICATE}.other": "old111"},
        stages={f"{STAGE}.prod": "old000", f"{STAGE}.two": "old111"},
    )
    rotations = home.ask(name="fresh")[1].rotations
    assert {words(each) for each in rotations} == {
        "rotate one after the other with --only ADDRESS, each with its own --name"
    }
    for number, rotation in enumerate(rotations):
        _, patches = home.ask(only=frozenset({rotation.label}), name=f"fresh_{number}")
        assert [(each.label, each.step) for each in patches.rotations] == [
            (rotation.label, Next(Phase.INTRODUCE))
        ]
        home.write(patches)
    assert (tmp_path / "main.tf").read_text().count("# tfcert: succeeds") == len(rotations) == 2


def test_only_the_successor_is_left_where_both_are_named(tmp_path):
    """After the predecessor is removed from the line that the reason names, retire is next."""
    home = lay_out("blocked-both-in-one-trust", tmp_path)
    step = asked(home).step
    assert isinstance(step, Blocked)
    taken(
        "^remove the predecessor from it manually, then run tfcert again; the block is in main.tf",
        step.remedy,
    )
    file, line = taken(r"\((\w+\.tf):(\d+)\)", step.reason)
    lines = (tmp_path / file).read_text().splitlines(keepends=True)
    at = int(line) - 1
    assert f"{OLD}.pem_encoded_certificate, " in lines[at]
    lines[at] = lines[at].replace(f"{OLD}.pem_encoded_certificate, ", "")
    (tmp_path / file).write_text("".join(lines))
    assert asked(home).step == Next(Phase.RETIRE)


def test_a_reference_to_a_leftover_is_taken_away(tmp_path):
    """After the reference in the line that the reason names is removed, the leftover is retired."""
    text = f'resource "{CERTIFICATE}" "orders" {{\n}}\n\noutput "pem" {{\n  value = {OLD}.pem_encoded_certificate\n}}\n'
    home = world(tmp_path, {"main.tf": text}, stages={}, ends={"old000": days(-3)})
    step = asked(home).step
    assert isinstance(step, Blocked), step
    taken("^remove that reference manually, then run tfcert again$", step.remedy)
    file, line = taken(r"(\w+\.tf):(\d+)", step.reason)
    lines = (tmp_path / file).read_text().splitlines(keepends=True)
    assert OLD in lines[int(line) - 1]
    del lines[int(line) - 2 : int(line) + 1]
    (tmp_path / file).write_text("".join(lines))
    assert asked(home).step == Next(Phase.RETIRE)


def test_a_bundle_that_would_trigger_a_hash_is_left_out(tmp_path):
    """Without the `--trust-bundle` that the remedy names, introduce is next."""
    text = (
        BASE
        + f"""
output "pem" {{
  value = {OLD}.pem_encoded_certificate
}}

resource "aws_api_gateway_deployment" "d" {{
  triggers = {{
    redeployment = filesha1("outputs.tf")
  }}
}}
"""
    )
    output = f'output "again" {{\n  value = {OLD}.pem_encoded_certificate\n}}\n'
    home = world(tmp_path, {"main.tf": text, "outputs.tf": output})
    (option,) = taken(
        r"^leave (--[\w-]+) out, or let the trigger depend", words(asked(home, trust_bundle=True))
    )
    assert option == "--trust-bundle"
    assert asked(home).step == Next(Phase.INTRODUCE)


GIVEN = {
    "of that state": (
        "data.terraform_remote_state.p.outputs.id",
        'data "terraform_remote_state" "p" {\n  backend = "s3"\n}\n',
    ),
    "that writes /p/id": (
        "data.aws_ssm_parameter.p.value",
        'data "aws_ssm_parameter" "p" {\n  name = "/p/id"\n}\n',
    ),
}


@pytest.mark.parametrize("place", GIVEN)
def test_an_id_that_another_configuration_gives_is_rotated_there(place, tmp_path):
    """An id from another configuration is rotated there, by the named steps in their order.

    The next apply here moves the stage, and then nothing is due.
    """
    value, data = GIVEN[place]
    stage = f'{data}\nresource "{STAGE}" "prod" {{\n  client_certificate_id = {value}\n}}\n'
    home = world(tmp_path / "here", {"main.tf": stage}, certificates={}, ends={"old000": days(12)})
    _, there, *steps = re.split(r"configuration |: |; ", words(asked(home)))
    assert there == place
    producer = (
        f'resource "{CERTIFICATE}" "orders" {{\n}}\n\noutput "id" {{\n  value = {OLD}.id\n}}\n'
    )
    other = world(
        tmp_path / "there", {"main.tf": producer}, stages={}, elsewhere={"prod": "old000"}
    )
    for step in steps:
        match step.replace("the value", "the output"):
            case "add the successor there and apply":
                edit(tmp_path / "there/main.tf", "\n\noutput", f"\n\n{SUCCESSOR}\noutput")
                other.certificates[NEW] = "new000"
                home.ends["new000"] = other.ends["new000"] = days(361)
            case "have every backend trust it":
                assert other.judge().exit_code == 0
            case "give its id in the output there and apply":
                edit(tmp_path / "there/main.tf", f"{OLD}.id", f"{NEW}.id")
            case "the next apply here moves the stage":
                home.stages[f"{STAGE}.prod"] = other.elsewhere["prod"] = "new000"
                assert home.judge().findings == ()
            case "then remove the old certificate there":
                assert asked(other).step == Next(Phase.RETIRE)
                other.write(other.ask()[1])
                other.ends.pop(other.certificates.pop(OLD), None)
                del home.ends["old000"]
            case unknown:
                raise AssertionError(unknown)
    assert len(steps) == 5
    assert [each.ask()[1].rotations for each in (home, other)] == [(), ()]


def test_stages_refer_to_the_one_that_is_named_again(tmp_path):
    """After the stage refers to the predecessor again, a fresh successor replaces the manual one
    that ends sooner.
    """
    begun = (
        BASE.replace(f"{OLD}.id", f"{OLD}_two.id")
        + f'\nresource "{CERTIFICATE}" "orders_two" {{\n}}\n'
    )
    home = world(
        tmp_path,
        {"main.tf": begun},
        certificates={OLD: "old000", f"{OLD}_two": "two000"},
        ends={"old000": days(12), "two000": days(5)},
    )
    (address,) = taken(
        r"^let them refer to ([\w.]+)\.id again, then run tfcert again: a fresh successor is introduced$",
        words(asked(home)),
    )
    edit(tmp_path / "main.tf", f"{OLD}_two.id", f"{address}.id")
    rotation = asked(home, only=frozenset({OLD}))
    assert (rotation.step, str(rotation.successor)) == (Next(Phase.INTRODUCE), NEW)
