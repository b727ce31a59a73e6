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
    lines = (_line(consumer, phase, both=both) for consumer in rotation.trust)
    return tuple(line for line in lines if line is not None)


def also_changes(rotation: Rotation, phase: Phase, *, both: bool) -> tuple[str, ...]:
    """Return the consumers that the phase's plan also changes, or may change, by name and place."""
    changing = (each for each in rotation.trust if _changes(each, phase, both=both))
    return tuple(
        f"{each.what} ({each.location}"
        f"{', see the plan' if _is_open(each, phase, both=both) else ''})"
        for each in changing
    )


def _is_open(consumer: TrustConsumer, phase: Phase, *, both: bool) -> bool:
    """Return whether only the plan shows if the consumer changes."""
    here = consumer.in_phase(phase, both=both)
    return here.delivery in {Delivery.UNKNOWN, Delivery.KEY} or bool(here.only_if)


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
        else f"is not edited: {_left(consumer)}"
    )


def _left(consumer: TrustConsumer) -> str:
    """Return why `--trust-bundle` does not edit a consumer, and what to do."""
    return consumer.manual or _and_needs(consumer)


def trust_effect(consumer: TrustConsumer, *, both: bool) -> str:
    """Return the effect of the whole rotation on a consumer, as sentences."""
    if consumer.has_both(both=both):
        return _with_both(consumer, both=both)
    effect = _sentence(consumer.effect)
    needs = f" What to do: {consumer.needs}." if consumer.needs else ""
    if both and consumer.manual:
        needs = f" What to do: {consumer.manual.removeprefix(f'{consumer.effect}; ')}."
    if consumer.only_if:
        needs = f" It has the PEM only if {consumer.only_if}.{needs}"
    keeps = "It keeps the old PEM until retire, which gives it the new one"
    match consumer.delivery:
        case Delivery.BY_ID:
            return (
                f"{effect} The stages move in the same apply, so the backends that use it learn "
                f"the successor too late.{needs}"
            )
        case Delivery.FOLLOWS:
            before = "It has no PEM itself, and changes in retire."
        case Delivery.ONE:
            before = "It fits only the old certificate until retire."
        case _ if not consumer.is_sent:
            return f"{effect} No phase sends it both PEMs.{needs}"
        case _ if both:
            before = f"{keeps}; `--trust-bundle` does not edit it."
        case Delivery.KEY:
            before = f"{keeps}."
        case _:
            before = (
                f"{keeps}. If a backend trusts by it, give it **both** between introduce and "
                "repoint: manually, or with `--trust-bundle`."
            )
    return f"{before} {effect}{needs}"


def _with_both(consumer: TrustConsumer, *, both: bool) -> str:
    """Return the effect on a consumer whose text has both PEMs after introduce."""
    there = consumer.in_phase(Phase.RETIRE, both=both)
    effect = _sentence(there.effect)
    needs = f" What to do: {there.needs}." if there.needs else ""
    if there.only_if:
        needs = f" It has the PEM only if {there.only_if}.{needs}"
    if not there.has_pem:
        when = "retire" if consumer.both else "introduce, for both PEMs, and in retire"
        return f"It has no PEM itself, and changes in {when}. {effect}{needs}"
    if consumer.both and _is_raised(consumer):
        return (
            "Its text has both PEMs, and it has them only if the apply of introduce changed it; "
            f"retire leaves only the new one. {effect}{needs}"
        )
    if not there.is_sent:
        return f"{effect} No phase sends it both PEMs.{needs}"
    if consumer.both:
        return f"It has both PEMs; retire leaves only the new one. {effect}{needs}"
    if there.delivery is Delivery.UNKNOWN:
        return (
            "Introduce writes both PEMs into its text, the old one first; retire leaves only the "
            f"new one. {effect}{needs}"
        )
    return (
        "Introduce gives it both PEMs, the old one first; retire leaves only the new one. "
        f"{effect}{needs}"
    )


def _is_raised(consumer: TrustConsumer) -> bool:
    """Return whether only another edit beside the PEM makes Terraform send it."""
    joined = consumer.in_phase(Phase.RETIRE, both=True)
    return joined.is_sent and not consumer.is_sent


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    return f"{text}." if {"_", "."} & set(first) else f"{text[:1].upper()}{text[1:]}."


def _changes(consumer: TrustConsumer, phase: Phase, *, both: bool) -> bool:
    here = consumer.in_phase(phase, both=both)
    match phase:
        case Phase.INTRODUCE:
            sent = here.is_sent or here.delivery is Delivery.BREAKS
            return sent and not consumer.both and consumer.has_both(both=both)
        case Phase.RETIRE:
            return here.is_sent or here.delivery is Delivery.BREAKS
        case Phase.REPOINT | Phase.ROLLBACK:
            return here.delivery is Delivery.BY_ID


def _line(consumer: TrustConsumer, phase: Phase, *, both: bool) -> str | None:
    where = f"{consumer.location}: {consumer.what}"
    here = consumer.in_phase(phase, both=both)
    match phase:
        case Phase.INTRODUCE:
            return _introduce(consumer, where, both=both)
        case Phase.REPOINT:
            return _repoint(consumer, where, both=both)
        case Phase.RETIRE:
            return _retire(here, where)
        case Phase.ROLLBACK:
            return (
                f"{where} changes in this apply too: {here.effect}"
                if here.delivery is Delivery.BY_ID
                else None
            )


def _introduce(consumer: TrustConsumer, where: str, *, both: bool) -> str | None:
    here = consumer.in_phase(Phase.INTRODUCE, both=both)
    if not consumer.has_both(both=both):
        if here.delivery is Delivery.FOLLOWS:
            return None
        if not both and here.delivery not in _ALWAYS_NAMED:
            return f"{where} keeps only the old PEM in this apply"
        does = _UNEDITED.get(here.delivery, "is not edited and keeps the old PEM")
        return f"{where} {does}: {_left(consumer)}"
    changes = _INTRODUCED.get(here.delivery)
    if consumer.both and _is_raised(consumer):
        changes = "has both PEMs in its text, and after this apply only if the plan changes it"
    if changes is None and here.is_sent:
        has_both = "changes in this apply and has both PEMs after it"
        changes = _IN_TEXT if here.only_if else has_both
    does = changes or "keeps the old PEM, since this apply does not send it both"
    return f"{where} {does}{_if(here)}: {_and_needs(here)}"


_ALWAYS_NAMED = frozenset({Delivery.CREATION, Delivery.IGNORED, Delivery.ONE})
_IN_TEXT = "has both PEMs in its text from this apply on"
_UNEDITED = {
    Delivery.CREATION: "passes no new PEM on",
    Delivery.KEY: "is not edited where the old PEM decides on its instances",
    Delivery.ONE: "is not edited and fits only the old certificate",
}
_INTRODUCED = {
    Delivery.BREAKS: "breaks in this apply",
    Delivery.CREATION: "passes no new PEM on",
    Delivery.FOLLOWS: "changes in this apply, and has no PEM itself",
    Delivery.KEY: "cannot be planned with both PEMs",
    Delivery.ONE: "fits only one certificate",
    Delivery.READS: "is not changed by this apply",
    Delivery.RELOAD: "changes in this apply, and has both PEMs only after one more step",
    Delivery.UNKNOWN: _IN_TEXT,
}


def _if(consumer: TrustConsumer) -> str:
    return f", and takes them only if {consumer.only_if}" if consumer.only_if else ""


def _repoint(consumer: TrustConsumer, where: str, *, both: bool) -> str | None:
    here = consumer.in_phase(Phase.REPOINT, both=both)
    has_both = consumer.has_both(both=both)
    if here.delivery not in _OPEN and here.is_sent and not has_both:
        return f"{where} {_OLD}: the backends that use it refuse the successor"
    does = _repointed(here, both=has_both)
    if consumer.both and here.has_pem and _is_raised(consumer):
        does = _UNSEEN
    return f"{where} {does}: {_and_needs(here)}" if does is not None else None


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
