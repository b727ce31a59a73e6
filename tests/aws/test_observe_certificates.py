"""Observing client certificates on the emulator."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from counting import calls
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from checker.aws import Connection
from checker.aws.session import RequestPace
from checker.demo.emulator import SeedApi, SeedCertificate, access_denied, unavailable
from checker.model.observation import Found, Gone, Unanswered
from checker.model.places import Place
from checker.model.resources import StageKind

ENDS = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def test_a_certificate_that_aws_has_is_found_with_its_dates_and_the_fingerprint_of_its_pem(
    aws, key, look
):
    """A found certificate has AWS's dates in UTC, its PEM, and the SHA-256 of its DER."""
    aws.seed(SeedCertificate(id="abc123", expires_at=ENDS))

    seen = look([key("abc123")])

    pem = aws.client("apigateway").get_client_certificate(clientCertificateId="abc123")[
        "pemEncodedCertificate"
    ]
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    found = seen.certificates[key("abc123")]
    assert found == Found(
        expires_at=ENDS,
        created_at=ENDS - timedelta(days=365),
        fingerprint=hashlib.sha256(der).hexdigest(),
        pem=pem.replace("\r\n", "\n") + "\n",
    )
    assert found.expires_at.tzinfo is UTC
    assert "\r\n" in pem
    assert seen.asked
    assert seen.notices == ()


def test_all_certificates_of_a_region_take_one_call_and_the_caller_is_asked_for_once_in_a_run(
    aws, key, look
):
    """A region takes one list call, and a run one GetCallerIdentity."""
    regions = ("us-east-1", "eu-west-1", "ap-south-1")
    aws.seed(
        *(SeedCertificate(id=f"cert{n:02}", region=region) for region in regions for n in range(30))
    )
    keys = [key(f"cert{n:02}", region=region) for region in regions for n in range(30)]

    seen = look(keys)

    assert set(map(type, seen.certificates.values())) == {Found}
    assert len(seen.certificates) == 90
    assert calls(seen) == {"GetClientCertificates": 3, "GetCallerIdentity": 1}
    assert sorted(call.region for call in aws.calls("GetClientCertificates")) == sorted(regions)
    assert len(aws.calls()) == 4
    assert seen.certificate_counts == {
        Place(None, "123456789012", region): 30 for region in regions
    }


def test_every_request_to_api_gateway_waits_its_turn_retries_included(aws, key, look, monkeypatch):
    """Each API Gateway request, also a retry, waits for the pace of its region; STS does not."""
    paces = []

    class Counted(RequestPace):
        def __init__(self):
            super().__init__()
            self.waits = 0
            paces.append(self)

        def wait(self):
            self.waits += 1
            super().wait()

    monkeypatch.setattr("checker.aws.session.RequestPace", Counted)
    aws.faults.inject("GetClientCertificates", unavailable(), times=1)
    aws.seed(SeedApi(id="rest1", stages={}))
    regions = ("us-east-1", "eu-west-1")

    look(
        [key("abc123", region=region) for region in regions],
        surveys=[Place("aws", "123456789012", "us-east-1")],
    )

    sent = Counter(call.region for call in aws.calls() if call.service != "sts")
    assert sorted(pace.waits for pace in paces if pace.waits) == sorted(sent.values())
    assert sent.total() == 6


def test_certificates_beyond_the_first_page_are_found(aws, key, look):
    """Certificates beyond the first page are found."""
    aws.seed(*(SeedCertificate(id=f"c{n:05}") for n in range(501)))

    seen = look([key("c00000"), key("c00500"), key("c00501")])

    assert isinstance(seen.certificates[key("c00500")], Found)
    assert seen.certificates[key("c00501")] == Gone()
    assert calls(seen)["GetClientCertificates"] == 2


def test_a_certificate_that_is_not_in_its_own_account_is_gone(aws, key, look):
    """A certificate that the recorded account does not have is gone."""
    assert look([key("abc123")]).certificates == {key("abc123"): Gone()}


@pytest.mark.parametrize("there", [True, False])
def test_a_certificate_of_another_account_is_unanswered_and_never_gone(aws, key, look, there):
    """A certificate of another account is unanswered, even if its id exists here."""
    if there:
        aws.seed(SeedCertificate(id="abc123"))
    foreign = key("abc123", account="222222222222")

    answer = look([foreign]).certificates[foreign]

    assert isinstance(answer, Unanswered)
    assert "222222222222" in answer.reason
    assert "123456789012" in answer.reason
    assert "--role-arn" in answer.remedy


def test_keys_of_two_accounts_in_one_region_are_told_apart(aws, key, look):
    """Keys of two accounts in one region are answered separately."""
    aws.seed(SeedCertificate(id="abc123"))

    seen = look([key("abc123"), key("abc123", account="222222222222")]).certificates

    assert isinstance(seen[key("abc123")], Found)
    assert isinstance(seen[key("abc123", account="222222222222")], Unanswered)


@pytest.mark.parametrize("kind", list(StageKind))
def test_where_no_account_is_recorded_a_stage_that_aws_has_proves_that_the_certificate_is_gone(
    aws, key, stage, look, kind
):
    """Without a recorded account, an existing stage of the same state proves that the certificate
    is gone.
    """
    aws.seed(SeedApi(id="api1", kind=kind.value, stages={"prod": "abc123"}))
    unplaced = key("abc123", account=None)

    seen = look([unplaced], anchors=[stage("api1", "prod", kind=kind, presents="abc123")])

    assert seen.certificates[unplaced] == Gone()
    assert calls(seen)["GetStage"] == 1


def test_a_certificate_that_is_found_needs_no_proof(aws, key, stage, look):
    """A certificate that is found needs no proof by a stage."""
    aws.seed(SeedCertificate(id="abc123"), SeedApi(id="api1", stages={"prod": "abc123"}))

    seen = look([key("abc123", account=None)], anchors=[stage("api1", "prod", presents="abc123")])

    assert isinstance(seen.certificates[key("abc123", account=None)], Found)
    assert "GetStage" not in calls(seen)


def test_where_no_account_is_recorded_and_no_stage_is_found_nothing_is_called_gone(
    aws, key, stage, look
):
    """Without a recorded account and without an existing stage, no certificate is gone."""
    unplaced = key("abc123", account=None)
    anchors = [
        stage("api1", "prod"),
        stage("api1", "prod", region="eu-west-1"),
        stage(None, "prod"),
        stage("api1", None),
        stage("api2", "dev", kind=StageKind.WEBSOCKET),
    ]

    answers = [look([unplaced], anchors=some).certificates[unplaced] for some in ([], anchors)]

    for answer in answers:
        assert isinstance(answer, Unanswered)
        assert "no document says whether account 123456789012 is the right one" in answer.reason
        assert "--role-arn" in answer.remedy


def test_the_stage_that_presents_a_certificate_outweighs_others_of_the_region(
    aws, key, stage, look
):
    """The proof needs the stage that presents the certificate, if one is recorded."""
    aws.seed(SeedApi(id="theirs", stages={"prod": None}))
    unplaced = key("abc123", account=None)

    seen = look(
        [unplaced], anchors=[stage("theirs", "prod"), stage("ours", "prod", presents="abc123")]
    )

    assert isinstance(seen.certificates[unplaced], Unanswered)


def test_a_stage_of_a_name_that_the_api_has_not_proves_nothing(aws, key, stage, look):
    """A stage with another name in the same API proves nothing."""
    aws.seed(SeedApi(id="api1", stages={"prod": None}))
    unplaced = key("abc123", account=None)

    seen = look([unplaced], anchors=[stage("api1", "dev", presents="abc123")])

    assert isinstance(seen.certificates[unplaced], Unanswered)


def test_a_stage_of_another_region_proves_nothing(aws, key, stage, look):
    """A stage of another region proves nothing."""
    aws.seed(SeedApi(id="api1", stages={"prod": None}))
    unplaced = key("abc123", account=None)

    seen = look([unplaced], anchors=[stage("api1", "prod", region="eu-west-1")])

    assert isinstance(seen.certificates[unplaced], Unanswered)
    assert "GetStage" not in calls(seen)


def test_the_account_of_the_stage_that_presents_a_certificate_is_the_certificates(
    aws, key, stage, look
):
    """A stage's execution ARN gives the account of its certificate."""
    unplaced = key("abc123", account=None)
    here, there = (
        stage("api1", "prod", account=account, presents="abc123")
        for account in ("123456789012", "222222222222")
    )

    mine, theirs, both = (
        look([unplaced], anchors=some) for some in ([here], [there], [here, there])
    )

    assert mine.certificates[unplaced] == Gone()
    assert "GetStage" not in calls(mine)
    assert isinstance(theirs.certificates[unplaced], Unanswered)
    assert "222222222222" in theirs.certificates[unplaced].reason
    assert isinstance(both.certificates[unplaced], Unanswered)


def test_no_more_than_a_few_stages_are_asked_for_and_none_of_them_twice(aws, key, stage, look):
    """At most three stages are asked as proof, none of them twice."""
    keys = [key(f"abc{n:03}", account=None) for n in range(20)]
    anchors = [stage(f"api{n}", "prod") for n in range(20)]

    assert calls(look(keys, anchors=anchors))["GetStage"] == 3


def test_without_sts_what_is_found_is_found_and_what_is_not_needs_a_stage_as_proof(
    aws, key, stage, look
):
    """Without STS, a listed certificate is found, and a missing one needs a stage as proof."""
    aws.seed(SeedCertificate(id="here00"), SeedApi(id="api1", stages={"prod": "gone00"}))
    aws.faults.inject("GetCallerIdentity", access_denied())
    anchor = stage("api1", "prod", account="123456789012", presents="gone00")

    bare = look([key("here00"), key("gone00")]).certificates
    proven = look([key("here00"), key("gone00")], anchors=[anchor]).certificates

    assert isinstance(bare[key("here00")], Found)
    assert isinstance(bare[key("gone00")], Unanswered)
    assert "sts:GetCallerIdentity" in bare[key("gone00")].reason
    assert "123456789012" in bare[key("gone00")].remedy
    assert isinstance(proven[key("here00")], Found)
    assert proven[key("gone00")] == Gone()


def test_a_proof_that_is_denied_is_named_in_the_answer(aws, key, stage, look):
    """A denied proof is named in the reason."""
    aws.seed(SeedApi(id="api1", stages={"prod": "abc123"}))
    aws.faults.inject("GetStage", access_denied())
    unplaced = key("abc123", account=None)

    answer = look([unplaced], anchors=[stage("api1", "prod", presents="abc123")]).certificates[
        unplaced
    ]

    assert isinstance(answer, Unanswered)
    assert "apigateway:GET on /restapis/*/stages/*" in answer.reason


def test_the_same_key_twice_is_one_answer(aws, key, look):
    """A key that is given twice has one answer."""
    aws.seed(SeedCertificate(id="abc123"))
    assert len(look([key("abc123"), key("abc123")]).certificates) == 1


def test_nothing_to_ask_imports_no_boto3_and_is_asked_all_the_same():
    """Without questions boto3 is not imported, and the observation still counts as asked."""
    script = """
import sys
from checker.aws import Connection, observe
seen = observe([], [], [], connection=Connection())
assert seen.asked and seen.traffic == (), seen
assert not {"boto3", "botocore", "urllib3"} & set(sys.modules), "imported"
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_key_without_a_region_is_asked_of_the_environments(aws, key, look, monkeypatch, variable):
    """A key without a region is asked in AWS_REGION or AWS_DEFAULT_REGION."""
    monkeypatch.setenv(variable, "eu-west-1")
    aws.seed(SeedCertificate(id="abc123", region="eu-west-1"))

    assert isinstance(
        look([key("abc123", region=None)]).certificates[key("abc123", region=None)], Found
    )


def test_a_key_without_a_region_is_asked_of_the_command_lines_first(aws, key, look, monkeypatch):
    """A key without a region is asked in `--region` first."""
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    aws.seed(SeedCertificate(id="abc123", region="eu-west-1"))

    seen = look([key("abc123", region=None)], connection=Connection(region="eu-west-1", timeout=10))

    assert isinstance(seen.certificates[key("abc123", region=None)], Found)
    assert seen.notices == ()


def test_a_recorded_region_wins_over_the_command_lines_and_a_notice_says_so(aws, key, look):
    """A recorded region overrides `--region`, with a notice."""
    aws.seed(SeedCertificate(id="abc123", region="us-east-1"))

    seen = look([key("abc123")], connection=Connection(region="eu-west-1", timeout=10))

    assert isinstance(seen.certificates[key("abc123")], Found)
    assert (
        look([key("abc123")], connection=Connection(region="us-east-1", timeout=10)).notices == ()
    )
    assert [("--region eu-west-1" in text, "us-east-1" in text) for text in seen.notices] == [
        (True, True)
    ]


def test_where_no_region_is_recorded_a_stage_must_prove_that_it_is_the_right_one(
    aws, key, stage, look, monkeypatch
):
    """Without a recorded region, a stage must prove that the region is right."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    aws.seed(SeedApi(id="api1", stages={"prod": "abc123"}, region="eu-west-1"))
    nowhere = key("abc123", region=None)

    bare = look([nowhere]).certificates[nowhere]
    proven = look(
        [nowhere], anchors=[stage("api1", "prod", region=None, presents="abc123")]
    ).certificates[nowhere]

    assert isinstance(bare, Unanswered)
    assert "right region" in bare.reason
    assert "--region" in bare.remedy
    assert proven == Gone()


def test_without_any_region_the_key_is_unanswered_and_others_are_answered(aws, key, look):
    """Without any region the key is unanswered, the remedy names --region, and others are
    answered.
    """
    aws.seed(SeedCertificate(id="abc123"))
    nowhere = key("abc124", region=None)

    seen = look([key("abc123"), nowhere], surveys=[Place("aws", None, None)])

    assert isinstance(seen.certificates[key("abc123")], Found)
    assert isinstance(seen.certificates[nowhere], Unanswered)
    assert "no region is known" in seen.certificates[nowhere].reason
    assert "--region" in seen.certificates[nowhere].remedy
    assert isinstance(seen.surveys[Place("aws", None, None)], Unanswered)


def test_a_role_is_assumed_for_all_questions(aws, key, look):
    """`--role-arn` is assumed for all questions."""
    aws.seed(SeedCertificate(id="abc123", account="222222222222"))
    theirs = key("abc123", account="222222222222")

    seen = look(
        [theirs],
        connection=Connection(role_arn="arn:aws:iam::222222222222:role/reader", timeout=10),
    )

    assert isinstance(seen.certificates[theirs], Found)
    assert calls(seen) == {"AssumeRole": 1, "GetClientCertificates": 1, "GetCallerIdentity": 1}
    assert len(aws.calls()) == 3


def test_a_role_that_may_not_be_assumed_is_named(aws, key, look):
    """A role that cannot be assumed is named, and no other credentials are used."""
    aws.faults.inject("AssumeRole", access_denied())
    role = "arn:aws:iam::222222222222:role/reader"

    seen = look([key("abc123")], connection=Connection(role_arn=role, timeout=10))

    answer = seen.certificates[key("abc123")]
    assert isinstance(answer, Unanswered)
    assert role in answer.reason
    assert "sts:AssumeRole" in answer.reason
    assert set(calls(seen)) == {"AssumeRole"}


def test_a_profile_gives_region_and_credentials(aws, key, look, monkeypatch, tmp_path):
    """`--profile` gives region and credentials, as in the AWS CLI."""
    config = tmp_path / "config"
    config.write_text(
        "[profile audit]\nregion = eu-west-1\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    aws.seed(SeedCertificate(id="abc123", region="eu-west-1"))

    seen = look([key("abc123", region=None)], connection=Connection(profile="audit", timeout=10))

    assert isinstance(seen.certificates[key("abc123", region=None)], Found)


def test_a_profile_that_is_not_there_is_named(aws, key, look):
    """A missing profile is named, and no other credentials are used."""
    both = [key("abc123"), key("abc123", region=None)]

    seen = look(both, connection=Connection(profile="nope", timeout=10))

    for one in both:
        assert isinstance(seen.certificates[one], Unanswered)
        assert "'nope'" in seen.certificates[one].reason
    assert aws.calls() == ()
