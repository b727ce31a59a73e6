"""Rotations that are due where there is no configuration to patch."""

from __future__ import annotations

from checker.domain.case_values import Case, DocumentCases
from checker.domain.rotation import Blocked


def place_scanned(document: DocumentCases) -> str | None:
    """The account and region that a document of a scan is of: addresses recur in them, and mean other certificates."""
    return document.document.source.path if document.document.source.kind == "aws" else None


def unpatched(document: DocumentCases, case: Case) -> Blocked:
    """Why there is no patch, and who rotates it instead."""
    if document.document.source.kind != "aws":
        return Blocked("the configuration is not at hand", "pass the folder of its .tf files with --config to get patches")
    where = f"certificate {case.id} ({case.certificate.place})"
    match case.certificate.managed:
        case True:
            return Blocked(f"{where} is Terraform's, and a scan writes no patches", "run `tfcert patch` where its state is")
        case False:
            return Blocked(f"{where} is in no state that was given", "rotate it by hand: `tfcert scan` prints the steps")
        case None:
            return Blocked(
                f"whether {where} is Terraform's is not known: no state that was given says it",
                "give `tfcert scan` the states; what is in none of them is rotated by hand, by the steps that it prints",
            )
