"""Describe the effect at places that cannot have both PEMs, or that have no PEM at all."""

from __future__ import annotations

from checker.hcl.deliveries import Delivered
from checker.hcl.passing.one_only import watches
from checker.hcl.references import Reference, Site
from checker.hcl.syntax import traversals
from checker.model.rotation import Delivery

_PEM = "pem_encoded_certificate"
_SENT = frozenset({Delivery.SENT, Delivery.REPLACED, Delivery.RELOAD, Delivery.UNKNOWN})


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


def one_certificate(site: Site, *, both: bool) -> Delivered:
    """Return the effect at an argument that takes exactly one certificate.

    `both` says that somebody gave it two.
    """
    return Delivered(
        delivery=Delivery.UNKNOWN if both else Delivery.ONE,
        effect=f"{site.path[-1]} of {site.block.labels[0]} takes exactly one certificate",
        needs="if a backend trusts by it, give the successor a resource of its own"
        " between introduce and repoint",
    )


def deciding(site: Site) -> Delivered:
    """Return the effect at a `count` or a key of `for_each` that depends on the PEM.

    Terraform has to know both when it plans (Terraform language, `count` and `for_each`).
    """
    name = "count" if site.path == ("count",) else "for_each"
    return Delivered(
        delivery=Delivery.KEY,
        effect=f"its {name} depends on the text of the PEM: Terraform cannot plan it with"
        " a PEM that is known only after the apply",
        needs=f"let {name} depend on a name or a variable, not on the PEM",
    )


def of_hash(site: Site, found: Delivered) -> Delivered | None:
    """Return the effect at a place that takes only a hash or a version of the PEM.

    `found` is the effect of a change there. None if no change reaches a place without the PEM.
    """
    if found.delivery in _SENT and watches(site.block.labels[0], site.path):
        return Delivered(
            delivery=Delivery.FOLLOWS,
            effect=f"{found.effect}; it takes only a hash or a version of the PEM",
        )
    if found.delivery in _SENT or "provisioner" in site.path:
        return Delivered(
            delivery=Delivery.ONE,
            effect="it takes only a hash of the PEM, and a hash of two PEMs is the hash of neither",
            needs="if a backend compares this hash, let it accept the successor's too",
        )
    return None


def replaced_with(source: str) -> Delivered:
    """Return the effect of `replace_triggered_by` at a resource that takes no PEM."""
    return Delivered(
        delivery=Delivery.FOLLOWS,
        effect=f"it is replaced when {source} changes (replace_triggered_by)",
    )
