"""Consumers of the PEM rotated with --trust-bundle and real terraform, and the bundle of tfcert at
each step.
"""

from __future__ import annotations

import json

import pytest
from cryptography import x509
from rig.bench import Bench

pytestmark = pytest.mark.xdist_group("acceptance-trust-handed-on")

CONSUMER = """
resource "terraform_data" "trust" {
  input = {
    "ca.crt" = aws_api_gateway_client_certificate.orders.pem_encoded_certificate # what the backend trusts
  }
}
"""


@pytest.fixture
def bench(aws, tool, tmp_path):
    """Return an API whose PEM a second resource uses, applied 353 days ago."""
    bench = Bench.lay(aws, tool, tmp_path / "handed", "single")
    (bench.infra / "trust.tf").write_text(CONSUMER)
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    return bench


def handed_on(bench):
    """Return the serial numbers of the certificates in the consumer, in order, from the state."""
    resources = json.loads(bench.state.read_bytes())["resources"]
    (found,) = (resource for resource in resources if resource["type"] == "terraform_data")
    text = found["instances"][0]["attributes"]["input"]["value"]["ca.crt"]
    return [
        certificate.serial_number for certificate in x509.load_pem_x509_certificates(text.encode())
    ]


def bundled(bench):
    """Return the serial numbers of the certificates in tfcert's bundle, which must be complete."""
    ended = bench.tfcert("bundle", "infra")
    assert ended.code == 0, str(ended)
    return [
        certificate.serial_number for certificate in x509.load_pem_x509_certificates(ended.stdout)
    ]


@pytest.mark.needs_terraform("terraform_data")
def test_both_are_trusted_from_introduce_until_nobody_presents_the_old_one(bench):
    """Both certificates are trusted from introduce until retire; each patch is validated and each
    plan passes.
    """
    (old,) = handed_on(bench)
    assert bundled(bench) == [old]
    seen = []
    for phase in ("introduce", "repoint", "retire"):
        assert b"# verified with" in bench.patch("--trust-bundle", "--verify", "--write")
        planned = bench.plan(phase)
        judged = bench.check_plan(planned, "--expect", phase)
        assert judged.code == 0, str(judged.ended)
        consumer = planned.changes().get("terraform_data.trust")
        assert consumer == (["update"] if phase != "repoint" else None)
        bench.apply(planned)
        seen.append((handed_on(bench), bundled(bench)))
    ((both, first), (still, second), (alone, third)) = seen
    new = both[1]
    assert both == still == [old, new]
    assert first == [old, new]
    assert second == third == alone == [new], (
        "AWS confirms that no stage presents the old one any more"
    )
    bench.assert_nothing_changes()
