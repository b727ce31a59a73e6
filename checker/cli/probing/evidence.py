"""Turn the report of a probe into evidence, if it is about the run's stages and certificates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import NoReturn

from msgspec import Struct

from checker.errors import UsageError
from checker.model.cases import Cases
from checker.model.rotation import Rotation
from checker.model.trust import ProbeEvidence, StagePair, TrustStatus
from checker.reports.escape import printable
from checker.reports.json_v1 import instant
from checker.reports.probe.document import JsonProbe, JsonProbedBackend
from checker.reports.probe.lines import stage_in_words
from checker.rotation.stage_pairs import planned_pairs

_OPTION = "--probe-report"
_CONFIRMED, _REFUSED, _UNKNOWN = TrustStatus
# Whether the backend trusts the successor, and the predecessor.
_STATUS: Mapping[str, tuple[TrustStatus, TrustStatus]] = MappingProxyType(
    {
        "trusts both": (_CONFIRMED, _CONFIRMED),
        "trusts the successor only": (_CONFIRMED, _REFUSED),
        "trusts the predecessor only": (_REFUSED, _CONFIRMED),
    }
)


class Bound(Struct, frozen=True, kw_only=True):
    """A report of a probe, its file, and the greatest age at which it counts."""

    path: str
    document: JsonProbe
    max_age: timedelta


def pairs_of(cases: Cases, rotations: tuple[Rotation, ...]) -> tuple[StagePair, ...]:
    """Return the stages to ask about, each once, with their certificates.

    They are the stages of rotations whose successor is in state, and those that a plan moves.
    """
    found = (
        *(pair for rotation in rotations for pair in rotation.pairs),
        *planned_pairs(cases),
    )
    return tuple({_key(pair): pair for pair in reversed(found)}.values())[::-1]


def _key(pair: StagePair) -> tuple[object, ...]:
    stage = pair.stage
    return (
        stage.kind,
        stage.place,
        stage.api_id,
        stage.name,
        pair.predecessor.id if pair.predecessor is not None else None,
        pair.successor.id if pair.successor is not None else None,
    )


def evidence_of(document: JsonProbe) -> tuple[ProbeEvidence, ...]:
    """Return the evidence of a report.

    Its texts go into the comments of patches: a line end in one must not begin a line of the patch.
    """
    return (
        *(
            ProbeEvidence(
                account=each.stage.account,
                region=each.stage.region,
                api_id=each.stage.api_id,
                stage=each.stage.name,
                backend=printable(each.backend),
                predecessor=each.predecessor.sha256_fingerprint,
                successor=each.successor.sha256_fingerprint,
                status=_STATUS.get(each.verdict, (_UNKNOWN, _UNKNOWN))[0],
                old=_STATUS.get(each.verdict, (_UNKNOWN, _UNKNOWN))[1],
                reason=printable(f"{each.verdict}: {each.reason}"),
                remedy=printable(each.remedy or ""),
            )
            for each in document.backends
        ),
        *(
            ProbeEvidence(
                account=other.stage.account,
                region=other.stage.region,
                api_id=other.stage.api_id,
                stage=other.stage.name,
                backend=printable(other.backend) if other.backend is not None else None,
                predecessor=None,
                successor=None,
                status=_UNKNOWN,
                old=_UNKNOWN,
                reason=printable(other.reason),
                remedy=printable(other.remedy),
            )
            for other in document.not_probed
        ),
    )


def uncovered(
    pairs: Collection[StagePair], found: Collection[ProbeEvidence], why: str
) -> Iterator[ProbeEvidence]:
    """Yield the stages about which there is no evidence: an unknown is never clean."""
    for pair in pairs:
        if not any(each.is_of(pair.stage) for each in found):
            yield ProbeEvidence(
                account=pair.stage.place.account,
                region=pair.stage.place.region,
                api_id=pair.stage.api_id,
                stage=pair.stage.name,
                backend=None,
                predecessor=None,
                successor=None,
                status=_UNKNOWN,
                old=_UNKNOWN,
                reason=why,
                remedy="run `tfcert probe` for it",
            )


def bound_evidence(
    bound: Bound, cases: Cases, pairs: tuple[StagePair, ...]
) -> tuple[ProbeEvidence, ...]:
    """Return the evidence of a report; raises UsageError if it is not about this run and moment."""
    made, now = bound.document.made_at, cases.as_of
    if made > now:
        refuse(bound, f"it is dated in the future: {instant(made)}", "check the clocks")
    if now - made > bound.max_age:
        refuse(
            bound,
            f"it is older than {bound.max_age}: {instant(made)}",
            "run `tfcert probe` again, or give --probe-max-age",
        )
    for each in bound.document.backends:
        _demand_own(bound, each, pairs)
    found = evidence_of(bound.document)
    return (*found, *uncovered(pairs, found, "the report of the probe does not have it"))


def _demand_own(bound: Bound, each: JsonProbedBackend, pairs: tuple[StagePair, ...]) -> None:
    own = [
        pair
        for pair in pairs
        if (pair.stage.api_id, pair.stage.name) == (each.stage.api_id, each.stage.name)
    ]
    if not own:
        refuse(
            bound,
            f"it is about stage {each.stage.name} of API {each.stage.api_id} "
            f"({stage_in_words(each.stage)}), which is in no rotation of this run",
            AGAIN,
        )
    different: list[tuple[str, ...]] = [tuple(_differences(each, pair)) for pair in own]
    if all(different):
        nearest = min(different, key=len)
        refuse(bound, f"about {stage_in_words(each.stage)}, it has {'; '.join(nearest)}", AGAIN)


AGAIN = "run `tfcert probe` for the sources of this run"


def _differences(each: JsonProbedBackend, pair: StagePair) -> Iterator[str]:
    """Yield what a report has otherwise than the run; an unknown is a difference."""
    old = pair.predecessor.fingerprint if pair.predecessor is not None else None
    new = pair.successor.fingerprint if pair.successor is not None else None
    for what, reported, own in (
        ("account", each.stage.account, pair.stage.place.account),
        ("region", each.stage.region, pair.stage.place.region),
        ("the predecessor's fingerprint", each.predecessor.sha256_fingerprint, old),
        ("the successor's fingerprint", each.successor.sha256_fingerprint, new),
    ):
        if reported is None or reported != own:
            yield f"{what} {reported or 'unknown'}, and the run {own or 'unknown'}"


def refuse(bound: Bound, why: str, remedy: str) -> NoReturn:
    """Raise UsageError for a report that is not about this run."""
    raise UsageError(
        f"the report is refused: {why}", where=f"{_OPTION} {bound.path}", remedy=remedy
    )
