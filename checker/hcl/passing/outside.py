"""Describe the effect at places that are no resources: outputs, modules from elsewhere, actions."""

from __future__ import annotations

from checker.hcl.configuration import Configuration
from checker.hcl.deliveries import Delivered
from checker.hcl.references import Site
from checker.model.rotation import Delivery


def outside(configuration: Configuration, site: Site) -> Delivered:
    """Return the effect of one apply at a place that is no resource."""
    match site.block.type:
        case "output":
            return Delivered(
                delivery=Delivery.ELSEWHERE,
                effect="what reads this output elsewhere has it with its own next apply",
            )
        case "module":
            source = configuration.modules[site.module].opaque.get(site.block.labels[0], "")
            return Delivered(
                delivery=Delivery.UNKNOWN,
                effect=f"its source is no folder here ({source}):"
                " read in the plan what changes in it",
            )
        case "data" | "ephemeral":
            return Delivered(
                delivery=Delivery.UNKNOWN, effect="it is read with the PEM at each plan"
            )
        case "action":
            return Delivered(
                delivery=Delivery.NEVER,
                effect="an action runs only when something triggers it",
                needs="invoke it after the apply (`terraform apply -invoke`)",
            )
        case _:
            return Delivered(
                delivery=Delivery.UNKNOWN,
                effect="what a change does there is not known: read the plan",
            )
