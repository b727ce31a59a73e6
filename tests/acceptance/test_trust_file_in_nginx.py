"""A real repoint in front of a real nginx with a declared bundle: a safe one breaks no call, an
unsafe one does.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from rig.gateway import presented
from test_probe_of_nginx import bench, server, take_key
from test_trust_in_nginx import nginx

__all__ = ["bench", "nginx", "server"]
pytestmark = pytest.mark.xdist_group("acceptance-probe")
OLD = "aws_api_gateway_client_certificate.orders"


def declare(bench, server, kind):
    (bench.root / "tfcert.toml").write_text(
        '[trust.backends.orders]\nstages = "aws_api_gateway_stage.*"\n'
        f'server = "{kind}"\nbundle = "{server.folder}/now.pem"\n'
    )


def trusts(server, *names, pinned=False):
    """Make nginx trust these certificates, and write them to the policy's bundle."""
    (server.pin if pinned else server.trust_file)(*names)
    text = "".join((server.folder / f"{name}.pem").read_text() for name in names)
    (server.folder / "now.pem").write_text(text)


def call(bench, server):
    """Return whether nginx accepts the certificate that the stage presents."""
    (identity,) = set(presented(bench.aws).values())
    take_key(identity, server.folder, "shown")
    return server.accepts("shown")


def test_an_applied_repoint_does_to_calls_what_was_said(bench, server):
    """A repoint that tfcert rejects breaks the calls if it is applied; with both certificates
    pinned, it does not.
    """
    name = f"{OLD}_{datetime.now(UTC):%Y%m}"
    assert bench.rotate("introduce") == {name: ("create",)}
    resources = json.loads(bench.state.read_bytes())["resources"]
    ids = {
        each["name"]: each["instances"][0]["attributes"]["id"]
        for each in resources
        if each["type"] == OLD.partition(".")[0]
    }
    take_key(ids[name.rpartition(".")[2]], server.folder, "new")
    before = bench.texts()

    trusts(server, "old", "new")
    declare(bench, server, "nginx")
    waiting = bench.tfcert("patch", "infra")
    assert "does not trust the successor" in waiting.stdout.decode() + waiting.stderr.decode()
    bench.patch("--phase", "repoint", "--write")
    planned = bench.plan("unsafe")
    judged = bench.check_plan(planned, "--expect", "repoint")
    assert (judged.code, "trust-missing" in judged.rules) == (1, True)
    assert call(bench, server)
    bench.apply(planned)
    assert not call(bench, server), "said to be unsafe, and applied all the same"

    bench.write(before)
    bench.apply_at_once()
    assert call(bench, server), "the way back"

    trusts(server, "old", "new", pinned=True)
    declare(bench, server, "pinned")
    ended = bench.tfcert("patch", "infra")
    assert "repoint is safe" in ended.stdout.decode() + ended.stderr.decode(), str(ended)
    bench.patch("--phase", "repoint", "--write")
    planned = bench.plan("safe")
    assert bench.check_plan(planned, "--expect", "repoint").code == 0
    assert call(bench, server)
    bench.apply(planned)
    assert call(bench, server)
    assert set(presented(bench.aws).values()) == {ids[name.rpartition(".")[2]]}
