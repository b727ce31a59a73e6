"""Compare the backends of a report with those that are behind its stages now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from checker.aws.probe import ProbeSubject, ProbeWish, plan_probe
from checker.cli.probing.evidence import AGAIN, Bound, refuse
from checker.model.trust import ProbeEvidence, StagePair, TrustStatus
from checker.reports.probe.document import url
from checker.reports.probe.lines import backend_in_words, stage_in_words

if TYPE_CHECKING:
    from checker.cli.aws import Aws

# A backend by its URL and its VPC link, and a stage by its API and name.
Backend = tuple[str, str | None]
StageName = tuple[str | None, str | None]


def backends_behind(
    pairs: tuple[StagePair, ...], aws: Aws
) -> Mapping[StageName, frozenset[Backend]]:
    """Ask AWS for the backends behind stages; it calls none of them.

    A stage whose integrations could not be listed is left out.
    """
    subjects = [ProbeSubject(pair=pair) for pair in pairs]
    found: dict[StageName, set[Backend]] = {}
    for other in plan_probe(aws.gateways(), ProbeWish(), subjects).not_probed:
        if other.backend is not None:
            name = (other.pair.stage.api_id, other.pair.stage.name)
            found.setdefault(name, set()).add((url(other.backend), other.backend.vpc_link))
    return {name: frozenset(each) for name, each in found.items()}


def compared(
    bound: Bound, behind: Mapping[StageName, frozenset[Backend]]
) -> Iterator[ProbeEvidence]:
    """Yield what the report lacks: a backend that nobody asked is not confirmed.

    Raises UsageError for a backend of the report that is not behind its stage.
    """
    reported: dict[StageName, set[Backend]] = {}
    # An entry that was not called has no VPC link.
    named: dict[StageName, set[str]] = {}
    for each in bound.document.backends:
        name = (each.stage.api_id, each.stage.name)
        own = (each.backend, each.vpc_link)
        reported.setdefault(name, set()).add(own)
        if own not in behind.get(name, {own}):
            refuse(
                bound,
                f"about {stage_in_words(each.stage)}, it has backend {backend_in_words(*own)}, "
                "which is not behind its API",
                AGAIN,
            )
    for other in bound.document.not_probed:
        if other.backend is not None:
            name = (other.stage.api_id, other.stage.name)
            named.setdefault(name, set()).add(other.backend)
    for (api, stage), backends in behind.items():
        known, uncalled = reported.get((api, stage), set()), named.get((api, stage), set())
        for own in sorted(backends, key=str):
            if own not in known and own[0] not in uncalled:
                yield ProbeEvidence(
                    account=None,
                    region=None,
                    api_id=api,
                    stage=stage,
                    backend=backend_in_words(*own),
                    predecessor=None,
                    successor=None,
                    status=TrustStatus.UNKNOWN,
                    old=TrustStatus.UNKNOWN,
                    reason="the report of the probe does not have it",
                    remedy="run `tfcert probe` with a method that reaches it",
                )
