"""Observing several accounts: each with its own role, and one failed role affects only
its account.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from checker.analysis.certificate_uses import stage_key
from checker.aws import Connection
from checker.aws.connection import Role
from checker.aws.session import Clients
from checker.cli.aws import Aws
from checker.demo.emulator import Hang, SeedAcm, SeedApi, SeedCertificate, SeedRole, access_denied
from checker.model.observation import Calls, Found, Gone, Surveyed, Unanswered
from checker.model.places import Place
from checker.model.policy import AccountAccess

OWN, SECOND, THIRD = "123456789012", "222222222222", "333333333333"
HUB = "arn:aws:iam::999999999999:role/hub"


def role(account, name="reader"):
    return f"arn:aws:iam::{account}:role/{name}"


def entering(*accounts, timeout=10.0, **more):
    """Return a connection with a role in each account."""
    access = tuple(
        AccountAccess(account=account, role="reader", external_id=f"id-{account}")
        for account in accounts
    )
    return Connection(accounts=access, timeout=timeout, **more)


@pytest.fixture
def organisation(aws):
    """Return three accounts that have a certificate with the same id, and roles with
    external ids.
    """
    aws.seed(
        *(
            SeedCertificate(id="abc123", account=account, description=account)
            for account in (OWN, SECOND, THIRD)
        ),
        SeedCertificate(id="only33", account=THIRD, region="eu-west-1"),
        *(
            SeedApi(id=f"api{n}", account=account, stages={"prod": "abc123"})
            for n, account in enumerate((OWN, SECOND, THIRD))
        ),
        *(SeedRole(arn=role(account), external_id=f"id-{account}") for account in (SECOND, THIRD)),
        SeedRole(arn=HUB),
    )
    return aws


def test_each_account_is_asked_once_a_region_in_its_own_role(organisation, key, look):
    """Each account and region has one list call, each role is assumed once, and calls are counted
    by account.
    """
    keys = [key("abc123", account=account) for account in (OWN, SECOND, THIRD)]
    far = key("only33", account=THIRD, region="eu-west-1")

    seen = look([*keys, far, key("none00", account=SECOND)], connection=entering(SECOND, THIRD))

    assert [type(seen.certificates[each]) for each in (*keys, far)] == [Found] * 4
    assert len({seen.certificates[each].fingerprint for each in keys}) == 3
    assert seen.certificates[key("none00", account=SECOND)] == Gone()
    lists = [(call.account, call.region) for call in organisation.calls("GetClientCertificates")]
    assert sorted(lists) == [
        (OWN, "us-east-1"),
        (SECOND, "us-east-1"),
        (THIRD, "eu-west-1"),
        (THIRD, "us-east-1"),
    ]
    assert [call.account for call in organisation.calls("AssumeRole")] == [OWN, OWN]
    counted = [entry for entry in seen.traffic if entry.operation == "GetClientCertificates"]
    assert counted == [
        Calls(operation="GetClientCertificates", account=account, region=region, sent=1)
        for account, region in sorted(lists)
    ]
    assert sum(entry.sent for entry in seen.traffic) == len(organisation.calls())


def test_what_an_account_holds_is_told_by_account(organisation, key, look):
    """The number of certificates is counted per account and region."""
    seen = look(
        [key("abc123", account=account) for account in (OWN, SECOND)], connection=entering(SECOND)
    )
    assert seen.certificate_counts == {
        Place(None, account, "us-east-1"): 1 for account in (OWN, SECOND)
    }


def test_drift_and_surveys_are_asked_of_their_accounts_as_well(organisation, stage, look):
    """Drift and surveys are asked with the role of their account."""
    theirs = stage("api1", "prod", account=SECOND, presents="gone00")
    place = Place("aws", THIRD, "us-east-1")

    seen = look(
        surveys=[place], anchors=[theirs], connection=entering(SECOND, THIRD), drift=[theirs]
    )

    assert seen.stages[stage_key(theirs)].certificate_id == "abc123"
    assert isinstance(seen.surveys[place], Surveyed)
    assert [each.api_id for each in seen.surveys[place].stages] == ["api2"]
    besides = [(answer_for.id, answer_for.place.account) for answer_for in seen.certificates]
    assert besides == [("abc123", SECOND)]


def test_a_certificate_of_acm_is_asked_of_the_account_in_its_arn(organisation, key, look):
    """An ACM certificate is asked in the account of its ARN."""
    arn = f"arn:aws:acm:us-east-1:{SECOND}:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
    organisation.seed(SeedAcm(arn=arn, expires_at=datetime(2027, 3, 1, tzinfo=UTC)))

    seen = look([key(arn, account=OWN)], connection=entering(SECOND))

    assert isinstance(seen.certificates[key(arn, account=OWN)], Found)
    assert [call.account for call in organisation.calls("DescribeCertificate")] == [SECOND]


@pytest.mark.parametrize(
    ("access", "reason"),
    [
        (
            AccountAccess(account=SECOND, role="nobody"),
            f"the role {role(SECOND, 'nobody')} could not be assumed",
        ),
        (
            AccountAccess(account=SECOND, role=role(SECOND), external_id="wrong"),
            f"the role {role(SECOND)} could not be assumed",
        ),
        (
            AccountAccess(account=SECOND),
            f"the credentials are of account {OWN}, and it is recorded in another one, {SECOND}",
        ),
    ],
)
def test_i4_an_account_that_cannot_be_entered_is_unverified_and_the_others_are_answered(
    organisation, key, look, access, reason
):
    """I4: certificates of an account whose role fails are unanswered, and the others are
    answered.
    """
    theirs = [key("abc123", account=SECOND), key("abc123", account=SECOND, region="eu-west-1")]
    mine = key("abc123")

    seen = look([mine, *theirs], connection=Connection(accounts=(access,), timeout=10))

    assert isinstance(seen.certificates[mine], Found)
    for each in theirs:
        assert isinstance(seen.certificates[each], Unanswered)
        assert reason in seen.certificates[each].reason
    assert len(organisation.calls("AssumeRole")) == (access.role is not None)


def test_an_account_without_a_role_says_where_one_is_named(organisation, key, look):
    """For an account without a role, the remedy names the policy's table, --role-arn and
    --profile.
    """
    answer = look([key("abc123", account=THIRD)], connection=entering(SECOND)).certificates[
        key("abc123", account=THIRD)
    ]

    assert isinstance(answer, Unanswered)
    assert f'[accounts."{THIRD}"] role = "…" in tfcert.toml' in answer.remedy
    assert "--role-arn" in answer.remedy
    assert "--profile" in answer.remedy


def test_the_roles_of_accounts_are_assumed_by_the_command_lines_role(organisation, key, look):
    """With --role-arn, the roles of the accounts are assumed from that role."""
    seen = look([key("abc123", account=SECOND)], connection=entering(SECOND, role_arn=HUB))

    assert isinstance(seen.certificates[key("abc123", account=SECOND)], Found)
    assert [call.account for call in organisation.calls("AssumeRole")] == [OWN, "999999999999"]


def test_for_its_own_account_the_command_lines_role_is_the_one(organisation, key, look):
    """For its own account, --role-arn overrides the policy's role and uses the policy's external
    id.
    """
    access = AccountAccess(account=SECOND, role="nobody", external_id=f"id-{SECOND}")
    connection = Connection(role_arn=role(SECOND), accounts=(access,), timeout=10)

    seen = look([key("abc123", account=SECOND)], connection=connection)

    assert isinstance(seen.certificates[key("abc123", account=SECOND)], Found)
    assert len(organisation.calls("AssumeRole")) == 1


def test_a_certificate_that_no_document_places_is_asked_for_where_the_stages_that_present_it_are(
    organisation, key, stage, look
):
    """A certificate without an account is asked in the account of its stages."""
    unplaced = key("gone00", account=None)

    seen = look(
        [unplaced],
        anchors=[stage("api1", "prod", account=SECOND, presents="gone00")],
        connection=entering(SECOND),
    )

    assert seen.certificates[unplaced] == Gone()
    assert {call.account for call in organisation.calls("GetClientCertificates")} == {SECOND}


def test_roles_that_are_not_answered_for_are_given_up_on_at_the_same_time(organisation, key, look):
    """Roles that do not answer cost one timeout together, and only their accounts are
    unanswered.
    """
    organisation.faults.inject("AssumeRole", Hang(seconds=20))
    keys = [key("abc123", account=account) for account in (OWN, SECOND, THIRD)]
    began = time.monotonic()

    seen = look(keys, connection=entering(SECOND, THIRD, timeout=6))

    assert time.monotonic() - began < 20
    assert [type(seen.certificates[each]) for each in keys] == [Found, Unanswered, Unanswered]
    assert (
        "within 6 s" in seen.certificates[keys[1]].reason
        or "no answer came in time" in seen.certificates[keys[1]].reason
    )


def test_one_denied_list_touches_its_account_alone(organisation, key, look):
    """A denied list affects only its account, and the reason names the missing action."""
    organisation.faults.inject("GetClientCertificates", access_denied(), account=SECOND)
    keys = [key("abc123", account=account) for account in (OWN, SECOND, THIRD)]

    seen = look(keys, connection=entering(SECOND, THIRD))

    assert [type(seen.certificates[each]) for each in keys] == [Found, Unanswered, Found]
    assert "lack apigateway:GET on /clientcertificates" in seen.certificates[keys[1]].reason


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", None])
def test_a_roles_name_is_taken_in_the_partition_of_what_is_recorded(partition):
    """A role's name is completed with the partition of the recorded place."""
    access = AccountAccess(account=SECOND, role="team/reader", external_id="x")
    found = Connection(accounts=(access,)).role_for(Place(partition, SECOND, "r"))
    assert found == Role(
        arn=f"arn:{partition or 'aws'}:iam::{SECOND}:role/team/reader", external_id="x"
    )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_roles_are_assumed_in_the_region_of_what_is_asked(monkeypatch, region, host):
    """A role is assumed in the region of the question."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients = Clients(Connection())
    assert clients.client("sts", region).meta.endpoint_url == host
    assert clients.client("apigateway", region).meta.endpoint_url == host.replace(
        "sts", "apigateway"
    )


def test_a_run_that_asks_several_times_assumes_each_role_once(organisation, key):
    """Two observations of one run assume each role once."""
    access = (AccountAccess(account=SECOND, role="reader", external_id=f"id-{SECOND}"),)
    reached = Aws(profile=None, role_arn=None, region=None, timeout=10.0, accounts=access)
    observe = reached.observer(offline=False)

    first, second = (observe([key("abc123", account=SECOND)], [], []) for _ in range(2))

    assert first.certificates == second.certificates
    assert len(organisation.calls("AssumeRole")) == 1
    assert len(organisation.calls("GetClientCertificates")) == 2
