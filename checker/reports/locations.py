"""The paths and fingerprints of findings for forges."""

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
    """Return a function that gives each finding a location, relative to the repository's root.

    A finding without a line in a .tf file gets the document that it is about; a forge rejects a
    finding without a file.
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
    """Return the path for a document.

    It is its own path, else the first file of its configuration, else the default state file.
    """
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
# The parts of a message that change from day to day: dates, and counts of days or stages, but not
# accounts and regions.
_PASSING = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z)?|(?<![\w-])-?\d{1,5}(?![\w-])")


def fingerprints(outcome: Outcome) -> tuple[str, ...]:
    """Return a SHA-256 in hexadecimal for each finding of an outcome, in order, all distinct.

    The input is the rule, the address, the certificate, and the document's path if there are
    several. It does not contain dates, days left, line numbers or the severity. Findings without
    address and certificate also use the message, without such numbers. Findings that are still
    equal use their position among the equal ones.
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
