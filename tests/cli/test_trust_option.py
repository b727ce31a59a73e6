"""`--trust` on the command line: evidence from the consumers of the PEM in AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from trust_root import C, S, lay

from checker.demo.emulator import SeedApi, SeedCertificate, access_denied
from checker.reports import FORMATS

NOW = datetime.now(UTC)
MARK = "TAINTTAINT"
PARAMETER, OBJECT, STORE = "aws_ssm_parameter.ca", "aws_s3_object.ca", "aws_lb_trust_store.ca"
CONSUMERS = f"""
resource "aws_ssm_parameter" "ca" {{
  name  = "ca"
  type  = "String"
  value = join("\\n", [{C}.old.pem_encoded_certificate, {C}.new.pem_encoded_certificate])
}}
"""
STORES = f"""
resource "aws_s3_object" "ca" {{
  bucket  = "trust"
  key     = "ca.pem"
  content = join("\\n", [{C}.old.pem_encoded_certificate, {C}.new.pem_encoded_certificate])
}}

resource "aws_lb_trust_store" "ca" {{
  name                             = "ca"
  ca_certificates_bundle_s3_bucket = aws_s3_object.ca.bucket
  ca_certificates_bundle_s3_key    = aws_s3_object.ca.key
}}
"""
BACKEND = f"""[trust.backends.orders]
stages = "{S}.prod"
consumer = "{PARAMETER}"
server = "pinned"
"""
READS = {
    "GetParameter",
    "GetObject",
    "GetSecretValue",
    "GetTrustStoreCaCertificatesBundle",
    "GetBundle",
}


@pytest.fixture
def pems(aws):
    aws.seed(
        SeedCertificate(id="old000", expires_at=NOW + timedelta(days=20)),
        SeedCertificate(id="new000", created_at=NOW - timedelta(days=10)),
        SeedApi(id="api1", stages={"prod": "old000"}),
    )
    gateway = aws.client("apigateway")
    return {
        name: gateway.get_client_certificate(clientCertificateId=f"{name}000")[
            "pemEncodedCertificate"
        ]
        for name in ("old", "new")
    }


def record(kind, **attributes):
    return {
        "mode": "managed",
        "type": kind,
        "name": "ca",
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 0, "attributes": attributes}],
    }


@pytest.fixture
def root(tmp_path, pems):
    """Return a rotation before repoint whose PEMs go to an SSM parameter."""
    lay(tmp_path, pems)
    (tmp_path / "tfcert.toml").unlink()
    add(tmp_path, CONSUMERS, record("aws_ssm_parameter", name="ca", arn=arn("ssm", "parameter/ca")))
    return tmp_path


def arn(service, path):
    return f"arn:aws:{service}:us-east-1:123456789012:{path}"


def add(root, text, *records):
    main, state = root / "main.tf", root / "state.json"
    main.write_text(main.read_text() + text)
    document = json.loads(state.read_text())
    document["resources"] += records
    state.write_text(json.dumps(document))


def put(aws, *texts):
    aws.client("ssm").put_parameter(
        Name="ca", Value="\n".join((f"# {MARK}", *texts)), Type="String", Overwrite=True
    )


def run(tfcert, aws, root, *more, verb="check"):
    options = ("--format", "json") if verb == "check" else ()
    done = tfcert(verb, "state.json", *options, *more, cwd=root, environment=aws.environment())
    assert MARK.encode() not in done.stdout + done.stderr
    return done


def evidence(done):
    assert done.returncode in {0, 1, 3}, done.stderr
    (rotation,) = json.loads(done.stdout)["rotations"]
    return {each["backend"]: each for each in rotation.get("trust", [])}


def test_a_backend_whose_consumer_has_both_is_confirmed_and_repoint_is_safe(
    tfcert, aws, root, pems
):
    """With --trust, a declared backend whose parameter has both PEMs is confirmed, and repoint is
    safe.
    """
    (root / "tfcert.toml").write_text(BACKEND)
    put(aws, pems["old"], pems["new"])
    aws.forget_calls()
    found = evidence(run(tfcert, aws, root, "--trust"))
    assert (found["orders"]["status"], found["orders"]["predecessor"]) == ("confirmed", "confirmed")
    assert found["orders"]["source"] == "GetParameter ca"
    assert len(found["orders"]["fingerprints"]) == 2
    assert {call.operation for call in aws.calls()} & READS == {"GetParameter"}
    done = run(tfcert, aws, root, "--trust", verb="patch")
    assert b"repoint is safe" in done.stdout + done.stderr
    aws.forget_calls()
    found = evidence(run(tfcert, aws, root))
    assert found["orders"]["status"] == "not confirmed"
    assert "only with --trust" in found["orders"]["reason"]
    assert not {call.operation for call in aws.calls()} & READS


def test_a_backend_whose_consumer_lacks_the_successor_is_refused(tfcert, aws, root, pems):
    """A backend whose parameter in AWS lacks the successor is refused, and patch waits."""
    (root / "tfcert.toml").write_text(BACKEND)
    put(aws, pems["old"])
    assert evidence(run(tfcert, aws, root, "--trust"))["orders"]["status"] == "refused"
    done = run(tfcert, aws, root, "--trust", verb="patch")
    assert b"does not trust the successor" in done.stdout + done.stderr
    assert b"diff --git" not in done.stdout


@pytest.mark.parametrize(
    ("names", "status"),
    [(("old",), "refused"), (("new",), "confirmed"), (("old", "new"), "not confirmed")],
)
def test_a_followed_consumer_is_evidence_without_a_policy(tfcert, aws, root, pems, names, status):
    """A consumer without a declared backend is evidence too: refused, confirmed, or with both PEMs
    not confirmed.
    """
    put(aws, *(pems[name] for name in names))
    found = evidence(run(tfcert, aws, root, "--trust"))
    assert (found[PARAMETER]["status"], found[PARAMETER]["stages"]) == (status, [f"{S}.prod"])


def test_a_trust_store_that_kept_the_old_bundle_is_refused_beside_its_object(
    tfcert, aws, root, pems
):
    """A trust store that kept the old bundle is refused, although its S3 object has both PEMs."""
    s3, elb = aws.client("s3"), aws.client("elbv2")
    s3.create_bucket(Bucket="trust")
    s3.put_object(Bucket="trust", Key="ca.pem", Body=pems["old"].encode())
    made = elb.create_trust_store(
        Name="ca", CaCertificatesBundleS3Bucket="trust", CaCertificatesBundleS3Key="ca.pem"
    )["TrustStores"][0]["TrustStoreArn"]
    s3.put_object(Bucket="trust", Key="ca.pem", Body="\n".join(pems.values()).encode())
    put(aws, *pems.values())
    add(
        root,
        STORES,
        record("aws_s3_object", bucket="trust", key="ca.pem"),
        record("aws_lb_trust_store", arn=made),
    )
    found = evidence(run(tfcert, aws, root, "--trust"))
    assert {name: each["status"] for name, each in found.items()} == {
        PARAMETER: "not confirmed",
        OBJECT: "not confirmed",
        STORE: "refused",
    }
    elb.modify_trust_store(
        TrustStoreArn=made, CaCertificatesBundleS3Bucket="trust", CaCertificatesBundleS3Key="ca.pem"
    )
    found = evidence(run(tfcert, aws, root, "--trust"))
    assert found[STORE]["status"] == "not confirmed"
    assert "no test shows what alb accepts" in found[STORE]["reason"]


def test_a_denied_call_is_not_confirmed_and_names_its_action(tfcert, aws, root, pems):
    (root / "tfcert.toml").write_text(BACKEND)
    put(aws, *pems.values())
    aws.faults.inject("GetParameter", access_denied())
    found = evidence(run(tfcert, aws, root, "--trust"))["orders"]
    assert found["status"] == "not confirmed"
    assert "allow ssm:GetParameter on the parameter" in found["reason"]
    assert "check-trust.json" in found["reason"]


def test_a_consumer_that_cannot_be_read_keeps_the_rotation_unconfirmed(tfcert, aws, root, pems):
    """A consumer that cannot be read leaves the rotation unconfirmed, beside a confirmed one."""
    put(aws, pems["new"])
    add(
        root,
        f'\nresource "local_file" "ca" {{\n  filename = "ca.pem"\n  content  = {C}.old.pem_encoded_certificate\n}}\n',
    )
    found = evidence(run(tfcert, aws, root, "--trust"))
    assert found[PARAMETER]["status"] == "confirmed"
    assert found[None]["status"] == "not confirmed"
    assert "local_file" in found[None]["reason"]


def test_a_consumer_that_is_not_in_state_is_not_confirmed(tfcert, aws, root, pems):
    (root / "tfcert.toml").write_text(BACKEND.replace(PARAMETER, "aws_ssm_parameter.other"))
    put(aws, *pems.values())
    found = evidence(run(tfcert, aws, root, "--trust"))
    assert found["orders"]["status"] == "not confirmed"
    assert "aws_ssm_parameter.other is not in state" in found["orders"]["reason"]


def test_no_format_has_a_byte_of_what_aws_answered(tfcert, aws, root, pems, tmp_path):
    """Every format shows the evidence by fingerprint, and no byte of the parameter."""
    put(aws, *pems.values())
    state = root / "state.json"
    named = f'"execution_arn": "{arn("execute-api", "api1/prod")}", "stage_name"'
    state.write_text(state.read_text().replace('"stage_name"', named))
    out = tmp_path / "out"
    out.mkdir()
    formats = [option for name in FORMATS for option in ("--format", f"{name}={out / name}")]
    more = ("check", "state.json", "--trust", *formats)
    done = tfcert(*more, cwd=root, environment=aws.environment())
    assert done.returncode in {0, 1, 3}, done.stderr
    lines = [line.encode() for pem in pems.values() for line in pem.splitlines()[1:-1]]
    for name in FORMATS:
        data = (out / name).read_bytes()
        assert MARK.encode() not in data, name
        assert not [line for line in lines if line in data], name
    assert PARAMETER in (out / "json").read_text()


@pytest.mark.parametrize("verb", ["check", "patch"])
def test_with_offline_it_is_exit_2(tfcert, aws, root, verb):
    done = run(tfcert, aws, root, "--trust", "--offline", verb=verb)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--trust asks AWS, and --offline asks nothing" in done.stderr


def test_a_backend_with_a_bundle_and_a_consumer_is_exit_2(tfcert, aws, root):
    (root / "tfcert.toml").write_text(BACKEND + 'bundle = "ca.pem"\n')
    done = run(tfcert, aws, root, "--trust")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"has a bundle and a consumer" in done.stderr


def test_policy_show_has_the_consumer(tfcert, aws, root):
    (root / "tfcert.toml").write_text(BACKEND)
    done = tfcert("policy", "show", cwd=root)
    assert f'consumer = "{PARAMETER}"'.encode() in done.stdout
