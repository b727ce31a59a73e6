"""The comment lines above a patch: the conditions and side effects of its phase."""

from __future__ import annotations

import pytest
from builders import certificate_at

from checker.model.rotation import (
    Caution,
    Condition,
    ConditionStatus,
    Next,
    Phase,
    Rotation,
    TakenUp,
)
from checker.patches.patch import PhasePatch
from checker.patches.runbook import REPOSITORY, header

ROTATION = Rotation(
    predecessor=certificate_at("old"),
    predecessor_ids=("old",),
    successor=certificate_at("new"),
    step=Next(Phase.REPOINT),
    conditions=tuple(
        Condition(phase=phase, text=f"condition of {phase}", holds=ConditionStatus.UNKNOWN)
        for phase in Phase
    ),
    cautions=tuple(Caution(phase=phase, text=f"effect of {phase}") for phase in Phase),
    taken_up=TakenUp(guess="a guess", applied=False),
)


def lines(phase, where="here", **more):
    patch = PhasePatch(
        phase=phase, rotations=(ROTATION,), changes=(), on_disk=True, leaves={}, **more
    )
    return header(patch, where=where).splitlines()


@pytest.mark.parametrize("phase", Phase)
def test_a_header_has_the_conditions_and_the_side_effects_of_its_phase(phase):
    """A header has the conditions and side effects of its own phase only."""
    found = lines(phase)
    assert [line for line in found if "condition of" in line] == [
        f"#   first: condition of {phase} (not confirmed)"
    ]
    assert [line for line in found if "effect of" in line] == [f"#   careful: effect of {phase}"]
    assert ("#   a guess" in found) is (phase is Phase.INTRODUCE)
    assert all(line.startswith("#") for line in found)


@pytest.mark.parametrize("where", ["live", REPOSITORY])
def test_a_header_says_where_the_patch_is_applied(where):
    """A header says in which folder to apply the patch, because `git apply` skips files
    outside it.
    """
    found = "\n".join(lines(Phase.REPOINT, where, expect="next"))
    assert f"apply it in {where} with" in found
    assert ("rev-parse" in found) is (where == REPOSITORY)
    assert "--expect next" in found
