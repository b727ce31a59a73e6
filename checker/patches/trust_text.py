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
        f"{consumer.what} ({consumer.location}{', see the plan' if _is_open(consumer) else ''})"
        for consumer in rotation.trust
        if _changes(consumer, phase, both=both and not consumer.both)
    )


def _is_open(consumer: TrustConsumer) -> bool:
    """Return whether only the plan shows if the consumer changes."""
    return consumer.delivery in {Delivery.UNKNOWN, Delivery.KEY} or bool(consumer.only_if)


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
    if consumer.delivery is Delivery.FOLLOWS:
        when = "introduce, for both PEMs, and in retire" if both else "retire"
        return f"It has no PEM itself, and changes in {when}. {effect}{needs}"
    if consumer.delivery is Delivery.ONE:
        return f"It fits only the old certificate until retire. {effect}{needs}"
    if consumer.delivery is Delivery.KEY and not consumer.both:
        return f"It keeps the old PEM until retire, which gives it the new one. {effect}{needs}"
    if not consumer.is_sent:
        return f"{effect} No phase sends it both PEMs.{needs}"
    return _sent_effect(consumer, effect, needs, both=both)


def _sent_effect(consumer: TrustConsumer, effect: str, needs: str, *, both: bool) -> str:
    if consumer.only_if:
        needs = f" It has the PEM only if {consumer.only_if}.{needs}"
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
            sent = consumer.is_sent and consumer.delivery is not Delivery.ONE
            return (sent or consumer.delivery is Delivery.BREAKS) and both
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


def _introduce(consumer: TrustConsumer, where: str, *, both: bool) -> str | None:
    delivery = consumer.delivery
    if delivery is Delivery.FOLLOWS and not both:
        return None
    if not both and delivery not in _ALWAYS_NAMED:
        return f"{where} keeps only the old PEM in this apply"
    does = _INTRODUCED.get(delivery)
    if does is None and consumer.is_sent:
        has_both = "changes in this apply and has both PEMs after it"
        does = _IN_TEXT if consumer.only_if else has_both
    does = does or "keeps the old PEM, since this apply does not send it both"
    return f"{where} {does}{_if(consumer)}: {_and_needs(consumer)}"


_ALWAYS_NAMED = frozenset({Delivery.CREATION, Delivery.IGNORED, Delivery.ONE})
_IN_TEXT = "has both PEMs in its text from this apply on"
_INTRODUCED = {
    Delivery.BREAKS: "breaks in this apply",
    Delivery.CREATION: "passes no new PEM on",
    Delivery.FOLLOWS: "changes in this apply, and has no PEM itself",
    Delivery.IGNORED: "is not edited and keeps the old PEM",
    Delivery.KEY: "cannot be planned with both PEMs",
    Delivery.ONE: "is not edited and fits only the old certificate",
    Delivery.READS: "is not changed by this apply",
    Delivery.RELOAD: "changes in this apply, and has both PEMs only after one more step",
    Delivery.UNKNOWN: _IN_TEXT,
}


def _if(consumer: TrustConsumer) -> str:
    return f", and takes them only if {consumer.only_if}" if consumer.only_if else ""


def _repoint(consumer: TrustConsumer, where: str, *, both: bool) -> str | None:
    if consumer.delivery not in _OPEN and consumer.is_sent and not both:
        return f"{where} {_OLD}: the backends that use it refuse the successor"
    does = _repointed(consumer, both=both)
    return f"{where} {does}: {_and_needs(consumer)}" if does is not None else None


_OLD = "still has only the old PEM"
_OPEN = frozenset({Delivery.FOLLOWS, Delivery.ONE})


def _repointed(consumer: TrustConsumer, *, both: bool) -> str | None:
    """Return what is still open at a consumer when repoint is applied; None if nothing is."""
    delivery = consumer.delivery
    if delivery is Delivery.BY_ID:
        gets = "both PEMs" if both else "only the old PEM"
        does: str | None = f"{_OLD}, and changes in this apply, to {gets}"
    elif delivery is Delivery.ONE:
        does = "still fits only the old certificate, unless somebody changed it"
    elif delivery is Delivery.FOLLOWS:
        does = None
    elif both and consumer.only_if:
        does = f"has both PEMs only if {consumer.only_if}"
    elif both and delivery in _LATER:
        does = _LATER[delivery]
    elif not consumer.is_sent:
        does = f"{_OLD}, unless somebody changed it"
    else:
        does = None
    return does


_UNSEEN = "has both PEMs only if the apply of introduce changed it"
_LATER = {
    Delivery.KEY: _UNSEEN,
    Delivery.READS: "has both PEMs only if it has read them since introduce",
    Delivery.RELOAD: "passes both PEMs on only if one more step was taken since introduce",
    Delivery.UNKNOWN: _UNSEEN,
}


def _retire(consumer: TrustConsumer, where: str) -> str | None:
    if consumer.delivery is Delivery.CREATION:
        return None
    does = _RETIRED.get(consumer.delivery)
    if does is None and consumer.is_sent:
        does = "changes in this apply and has only the new PEM after it"
        if consumer.only_if:
            does = f"takes only the new PEM from this apply on, and only if {consumer.only_if}"
    does = does or "keeps its PEM, since this apply does not send it the new one"
    return f"{where} {does}: {_and_needs(consumer)}"


_RETIRED = {
    Delivery.BREAKS: "breaks in this apply",
    Delivery.FOLLOWS: "changes in this apply, and has no PEM itself",
    Delivery.KEY: "may be replaced in this apply",
    Delivery.ONE: "changes in this apply and fits only the new certificate after it",
    Delivery.READS: "is not changed by this apply",
    Delivery.RELOAD: "changes in this apply, and has only the new PEM after one more step",
    Delivery.UNKNOWN: "takes only the new PEM from this apply on",
}


def _and_needs(consumer: TrustConsumer) -> str:
    return f"{consumer.effect}; {consumer.needs}" if consumer.needs else consumer.effect
