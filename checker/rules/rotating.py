"""Who rotates a certificate, and with what: Terraform's patches, or a person by hand."""

from __future__ import annotations

from checker.domain.case_values import Case, DocumentCases

_BY_HAND = "rotate it by hand, by the steps that `tfcert scan` prints"


def rotate(document: DocumentCases, case: Case) -> str:
    """What to run or do for a certificate that is to be rotated; a scan finds what no patch reaches."""
    if document.document.source.kind != "aws":
        return "run `tfcert patch`"
    match document.document.manages(case.certificate):
        case True:
            return "run `tfcert patch` where its state is"
        case False:
            return f"no state that was given has it: {_BY_HAND}"
        case None:
            return f"run `tfcert patch` where its state is, or, if it is not Terraform's, {_BY_HAND}"
