"""Remedies for plans that remove a certificate, followed with the real tool until the finding is
gone.
"""

from __future__ import annotations

import json
import re
import shlex

import pytest
from rig.bench import Bench, Judged
from rig.gateway import presented
from rig.processes import run

pytestmark = pytest.mark.xdist_group("acceptance-plan-remedies")

OLD = "aws_api_gateway_client_certificate.orders"
DESTROYS, DETACHED = "rotation-destroys-in-use", "stage-detached"
BLOCK = b'resource "aws_api_gateway_client_certificate" "orders" {\n  description = "orders to its backend"\n}\n\n'
TRIGGER = 'resource "terraform_data" "trigger" {\n  input = "1"\n}\n'
TWIN = """
import {
  to = aws_api_gateway_stage.twin
  id = "API/prod"
}

resource "aws_api_gateway_stage" "twin" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  deployment_id         = aws_api_gateway_deployment.orders.id
  stage_name            = "prod"
  client_certificate_id = aws_api_gateway_client_certificate.orders.id
}
"""


@pytest.fixture(scope="module")
def bench(aws, tool, tmp_path_factory):
    """Return three stages on one certificate with 12 days left."""
    top = tmp_path_factory.mktemp("plan-remedies") / tool.binary.name
    bench = Bench.lay(aws, tool, top, "single", {"trigger.tf": TRIGGER})
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    return bench


def remedies(judged: Judged, rule: str) -> dict[str, str]:
    """Return the remedy of each finding of a rule by address."""
    found = {
        finding["address"]: finding["remedy"]
        for finding in judged.document["findings"]
        if finding["rule"] == rule
    }
    assert found, str(judged.ended)
    return found


def taken(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1]


def judge(bench: Bench, name: str, *options: str) -> tuple[dict[str, list[str]], Judged]:
    planned = bench.plan(name, "-refresh=false", *options)
    return planned.changes(), bench.check_plan(planned)


def change(bench: Bench, name: str, old: bytes, new: bytes) -> None:
    file = bench.infra / name
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new))


@pytest.mark.needs_terraform("terraform_data")
def test_what_a_change_took_away_is_put_back(bench):
    """After the block and attribute in the remedies are restored, and the replacement's cause
    removed, `patch` begins.
    """
    before = bench.texts()
    change(bench, "rotation.tf", BLOCK, b"")
    change(bench, "rotation.tf", f"= {OLD}.id".encode(), b"= null")
    _, judged = judge(bench, "taken-away")
    (destroys,) = remedies(judged, DESTROYS).values()
    block = taken(
        r"^put the block of (\S+) back before anything is applied, then run `tfcert patch`",
        destroys,
    )
    detached = remedies(judged, DETACHED)
    assert len(detached) == 3
    (attribute,) = {
        taken(r"^put (\w+) back; to rotate, run `tfcert patch`$", each)
        for each in detached.values()
    }
    kind, name = block.split(".")
    (bench.infra / "back.tf").write_text(
        f'resource "{kind}" "{name}" {{\n  description = "orders to its backend"\n}}\n'
    )
    text = (bench.infra / "rotation.tf").read_text()
    (bench.infra / "rotation.tf").write_text(
        re.sub(rf"{attribute}( *)= null", rf"{attribute}\1= {block}.id", text)
    )
    changes, judged = judge(bench, "put-back")
    assert changes == {}
    assert not judged.rules & {DESTROYS, DETACHED, "rotation-unstaged"}
    command = shlex.split(taken("`tfcert ([^`]+)`", destroys))
    assert b"tfcert: introduce, phase" in bench.tfcert(*command, "infra").stdout
    bench.write(before)

    # The replacement was requested: without the option nothing changes, as the plan above shows.
    _, judged = judge(bench, "asked-for", f"-replace={OLD}")
    assert taken(r"^plan without (-\w+): ", remedies(judged, DESTROYS)[OLD]) == "-replace"

    argument = b"\n  lifecycle {\n    replace_triggered_by = [terraform_data.trigger]\n  }\n"
    change(bench, "rotation.tf", b'to its backend"\n', b'to its backend"\n' + argument)
    change(bench, "trigger.tf", b'"1"', b'"2"')
    _, judged = judge(bench, "triggered")
    named = taken(
        rf"^take (\w+) out of the lifecycle of {re.escape(OLD)}, or undo",
        remedies(judged, DESTROYS)[OLD],
    )
    lines = (bench.infra / "rotation.tf").read_text().splitlines(keepends=True)
    assert sum(named in line for line in lines) == 1
    (bench.infra / "rotation.tf").write_text("".join(line for line in lines if named not in line))
    changes, judged = judge(bench, "not-triggered")
    assert changes == {"terraform_data.trigger": ["update"]}
    assert not judged.rules & {DESTROYS, "rotation-unstaged"}
    bench.write(before)


@pytest.mark.needs_terraform("terraform_data", "import blocks")
def test_what_else_writes_a_stage_lets_go_of_it(bench):
    """After the named command removes a second resource or a deployment from state, the stage keeps
    its certificate.
    """
    before = bench.texts()
    shown = presented(bench.aws)
    (api,) = bench.aws.client("apigateway").get_rest_apis()["items"]
    twin = bench.infra / "twin.tf"
    twin.write_text(TWIN.replace("API", api["id"]))
    bench.apply_at_once()
    twin.unlink()
    changes, judged = judge(bench, "twin")
    assert changes == {"aws_api_gateway_stage.twin": ["delete"]}
    text = remedies(judged, DETACHED)["aws_api_gateway_stage.prod"]
    terraform(bench, *shlex.split(taken(r"without a deletion: `terraform ([^`]+)`", text)))
    changes, judged = judge(bench, "no-twin")
    assert (changes, DETACHED in judged.rules) == ({}, False)

    # The state of an older configuration: the emulator does not write the stage as AWS does.
    state = json.loads(bench.state.read_text())
    (deployment,) = (
        each for each in state["resources"] if each["type"] == "aws_api_gateway_deployment"
    )
    deployment["instances"][0]["attributes"]["stage_name"] = "prod"
    bench.state.write_text(json.dumps(state))
    argument = b'  stage_name  = "prod"\n'
    head = b"  depends_on  = [aws_api_gateway_integration.orders]\n"
    change(bench, "main.tf", head, head + argument + b'  triggers    = { x = "1" }\n')
    _, judged = judge(bench, "writes")
    text = remedies(judged, DETACHED)["aws_api_gateway_stage.prod"]
    command = taken(
        r"^take stage_name out of the deployment without replacing it: `terraform ([^`]+)` it, remove the argument",
        text,
    )
    said = next(each["message"] for each in judged.document["findings"] if each["rule"] == DETACHED)
    terraform(bench, *command.split(), taken(r": (\S+) \(replaced\) has stage_name", said))
    change(bench, "main.tf", argument, b"")
    changes, judged = judge(bench, "writes-nothing")
    assert changes.pop("aws_api_gateway_deployment.orders") == ["create"]
    assert set(map(tuple, changes.values())) == {("update",)}
    assert DETACHED not in judged.rules
    bench.apply_at_once()
    assert presented(bench.aws) == shown
    bench.write(before)


def terraform(bench: Bench, *arguments: str) -> None:
    ended = run(
        [bench.tool.binary.path, *arguments], folder=bench.infra, environment=bench.attached
    )
    assert ended.code == 0, str(ended)
