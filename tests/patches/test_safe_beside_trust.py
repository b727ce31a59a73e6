"""No sentence calls a phase safe if a trust line reports a failure, a manual step or an unknown."""

from __future__ import annotations

import re
from itertools import product

import pytest
from msgspec.structs import replace
from world import BASE, CERTIFICATE, NOW, STAGE, world

from checker.cli.patch_result import status_lines
from checker.model.address import parse
from checker.model.location import Location
from checker.model.rotation import Delivery, JoinedTrust, Next, Phase, Rotation, TrustConsumer
from checker.patches.patch import Patches, PhasePatch
from checker.patches.runbook import header, runbook
from checker.patches.trust_text import trust_lines
from checker.reports.html import render as html
from checker.reports.markdown import render as markdown
from checker.reports.text import render as text
from checker.rotation.sentences import preview_in_words, step_in_words

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.orders_202611"
EFFECTS = {
    Delivery.SENT: "Terraform sends it",
    Delivery.ELSEWHERE: "what reads this output elsewhere has it with its own next apply",
    Delivery.REPLACED: "Terraform replaces it",
    Delivery.UNKNOWN: "tfcert does not know what a change does in a_b",
}
ALARM = re.compile(
    r"keeps (only )?the old PEM(?! in this apply)|is not edited|passes no new PEM on|one step more|not know|still has only the old PEM"
    r"|refuses|only if|only after|only where|keeps its PEM|replaces|is not changed|manually|breaks"
)
SAFE = re.compile(r"\bsafe\b(?! under)")
SERIES = (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE)
# What the edits of --trust-bundle do there; None: they leave the place as it is.
JOINED = (None, Delivery.SENT, "as without")
EVERY = [
    *product(SERIES, Delivery, (False,), (False, True), (None,)),
    *product(SERIES, Delivery, (True,), (False, True), JOINED),
]


def rotation(
    phase: Phase,
    delivery: Delivery,
    *,
    holds_both: bool = False,
    joined: Delivery | str | None = "as without",
) -> Rotation:
    """Return a rotation with this next phase, all conditions met, and one consumer of the PEM."""
    edited = delivery if joined == "as without" else joined
    left = edited is None or delivery in {Delivery.IGNORED, Delivery.CREATION, Delivery.ONE}
    needs = "" if delivery in EFFECTS else "do it manually"
    consumer = TrustConsumer(
        what="resource a_b.x",
        location=Location("main.tf", 7),
        delivery=delivery,
        effect=EFFECTS.get(delivery, "it is so"),
        needs=needs,
        both=holds_both,
        joined=None
        if left
        else JoinedTrust(delivery=edited, effect=EFFECTS.get(edited, "it is so")),
        manual="it is so; do it manually" if left else "",
    )
    return Rotation(
        predecessor=parse(OLD),
        predecessor_ids=("old000",),
        successor=parse(NEW),
        step=Next(phase),
        stages=(f"{STAGE}.prod",),
        introduced=phase is not Phase.INTRODUCE,
        trust=(consumer,),
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return an outcome to put rotations into, and the configuration."""
    home = world(tmp_path_factory.mktemp("plain"), {"main.tf": BASE})
    outcome = home.judge(offline=True)
    return outcome, outcome.cases.documents[0].document.declared


@pytest.mark.parametrize(("phase", "delivery", "both", "holds_both", "joined"), EVERY)
def test_nothing_is_called_safe_beside_a_trust_line_that_alarms(
    plain, phase, delivery, both, holds_both, joined
):
    """No status line, preview, header, runbook or report says "safe" beside an alarming
    trust line.
    """
    outcome, declared = plain
    one = rotation(phase, delivery, holds_both=holds_both, joined=joined)
    lines = trust_lines(one, phase, both=both)
    alarms = [line for line in lines if ALARM.search(line)]
    marked = frozenset({one.label} if both else ())
    patch = PhasePatch(
        phase=phase, rotations=(one,), changes=(), on_disk=True, leaves={}, both=marked
    )
    patches = Patches(patches=(patch,), rotations=(one,))
    reported = replace(outcome, rotations=(one,))
    said = {
        "status": step_in_words(one, both=both),
        "preview": preview_in_words(one, phase),
        "header": header(patch, where="here"),
        "runbook": runbook(
            (one,), declared, outcome.cases.policy, as_of=NOW, where="here", trust_bundle=both
        ),
        "patch": "\n".join(status_lines(reported, patches, written=False, back=False)),
        "text": text(reported),
        "markdown": markdown(reported),
        "html": re.sub(
            r"<style.*?</style>|<script.*?</script>", "", html(reported), flags=re.DOTALL
        ),
    }
    for name, each in said.items():
        assert not (alarms and SAFE.search(each)), (name, alarms)


def test_a_phase_with_nothing_to_look_at_is_still_called_safe():
    """A phase is still called safe if Terraform updates the consumer in place, or does
    not edit it.
    """
    assert step_in_words(rotation(Phase.INTRODUCE, Delivery.SENT), both=True) == "introduce is safe"
    assert step_in_words(rotation(Phase.INTRODUCE, Delivery.NEVER)) == "introduce is safe"
    assert step_in_words(rotation(Phase.RETIRE, Delivery.SENT)) == "retire is safe"


@pytest.mark.parametrize(("phase", "delivery"), [*product(SERIES, Delivery)])
def test_what_is_to_be_read_first_is_there_to_read(phase, delivery):
    """If the status line says to read about consumers first, a trust line names one."""
    one = rotation(phase, delivery)
    if "read first what happens" in step_in_words(one, both=True):
        assert trust_lines(one, phase, both=True)
