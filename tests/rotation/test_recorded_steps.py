"""Recorded text of the rotations at each of their steps, and of the rollback from there.

`fixtures/scenarios/steps.json` has them, with the findings of the same run.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import (
    backend,
    cases_of,
    certificate,
    certificate_at,
    document,
    known,
    stage,
    stage_at,
)
from msgspec.structs import replace
from recorded import assert_recorded, plain, texts

from checker.model.configuration import (
    ConfigurationFacts,
    DeclaredCertificate,
    DeclaredLiteral,
    HashedFile,
    Obstacle,
    Removed,
    UnreadLineage,
)
from checker.model.inventory import OtherWorkspace
from checker.model.location import Location
from checker.model.observation import Gone, ObservedStage, Unanswered
from checker.model.policy import Policy
from checker.model.resources import StageKind
from checker.model.rotation import Caution, Delivery, Phase, TrustConsumer
from checker.rotation.planner import plan_rotations
from checker.rules import judge

FILE = Path(__file__).parents[2] / "fixtures" / "scenarios" / "steps.json"
LINE, OTHER = Location("main.tf", 30), Location("more.tf", 3)
PROD = frozenset({stage_at("prod")})
REFUSED = Unanswered(reason="access denied", remedy="grant it")
OBSTACLE = Obstacle(reason="it is odd", remedy="mend it", location=LINE)
CAUTIONS = tuple(Caution(phase=phase, text=f"mind the {phase}") for phase in Phase)
CONSUMER = TrustConsumer(
    what="aws_s3_object.trust",
    location=OTHER,
    delivery=Delivery.SENT,
    effect="it is sent",
    place="p",
)
UNREAD = UnreadLineage(
    module=(), location=OTHER, reason="the comment has two names", remedy="write one name"
)


def block(name, **more):
    return DeclaredCertificate(
        block=certificate_at(name), location=Location(f"{name}.tf", 1), **more
    )


def succeeding(name="new", **more):
    return block(name, **{"succeeds": certificate_at("old"), **more})


USED = block("old", pointers=(LINE,), stages=PROD, trust=(CONSUMER,), cautions=CAUTIONS)
LEFT = replace(USED, pointers=(), stages=frozenset())
NEW = succeeding(cautions=CAUTIONS, creation_runs=("local-exec",))
TAKEN = replace(NEW, pointers=(LINE,), stages=PROD)
OLD_CERTIFICATE, AGED, YOUNG = certificate("old"), certificate("new", 361), certificate("new", 364)
ON_NEW = [stage("prod", "new")]
HIDDEN = ObservedStage(kind=StageKind.REST, api_id="api9", name="hidden", certificate_id="old")


def facts(*certificates, **more):
    return ConfigurationFacts(directory=".", certificates=certificates, **more)


def guessed(name="old_two", **more):
    return block(name, description="shown to the backend 2026", **more)


def described(each):
    return replace(each, description="shown to the backend 2025")


def given(declared, *recorded, stages=None, **more):
    return replace(document([*recorded], stages, declared=declared), **more)


def workspaces(*others):
    base = given(facts(LEFT, TAKEN), OLD_CERTIFICATE, AGED, stages=ON_NEW)
    return replace(base, workspaces=others)


BOTH = (OLD_CERTIFICATE, AGED)
TWO = certificate("old_two", 361)
HASHES = tuple(
    HashedFile(file=name, place=Location("deploy.tf", line))
    for line, name in ((1, "old_two.tf"), (2, "main.tf"), (3, "more.tf"), (4, "x.tf"), (5, None))
)
BLUE = OtherWorkspace(name="blue", path="blue.json", presented=frozenset({certificate_at("old")}))
DARK = OtherWorkspace(name="dark", path="dark.json", unread="it is not JSON")
QUIET = OtherWorkspace(name="quiet", path="quiet.json")
START = given(facts(USED), OLD_CERTIFICATE)
WRITTEN = given(facts(USED, NEW), OLD_CERTIFICATE)
APPLIED = given(facts(USED, NEW), *BOTH)
MOVED = given(facts(LEFT, TAKEN), *BOTH)
DONE = given(facts(LEFT, TAKEN), *BOTH, stages=ON_NEW)
SHOWN = Policy(backends=(backend("old", "new"),))
STATES = {
    "at the start": (START, {}),
    "late": (given(facts(USED), certificate("old", 2)), {}),
    "ended": (given(facts(USED), certificate("old", -3)), {}),
    "gone": (START, {"answers": {"old": Gone()}}),
    "not answered": (START, {"answers": {"old": REFUSED}}),
    "offline": (START, {"asked": False}),
    "with an obstacle": (given(facts(replace(USED, obstacles=(OBSTACLE,))), OLD_CERTIFICATE), {}),
    "with an unread comment": (given(facts(USED, unread_lineage=(UNREAD,)), OLD_CERTIFICATE), {}),
    "with a taken name": (given(facts(USED, block("old_202611")), OLD_CERTIFICATE), {}),
    "with a used name": (
        given(facts(USED, block("old_202611", stages=frozenset({stage_at("x")}))), OLD_CERTIFICATE),
        {},
    ),
    "tainted": (given(facts(USED), replace(OLD_CERTIFICATE, tainted=True)), {}),
    "another stage presents it": (
        given(facts(USED), OLD_CERTIFICATE, stages=[stage("prod", "old"), stage("b", "old")]),
        {},
    ),
    "introduce written": (WRITTEN, {}),
    "introduce applied": (APPLIED, {}),
    "introduce applied, offline": (APPLIED, {"asked": False}),
    "a tainted successor": (
        given(facts(USED, NEW), OLD_CERTIFICATE, replace(AGED, tainted=True)),
        {},
    ),
    "a young successor": (given(facts(USED, NEW), OLD_CERTIFICATE, YOUNG), {}),
    "a young successor, late": (given(facts(USED, NEW), certificate("old", 8), YOUNG), {}),
    "a successor without dates": (
        given(facts(USED, NEW), OLD_CERTIFICATE, certificate("new", None)),
        {},
    ),
    "a gone successor": (APPLIED, {"answers": {"new": Gone()}}),
    "a successor without an answer": (APPLIED, {"answers": {"new": REFUSED}}),
    "a successor that ends soon": (
        given(facts(USED, NEW), OLD_CERTIFICATE, certificate("new", 11)),
        {},
    ),
    "a successor that has ended": (
        given(facts(USED, NEW), OLD_CERTIFICATE, certificate("new", -2)),
        {},
    ),
    "stages on a successor that ends soon": (
        given(facts(LEFT, TAKEN), OLD_CERTIFICATE, certificate("new", 11)),
        {},
    ),
    "two phases ahead": (given(facts(LEFT, TAKEN), OLD_CERTIFICATE), {}),
    "two phases ahead in blue": (
        given(facts(LEFT, TAKEN), OLD_CERTIFICATE, workspace="blue"),
        {},
    ),
    "two phases ahead in default": (
        given(facts(LEFT, TAKEN), OLD_CERTIFICATE, workspace="default"),
        {},
    ),
    "repoint written": (MOVED, {}),
    "repoint written, young": (given(facts(LEFT, TAKEN), OLD_CERTIFICATE, YOUNG), {}),
    "repoint reaches one stage": (
        given(facts(LEFT, TAKEN), *BOTH, stages=[stage("prod", "old"), stage("b", "old")]),
        {},
    ),
    "repoint applied": (DONE, {"survey": []}),
    "repoint applied, offline": (DONE, {"asked": False}),
    "repoint applied, not surveyed": (DONE, {}),
    "repoint applied, a hidden stage": (DONE, {"survey": [HIDDEN]}),
    "repoint applied, an obstacle": (
        given(facts(replace(LEFT, obstacles=(OBSTACLE,)), TAKEN), *BOTH, stages=ON_NEW),
        {"survey": []},
    ),
    "other workspaces": (workspaces(QUIET, BLUE, DARK, replace(BLUE, name="b2")), {"survey": []}),
    "a dark workspace": (workspaces(QUIET, DARK), {"survey": []}),
    "a quiet workspace": (workspaces(QUIET), {"survey": []}),
    "retire written": (given(facts(TAKEN), *BOTH, stages=ON_NEW), {"survey": []}),
    "retire forgets it": (
        given(
            facts(
                TAKEN,
                removed=(
                    Removed(module=(), block=certificate_at("old"), destroys=False, location=OTHER),
                ),
            ),
            *BOTH,
            stages=ON_NEW,
        ),
        {"survey": []},
    ),
    "retire applied": (given(facts(TAKEN), AGED, stages=ON_NEW), {"survey": []}),
    "the predecessor left the state": (given(facts(LEFT, TAKEN), AGED, stages=ON_NEW), {}),
    "nothing applied": (given(facts(LEFT, TAKEN), stages=[]), {}),
    "the block is gone": (given(facts(), OLD_CERTIFICATE), {}),
    "it succeeds itself": (
        given(facts(replace(USED, succeeds=certificate_at("old"))), OLD_CERTIFICATE),
        {},
    ),
    "two claims, none applied": (given(facts(USED, NEW, succeeding("third")), OLD_CERTIFICATE), {}),
    "two claims, one applied": (given(facts(USED, NEW, succeeding("third")), *BOTH), {}),
    "two claims, both applied": (
        given(facts(USED, NEW, succeeding("third")), *BOTH, certificate("third", 364)),
        {},
    ),
    "a guess": (given(facts(described(USED), guessed()), OLD_CERTIFICATE), {}),
    "a guess, applied": (given(facts(described(USED), guessed()), OLD_CERTIFICATE, TWO), {}),
    "a guess, applied, hashed": (
        given(facts(described(USED), guessed(), hashes=HASHES), OLD_CERTIFICATE, TWO),
        {},
    ),
    "a guess, moved": (
        given(
            facts(
                described(LEFT),
                guessed(stages=PROD, pointers=(LINE,), trust=(CONSUMER,)),
                hashes=HASHES,
            ),
            OLD_CERTIFICATE,
        ),
        {},
    ),
    "a guess, moved, gone": (
        given(facts(described(LEFT), guessed(stages=PROD, pointers=(LINE,))), OLD_CERTIFICATE),
        {"answers": {"old": Gone()}},
    ),
    "a guess, moved with another stage": (
        given(
            facts(described(LEFT), guessed(stages=frozenset({*PROD, stage_at("b")}))),
            OLD_CERTIFICATE,
        ),
        {},
    ),
    "a guess, moved, applied, hashed": (
        given(
            facts(described(LEFT), guessed(stages=PROD, pointers=(LINE,)), hashes=HASHES),
            OLD_CERTIFICATE,
            TWO,
        ),
        {},
    ),
    "a guess, either": (
        given(facts(described(USED), guessed(stages=PROD)), OLD_CERTIFICATE),
        {},
    ),
    "a guess that ends soon": (
        given(
            facts(described(LEFT), guessed(stages=PROD, pointers=(LINE,))),
            OLD_CERTIFICATE,
            replace(TWO, expires_at=OLD_CERTIFICATE.expires_at),
        ),
        {},
    ),
    "two guesses": (
        given(facts(described(USED), guessed(), guessed("old_three")), OLD_CERTIFICATE, TWO),
        {},
    ),
    "left over": (
        given(
            facts(described(LEFT), guessed(stages=PROD)),
            OLD_CERTIFICATE,
            TWO,
            stages=[stage("prod", "old_two")],
        ),
        {"survey": []},
    ),
    "left over, offline": (
        given(
            facts(described(LEFT), guessed(stages=PROD)),
            OLD_CERTIFICATE,
            TWO,
            stages=[stage("prod", "old_two")],
        ),
        {"asked": False},
    ),
    "unused": (given(facts(LEFT, NEW), *BOTH, stages=[]), {"asked": False}),
    **{
        f"a backend with {' and '.join(names) or 'nothing'}, {server}": (
            given(facts(USED, NEW), known("old"), known("new", 361)),
            {"policy": Policy(backends=(backend(*names, server=server),))},
        )
        for names in (("old", "new"), ("new", "old"), ("old",), ("new",), ())
        for server in ("nginx", "go", "alb")
    },
    "no backend of the stage": (
        given(facts(USED, NEW), known("old"), known("new", 361)),
        {"policy": Policy(backends=(backend("old", stages=("aws_api_gateway_stage.x",)),))},
    ),
    "a backend after repoint": (
        given(facts(LEFT, TAKEN), known("old"), known("new", 361), stages=ON_NEW),
        {"policy": SHOWN, "survey": []},
    ),
}


def unnamed(name, left=12):
    """Return a certificate that a stage presents and no state has."""
    return replace(certificate(name, left), address=None)


def instance(name, key, fingerprint, left=12):
    """Return one of several instances of a block."""
    address = replace(certificate_at(name), key=key)
    one = replace(certificate(f"{name}{key}", left), address=address)
    return replace(one, fingerprint=fingerprint)


LITERAL = DeclaredLiteral(identity="old", module=(), stages=PROD, location=LINE)
OF_ID = block("new", succeeds_id="old")
EACH = (
    instance("old", "a", "0" * 64),
    instance("old", "b", "3" * 64),
    instance("new", "a", "1" * 64, 361),
    instance("new", "b", "4" * 64, 361),
)
ON_EACH = [stage("prod", "olda"), stage("b", "oldb")]
IN_BOTH = (f"{stage_at('prod')}", f"{stage_at('b')}")
STATES |= {
    "of another state": (given(facts(), unnamed("old")), {}),
    "a literal": (given(facts(literals=(LITERAL,)), unnamed("old")), {}),
    "a literal, introduced": (given(facts(OF_ID, literals=(LITERAL,)), unnamed("old"), AGED), {}),
    "a literal, introduced late": (
        given(facts(OF_ID, literals=(LITERAL,)), unnamed("old", 2), YOUNG),
        {},
    ),
    "a literal, not due": (given(facts(OF_ID), unnamed("old", 200), AGED, stages=ON_NEW), {}),
    "taken out of the state": (given(facts(USED), unnamed("old")), {}),
    "taken out of the state, imported": (
        given(facts(USED, imported={certificate_at("old"): OTHER}), unnamed("old")),
        {},
    ),
    **{
        f"instances, a backend with {' and '.join(names)}": (
            given(facts(USED, NEW), *EACH, stages=ON_EACH),
            {"policy": Policy(backends=(backend(*names, server="go", stages=IN_BOTH),))},
        )
        for names in (("old", "new"), ("old", "third", "new"), ("old", "third"), ("new",))
    },
}


@pytest.mark.parametrize("name", STATES)
def test_every_word_of_a_state(name):
    """The rotations, due or not, and the findings of a state equal the recorded text."""
    one, more = STATES[name]
    cases = cases_of(one, **more)
    found = {"rotations": plain(plan_rotations(cases)), "findings": texts(judge(cases))}
    assert_recorded(name, found, FILE)
