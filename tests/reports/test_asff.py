"""Security Hub's format, checked against botocore's model of BatchImportFindings and AWS's lengths."""

from __future__ import annotations

import json
from datetime import timedelta

import botocore.session
import pytest
from botocore.validate import ParamValidator
from msgspec.structs import replace
from outcomes import ADDRESS, due, judged, many, mixed, pair
from world import NOW

from checker.analysis.certificate_uses import stage_key
from checker.errors import UsageError
from checker.model.cases import Evidence
from checker.model.inventory import Inventory
from checker.model.observation import Observations, ObservedStage, Unanswered
from checker.model.outcome import UNVERIFIED
from checker.model.places import Place
from checker.model.policy import Policy, Run
from checker.model.severity import Severity
from checker.model.trust import BundleCertificate, TrustBackend
from checker.pipeline import check
from checker.reports import FORMATS

MODEL = (
    botocore.session.get_session()
    .get_service_model("securityhub")
    .operation_model("BatchImportFindings")
    .input_shape
)
# AWS Security Hub, "Required top-level ASFF attributes" and "Optional top-level ASFF attributes".
LENGTHS = {"Id": 512, "Title": 256, "Description": 1024, "GeneratorId": 512, "ProductArn": 2048}


def validate(text: str) -> list[dict]:
    """The records, valid for botocore, within AWS's lengths, and of distinct Ids."""
    records = json.loads(text)
    for at in range(0, len(records), 100):
        report = ParamValidator().validate({"Findings": records[at : at + 100]}, MODEL)
        assert not report.has_errors(), report.generate_report()
    assert len({each["Id"] for each in records}) == len(records)
    for each in records:
        assert all(0 < len(each[key]) <= longest for key, longest in LENGTHS.items())
        assert len(each["AwsAccountId"]) == 12
        assert each["AwsAccountId"].isdecimal()
        assert each["CreatedAt"] <= each["UpdatedAt"]
        assert all(0 < len(one["Id"]) <= 512 for one in each["Resources"])
    return records


def records(outcome) -> dict[str, dict]:
    """The records by certificate and rule."""
    return {
        "/".join(each["Id"].split("/")[-2:]): each
        for each in validate(FORMATS["asff"].render(outcome))
    }


def test_a_finding_has_failed_and_the_other_rules_have_passed(tmp_path):
    """One record for each rule that could judge the certificate; AWS's and a plan's rules have none in this run."""
    found = records(due(tmp_path))
    failed = found["old000/certificate-expiring"]
    assert failed["Compliance"] == {"Status": "FAILED"}
    assert failed["Severity"] == {"Label": "HIGH", "Original": "error"}
    assert failed["Workflow"] == {"Status": "NEW"}
    assert failed["RecordState"] == "ACTIVE"
    assert failed["Title"] == f"certificate-expiring: {ADDRESS}"
    assert failed["Resources"][0]["Id"] == (
        "arn:aws:apigateway:us-east-1::/clientcertificates/old000"
    )
    passed = found["old000/certificate-expired"]
    assert passed["Compliance"] == {"Status": "PASSED"}
    assert passed["Workflow"] == {"Status": "RESOLVED"}
    assert passed["RecordState"] == "ARCHIVED"
    assert "old000/certificate-gone" not in found
    assert "old000/rotation-unstaged" not in found


def test_a_cured_finding_is_resolved_under_the_same_id():
    """The next run, over the same certificate with a later end, sends the Id again."""
    before = records(judged(pair("orders", None, "abc123", 12)))
    after = records(judged(pair("orders", None, "abc123", 300)))
    name = "abc123/certificate-expiring"
    assert before[name]["Id"] == after[name]["Id"]
    assert (before[name]["Compliance"]["Status"], after[name]["Compliance"]["Status"]) == (
        "FAILED",
        "PASSED",
    )


def test_the_id_stays_while_days_pass():
    """And the update is later than the one before."""
    outcome = judged(pair("orders", None, "abc123", 20))
    documents = tuple(part.document for part in outcome.cases.documents)
    later = check(
        Inventory(documents=documents), None, Run(as_of=NOW + timedelta(days=1), policy=Policy())
    )
    before, after = records(outcome), records(later)
    assert [each["Id"] for each in before.values()] == [each["Id"] for each in after.values()]
    assert all(before[name]["UpdatedAt"] < after[name]["UpdatedAt"] for name in before)
    assert all(before[name]["CreatedAt"] == after[name]["CreatedAt"] for name in before)


@pytest.mark.parametrize("evidence", [Evidence.UNANSWERED, Evidence.UNKNOWN])
def test_i4_what_was_not_verified_has_no_record(evidence):
    """So an earlier finding stays open: an unknown is never clean."""
    outcome = judged(pair("orders", None, "abc123", 300))
    (part,) = outcome.cases.documents
    unsure = tuple(replace(case, evidence=evidence) for case in part.cases)
    cases = replace(outcome.cases, documents=(replace(part, cases=unsure),))
    assert not [name for name in records(replace(outcome, cases=cases)) if "abc123" in name]


def test_i4_an_answer_that_failed_has_no_record():
    """Although the recorded end is known."""
    outcome = judged(pair("orders", None, "abc123", 300))
    (part,) = outcome.cases.documents
    denied = Unanswered(reason="AccessDenied", remedy="allow it")
    unsure = tuple(replace(case, observation=denied) for case in part.cases)
    cases = replace(outcome.cases, documents=(replace(part, cases=unsure),))
    assert not [name for name in records(replace(outcome, cases=cases)) if "abc123" in name]


def test_i4_an_interrupted_run_resolves_nothing():
    """Nor one in which a source could not be read."""
    outcome = judged(pair("orders", None, "abc123", 300))
    cases = replace(outcome.cases, observations=Observations(asked=True, interrupted=True))
    assert records(replace(outcome, cases=cases)) == {}


@pytest.mark.parametrize(
    "rule", ["trust-outdated", "managed-twice", "rotation-overdue", "rotation-destroys-in-use"]
)
def test_i4_a_rule_whose_question_was_not_asked_resolves_nothing(rule):
    """No backend and no configuration was read, and one state says nothing about another: a finding stays open."""
    found = records(judged(pair("orders", None, "abc123", 300)))
    assert "abc123/certificate-expired" in found
    assert f"abc123/{rule}" not in found


@pytest.mark.parametrize(("trusted", "resolved"), [(True, True), (None, False)])
def test_i4_trust_is_resolved_only_by_a_bundle_that_was_read(trusted, resolved):
    """A bundle that could not be read confirms nothing."""
    stage, certificate = pair("orders", None, "abc123", 300)
    certificate = replace(certificate, fingerprint="ab" * 32)
    has = BundleCertificate(fingerprint="ab" * 32, subject="s", ends=NOW + timedelta(days=300))
    backend = TrustBackend(
        name="orders",
        stages=(str(stage.address),),
        bundle="t.pem",
        server="nginx",
        certificates=(has,) if trusted else None,
    )
    found = records(judged((stage, certificate), policy=Policy(backends=(backend,))))
    assert ("abc123/trust-outdated" in found) == resolved


@pytest.mark.parametrize("answer", [None, Unanswered(reason="AccessDenied", remedy="allow it")])
def test_i4_drift_of_a_stage_that_aws_did_not_answer_about_stays_open(answer):
    """As with `--drift due`, or a call that was denied, while AWS answered about another stage."""
    asked, silent = pair("a", "a", "cert-a", 300), pair("b", "b", "cert-b", 300)
    outcome = judged(asked, silent)
    shown = ObservedStage(kind=asked[0].kind, api_id="a", name="a", certificate_id="cert-a")
    stages = {stage_key(asked[0]): shown}
    if answer is not None:
        stages[stage_key(silent[0])] = answer
    observations = replace(outcome.cases.observations, asked=True, stages=stages)
    found = records(replace(outcome, cases=replace(outcome.cases, observations=observations)))
    assert "cert-a/certificate-drifted" in found
    assert "cert-b/certificate-drifted" not in found
    assert "cert-b/certificate-expiring" in found


def test_an_exempted_finding_is_suppressed_with_its_reason(tmp_path):
    """The unverified one of the run as a whole has no record."""
    outcome = mixed(tmp_path)
    found = records(outcome)
    gone = found["old000/certificate-gone"]
    assert gone["Workflow"] == {"Status": "SUPPRESSED"}
    assert gone["Note"]["Text"] == (
        "suppressed until 2026-12-31: the backend is retired in December"
    )
    assert not [name for name in found if UNVERIFIED in name]
    assert {each["Severity"]["Label"] for each in found.values()} == {
        "HIGH",
        "MEDIUM",
        "LOW",
        "INFORMATIONAL",
    }


def test_a_finding_without_a_place_is_refused_not_dropped():
    """Security Hub would not take it; a report without it would be a false clean."""
    stage, certificate = pair("orders", None, "abc123", 12)
    nowhere = judged((replace(stage, place=Place()), replace(certificate, place=Place())))
    with pytest.raises(UsageError, match="account and region of abc123 are not known"):
        FORMATS["asff"].render(nowhere)


def test_a_rule_that_the_policy_switches_off_resolves_nothing():
    """It judged nothing."""
    policy = Policy(rules=(("certificate-elsewhere", None),))
    found = records(judged(pair("orders", None, "abc123", 300), policy=policy))
    assert "abc123/certificate-expiring" in found
    assert "abc123/certificate-elsewhere" not in found


def test_the_stage_without_a_certificate_and_its_cure():
    """A rule about stages has a record for each stage, where the policy switches the rule on."""
    policy = Policy(rules=(("stage-without-certificate", Severity.ERROR),))
    stage, certificate = pair("orders", None, "abc123", 300)
    bare = replace(
        stage, presents=type(stage)(address=None, kind=stage.kind, api_id=None, name=None).presents
    )
    (before,) = [
        each
        for name, each in records(judged((bare, certificate), policy=policy)).items()
        if name.endswith("stage-without-certificate")
    ]
    (after,) = [
        each
        for name, each in records(judged((stage, certificate), policy=policy)).items()
        if name.endswith("stage-without-certificate")
    ]
    assert before["Id"] == after["Id"]
    assert before["Resources"][0]["Type"] == "AwsApiGatewayStage"
    assert [each["Compliance"]["Status"] for each in (before, after)] == ["FAILED", "PASSED"]


def test_a_thousand_certificates_are_valid():
    """In calls of a hundred."""
    assert len(validate(FORMATS["asff"].render(many(1000)))) > 1000
