"""What a tired person reads when AWS and state differ: four troubles that look alike, each told in words of its own."""

from __future__ import annotations

from datetime import datetime

import pytest

from checker.demo.emulator import AnswerFault, SeedApi, SeedCertificate, SeedRole, access_denied

STATE = "terraform.tfstate"
OTHER = "222222222222"
MOVED = "certificate-drifted"
DELETED = "certificate-gone"
UNVERIFIED = "certificate-unverified"
EXPIRED = AnswerFault(
    status=403,
    code="ExpiredTokenException",
    message="The security token included in the request is expired",
)


def readme(account="123456789012", presents="rj3hhn"):
    """What AWS has of the README's configuration, in an account."""
    return (
        SeedApi(
            id="lo64vzqnaj",
            name="orders",
            stages={"test": "rj3hhn", "live": "rj3hhn"},
            account=account,
        ),
        SeedApi(id="tytvdpoyw3", name="billing", stages={"live": presents}, account=account),
    )


def certificate(identity="rj3hhn", ends="2027-06-01T00:00:00Z", **more):
    return SeedCertificate(id=identity, expires_at=datetime.fromisoformat(ends), **more)


@pytest.fixture
def told(tfcert, outcome, story, aws):
    """Check the README's state on a day on which nothing nears its end: the text, stderr, the rules, the exit code."""

    def run(*arguments, text=None):
        if text is not None:
            (story / STATE).write_text(text((story / STATE).read_text()))
        options = (STATE, "--as-of", "2026-07-01", *arguments)
        done = tfcert("check", *options, cwd=story, environment=aws.environment())
        document, code = outcome(*options, cwd=story, environment=aws.environment())
        assert code == done.returncode
        assert b"Traceback" not in done.stderr
        rules = {finding["rule"] for finding in document["findings"]}
        return " ".join(done.stdout.decode().split()), done.stderr.decode(), rules, code

    return run


def test_a_stage_that_was_moved_by_hand(aws, told):
    """Named with both certificates, the new one's end, and what the next apply would do."""
    aws.seed(
        certificate(ends="2026-12-06T01:39:35Z"), certificate("byhand"), *readme(presents="byhand")
    )

    text, _, rules, code = told()

    assert (code, rules) == (0, {MOVED})
    assert (
        "in AWS aws_api_gateway_stage.billing presents certificate byhand, which ends on 2027-06-01; by state certificate rj3hhn: "
        "somebody changed it outside Terraform" in text
    )
    assert "the next apply moves it back to rj3hhn" in text


def test_a_certificate_that_was_deleted_by_hand(aws, told):
    """Named with where it was looked for, and with an order of steps that leaves no moment without trust."""
    aws.seed(*readme())

    text, _, rules, code = told()

    assert (code, rules) == (1, {DELETED})
    assert (
        "AWS does not know certificate rj3hhn (account 123456789012, region us-east-1), presented by"
        in text
    )
    assert "it was deleted outside Terraform, or state is out of date" in text
    assert "do not apply everything at once" in text
    assert "terraform apply -target='aws_api_gateway_client_certificate.backend'" in text


def test_i4_a_state_of_another_account(aws, told):
    """Both accounts are named, and what gives credentials of the right one; nothing is called gone, nothing is clean."""
    aws.seed(certificate(ends="2026-12-06T01:39:35Z"), *readme())

    text, said, rules, code = told(text=lambda state: state.replace("123456789012", OTHER))

    assert (code, rules) == (3, {UNVERIFIED})
    assert (
        f"the credentials are of account 123456789012, and it is recorded in another one, {OTHER}"
        in text
    )
    for way in ("--profile", "--role-arn", f'[accounts."{OTHER}"] role = "…" in tfcert.toml'):
        assert way in text
        assert way in said


def test_i4_expired_credentials(aws, told):
    """It is the credentials, not the state and not AWS, and signing in is what helps."""
    aws.seed(certificate(ends="2026-12-06T01:39:35Z"), *readme())
    aws.faults.inject("*", EXPIRED)

    text, said, rules, code = told()

    assert (code, rules) == (3, {UNVERIFIED})
    assert "the AWS credentials have expired" in text
    assert "sign in again" in said
    assert "another" not in said


def test_a_state_of_two_accounts_is_asked_by_the_roles_of_the_policy(aws, told, story):
    """Each account by its own role with its external id; the count of calls names both, a list each."""
    role = f"arn:aws:iam::{OTHER}:role/tfcert"
    aws.seed(certificate(account=OTHER), *readme(OTHER), SeedRole(arn=role, external_id="tf-17"))
    (story / "tfcert.toml").write_text(
        f'[accounts."{OTHER}"]\nrole = "tfcert"\nexternal_id = "tf-17"\n'
    )
    (story / "ours.tfstate").write_text((story / STATE).read_text())
    aws.seed(certificate(), *readme())

    _, said, rules, code = told(
        "ours.tfstate", "-v", text=lambda state: state.replace("123456789012", OTHER)
    )

    assert (code, rules) == (0, {MOVED})  # the end that AWS has is another one than that of state
    lines = [line.split(None, 1)[1].strip() for line in said.splitlines()]
    assert lines[0] == "calls to AWS: 9"
    assert sorted(" ".join(line.split()) for line in lines[1:]) == [
        "AssumeRole account 123456789012, region us-east-1: 1",
        "GetCallerIdentity account 123456789012, region us-east-1: 1",
        f"GetCallerIdentity account {OTHER}, region us-east-1: 1",
        "GetClientCertificates account 123456789012, region us-east-1: 1",
        f"GetClientCertificates account {OTHER}, region us-east-1: 1",
        "GetStages account 123456789012, region us-east-1: 2",
        f"GetStages account {OTHER}, region us-east-1: 2",
    ]


def test_i4_a_role_that_may_not_be_assumed_leaves_its_account_alone_unverified(aws, told, story):
    """The role is named, and the action that is missing."""
    aws.seed(
        certificate(ends="2026-12-06T01:39:35Z"),
        *readme(),
        SeedRole(arn="arn:aws:iam::999999999999:role/other"),
    )
    (story / "tfcert.toml").write_text(f'[accounts."{OTHER}"]\nrole = "tfcert"\n')
    (story / "ours.tfstate").write_text((story / STATE).read_text())

    text, _, rules, code = told(
        "ours.tfstate", "--all", text=lambda state: state.replace("123456789012", OTHER)
    )

    assert (code, rules) == (3, {UNVERIFIED})
    assert (
        f"the role arn:aws:iam::{OTHER}:role/tfcert could not be assumed: AssumeRole in region us-east-1"
        in text
    )
    assert "sts:AssumeRole on the role" in text
    assert text.count(UNVERIFIED) == 1
    assert "(observed)" in text


@pytest.mark.parametrize("verb", ["check", "patch", "bundle"])
def test_v_tells_what_was_sent_again_and_what_was_throttled(tfcert, story, aws, verb):
    """On stderr, whatever becomes of it; and nothing without it."""
    aws.seed(certificate(ends="2026-12-06T01:39:35Z"), *readme())
    aws.faults.inject(
        "GetClientCertificates",
        AnswerFault(status=429, code="TooManyRequestsException", message="x"),
        times=1,
    )

    done = tfcert(verb, STATE, "-v", cwd=story, environment=aws.environment())
    silent = tfcert(verb, STATE, cwd=story, environment=aws.environment())

    told = " ".join(done.stderr.decode().split())
    assert (
        "GetClientCertificates account 123456789012, region us-east-1: 2 (1 sent again, 1 throttled)"
        in told
    )
    assert "calls to AWS" not in silent.stderr.decode()
    assert "calls to AWS" not in done.stdout.decode()


def test_v_offline_says_that_nothing_was_asked(tfcert, story):
    """Then boto3 is not even there."""
    done = tfcert("check", STATE, "--offline", "-v", cwd=story)
    assert done.stderr.decode().splitlines()[-1] == "tfcert: calls to AWS: none"


def test_v_counts_what_fails_as_well(tfcert, story, aws):
    """A denied call was a call."""
    aws.faults.inject("*", access_denied())
    done = tfcert("check", STATE, "-v", "--no-drift", cwd=story, environment=aws.environment())
    assert "GetClientCertificates" in done.stderr.decode()
    assert done.returncode in {1, 3}
