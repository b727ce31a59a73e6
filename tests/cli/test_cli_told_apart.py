"""Four similar differences between AWS and state each have their own message."""

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
    """Return the APIs of the README's configuration in an account."""
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
    """Return a function that checks the state when nothing is due.

    It gives the text, stderr, rules and exit code.
    """

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
    """A stage moved outside Terraform is named with both certificates and the effect of the next
    apply.
    """
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
    """A deleted certificate is named with account and region, and the steps keep the trust."""
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
    """I4: a state of another account names both accounts and how to get the right credentials."""
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
    """I4: expired credentials are named as the reason, and the remedy is to sign in again."""
    aws.seed(certificate(ends="2026-12-06T01:39:35Z"), *readme())
    aws.faults.inject("*", EXPIRED)

    text, said, rules, code = told()

    assert (code, rules) == (3, {UNVERIFIED})
    assert "the AWS credentials have expired" in text
    assert "sign in again" in said
    assert "another" not in said


def test_a_state_of_two_accounts_is_asked_by_the_roles_of_the_policy(aws, told, story):
    """Two accounts are asked with the roles of the policy, one list each."""
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

    assert (code, rules) == (0, {MOVED})  # AWS has another end than state
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
    """I4: a role that cannot be assumed is named, and only its account is unverified."""
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
    """`-v` counts repeated and throttled calls on stderr; without it nothing is printed."""
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
    """`-v --offline` says that no calls were made."""
    done = tfcert("check", STATE, "--offline", "-v", cwd=story)
    assert done.stderr.decode().splitlines()[-1] == "tfcert: calls to AWS: none"


def test_v_counts_what_fails_as_well(tfcert, story, aws):
    """`-v` counts failed calls too."""
    aws.faults.inject("*", access_denied())
    done = tfcert("check", STATE, "-v", "--no-drift", cwd=story, environment=aws.environment())
    assert "GetClientCertificates" in done.stderr.decode()
    assert done.returncode in {1, 3}
