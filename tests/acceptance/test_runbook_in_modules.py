"""The runbook's commands for a certificate in a nested module work as printed."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from pathlib import Path

import pytest
from rig.bench import AGED, CONFIGURATIONS, PLAIN_SOURCE, Bench
from rig.gateway import presented
from rig.processes import run

pytestmark = pytest.mark.xdist_group("acceptance-three-applies")

API = """
resource "aws_api_gateway_rest_api" "a" {
  name = "nested"
}

resource "aws_api_gateway_method" "a" {
  rest_api_id   = aws_api_gateway_rest_api.a.id
  resource_id   = aws_api_gateway_rest_api.a.root_resource_id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "a" {
  rest_api_id = aws_api_gateway_rest_api.a.id
  resource_id = aws_api_gateway_rest_api.a.root_resource_id
  http_method = aws_api_gateway_method.a.http_method
  type        = "MOCK"
}

resource "aws_api_gateway_deployment" "a" {
  rest_api_id = aws_api_gateway_rest_api.a.id
  depends_on  = [aws_api_gateway_integration.a]
}

resource "aws_api_gateway_client_certificate" "this" {
  count = 1
}

resource "aws_api_gateway_stage" "a" {
  rest_api_id           = aws_api_gateway_rest_api.a.id
  deployment_id         = aws_api_gateway_deployment.a.id
  stage_name            = "live"
  client_certificate_id = aws_api_gateway_client_certificate.this[0].id
}
"""
OUTER = 'module "inner" {\n  source   = "./inner"\n  for_each = toset(["it\'s one"])\n}\n'
CALL = 'module "outer" {\n  source = "./outer"\n}\n'


@pytest.fixture
def bench(aws, tool, tmp_path):
    """Return a certificate with a key and a count in a nested module, applied 353 days ago."""
    aws.reset()
    settings = (
        (CONFIGURATIONS / "single" / "main.tf")
        .read_bytes()
        .replace(PLAIN_SOURCE, f'"{tool.provider_source}"'.encode())
    )
    more = {
        "main.tf": settings.decode(),
        "called.tf": CALL,
        "outer/main.tf": OUTER,
        "outer/inner/main.tf": API,
    }
    bench = Bench.lay(aws, tool, tmp_path / "nested", "none", more)
    aws.clock.advance(days=-353, hours=1)
    bench.apply_at_once()
    aws.clock.run()
    return bench


def test_every_command_that_reads_the_pem_prints_it(bench):
    """Each command that reads the PEM prints it, with keys quoted for the shell."""
    bench.rotate("introduce")
    bench.tfcert("patch", "infra", "--phase", "all", "--out", "../beside/rotation")
    text = (bench.beside / "rotation" / "RUNBOOK.md").read_text(encoding="utf-8")
    blocks = [textwrap.dedent(block.split("```")[0]) for block in text.split("```sh\n")[1:]]
    commands = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    commands = [
        command
        for command in commands
        if re.search("_pem$|state show|get-client-certificate", command)
    ]
    assert any("it's one" in command.replace("'\"'\"'", "'") for command in commands), commands
    assert not any("output -raw" in command for command in commands), commands
    for command in commands:
        if "aws " in command and shutil.which("aws") is None:
            continue
        printed = run(
            ["bash", "-euo", "pipefail", "-c", command],
            folder=bench.infra,
            environment=bench.attached,
        )
        assert printed.code == 0, str(printed)
        assert b"-----BEGIN CERTIFICATE-----" in printed.stdout, str(printed)


def test_the_printed_steps_alone_rotate_a_certificate_in_a_module_of_a_module(
    aws, tool, bench, tmp_path
):
    """The runbook's shell blocks, run in order, rotate a certificate in a nested module."""
    before = presented(aws)
    bench.tfcert("patch", "infra", "--phase", "all", "--out", "../beside/rotation")
    text = (bench.beside / "rotation" / "RUNBOOK.md").read_text(encoding="utf-8")
    binaries = tmp_path / "binaries"
    binaries.mkdir()
    (binaries / "terraform").symlink_to(tool.binary.path)
    path = f"{binaries}:{Path(sys.executable).parent}:{bench.environment['PATH']}"
    for title in ("### 1. Introduce", "### 2. Repoint", "### 3. Retire"):
        part = text.partition(title)[2].partition("\n### ")[0].partition("\n## ")[0]
        # The successor is older than the trust window when the stages move.
        aws.clock.advance(days=-AGED if "Introduce" in title else 0)
        assert "```sh\n" in part, title
        for block in part.split("```sh\n")[1:]:
            script = textwrap.dedent(block.split("```")[0])
            if "aws " in script and shutil.which("aws") is None:
                continue
            ended = run(
                ["bash", "-euo", "pipefail", "-c", script],
                folder=bench.infra,
                environment={**bench.attached, "PATH": path},
            )
            assert ended.code == 0, f"{script}{ended}"
        aws.clock.run()
    after = presented(aws)
    assert set(before) == set(after)
    assert not set(before.values()) & set(after.values())
    assert b"nothing to do" in bench.patch()
