"""Decide where both PEMs can be written in place of one, and with which other edits.

A reference to the PEM becomes both only if that reaches a place that Terraform sends it to, and if
nothing that takes the same text may break by it. The others are left for a user to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from checker.hcl.arrivals import Arrival
from checker.hcl.companions.entries import PemEntry, Position, ResourceKey, resource_key
from checker.hcl.companions.joins import join_around
from checker.hcl.companions.kinds import Companion, TriggerOnPem
from checker.hcl.companions.triggers import holders_on_pem, triggers_on_pem
from checker.hcl.companions.versions import object_version, raised_version
from checker.hcl.configuration import Configuration
from checker.hcl.deliveries import (
    OBJECTS,
    TRIGGERED,
    TRIGGERS,
    TRUST_STORES,
    WRITE_ONLY,
    Delivered,
)
from checker.hcl.provisioners import runs
from checker.hcl.references import Reference
from checker.model.rotation import Delivery

# The effects of entries, if some of them and some companions change with the PEM.
Judge = Callable[[Collection[PemEntry], Collection[Companion]], Sequence[Delivered | None]]

_MANUALLY = "give it both PEMs manually"
_READ_AT_EACH_PLAN = frozenset({"data", "ephemeral"})
_CONTENT = frozenset({"content", "content_base64"})
_HELPED = frozenset({
    Delivery.SENT, Delivery.REPLACED, Delivery.RELOAD, Delivery.ELSEWHERE, Delivery.FOLLOWS,
})  # fmt: skip
_HINDERING = frozenset({Delivery.BREAKS, Delivery.KEY, Delivery.ONE})


@dataclass(slots=True, kw_only=True)
class BothPems:
    """The decision for every entry of a certificate's PEM.

    `plain` are the effects without any other edit. `references` are all references to the
    certificate, and `ids` the places that its id reaches.
    """

    configuration: Configuration
    entries: Sequence[PemEntry]
    plain: Sequence[Delivered | None]
    references: Collection[Reference]
    ids: Collection[Arrival]
    judge: Judge
    _effects: Sequence[Delivered | None] = ()
    _companions: dict[int, tuple[Companion, ...]] = field(default_factory=dict)
    _obstacles: dict[Position, str] = field(default_factory=dict)
    _joined: set[Position] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._joined = {entry.origin for entry in self.entries}
        # One place less may take a trigger away from another one.
        while True:
            own = [entry for entry in self.entries if entry.origin in self._joined]
            self._companions = self._found(own)
            every = [each for found in self._companions.values() for each in found]
            self._effects = self.judge(own, every)
            left = self._joined - self._refused(own)
            if left == self._joined:
                return
            self._joined = left

    def effect(self, number: int) -> Delivered | None:
        """Return the effect on an entry if its reference becomes both PEMs.

        None if the reference stays as it is, or if no PEM reaches the entry then.
        """
        entry = self.entries[number]
        if entry.origin not in self._joined:
            return None
        found, own = self._effects[number] or self.plain[number], self.companions(number)
        if found is None or not own or not found.is_sent:
            return found
        texts = "; ".join(dict.fromkeys(each.effect for each in own))
        again = _AGAIN if any(isinstance(each, TriggerOnPem) for each in own) else ""
        return replace(
            found, effect=f"{texts}{again if found.delivery is Delivery.REPLACED else ''}"
        )

    def companions(self, number: int) -> tuple[Companion, ...]:
        """Return the edits that make Terraform send both PEMs to an entry."""
        return self._companions.get(number, ())

    def manual(self, number: int) -> str:
        """Return why a reference does not become both PEMs, and what to do; empty if it does."""
        entry, found = self.entries[number], self.plain[number]
        if found is None or entry.origin in self._joined:
            return ""
        if found.delivery in {Delivery.KEY, Delivery.ONE}:
            return f"{found.effect}; {found.needs}"
        obstacle = self._obstacles.get(entry.origin)
        if obstacle is not None:
            return f"{obstacle}; {_MANUALLY}"
        if found.needs.startswith(_MANUALLY):
            return f"{found.effect}; {found.needs}"
        more = f", or write both there and {found.needs}" if found.needs else ""
        return f"{found.effect}; {_MANUALLY}{more}"

    def _refused(self, own: Collection[PemEntry]) -> set[Position]:
        """Return the references that must stay as they are, and note why."""
        helped: set[Position] = set()
        for entry, found in zip(self.entries, self._effects, strict=True):
            if found is None:
                continue
            if found.delivery in _HELPED:
                helped.add(entry.origin)
            obstacle = _obstacle(entry, found)
            if obstacle is not None:
                self._obstacles.setdefault(entry.origin, obstacle)
        return {
            entry.origin
            for entry in own
            if entry.origin not in helped or entry.origin in self._obstacles
        }

    def _found(self, own: Collection[PemEntry]) -> dict[int, tuple[Companion, ...]]:
        """Return the companions of the entries, by their numbers."""
        objects = {
            key
            for entry in own
            if not entry.stored
            and entry.arrival.site.path[-1] in _CONTENT
            and (key := resource_key(entry.arrival.site)) is not None
            and key[1] in OBJECTS
        }
        return {
            number: tuple(self._of(entry, self.plain[number], objects))
            for number, entry in enumerate(self.entries)
            if entry.origin in self._joined
        }

    def _of(
        self, entry: PemEntry, plain: Delivered | None, objects: Collection[ResourceKey]
    ) -> Iterator[Companion]:
        site, key = entry.arrival.site, resource_key(entry.arrival.site)
        if key is None or plain is None:
            return
        unsent = plain.delivery in {Delivery.NEVER, Delivery.BY_ID}
        if not unsent and plain.delivery is not Delivery.REPLACED:
            return
        if entry.stored:
            if unsent and key[1] in TRUST_STORES and entry.via in objects and entry.via is not None:
                version = object_version(self.configuration, site, *entry.via)
                if version is not None:
                    yield version
        elif site.path[-1].endswith(WRITE_ONLY):
            yield from self._version(entry) if unsent else ()
        elif "provisioner" in site.path or (key[1] in TRIGGERED and runs(site.file, site.block)):
            yield from self._trigger(entry, unsent=unsent)

    def _version(self, entry: PemEntry) -> Iterator[Companion]:
        site = entry.arrival.site
        names = frozenset(f"{site.path[-1]}_{each}" for each in ("version", "revision"))
        moved = triggers_on_pem(self.configuration, site, names, self.references, self.ids)
        yield from moved or ()
        if moved == ():
            left = 1 if join_around(entry.start) is not None else 2
            raised = raised_version(self.configuration, site, times=left)
            if raised is not None:
                yield raised

    def _trigger(self, entry: PemEntry, *, unsent: bool) -> Iterator[Companion]:
        site, references, ids = entry.arrival.site, self.references, self.ids
        moved = triggers_on_pem(self.configuration, site, TRIGGERS, references, ids)
        yield from moved or ()
        if moved == () and unsent:
            blocks = {each.block for each in self.entries}
            yield from holders_on_pem(self.configuration, entry, blocks, references, ids)


_AGAIN = ": it is replaced, and its provisioner runs again"


def _obstacle(entry: PemEntry, found: Delivered) -> str | None:
    """Return why both PEMs must not reach an entry; None if they may."""
    site = entry.arrival.site
    # What a stored PEM does behind its store, the store's own text decides.
    direct = entry.via is None or entry.via[1] in TRIGGERED
    if found.delivery in _HINDERING:
        return f"{found.effect} ({found.needs})" if found.needs else found.effect
    if found.delivery is Delivery.UNKNOWN and direct and site.block.type not in _READ_AT_EACH_PLAN:
        return found.effect
    return None
