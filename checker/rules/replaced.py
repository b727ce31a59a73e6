"""What takes a replacement or a deletion of a certificate out of a plan, by the reason that Terraform gives for it."""

from __future__ import annotations

from checker.model.plan import CertificateChange


def undo(change: CertificateChange) -> str | None:
    """What to do so that the plan no longer replaces the certificate; None where its reason is not one that can be undone.

    Source: terraform internal/command/jsonplan, `ResourceChange.ActionReason`.
    """
    again = "plan again, and rotate with `tfcert patch`"
    match change.reason:
        case "replace_because_tainted":
            return f"`terraform untaint '{change.address}'`: it is marked as tainted; {again}"
        case "replace_by_triggers":
            return (
                f"take replace_triggered_by out of the lifecycle of {change.address.block}, or "
                f"undo what triggered it; {again}"
            )
        case "replace_by_request":
            return f"plan without -replace: it makes and moves in one apply; {again}"
        case _:
            return None
