"""Read exemptions from comments in the configuration.

The form is `# tfcert:ignore RULE until=2026-12-31 reason="…"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from checker.hcl.comments import ExemptionComment, UnreadExemptionComment, tfcert_comments
from checker.hcl.configuration import Configuration
from checker.model.address import Address, ModuleStep
from checker.model.exemptions import Exemption, FaultyExemption
from checker.model.finding import SuppressedBy
from checker.model.location import Location
from checker.model.resource_types import ACM_CERTIFICATE, CERTIFICATES, STAGES
from checker.model.text_values import Mismatch, did_you_mean, has_controls, parse_day
from checker.rules import RULES

_FORM = '# tfcert:ignore RULE until=2026-12-31 reason="why"'
_IGNORE = re.compile(r"tfcert:\s*ignore(?=\s|$)")
_RULES = re.compile(r"\s*([\w-]+(?:\s*,\s*[\w-]+)*)(?=\s|$)")
_PAIR = re.compile(r'\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')
_KEYS = ("until", "reason", "owner")
_KNOWN = {rule.name: rule for rule in RULES}
_TYPES = frozenset({*STAGES, *CERTIFICATES, ACM_CERTIFICATE})

Locate = Callable[[str, int], Location]


def read_inline(
    configuration: Configuration, locate: Locate
) -> tuple[tuple[Exemption, ...], tuple[FaultyExemption, ...]]:
    """Return every exemption of a configuration, and every faulty one, so that none is ignored."""
    exemptions: list[Exemption] = []
    faulty: list[FaultyExemption] = []
    for mark in tfcert_comments(configuration):
        match mark:
            case UnreadExemptionComment(path=path, json=json):
                faulty.append(_unread(locate(path, 1), json=json))
            case ExemptionComment(path=path, line=line):
                try:
                    exemptions += _read(mark, locate(path, line))
                except Mismatch as error:
                    address = min(_addresses(mark), default=None)
                    faulty.append(
                        FaultyExemption(
                            reason=error.message,
                            remedy=error.remedy,
                            location=locate(path, line),
                            address=address,
                        )
                    )
    return tuple(exemptions), tuple(faulty)


def _read(mark: ExemptionComment, location: Location) -> Iterator[Exemption]:
    begin = _IGNORE.match(mark.text)
    if begin is None:
        raise Mismatch(
            (),
            f"{mark.text[:80]!r} is not a comment that tfcert knows",
            f"write {_FORM}, with nothing before it",
        )
    addresses = _addresses(mark)
    if not addresses:
        raise Mismatch(
            (),
            f"this tfcert:ignore {_misplaced(mark)}",
            "write it in, or directly above, the resource block that it is for",
        )
    rules, pairs = _parsed(mark.text[begin.end() :])
    _check_rules(rules)
    until = _until(pairs)
    if not pairs.get("reason", "").strip():
        raise Mismatch((), "this tfcert:ignore exempts nothing: it has no reason", f"write {_FORM}")
    if has_controls(mark.text):
        raise Mismatch(
            (), "this tfcert:ignore exempts nothing: it has a control character", f"write {_FORM}"
        )
    for rule in rules:
        yield Exemption(
            rule=rule,
            until=until,
            reason=pairs["reason"].strip(),
            kind=SuppressedBy.COMMENT,
            addresses=addresses,
            owner=pairs.get("owner") or None,
            location=location,
        )


def _check_rules(rules: Iterable[str]) -> None:
    """Raise Mismatch for a name that is not a rule, and for a rule that cannot be exempted."""
    for rule in rules:
        if rule not in _KNOWN:
            raise Mismatch(
                (), f"this tfcert:ignore names no rule: {rule!r}", did_you_mean(rule, tuple(_KNOWN))
            )
        if not _KNOWN[rule].exemptable:
            raise Mismatch(
                (),
                f"{rule} cannot be exempted",
                f"remove the comment; `tfcert rules {rule}` says why",
            )


def _until(pairs: Mapping[str, str]) -> date:
    """Return the last day of an exemption; raises Mismatch if there is none."""
    until = parse_day(pairs.get("until"))
    if until is None:
        why = (
            f"until is {pairs['until']!r}, which is not a date"
            if "until" in pairs
            else "it has no until"
        )
        raise Mismatch((), f"this tfcert:ignore exempts nothing: {why}", f"write {_FORM}")
    return until


def _parsed(text: str) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return the rules and their options; raises Mismatch for a text of another form."""
    found = _RULES.match(text)
    if found is None or text[found.end() :].lstrip().startswith("="):
        raise Mismatch((), "this tfcert:ignore names no rule", f"write {_FORM}")
    rules = tuple(part.strip() for part in found[1].split(","))
    pairs: dict[str, str] = {}
    at = found.end()
    while text[at:].strip():
        pair = _PAIR.match(text, at)
        if pair is None:
            raise Mismatch(
                (),
                f"this tfcert:ignore cannot be read from {text[at:].strip()[:40]!r} on",
                f"write {_FORM}",
            )
        key = pair[1]
        if key not in _KEYS:
            raise Mismatch(
                (), f"this tfcert:ignore has the unknown key {key!r}", did_you_mean(key, _KEYS)
            )
        if key in pairs:
            raise Mismatch((), f"this tfcert:ignore says {key} twice", "write it once")
        pairs[key] = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        at = pair.end()
    return rules, pairs


def _addresses(mark: ExemptionComment) -> frozenset[str]:
    """Return the block's addresses, one for each call of its module.

    There are none if the block is neither a stage nor a certificate.
    """
    block = mark.block
    if (
        block is None
        or block.type not in {"resource", "data"}
        or len(block.labels) != 2
        or block.labels[0] not in _TYPES
    ):
        return frozenset()
    kind, name = block.labels
    return frozenset(
        str(Address(kind, name, None, tuple(map(ModuleStep, path)), data=block.type == "data"))
        for path in mark.modules
    )


def _misplaced(mark: ExemptionComment) -> str:
    if mark.block is None:
        return "is not at a block"
    if mark.block.type == "module":
        return f"is at the call of module {'.'.join(mark.block.labels)}, not at a block in it"
    return (
        f"is at {' '.join((mark.block.type, '.'.join(mark.block.labels))).strip()}, "
        "which is neither a stage nor a client certificate"
    )


def _unread(location: Location, *, json: bool) -> FaultyExemption:
    why = (
        "JSON has no comments"
        if json
        else "tfcert reads no comments of this file, which is an override, or no HCL that it can "
        "read"
    )
    return FaultyExemption(
        reason=f"the tfcert:ignore in {location.file} exempts nothing: {why}",
        remedy="write an [[exemption]] into the policy (docs/policy.md)",
        location=location,
    )
