"""Probe results as evidence of a rotation, alone and with declared backends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from test_trust_evidence import NEW, OLD, PROD, asked, backend, condition, pems

from checker.model.rotation import ConditionStatus, Next, Phase, Waiting
from checker.model.trust import ProbeEvidence, TrustStatus
from checker.model.x509 import fingerprint_of
from checker.reports import FORMATS
from checker.rotation.probe_evidence import PROBE
from checker.rotation.sentences import step_in_words
from checker.rotation.trust_evidence import trust_status

__all__ = ["pems"]
CONFIRMED, REFUSED, UNKNOWN = TrustStatus
YES, NO, OPEN = ConditionStatus


def answered(status, old=CONFIRMED, *, pems, name="https://a:443", stage="prod", **more):
    """Return the evidence of one backend; the API of the world's stages is `api`."""
    given = {
        "account": None,
        "region": None,
        "api_id": "api",
        "stage": stage,
        "backend": name,
        "predecessor": fingerprint_of(pems["old"]),
        "successor": fingerprint_of(pems["new"]),
        "status": status,
        "old": old,
        "reason": f"reason of {status}",
        "remedy": "look at it",
        **more,
    }
    return ProbeEvidence(**given)


def probed(tmp_path, pems, *found, backends=(), shown="old000"):
    """Return the outcome and the rotation with this evidence, and the pairs that the probe was
    asked about.
    """
    seen = []
    outcome, patches = asked(tmp_path, pems, *backends, shown=shown, probe=probe_of(found, seen))
    return outcome, patches.rotations[0], seen


def probe_of(found, seen):
    def probe(cases, rotations):
        (document,) = cases.documents
        (stage,) = document.document.stages
        seen.extend(pair for rotation in rotations for pair in rotation.pairs)
        return tuple(replace(each, api_id=stage.api_id, stage=stage.name) for each in found)

    return probe


@pytest.mark.parametrize(
    ("status", "old", "holds"),
    [
        (CONFIRMED, CONFIRMED, YES),
        (CONFIRMED, REFUSED, NO),  # no rollback possible
        (REFUSED, CONFIRMED, NO),
        (UNKNOWN, UNKNOWN, OPEN),
    ],
)
def test_each_answer_is_evidence(tmp_path, pems, status, old, holds):
    """Repoint is safe if the backend trusts both certificates, waits if it refuses, and is
    unconfirmed otherwise.
    """
    _, rotation, _ = probed(tmp_path, pems, answered(status, old, pems=pems))
    (evidence,) = rotation.evidence
    assert (evidence.backend, evidence.source, evidence.status) == ("https://a:443", PROBE, status)
    assert condition(rotation).holds is holds
    assert (step_in_words(rotation) == "repoint is safe") == (holds is YES)
    if status is REFUSED:
        assert isinstance(rotation.step, Waiting)
        assert "backend https://a:443 (probe): refused" in rotation.step.reason
    else:
        assert rotation.step == Next(Phase.REPOINT)


def test_the_probe_is_asked_about_each_stage_with_both_certificates(tmp_path, pems):
    """The probe gets each stage with both certificates, before and after repoint."""
    for shown in ("old000", "new000"):
        _, _, (pair, *_) = probed(tmp_path, pems, shown=shown)
        assert str(pair.stage.address) == PROD
        assert (pair.predecessor.id, pair.successor.id) == ("old000", "new000")
        assert pair.successor.fingerprint == fingerprint_of(pems["new"])
        assert str(pair.predecessor.address) == OLD
        assert str(pair.successor.address) == NEW


def test_after_repoint_the_answer_about_the_predecessor_is_the_way_back(tmp_path, pems):
    """After repoint, the result for the predecessor decides whether a rollback is possible."""
    for old, holds in ((CONFIRMED, YES), (REFUSED, NO)):
        _, rotation, _ = probed(tmp_path, pems, answered(CONFIRMED, old, pems=pems), shown="new000")
        assert condition(rotation, Phase.ROLLBACK).holds is holds


def test_an_answer_for_other_certificates_does_not_count(tmp_path, pems):
    """A probe result with another fingerprint does not count for this rotation."""
    for field in ("predecessor", "successor"):
        other = replace(answered(CONFIRMED, pems=pems), **{field: "0" * 64})
        _, rotation, _ = probed(tmp_path, pems, other)
        assert condition(rotation).holds is OPEN
        (evidence,) = rotation.evidence
        assert (evidence.backend, evidence.reason) == (None, "no backend of it was probed")


@pytest.mark.parametrize(
    ("names", "server", "found", "holds"),
    [
        # The bundle confirms both, but the backend itself refuses: a refusal has priority.
        (("old", "new"), "pinned", REFUSED, NO),
        # The bundle lacks the successor, and the backend accepts it: the result is still refused.
        (("old",), "pinned", CONFIRMED, NO),
        (("old", "new"), "pinned", CONFIRMED, YES),
        # The server is unknown; the backend's own answer decides.
        (("old", "new"), None, CONFIRMED, YES),
        ((), None, CONFIRMED, YES),
        # The backend cannot be called; the bundle is enough.
        (("old", "new"), "pinned", UNKNOWN, YES),
        ((), None, UNKNOWN, OPEN),
    ],
)
def test_several_sources_of_one_stage(tmp_path, pems, names, server, found, holds):
    """With several sources for one stage, one refusal is enough; a confirmation counts if none
    contradicts it.
    """
    _, rotation, _ = probed(
        tmp_path,
        pems,
        answered(found, CONFIRMED if found is not UNKNOWN else UNKNOWN, pems=pems),
        backends=(backend(pems, names, server),),
    )
    assert condition(rotation).holds is holds, rotation.evidence


def test_one_of_two_backends_that_is_not_confirmed_keeps_the_stage_open(tmp_path, pems):
    """Every backend of a stage has to trust the successor."""
    for second, holds in ((UNKNOWN, OPEN), (REFUSED, NO), (CONFIRMED, YES)):
        _, rotation, _ = probed(
            tmp_path,
            pems,
            answered(CONFIRMED, pems=pems),
            answered(second, CONFIRMED, pems=pems, name="https://b:443"),
        )
        assert condition(rotation).holds is holds


def test_one_confirmed_backend_does_not_settle_a_declared_one_while_another_is_open(tmp_path, pems):
    """A declared backend without a bundle stays unknown while one of two probed backends is
    unknown.
    """
    _, rotation, _ = probed(
        tmp_path,
        pems,
        answered(CONFIRMED, pems=pems),
        answered(UNKNOWN, UNKNOWN, pems=pems, name="https://b:443"),
        backends=(backend(pems, ()),),
    )
    assert trust_status(rotation.evidence)[0] is OPEN
    assert {each.backend for each in rotation.evidence} == {
        "orders",
        "https://a:443",
        "https://b:443",
    }


def test_what_was_not_confirmed_makes_the_run_inconclusive(tmp_path, pems):
    """I4: an unconfirmed probe makes the run inconclusive; the finding has the backend and the
    remedy.
    """
    outcome, _, _ = probed(tmp_path, pems, answered(UNKNOWN, UNKNOWN, pems=pems))
    (finding,) = (each for each in outcome.findings if each.rule == "certificate-unverified")
    assert "backend https://a:443" in finding.message
    assert finding.remedy == "look at it"
    outcome, _, _ = probed(tmp_path, pems, answered(CONFIRMED, pems=pems))
    assert not outcome.unverified


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html"])
def test_every_report_has_the_answer(tmp_path, pems, name):
    """Each report has the backend, the source and the status of the evidence."""
    outcome, _, _ = probed(tmp_path, pems, answered(REFUSED, pems=pems))
    page = " ".join(FORMATS[name].render(outcome).split())
    for word in ("https://a:443", PROBE, "refused"):
        assert word in page


def test_without_a_probe_nothing_is_asked(tmp_path, pems):
    """Without a probe the rotation has no evidence."""
    _, patches = asked(tmp_path, pems)
    assert patches.rotations[0].evidence == ()
