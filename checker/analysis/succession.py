"""Guess the successor of a certificate that no comment names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from checker.model.address import Address
from checker.model.cases import Case, DocumentCases
from checker.model.certificate_use import CertificateUse
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.inventory import Document
from checker.model.observation import Gone

_NUMBERS = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
)
_WORDS = {
    **{word: rank for rank, word in enumerate(_NUMBERS, 1)},
    **{word: rank for rank, word in enumerate(_ORDINALS, 1)},
    **{
        f"{rank}{end}": rank
        for rank, end in ((1, "st"), (2, "nd"), (3, "rd"), (4, "th"), (5, "th"))
    },
    **dict.fromkeys(("old", "older", "former", "previous", "prev"), -1),
    **dict.fromkeys(("new", "newer", "replacement", "renewed", "rotated"), 1000),
    "next": 1001,
}
_WORDED = "|".join(sorted(_WORDS, key=len, reverse=True))
# A bare year or a single letter is often part of the name itself: only a guess uses them.
_SUFFIX = re.compile(
    rf"(?<=.)[_-](?:((?:19|20)\d\d(?:0[1-9]|1[0-2]))(?:[_-](\d+))?|v?(\d{{1,3}})|({_WORDED}))$",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"(?<=.)(?:[_-]((?:19|20)\d\d)(?:[_-]?(\d\d))?(?:[_-]?\d\d)?"
    r"|[_-]([a-z])|(?<=[a-z])v?(\d{1,2}))$",
    re.IGNORECASE,
)
_PREFIX = re.compile(rf"^({_WORDED})[_-](?=.)", re.IGNORECASE)
# Dates, and the words before them, differ between certificates for the same purpose.
_DATES = re.compile(
    r"\(?\b(?:expires?|expiry|valid|until|on|from|renewed|created|in|of)\b|[\d/.:()-]+",
    re.IGNORECASE,
)
_GENERIC = frozenset({"", "managed by terraform", "client certificate", "certificate", "terraform"})


def split_name(name: str, *, loose: bool = False) -> tuple[str, int]:
    """Return the base of a certificate's name and the rank of its suffix.

    `edge_two` is (`edge`, 2) and `edge` is (`edge`, 0). With `loose` the suffix may also be a year,
    a letter or a digit without a separator, or a word in front of the base.
    """
    found = _SUFFIX.search(name)
    if found is not None:
        month, again, number, word = found.groups()
        rank = (
            int(month) * 100 + int(again or 1)
            if month
            else int(number)
            if number
            else _WORDS[word.lower()]
        )
        return name[: found.start()], rank
    found = _LOOSE.search(name) if loose else None
    if found is not None:
        year, month, letter, number = found.groups()
        if year:
            return name[: found.start()], int(year) * 10_000 + int(month or 0) * 100
        return name[: found.start()], ord(letter.lower()) - 96 if letter else int(number)
    found = _PREFIX.match(name) if loose else None
    if found is not None:
        return name[found.end() :], _WORDS[found.group(1).lower()]
    return name, 0


class Guess(Struct, frozen=True, kw_only=True):
    """A certificate that seems to be the successor of another one, and why.

    `several` has all candidates if there is more than one. `moved` is true if the configuration
    gives its id to stages that present the predecessor. `applied` is true if it is in state.
    """

    predecessor: Address
    successor: DeclaredCertificate
    why: str
    moved: bool
    applied: bool
    several: tuple[DeclaredCertificate, ...] = ()

    @property
    def text(self) -> str:
        """The guess as a sentence, with the line of the certificate's block."""
        return (
            f"a guess: {self.successor.block} ({self.successor.location}) is its successor, "
            f"written manually, since {self.why}"
        )


class _Known(Struct, frozen=True, kw_only=True):
    """The recorded certificates of one block.

    `stages` and `planned` are the blocks of the stages that present them, now and after the plan.
    `others` is true if a stage without an address presents one of them. `end` is the earliest end.
    `gone` is true if AWS does not know one of them.
    """

    stages: frozenset[Address]
    others: bool
    planned: frozenset[Address]
    end: datetime | None
    gone: bool


class Succession:
    """The guesses for one document, built in one pass over its certificates."""

    def __init__(
        self, document: Document, found: Iterator[tuple[CertificateUse, datetime | None, bool]]
    ) -> None:
        self.declared = document.declared or ConfigurationFacts(directory="")
        self._known: dict[Address, _Known] = {}
        for subject, end, gone in found:
            self._add(subject, end, gone=gone)
        self._names: dict[tuple[tuple[str, ...], str, str], list[DeclaredCertificate]] = {}
        self._bases: dict[tuple[tuple[str, ...], str, str], list[DeclaredCertificate]] = {}
        self._descriptions: dict[tuple[tuple[str, ...], str, str], list[DeclaredCertificate]] = {}
        self._takers: dict[Address, list[DeclaredCertificate]] = {}
        for each in self.declared.certificates:
            place = each.block.module_path, each.block.type
            self._names.setdefault(
                (*place, split_name(each.block.name, loose=True)[0].lower()), []
            ).append(each)
            self._bases.setdefault((*place, split_name(each.block.name)[0]), []).append(each)
            purpose = _purpose(each)
            if purpose is not None:
                self._descriptions.setdefault((*place, purpose), []).append(each)
            for stage in each.stages:
                self._takers.setdefault(stage, []).append(each)

    @classmethod
    def of_cases(cls, document: DocumentCases) -> Succession:
        """Return the guesses that follow from the answers of AWS."""
        return cls(
            document.document,
            (
                (case.subject, case.expires_at, isinstance(case.observation, Gone))
                for case in document.cases
                if _is_gateway(case)
            ),
        )

    def guess(self, block: Address) -> Guess | None:
        """Return the likely successor of a certificate that stages present.

        None if there is no candidate. A certificate with a lineage comment is not a candidate.
        """
        own, known = self.declared.certificate(block), self._known.get(block)
        if known is None or not known.stages or block in self.declared.renamed:
            return None
        taking = self._moved_to(block, known, own)
        if taking:
            stage = min(str(stage) for stage in known.stages if stage in taking[0].stages)
            return self._build_guess(block, taking, f"{stage} takes its id from it", moved=True)
        if own is None:
            return None
        named = [each for each in self._siblings(own) if self._may_follow(own, known, each)]
        if named:
            return self._build_guess(block, named, "its name says so", moved=False)
        purpose = _purpose(own)
        same_purpose = (
            self._descriptions.get((block.module_path, block.type, purpose), [])
            if purpose is not None
            else []
        )
        used = [each for each in same_purpose if self._is_used(each) and each.block != block]
        unused_ones = [
            each
            for each in same_purpose
            if not self._is_used(each) and self._may_follow(own, known, each, named=False)
        ]
        return (
            self._build_guess(block, unused_ones, "it has the same description", moved=False)
            if unused_ones and not used
            else None
        )

    def spares(self, block: Address) -> tuple[DeclaredCertificate, ...]:
        """Return the unused certificates that look like a second successor of a block.

        Their names say that they succeed the block, which has a successor by its comment.
        """
        own, known = self.declared.certificate(block), self._known.get(block)
        if own is None or known is None or not self.declared.successors(block):
            return ()
        return tuple(
            each
            for each in self._siblings(own)
            if not each.pointers and self._may_follow(own, known, each)
        )

    def names_in_use(self, block: Address) -> Iterator[str]:
        """Yield the names of other certificates in the block's module with its base, and in use.

        A certificate is in use if stages present it or the configuration refers to it.
        """
        key = (block.module_path, block.type, split_name(block.name)[0])
        for each in self._bases.get(key, ()):
            if block not in {each.block, each.succeeds} and self._is_used(each):
                yield each.block.name

    def left_over(
        self, as_of: datetime
    ) -> Iterator[tuple[DeclaredCertificate, DeclaredCertificate | None]]:
        """Yield each certificate that is left over, with its successor if one is known.

        No stage presents such a certificate now or after the plan, and it has ended or was
        succeeded. A certificate whose successor has a lineage comment is not among them: its own
        rotation retires it.
        """
        for each in self.declared.certificates:
            known = self._known.get(each.block)
            if (
                known is None
                or known.gone
                or known.stages
                or known.others
                or known.planned
                or self._is_pointed_to(each)
            ):
                continue
            if self.declared.successors(each.block):
                continue
            rival = self._presented_rival(each, known)
            later = rival or self._later(each, known)
            unused_ones = each.succeeds is None and each.succeeds_id is None
            ended = known.end is not None and known.end < as_of
            if (
                (ended and not self._rotates(each))
                or (later is not None and unused_ones)
                or rival is not None
            ):
                yield each, later

    def _presented_rival(
        self, each: DeclaredCertificate, known: _Known
    ) -> DeclaredCertificate | None:
        """Return the successor of the same predecessor that stages present instead."""
        others = self.declared.successors(each.succeeds) if each.succeeds is not None else ()
        found = [
            other for other in others if other.block != each.block and self._is_presented(other)
        ]
        return (
            found[0]
            if len(found) == 1 and _outlives(self._known[found[0].block].end, known.end)
            else None
        )

    def _rotates(self, each: DeclaredCertificate) -> bool:
        """Return whether it is the only commented successor of a presented certificate."""
        if each.succeeds is None:
            return False
        known = self._known.get(each.succeeds)
        return (
            known is not None
            and bool(known.stages)
            and len(self.declared.successors(each.succeeds)) == 1
        )

    def _later(self, each: DeclaredCertificate, known: _Known) -> DeclaredCertificate | None:
        """Return the presented certificate that replaced this one, by its name or description."""
        purpose = _purpose(each)
        same_purpose = (
            self._descriptions.get((each.block.module_path, each.block.type, purpose), [])
            if purpose is not None
            else []
        )
        rank = split_name(each.block.name, loose=True)[1]
        later_names = [
            other
            for other in self._siblings(each)
            if split_name(other.block.name, loose=True)[1] > rank
        ]
        found = [
            other
            for other in (*later_names, *same_purpose)
            if other.block != each.block and self._is_presented(other)
        ]
        outliving = [other for other in found if _outlives(self._known[other.block].end, known.end)]
        return outliving[0] if len({other.block for other in outliving}) == 1 else None

    def _add(self, subject: CertificateUse, end: datetime | None, *, gone: bool) -> None:
        address = subject.certificate.address
        if (
            address is None
            or subject.certificate.id is None
            or subject.certificate.deposed is not None
        ):
            return
        now = {stage.address.block for stage in subject.presented_by if stage.address is not None}
        then = {
            stage.address.block for stage in subject.to_be_presented_by if stage.address is not None
        }
        others = any(
            stage.address is None for stage in (*subject.presented_by, *subject.to_be_presented_by)
        )
        before = self._known.get(address.block)
        if before is None:
            self._known[address.block] = _Known(
                stages=frozenset(now), others=others, planned=frozenset(then), end=end, gone=gone
            )
            return
        self._known[address.block] = _Known(
            stages=before.stages | now,
            others=before.others or others,
            planned=before.planned | then,
            end=min(before.end, end) if before.end is not None and end is not None else None,
            gone=before.gone or gone,
        )

    def _moved_to(
        self, block: Address, known: _Known, own: DeclaredCertificate | None
    ) -> list[DeclaredCertificate]:
        """Return the certificates to which the configuration moves stages that present this one."""
        kept = own.stages if own is not None else frozenset()
        found = {
            each.block: each
            for stage in sorted(known.stages, key=str)
            if stage not in kept
            for each in self._takers.get(stage, ())
            if each.block != block and each.succeeds is None and each.succeeds_id is None
        }
        same_module = [
            each
            for each in found.values()
            if (each.block.module_path, each.block.type) == (block.module_path, block.type)
        ]
        return same_module if len(same_module) == len(found) else []

    def _siblings(self, own: DeclaredCertificate) -> list[DeclaredCertificate]:
        base = split_name(own.block.name, loose=True)[0].lower()
        return self._names.get((own.block.module_path, own.block.type, base), [])

    def _may_follow(
        self,
        own: DeclaredCertificate,
        known: _Known,
        each: DeclaredCertificate,
        *,
        named: bool = True,
    ) -> bool:
        """Return whether a certificate may be a successor that waits for stages to move.

        It is newer, unused, has no lineage comment, and no other certificate succeeds it.
        """
        if each.block == own.block or each.succeeds is not None or each.succeeds_id is not None:
            return False
        if (
            self.declared.successors(each.block)
            or not each.stages <= known.stages
            or not each.opaque <= own.opaque
        ):
            return False
        if (
            named
            and split_name(each.block.name, loose=True)[1]
            <= split_name(own.block.name, loose=True)[1]
        ):
            return False
        recorded = self._known.get(each.block)
        if recorded is None:
            return True
        unused = not recorded.stages and not recorded.others and recorded.planned <= known.stages
        return unused and not recorded.gone and _outlives(recorded.end, known.end)

    def _is_presented(self, each: DeclaredCertificate) -> bool:
        known = self._known.get(each.block)
        return known is not None and bool(known.stages or known.others)

    def _is_pointed_to(self, each: DeclaredCertificate) -> bool:
        return bool(each.stages or each.opaque or each.pointers)

    def _is_used(self, each: DeclaredCertificate) -> bool:
        return self._is_presented(each) or self._is_pointed_to(each)

    def _build_guess(
        self, block: Address, found: list[DeclaredCertificate], why: str, *, moved: bool
    ) -> Guess:
        first = found[0]
        return Guess(
            predecessor=block,
            successor=first,
            why=why,
            moved=moved,
            applied=first.block in self._known,
            several=tuple(found) if len(found) > 1 else (),
        )


def _is_gateway(case: Case) -> bool:
    return case.certificate.kind == "gateway"


def _outlives(end: datetime | None, other: datetime | None) -> bool:
    return end is None or other is None or end > other


def _purpose(each: DeclaredCertificate) -> str | None:
    """Return a description in lower case without its dates; None if it is empty or generic."""
    words = " ".join(_DATES.sub(" ", each.description or "").lower().split()).strip(" ,;.-")
    return None if words in _GENERIC else words
