"""Minimal outcomes in JSON version 1, for the tests of reports and comments."""

from __future__ import annotations

from checker.reports.markdown.escape import NamedAccounts


def certificate(**more):
    return {
        "address": "aws_api_gateway_client_certificate.orders",
        "id": "abc123",
        "account": "123456789012",
        "region": "us-east-1",
        "expires_at": "2026-12-05T00:00:00Z",
        "days_left": 12,
        "evidence": "observed",
        "sha256_fingerprint": None,
        "presented_by": ["aws_api_gateway_stage.prod"],
        "managed": True,
        "source": "plan.json",
        **more,
    }


def stage(**more):
    return {
        "address": "aws_api_gateway_stage.prod",
        "kind": "rest",
        "api_id": "api1",
        "name": "prod",
        "account": "123456789012",
        "region": "us-east-1",
        "certificate_id": "abc123",
        "certificate_address": "aws_api_gateway_client_certificate.orders",
        "managed": True,
        "source": "plan.json",
        **more,
    }


def finding(**more):
    return {
        "rule": "certificate-expiring",
        "severity": "error",
        "address": "aws_api_gateway_client_certificate.orders",
        "certificate_id": "abc123",
        "days_left": 12,
        "message": "certificate abc123 ends on 2026-12-05, in 12 days",
        "remedy": "run `tfcert patch`; introduce its successor by 2026-11-25",
        "location": {"file": "main.tf", "line": 1},
        "suppression": None,
        "source": "plan.json",
        **more,
    }


def rotation(**more):
    return {
        "predecessor": "aws_api_gateway_client_certificate.orders",
        "successor": "aws_api_gateway_client_certificate.orders_202611",
        "phase": "introduce",
        "reason": None,
        "introduce_by": "2026-11-25T00:00:00Z",
        "repoint_by": "2026-11-28T00:00:00Z",
        "stages": ["aws_api_gateway_stage.prod"],
        **more,
    }


def patch(**more):
    return {
        "phase": "introduce",
        "file": "1-introduce.patch",
        "diff": "diff --git a/main.tf b/main.tf\n--- a/main.tf\n+++ b/main.tf\n@@ -1 +1 @@\n-a\n+b\n",
        "rotations": ["aws_api_gateway_client_certificate.orders"],
        "unmet": [],
        **more,
    }


def hand_rotation(**more):
    return {
        "certificate_id": "abc123",
        "account": "123456789012",
        "region": "us-east-1",
        "managed": False,
        "successor_id": None,
        "expires_at": "2026-12-05T00:00:00Z",
        "stages": ["api1/prod"],
        "steps": [
            {
                "does": "make the successor",
                "commands": ["NEW=$(aws apigateway generate-client-certificate)"],
                "then": None,
            },
            {
                "does": "give it to every backend",
                "commands": [],
                "then": "every backend trusts both",
            },
        ],
        **more,
    }


def outcome(
    *,
    path="plan.json",
    verdict=None,
    findings=(),
    certificates=(),
    stages=(),
    rotations=(),
    patches=(),
    **more,
):
    """Return a whole document; without a given verdict, it follows from the findings."""
    counted = [one for one in findings if one["suppression"] is None]
    errors = any(
        one["severity"] == "error" and one["rule"] != "certificate-unverified" for one in counted
    )
    unverified = any(one["rule"] == "certificate-unverified" for one in counted)
    found = verdict or ("findings" if errors else "inconclusive" if unverified else "clean")
    return {
        "schema": "tfcert.outcome/v1",
        "as_of": "2026-11-23T00:00:00Z",
        "verdict": found,
        "exit_code": {"clean": 0, "findings": 1, "inconclusive": 3}[found],
        "offline": False,
        "sources": [
            {"path": path, "kind": "plan", "tool_version": "1.11.4", "format_version": "1.2"}
        ],
        "policy": {"name": "default", "threshold_days": 30, "notice_days": 60},
        "summary": {
            "stages": len(stages),
            "certificates": len(certificates),
            **{
                name: sum(one["severity"] == name for one in counted)
                for name in ("error", "warning", "note")
            },
            "suppressed": len(findings) - len(counted),
            "unverified": sum(one["rule"] == "certificate-unverified" for one in counted),
        },
        "certificates": list(certificates),
        "stages": list(stages),
        "findings": list(findings),
        "rotations": list(rotations),
        "notices": [],
        "patches": list(patches),
        "by_hand": [],
        **more,
    }


def due(path="plan.json", **more):
    """Return a document of a certificate with twelve days left, with finding, rotation
    and patch.
    """
    return outcome(
        path=path,
        certificates=[certificate(source=path)],
        stages=[stage(source=path)],
        findings=[finding(source=path)],
        rotations=[rotation()],
        patches=[patch()],
        **more,
    )


def fine(path="plan.json", **more):
    """Return a document of a certificate with ten months left."""
    return outcome(
        path=path,
        certificates=[certificate(source=path, days_left=300)],
        stages=[stage(source=path)],
        **more,
    )


def named(*documents, names=()):
    """Return documents with names, or without."""
    return [
        NamedAccounts(name=name, document=document)
        for name, document in zip(names or [""] * len(documents), documents, strict=True)
    ]
