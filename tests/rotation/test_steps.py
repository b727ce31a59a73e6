"""I2 and I6: which phase is safe now, by configuration, state and AWS."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from world import BASE, CERTIFICATE, HOME, NOW, STAGE, World, bounded, days, world

from checker.analysis.cases import build_cases
from checker.model.observation import Found, Gone, Observations, ObservedStage, Surveyed, Unanswered
from checker.model.places import Place
from checker.model.policy import Policy
from checker.model.resources import StageKind
from checker.model.rotation import Blocked, ConditionStatus, Done, Next, Phase, Waiting
from checker.rotation.planner import plan_rotations, surveys_needed
from checker.rotation.sentences import deadlines

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.n"
SUCCESSOR = f'\n# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "n" {{\n}}\n'
INTRODUCED = BASE + SUCCESSOR
REPOINTED = INTRODUCED.replace("orders.id", "n.id")
REFUSED = Unanswered(reason="access denied", remedy="grant it")


def rotations(home: World, observations: Observations):
    cases = build_cases(home.inventory(), observations, as_of=NOW, policy=Policy())
    return plan_rotations(cases)


def observe(home: World, **answers: object) -> Observations:
    """Return the world's answers, with those for some ids changed."""
    inventory = home.inventory()
    keys = [
        case.subject.key
        for case in build_cases(
            inventory, Observations(asked=False), as_of=NOW, policy=Policy()
        ).all
    ]
    seen = home.observe(
        [key for key in keys if key is not None], surveys_needed(inventory, Policy(), NOW), ()
    )
    return replace(
        seen,
        certificates={
            key: answers.get(key.id, answer) for key, answer in seen.certificates.items()
        },
    )  # type: ignore[arg-type]


def introduced(
    folder, text: str = INTRODUCED, *, presented: str = "old000", applied: bool = True
) -> World:
    certificates = {OLD: "old000", **({NEW: "new000"} if applied else {})}
    return world(
        folder,
        {"main.tf": text},
        certificates=certificates,
        stages={f"{STAGE}.prod": presented},
        ends={"new000": days(350)},
    )


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (Found(expires_at=days(350)), Next(Phase.REPOINT)),
        (Found(expires_at=days(-1)), Next(Phase.INTRODUCE)),
        (Gone(), Waiting),
        (REFUSED, Waiting),
        (None, Waiting),
    ],
)
def test_i2_repoint_is_next_only_when_aws_confirms_the_successor(answer, step, tmp_path):
    """I2: repoint is next only if AWS confirms that the successor exists and has not ended."""
    home = introduced(tmp_path)
    seen = observe(home, new000=answer)
    if answer is None:
        seen = replace(
            seen,
            certificates={
                key: value for key, value in seen.certificates.items() if key.id != "new000"
            },
        )
    (rotation,) = rotations(home, seen)
    if isinstance(step, Next):
        assert rotation.step == step
    else:
        assert isinstance(rotation.step, step)
        assert "successor" in rotation.step.reason
    if isinstance(rotation.step, Waiting):
        assert rotation.step.unverified == (not isinstance(answer, Gone))


def test_i2_repoint_waits_for_a_successor_that_is_not_in_state(tmp_path):
    """I2: repoint waits for a written successor that is not in state."""
    (rotation,) = rotations(home := introduced(tmp_path, applied=False), observe(home))
    assert rotation.step == Waiting(
        f"the introduce phase is written but not applied: {NEW} is not in state"
    )


def test_i2_repoint_waits_for_every_instance_of_the_successor(tmp_path):
    """I2: repoint waits until every instance of the predecessor has its successor in state."""
    text = INTRODUCED.replace('orders" {', 'orders" {\n  for_each = toset(["a", "b"])').replace(
        "orders.id", 'orders["a"].id'
    )
    home = world(
        tmp_path,
        {"main.tf": text},
        certificates={f'{OLD}["a"]': "olda00", f'{OLD}["b"]': "oldb00", f'{NEW}["a"]': "newa00"},
        stages={f"{STAGE}.prod": "olda00"},
        ends={"newa00": days(350)},
    )
    (rotation,) = rotations(home, observe(home))
    assert isinstance(rotation.step, Waiting)
    assert f'{NEW}["b"] is not in state' in rotation.step.reason


def test_nothing_moves_on_without_aws(tmp_path):
    """Offline, repoint and retire wait as unverified; introduce is next without AWS."""
    offline = Observations(asked=False)
    (repoint,) = rotations(introduced(tmp_path / "a"), offline)
    (retire,) = rotations(introduced(tmp_path / "b", REPOINTED, presented="new000"), offline)
    for rotation in (repoint, retire):
        assert isinstance(rotation.step, Waiting)
        assert rotation.step.unverified
        assert "--offline" in rotation.step.reason
    (introduce,) = rotations(world(tmp_path / "c", {"main.tf": BASE}), offline)
    assert introduce.step == Next(Phase.INTRODUCE)


@pytest.mark.parametrize(
    ("survey", "step", "reason"),
    [
        (Surveyed(()), Next, ""),
        (REFUSED, Waiting, "access denied"),
        (None, Waiting, "was not asked"),
        ("outside", Blocked, "stages that this state does not know still present it: api9/hidden"),
        ("drifted", Waiting, "AWS still shows it presented by api1/"),
    ],
)
def test_i2_retire_is_next_only_when_aws_shows_that_nobody_presents_it(
    survey, step, reason, tmp_path
):
    """I2: retire is next only if a survey of the account and region shows no stage with the
    predecessor.
    """
    home = introduced(tmp_path, REPOINTED, presented="new000")
    shown = {
        "outside": ObservedStage(
            kind=StageKind.REST, api_id="api9", name="hidden", certificate_id="old000"
        ),
        "drifted": ObservedStage(
            kind=StageKind.REST, api_id="api1", name=f"{STAGE}.prod", certificate_id="old000"
        ),
    }
    answer = Surveyed((shown[survey],)) if survey in shown else survey
    seen = replace(observe(home), surveys={} if answer is None else {HOME: answer})
    (rotation,) = rotations(home, seen)
    assert isinstance(rotation.step, step)
    if not isinstance(rotation.step, Next):
        assert reason in rotation.step.reason


@pytest.mark.parametrize("other", [Surveyed(()), REFUSED, None, "presented"])
def test_i2_retire_asks_in_every_region_where_the_predecessor_lives(other, tmp_path):
    """I2: retire needs a survey of every region that has an instance of the predecessor."""
    home = introduced(tmp_path, REPOINTED, presented="new000")
    west = Place("aws", "123456789012", "us-west-2")
    home.certificates |= {f'{OLD}["b"]': "oldb00", f'{NEW}["b"]': "newb00"}
    home.ends["newb00"] = days(350)
    inventory = home.inventory()
    (document,) = inventory.documents
    moved = tuple(
        replace(c, place=west) if c.id in {"oldb00", "newb00"} else c for c in document.certificates
    )
    document = replace(document, certificates=moved)
    inventory = replace(inventory, documents=(document,))
    assert surveys_needed(inventory, Policy(), NOW) == {HOME, west}
    hidden = Surveyed(
        (ObservedStage(kind=StageKind.REST, api_id="api9", name="hidden", certificate_id="oldb00"),)
    )
    answer = hidden if other == "presented" else other
    seen = Observations(
        asked=True, surveys={HOME: Surveyed(()), **({west: answer} if answer is not None else {})}
    )
    (rotation,) = plan_rotations(build_cases(inventory, seen, as_of=NOW, policy=Policy()))
    assert (rotation.step == Next(Phase.RETIRE)) == (other == Surveyed(())), rotation.step
    if other != Surveyed(()):
        assert any(
            c.phase is Phase.RETIRE and c.holds is not ConditionStatus.YES
            for c in rotation.conditions
        )


def test_i2_retire_waits_for_the_repoint_to_be_applied(tmp_path):
    """I2: retire waits until the repoint is applied and state shows it."""
    home = introduced(tmp_path, REPOINTED)
    (rotation,) = rotations(home, observe(home))
    assert isinstance(rotation.step, Waiting)
    assert f"{STAGE}.prod still presents it" in rotation.step.reason


@settings(bounded, max_examples=40)
@given(
    found=st.sampled_from(
        [Found(expires_at=days(350)), Found(expires_at=days(-3)), Gone(), REFUSED, None]
    ),
    presented=st.sampled_from(["old000", "new000"]),
    survey=st.sampled_from([Surveyed(()), REFUSED, None, "outside"]),
    applied=st.booleans(),
    asked=st.booleans(),
    text=st.sampled_from([INTRODUCED, REPOINTED]),
)
def test_i2_holds_whatever_state_and_aws_say(
    tmp_path_factory, found, presented, survey, applied, asked, text
):
    """I2: no combination of answers gives repoint without a confirmed successor, or retire without
    a clean survey.
    """
    home = introduced(tmp_path_factory.mktemp("i2"), text, presented=presented, applied=applied)
    seen = observe(home)
    outside = Surveyed(
        (ObservedStage(kind=StageKind.REST, api_id="x", name="y", certificate_id="old000"),)
    )
    answer = outside if survey == "outside" else survey
    certificates = {
        key: (found if key.id == "new000" else value) for key, value in seen.certificates.items()
    }
    seen = replace(
        seen,
        asked=asked,
        certificates={key: value for key, value in certificates.items() if value is not None}
        if asked
        else {},
        surveys={HOME: answer} if asked and answer is not None else {},
    )
    for rotation in rotations(home, seen):
        if rotation.step == Next(Phase.REPOINT):
            assert asked
            assert applied
            assert found == Found(expires_at=days(350))
            assert text is INTRODUCED
        if rotation.step == Next(Phase.RETIRE):
            assert asked
            assert answer == Surveyed(())
            assert text is REPOINTED
            assert presented == "new000"


def test_i6_after_retire_nothing_is_left(tmp_path):
    """I6: a written retire waits for its apply; an applied one leaves no rotation."""
    after = BASE.replace('"orders" {', '"n" {').replace("orders.id", "n.id")
    waiting = introduced(tmp_path / "a", after, presented="new000")
    (rotation,) = rotations(waiting, observe(waiting))
    assert isinstance(rotation.step, Waiting)
    assert "gone from the configuration" in rotation.step.reason
    done = world(
        tmp_path / "b",
        {"main.tf": after},
        certificates={NEW: "new000"},
        stages={f"{STAGE}.prod": "new000"},
        ends={"new000": days(350)},
    )
    assert rotations(done, observe(done)) == ()


def test_a_lineage_that_names_nobody_is_done(tmp_path):
    """A `succeeds` comment whose predecessor no longer exists makes the rotation done."""
    home = world(
        tmp_path,
        {
            "main.tf": REPOINTED.replace(
                f'resource "{CERTIFICATE}" "orders" {{\n  description = "orders"\n}}\n', ""
            )
        },
        certificates={NEW: "new000"},
        stages={f"{STAGE}.prod": "new000"},
        ends={"new000": days(350)},
    )
    assert [rotation.step for rotation in rotations(home, observe(home))] == [Done()]


@pytest.mark.parametrize(
    ("left", "due"), [(61, False), (60, True), (30, True), (0, True), (-1, True)]
)
def test_a_rotation_is_due_from_the_notice_on(left, due, tmp_path):
    """A rotation is due from exactly the notice on; `--even-if-not-due` includes the others."""
    home = world(tmp_path, {"main.tf": BASE}, ends={"old000": days(left)})
    cases = build_cases(home.inventory(), observe(home), as_of=NOW, policy=Policy())
    assert bool(plan_rotations(cases)) == due
    assert plan_rotations(cases, even_if_not_due=True)[0].step == Next(Phase.INTRODUCE)


def test_what_nobody_presents_is_not_rotated(tmp_path):
    """A certificate that no stage presents has no rotation."""
    home = world(tmp_path, {"main.tf": BASE}, stages={})
    assert rotations(home, observe(home)) == ()


def test_rotations_come_by_the_end_of_what_they_rotate_out(tmp_path):
    """Rotations are sorted by the predecessor's end date, whatever the order in state."""
    names = ["b", "a", "c"]
    text = "".join(
        f'resource "{CERTIFICATE}" "{n}" {{\n}}\nresource "{STAGE}" "{n}" {{\n  client_certificate_id = {CERTIFICATE}.{n}.id\n}}\n'
        for n in names
    )
    orders = set()
    for number, names_in_order in enumerate(itertools.permutations(names)):
        home = world(
            tmp_path / str(number),
            {"main.tf": text},
            certificates={f"{CERTIFICATE}.{n}": n for n in names_in_order},
            stages={f"{STAGE}.{n}": n for n in names_in_order},
            ends={"a": days(20), "b": days(20), "c": days(2)},
        )
        found = rotations(home, observe(home))
        orders.add(tuple(rotation.label[-1] for rotation in found))
        assert found[0].repoint_by == days(-5)
        assert found[0].introduce_by == days(-8)
    assert orders == {("c", "a", "b")}


def test_a_certificate_of_a_module_that_nothing_calls_is_put_back_first(tmp_path):
    """A certificate in use of a module that no file calls is blocked, and the remedy restores the
    call.
    """
    home = world(
        tmp_path,
        {"main.tf": BASE},
        certificates={f"module.gone.{OLD}": "old000"},
        stages={f"module.gone.{STAGE}.prod": "old000"},
    )
    (rotation,) = home.judge().rotations
    assert isinstance(rotation.step, Blocked)
    assert (
        rotation.step.reason
        == "it is declared inside module.gone, which this configuration does not call"
    )
    assert "put it back" in rotation.step.remedy


COPIED = f"""\
resource "{CERTIFICATE}" "orders" {{
}}

resource "{STAGE}" "s" {{
  client_certificate_id = {CERTIFICATE}.orders.id
}}

resource "{CERTIFICATE}" "copied" {{
}}

# tfcert: succeeds {CERTIFICATE}.copied
resource "{CERTIFICATE}" "copied_202611" {{
}}
"""


@pytest.mark.parametrize("left", [5, -20])
@pytest.mark.parametrize("applied", [False, True])
def test_a_copied_rotation_that_no_stage_uses_has_no_deadlines(tmp_path, left, applied):
    """A rotation that no stage uses has no deadlines, before and after its end."""
    home = world(
        tmp_path,
        {"main.tf": COPIED},
        certificates={
            f"{CERTIFICATE}.orders": "used00",
            f"{CERTIFICATE}.copied": "copy00",
            **({f"{CERTIFICATE}.copied_202611": "copy11"} if applied else {}),
        },
        stages={f"{STAGE}.s": "used00"},
        ends={"used00": days(300), "copy00": days(left), "copy11": days(361)},
    )
    (rotation,) = rotations(home, Observations(asked=False))
    assert isinstance(rotation.step, Waiting)
    assert rotation.step.reason.startswith("no stage in this state presents it; ")
    assert (rotation.introduce_by, rotation.repoint_by, rotation.late) == (None, None, None)
    assert deadlines(rotation, NOW) == ""
