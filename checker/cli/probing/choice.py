"""Choose the stages to probe: those of rotations under way, or those that the user names."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.cli.probing.evidence import pairs_of
from checker.errors import UsageError
from checker.model.conditions import address_names
from checker.model.outcome import Outcome
from checker.model.rotation import Done, Rotation
from checker.model.text_values import did_you_mean
from checker.model.trust import StageCertificate, StagePair


class ChosenStages(Struct, frozen=True, kw_only=True):
    """The certificates, stages and APIs that the user names; empty means all."""

    certificates: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    apis: frozenset[str] = frozenset()

    def takes(self, pair: StagePair) -> bool:
        """Return whether a stage is one of those named."""
        wanted = (
            (self.certificates, {*_names(pair.predecessor), *_names(pair.successor)}),
            (self.stages, _stage_names(pair)),
            (self.apis, {pair.stage.api_id or ""}),
        )
        return all(not named or named & own for named, own in wanted)


def chosen_pairs(outcome: Outcome, choice: ChosenStages) -> tuple[StagePair, ...]:
    """Return the stages to probe; raises UsageError for a name that the sources do not have."""
    every = pairs_of(outcome.cases, outcome.rotations)
    for option, named, known in (
        ("--certificate", choice.certificates, set(_certificates(outcome))),
        ("--stage", choice.stages, set(_stages(outcome))),
        ("--api", choice.apis, set(_apis(outcome))),
    ):
        for name in sorted(named - known):
            raise UsageError(
                f"{name!r} is in none of the sources",
                where=option,
                remedy=did_you_mean(name, sorted(known)[:50]) if known else "check the sources",
            )
    return tuple(pair for pair in every if choice.takes(pair))


def not_under_way(outcome: Outcome, choice: ChosenStages) -> tuple[str, ...]:
    """Return a sentence for each rotation whose successor is not in state: nothing can be asked.

    Also one where the user names stages, and no rotation under way has any of them.
    """
    found = tuple(
        f"{rotation.label}: its successor is not in state yet, so no backend can be asked"
        for rotation in outcome.rotations
        if not rotation.pairs
        and rotation.stages
        and not rotation.left_over
        and not isinstance(rotation.step, Done)
        and _is_chosen(rotation, choice)
    )
    named = choice.certificates or choice.stages or choice.apis
    if named and not found and not chosen_pairs(outcome, choice):
        return ("no rotation that is under way has what you name",)
    return found


def _is_chosen(rotation: Rotation, choice: ChosenStages) -> bool:
    own = {rotation.label, *rotation.predecessor_ids, str(rotation.successor)}
    stages = {each for each in choice.stages if any(_is_of(one, each) for one in rotation.stages)}
    return (not choice.certificates or bool(choice.certificates & own)) and (
        not choice.stages or bool(stages)
    )


def _is_of(stage: str, named: str) -> bool:
    """Return whether a stage has this name, or is an instance of the block with this name."""
    return stage == named or stage.startswith(f"{named}[")


def _names(certificate: StageCertificate | None) -> Iterator[str]:
    if certificate is not None:
        yield certificate.id
        if certificate.address is not None:
            yield from address_names(certificate.address)


def _stage_names(pair: StagePair) -> set[str]:
    address = pair.stage.address
    return set(address_names(address)) if address is not None else set()


def _certificates(outcome: Outcome) -> Iterator[str]:
    for case in outcome.cases.all:
        if case.id is not None:
            yield case.id
        if case.address is not None:
            yield from address_names(case.address)


def _stages(outcome: Outcome) -> Iterator[str]:
    for part in outcome.cases.documents:
        for stage in part.document.stages:
            if stage.address is not None:
                yield from address_names(stage.address)


def _apis(outcome: Outcome) -> Iterator[str]:
    for part in outcome.cases.documents:
        yield from (stage.api_id for stage in part.document.stages if stage.api_id is not None)
