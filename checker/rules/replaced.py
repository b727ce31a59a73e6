"""How to remove a replacement or deletion of a certificate from a plan, by Terraform's reason."""

from __future__ import annotations

from checker.model.plan import CertificateChange


def undo(change: CertificateChange) -> str | None:
    """Return how to keep the plan from replacing the certificate; None if that is not possible.

    It depends on Terraform's reason for the action. Source: terraform internal/command/jsonplan,
    `ResourceChange.ActionReason`.
    """
    again = "plan again, and rotate with `tfcert patch`"
    match change.reason:
        case "replace_because_tainted":
            return (
                f"run `terraform untaint '{change.address}'`, since it is marked as tainted; "
                f"{again}"
            )
        case "replace_by_triggers":
            return (
                f"take replace_triggered_by out of the lifecycle of {change.address.block}, or "
                f"undo what triggered it; {again}"
            )
        case "replace_by_request":
            return f"plan without -replace: it makes and moves in one apply; {again}"
        case _:
            return None
