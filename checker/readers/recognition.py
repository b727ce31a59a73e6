"""Whether a document is a plan or a state, told from what it holds and never from its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Raw

from checker.domain.errors import UnreadableError
from checker.readers.decoding import PLAN, decode
from checker.readers.records import given
from checker.readers.spot import Spot
from checker.readers.versions import RAW_STATE

Kind = Literal["plan", "raw state", "shown state"]
Top = Mapping[str, Raw]

# What a state without resources may hold. Anything else beside a format version is another document, and no clean state.
_EMPTY_STATE = frozenset({"format_version", "terraform_version", "values", "checks"})
_PLAN_ALONE = ("planned_values", "resource_changes", "prior_state", "configuration", "output_changes", "errored", "applyable")
_STATE_ALONE = ("serial", "lineage", "terraform_version", "modules", "resources")


def recognise(top: Top, spot: Spot) -> Kind:
    """Tell a document's kind from its properties.

    Raises UnreadableError that says what the document is instead, and which one to pass.
    """
    from_hcp = "plan_format_version" in top
    plan = any(name in top for name in _PLAN_ALONE) and not from_hcp
    if _has(top, "format_version"):
        if plan and "root_module" not in top:
            return "plan"
        if _has(top, "values") or top.keys() <= _EMPTY_STATE:
            return "shown state"
    elif _is_raw_state(top, spot):
        return "raw state"
    from checker.readers.strangers import document_kind

    other = document_kind(top, spot)
    if other is None and plan and "format_version" not in top and ("planned_values" in top or "resource_changes" in top):
        return _refuse(
            spot.key("format_version").unreadable("is missing: this is a plan of which something was cut out", PLAN),
        )
    return _refuse(other or spot.unreadable("is JSON, but neither a Terraform plan nor a state", PLAN))


def _refuse(error: UnreadableError) -> Kind:
    raise error


def _has(top: Top, name: str) -> bool:
    return name in top and given(top[name]) is not None


def _is_raw_state(top: Top, spot: Spot) -> bool:
    """Whether it is a state as Terraform stores it, of any version; one that only names where the state is, is none."""
    try:
        version = decode(top["version"], int, spot) if "version" in top else None
    except UnreadableError:
        # A state whose version is wrong is told from other documents by the rest, and refused where it is read.
        return {"lineage", "resources"} <= top.keys()
    if version is None or not any(name in top for name in _STATE_ALONE):
        return False
    if version < RAW_STATE:
        if not any(name in top for name in ("modules", "serial", "lineage")):
            return False
        pointer = any(_has(top, name) for name in ("backend", "remote", "state_store"))
        return not pointer or ("modules" in top and _holds_resources(top["modules"], spot))
    return _has(top, "resources") or ("lineage" in top and not _has(top, "backend"))


def _holds_resources(modules: Raw, spot: Spot) -> bool:
    try:
        found = decode(modules, list[dict[str, Raw]], spot.key("modules"))
        return any(decode(module["resources"], dict[str, Raw], spot) for module in found if "resources" in module)
    except UnreadableError:
        return True
