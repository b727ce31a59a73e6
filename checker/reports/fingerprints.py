"""What a finding is known by from one run to the next, so that a page shows it once and notices when it is gone."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

from checker.domain.finding import Finding
from checker.domain.outcome import Outcome

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
    return hashlib.sha256("\0".join((_VERSION, *parts)).encode("utf-8", "surrogatepass")).hexdigest()
