"""Describe the effect of each phase on every consumer of the predecessor's PEM.

The text also says which consumers still have only the old PEM.
"""

from __future__ import annotations

from checker.model.configuration import ConfigurationFacts
from checker.model.rotation import Delivery, Phase, Rotation, TrustConsumer


def trust_lines(rotation: Rotation, phase: Phase, *, both: bool) -> tuple[str, ...]:
    """Return one sentence for each consumer that a user must know before the phase is applied.

    `both` says that introduce edits the consumers' expressions so that they have both PEMs
    (`--trust-bundle`).
    """
    lines = (_line(consumer, phase, both=both or consumer.both) for consumer in rotation.trust)
    return tuple(line for line in lines if line is not None)


def also_changes(rotation: Rotation, phase: Phase, *, both: bool) -> tuple[str, ...]:
    """Return the consumers that the phase's plan also changes, or may change, by name and place."""
    return tuple(
        f"{consumer.what}"
        f" ({consumer.location}{', see the plan' if consumer.delivery is Delivery.UNKNOWN else ''})"
        for consumer in rotation.trust
        if _changes(consumer, phase, both=both and not consumer.both)
    )


def unsearched(rotation: Rotation, declared: ConfigurationFacts) -> str | None:
    """Return why the list of trust consumers may be incomplete; None if it is complete.

    It is complete if the whole configuration was searched.
    """
    if rotation.predecessor is None:
        return "Terraform does not manage this certificate, so no text refers to its PEM"
    if declared.certificate(rotation.predecessor) is None:
        return "its block was not found in this configuration"
    if declared.unsearched:
        return f"these files were not searched: {', '.join(declared.unsearched)}"
    return None


def nothing_to_edit(rotation: Rotation, declared: ConfigurationFacts) -> str | None:
    """Return why `--trust-bundle` edits nothing for a rotation; None if it edits a place.

    The text never says that nothing uses the PEM: readers outside the parsed files are not known.
    """
    if any(consumer.is_editable for consumer in rotation.trust):
        return None
    places = [f"{each.location}: {each.what} {_kept(each)}" for each in rotation.trust]
    found = "; ".join(places) or "no place that uses its PEM was found in the files that were read"
    missed = unsearched(rotation, declared)
    more = f"; there may be {'more' if places else 'some'}: {missed}" if missed is not None else ""
    return f"--trust-bundle edits nothing for {rotation.label}: {found}{more}"


def _kept(consumer: TrustConsumer) -> str:
    return (
        "has the PEM of both certificates already"
        if consumer.both
        else f"is not edited: {_and_needs(consumer)}"
    )


def trust_effect(consumer: TrustConsumer, *, both: bool) -> str:
    """Return the effect of the whole rotation on a consumer, as sentences."""
    effect = _sentence(consumer.effect)
    needs = f" What to do: {consumer.needs}." if consumer.needs else ""
    if consumer.delivery is Delivery.BY_ID:
        return (
            f"{effect} The stages move in the same apply, so the backends that use it learn the "
            f"successor too late.{needs}"
        )
    if not consumer.is_sent:
        return f"{effect} No phase sends it both PEMs.{needs}"
    if consumer.both:
        return f"It has both PEMs; retire leaves only the new one. {effect}{needs}"
    if both and consumer.delivery is Delivery.UNKNOWN:
        return (
            "Introduce writes both PEMs into its text, the old one first; retire leaves only the "
            f"new one. {effect}{needs}"
        )
    if both:
        return (
            "Introduce gives it both PEMs, the old one first; retire leaves only the new one. "
            f"{effect}{needs}"
        )
    return (
        "It keeps the old PEM until retire, which gives it the new one. If a backend trusts by "
        "it, give it **both** between introduce and repoint: manually, or with `--trust-bundle`. "
        f"{effect}{needs}"
    )


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    return f"{text}." if {"_", "."} & set(first) else f"{text[:1].upper()}{text[1:]}."


def _changes(consumer: TrustConsumer, phase: Phase, *, both: bool) -> bool:
    match phase:
        case Phase.INTRODUCE:
            return (consumer.is_sent or consumer.delivery is Delivery.BREAKS) and both
        case Phase.RETIRE:
            return consumer.is_sent or consumer.delivery is Delivery.BREAKS
        case Phase.REPOINT | Phase.ROLLBACK:
            return consumer.delivery is Delivery.BY_ID


def _line(consumer: TrustConsumer, phase: Phase, *, both: bool) -> str | None:
    where = f"{consumer.location}: {consumer.what}"
    match phase:
        case Phase.INTRODUCE:
            return _introduce(consumer, where, both=both)
        case Phase.REPOINT:
            return _repoint(consumer, where, both=both)
        case Phase.RETIRE:
            return _retire(consumer, where)
        case Phase.ROLLBACK:
            return (
                f"{where} changes in this apply too: {consumer.effect}"
                if consumer.delivery is Delivery.BY_ID
                else None
            )


def _introduce(consumer: TrustConsumer, where: str, *, both: bool) -> str:
    match consumer.delivery:
        case Delivery.CREATION:
            does = "passes no new PEM on"
        case Delivery.IGNORED:
            does = "is not edited and keeps the old PEM"
        case _ if not both:
            return f"{where} keeps only the old PEM in this apply"
        case Delivery.UNKNOWN:
            does = "has both PEMs in its text from this apply on"
        case Delivery.BREAKS:
            does = "breaks in this apply"
        case Delivery.READS:
            does = "is not changed by this apply"
        case Delivery.RELOAD:
            does = "changes in this apply, and has both PEMs only after one more step"
        case _ if consumer.is_sent:
            does = "changes in this apply and has both PEMs after it"
        case _:
            does = "keeps the old PEM, since this apply does not send it both"
    return f"{where} {does}: {_and_needs(consumer)}"


def _repoint(consumer: TrustConsumer, where: str, *, both: bool) -> str | None:
    if consumer.delivery is Delivery.BY_ID:
        handed = "both PEMs" if both else "only the old PEM"
        return (
            f"{where} still has only the old PEM, and changes"
            f" in this apply, to {handed}: {_and_needs(consumer)}"
        )
    if consumer.delivery is Delivery.READS and both:
        return (
            f"{where} has both PEMs only if it has read"
            f" them since introduce: {_and_needs(consumer)}"
        )
    if consumer.delivery is Delivery.UNKNOWN and both:
        return (
            f"{where} has both PEMs only if the apply of"
            f" introduce changed it: {_and_needs(consumer)}"
        )
    if not consumer.is_sent:
        return (
            f"{where} still has only the old PEM, unless"
            f" somebody changed it: {_and_needs(consumer)}"
        )
    if consumer.delivery is Delivery.RELOAD and both:
        return (
            f"{where} passes both PEMs on only if one more step was taken since introduce: "
            f"{_and_needs(consumer)}"
        )
    return (
        None
        if both
        else f"{where} still has only the old PEM: the backends that use it refuse the successor"
    )


def _retire(consumer: TrustConsumer, where: str) -> str | None:
    if consumer.delivery is Delivery.CREATION:
        return None
    match consumer.delivery:
        case Delivery.BREAKS:
            does = "breaks in this apply"
        case Delivery.UNKNOWN:
            does = "takes only the new PEM from this apply on"
        case Delivery.RELOAD:
            does = "changes in this apply, and has only the new PEM after one more step"
        case Delivery.READS:
            does = "is not changed by this apply"
        case _ if consumer.is_sent:
            does = "changes in this apply and has only the new PEM after it"
        case _:
            does = "keeps its PEM, since this apply does not send it the new one"
    return f"{where} {does}: {_and_needs(consumer)}"


def _and_needs(consumer: TrustConsumer) -> str:
    return f"{consumer.effect}; {consumer.needs}" if consumer.needs else consumer.effect
