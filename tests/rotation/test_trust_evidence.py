"""Declared backends as evidence: the order of a bundle, its server, its stages, and when repoint is
safe.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from world import BASE, CERTIFICATE, NOW, STAGE, days, world

from checker.demo.emulator.certificates import issue, new_key
from checker.model.address import parse
from checker.model.conditions import Conditions
from checker.model.policy import Policy, Run, Scope, WindowWaiver
from checker.model.rotation import ConditionStatus, Next, Phase, Waiting
from checker.model.trust import (
    READINGS,
    BundleFault,
    ServerReading,
    TrustBackend,
    TrustStatus,
    read_bundle,
)
from checker.model.x509 import fingerprint_of
from checker.pipeline import PatchRequest, patch
from checker.reports import FORMATS
from checker.reports.servers import SERVERS
from checker.rotation.sentences import step_in_words

OLD, NEW = f"{CERTIFICATE}.orders", f"{CERTIFICATE}.orders_202611"
PROD = f"{STAGE}.prod"
CONFIRMED, REFUSED, UNKNOWN = TrustStatus
INTRODUCED = BASE + f'# tfcert: succeeds {OLD}\nresource "{CERTIFICATE}" "orders_202611" {{\n}}\n'


@pytest.fixture(scope="module")
def pems():
    """Return certificates as API Gateway issues them, all with one subject."""
    ends = {"old": 30, "new": 350, "third": 300, "ended": -1}
    return {
        name: issue(
            new_key(), created_at=NOW - timedelta(days=20), expires_at=NOW + timedelta(days=left)
        )
        for name, left in ends.items()
    }


def backend(pems, names, server=None, stages=(PROD,)):
    text = "\n".join(pems[name] for name in names)
    return TrustBackend(
        name="orders",
        stages=stages,
        bundle="trust.pem",
        server=server,
        certificates=read_bundle(text) if names else None,
    )


FIRST = ("nginx", "haproxy", "apache", "python", "node", "openssl")


@pytest.mark.parametrize(
    ("names", "servers", "status"),
    [
        (("new",), (None, "nginx", "envoy", "go", "pinned"), CONFIRMED),
        (("new",), ("alb", "nlb"), UNKNOWN),
        (("old",), (None, *READINGS), REFUSED),
        (("old", "new"), (*FIRST, "envoy", "caddy-2.6"), REFUSED),
        (("new", "old"), (*FIRST, "envoy", "caddy-2.6"), CONFIRMED),
        (
            ("old", "new"),
            ("caddy-2.11", "java", "go", "openssl-partial-chain", "pinned"),
            CONFIRMED,
        ),
        (("old", "new"), (None, "alb", "nlb"), UNKNOWN),
        (("new", "old"), (None, "alb"), UNKNOWN),
        (("ended", "new"), FIRST, CONFIRMED),
        (("ended", "new"), ("envoy", "caddy-2.6"), REFUSED),
        (("new", "new"), (None, "nginx"), CONFIRMED),
        ((), (None, "nginx"), UNKNOWN),
    ],
)
def test_what_a_server_makes_of_a_bundle(pems, names, servers, status):
    """The status of a bundle depends on its server; an unknown server with two certificates is not
    confirmed.
    """
    for server in servers:
        found, why = backend(pems, names, server).judge(fingerprint_of(pems["new"]), NOW)
        assert (found, server) == (status, server), why


def test_a_certificate_that_has_ended_or_is_not_known_is_never_confirmed(pems):
    one = backend(pems, ("ended",), "go")
    assert one.judge(fingerprint_of(pems["ended"]), NOW)[0] is REFUSED
    assert one.judge(None, NOW)[0] is UNKNOWN


def test_the_readings_are_those_of_the_page():
    """Each server's reading equals its row in docs/trust.md, which tests with real
    servers check.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))
    from rows import READ, table

    rows = table()
    names = {
        "Apache httpd": "apache",
        "Caddy 2.6": "caddy-2.6",
        "Caddy 2.11": "caddy-2.11",
        "`openssl verify`": "openssl",
        "`openssl verify -partial_chain`": "openssl-partial-chain",
        **READ,
    }
    expected = {
        ("only the first", "only the new one"): {ServerReading.FIRST},
        ("only the first", "neither"): {ServerReading.FIRST_OF_ALL},
        ("both", "only the new one"): {ServerReading.EACH},
        ("both", "both, also the ended one"): {ServerReading.EACH},
        ("not known", "not known"): {ServerReading.UNKNOWN},
    }
    seen = {"pinned"}
    for row, cells in rows.items():
        name = names.get(row, row.lower())
        if row == "Envoy, without the Lua filter":
            continue
        assert READINGS[name] in expected[cells[1], cells[2]], row
        seen.add(name)
    assert seen == {*READINGS}
    assert {name.partition("-")[0] for name in READINGS} >= {*SERVERS}


MARK = "TAINTTAINT"


@pytest.mark.parametrize(
    "text",
    [
        "",
        MARK,
        f"-----BEGIN CERTIFICATE-----\n{MARK}\n-----END CERTIFICATE-----\n",
        f"-----BEGIN CERTIFICATE-----\n{MARK}\n",
        f"-----BEGIN TRUSTED CERTIFICATE-----\n{MARK}\n-----END TRUSTED CERTIFICATE-----\n",
    ],
)
def test_what_is_no_bundle_is_a_fault_and_not_an_empty_bundle(text, pems):
    """An unreadable bundle is an error without any content of the file; it is never an empty
    bundle.
    """
    for before in ("", pems["old"] + "\n") if text.strip(MARK) else ("",):
        with pytest.raises(BundleFault) as fault:
            read_bundle(before + text)
        assert MARK not in str(fault.value)


def asked(
    folder,
    pems,
    *backends,
    age=4.0,
    shown="old000",
    phase=None,
    probe=None,
    left=30,
    stages=(PROD,),
    **policy,
):
    others = "".join(
        f'resource "{STAGE}" "{name}" {{\n  stage_name            = "{name}"\n'
        f"  client_certificate_id = {OLD}.id\n}}\n"
        for name in (each.rpartition(".")[2] for each in stages if each != PROD)
    )
    home = world(
        folder,
        {"main.tf": INTRODUCED + others},
        certificates={OLD: "old000", NEW: "new000"},
        stages=dict.fromkeys(stages, shown),
        ends={"old000": days(left), "new000": days(365 - age)},
    )
    inventory = home.inventory()
    (document,) = inventory.documents
    prints = {"old000": fingerprint_of(pems["old"]), "new000": fingerprint_of(pems["new"])}
    certificates = tuple(
        replace(each, fingerprint=prints[each.id]) for each in document.certificates
    )
    # In this world AWS answers without a PEM, so that the recorded fingerprint counts.
    inventory = replace(inventory, documents=(replace(document, certificates=certificates),))
    run = Run(as_of=NOW, policy=Policy(backends=backends, **policy))
    wish = PatchRequest(phase=phase)
    return patch(inventory, home.configuration(), home.observe, run, wish, probe)


def condition(rotation, phase=Phase.REPOINT):
    return next(
        each for each in rotation.conditions if each.phase is phase and "trusts" in each.text
    )


def test_repoint_is_safe_where_every_backend_is_confirmed_and_every_other_condition_holds(
    tmp_path, pems
):
    """Repoint is safe only if every backend and every other condition is confirmed."""
    both = ("old", "new")
    for backends, safe in (
        ((backend(pems, both, "pinned"),), True),
        ((backend(pems, both),), False),
        ((), False),
        ((backend(pems, ("new",)),), False),  # no rollback: the backend lacks the old certificate
    ):
        _, patches = asked(tmp_path, pems, *backends)
        (rotation,) = patches.rotations
        assert rotation.step == Next(Phase.REPOINT)
        assert (step_in_words(rotation) == "repoint is safe") == safe
        assert (condition(rotation).holds is ConditionStatus.YES) == safe


def test_confirmation_does_not_waive_the_trust_window(tmp_path, pems):
    _, patches = asked(tmp_path, pems, backend(pems, ("old", "new"), "pinned"), age=1.0)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Waiting)
    assert rotation.step.until is not None
    assert not patches.patches


WAIVED = {"trust_window_waiver": WindowWaiver.CONFIRMED}


def test_confirmation_waives_it_where_the_policy_says_so(tmp_path, pems):
    """A waived trust window makes repoint the next phase, and no report says to wait."""
    one = backend(pems, ("old", "new"), "pinned")
    outcome, patches = asked(tmp_path, pems, one, age=1.0, **WAIVED)
    (rotation,) = patches.rotations
    assert (rotation.step, step_in_words(rotation)) == (Next(Phase.REPOINT), "repoint is safe")
    assert [each.phase for each in patches.patches] == [Phase.REPOINT]
    (window,) = [each for each in rotation.conditions if "trust window" in each.text]
    assert (window.holds, window.until) == (ConditionStatus.YES, None)
    assert "or every backend is confirmed to trust it" in window.text
    for name in ("text", "markdown", "html"):
        assert "do not apply before" not in " ".join(FORMATS[name].render(outcome).split())


@pytest.mark.parametrize(
    ("names", "server", "stages"),
    [
        (("old", "new"), None, (PROD,)),  # not confirmed: the server is not declared
        (("old",), "pinned", (PROD,)),  # refused
        ((), "pinned", (PROD,)),  # no bundle
        (("old", "new"), "pinned", (f"{STAGE}.other",)),  # a stage without a backend
        (None, None, ()),  # no backend at all
    ],
)
def test_without_confirmation_everywhere_the_window_counts_all_the_same(
    tmp_path, pems, names, server, stages
):
    backends = (backend(pems, names, server, stages),) if names is not None else ()
    _, patches = asked(tmp_path, pems, *backends, age=1.0, **WAIVED)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Waiting)
    assert rotation.step.until is not None
    assert not patches.patches


def test_one_backend_of_two_is_not_every_backend(tmp_path, pems):
    sure = backend(pems, ("old", "new"), "pinned")
    other = replace(backend(pems, ("old", "new")), name="payments")
    _, patches = asked(tmp_path, pems, sure, other, age=1.0, **WAIVED)
    assert isinstance(patches.rotations[0].step, Waiting)


def test_a_waived_window_waives_no_other_condition(tmp_path, pems):
    """A waived trust window waives no other condition: a backend that lacks the old certificate is
    not safe.
    """
    _, patches = asked(tmp_path, pems, backend(pems, ("new",)), age=1.0, **WAIVED)
    (rotation,) = patches.rotations
    assert rotation.step == Next(Phase.REPOINT)
    assert "every backend trusts" in step_in_words(rotation)
    assert "is safe" not in step_in_words(rotation)


def test_the_strictest_of_several_scopes_counts(tmp_path, pems):
    """For a certificate of two stages, the scope that waives nothing decides."""
    dev = f"{STAGE}.dev"
    one = backend(pems, ("old", "new"), "pinned", stages=(PROD, dev))
    waiving, strict = (
        Scope(
            conditions=Conditions(address=(address,)),
            values=(("trust_window_waiver", WindowWaiver(word)),),
        )
        for address, word in ((PROD, "confirmed"), (dev, "never"))
    )
    for scopes, waits in (((waiving,), False), ((waiving, strict), True)):
        _, patches = asked(
            tmp_path,
            pems,
            one,
            age=1.0,
            stages=(PROD,) if len(scopes) == 1 else (PROD, dev),
            scopes=scopes,
        )
        (rotation,) = patches.rotations
        assert isinstance(rotation.step, Waiting) == waits, rotation.step


def test_a_rotation_whose_window_is_waived_is_not_late(tmp_path, pems):
    """A rotation with a waived trust window is not late."""
    one = backend(pems, ("old", "new"), "pinned")
    for policy, late in (({}, True), (WAIVED, False)):
        _, patches = asked(tmp_path, pems, one, age=0.5, left=2, **policy)
        assert (patches.rotations[0].late is not None) == late


def test_repoint_waits_while_a_backend_refuses_until_its_pem_is_added(tmp_path, pems):
    """Repoint waits while a backend refuses the successor, until the bundle has both PEMs.

    `--phase repoint` writes it as a preview.
    """
    refusing = backend(pems, ("old",), "pinned")
    _, patches = asked(tmp_path, pems, refusing)
    (rotation,) = patches.rotations
    assert isinstance(rotation.step, Waiting)
    assert "backend orders (trust.pem): refused" in rotation.step.reason
    assert condition(rotation).holds is ConditionStatus.NO
    _, patches = asked(tmp_path, pems, refusing, phase=Phase.REPOINT)
    assert "does not hold now: backend orders (trust.pem): refused" in " ".join(
        patches.patches[0].unmet
    )
    _, patches = asked(tmp_path, pems, backend(pems, ("old", "new"), "pinned"))
    assert patches.rotations[0].step == Next(Phase.REPOINT)


def test_a_stage_without_a_backend_is_not_confirmed(tmp_path, pems):
    """A stage without its own backend has an unknown status; an instance of a stage belongs to its
    block's backend.
    """
    other = backend(pems, ("old", "new"), "pinned", stages=(f"{STAGE}.other",))
    _, patches = asked(tmp_path, pems, other)
    (evidence,) = patches.rotations[0].evidence
    assert (evidence.backend, evidence.stages, evidence.status) == (None, (PROD,), UNKNOWN)
    assert backend(pems, (), stages=(PROD,)).serves(parse(f'{PROD}["a"]'))
    assert not backend(pems, (), stages=(PROD,)).serves(None)


def test_every_report_has_the_evidence(tmp_path, pems):
    """Each report shows the backend with its source and its status."""
    outcome, _ = asked(tmp_path, pems, backend(pems, ("old", "new"), "pinned"))
    for name in ("text", "json", "markdown", "html"):
        page = " ".join(FORMATS[name].render(outcome).split())
        assert "trust.pem" in page, name
        assert "confirmed" in page, name
        assert "orders" in page


def test_a_backend_that_trusts_both_is_told_what_it_may_drop(tmp_path, pems):
    """After repoint the report names the old certificate to remove from the backend after
    retire.
    """
    outcome, patches = asked(
        tmp_path, pems, backend(pems, ("old", "new"), "pinned"), shown="new000"
    )
    text = " ".join(FORMATS["text"].render(outcome).split())
    assert f"after retire, take the certificate with SHA-256 {fingerprint_of(pems['old'])}" in text
    assert condition(patches.rotations[0], Phase.ROLLBACK).holds is ConditionStatus.YES
    outcome, _ = asked(tmp_path, pems, backend(pems, ("old", "new"), "pinned"))
    assert "after retire" not in FORMATS["text"].render(outcome)
