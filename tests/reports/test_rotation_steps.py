"""Each step of a rotation in the reports, and certificates with few known values."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from documents import certificate, finding, hand_rotation, named
from documents import outcome as document
from msgspec.structs import replace
from outcomes import ADDRESS, due, judged, pair
from world import CERTIFICATE, NOW

from checker.model.cases import Evidence
from checker.model.observation import Found, Unanswered
from checker.model.outcome import UNVERIFIED
from checker.model.resources import PresentsNothing
from checker.model.rotation import Blocked, Done, ManualRotation, ManualStep, Next, Phase, Waiting
from checker.reports import FORMATS
from checker.reports.headline.facts import facts_of
from checker.reports.headline.from_json import facts_of_documents
from checker.reports.markdown import render_documents
from checker.reports.pem_bundle import render, unknown
from checker.reports.text import Show, lay_out
from checker.rotation.trust_bundle import TrustedCertificate


def words(text: str) -> str:
    """Return the text with each run of white space as one blank."""
    return " ".join(text.split())


def stepped(folder, step, **more):
    """Return an outcome whose one rotation has this step."""
    outcome = due(folder)
    (rotation,) = outcome.rotations
    return replace(outcome, rotations=(replace(rotation, step=step, **more),))


@pytest.mark.parametrize(
    ("step", "text", "page", "phase"),
    [
        (Waiting("apply it first"), "waiting: apply it first", "Wait, then run tfcert", "waiting"),
        (Blocked("a count decides", "move it"), "blocked: a count decides -> move it", "move it",
         "blocked"),
        (Done(), "done", "Nothing is left to do", "done"),
    ],
)  # fmt: skip
def test_each_report_names_the_step(tmp_path, step, text, page, phase):
    """The text, the page, JSON and Markdown name a step; Markdown lists no finished rotation."""
    outcome = stepped(tmp_path, step)
    assert f"rotation {ADDRESS} successor: {ADDRESS}_202611 {text}" in words(
        FORMATS["text"].render(outcome)
    )
    assert page in words(FORMATS["html"].render(outcome))
    made = json.loads(FORMATS["json"].render(outcome))
    assert made["rotations"][0]["phase"] == phase
    assert facts_of_documents([made]) == facts_of(outcome)
    comment = render_documents(named(made))
    assert ("What to do next" in comment) == (phase != "done")


def test_many_rotations_are_counted_by_their_step(tmp_path):
    """Of many rotations the text shows the first, and counts the others by their step."""
    outcome = stepped(tmp_path, Next(Phase.INTRODUCE))
    steps = [Next(Phase.REPOINT), Waiting("x"), Blocked("x", "y"), Done()]
    more = tuple(replace(outcome.rotations[0], step=step) for step in steps * 3)
    text = words(FORMATS["text"].render(replace(outcome, rotations=(*outcome.rotations, *more))))
    assert "12 more rotations (3 repoint, 3 waiting, 3 blocked, 3 done); --all shows them" in text


def test_retire_is_an_action_of_the_page(tmp_path):
    """The page names the certificate that retire removes."""
    retire = words(FORMATS["html"].render(stepped(tmp_path, Next(Phase.RETIRE), introduced=True)))
    assert "Retire orders" in retire


def changed(outcome, **more):
    """Return the outcome with other knowledge of its certificates."""
    (part,) = outcome.cases.documents
    cases = tuple(replace(case, **more) for case in part.cases)
    return replace(outcome, cases=replace(outcome.cases, documents=(replace(part, cases=cases),)))


def test_an_end_that_is_not_known_is_never_a_date():
    """A certificate in use without a known end is shown as not known, without an invented date."""
    stage, certificate = pair("orders", None, "abc123", 300)
    outcome = judged((stage, replace(certificate, expires_at=None)))
    text = words(FORMATS["text"].render(outcome))
    assert "not known ????????????" in text
    assert text.startswith("tfcert: inconclusive")
    metrics = FORMATS["openmetrics"].render(outcome)
    assert "tfcert_certificate_stages{" in metrics
    assert "tfcert_certificate_not_after_seconds{" not in metrics
    (made,) = json.loads(FORMATS["json"].render(outcome))["certificates"]
    assert (made["expires_at"], made["days_left"]) == (None, None)


def test_certificates_without_a_known_end_are_counted():
    """Unused certificates without a known end are counted in words."""
    stage, certificate = pair("orders", None, "abc123", 300)
    unused = (replace(stage, presents=PresentsNothing()), replace(certificate, expires_at=None))
    text = words(FORMATS["text"].render(judged(unused)))
    assert "1 certificate without a known end (--all shows it)" in text


def test_a_planned_certificate_is_in_no_inventory():
    """A certificate that is not created yet is no series, no component, and gives no PASSED."""
    stage, certificate = pair("orders", None, "abc123", 300)
    planned = replace(certificate, id=None, expires_at=None, address=replace(
        certificate.address, name="next"))  # fmt: skip
    outcome = judged((stage, certificate))
    documents = tuple(
        replace(part, cases=(*part.cases, replace(
            part.cases[0], subject=replace(part.cases[0].subject, certificate=planned),
            expires_at=None, days_left=None, evidence=Evidence.UNKNOWN)))
        for part in outcome.cases.documents
    )  # fmt: skip
    both = replace(outcome, cases=replace(outcome.cases, documents=documents))
    for name in ("cyclonedx", "asff", "openmetrics"):
        assert FORMATS[name].render(both) == FORMATS[name].render(outcome), name
    consumers = json.loads(FORMATS["cyclonedx"].render(both))["components"]
    assert [each["name"] for each in consumers] == [f"{CERTIFICATE}.orders"]


@pytest.mark.parametrize(
    ("managed", "says"),
    [
        (True, "managed by Terraform, and stages outside of Terraform present it"),
        (False, "in none of the given states"),
        (None, "if Terraform manages it, use `tfcert patch` with its state instead"),
    ],
)
def test_a_manual_rotation_says_who_manages_the_certificate(tmp_path, managed, says):
    """The text says whether Terraform manages a certificate that is rotated manually."""
    outcome = due(tmp_path)
    manual = ManualRotation(
        certificate_id="abc123",
        place=outcome.cases.documents[0].cases[0].subject.place,
        managed=managed,
        successor=None,
        ends=NOW + timedelta(days=9),
        stages=("api1/prod",),
        steps=(
            ManualStep(does="make the successor", commands=("aws x",)),
            ManualStep(does="give it to every backend", then="every backend trusts both"),
        ),
    )
    outcome = replace(outcome, rotations=(), manual=(manual,))
    lines = [line.plain for line in lay_out(outcome, 80, Show.ALL)]
    text = words("\n".join(lines))
    assert says in text
    assert "# 1. make the successor aws x # 2. give it to every backend # => every" in text


ONE = {
    "gone": (Evidence.GONE, None, "as recorded in state; AWS does not know this certificate"),
    "silent": (
        Evidence.UNANSWERED,
        Unanswered(reason="AccessDenied", remedy="allow it"),
        "as recorded in state; AWS was asked in vain: AccessDenied",
    ),
    "observed": (
        Evidence.OBSERVED,
        Found(expires_at=NOW, created_at=NOW),
        "as recorded in state; AWS knows the certificate and gave no PEM",
    ),
    "recorded": (Evidence.RECORDED, None, "as recorded in state; AWS was not asked"),
}  # fmt: skip


@pytest.mark.parametrize(("evidence", "observation", "says"), ONE.values(), ids=ONE)
def test_a_bundle_says_where_each_pem_is_from(tmp_path, evidence, observation, says):
    """The comment of a recorded PEM says what AWS answered about its certificate."""
    outcome = changed(due(tmp_path), evidence=evidence, observation=observation)
    (case,) = outcome.cases.documents[0].cases
    entry = TrustedCertificate(case=case, why="presented", pem="PEM\n", observed=False)
    assert f"ends 2026-12-05T00:00:00Z; PEM {says}\n" in render((entry,), as_of=NOW)
    assert unknown((entry,)) == ()


@pytest.mark.parametrize(
    ("kind", "evidence", "says", "asks"),
    [
        ("gateway", Evidence.RECORDED, "is not known; aws apigateway get-client", True),
        ("gateway", Evidence.GONE, "AWS does not know this certificate, and state has no", False),
        ("acm", Evidence.OBSERVED, "backends trust the CA that issued it", False),
    ],
)
def test_a_missing_pem_has_a_remedy_that_can_work(tmp_path, kind, evidence, says, asks):
    """A missing PEM names the command that gives it only if AWS can have it."""
    outcome = changed(due(tmp_path), evidence=evidence)
    (case,) = outcome.cases.documents[0].cases
    subject = replace(case.subject, certificate=replace(case.certificate, kind=kind))
    entry = TrustedCertificate(
        case=replace(case, subject=subject), why="presented", pem=None, observed=False
    )
    (text,) = unknown((entry,))
    assert says in text
    assert ("get-client-certificate" in text) == asks
    assert f"# INCOMPLETE: {text}" in render((entry,), as_of=NOW)


def test_a_bundle_names_an_end_that_is_not_known(tmp_path):
    """The comment of a certificate without a known end or fingerprint says so."""
    (case,) = changed(due(tmp_path), expires_at=None, fingerprint=None).cases.documents[0].cases
    entry = TrustedCertificate(case=case, why="presented", pem="PEM\n", observed=True)
    text = render((entry,), as_of=NOW)
    assert "ends at a date that is not known; PEM as AWS gives it\n#   SHA-256 not known" in text


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({"address": None}, "(not in this state)"),
        ({"address": None, "source": "aws://1/us-east-1"}, "(not known whether it is managed)"),
        ({"address": None, "source": "aws://1/us-east-1", "managed": False}, "(unmanaged)"),
        ({"evidence": "gone"}, "gone from AWS"),
        ({"days_left": None, "expires_at": None}, "not known"),
        ({"days_left": -2, "expires_at": None}, "ended"),
        ({"account": None, "region": None}, "–"),  # noqa: RUF001 -- an empty cell
    ],
)
def test_the_table_of_certificates_says_what_is_known(changes, cell):
    """A row of the comment has the words for what is not known, and no empty cell."""
    given = certificate(**changes)
    made = document(certificates=[given], findings=[finding()], by_hand=[hand_rotation()])
    if given["source"] != "plan.json":
        made["sources"][0]["path"] = given["source"]
    row = next(
        line for line in render_documents(named(made)).splitlines() if line.startswith("| ")
        and "abc123" in line
    )  # fmt: skip
    assert cell in [text.split(" (2026")[0] for text in row.strip("| ").split(" | ")], row


def test_one_source_of_several_has_its_own_verdict():
    """Of several sources the one whose findings are all unverified is inconclusive."""
    made = document(
        findings=[
            finding(rule=UNVERIFIED, source="a.json"),
            finding(severity="warning", source="b"),
        ],
        certificates=[certificate(source="c")],
        verdict="inconclusive",
    )
    source = made["sources"][0]
    made["sources"] = [{**source, "path": path} for path in ("a.json", "b", "c")]
    text = render_documents(named(made))
    for path, word in (("a.json", "inconclusive"), ("b", "warnings"), ("c", "clean")):
        assert f"| `{path}` | **{word}** |" in text
