"""`tfcert scan` on the command line: accounts and regions of the emulator, with and
without states.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from checker.demo.emulator import (
    Hang,
    SeedAcm,
    SeedApi,
    SeedCertificate,
    SeedRole,
    access_denied,
    throttled,
)

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(
    (ROOT / "checker/reports/schemas/outcome-v1.schema.json").read_text(encoding="utf-8")
)
HERE, THERE = "123456789012", "222222222222"
ROLE = f"arn:aws:iam::{THERE}:role/audit"
AS_OF = ("--as-of", "2026-11-24")
SOON, LATER = datetime(2026, 12, 6, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC)
EAST, WEST = "us-east-1", "eu-west-1"


@pytest.fixture
def scan(tfcert, aws):
    """Return a function that scans, validates the JSON, and gives it with the exit code."""

    def run(*arguments, environment=None, cwd=None):
        done = tfcert(
            "scan",
            "--format",
            "json",
            *AS_OF,
            *arguments,
            environment=aws.environment(environment),
            cwd=cwd,
        )
        assert done.stdout, done.stderr.decode()
        document = json.loads(done.stdout)
        jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
        return document, done.returncode

    return run


def rules(document):
    return sorted(
        (found["rule"], found["severity"], found["source"]) for found in document["findings"]
    )


def places(document):
    return [source["path"] for source in document["sources"]]


def test_everything_of_a_region_is_judged_without_terraform(scan, aws):
    """A scan checks REST and WebSocket stages, client certificates and used ACM certificates, but
    no HTTP APIs.
    """
    arn = f"arn:aws:acm:{EAST}:{HERE}:certificate/5d5ba1d2-7a1c-4f8e-9e4f-8a5f5f7e1a01"
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON),
        SeedCertificate(id="fine01", expires_at=LATER),
        SeedAcm(arn=arn, expires_at=SOON, kind="IMPORTED"),
        SeedApi(
            id="rest1",
            name="orders",
            stages={"prod": "due001", "dev": None, "acm": arn, "lost": "nope01"},
        ),
        SeedApi(id="sock1", name="chat", kind="websocket", stages={"live": "fine01"}),
    )
    aws.client("apigatewayv2").create_api(Name="plain", ProtocolType="HTTP")

    document, code = scan()

    place = f"aws://{HERE}/{EAST}"
    assert (code, document["verdict"], places(document), document["sources"][0]["kind"]) == (
        1,
        "findings",
        [place],
        "aws",
    )
    assert [rule for rule in rules(document) if rule[0] != "certificate-unused"] == [
        ("certificate-expiring", "error", place),
        ("certificate-expiring", "error", place),
        ("certificate-gone", "error", place),
        ("certificate-not-renewing", "error", place),
    ]
    assert {
        (stage["kind"], stage["api_id"], stage["name"], stage["certificate_id"])
        for stage in document["stages"]
    } == {
        ("rest", "rest1", "prod", "due001"),
        ("rest", "rest1", "dev", None),
        ("rest", "rest1", "acm", arn),
        ("rest", "rest1", "lost", "nope01"),
        ("websocket", "sock1", "live", "fine01"),
    }
    evidence = {one["id"]: (one["evidence"], one["managed"]) for one in document["certificates"]}
    assert evidence == {
        "due001": ("observed", None),
        "fine01": ("observed", None),
        arn: ("observed", None),
        "nope01": ("gone", None),
    }


def test_an_account_with_nothing_in_it_is_clean(scan, tfcert, aws):
    """An empty account is clean."""
    document, code = scan("--region", EAST, "--region", WEST)
    assert (code, document["verdict"], places(document)) == (
        0,
        "clean",
        [f"aws://{HERE}/{WEST}", f"aws://{HERE}/{EAST}"],
    )
    text = tfcert("scan", environment=aws.environment()).stdout.decode()
    assert text.startswith("tfcert: clean\n")
    assert "1 of the accounts and regions that were scanned has no stage and no certificate" in text


def test_roles_and_regions_are_scanned_each_by_itself(scan, aws):
    """Each role and region is scanned separately; the same id in two accounts is two
    certificates.
    """
    aws.seed(
        SeedRole(arn=ROLE, external_id=None),
        SeedRole(arn=f"arn:aws:iam::{HERE}:role/audit", external_id=None),
        SeedCertificate(id="same01", expires_at=LATER),
        SeedCertificate(id="same01", account=THERE, region=WEST, expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "same01"}),
        SeedApi(id="rest2", account=THERE, region=WEST, stages={"prod": "same01"}),
    )
    document, code = scan(
        "--role-arn",
        ROLE,
        "--role-arn",
        f"arn:aws:iam::{HERE}:role/audit",
        "--region",
        EAST,
        "--region",
        WEST,
    )
    assert code == 1
    assert places(document) == [
        f"aws://{account}/{region}" for account in (HERE, THERE) for region in (WEST, EAST)
    ]
    assert rules(document) == [("certificate-expiring", "error", f"aws://{THERE}/{WEST}")]
    assert {(one["account"], one["days_left"]) for one in document["certificates"]} == {
        (HERE, 342),
        (THERE, 12),
    }


def test_the_accounts_of_the_policy_are_scanned_where_no_role_is_named(scan, aws, tmp_path):
    """Without --role-arn the accounts of the policy are scanned; the option overrides them."""
    aws.seed(SeedRole(arn=ROLE, external_id="4711"))
    (tmp_path / "tfcert.toml").write_text(
        f'[accounts."{THERE}"]\nrole = "audit"\nexternal_id = "4711"\n[accounts."{HERE}"]\n',
        encoding="utf-8",
    )
    document, code = scan(cwd=tmp_path)
    assert (code, places(document)) == (0, [f"aws://{HERE}/{EAST}", f"aws://{THERE}/{EAST}"])
    document, code = scan("--role-arn", ROLE, cwd=tmp_path)
    assert (code, places(document)) == (0, [f"aws://{THERE}/{EAST}"])


def test_a_scope_of_the_policy_finds_what_it_means_by_account_api_and_tag(scan, aws, tmp_path):
    """Scopes match the account, API and tags that AWS shows."""
    aws.seed(
        SeedCertificate(id="tagged", expires_at=SOON, tags={"environment": "test", "secret": "x"}),
        SeedCertificate(id="plain1", expires_at=SOON),
        SeedApi(id="rest1", name="orders", stages={"prod": "plain1", "test": "tagged"}),
        SeedApi(id="rest2", name="legacy", stages={"prod": "plain1"}),
    )
    (tmp_path / "tfcert.toml").write_text(
        '[[scope]]\ntags = { environment = "test" }\nthreshold_days = 5\n', "utf-8"
    )
    weights = {one["certificate_id"]: one["severity"] for one in scan(cwd=tmp_path)[0]["findings"]}
    assert weights == {"tagged": "warning", "plain1": "error"}
    (tmp_path / "tfcert.toml").write_text(
        f'[[scope]]\naccount = "{HERE}"\napi = "orders"\nthreshold_days = 5\n', "utf-8"
    )
    weights = {one["certificate_id"]: one["severity"] for one in scan(cwd=tmp_path)[0]["findings"]}
    # A certificate of two stages follows the stricter of their policies.
    assert weights == {"tagged": "warning", "plain1": "error"}


def test_i4_an_account_that_cannot_be_entered_is_not_clean_and_the_others_are_judged(
    scan, aws, tmp_path
):
    """I4: an account whose role is refused is unverified, and the others are checked."""
    aws.seed(
        SeedRole(arn=ROLE, external_id=None),
        SeedCertificate(id="due001", account=THERE, expires_at=SOON),
    )
    aws.seed(SeedApi(id="rest1", account=THERE, stages={"prod": "due001"}))
    (tmp_path / "tfcert.toml").write_text(
        f'[accounts."{THERE}"]\nrole = "audit"\n[accounts."333333333333"]\nrole = "audit"\n[accounts."444444444444"]\n',
        "utf-8",
    )
    document, code = scan(cwd=tmp_path)
    assert code == 1
    assert rules(document) == [
        ("certificate-expiring", "error", f"aws://{THERE}/{EAST}"),
        ("certificate-unverified", "warning", "aws://333333333333"),
        ("certificate-unverified", "warning", "aws://444444444444"),
    ]
    said = {found["source"]: found["message"] for found in document["findings"]}
    assert "role/audit could not be assumed" in said["aws://333333333333"]
    assert f"are of account {HERE}" in said["aws://444444444444"]


def test_an_account_that_two_roles_lead_to_is_scanned_once(scan, aws):
    """An account that two roles reach is scanned once."""
    document, code = scan("--role-arn", ROLE, "--role-arn", f"arn:aws:iam::{THERE}:role/other")
    assert (code, places(document)) == (0, [f"aws://{THERE}/{EAST}"])
    assert len(aws.calls("GetRestApis")) == 1
    assert any("scanned once" in notice for notice in document["notices"])


def test_all_regions_are_those_that_are_enabled(scan, aws):
    """`--all-regions` scans each enabled region."""
    aws.seed(SeedCertificate(id="far001", region="sa-east-1", expires_at=SOON))
    aws.seed(SeedApi(id="rest1", region="sa-east-1", stages={"prod": "far001"}))
    document, code = scan("--all-regions")
    enabled = {each["RegionName"] for each in aws.client("ec2").describe_regions()["Regions"]}
    assert (code, {path.rpartition("/")[2] for path in places(document)}) == (1, enabled)
    assert len(enabled) >= 17
    assert [found["source"] for found in document["findings"]] == [f"aws://{HERE}/sa-east-1"]


def test_i4_regions_that_cannot_be_listed_leave_the_account_unread(scan, aws):
    """I4: if regions cannot be listed, the account is inconclusive, and the missing action is
    named.
    """
    aws.faults.inject("DescribeRegions", access_denied())
    document, code = scan("--all-regions")
    (found,) = document["findings"]
    assert (code, document["verdict"], found["source"]) == (3, "inconclusive", "aws://unknown")
    assert "lack ec2:DescribeRegions" in found["message"]
    assert aws.calls("GetRestApis") == ()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--region", EAST, "--all-regions"), "--all-regions"),
        (("--role-arn", "audit"), "no ARN of a role"),
        (("nowhere.tfstate",), "nowhere.tfstate"),
        (("--offline",), "no such option"),
    ],
)
def test_wrong_usage_is_exit_2(tfcert, aws, arguments, says):
    """Wrong usage is exit code 2, and AWS is not called."""
    done = tfcert("scan", *arguments, environment=aws.environment())
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode()
    assert aws.calls() == ()


def test_without_a_region_it_says_what_to_give(tfcert, aws):
    """Without a region the exit code is 2, and the error names --all-regions."""
    environment = {name: text for name, text in aws.environment().items() if "REGION" not in name}
    done = tfcert("scan", environment=environment)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "--all-regions" in done.stderr.decode()


def test_without_credentials_nothing_is_clean(tfcert):
    """I4: without credentials the exit code is 3 with one sentence."""
    done = tfcert("scan", "--region", EAST)
    assert done.returncode == 3
    assert b"no AWS credentials were found" in done.stderr


def state(tmp_path, *resources):
    """Write a raw state of account 123456789012 in us-east-1, and return its path."""
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'
    entries = [
        {
            "mode": "managed",
            "type": type_,
            "name": name,
            "provider": provider,
            "instances": [{"schema_version": 0, "attributes": attributes}],
        }
        for type_, name, attributes in resources
    ]
    path = tmp_path / "terraform.tfstate"
    path.write_text(
        json.dumps(
            {
                "version": 4,
                "terraform_version": "1.11.4",
                "serial": 1,
                "lineage": "x",
                "outputs": {},
                "resources": entries,
            }
        )
    )
    return path


def managed_stage(name, api, certificate):
    attributes = {
        "id": f"ags-{api}-{name}",
        "rest_api_id": api,
        "stage_name": name,
        "execution_arn": f"arn:aws:execute-api:{EAST}:{HERE}:{api}/{name}",
        "client_certificate_id": certificate,
    }
    return ("aws_api_gateway_stage", name, attributes)


def managed_certificate(name, id_, *, region=EAST):
    attributes = {
        "id": id_,
        "arn": f"arn:aws:apigateway:{region}::/clientcertificates/{id_}",
        "expiration_date": SOON.isoformat(),
    }
    return ("aws_api_gateway_client_certificate", name, attributes)


def test_a_state_tells_the_managed_from_the_unmanaged(scan, tfcert, aws, tmp_path):
    """With a state, managed resources have their address, and manual steps are only for
    the others.
    """
    aws.seed(
        SeedCertificate(id="tf0001", expires_at=SOON),
        SeedCertificate(id="hand01", expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "tf0001", "side": "hand01"}),
    )
    path = state(
        tmp_path, managed_certificate("orders", "tf0001"), managed_stage("prod", "rest1", "tf0001")
    )

    document, code = scan(path)

    assert code == 1
    assert {(one["id"], one["address"], one["managed"]) for one in document["certificates"]} == {
        ("tf0001", "aws_api_gateway_client_certificate.orders", True),
        ("hand01", None, False),
    }
    assert {(one["name"], one["address"], one["managed"]) for one in document["stages"]} == {
        ("prod", "aws_api_gateway_stage.prod", True),
        ("side", None, False),
    }
    remedies = {
        found["certificate_id"]: (found["address"], found["remedy"])
        for found in document["findings"]
    }
    assert remedies["tf0001"][0] == "aws_api_gateway_client_certificate.orders"
    assert remedies["tf0001"][1].startswith("run `tfcert patch` where its state is;")
    assert "manually" in remedies["hand01"][1]
    assert [
        (one["certificate_id"], one["managed"], one["stages"]) for one in document["by_hand"]
    ] == [("hand01", False, ["rest1/side"])]
    text = tfcert("scan", path, *AS_OF, environment=aws.environment()).stdout.decode()
    assert "(unmanaged)" in text
    assert "manual rotation: certificate hand01" in text
    assert "manual rotation: certificate tf0001" not in text


def test_a_stage_by_hand_of_a_managed_certificate_is_moved_by_hand_alone(scan, aws, tmp_path):
    """For a managed certificate, the manual steps move only the stages outside Terraform."""
    aws.seed(
        SeedCertificate(id="tf0001", expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "tf0001", "side": "tf0001"}),
    )
    path = state(
        tmp_path, managed_certificate("orders", "tf0001"), managed_stage("prod", "rest1", "tf0001")
    )
    (rotation,) = scan(path)[0]["by_hand"]
    commands = " ".join(command for step in rotation["steps"] for command in step["commands"])
    assert (rotation["managed"], rotation["stages"]) == (True, ["rest1/side"])
    assert "generate-client-certificate" not in commands
    assert "delete-client-certificate" not in commands
    assert "--stage-name side" in commands
    assert "--stage-name prod" not in commands


def test_a_stage_of_terraform_s_that_presents_what_is_not_is_moved_in_terraform(
    scan, aws, tmp_path
):
    """For an unmanaged certificate on a managed stage, the steps set its id in Terraform."""
    aws.seed(
        SeedCertificate(id="hand01", expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "hand01", "side": "hand01"}),
    )
    path = state(tmp_path, managed_stage("prod", "rest1", "hand01"))
    (rotation,) = scan(path)[0]["by_hand"]
    does = [step["does"] for step in rotation["steps"]]
    commands = " ".join(command for step in rotation["steps"] for command in step["commands"])
    assert (rotation["managed"], rotation["stages"]) == (False, ["rest1/side"])
    (in_terraform,) = (
        number
        for number, text in enumerate(does)
        if "set client_certificate_id of aws_api_gateway_stage.prod" in text
    )
    assert in_terraform < next(
        number for number, text in enumerate(does) if text.startswith("retire")
    )
    assert "--stage-name side" in commands
    assert "--stage-name prod" not in commands


def test_an_id_that_may_be_meant_in_two_accounts_is_neither(scan, aws, tmp_path):
    """An id that fits two accounts is neither managed nor unmanaged."""
    aws.seed(
        SeedCertificate(id="same01", expires_at=SOON),
        SeedCertificate(id="same01", account=THERE, expires_at=SOON),
    )
    path = state(tmp_path, managed_certificate("orders", "same01"))
    both = ("--role-arn", ROLE, "--role-arn", f"arn:aws:iam::{HERE}:role/audit")
    assert [(one["address"], one["managed"]) for one in scan(path, *both)[0]["certificates"]] == [
        (None, None)
    ] * 2
    assert [one["managed"] for one in scan(path)[0]["certificates"]] == [True]
    path = state(tmp_path, managed_certificate("orders", "same01", region=WEST))
    assert [one["managed"] for one in scan(path)[0]["certificates"]] == [False]


def test_what_a_state_records_and_the_scan_did_not_see_is_said(scan, aws, tmp_path):
    """A recorded certificate that the scan did not find gives a notice."""
    path = state(tmp_path, managed_certificate("orders", "tf0001"))
    document, _ = scan(path)
    (notice,) = document["notices"]
    assert "aws_api_gateway_client_certificate.orders" in notice
    assert "did not see" in notice


def test_a_stage_that_was_moved_by_hand_is_said_and_its_own_certificate_is_not_unused(
    scan, aws, tmp_path
):
    """A managed stage moved outside Terraform gives a notice, and its recorded certificate is not
    unused.
    """
    old = datetime(2026, 1, 1, tzinfo=UTC)
    aws.seed(
        SeedCertificate(id="tf0001", created_at=old, expires_at=SOON),
        SeedCertificate(id="hand01", created_at=old, expires_at=LATER),
        SeedCertificate(id="left01", created_at=old, expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "hand01"}),
    )
    path = state(
        tmp_path, managed_certificate("orders", "tf0001"), managed_stage("prod", "rest1", "tf0001")
    )
    document, _ = scan(path)
    (notice,) = document["notices"]
    assert "aws_api_gateway_stage.prod presents hand01 in AWS, and by its state tf0001" in notice
    unused = [
        found["certificate_id"]
        for found in document["findings"]
        if found["rule"] == "certificate-unused"
    ]
    assert unused == ["left01"]


@pytest.mark.parametrize(
    ("operation", "fault", "unread"),
    [
        ("GetRestApis", access_denied(), "the REST APIs"),
        ("GetApis", access_denied(), "the WebSocket APIs"),
        ("GetClientCertificates", access_denied(), "the client certificates"),
        ("apigateway:GetStages", access_denied(), "the stages of rest API rest1 (orders)"),
        ("apigatewayv2:GetStages", access_denied(), "the stages of websocket API sock1 (chat)"),
    ],
)
def test_i4_what_cannot_be_listed_is_never_clean(scan, aws, operation, fault, unread):
    """I4: a refused call makes only its own list unread, and the rest is checked."""
    aws.seed(
        SeedCertificate(id="fine01", expires_at=LATER),
        SeedApi(id="rest1", name="orders", stages={"prod": "fine01"}),
        SeedApi(id="sock1", name="chat", kind="websocket", stages={"live": "fine01"}),
    )
    aws.faults.inject(operation, fault, region=EAST)
    document, code = scan("--region", EAST, "--region", WEST)
    gaps = [found for found in document["findings"] if "could not be read" in found["message"]]
    assert (code, document["verdict"]) == (3, "inconclusive")
    assert [(found["source"], found["rule"]) for found in gaps] == [
        (f"aws://{HERE}/{EAST}", "certificate-unverified")
    ]
    assert unread in gaps[0]["message"]
    assert "lack apigateway:GET" in gaps[0]["message"]
    seen = 2 - ("GetStages" in operation or operation in {"GetRestApis", "GetApis"})
    assert len(document["stages"]) == seen


def test_i4_a_finding_is_made_of_what_was_listed_beside_a_gap(scan, aws):
    """I4: findings beside a gap outrank it, and the steps say that not every stage was listed."""
    aws.seed(
        SeedCertificate(id="due001", expires_at=SOON),
        SeedApi(id="rest1", stages={"prod": "due001"}),
        SeedApi(id="sock1", kind="websocket", stages={"live": "due001"}),
    )
    aws.faults.inject("GetApis", access_denied())
    document, code = scan()
    assert code == 1
    assert "certificate-expiring" in {found["rule"] for found in document["findings"]}
    (rotation,) = document["by_hand"]
    assert any("did not list every stage" in step["does"] for step in rotation["steps"])


def test_what_no_stage_presents_is_told_where_every_stage_was_listed(scan, aws):
    """An unused certificate is a note if every stage was listed; otherwise it is unverified."""
    aws.seed(
        SeedCertificate(id="alone1", expires_at=SOON), SeedApi(id="rest1", stages={"prod": None})
    )
    document, code = scan()
    assert (code, [(found["rule"], found["severity"]) for found in document["findings"]]) == (
        0,
        [("certificate-unused", "note")],
    )
    aws.faults.inject("apigateway:GetStages", access_denied())
    document, code = scan()
    assert (code, [found["rule"] for found in document["findings"]]) == (
        3,
        ["certificate-unverified"],
    )


def test_the_quota_is_that_of_each_account_and_region(scan, aws):
    """The quota is counted per account and region."""
    due = [SeedCertificate(id=f"due{n:03}", expires_at=SOON) for n in range(2)]
    theirs = [SeedCertificate(id=f"far{n:03}", account=THERE, expires_at=LATER) for n in range(59)]
    stages = {f"s{n}": f"due{n:03}" for n in range(2)}
    aws.seed(
        *due,
        *theirs,
        SeedApi(id="rest1", stages=stages),
        SeedApi(id="rest2", account=THERE, stages={"prod": "far000"}),
    )
    both = ("--role-arn", ROLE, "--role-arn", f"arn:aws:iam::{HERE}:role/audit")
    assert "certificate-quota" not in {found["rule"] for found in scan(*both)[0]["findings"]}
    own = [f"own{n:03}" for n in range(57)]
    aws.seed(
        *(SeedCertificate(id=id_, expires_at=LATER) for id_ in own),
        SeedApi(id="rest3", stages={id_: id_ for id_ in own}),
    )
    (found,) = [each for each in scan(*both)[0]["findings"] if each["rule"] == "certificate-quota"]
    assert HERE in found["message"]


def test_throttling_that_does_not_end_is_inconclusive(scan, aws):
    """Permanent throttling is inconclusive, and the rest of the region is not called."""
    aws.seed(SeedApi(id="rest1", stages={"prod": None}))
    aws.faults.inject("GetRestApis", throttled())
    document, code = scan("--timeout", "30")
    assert (code, document["verdict"]) == (3, "inconclusive")
    assert any("throttled" in found["message"] for found in document["findings"])


def test_a_server_that_goes_silent_ends_the_wait_and_not_the_rest(scan, aws):
    """A silent server ends the wait at --timeout, and the other region is checked."""
    aws.seed(
        SeedCertificate(id="due001", region=WEST, expires_at=SOON),
        SeedApi(id="rest2", region=WEST, stages={"prod": "due001"}),
        *(SeedApi(id=f"rest{n}", stages={"prod": None}) for n in range(3, 9)),
    )
    aws.faults.inject("GetStages", Hang(60), region=EAST, after=2)
    begun = time.monotonic()
    document, code = scan("--region", EAST, "--region", WEST, "--timeout", "2")
    assert time.monotonic() - begun < 40
    assert code == 1
    assert [found["source"] for found in document["findings"]] == [
        f"aws://{HERE}/{WEST}",
        f"aws://{HERE}/{EAST}",
    ]
    assert (
        "was not answered" in document["findings"][1]["message"]
        or "no answer came" in document["findings"][1]["message"]
    )


def test_ctrl_c_reports_what_was_found_so_far(aws, tmp_path):
    """After Ctrl-C the exit code is 130, and unanswered parts are unread in the report."""
    aws.seed(
        SeedCertificate(id="due001", region=WEST, expires_at=SOON),
        SeedApi(id="rest2", region=WEST, stages={"prod": "due001"}),
        SeedApi(id="rest1", stages={"prod": None}),
    )
    aws.faults.inject("GetStages", Hang(60), region=EAST)
    command = [
        sys.executable,
        "-c",
        "from checker.cli import main; main()",
        "scan",
        "--region",
        EAST,
        "--region",
        WEST,
        *AS_OF,
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        **aws.environment(),
    }
    scanning = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        _until(lambda: aws.calls("GetStages") and len(aws.calls("GetStages")) >= 2)
        time.sleep(0.3)
        scanning.send_signal(signal.SIGINT)
        out, err = scanning.communicate(timeout=30)
    finally:
        scanning.kill()
    assert scanning.returncode == 130, err.decode()
    assert "certificate-expiring" in out.decode()
    assert "interrupted" in out.decode()
    assert "Traceback" not in err.decode()


def test_progress_is_for_terminals_alone(tfcert, aws, tmp_path):
    """Progress is shown only on a terminal; stdout is the same."""
    aws.seed(
        SeedCertificate(id="fine01", expires_at=LATER),
        SeedApi(id="rest1", stages={"prod": "fine01"}),
    )
    piped = tfcert("scan", *AS_OF, environment=aws.environment())
    assert (piped.returncode, piped.stderr) == (0, b"")
    mine, theirs = pty.openpty()
    command = [sys.executable, "-c", "from checker.cli import main; main()", "scan", *AS_OF]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "PYTHONPATH": str(ROOT),
        **aws.environment(),
    }
    done = subprocess.run(
        command,
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    assert b"scanning" in os.read(mine, 65536)
    os.close(mine)
    assert done.stdout == piped.stdout


def test_calls_are_told_with_v(tfcert, aws):
    """`-v` lists the calls: one list of each kind, and the stages of each API."""
    aws.seed(
        SeedApi(id="rest1", stages={"prod": None}), SeedApi(id="sock1", kind="websocket", stages={})
    )
    done = tfcert("scan", "-v", environment=aws.environment())
    assert sorted(call.operation for call in aws.calls()) == [
        "GetApis",
        "GetCallerIdentity",
        "GetClientCertificates",
        "GetRestApis",
        "GetStages",
        "GetStages",
    ]
    assert b"GetStages" in done.stderr


def _until(met, seconds=20.0):
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.05)
    assert met()
