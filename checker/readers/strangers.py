"""Documents that are passed by mistake: what each is, and what to pass instead."""

from __future__ import annotations

import re

from msgspec import Raw

from checker.domain.errors import UnreadableError
from checker.readers.decoding import PLAN, Buffer, decode
from checker.readers.spot import Spot

_DIRECTORY = "pass the directory that it lies in"
_HEAD = 64 * 1024

_COMMENT_OR_BLOCK = re.compile(
    rb"\s*(?:#|//|/\*|(?:resource|data|module|variable|output|provider|terraform|locals|moved|import|removed|check)\b)"
)
_BLOCK = re.compile(rb'(?m)^[ \t]*(?:resource|data|module|variable|output|provider)\s+"[^"\n]*"|^[ \t]*(?:terraform|locals)\s*\{')
_PRINTED = re.compile(
    rb"(?m)^(?:\x1b\[[0-9;]*m)*"
    rb'(?:(?:Terraform|OpenTofu) (?:will perform|used the selected)|No changes\. |# [\w.\[\]"-]{1,200}:$|Plan: \d+ to )'
)
_BLOCKS = frozenset(
    {"//", "resource", "data", "module", "variable", "output", "provider", "terraform", "locals", "moved", "import", "removed"}
)

# By properties that no plan and no state has. Source: the `-json` forms of Terraform's and OpenTofu's commands.
_BY_PROPERTY = {
    "encryption_version": (
        "is encrypted by OpenTofu",
        "pass what `tofu state pull` or `tofu show -json` prints, which decrypt it",
    ),
    "provider_schemas": ("holds the schemas of providers (`terraform providers schema -json`)", PLAN),
    "function_signatures": ("holds Terraform's functions (`terraform metadata functions -json`)", PLAN),
    "diagnostics": ("holds the answer of `terraform validate -json`", PLAN),
    "root_module": ("holds a configuration alone (`tofu show -json -config`)", PLAN),
    "@level": ("is one line of the log of `terraform plan -json`, not a plan", f"plan with -out=PLANFILE and {PLAN}"),
}


def what_else(data: Buffer, spot: Spot) -> UnreadableError | None:
    """The error for a text that is a known thing other than a plan or a state; None where it is nothing known."""
    head = bytes(data[:_HEAD]).lstrip()
    if head.startswith(b'{"@level"'):
        return spot.unreadable("is the log of `terraform plan -json`, not a plan", f"plan with -out=PLANFILE and {PLAN}")
    if head.startswith(b"{"):
        return _by_property(data, spot)
    if _PRINTED.search(head):
        return spot.unreadable("is what Terraform prints for people, not a plan or a state", PLAN)
    if _COMMENT_OR_BLOCK.match(head) and _BLOCK.search(head):
        return spot.unreadable("looks like Terraform configuration", _DIRECTORY)
    return None


def _by_property(data: Buffer, spot: Spot) -> UnreadableError | None:
    try:
        names = decode(data, dict[str, Raw], spot).keys()
    except UnreadableError:
        return None
    for name, (what, instead) in _BY_PROPERTY.items():
        if name in names:
            return spot.unreadable(what, instead)
    if names and names <= _BLOCKS:
        return spot.unreadable("looks like Terraform configuration in JSON", _DIRECTORY)
    return None
