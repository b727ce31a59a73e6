"""Find the ids of the certificate in triggers and versions that can become its PEM.

An id in a trigger runs a provisioner in repoint, after the PEM has changed in introduce. With the
PEM in place of the id, the trigger changes in introduce and in retire, and not in repoint.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from checker.hcl.arrivals import Arrival, step_key
from checker.hcl.companions.entries import PemEntry, Position, ResourceKey, resource_key
from checker.hcl.companions.joins import is_single
from checker.hcl.companions.kinds import TriggerOnPem
from checker.hcl.companions.sharing import is_only_here
from checker.hcl.configuration import Configuration
from checker.hcl.deliveries import TRIGGERED, TRIGGERS, ignored_by
from checker.hcl.flow import enclosing_keys
from checker.hcl.references import Reference, ReferenceUse, Site, sites, traversals_of
from checker.hcl.syntax import Traversal, traversals

if TYPE_CHECKING:
    from tree_sitter import Node

_HOLDERS = frozenset({(kind,) for kind in TRIGGERED})
_IDS = frozenset({"id", "arn"})
# The result of these functions changes with each change of a text in their arguments.
_HASHES = frozenset({"md5", "sha1", "sha256", "sha512", "base64sha256", "base64sha512"})
_KEEPING = _HASHES | {
    "base64encode", "compact", "concat", "flatten", "join", "jsonencode", "nonsensitive",
    "sensitive", "tolist", "tomap", "tostring", "trimspace", "yamlencode",
}  # fmt: skip
# A part of a hash changes too, but for one change in many millions.
_OF_A_HASH = frozenset({"substr", "parseint", "tonumber", "abs"})
_THROUGH = frozenset({
    "expression", "collection_value", "tuple", "object", "object_elem", "template_expr",
    "quoted_template", "template_interpolation", "function_call", "function_arguments",
})  # fmt: skip
_META = frozenset({"depends_on", "replace_triggered_by", "ignore_changes"})
# Attributes with the value of an argument.
_VALUES = {
    "input": frozenset({"input", "output"}),
    **{name: frozenset({name}) for name in TRIGGERS},
}


def triggers_on_pem(
    configuration: Configuration,
    site: Site,
    names: Collection[str],
    references: Collection[Reference],
    ids: Collection[Arrival],
) -> tuple[TriggerOnPem, ...] | None:
    """Return the ids of the certificate in some arguments of the site's block, to become its PEM.

    `references` are all references to the certificate, `ids` all places that its id reaches. There
    are none if no id reaches the arguments. None if one of the ids cannot become the PEM: it comes
    through a local, it is not the text itself, or something else reads the argument.
    """
    found: list[TriggerOnPem] = []
    pointers = {
        (each.site.file.path, each.traversal.span): each
        for each in references
        if each.use is ReferenceUse.POINTER
    }
    for arrival in ids:
        own = arrival.site
        if not _is_block(own, site) or own.path[0] not in names:
            continue
        reference = pointers.get((own.file.path, arrival.traversal.span))
        if (
            reference is None
            or len(own.path) != 1
            or reference.traversal.steps[-1].name not in _IDS
            or not is_single(reference)
            or not _is_text_of(reference.traversal, own.file.data)
            or ignored_by(own) is not None
            or _is_read(configuration, own, reference.traversal)
            or not is_only_here(configuration, own)
        ):
            return None
        found.append(TriggerOnPem(reference=reference))
    return tuple(found)


def holders_on_pem(
    configuration: Configuration,
    entry: PemEntry,
    blocks: Collection[Position],
    references: Collection[Reference],
    ids: Collection[Arrival],
) -> tuple[TriggerOnPem, ...]:
    """Return the ids in the resources that the `replace_triggered_by` of an entry's block names.

    There are none if one of these resources also replaces a block that takes no PEM: that one would
    then be replaced in introduce. `blocks` are those that take it.
    """
    site = entry.arrival.site
    found: list[TriggerOnPem] = []
    seen: set[Position] = set()
    for arrival in ids:
        own = arrival.site
        held = (own.file.path, own.block.span.start)
        labels = own.block.labels
        if own.module != site.module or labels[:1] not in _HOLDERS or held in seen:
            continue
        seen.add(held)
        followers = replaced_by(configuration, own)
        if entry.block in followers and followers.keys() <= set(blocks):
            names = {"input", *TRIGGERS}
            found.extend(triggers_on_pem(configuration, own, names, references, ids) or ())
    return tuple(found)


def replaced_by(configuration: Configuration, site: Site) -> dict[Position, ResourceKey]:
    """Return the blocks that a change of the site's resource replaces (`replace_triggered_by`)."""
    key = resource_key(site)
    if key is None:
        return {}
    return {
        (reader.file.path, reader.block.span.start): key
        for reader, _ in traversals_of(configuration, *key)
        if reader.path[-1] == "replace_triggered_by"
    }


def _is_block(one: Site, other: Site) -> bool:
    return one.file.path == other.file.path and one.block.span == other.block.span


def _is_text_of(traversal: Traversal, data: bytes) -> bool:
    """Return whether a longer text in place of a reference changes the argument, and only that.

    The way up to the argument may have lists, values of objects, templates, and functions that
    change with their arguments.
    """
    node: Node = traversal.node
    hashed = False
    while node.parent is not None and node.type != "attribute":
        above = node.parent
        if above.type == "attribute":
            return True
        if above.type not in _THROUGH:
            return False
        if above.type == "object_elem" and above.child_by_field_name("key") == node:
            return False
        if above.type == "expression" and any(
            child.type in {"index", "get_attr", "splat"} for child in above.children
        ):
            return False
        if above.type == "function_call":
            function = data[above.children[0].start_byte : above.children[0].end_byte].decode()
            if function not in _KEEPING and not (hashed and function in _OF_A_HASH):
                return False
            hashed = hashed or function in _HASHES
        node = above
    return False


def _is_read(configuration: Configuration, site: Site, traversal: Traversal) -> bool:
    """Return whether something reads the trigger's value, and would have the PEM as an id.

    A version is not read: it is a number.
    """
    names = _VALUES.get(site.path[0])
    if names is None:
        return False
    keys = enclosing_keys(traversal, site.file.data)
    kind, label = site.block.labels[:2]
    for reader, reading in traversals_of(configuration, site.module, kind, label):
        taken = [step.name for step in reading.steps[1:] if step.name is not None]
        if reader.path[-1] not in _META and (not taken or taken[0] in names):
            return True
    for other in sites(site.file, site.module):
        if not _is_block(other, site):
            continue
        for reading in traversals(other.attribute.expression, site.file.data):
            if reading.root != "self":
                continue
            steps = reading.steps
            if not steps or (steps[0].name in {*names, None} and _may_be(reading, keys, other)):
                return True
    return False


def _may_be(reading: Traversal, keys: Collection[str], site: Site) -> bool:
    """Return whether `self.triggers.KEY` may read one of these keys."""
    if len(reading.steps) < 2 or not keys:
        return True
    key = step_key(reading.steps[1], site.file.data)
    return key is None or key in keys
