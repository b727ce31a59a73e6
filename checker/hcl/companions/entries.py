"""A place that the PEM reaches on the way from the certificate to the last one that takes it."""

from __future__ import annotations

from dataclasses import dataclass

from checker.hcl.arrivals import Arrival
from checker.hcl.configuration import ModulePath
from checker.hcl.references import Reference, Site

ResourceKey = tuple[ModulePath, str, str]
# A file and an offset in it.
Position = tuple[str, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PemEntry:
    """A place that the PEM reaches.

    `start` is the reference to the certificate, and `via` the resource that the PEM came through;
    None without one. `stored`: the place has only the location of the PEM.
    """

    start: Reference
    arrival: Arrival
    via: ResourceKey | None = None
    stored: bool = False

    @property
    def origin(self) -> Position:
        """Return the position of the reference to the certificate."""
        return (self.start.site.file.path, self.start.name.start)

    @property
    def is_trigger(self) -> bool:
        """Return whether it only replaces the resource, by `replace_triggered_by`."""
        return self.arrival.site.path[-1] == "replace_triggered_by"

    @property
    def rank(self) -> tuple[bool, bool]:
        """Return what sorts the PEM before a hash of it, and `always` before a condition."""
        passage = self.arrival.passage
        return passage.hashed, bool(passage.only_if)

    @property
    def block(self) -> Position:
        """Return the position of the top-level block."""
        return (self.arrival.site.file.path, self.arrival.site.block.span.start)


def resource_key(site: Site) -> ResourceKey | None:
    """Return the module, type and name of a site's resource; None if it is no resource."""
    block = site.block
    return (
        (site.module, block.labels[0], block.labels[1])
        if block.type == "resource" and len(block.labels) > 1
        else None
    )


def address_of(key: ResourceKey) -> str:
    """Return the address of a resource's block."""
    return "".join(f"module.{step}." for step in key[0]) + f"{key[1]}.{key[2]}"


def position_of(site: Site) -> Position:
    """Return the position of a site's attribute."""
    return (site.file.path, site.attribute.span.start)
