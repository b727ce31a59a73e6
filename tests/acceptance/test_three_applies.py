"""A certificate that two APIs share is rotated with real terraform, one phase per apply."""

from __future__ import annotations

import difflib
import re
from datetime import datetime

import pytest
from rig.bench import Bench
from rig.gateway import assert_trustworthy, changes, presented
from rig.recording import record

pytestmark = pytest.mark.xdist_group("acceptance-three-applies")

OLD = "aws_api_gateway_client_certificate.backend"
STAGES = {
    "aws_api_gateway_stage.orders",
    'aws_api_gateway_stage.payments["blue"]',
    'aws_api_gateway_stage.payments["green"]',
}
UNRELATED = b'resource "aws_api_gateway_rest_api" "reports" {\n  name = "reports"\n}\n'


@pytest.fixture
def bench(aws, tool, tmp_path):
    """Return two APIs and three stages on one certificate, applied 353 days ago."""
    bench = Bench.lay(aws, tool, tmp_path / "shared", "shared")
    # One hour more, so that 12 whole days are still left during the test.
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    return bench


def test_a_rotation_by_three_applies(bench, tmp_path):
    """Each phase's plan passes its check, each apply changes only its phase, and each stage always
    presents a valid certificate.
    """
    aws = bench.aws
    first = assert_trustworthy(aws)
    assert set(first) == {"orders/prod", "payments/blue", "payments/green"}
    (old_id,) = set(first.values())
    untouched = bench.copy(tmp_path / "untouched")
    aws.forget_calls()

    # Twelve days are left, and nothing is written yet.
    assert_found_in_each_form_of_the_state(bench, old_id)
    assert changes(aws) == [], "tfcert only reads"
    series = bench.after_git_apply(bench.patch("--phase", "all"), tmp_path / "series")

    # Introduce.
    before = bench.texts()
    introduced = write(bench, tmp_path, "introduce", "--phase", "introduce")
    new = assert_successor_added(before, introduced)
    planned = bench.plan("introduce")
    judged = bench.check_plan(planned, "--expect", "introduce")
    record(bench, "shared-1-introduce", planned, judged)
    assert judged.code == 0, str(judged.ended)
    assert judged.found == {("certificate-expiring", "warning")}, "a gate never stops the cure"
    assert planned.changes() == {new: ["create"]}
    assert bench.check(str(planned.binary), "--config", "infra", "--expect", "introduce").code == 0
    other_phase = bench.check_plan(planned, "--expect", "repoint")
    assert (other_phase.code, "plan-exceeds-phase" in other_phase.rules) == (1, True)

    # An unrelated change, planned at the same moment on the main branch.
    untouched.infra.joinpath("reports.tf").write_bytes(UNRELATED)
    planned_elsewhere = untouched.plan("unrelated", "-refresh=false")
    judged = untouched.check_plan(planned_elsewhere)
    record(untouched, "shared-1-unrelated", planned_elsewhere, judged)
    assert judged.code == 1
    assert judged.found == {("certificate-expiring", "error")}

    apply(bench, planned, ["GenerateClientCertificate"])
    assert assert_trustworthy(aws) == first

    # The same change during the rotation.
    judged = bench.check("infra")
    assert judged.code == 0, str(judged.ended)
    assert judged.found == {("certificate-expiring", "warning")}
    (rotation,) = judged.document["rotations"]
    assert (rotation["predecessor"], rotation["successor"], rotation["phase"]) == (
        OLD,
        new,
        "repoint",
    )
    reports = bench.infra / "reports.tf"
    reports.write_bytes(UNRELATED)
    planned = bench.plan("unrelated", "-refresh=false")
    judged = bench.check_plan(planned)
    record(bench, "shared-2-unrelated", planned, judged)
    reports.unlink()
    assert judged.code == 0, str(judged.ended)
    assert judged.found == {("certificate-expiring", "warning")}
    finding = judged.finding("certificate-expiring")
    assert rotation["repoint_by"][:10] in finding["message"] + finding["remedy"]

    # Repoint.
    repointed = write(bench, tmp_path, "repoint")
    assert repointed == {name: with_pointers_moved(text, new) for name, text in introduced.items()}
    planned = bench.plan("repoint")
    judged = bench.check_plan(planned, "--expect", "repoint")
    record(bench, "shared-2-repoint", planned, judged)
    assert judged.code == 0, str(judged.ended)
    assert planned.changes() == {stage: ["update"] for stage in STAGES}
    apply(bench, planned, ["UpdateStage"] * 3)
    second = assert_trustworthy(aws)
    assert set(second) == set(first)
    (new_id,) = set(second.values())
    assert new_id != old_id

    # Retire.
    retired = write(bench, tmp_path, "retire")
    assert retired == {
        name: without_predecessor(name, text, before, new) for name, text in repointed.items()
    }
    assert retired == series, "phase by phase the same comes out as was shown beforehand"
    planned = bench.plan("retire")
    judged = bench.check_plan(planned, "--expect", "retire")
    record(bench, "shared-3-retire", planned, judged)
    assert judged.code == 0, str(judged.ended)
    assert planned.changes() == {OLD: ["delete"]}
    apply(bench, planned, ["DeleteClientCertificate"])
    assert assert_trustworthy(aws) == second

    # Nothing is left to do, and a second check does no harm.
    judged = bench.check("infra")
    record(bench, "shared-4-rotated", judged=judged)
    assert judged.code == 0, str(judged.ended)
    assert (judged.document["verdict"], judged.document["findings"]) == ("clean", [])
    assert b"nothing to do" in bench.patch("--write")
    assert bench.texts() == retired
    bench.assert_nothing_changes()
    assert presented(aws) == second


def assert_found_in_each_form_of_the_state(bench: Bench, identity: str) -> None:
    """Check that a directory, its raw state and its shown state give the same error with file and
    line.
    """
    line = line_of(
        bench.texts()["certificates.tf"], b'resource "aws_api_gateway_client_certificate" "backend"'
    )
    shown = bench.show_state("state")
    for arguments in (("infra",), ("infra/terraform.tfstate",), (str(shown), "--config", "infra")):
        judged = bench.check(*arguments)
        if arguments == ("infra",):
            record(bench, "shared-0-due", judged=judged)
        assert judged.code == 1, str(judged.ended)
        assert judged.document["verdict"] == "findings"
        (finding,) = judged.document["findings"]
        said = {
            key: finding[key]
            for key in ("rule", "severity", "address", "certificate_id", "days_left", "location")
        }
        assert said == {
            "rule": "certificate-expiring",
            "severity": "error",
            "address": OLD,
            "certificate_id": identity,
            "days_left": 12,
            "location": {"file": "infra/certificates.tf", "line": line},
        }
        (certificate,) = judged.document["certificates"]
        assert set(certificate["presented_by"]) == STAGES
        assert certificate["evidence"] == "observed"
        (rotation,) = judged.document["rotations"]
        assert rotation["phase"] == "introduce"
        assert datetime.fromisoformat(rotation["introduce_by"]) < datetime.fromisoformat(
            rotation["repoint_by"]
        )


def write(bench: Bench, tmp_path, phase: str, *options: str) -> dict[str, bytes]:
    """Write the next phase; check that `git apply` of its diff gives the same files."""
    diff = bench.patch(*options)
    assert f"tfcert: {phase}, phase".encode() in diff
    by_git = bench.after_git_apply(diff, tmp_path / f"git-{phase}")
    bench.patch(*options, "--write")
    assert bench.texts() == by_git
    assert [file.name for file in bench.infra.iterdir() if file.name.endswith(".tfcert")] == [], (
        "no temporary file stays"
    )
    return by_git


def apply(bench: Bench, planned, expected: list[str]) -> None:
    """Apply a plan, and check that it makes exactly these changes in AWS."""
    bench.aws.forget_calls()
    bench.apply(planned)
    assert changes(bench.aws) == expected


def assert_successor_added(before: dict[str, bytes], after: dict[str, bytes]) -> str:
    """Check that only lines were added to the certificate's file, and return the successor's
    address.
    """
    assert {name for name in before if before[name] != after[name]} == {"certificates.tf"}
    assert set(before) == set(after)
    old, new = (
        texts["certificates.tf"].decode().splitlines(keepends=True) for texts in (before, after)
    )
    compared = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    assert {kind for kind, *_ in compared} == {"equal", "insert"}
    assert all(line.endswith("\r\n") for line in new)
    added = "".join(
        "".join(new[start:end]) for kind, _, _, start, end in compared if kind == "insert"
    )
    assert f"# tfcert: succeeds {OLD}\r\n" in added
    # A diff can show an insertion at several equal lines, so the whole text is compared.
    text = "".join(new)
    (name,) = set(re.findall(r'"aws_api_gateway_client_certificate" "(backend_\d{6})"', text))
    block = text[text.index(f'"{name}"') :]
    kept = before["certificates.tf"].decode()
    inside = kept[
        kept.index('"backend" {') + len('"backend"') : kept.index("}\r\n\r\n# The end") + 1
    ]
    assert block.startswith(f'"{name}"{inside}'), (
        "tags, provider, lifecycle and comments are the predecessor's"
    )
    assert f"aws_api_gateway_client_certificate.{name}.pem_encoded_certificate" in added
    return f"aws_api_gateway_client_certificate.{name}"


def with_pointers_moved(text: bytes, new: str) -> bytes:
    """Return the text with the stages' references moved to the successor."""
    return re.sub(
        rb"(client_certificate_id *= )" + re.escape(OLD.encode()) + rb"\.id\b",
        rb"\g<1>" + new.encode() + b".id",
        text,
    )


def without_predecessor(name: str, text: bytes, original: dict[str, bytes], new: str) -> bytes:
    """Return the text without the predecessor, and with the successor's PEM for its consumers."""
    if name == "certificates.tf":
        kept = original[name]
        own = kept[kept.index(b"# Made by hand at first") : kept.index(b"# The end")]
        assert text.count(own) == 1
        return text.replace(own, b"").replace(f"# tfcert: succeeds {OLD}\r\n".encode(), b"")
    return text.replace(
        f"{OLD}.pem_encoded_certificate".encode(), f"{new}.pem_encoded_certificate".encode()
    )


def line_of(text: bytes, part: bytes) -> int:
    """Return the line number of a part of a text, counted from 1."""
    return text.count(b"\n", 0, text.index(part)) + 1
