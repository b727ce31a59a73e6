"""Find readers of a stored PEM that name no reference: by the same key, and by `self`."""

from __future__ import annotations

from collections.abc import Iterator

from checker.hcl.configuration import ModulePath
from checker.hcl.deliveries import REPLACED, TRUST_STORES, Delivered, Moving
from checker.hcl.provisioners import runs
from checker.hcl.references import Site, sites
from checker.hcl.syntax import Block, Traversal, traversals
from checker.model.rotation import Delivery


def self_reads(place: Site) -> Iterator[tuple[Site, Traversal]]:
    """Yield the references to an attribute by `self`, in provisioners that run at creation."""
    for run in runs(place.file, place.block):
        for site in sites(place.file, place.module) if run.at_creation else ():
            if not run.block.span.start <= site.attribute.span.start < run.block.span.end:
                continue
            for traversal in traversals(site.attribute.expression, place.file.data):
                taken = traversal.steps[0].name if traversal.steps else None
                if traversal.root == "self" and taken in {place.path[0], None}:
                    yield site, traversal


def runs_with_resource(site: Site, moving: Moving) -> Delivered | None:
    """Return the effect at a provisioner of a resource that a new PEM replaces; else None."""
    if "provisioner" not in site.path or site.block.labels[0] not in REPLACED:
        return None
    if not any(
        moving.changes_with_pem(other)
        for other in sites(site.file, site.module)
        if other.block.span == site.block.span and "provisioner" not in other.path
    ):
        return None
    effect = "Terraform replaces the resource, and its provisioner runs again"
    return Delivered(delivery=Delivery.REPLACED, effect=effect)


def names_key(site: Site, text: bytes) -> bool:
    """Return whether an attribute of a trust store names an object's key by this text."""
    block: Block = site.block
    kind = block.labels[0] if block.type == "resource" and block.labels else ""
    if kind not in TRUST_STORES or site.path[-1] != TRUST_STORES[kind][0]:
        return False
    value = site.attribute.value.of(site.file.data).strip()
    plain = text.strip(b'"')
    inside = b"/" + plain if text.startswith(b'"') else b"/${" + text + b"}"
    return value == text or value.strip(b'"').endswith(inside)


def refers(site: Site, key: tuple[ModulePath, str, str]) -> bool:
    """Return whether an attribute refers to a resource."""
    return any(
        traversal.root == key[1] and traversal.steps and traversal.steps[0].name == key[2]
        for traversal in traversals(site.attribute.expression, site.file.data)
    )
