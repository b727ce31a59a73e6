"""Whether a document is a plan or a state, told from what it holds and never from its name."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw

from checker.readers.decoding import PLAN, Buffer, decode
from checker.readers.envelope import Envelope
from checker.readers.spot import Spot

Kind = Literal["plan", "raw state", "shown state"]

# What a state without resources may hold. Anything else beside a format version is another document, and no clean state.
_EMPTY_STATE = frozenset({"format_version", "terraform_version", "values", "checks"})


def recognise(found: Envelope, data: Buffer, spot: Spot) -> Kind:
    """Tell a document's kind from its properties.

    Raises UnreadableError that says what the document is instead, and which one to pass.
    """
    if found.format_version is not None:
        if _is_plan(found):
            return "plan"
        if found.values is not None or decode(data, dict[str, Raw], spot).keys() <= _EMPTY_STATE:
            return "shown state"
    elif _is_plan(found):
        raise spot.key("format_version").unreadable("is missing: this is a plan of which something was cut out", PLAN)
    elif found.backend is not UNSET and found.resources is None:
        raise spot.unreadable(
            "only remembers which backend the directory uses; it holds no resources",
            "pass the directory itself, or what `terraform state pull` prints there",
        )
    elif found.version is not UNSET and (found.resources is not None or found.lineage is not UNSET):
        return "raw state"
    from checker.readers.strangers import what_else

    raise what_else(data, spot) or spot.unreadable("is JSON, but neither a Terraform plan nor a state", PLAN)


def _is_plan(found: Envelope) -> bool:
    marks = (found.planned_values, found.configuration, found.output_changes, found.errored, found.applyable)
    return found.resource_changes is not None or found.prior_state is not None or any(mark is not UNSET for mark in marks)
