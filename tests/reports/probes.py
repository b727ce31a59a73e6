"""Documents of `tfcert probe` for the tests of its formats."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from checker.reports.probe.document import (
    JsonAnswer,
    JsonCaller,
    JsonNotProbed,
    JsonPlannedCalls,
    JsonProbe,
    JsonProbedBackend,
    JsonStageName,
)

MADE = datetime(2026, 11, 23, 12, tzinfo=UTC)
STAGE = JsonStageName(
    address="aws_api_gateway_stage.live",
    api_id="lo64vzqnaj",
    name="live",
    account="123456789012",
    region="us-east-1",
)
TRUSTED = JsonProbedBackend(
    stage=STAGE,
    backend="https://orders.example:443",
    vpc_link=None,
    method="GET /health",
    predecessor=JsonCaller(id="q1w2e3", sha256_fingerprint="aa" * 32),
    successor=JsonCaller(id="n3w0ne", sha256_fingerprint="bb" * 32),
    answers=(
        JsonAnswer(caller="none", status=403, failure=None),
        JsonAnswer(caller="predecessor", status=200, failure=None),
        JsonAnswer(caller="successor", status=200, failure=None),
    ),
    verdict="trusts both",
    reason="both certificates are accepted, and a call without one is refused",
    remedy=None,
)
REFUSED = replace(
    TRUSTED,
    backend="https://billing.example:443",
    vpc_link="vpcl1nk",
    answers=(*TRUSTED.answers[:2], JsonAnswer(caller="successor", status=403, failure=None)),
    verdict="trusts the predecessor only",
    reason="the successor is refused",
    remedy="add the PEM of n3w0ne to what the backend trusts (`tfcert bundle`)",
)
SKIPPED = JsonNotProbed(
    stage=replace(STAGE, address=None, name="socket"),
    backend=None,
    reason="a WebSocket API has no test call",
    remedy="write its files with `tfcert bundle --for`",
)


def probe(*backends, not_probed=(), **more):
    """Return a document with these backends and their exit code."""
    verdicts = {each.verdict for each in backends}
    code = (
        1
        if "trusts the predecessor only" in verdicts
        else 3
        if not_probed or not verdicts <= {"trusts both", "trusts the successor only"}
        else 0
    )
    given = {
        "made_at": MADE,
        "exit_code": code,
        "dry_run": False,
        "interrupted": False,
        "calls": 3 * len(backends),
        "backends": backends,
        "not_probed": tuple(not_probed),
        **more,
    }
    return JsonProbe(**given)


def dry_run():
    """Return the document of `--dry-run` for one backend."""
    planned = JsonPlannedCalls(
        stage=STAGE,
        backend=TRUSTED.backend,
        vpc_link=None,
        method=TRUSTED.method,
        callers=("none", "predecessor", "successor"),
    )
    return probe(calls=0, dry_run=True, planned=(planned,))
