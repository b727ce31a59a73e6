"""Find every consumer of a certificate's PEM, and the effect of a new PEM there.

The search follows the PEM through every resource that stores it or passes it on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from checker.hcl.arrivals import Arrival, arrivals, is_condition
from checker.hcl.comments import hands_pem_on
from checker.hcl.configuration import Configuration, ModulePath
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
from checker.hcl.passing.without_both import (
    deciding,
    of_hash,
    one_certificate,
    replaced_with,
    shared_one,
)
from checker.hcl.references import Reference, ReferenceUse, Site, sites, traversals_of
from checker.hcl.syntax import Block, Traversal, parses, traversals
from checker.model.rotation import Delivery

_META = frozenset({"depends_on", "ignore_changes"})
_META_BLOCKS = frozenset({"import", "moved", "removed"})
_PEM = "pem_encoded_certificate"
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

_ResourceKey = tuple[ModulePath, str, str]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Consumer:
    """A place that takes the PEM, and the effect of one apply of Terraform there.

    `start` is the reference to the certificate that leads to it. `attribute` is the one that
    records the PEM; None if none does. `only_if` is the condition under which the place has the
    PEM; empty if it always has.
    """

    arrival: Arrival
    start: Reference
    delivered: Delivered
    attribute: str | None
    only_if: str = ""

    @property
    def what(self) -> str:
        """Return the display name of the block, with its module."""
        site = self.arrival.site
        name = " ".join((site.block.type, ".".join(site.block.labels))).strip()
        return f"{name} (in module.{'.module.'.join(site.module)})" if site.module else name

    @property
    def place(self) -> str:
        """Return the module, block and attribute, to compare the consumers of two certificates."""
        site = self.arrival.site
        return " ".join((*site.module, site.block.type, *site.block.labels, *site.path))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Entry:
    start: Reference
    arrival: Arrival
    via: _ResourceKey | None = None
    stored: bool = False

    @property
    def is_trigger(self) -> bool:
        """Return whether it only replaces the resource, by `replace_triggered_by`."""
        return self.arrival.site.path[-1] == "replace_triggered_by"

    @property
    def rank(self) -> tuple[bool, bool]:
        """Return what sorts the PEM before a hash of it, and `always` before a condition."""
        passage = self.arrival.passage
        return passage.hashed, bool(passage.only_if)


@dataclass(slots=True)
class _Search:
    configuration: Configuration
    entries: list[_Entry] = field(default_factory=list)
    seen: set[tuple[str, int, bool, tuple[bool, ...]]] = field(default_factory=set)
    # Resources that are replaced when another one changes, by file and block offset.
    replaced: dict[tuple[str, int], _ResourceKey] = field(default_factory=dict)
    done: dict[_ResourceKey, Delivered] = field(default_factory=dict)

    def collect(self, starts: Iterable[Reference]) -> None:
        waiting: deque[_Entry] = deque()
        for start in starts:
            found = arrivals(self.configuration, start.site, start.traversal)
            waiting.extend(_Entry(start=start, arrival=arrival) for arrival in found)
        read: set[tuple[_ResourceKey, bool, bool]] = set()
        while waiting:
            entry = waiting.popleft()
            arrival = entry.arrival
            span = (arrival.site.file.path, arrival.traversal.span.start, entry.stored)
            if (*span, arrival.passage.kind) in self.seen:
                continue
            self.seen.add((*span, arrival.passage.kind))
            self.entries.append(entry)
            key = _resource(arrival.site)
            if (
                key is not None
                and (key, entry.stored, arrival.passage.hashed) not in read
                and (not entry.stored or key[1] in _COPIES)
            ):
                read.add((key, entry.stored, arrival.passage.hashed))
                waiting.extend(self.readers(entry, key))

    def readers(self, entry: _Entry, key: _ResourceKey) -> Iterator[_Entry]:
        """Yield the readers of a resource that has the PEM: of its content or its location."""
        module, kind, name = key
        for site, traversal in traversals_of(self.configuration, module, kind, name):
            if (
                site.path[-1] in _META
                or site.block.type in _META_BLOCKS
                or is_condition(site)
                or _resource(site) == key
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
                yield _Entry(start=entry.start, arrival=changed, via=key)
                continue
            taken = _taken(traversal)
            late = kind in OBJECTS and taken in _AFTERWARDS and not _hashes(entry.arrival.site)
            has_content = (
                taken is None or taken in _CONTENT or (kind in _RENAMED and taken in _NAMES)
            ) and not (late or entry.stored)
            if has_content or _is_store(kind) or kind in _COPIES:
                passage = Passage(hashed=entry.arrival.passage.hashed).behind(taken)
                for arrival in arrivals(self.configuration, site, traversal, passage):
                    yield _Entry(
                        start=entry.start, arrival=arrival, via=key, stored=not has_content
                    )
        if kind in OBJECTS:
            yield from self.by_text(entry, key)

    def by_text(self, entry: _Entry, key: _ResourceKey) -> Iterator[_Entry]:
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
                    if _names_key(site, text) and not _refers(site, key):
                        inner = next(iter(traversals(site.attribute.expression, file.data)), None)
                        traversal = inner or Traversal(
                            "", site.attribute.value, (), site.attribute.expression
                        )
                        yield _Entry(
                            start=entry.start,
                            arrival=Arrival(site=site, traversal=traversal),
                            via=key,
                            stored=True,
                        )

    def classify(self, ids: frozenset[tuple[str, int]]) -> Iterator[Consumer]:
        moving = Moving(
            pem=frozenset(
                _position(entry.arrival.site) for entry in self.entries if not entry.stored
            ),
            id=ids,
        )
        reported: set[tuple[str, int]] = set()
        found: list[tuple[_Entry, Delivered]] = []
        for entry in self.entries:
            site = entry.arrival.site
            effect = self.of(entry, moving)
            key = _resource(site)
            if effect is None or self.is_known(entry):
                continue
            if key is not None and (key not in self.done or not _sent(self.done[key])):
                self.done[key] = effect
            by_block = (site.file.path, site.block.span.start)
            if entry.stored or (key is not None and key[1] in TRUST_STORES):
                if by_block in reported:
                    continue
                reported.add(by_block)
            found.append((entry, effect))
        yield from map(self.consumer, _one_for_all(found))

    def is_known(self, entry: _Entry) -> bool:
        """Return whether another entry of the same place or block says more than this one."""
        site, traversal = entry.arrival.site, entry.arrival.traversal
        if entry.is_trigger:
            return any(
                other is not entry and _same_block(other, site) and not other.is_trigger
                for other in self.entries
            )
        decides = site.path in {("count",), ("for_each",)}
        for other in self.entries:
            if other is entry or not _same_block(other, site):
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

    def consumer(self, pair: tuple[_Entry, Delivered]) -> Consumer:
        entry, effect = pair
        site, start = entry.arrival.site, entry.start
        is_resource = _resource(site) is not None
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
            # What is there only with the certificate has its PEM whenever there is one.
            only_if=only_if if only_if != own else "",
        )

    def of(self, entry: _Entry, moving: Moving) -> Delivered | None:
        """Return the effect at a place; None for a place without the PEM that does not change."""
        site, passage = entry.arrival.site, entry.arrival.passage
        key = _resource(site)
        watches = passage.hashed and (key is None or key[1] not in TRUST_STORES)
        unsent = self.unsent(entry)
        if unsent is not None:
            return None if watches and unsent.delivery is Delivery.NEVER else unsent
        if passage.keyed:
            return deciding(site)
        if key is None:
            return outside(self.configuration, site)
        if entry.is_trigger and watches:
            return replaced_with(_address(entry.via) if entry.via is not None else "")
        return self.at_resource(entry, key, moving)

    def unsent(self, entry: _Entry) -> Delivered | None:
        """Return the effect behind a resource that this apply does not change; else None."""
        above = self.done.get(entry.via) if entry.via is not None else None
        if above is None or entry.via is None:
            return None
        source = _address(entry.via)
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

    def at_resource(self, entry: _Entry, key: _ResourceKey, moving: Moving) -> Delivered | None:
        site = entry.arrival.site
        by = self.replaced.get((site.file.path, site.block.span.start))
        by_changes = by is not None and (by not in self.done or _sent(self.done[by]))
        with_ = _address(by) if by is not None and by_changes else None
        if entry.is_trigger:
            return Delivered(
                delivery=Delivery.REPLACED,
                effect=f"it is replaced when {with_} changes (replace_triggered_by)",
            )
        if not entry.stored and takes_one(key[1], site.path[-1]):
            return one_certificate(site, both=has_another_pem(entry.start))
        if entry.stored or key[1] in TRUST_STORES:
            return self.placed(entry, moving, with_)
        labels = enclosing_keys(entry.arrival.traversal, site.file.data)
        found = _uncut(entry, delivered(site, _address(key), moving, labels, with_))
        return of_hash(site, found) if entry.arrival.passage.hashed else found

    def placed(self, entry: _Entry, moving: Moving, replaced_with: str | None) -> Delivered:
        """Return the effect on a reader of the location where another resource stores the PEM."""
        if replaced_with is not None:
            return replaced_store(entry.arrival.site, replaced_with)
        source = _address(entry.via) if entry.via is not None else ""
        return by_location(entry.arrival.site, source, moving, moves=self.moves(entry))

    def moves(self, entry: _Entry) -> bool:
        """Return whether the name of an object changes with its content, as with a hash."""
        taken = _taken(entry.arrival.traversal)
        return (
            entry.via is not None
            and entry.via[1] in OBJECTS
            and taken in {"key", "id"}
            and any(
                _resource(other.arrival.site) == entry.via
                and other.arrival.site.path[-1] == "key"
                and not other.stored
                for other in self.entries
            )
        )


def has_another_pem(start: Reference) -> bool:
    """Return whether the expression of a reference also has the PEM of another certificate."""
    own = start.traversal
    kind, name = own.root, own.steps[0].name if own.steps else None
    return any(
        other.root == kind
        and other.steps
        and other.steps[0].name != name
        and other.first_attribute_after(0) == _PEM
        for other in traversals(start.site.attribute.expression, start.site.file.data)
    )


def consumers(
    configuration: Configuration, found: Iterable[Reference], ids: Iterable[Arrival]
) -> tuple[Consumer, ...]:
    """Return every consumer of the PEM that these references to a certificate lead to.

    `ids` are the places that the certificate's id reaches.
    """
    search = _Search(configuration)
    search.collect(reference for reference in found if hands_pem_on(reference))
    return (
        tuple(search.classify(frozenset(_position(arrival.site) for arrival in ids)))
        if search.entries
        else ()
    )


def id_arrivals(configuration: Configuration, found: Iterable[Reference]) -> Iterator[Arrival]:
    """Yield every place that the certificate's id reaches."""
    for reference in found:
        if reference.use is ReferenceUse.POINTER:
            yield from arrivals(configuration, reference.site, reference.traversal)


def _one_for_all(found: list[tuple[_Entry, Delivered]]) -> Iterator[tuple[_Entry, Delivered]]:
    """Yield the effects; a place for one certificate may share its text with others.

    The text is edited for those, so this place would get both PEMs.
    """
    shared = {
        _start(entry)
        for entry, effect in found
        if effect.delivery not in {Delivery.ONE, Delivery.IGNORED}
    }
    for entry, effect in found:
        if effect.delivery is not Delivery.ONE or _start(entry) not in shared:
            yield entry, effect
        elif entry.arrival.passage.hashed:
            yield entry, replace(effect, delivery=Delivery.FOLLOWS, needs="")
        else:
            yield entry, shared_one(entry.arrival.site)


def _start(entry: _Entry) -> tuple[str, int]:
    return (entry.start.site.file.path, entry.start.name.start)


def _uncut(entry: _Entry, found: Delivered) -> Delivered:
    """Return the effect; it is not known where a function takes a part of the text."""
    site, cut = entry.arrival.site, entry.arrival.passage.cut
    if not cut or not _sent(found) or site.block.labels[0] in TRIGGERED or found.needs:
        return found
    return Delivered(
        delivery=Delivery.UNKNOWN,
        effect=f"{cut} takes a part of the text, and may leave one of two PEMs out",
        needs="read in the plan what it has then, or give it both PEMs manually",
    )


def _resource(site: Site) -> _ResourceKey | None:
    block = site.block
    return (
        (site.module, block.labels[0], block.labels[1])
        if block.type == "resource" and len(block.labels) > 1
        else None
    )


def _address(key: _ResourceKey) -> str:
    return "".join(f"module.{step}." for step in key[0]) + f"{key[1]}.{key[2]}"


def _position(site: Site) -> tuple[str, int]:
    return (site.file.path, site.attribute.span.start)


def _sent(found: Delivered) -> bool:
    return found.delivery not in {Delivery.NEVER, Delivery.IGNORED, Delivery.BY_ID}


def _same_block(entry: _Entry, site: Site) -> bool:
    other = entry.arrival.site
    return other.file.path == site.file.path and other.block.span == site.block.span


def _taken(traversal: Traversal) -> str | None:
    """Return the last attribute that a reference takes; None for the whole resource."""
    return next(
        (step.name for step in reversed(traversal.steps[1:]) if step.name is not None), None
    )


def _hashes(site: Site) -> bool:
    return any(site.block.attribute(name) is not None for name in ("etag", "source_hash"))


def _is_store(kind: str) -> bool:
    return kind in STORES or kind.startswith(_PODS)


def _names_key(site: Site, text: bytes) -> bool:
    block: Block = site.block
    kind = block.labels[0] if block.type == "resource" and block.labels else ""
    if kind not in TRUST_STORES or site.path[-1] != TRUST_STORES[kind][0]:
        return False
    value = site.attribute.value.of(site.file.data).strip()
    plain = text.strip(b'"')
    inside = b"/" + plain if text.startswith(b'"') else b"/${" + text + b"}"
    return value == text or value.strip(b'"').endswith(inside)


def _refers(site: Site, key: _ResourceKey) -> bool:
    return any(
        traversal.root == key[1] and traversal.steps and traversal.steps[0].name == key[2]
        for traversal in traversals(site.attribute.expression, site.file.data)
    )
