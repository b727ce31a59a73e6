"""Which stages present a certificate, and who manages it, in the same words in every report."""

from __future__ import annotations

from typing import Literal

from checker.model.cases import Case, DocumentCases
from checker.model.observation import Observations

# Where the stages of a certificate were searched: its account and region (completely, or the part
# that could be listed), or a document.
Searched = Literal["region", "region_in_part", "state", "plan"]

_NOBODY: dict[Searched, str] = {
    "region": "no stage of its account and region",
    "region_in_part": "no stage that was listed",
    "state": "no stage in this state",
    "plan": "no stage in this plan",
}


def searched(part: DocumentCases, case: Case, observations: Observations) -> Searched:
    """Return where the stages that may present a certificate were searched."""
    if part.document.source.kind == "aws":
        return "region_in_part" if part.document.unread else "region"
    if case.subject.key is not None and observations.lists_stages_of(case.subject.key.place):
        return "region"
    return "plan" if part.document.plan is not None else "state"


def presenters_in_words(count: int, where: Searched | None) -> str:
    """Format the number of stages that present a certificate.

    Zero always comes with the place that was searched. `where` is None for an outcome of a version
    that did not record it.
    """
    if count:
        return f"{count} stage{'s' * (count != 1)}"
    return _NOBODY[where] if where is not None else "no stage that was read"


def manager_in_words(*, managed: bool | None) -> str:
    """Format whether Terraform manages a certificate that is rotated manually."""
    match managed:
        case True:
            return "managed by Terraform, and stages outside of Terraform present it"
        case False:
            return "in none of the given states"
        case None:
            return "if Terraform manages it, use `tfcert patch` with its state instead"
