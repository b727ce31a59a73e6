"""The recipe for make with the real tool: a plan that tfcert rejects is not applied."""

from __future__ import annotations

import shlex
import sys

import pytest
from rig.bench import REPOSITORY, Bench
from rig.processes import run

pytestmark = pytest.mark.xdist_group("acceptance-gate-in-make")

MAKEFILE = REPOSITORY / "docs/gates/make/tfcert.mk"
TFCERT = f"{shlex.quote(sys.executable)} -c 'from checker.cli import main; main()'"
# One apply creates a certificate and moves the stage to it.
MOVED = (
    b"aws_api_gateway_client_certificate.orders.id",
    b"aws_api_gateway_client_certificate.fresh.id",
)
FRESH = b'\nresource "aws_api_gateway_client_certificate" "fresh" {}\n'


def test_what_is_stopped_is_not_applied(aws, tool, tmp_path):
    """A first apply passes, a plan that merges introduce and repoint is not applied, and introduce
    alone is.
    """
    bench = Bench.lay(aws, tool, tmp_path, "single")

    def make():
        told = (f"TERRAFORM={tool.binary.path}", f"TFCERT={TFCERT}")
        return run(
            ("make", "-f", str(MAKEFILE), "apply", *told),
            folder=bench.infra,
            environment=bench.attached,
        )

    done = make()
    assert done.code == 0, str(done)
    applied = bench.state.read_bytes()
    texts = bench.texts()

    bench.write(
        {
            name: text.replace(*MOVED) + (FRESH if name == "rotation.tf" else b"")
            for name, text in texts.items()
        }
    )
    done = make()
    assert done.code != 0
    assert b"rotation-unstaged" in done.stdout
    assert bench.state.read_bytes() == applied

    bench.write(
        {name: text + (FRESH if name == "rotation.tf" else b"") for name, text in texts.items()}
    )
    assert make().code == 0
    assert bench.state.read_bytes() != applied
