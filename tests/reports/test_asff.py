"""The ASFF format, checked against botocore's model of BatchImportFindings and AWS's
length limits.
"""

from __future__ import annotations

import json
from datetime import timedelta

import botocore.session
import pytest
from botocore.validate import ParamValidator
from msgspec.structs import replace
from outcomes import ADDRESS, due, finding, judged, many, mixed, pair
from world import NOW, STAGE

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
    """Return the records; check them with botocore, AWS's length limits and for distinct Ids."""
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
    """Return the records by certificate and rule."""
    return {
        "/".join(each["Id"].split("/")[-2:]): each
        for each in validate(FORMATS["asff"].render(outcome))
    }


def test_a_finding_has_failed_and_the_other_rules_have_passed(tmp_path):
    """A finding is a FAILED record, and each other rule that judged the certificate is a PASSED
    one.
    """
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
    """A fixed finding has the same Id in the next run, with PASSED."""
    before = records(judged(pair("orders", None, "abc123", 12)))
    after = records(judged(pair("orders", None, "abc123", 300)))
    name = "abc123/certificate-expiring"
    assert before[name]["Id"] == after[name]["Id"]
    assert (before[name]["Compliance"]["Status"], after[name]["Compliance"]["Status"]) == (
        "FAILED",
        "PASSED",
    )


def test_the_id_stays_while_days_pass():
    """The Id stays the same on the next day, and UpdatedAt is later."""
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
    """I4: an unverified certificate has no record, so an earlier finding stays open."""
    outcome = judged(pair("orders", None, "abc123", 300))
    (part,) = outcome.cases.documents
    unsure = tuple(replace(case, evidence=evidence) for case in part.cases)
    cases = replace(outcome.cases, documents=(replace(part, cases=unsure),))
    assert not [name for name in records(replace(outcome, cases=cases)) if "abc123" in name]


def test_i4_an_answer_that_failed_has_no_record():
    """I4: a certificate without an answer of AWS has no record, although its recorded end
    is known.
    """
    outcome = judged(pair("orders", None, "abc123", 300))
    (part,) = outcome.cases.documents
    denied = Unanswered(reason="AccessDenied", remedy="allow it")
    unsure = tuple(replace(case, observation=denied) for case in part.cases)
    cases = replace(outcome.cases, documents=(replace(part, cases=unsure),))
    assert not [name for name in records(replace(outcome, cases=cases)) if "abc123" in name]


def test_i4_an_interrupted_run_resolves_nothing():
    """I4: an interrupted run has no PASSED records."""
    outcome = judged(pair("orders", None, "abc123", 300))
    cases = replace(outcome.cases, observations=Observations(asked=True, interrupted=True))
    assert records(replace(outcome, cases=cases)) == {}


@pytest.mark.parametrize(
    "rule", ["trust-outdated", "managed-twice", "rotation-overdue", "rotation-destroys-in-use"]
)
def test_i4_a_rule_whose_question_was_not_asked_resolves_nothing(rule):
    """I4: a rule whose data was not read has no PASSED record, so its finding stays open."""
    found = records(judged(pair("orders", None, "abc123", 300)))
    assert "abc123/certificate-expired" in found
    assert f"abc123/{rule}" not in found


@pytest.mark.parametrize(("trusted", "resolved"), [(True, True), (None, False)])
def test_i4_trust_is_resolved_only_by_a_bundle_that_was_read(trusted, resolved):
    """I4: trust-outdated is PASSED only if the backend's bundle was read."""
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
    """I4: certificate-drifted of a stage without an answer of AWS has no PASSED record."""
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
    """An exempted finding is SUPPRESSED with its reason; an unverified finding has no record."""
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
    """A finding without account and region is an error, because Security Hub needs both."""
    stage, certificate = pair("orders", None, "abc123", 12)
    nowhere = judged((replace(stage, place=Place()), replace(certificate, place=Place())))
    with pytest.raises(UsageError, match="account and region of abc123 are not known"):
        FORMATS["asff"].render(nowhere)


def test_a_rule_that_the_policy_switches_off_resolves_nothing():
    """A rule that the policy switches off has no records."""
    policy = Policy(rules=(("certificate-elsewhere", None),))
    found = records(judged(pair("orders", None, "abc123", 300), policy=policy))
    assert "abc123/certificate-expiring" in found
    assert "abc123/certificate-elsewhere" not in found


def test_the_stage_without_a_certificate_and_its_cure():
    """stage-without-certificate has a record per stage if the policy enables it, with the same Id
    after the fix.
    """
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
    """A report of a thousand certificates is valid in batches of a hundred."""
    assert len(validate(FORMATS["asff"].render(many(1000)))) > 1000


def test_a_finding_about_a_place_and_one_about_a_stage_have_that_place():
    """A finding about a region has the region, and one about the stages of a certificate the
    place of the first stage.
    """
    place = Place("aws", "999999999999", "eu-west-1")
    stage, certificate = pair("orders", None, "abc123", 300)
    outcome = judged((stage, certificate))
    elsewhere = replace(stage, place=place)
    more = (
        finding(rule="certificate-quota", about=place, certificate_id=None, address=None),
        finding(rule="certificate-elsewhere", about=(elsewhere,), certificate_id="abc123"),
        finding(rule="stage-detached", about=(elsewhere,), certificate_id="abc123"),
    )
    found = {
        each["GeneratorId"].removeprefix("tfcert/"): each
        for each in validate(FORMATS["asff"].render(replace(outcome, findings=more)))
        if each["AwsAccountId"] == place.account
    }
    assert {rule: each["Resources"][0]["Id"] for rule, each in found.items()} == {
        "certificate-quota": "certificate-quota",
        "certificate-elsewhere": "arn:aws:apigateway:eu-west-1::/clientcertificates/abc123",
        "stage-detached": f"{STAGE}.orders",
    }
    assert found["stage-detached"]["Resources"][0]["Type"] == "AwsApiGatewayStage"


def test_what_has_no_place_is_not_resolved():
    """A certificate and a stage without a place have no PASSED record, and are no error."""
    stage, certificate = pair("orders", None, "abc123", 300)
    one, other = pair("a", "a", "cert-a", 300), pair("b", "b", "cert-b", 300)
    west = Place("aws", "123456789012", "eu-west-1")
    nowhere = (replace(stage, place=Place()), replace(certificate, place=Place()))
    moved = tuple(replace(each, place=west) for each in other)
    found = records(judged(nowhere, one, moved))
    assert "cert-a/certificate-expired" in found
    assert not [name for name in found if "abc123" in name or "orders" in name]
