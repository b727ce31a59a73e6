"""The parts of a Markdown report as lines, the most urgent first; a limit cuts the last ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from checker.model.deadlines import Late, due, late_plan, left_in_words
from checker.model.outcome import UNVERIFIED
from checker.model.policy import RULE_PAGES
from checker.reports.headline import headline
from checker.reports.headline.from_json import (
    facts_of_documents,
    is_open,
    moment_of,
    open_rotations_of,
)
from checker.reports.json_v1_read import (
    JsonCertificate,
    JsonDocument,
    JsonFinding,
    JsonRotation,
    JsonTrust,
)
from checker.reports.markdown.escape import NamedAccounts, code, sentence
from checker.reports.presenting import presenters_in_words
from checker.rules import RULES

_NAME = 200
_SENTENCE = 400
_FEW = 3
_RULES = frozenset(rule.name for rule in RULES)
_SEVERITIES = ("error", "warning", "note")
_VERDICTS = ("findings", "inconclusive", "warnings", "clean")
_WHOLE = "(the account as a whole)"


class MarkdownRow(Struct, frozen=True, kw_only=True):
    """A source in the table of root modules: its verdict's rank in `_VERDICTS`, and its line."""

    rank: int
    line: str


def verdict(documents: Sequence[JsonDocument]) -> str:
    """Return the worst verdict; the order is findings, inconclusive, clean."""
    return min(
        (document["verdict"] for document in documents), key=_VERDICTS.index, default="inconclusive"
    )


def head(documents: Sequence[NamedAccounts]) -> str:
    """Return the headline: a heading, and a line with what follows it."""
    facts = facts_of_documents([each.document for each in documents])
    if facts is None:
        return "### tfcert: inconclusive, no outcome was given"
    said = headline(facts)
    first = said.sentence.rstrip(".")
    lines = [f"### tfcert: {sentence(f'{first[:1].lower()}{first[1:]}')}"]
    if facts.modules > 1:
        said = replace(said, more=(_where(documents), *said.more))
    if said.more:
        lines.append(" ".join(sentence(each, longest=_SENTENCE) for each in said.more))
    return "\n\n".join(lines)


def _where(documents: Sequence[NamedAccounts]) -> str:
    """Return how many of several root modules have something to do, and which."""
    names = [
        each.name or ", ".join(source["path"] for source in each.document["sources"][:1])
        for each in documents
        if is_open(each.document)
    ]
    have = "has" if len(names) == 1 else "have"
    which = ", ".join(f"`{name.replace('`', '')}`" for name in names[:_FEW])
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    count = f"{len(names)} of {len(documents)} root modules {have} something to do"
    return f"{count}: {which}{more}." if names else f"{count}."


def verdict_line(documents: Sequence[JsonDocument]) -> str:
    """Return the verdict with the number of findings that count."""
    sums = {
        name: sum(_count(document["findings"], name) for document in documents)
        for name in _SEVERITIES
    }
    counts = ", ".join(
        f"{count} {name}{'s' * (count > 1)}" for name, count in sums.items() if count
    )
    return f"Verdict: **{verdict(documents)}**{f' ({counts})' if counts else ''}"


def link_rules(pages: str | None) -> Callable[[str], str]:
    """Return a function that formats a rule's name, as a link if its page has an address."""
    if pages is None or not re.fullmatch(RULE_PAGES, pages):
        return code
    return lambda rule: f"[{code(rule)}]({pages}/{rule}.md)" if rule in _RULES else code(rule)


def rows(documents: Sequence[NamedAccounts]) -> list[MarkdownRow]:
    """Return a row for each source of each document, the most urgent first."""
    found = [entry for each in documents for entry in _rows(each)]
    return [row for _, row in sorted(found, key=lambda entry: entry[0])]


def certificates(documents: Sequence[NamedAccounts]) -> list[str]:
    """Return a table row for each certificate, the nearest end first."""
    found = [
        (each.name, one, moment_of(each.document["as_of"]))
        for each in documents
        for one in each.document["certificates"]
        if one["id"] is not None
    ]
    found.sort(
        key=lambda entry: (
            entry[1]["days_left"] is None,
            entry[1]["days_left"] or 0,
            entry[0],
            entry[1]["address"] or "",
        )
    )
    return [_certificate(name, one, as_of) for name, one, as_of in found]


def findings(
    documents: Sequence[NamedAccounts], *, minor: bool, rule: Callable[[str], str] = code
) -> list[str]:
    """Return a list item for each finding, errors first; `rule` formats the name of its rule.

    With `minor`, these are the notes and the suppressed findings.
    """
    found = [
        (each.name, one)
        for each in documents
        for one in each.document["findings"]
        if _is_minor(one) is minor
    ]
    found.sort(key=lambda entry: _SEVERITIES.index(entry[1]["severity"]))
    return [_finding(name, one, rule) for name, one in found]


def steps(documents: Sequence[NamedAccounts]) -> list[str]:
    """Return a list item for each unfinished rotation, with its next step."""
    found = [
        (each.name, one, datetime.fromisoformat(each.document["as_of"]))
        for each in documents
        for one in open_rotations_of(each.document)
        if one["phase"] != "done"
    ]
    found.sort(key=lambda entry: (entry[1]["introduce_by"] is None, entry[1]["introduce_by"] or ""))
    lines = Counter(_step(name, one, as_of) for name, one, as_of in found)
    return [_times(line, count) for line, count in lines.items()]


def _times(line: str, count: int) -> str:
    """Return the item of a rotation that is the same in so many root modules."""
    return line if count == 1 else f"- {count} root modules: {line.removeprefix('- ')}"


def notices(documents: Sequence[NamedAccounts]) -> list[str]:
    """Return the notices of the documents, which every report must contain."""
    lines = [
        f"- {sentence(text)}" for each in documents for text in each.document.get("notices", ())
    ]
    offline = [each.name for each in documents if each.document["offline"]]
    if offline:
        which = (
            ""
            if len(offline) == len(documents)
            else f" for {len(offline)} of {len(documents)} outcomes"
        )
        lines.insert(0, f"- AWS was not asked{which} (`--offline`): every date is the recorded one")
    return list(dict.fromkeys(lines))


class _SourceParts(Struct, kw_only=True):
    """What one source of a document contributes; filled while the document is read."""

    findings: list[JsonFinding] = []
    certificates: list[JsonCertificate] = []
    stages: int = 0


def _rows(each: NamedAccounts) -> Iterator[tuple[tuple[int, int, str], MarkdownRow]]:
    """Yield the row of each source, with its place in the order."""
    document = each.document
    alone = len(document["sources"]) == 1
    for path, parts in _by_source(document, alone=alone).items():
        word = document["verdict"] if alone else _verdict(parts.findings)
        rank = _VERDICTS.index(word)
        days = min(
            (one["days_left"] for one in parts.certificates if one["days_left"] is not None),
            default=10**9,
        )
        order = (rank, days, f"{each.name}\0{path}")
        line = _row(each.name, path, word, parts, moment_of(document["as_of"]))
        yield order, MarkdownRow(rank=rank, line=line)


def _by_source(document: JsonDocument, *, alone: bool) -> dict[str, _SourceParts]:
    """Return the parts of each source; `alone` is whether the document has only one."""
    paths = [source["path"] for source in document["sources"]]
    if any(finding["source"] is None for finding in document["findings"]) and not alone:
        paths.append(_WHOLE)
    found = {path: _SourceParts() for path in paths}
    for finding in document["findings"]:
        path = paths[0] if alone else finding["source"] or _WHOLE
        found.setdefault(path, _SourceParts()).findings.append(finding)
    for certificate in document["certificates"]:
        found.setdefault(certificate["source"], _SourceParts()).certificates.append(certificate)
    for stage in document["stages"]:
        found.setdefault(stage["source"], _SourceParts()).stages += 1
    return found


def _row(name: str, path: str, word: str, parts: _SourceParts, as_of: datetime | None) -> str:
    before = f"{code(name, longest=_NAME)} " if name else ""
    shown = path if path == _WHOLE else code(path, longest=_NAME)
    counts = [_count(parts.findings, severity) for severity in _SEVERITIES]
    cells = (
        f"{before}{shown}",
        f"**{word}**",
        _nearest(parts.certificates, as_of),
        *counts,
        len(parts.certificates),
        parts.stages,
    )
    return f"| {' | '.join(map(str, cells))} |"


def _verdict(findings: Sequence[JsonFinding]) -> str:
    """Return the verdict on one source of several; the exit code covers them all."""
    counted = [one for one in findings if one["suppression"] is None]
    if any(one["severity"] == "error" and one["rule"] != UNVERIFIED for one in counted):
        return "findings"
    if any(one["rule"] == UNVERIFIED for one in counted):
        return "inconclusive"
    return "warnings" if any(one["severity"] == "warning" for one in counted) else "clean"


def _nearest(known: Sequence[JsonCertificate], as_of: datetime | None) -> str:
    one = min(
        (each for each in known if each["days_left"] is not None),
        key=lambda each: each["days_left"] or 0,
        default=None,
    )
    # A dash marks an empty cell.
    return _left(one, as_of) if one is not None else "not known" if known else "–"  # noqa: RUF001


def _certificate(name: str, one: JsonCertificate, as_of: datetime | None) -> str:
    presented = len(one["presented_by"])
    cells = (
        *((code(name, longest=_NAME),) if name else ()),
        code(one["address"], longest=_NAME) if one["address"] is not None else _stray(one),
        code(one["id"] or "-", longest=_NAME),
        _left_and_end(one, as_of),
        f"{one['evidence']}",
        " ".join(code(text, longest=_NAME) for text in (one["account"], one["region"]) if text)
        or "–",  # noqa: RUF001 -- as above
        presenters_in_words(presented, one.get("searched")),
    )
    return f"| {' | '.join(cells)} |"


def _stray(one: JsonCertificate) -> str:
    """Return the text for a certificate without an address.

    For a scan, it says whether the given states contain the certificate.
    """
    if not one["source"].startswith("aws://"):
        return "(not in this state)"
    return "(unmanaged)" if one.get("managed") is False else "(not known whether it is managed)"


def _left_and_end(one: JsonCertificate, as_of: datetime | None) -> str:
    end = moment_of(one["expires_at"])
    left = _left(one, as_of)
    return f"{left} ({end:%Y-%m-%d})" if end is not None else left


def _left(one: JsonCertificate, as_of: datetime | None) -> str:
    days, end = one["days_left"], moment_of(one["expires_at"])
    if one["evidence"] == "gone":
        return "gone from AWS"
    if days is None:
        return "not known"
    if days >= 0:
        return f"{days} day{'s' * (days != 1)}"
    return (
        f"ended {left_in_words(end, as_of)}" if end is not None and as_of is not None else "ended"
    )


def _finding(name: str, one: JsonFinding, rule: Callable[[str], str]) -> str:
    where = one["location"]
    place = (
        f" in {code('{file}:{line}'.format(**where), longest=_NAME)}" if where is not None else ""
    )
    address = f" {code(one['address'], longest=_NAME)}" if one["address"] else ""
    among = f"{code(name, longest=_NAME)} " if name else ""
    suppression = one["suppression"]
    exempt = (
        f" (exempt until {sentence(suppression['until'])}: {sentence(suppression['reason'])})"
        if suppression
        else ""
    )
    head = f"- {among}**{one['severity']}**{exempt} {rule(one['rule'])}{address}{place}"
    return f"{head}: {sentence(one['message'])}  \n  → {sentence(one['remedy'])}"


def _step(name: str, one: JsonRotation, as_of: datetime) -> str:
    among = f"{code(name, longest=_NAME)} " if name else ""
    arrow = f" → {code(one['successor'], longest=_NAME)}" if one["successor"] else ""
    reason = f": {sentence(one['reason'])}" if one["reason"] else ""
    patched = one["phase"] not in {"waiting", "blocked"}
    phase = f"next is {one['phase']}" if patched else one["phase"]
    how = " (`tfcert patch`)" if patched else ""
    by = [
        f"{word} {due(datetime.fromisoformat(text), as_of)}"
        for word, text in _deadlines(one)
        if text
    ]
    dates = f"; {', '.join(by)}" if by else ""
    return (
        f"- {among}{code(one['predecessor'], longest=_NAME)}{arrow}: "
        f"**{phase}**{how}{reason}{dates}{_late(one, as_of)}{_trust(one)}"
    )


def _trust(one: JsonRotation) -> str:
    lines = [_evidence(each) for each in one.get("trust", ())]
    return "".join(f"\n  - trust: {line}" for line in lines)


def _evidence(one: JsonTrust) -> str:
    backend = f"backend {code(one['backend'])}" if one["backend"] else ""
    who = backend or ", ".join(map(code, one["stages"])) or "a stage without an address"
    source = f" ({code(one['source'], longest=_NAME)})" if one["source"] else ""
    return f"{who}{source}: **{one['status']}**, {sentence(one['reason'])}"


def _deadlines(one: JsonRotation) -> tuple[tuple[str, str | None], ...]:
    """Return the deadlines in the future; introduce has one only until the successor exists."""
    both = (("introduce", one["introduce_by"]), ("repoint", one["repoint_by"]))
    if not one["stages"]:
        return ()
    return both[1:] if one.get("introduced") else both


def _late(one: JsonRotation, as_of: datetime) -> str:
    late = one.get("late")
    if late is None:
        return ""
    window = late["window_ends"]
    plan = late_plan(
        Late(
            ends=datetime.fromisoformat(late["ends"]),
            window_ends=datetime.fromisoformat(window) if window else None,
            introduced=late["introduced"],
        ),
        as_of,
    )
    lines = [
        f"  **{plan.why}**",
        *(f"  {number}. {step}" for number, step in enumerate(plan.steps, 1)),
    ]
    return "\n" + "\n".join(
        [*lines[:1], "", *lines[1:], "", *(f"  - Risk: {risk}" for risk in plan.risks)]
    )


def _is_minor(one: JsonFinding) -> bool:
    return one["severity"] == "note" or one["suppression"] is not None


def _count(findings: Sequence[JsonFinding], severity: str) -> int:
    return sum(one["severity"] == severity and one["suppression"] is None for one in findings)
