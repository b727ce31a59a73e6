"""What people do instead of a rotation, each caught on the plan before anybody applies it; and what only looks like it.

The tests stand in the order of the base states that they plan from: applied, introduced, repointed. Nothing here nears its end,
so that a finding can only come from what a plan does.
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
    """A state that was applied, the text that goes with it, and the patches that tfcert wrote for all phases."""

    bench: Bench
    texts: dict[str, bytes]
    patches: Path

    def apply_patches(self, *names: str) -> None:
        """Put patches into the files, one after the other, as somebody does who wants to be done with it."""
        for name in names:
            self.bench.git("apply", "-", stdin=(self.patches / name).read_bytes())

    def change(self, old: bytes, new: bytes) -> None:
        """Change every occurrence of a piece of the configuration, which is there."""
        text = self.bench.texts()["rotation.tf"]
        assert old in text
        self.bench.infra.joinpath("rotation.tf").write_bytes(text.replace(old, new))

    def judge(self, name: str, *options: str) -> tuple[Planned, Judged]:
        """Plan what the files hold now, and have the plan checked; nothing is applied."""
        planned = self.bench.plan(name, "-refresh=false", *options)
        judged = self.bench.check_plan(planned)
        record(self.bench, f"single-{name}", planned, judged)
        return planned, judged

    @property
    def new(self) -> str:
        """The successor's address, as the patches name it."""
        introduced = (self.patches / "1-introduce.patch").read_text(encoding="utf-8")
        name = introduced.split('+resource "aws_api_gateway_client_certificate" "', 1)[1].split(
            '"', 1
        )[0]
        return f"aws_api_gateway_client_certificate.{name}"


@pytest.fixture(scope="module")
def applied(aws, tool, tmp_path_factory):
    """Stages on one certificate, one stage without, as they were created; and all three patches beside them."""
    top = tmp_path_factory.mktemp("wrong-ways") / tool.binary.name
    bench = Bench.lay(aws, tool, top, "single")
    bench.apply_at_once()
    bench.patch("--phase", "all", "--even-if-not-due", "--out", str(bench.beside / "patches"))
    return Base(bench=bench, texts=bench.texts(), patches=bench.beside / "patches")


@pytest.fixture(scope="module")
def introduced(applied):
    """Then the successor was introduced, as it should be."""
    return moved_on(applied, "1-introduce.patch")


@pytest.fixture(scope="module")
def repointed(introduced):
    """Then the stages were moved to it, as they should be."""
    return moved_on(introduced, "2-repoint.patch")


@pytest.fixture(autouse=True)
def as_it_was(request):
    """Put the configuration back after each test."""
    yield
    for name in ("repointed", "introduced", "applied"):
        if name in request.fixturenames:
            base = request.getfixturevalue(name)
            base.bench.write(base.texts)
            return


def moved_on(base: Base, patch: str) -> Base:
    """The base after one phase of the rotation."""
    base.bench.write(base.texts)
    base.apply_patches(patch)
    base.bench.apply_at_once()
    return Base(bench=base.bench, texts=base.bench.texts(), patches=base.patches)


def assert_caught(judged: Judged, *rules: str) -> None:
    """The plan is refused, by these rules at least, each time as an error, and by none that has nothing to say here."""
    assert judged.code == 1, str(judged.ended)
    assert judged.document["verdict"] == "findings"
    # The applies of a test follow each other within minutes, and a plan that repoints is told so.
    hasty = {("rotation-premature", "warning")}
    assert judged.found - hasty == {(rule, "error") for rule in rules}, str(judged.ended)
    assert all(
        finding["location"]["file"] == "infra/rotation.tf"
        for finding in judged.document["findings"]
    )


def about(judged: Judged, rule: str) -> list[str]:
    """The addresses that a rule's findings are about."""
    return sorted(
        finding["address"] for finding in judged.document["findings"] if finding["rule"] == rule
    )


def test_a_replaced_certificate(applied):
    """`-replace` destroys the certificate that stages present and moves them to one that no backend has heard of."""
    planned, judged = applied.judge("replace", f"-replace={OLD}")
    assert planned.changes()[OLD] == ["delete", "create"]
    assert_caught(judged, UNSTAGED, DESTROYS)
    assert about(judged, UNSTAGED) == sorted(STAGES)
    assert about(judged, DESTROYS) == [OLD]


def test_a_replaced_certificate_that_is_created_before_it_is_destroyed(applied):
    """`create_before_destroy` spares AWS the conflict; the backend is told no sooner."""
    applied.change(
        b'to its backend"\n',
        b'to its backend"\n\n  lifecycle {\n    create_before_destroy = true\n  }\n',
    )
    planned, judged = applied.judge("replace-create-first", f"-replace={OLD}")
    assert planned.changes()[OLD] == ["create", "delete"]
    assert_caught(judged, UNSTAGED, DESTROYS)
    assert about(judged, UNSTAGED) == sorted(STAGES)


def test_introduce_and_repoint_in_one_plan(applied):
    """Phases 1 and 2 in one plan leave the backend no time."""
    applied.apply_patches("1-introduce.patch", "2-repoint.patch")
    planned, judged = applied.judge("phases-1-and-2")
    assert planned.changes() == {applied.new: ["create"], **UPDATED}
    assert_caught(judged, UNSTAGED)
    assert about(judged, UNSTAGED) == sorted(STAGES)


def test_the_attribute_removed(applied):
    """A stage whose `client_certificate_id` is taken out presents nothing any more."""
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
    """Neither a stage that is created with its certificate nor the first certificate of a stage is a rotation: all is clean."""
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
    """Phases 2 and 3 in one plan: Terraform deletes the certificate before it moves the stages off it."""
    introduced.apply_patches("2-repoint.patch", "3-retire.patch")
    planned, judged = introduced.judge("phases-2-and-3")
    assert planned.changes() == {OLD: ["delete"], **UPDATED}
    assert_caught(judged, DESTROYS)
    assert about(judged, DESTROYS) == [OLD]


def test_the_successor_renamed_back_with_moved(repointed):
    """The predecessor deleted and the successor given its name by `moved`, in one plan: Terraform would destroy the new one."""
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
    """After all these plans every stage that presented a certificate still presents a valid one."""
    gateway = repointed.bench.aws.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    gateway.delete_stage(restApiId=api["id"], stageName="open")
    assert set(assert_trustworthy(repointed.bench.aws)) == {
        "orders/prod",
        "orders/test0",
        "orders/test1",
    }
