"""Where a finding is shown on a forge's pages: a file of the repository and a line, whatever it is about."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from checker.domain.case_values import DocumentCases
from checker.domain.checkout import Checkout
from checker.domain.finding import Finding
from checker.domain.location import Location
from checker.domain.outcome import Outcome

_STATE = "terraform.tfstate"
_PIPED = {"plan": "plan.json", "state": _STATE, "directory": _STATE, "aws": _STATE}


def whereabouts(outcome: Outcome) -> Callable[[Finding], Location]:
    """Give each finding a place by its path from the repository's root.

    What has no line in a .tf file is shown at the document that it is about; a forge refuses a finding without a file.
    """
    checkout = outcome.checkout
    shown = {part.document.source.path: document_path(part, checkout) for part in outcome.cases.documents}
    somewhere = next(iter(shown.values()), _STATE)

    def place(finding: Finding) -> Location:
        if finding.location is not None:
            return Location(checkout.path(finding.location.file) or somewhere, finding.location.line)
        return Location(shown.get(finding.source or "", somewhere), 1)

    return place


def document_path(part: DocumentCases, checkout: Checkout) -> str:
    """What stands for a document: its own path, else the first file of its configuration, else the state that it might have."""
    source = part.document.source
    inside = checkout.path(source.path)
    if source.kind != "directory" and source.path != "-" and inside:
        return inside
    declared = part.document.declared
    files = {location.file for location in declared.locations.values()} if declared is not None else set()
    if files and (named := checkout.path(min(files))):
        return named
    if source.path == "-":
        return posixpath.join(checkout.folder, _PIPED[source.kind])
    return posixpath.join(inside, _STATE)
