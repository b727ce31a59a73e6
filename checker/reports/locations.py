"""Paths and fingerprints for forges."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Callable

from checker.git import Checkout
from checker.model.cases import DocumentCases
from checker.model.finding import Finding
from checker.model.location import Location
from checker.model.outcome import Outcome

_STATE = "terraform.tfstate"
_PIPED = {"plan": "plan.json", "state": _STATE, "directory": _STATE, "aws": _STATE}


def locate_findings(outcome: Outcome) -> Callable[[Finding], Location]:
    """Give each finding a place by its path from the repository's root.

    What has no line in a .tf file is shown at the document that it is about; a forge refuses a finding without a file.
    """
    checkout = outcome.checkout
    shown = {
        part.document.source.path: document_path(part, checkout) for part in outcome.cases.documents
    }
    somewhere = next(iter(shown.values()), _STATE)

    def place(finding: Finding) -> Location:
        if finding.location is not None:
            return Location(
                checkout.path(finding.location.file) or somewhere, finding.location.line
            )
        return Location(shown.get(finding.source or "", somewhere), 1)

    return place


def document_path(part: DocumentCases, checkout: Checkout) -> str:
    """What stands for a document: its own path, else the first file of its configuration, else the state that it might have."""
    source = part.document.source
    inside = checkout.path(source.path)
    if source.kind != "directory" and source.path != "-" and inside:
        return inside
    declared = part.document.declared
    files = (
        {location.file for location in declared.locations.values()}
        if declared is not None
        else set()
    )
    if files and (named := checkout.path(min(files))):
        return named
    if source.path == "-":
        return posixpath.join(checkout.folder, _PIPED[source.kind])
    return posixpath.join(inside, _STATE)


_VERSION = "tfcert/1"
# What changes from day to day in a message: dates, and how many days or stages there are; not accounts and regions.
_PASSING = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z)?|(?<![\w-])-?\d{1,5}(?![\w-])")


def fingerprints(outcome: Outcome) -> tuple[str, ...]:
    """A SHA-256 in hexadecimal for each finding of an outcome, in order, all distinct.

    They rest on rule, address and certificate, and on the document's path where there are several; not on dates, days left, line
    numbers or severity. What is about neither address nor certificate is told apart by its message without such numbers, and
    what is still alike by its place among its like.
    """
    several = len(outcome.cases.documents) > 1
    keys = [_key(outcome, finding, several=several) for finding in outcome.findings]
    lasting = [_lasting(finding.message) for finding in outcome.findings]
    kept: dict[int, str] = {}
    taken: Counter[tuple[str, ...]] = Counter()
    for at in sorted(range(len(keys)), key=lambda at: (keys[at], lasting[at], at)):
        parts = (*keys[at], lasting[at]) if taken[keys[at]] else keys[at]
        again = taken[parts]
        taken[parts] += 1
        kept[at] = _digest((*parts, str(again)) if again else parts)
    return tuple(kept[at] for at in range(len(keys)))


def _key(outcome: Outcome, finding: Finding, *, several: bool) -> tuple[str, ...]:
    source = outcome.checkout.path(finding.source) if several and finding.source is not None else ""
    about = "" if finding.address or finding.certificate_id else _lasting(finding.message)
    return (finding.rule, source, finding.address or "", finding.certificate_id or "", about)


def _lasting(message: str) -> str:
    return _PASSING.sub("#", message)


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(
        "\0".join((_VERSION, *parts)).encode("utf-8", "surrogatepass")
    ).hexdigest()
