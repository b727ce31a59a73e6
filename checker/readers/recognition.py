"""What a document is, told from what it holds and never from its name; and what it is instead, where it is none of ours."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import UNSET, Raw

from checker.domain.errors import UnreadableError
from checker.readers.decoding import Buffer, decode
from checker.readers.envelope import Envelope
from checker.readers.spot import Spot

Kind = Literal["plan", "raw state", "shown state"]

_PLAN = "pass a plan as `terraform show -json PLANFILE` prints it"
_WRITTEN = re.compile(rb"\s*(?:#|//|/\*|(?:resource|data|module|variable|output|provider|terraform|locals|moved|import|removed|check)\b)")
_BLOCK = re.compile(rb'(?m)^\s*(?:resource|data|module|variable|output|provider)\s+"[^"\n]*"|^\s*(?:terraform|locals)\s*\{')
_PRINTED = re.compile(rb"(?m)^(?:Terraform|OpenTofu) (?:will perform|used the selected)|^No changes\. |^# \S+\.\S+:$|^Plan: \d+ to ")
_CONFIGURED = frozenset(
    {"resource", "data", "module", "variable", "output", "provider", "terraform", "locals", "moved", "import", "removed"}
)
_EMPTY_STATE = frozenset({"format_version", "terraform_version", "values", "checks"})
_HEAD = 64 * 1024


def recognise(found: Envelope, data: Buffer, spot: Spot) -> Kind:
    """Tell a document's kind from its properties.

    Raises UnreadableError that says what the document is instead, and which one to pass.
    """
    if found.encryption_version is not UNSET or found.encrypted_data is not UNSET:
        raise spot.unreadable(
            "is encrypted by OpenTofu", "pass what `tofu state pull` or `tofu show -json` prints, which decrypt it"
        )
    if found.format_version is not None:
        if _is_plan(found):
            return "plan"
        if found.values is not None or _EMPTY_STATE.issuperset(decode(data, dict[str, Raw], spot)):
            return "shown state"
    elif found.backend is not UNSET and found.resources is None:
        raise spot.unreadable(
            "only remembers which backend the directory uses; it holds no resources",
            "pass the directory itself, or what `terraform state pull` prints there",
        )
    elif found.version is not UNSET:
        return "raw state"
    raise what_else(data, spot) or spot.unreadable("is JSON, but neither a Terraform plan nor a state", _PLAN)


def _is_plan(found: Envelope) -> bool:
    marks = (found.planned_values, found.configuration, found.output_changes, found.errored, found.applyable)
    return found.resource_changes is not None or found.prior_state is not None or any(mark is not UNSET for mark in marks)


def what_else(data: Buffer, spot: Spot) -> UnreadableError | None:
    """The error for a text that is a known thing other than a plan or a state; None where it is nothing known."""
    head = bytes(data[:_HEAD])
    if head.lstrip().startswith(b'{"@level"'):
        return spot.unreadable(
            "is the log of `terraform plan -json`, not a plan", "plan with -out=PLANFILE and " + _PLAN
        )
    if _PRINTED.search(head):
        return spot.unreadable("is what Terraform prints for people, not a plan or a state", _PLAN)
    if not head.lstrip().startswith(b"{"):
        if _WRITTEN.match(head) and _BLOCK.search(head):
            return spot.unreadable("looks like Terraform configuration", "pass the directory that it lies in")
        return None
    try:
        keys = decode(data, dict[str, Raw], spot).keys()
    except UnreadableError:
        return None
    if "provider_schemas" in keys:
        return spot.unreadable("holds the schemas of providers (`terraform providers schema -json`)", _PLAN)
    if "encryption_version" in keys:
        return spot.unreadable(
            "is encrypted by OpenTofu", "pass what `tofu state pull` or `tofu show -json` prints, which decrypt it"
        )
    if "diagnostics" in keys and "valid" in keys:
        return spot.unreadable("holds the answer of `terraform validate -json`", _PLAN)
    if keys and _CONFIGURED.issuperset(name for name in keys if name != "//"):
        return spot.unreadable("looks like Terraform configuration in JSON", "pass the directory that it lies in")
    return None
