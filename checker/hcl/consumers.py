"""Find every consumer of a certificate's PEM, and the effect of a new PEM there.

The search follows the PEM through every resource that stores it or passes it on. It also decides
where both PEMs can be written in place of one, with the edits that make Terraform send them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from checker.hcl.arrivals import Arrival, arrivals, is_condition
from checker.hcl.comments import hands_pem_on
from checker.hcl.companions.both import BothPems
from checker.hcl.companions.entries import (
    PemEntry,
    Position,
    ResourceKey,
    address_of,
    position_of,
    resource_key,
)
from checker.hcl.companions.joins import join_around
from checker.hcl.companions.kinds import Companion, ObjectVersion, RaisedVersion, TriggerOnPem
from checker.hcl.companions.triggers import replaced_by
from checker.hcl.configuration import Configuration
from checker.hcl.deliveries import (
    OBJECTS,
    STORES,
    TRIGGERED,
    TRUST_STORES,
    Delivered,
    Moving,
    by_location,
    delivered,
    recorded_in,
    replaced_store,
)
from checker.hcl.flow import enclosing_keys
from checker.hcl.passing.existence import block_only_if, exists_only_if
from checker.hcl.passing.one_only import takes_one
from checker.hcl.passing.outside import outside
from checker.hcl.passing.passage import Passage
from checker.hcl.passing.readers import names_key, refers, runs_with_resource, self_reads
from checker.hcl.passing.without_both import (
    deciding,
    has_another_pem,
    of_hash,
    one_certificate,
    replaced_with,
)
from checker.hcl.references import Reference, ReferenceUse, Site, sites, traversals_of
from checker.hcl.syntax import Traversal, parses, traversals
from checker.model.rotation import Delivery

_META = frozenset({"depends_on", "ignore_changes"})
_META_BLOCKS = frozenset({"import", "moved", "removed"})
# Attributes whose value changes with the content of a resource.
_CONTENT = frozenset({
    "binary_data", "body", "checksum_sha256", "content", "content_base64", "content_base64sha256",
    "content_base64sha512", "content_md5", "content_sha1", "content_sha256", "content_sha512",
    "data", "data_json", "etag", "input", "insecure_value", "latest_version", "output", "rendered",
    "resource_version", "result", "revision", "secret_binary", "secret_data", "secret_string",
    "triggers", "triggers_replace", "user_data", "value", "version", "version_id",
})  # fmt: skip
# A change of content replaces these resources, and the new one has another id.
_RENAMED = frozenset({
    *TRIGGERED, "aws_ecs_task_definition", "aws_launch_configuration",
    "google_secret_manager_secret_version", "local_file", "local_sensitive_file",
})  # fmt: skip
# After a content change, these attributes of an object are known only after the apply (AWS
# provider, resourceObjectCustomizeDiff: only version_id is planned as new), unless the object's own
# `etag` or `source_hash` changes with it.
_AFTERWARDS = frozenset({"etag", *(name for name in _CONTENT if name.startswith("checksum_"))})
_COPIES = OBJECTS | {"aws_s3_object_copy"}
_NAMES = frozenset({"id", "arn", "name", "self_link"})
_PODS = ("kubernetes_secret", "kubernetes_config_map")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Consumer:
    """A place that takes the PEM, and the effect of one apply of Terraform there.

    `start` is the reference to the certificate that leads to it. `attribute` is the one that
    records the PEM; None if none does. `only_if` is the condition under which the place has the
    PEM; empty if it always has. `joined` is the effect if the reference becomes both PEMs, together
    with the companions; None if it cannot become both, and then `manual` says why, and what to do.
    """

    arrival: Arrival
    start: Reference
    delivered: Delivered
    attribute: str | None
    joined: Delivered | None
    companions: tuple[Companion, ...]
    manual: str
    only_if: str = ""

    @property
    def what(self) -> str:
        """Return the display name of the block, with its module."""
        site = self.arrival.site
        name = " ".join((site.block.type, ".".join(site.block.labels))).strip()
        if "provisioner" in site.path and site.block.labels[0] not in TRIGGERED:
            name = f"a provisioner of {name}"
        return f"{name} (in module.{'.module.'.join(site.module)})" if site.module else name

    @property
    def place(self) -> str:
        """Return the module, block and attribute, to compare the consumers of two certificates."""
        site = self.arrival.site
        return " ".join((*site.module, site.block.type, *site.block.labels, *site.path))

    @property
    def is_joined(self) -> bool:
        """Return whether the text has both PEMs already, in the form that tfcert writes."""
        return join_around(self.start) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What changes in one apply: the attributes, and the trust stores that get a new version.

    `replaced` has the blocks that a companion replaces, and `done` the effect on each resource so
    far.
    """

    moving: Moving
    versions: frozenset[Position] = frozenset()
    replaced: Mapping[Position, ResourceKey] = field(default_factory=dict)
    done: dict[ResourceKey, Delivered] = field(default_factory=dict)


@dataclass(slots=True)
class _Search:
    configuration: Configuration
    entries: list[PemEntry] = field(default_factory=list)
    by_block: dict[Position, list[PemEntry]] = field(default_factory=dict)
    seen: set[tuple[str, int, bool, tuple[bool, ...]]] = field(default_factory=set)
    # Resources that are replaced when another one changes, by file and block offset.
    replaced: dict[Position, ResourceKey] = field(default_factory=dict)

    def collect(self, starts: Iterable[Reference]) -> None:
        waiting: deque[PemEntry] = deque()
        for start in starts:
            found = arrivals(self.configuration, start.site, start.traversal)
            waiting.extend(PemEntry(start=start, arrival=arrival) for arrival in found)
        read: set[tuple[ResourceKey, bool, bool]] = set()
        while waiting:
            entry = waiting.popleft()
            arrival = entry.arrival
            span = (arrival.site.file.path, arrival.traversal.span.start, entry.stored)
            if (*span, arrival.passage.kind) in self.seen:
                continue
            self.seen.add((*span, arrival.passage.kind))
            self.entries.append(entry)
            self.by_block.setdefault(entry.block, []).append(entry)
            key = resource_key(arrival.site)
            if (
                key is not None
                and (key, entry.stored, arrival.passage.hashed) not in read
                and (not entry.stored or key[1] in _COPIES)
            ):
                read.add((key, entry.stored, arrival.passage.hashed))
                waiting.extend(self.readers(entry, key))

    def readers(self, entry: PemEntry, key: ResourceKey) -> Iterator[PemEntry]:
        """Yield the readers of a resource that has the PEM: of its content or its location."""
        module, kind, name = key
        for site, traversal in traversals_of(self.configuration, module, kind, name):
            if (
                site.path[-1] in _META
                or site.block.type in _META_BLOCKS
                or is_condition(site)
                or resource_key(site) == key
            ):
                continue
            if site.path[-1] == "replace_triggered_by":
                if (
                    kind in OBJECTS
                    and _taken(traversal) in _AFTERWARDS
                    and not _hashes(entry.arrival.site)
                ):
                    continue
                self.replaced[(site.file.path, site.block.span.start)] = key
                changed = Arrival(site=site, traversal=traversal, passage=Passage(hashed=True))
                yield PemEntry(start=entry.start, arrival=changed, via=key)
                continue
            taken = _taken(traversal)
            late = kind in OBJECTS and taken in _AFTERWARDS and not _hashes(entry.arrival.site)
            has_content = (
                taken is None or taken in _CONTENT or (kind in _RENAMED and taken in _NAMES)
            ) and not (late or entry.stored)
            if has_content or _is_store(kind) or kind in _COPIES:
                passage = Passage(hashed=entry.arrival.passage.hashed).behind(taken)
                for arrival in arrivals(self.configuration, site, traversal, passage):
                    yield PemEntry(
                        start=entry.start, arrival=arrival, via=key, stored=not has_content
                    )
        if kind in OBJECTS:
            yield from self.by_text(entry, key)
        if kind not in TRIGGERED and not entry.stored:
            yield from self.by_self(entry)

    def by_self(self, entry: PemEntry) -> Iterator[PemEntry]:
        """Yield the provisioners of the resource itself that take the PEM from `self`."""
        for site, traversal in self_reads(entry.arrival.site):
            arrival = Arrival(site=site, traversal=traversal, passage=entry.arrival.passage)
            yield PemEntry(start=entry.start, arrival=arrival)

    def by_text(self, entry: PemEntry, key: ResourceKey) -> Iterator[PemEntry]:
        """Yield trust stores that name the object's key by the same text, not by a reference."""
        block, data = entry.arrival.site.block, entry.arrival.site.file.data
        attribute = block.attribute("key")
        text = attribute.value.of(data).strip() if attribute is not None else b""
        if not text or key[2].encode() in text:
            return
        for module in sorted(self.configuration.modules):
            for file in self.configuration.in_module(module, b"resource"):
                if not parses(file):
                    continue
                for site in sites(file, module):
                    if names_key(site, text) and not refers(site, key):
                        inner = next(iter(traversals(site.attribute.expression, file.data)), None)
                        traversal = inner or Traversal(
                            "", site.attribute.value, (), site.attribute.expression
                        )
                        yield PemEntry(
                            start=entry.start,
                            arrival=Arrival(site=site, traversal=traversal),
                            via=key,
                            stored=True,
                        )

    def decide(
        self, found: tuple[Reference, ...], ids: tuple[Arrival, ...], view: _View
    ) -> BothPems:
        """Decide which references become both PEMs; `view` is what changes by a new PEM alone."""
        return BothPems(
            configuration=self.configuration,
            entries=self.entries,
            plain=self.judged(view),
            references=found,
            ids=ids,
            judge=lambda own, companions: self.judged(self.view(own, ids, companions)),
        )

    def classify(
        self, found: tuple[Reference, ...], ids: tuple[Arrival, ...]
    ) -> Iterator[Consumer]:
        """Yield each consumer once, with the effect of a new PEM, and of both."""
        view = self.view(self.entries, ids, ())
        both = self.decide(found, ids, view)
        reported: set[Position] = set()
        for number, entry in enumerate(self.entries):
            # What only another edit changes does not change without it.
            effect = both.plain[number] or (
                self.unsent(entry, view) if both.effect(number) else None
            )
            if effect is None or self.is_known(entry):
                continue
            key = resource_key(entry.arrival.site)
            if entry.stored or (key is not None and key[1] in TRUST_STORES):
                if entry.block in reported:
                    continue
                reported.add(entry.block)
            yield self.consumer(entry, effect, both, number)

    def view(
        self, own: Iterable[PemEntry], ids: Iterable[Arrival], companions: Iterable[Companion]
    ) -> _View:
        """Return what changes if these entries and companions do."""
        pem = {position_of(entry.arrival.site) for entry in own if not entry.stored}
        versions: set[Position] = set()
        moved: set[Position] = set()
        replaced: dict[Position, ResourceKey] = {}
        for each in companions:
            match each:
                case RaisedVersion(site=site):
                    pem.add(position_of(site))
                case TriggerOnPem(reference=reference):
                    moved.add(position_of(reference.site))
                    replaced |= replaced_by(self.configuration, reference.site)
                case ObjectVersion():
                    versions.add((each.file.path, each.block.span.start))
        by_id = {position_of(arrival.site) for arrival in ids}
        return _View(
            moving=Moving(pem=frozenset(pem | moved), id=frozenset(by_id - moved)),
            versions=frozenset(versions),
            replaced=replaced,
        )

    def judged(self, view: _View) -> list[Delivered | None]:
        """Return the effect on each entry; None where the PEM is not and nothing changes."""
        effects: list[Delivered | None] = []
        for entry in self.entries:
            effect = self.of(entry, view)
            effects.append(effect)
            key = resource_key(entry.arrival.site)
            if effect is None or key is None or self.is_known(entry):
                continue
            if key not in view.done or not view.done[key].is_sent:
                view.done[key] = effect
        return effects

    def is_known(self, entry: PemEntry) -> bool:
        """Return whether another entry of the same place or block says more than this one."""
        site, traversal = entry.arrival.site, entry.arrival.traversal
        if entry.is_trigger:
            return any(not other.is_trigger for other in self.by_block[entry.block])
        decides = site.path in {("count",), ("for_each",)}
        for other in self.by_block[entry.block]:
            if other is entry:
                continue
            if decides and other.arrival.passage.keyed and other.arrival.site.path != site.path:
                return True
            here = other.arrival.traversal.span == traversal.span and other.stored == entry.stored
            if here and other.rank < entry.rank:
                return True
            passage = other.arrival.passage
            if entry.arrival.passage.hashed and not (passage.hashed or passage.keyed):
                return True
        return False

    def consumer(self, entry: PemEntry, effect: Delivered, both: BothPems, number: int) -> Consumer:
        site, start = entry.arrival.site, entry.start
        is_resource = resource_key(site) is not None
        has_pem = effect.delivery is not Delivery.FOLLOWS
        only_if = entry.arrival.passage.only_if or exists_only_if(
            self.configuration, entry.arrival, start.site.module
        )
        own = block_only_if(
            self.configuration,
            start.site.module,
            start.traversal.root,
            *(step.name for step in start.traversal.steps[:1] if step.name is not None),
        )
        return Consumer(
            arrival=entry.arrival,
            start=start,
            delivered=effect,
            attribute=recorded_in(site, stored=entry.stored) if is_resource and has_pem else None,
            joined=both.effect(number),
            companions=both.companions(number),
            manual=both.manual(number),
            # What is there only with the certificate has its PEM whenever there is one.
            only_if=only_if if only_if != own else "",
        )

    def of(self, entry: PemEntry, view: _View) -> Delivered | None:
        """Return the effect at a place; None for a place without the PEM that does not change."""
        site, passage = entry.arrival.site, entry.arrival.passage
        key = resource_key(site)
        watches = passage.hashed and (key is None or key[1] not in TRUST_STORES)
        unsent = self.unsent(entry, view)
        if unsent is not None:
            return None if watches and unsent.delivery is Delivery.NEVER else unsent
        if passage.keyed:
            return deciding(site)
        if key is None:
            return outside(self.configuration, site)
        if entry.is_trigger and watches:
            return replaced_with(address_of(entry.via) if entry.via is not None else "")
        return self.at_resource(entry, key, view)

    def unsent(self, entry: PemEntry, view: _View) -> Delivered | None:
        """Return the effect behind a resource that this apply does not change; else None."""
        above = view.done.get(entry.via) if entry.via is not None else None
        if above is None or entry.via is None:
            return None
        source = address_of(entry.via)
        if above.delivery in {Delivery.NEVER, Delivery.IGNORED}:
            return Delivered(
                delivery=Delivery.NEVER,
                effect=f"{source} does not change, so nothing new reaches it",
                needs=above.needs,
            )
        if above.delivery is Delivery.BY_ID:
            return Delivered(
                delivery=Delivery.BY_ID,
                effect=f"it follows {source}, which changes in repoint",
                needs=above.needs,
            )
        return None

    def at_resource(self, entry: PemEntry, key: ResourceKey, view: _View) -> Delivered | None:
        site = entry.arrival.site
        by = self.replaced.get(entry.block) or view.replaced.get(entry.block)
        by_changes = by is not None and (by not in view.done or view.done[by].is_sent)
        with_ = address_of(by) if by is not None and by_changes else None
        if entry.is_trigger:
            return Delivered(
                delivery=Delivery.REPLACED,
                effect=f"it is replaced when {with_} changes (replace_triggered_by)",
            )
        if not entry.stored and takes_one(key[1], site.path[-1]):
            return one_certificate(site, both=has_another_pem(entry.start))
        if entry.stored or key[1] in TRUST_STORES:
            return self.placed(entry, view, with_)
        labels = enclosing_keys(entry.arrival.traversal, site.file.data)
        found = runs_with_resource(site, view.moving) or _uncut(
            entry, delivered(site, address_of(key), view.moving, labels, with_)
        )
        return of_hash(site, found) if entry.arrival.passage.hashed else found

    def placed(self, entry: PemEntry, view: _View, replaced_with: str | None) -> Delivered:
        """Return the effect on a reader of the location where another resource stores the PEM."""
        if replaced_with is not None:
            return replaced_store(entry.arrival.site, replaced_with)
        source = address_of(entry.via) if entry.via is not None else ""
        moves = entry.block in view.versions or self.moves(entry)
        return by_location(entry.arrival.site, source, view.moving, moves=moves)

    def moves(self, entry: PemEntry) -> bool:
        """Return whether the name of an object changes with its content, as with a hash."""
        taken = _taken(entry.arrival.traversal)
        return (
            entry.via is not None
            and entry.via[1] in OBJECTS
            and taken in {"key", "id"}
            and any(
                resource_key(other.arrival.site) == entry.via
                and other.arrival.site.path[-1] == "key"
                and not other.stored
                for other in self.entries
            )
        )


def consumers(
    configuration: Configuration, found: Iterable[Reference], ids: Iterable[Arrival]
) -> tuple[Consumer, ...]:
    """Return every consumer of the PEM that these references to a certificate lead to.

    `found` are all references to the certificate, and `ids` the places that its id reaches.
    """
    search, known = _Search(configuration), tuple(found)
    search.collect(reference for reference in known if hands_pem_on(reference))
    return tuple(search.classify(known, tuple(ids))) if search.entries else ()


def edited_references(
    configuration: Configuration, found: Iterable[Reference], ids: Iterable[Arrival]
) -> Mapping[Position, tuple[Companion, ...]]:
    """Return the references that can become both PEMs, with what makes Terraform send them.

    `found` and `ids` are those of `consumers`. The keys are files and offsets of names.
    """
    search, known, reached = _Search(configuration), tuple(found), tuple(ids)
    search.collect(reference for reference in known if hands_pem_on(reference))
    if not search.entries:
        return {}
    both = search.decide(known, reached, search.view(search.entries, reached, ()))
    edited: dict[Position, list[Companion]] = {}
    for number, entry in enumerate(search.entries):
        if both.effect(number) is not None:
            edited.setdefault(entry.origin, []).extend(both.companions(number))
    return {origin: tuple(each) for origin, each in edited.items()}


def id_arrivals(configuration: Configuration, found: Iterable[Reference]) -> Iterator[Arrival]:
    """Yield every place that the certificate's id reaches."""
    for reference in found:
        if reference.use is ReferenceUse.POINTER:
            yield from arrivals(configuration, reference.site, reference.traversal)


def _uncut(entry: PemEntry, found: Delivered) -> Delivered:
    """Return the effect; it is not known where a function takes a part of the text."""
    site, cut = entry.arrival.site, entry.arrival.passage.cut
    if not cut or not found.is_sent or site.block.labels[0] in TRIGGERED or found.needs:
        return found
    return Delivered(
        delivery=Delivery.UNKNOWN,
        effect=f"{cut} takes a part of the text, and may leave one of two PEMs out",
        needs="read in the plan what it has then, or give it both PEMs manually",
    )


def _taken(traversal: Traversal) -> str | None:
    """Return the last attribute that a reference takes; None for the whole resource."""
    return next(
        (step.name for step in reversed(traversal.steps[1:]) if step.name is not None), None
    )


def _hashes(site: Site) -> bool:
    return any(site.block.attribute(name) is not None for name in ("etag", "source_hash"))


def _is_store(kind: str) -> bool:
    return kind in STORES or kind.startswith(_PODS)
