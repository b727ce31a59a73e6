"""Wrong ways to rotate, each found in its plan before an apply, and plans that only look wrong.

The tests come in the order of their base states: applied, introduced, repointed. No certificate
ends soon here, so each finding comes from a plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from rig.bench import Bench, Judged, Planned
from rig.gateway import assert_trustworthy
from rig.recording import record

pytestmark = pytest.mark.xdist_group("acceptance-wrong-ways")

OLD = "aws_api_gateway_client_certificate.orders"
UNSTAGED = "rotation-unstaged"
DESTROYS = "rotation-destroys-in-use"
STAGES = (
    "aws_api_gateway_stage.prod",
    "aws_api_gateway_stage.test[0]",
    "aws_api_gateway_stage.test[1]",
)
UPDATED = {stage: ["update"] for stage in STAGES}

TOGETHER = b"""
resource "aws_api_gateway_client_certificate" "fresh" {}

resource "aws_api_gateway_stage" "fresh" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "fresh"
  client_certificate_id = aws_api_gateway_client_certificate.fresh.id
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An applied state with its configuration, and tfcert's patches for all phases."""

    bench: Bench
    texts: dict[str, bytes]
    patches: Path

    def apply_patches(self, *names: str) -> None:
        """Apply patches to the files, one after the other."""
        for name in names:
            self.bench.git("apply", "-", stdin=(self.patches / name).read_bytes())

    def change(self, old: bytes, new: bytes) -> None:
        """Replace each occurrence of a text in the configuration, which must have it."""
        text = self.bench.texts()["rotation.tf"]
        assert old in text
        self.bench.infra.joinpath("rotation.tf").write_bytes(text.replace(old, new))

    def judge(self, name: str, *options: str) -> tuple[Planned, Judged]:
        """Plan the files and check the plan; nothing is applied."""
        planned = self.bench.plan(name, "-refresh=false", *options)
        judged = self.bench.check_plan(planned)
        record(self.bench, f"single-{name}", planned, judged)
        return planned, judged

    @property
    def new(self) -> str:
        """Return the successor's address from the patches."""
        introduced = (self.patches / "1-introduce.patch").read_text(encoding="utf-8")
        name = introduced.split('+resource "aws_api_gateway_client_certificate" "', 1)[1].split(
            '"', 1
        )[0]
        return f"aws_api_gateway_client_certificate.{name}"


@pytest.fixture(scope="module")
def applied(aws, tool, tmp_path_factory):
    """Return stages with one certificate, a stage without, and the patches of all phases."""
    top = tmp_path_factory.mktemp("wrong-ways") / tool.binary.name
    bench = Bench.lay(aws, tool, top, "single")
    bench.apply_at_once()
    bench.patch("--phase", "all", "--even-if-not-due", "--out", str(bench.beside / "patches"))
    return Base(bench=bench, texts=bench.texts(), patches=bench.beside / "patches")


@pytest.fixture(scope="module")
def introduced(applied):
    """Return the base after introduce is applied."""
    return moved_on(applied, "1-introduce.patch")


@pytest.fixture(scope="module")
def repointed(introduced):
    """Return the base after repoint is applied."""
    return moved_on(introduced, "2-repoint.patch")


@pytest.fixture(autouse=True)
def as_it_was(request):
    """Restore the configuration after each test."""
    yield
    for name in ("repointed", "introduced", "applied"):
        if name in request.fixturenames:
            base = request.getfixturevalue(name)
            base.bench.write(base.texts)
            return


def moved_on(base: Base, patch: str) -> Base:
    """Return the base after one phase of the rotation."""
    base.bench.write(base.texts)
    base.apply_patches(patch)
    base.bench.apply_at_once()
    return Base(bench=base.bench, texts=base.bench.texts(), patches=base.patches)


def assert_caught(judged: Judged, *rules: str) -> None:
    """Check that the plan has exactly these rules as errors."""
    assert judged.code == 1, str(judged.ended)
    assert judged.document["verdict"] == "findings"
    # The applies of a test are minutes apart, so a plan that repoints gets this warning.
    hasty = {("rotation-premature", "warning")}
    assert judged.found - hasty == {(rule, "error") for rule in rules}, str(judged.ended)
    assert all(
        finding["location"]["file"] == "infra/rotation.tf"
        for finding in judged.document["findings"]
    )


def about(judged: Judged, rule: str) -> list[str]:
    """Return the addresses of a rule's findings."""
    return sorted(
        finding["address"] for finding in judged.document["findings"] if finding["rule"] == rule
    )


def test_a_replaced_certificate(applied):
    """`-replace` of the certificate is rotation-unstaged and rotation-destroys-in-use."""
    planned, judged = applied.judge("replace", f"-replace={OLD}")
    assert planned.changes()[OLD] == ["delete", "create"]
    assert_caught(judged, UNSTAGED, DESTROYS)
    assert about(judged, UNSTAGED) == sorted(STAGES)
    assert about(judged, DESTROYS) == [OLD]


def test_a_replaced_certificate_that_is_created_before_it_is_destroyed(applied):
    """`create_before_destroy` does not change the findings about a replaced certificate."""
    applied.change(
        b'to its backend"\n',
        b'to its backend"\n\n  lifecycle {\n    create_before_destroy = true\n  }\n',
    )
    planned, judged = applied.judge("replace-create-first", f"-replace={OLD}")
    assert planned.changes()[OLD] == ["create", "delete"]
    assert_caught(judged, UNSTAGED, DESTROYS)
    assert about(judged, UNSTAGED) == sorted(STAGES)


def test_introduce_and_repoint_in_one_plan(applied):
    """A plan that introduces and repoints at once is rotation-unstaged."""
    applied.apply_patches("1-introduce.patch", "2-repoint.patch")
    planned, judged = applied.judge("phases-1-and-2")
    assert planned.changes() == {applied.new: ["create"], **UPDATED}
    assert_caught(judged, UNSTAGED)
    assert about(judged, UNSTAGED) == sorted(STAGES)


def test_the_attribute_removed(applied):
    """Removing `client_certificate_id` from a stage is stage-detached."""
    text = applied.texts["rotation.tf"]
    pointer = b"  client_certificate_id = aws_api_gateway_client_certificate.orders.id\n"
    before, behind = text.split(b'resource "aws_api_gateway_stage" "test"')
    edited = before.replace(pointer, b"") + b'resource "aws_api_gateway_stage" "test"' + behind
    applied.bench.infra.joinpath("rotation.tf").write_bytes(edited)
    planned, judged = applied.judge("attribute-removed")
    assert planned.changes() == {"aws_api_gateway_stage.prod": ["update"]}
    assert_caught(judged, "stage-detached")
    assert about(judged, "stage-detached") == ["aws_api_gateway_stage.prod"]


def test_a_stage_together_with_its_certificate_and_one_where_there_was_none(applied):
    """A stage created with its certificate, and a first certificate of a stage, are clean."""
    open_stage = b'  stage_name    = "open"\n'
    applied.change(
        open_stage,
        open_stage + b"  client_certificate_id = aws_api_gateway_client_certificate.fresh.id\n",
    )
    applied.bench.infra.joinpath("fresh.tf").write_bytes(TOGETHER)
    planned, judged = applied.judge("first-certificates")
    assert planned.changes() == {
        "aws_api_gateway_client_certificate.fresh": ["create"],
        "aws_api_gateway_stage.fresh": ["create"],
        "aws_api_gateway_stage.open": ["update"],
    }
    assert judged.code == 0, str(judged.ended)
    assert (judged.document["verdict"], judged.document["findings"]) == ("clean", [])


def test_repoint_and_retire_in_one_plan(introduced):
    """A plan that repoints and retires at once is rotation-destroys-in-use."""
    introduced.apply_patches("2-repoint.patch", "3-retire.patch")
    planned, judged = introduced.judge("phases-2-and-3")
    assert planned.changes() == {OLD: ["delete"], **UPDATED}
    assert_caught(judged, DESTROYS)
    assert about(judged, DESTROYS) == [OLD]


@pytest.mark.needs_terraform("moved blocks")
def test_the_successor_renamed_back_with_moved(repointed):
    """Renaming the successor back with `moved` is rotation-destroys-in-use."""
    repointed.apply_patches("3-retire.patch")
    new_name, old_name = (address.rsplit(".", 1)[1].encode() for address in (repointed.new, OLD))
    repointed.change(new_name, old_name)
    moved = f"\nmoved {{\n  from = {repointed.new}\n  to   = {OLD}\n}}\n"
    repointed.bench.infra.joinpath("moved.tf").write_bytes(moved.encode())
    planned, judged = repointed.judge("renamed-back")
    assert "delete" in planned.changes()[repointed.new], "what Terraform makes of it"
    assert judged.code == 1, str(judged.ended)
    assert (DESTROYS, "error") in judged.found
    assert repointed.new in about(judged, DESTROYS)


def test_nothing_was_applied_by_looking(repointed):
    """After all these plans each stage still presents a valid certificate."""
    gateway = repointed.bench.aws.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    gateway.delete_stage(restApiId=api["id"], stageName="open")
    assert set(assert_trustworthy(repointed.bench.aws)) == {
        "orders/prod",
        "orders/test0",
        "orders/test1",
    }
