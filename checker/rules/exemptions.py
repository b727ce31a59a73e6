"""Apply exemptions to findings, and find the unused ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime

from msgspec import Struct
from msgspec.structs import replace

from checker.analysis.scoping import Scoping, stages_of
from checker.model.address import Address
from checker.model.cases import Cases, DocumentCases
from checker.model.certificate_use import CertificateUse
from checker.model.conditions import Conditions, Traits
from checker.model.exemptions import Exemption, ExemptionTally, FaultyExemption, UnusedExemption
from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.observation import Surveyed
from checker.model.places import Place
from checker.rules.base import Needs, Rule, list_stages


class UnusedExemptions:
    """The exemptions of a run that no finding used.

    `partly` has the reason for those that name only some of the stages of a certificate.
    """

    def __init__(
        self, scoping: Scoping, rules: Mapping[str, Rule], partly: Mapping[Exemption, str]
    ) -> None:
        self.scoping = scoping
        self.cases = scoping.cases
        self.rules = rules
        self.partly = partly
        self.names: dict[int, frozenset[str]] = {}

    def why(self, entry: Exemption) -> str | None:
        """Return why no finding needed it; None where this run could not have had one."""
        parts = [part for part in self.cases.documents if self._reaches(entry, part)]
        rule = self.rules[entry.rule]
        if (
            not parts
            or self.cases.unread
            or self.cases.observations.interrupted
            or not is_able(rule.needs, self.cases, parts)
        ):
            return None
        if dict(self.cases.policy.rules).get(entry.rule, rule.weight) is None:
            return "the policy has switched the rule off"
        if entry in self.partly:
            return self.partly[entry]
        if not any(
            entry.certificate_id in self._names(part) or entry.addresses & self._names(part)
            for part in parts
        ):
            return "no stage and no certificate of these sources has this name"
        return f"there is no such finding about {'it' if len(entry.addresses) < 2 else 'them'}"

    def _names(self, part: DocumentCases) -> frozenset[str]:
        """Return the ids of a document's certificates, and every address of its own.

        The addresses are given with the keys of instances and without.
        """
        known = self.names.get(id(part))
        if known is None:
            found = (
                *(case.address for case in part.cases),
                *(stage.address for stage in stages_of(part.document)),
            )
            addresses = [address for address in found if address is not None]
            ids = [case.id for case in part.cases if case.id is not None]
            known = self.names[id(part)] = frozenset(
                (*ids, *map(str, addresses), *{str(address.block) for address in addresses})
            )
        return known

    def _reaches(self, entry: Exemption, part: DocumentCases) -> bool:
        """Return whether the exemption applies to this document at all."""
        document = part.document
        if entry.kind is SuppressedBy.COMMENT:
            return entry in inline_exemptions(part)
        where = Conditions(workspace=entry.where.workspace, directory=entry.where.directory)
        return where.match(self.scoping.document_traits(document))


def is_able(needs: Needs, cases: Cases, parts: Iterable[DocumentCases]) -> bool:
    """Return whether a run has the input that a rule needs to find anything in these documents."""
    observations = cases.observations
    match needs:
        case Needs.NOTHING:
            return True
        case Needs.PLAN:
            return any(part.document.plan is not None for part in parts)
        case Needs.PHASE:
            return cases.expect is not None
        case Needs.AWS:
            return observations.asked
        case Needs.PRESENTED:
            return bool(observations.stages)
        case Needs.SURVEY:
            return any(isinstance(survey, Surveyed) for survey in observations.surveys.values())


def inline_exemptions(part: DocumentCases) -> tuple[Exemption, ...]:
    """Return the exemptions from the comments in a document's configuration."""
    return part.document.declared.exemptions if part.document.declared is not None else ()


def apply_exemptions(
    scoping: Scoping, rules: tuple[Rule, ...], findings: tuple[Finding, ...]
) -> tuple[tuple[Finding, ...], ExemptionTally]:
    """Return the findings, with the exempted ones marked, and the tally of the exemptions."""
    return _Exempting(scoping, rules).run(findings)


class _Matches(Struct, frozen=True):
    """The exemptions that name a finding's address or certificate.

    `partly` are those that name it but do not apply here, each with the reason.
    """

    entries: tuple[Exemption, ...] = ()
    partly: tuple[tuple[Exemption, str], ...] = ()


class _Judged(Struct, frozen=True):
    """The exemptions of a finding: `lasting` ones exempt it, `faulty` ones last too long."""

    lasting: tuple[Exemption, ...] = ()
    partly: tuple[tuple[Exemption, str], ...] = ()
    faulty: tuple[tuple[Exemption, FaultyExemption], ...] = ()


class _Exempting:
    """The exemptions of one run, by the names in them; nothing here changes after its creation."""

    def __init__(self, scoping: Scoping, rules: tuple[Rule, ...]) -> None:
        self.scoping = scoping
        self.cases = scoping.cases
        self.rules = {rule.name: rule for rule in rules}
        self.today = self.cases.as_of.astimezone(UTC).date()
        self.parts = {part.document.source.path: part for part in self.cases.documents}
        self.ends = {id(case.certificate): case.expires_at for case in self.cases.all}
        self.policy = _by_name(self.cases.policy.exemptions)
        self.inline = {path: _by_name(inline_exemptions(part)) for path, part in self.parts.items()}

    def run(self, findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], ExemptionTally]:
        exemptions = self._all()
        judged = [self._judge(finding) for finding in findings] if exemptions else []
        marked = (
            tuple(map(_marked, findings, (each.lasting for each in judged)))
            if exemptions
            else findings
        )
        used = {entry for each in judged for entry in each.lasting}
        faulty = dict(pair for each in judged for pair in each.faulty)
        partly = dict(pair for each in judged for pair in each.partly)
        expired = tuple(entry for entry in exemptions if entry.until < self.today)
        settled = {*expired, *used, *faulty}
        left = [entry for entry in exemptions if entry not in settled]
        written = dict.fromkeys(
            each for part in self.cases.documents for each in _declared_faulty(part)
        )
        leftovers = UnusedExemptions(self.scoping, self.rules, partly)
        unused = tuple(
            UnusedExemption(exemption=entry, why=why)
            for entry in left
            if (why := leftovers.why(entry)) is not None
        )
        return marked, ExemptionTally(
            unused=unused, expired=expired, faulty=(*written, *dict.fromkeys(faulty.values()))
        )

    def _all(self) -> tuple[Exemption, ...]:
        inline = (entry for part in self.cases.documents for entry in inline_exemptions(part))
        return tuple(dict.fromkeys((*self.cases.policy.exemptions, *inline)))

    def _judge(self, finding: Finding) -> _Judged:
        """Return what exempts a finding: exemptions of its own, else those of all its stages."""
        if not self.rules[finding.rule].exemptable:
            return _Judged()
        part = self.parts.get(finding.source or "")
        direct = self._lasting(self._direct(finding, part), part, finding)
        if direct.lasting:
            return direct
        joint = self._jointly(finding, part)
        return _Judged(
            lasting=joint.lasting,
            partly=(*direct.partly, *joint.partly),
            faulty=(*direct.faulty, *joint.faulty),
        )

    def _entries(
        self, finding: Finding, part: DocumentCases | None, address: Address | None
    ) -> _Matches:
        """Return the running exemptions of the finding's rule that name an address here."""
        names = () if address is None else dict.fromkeys((str(address), str(address.block)))
        return self._called(finding, part, names)

    def _called(
        self, finding: Finding, part: DocumentCases | None, names: Iterable[str | None]
    ) -> _Matches:
        index = self.inline.get(part.document.source.path, {}) if part is not None else {}
        running = [
            entry
            for name in names
            for by in (self.policy, index)
            for entry in by.get((finding.rule, name), ())
            if entry.until >= self.today
        ]
        unmet = [self._unmet(entry, part, finding) for entry in running]
        return _Matches(
            entries=tuple(entry for entry, why in zip(running, unmet, strict=True) if why is None),
            partly=tuple(
                (entry, why) for entry, why in zip(running, unmet, strict=True) if why is not None
            ),
        )

    def _unmet(self, entry: Exemption, part: DocumentCases | None, finding: Finding) -> str | None:
        """Return the condition of an exemption that does not apply here; None if all apply."""
        if entry.where == Conditions():
            return None
        unmet = next(
            (
                reason
                for traits in self._traits(part, finding)
                for reason in entry.where.unmet(traits)
            ),
            None,
        )
        return None if unmet is None else f"{unmet.condition}: {unmet.why}"

    def _traits(self, part: DocumentCases | None, finding: Finding) -> Iterable[Traits]:
        match finding.about:
            case CertificateUse() as subject if part is not None:
                return self.scoping.traits(part.document, subject)
            case tuple() as stages if part is not None:
                return self.scoping.stage_traits(part, stages)
            case Place() as place:
                return (Traits(account=place.account, region=place.region),)
            case _:
                return (Traits(),)

    def _direct(self, finding: Finding, part: DocumentCases | None) -> _Matches:
        """Return the exemptions that name the certificate itself, or the finding's own address."""
        by_id = self._called(finding, part, (finding.certificate_id,))
        match finding.about:
            case CertificateUse(certificate=certificate):
                own = self._entries(finding, part, certificate.address)
            case tuple() as stages if stages:
                own = _common([self._entries(finding, part, stage.address) for stage in stages])
            case _:
                own = self._called(finding, part, (finding.address,))
        return _Matches(entries=(*own.entries, *by_id.entries), partly=(*by_id.partly, *own.partly))

    def _jointly(self, finding: Finding, part: DocumentCases | None) -> _Judged:
        """Return the exemptions of a certificate's stages, if every one of them has one."""
        if not isinstance(finding.about, CertificateUse):
            return _Judged()
        stages = tuple(dict.fromkeys(finding.about.stages))
        judged = [
            self._lasting(self._entries(finding, part, stage.address), part, finding)
            for stage in stages
        ]
        found = dict.fromkeys(entry for each in judged for entry in each.lasting)
        without = [stage for stage, each in zip(stages, judged, strict=True) if not each.lasting]
        why = (
            f"{list_stages(without)} presents certificate {finding.certificate_id} as well"
            if without
            else ""
        )
        return _Judged(
            lasting=() if without else tuple(found),
            partly=(
                *(pair for each in judged for pair in each.partly),
                *((entry, why) for entry in found if without),
            ),
            faulty=tuple(pair for each in judged for pair in each.faulty),
        )

    def _lasting(self, matches: _Matches, part: DocumentCases | None, finding: Finding) -> _Judged:
        """Return which exemptions end no later than the certificate; the others are faulty."""
        ends = [end for end in self._ends(part, finding) if end is not None]
        end = min(ends).astimezone(UTC).date() if ends else date.max
        return _Judged(
            lasting=tuple(entry for entry in matches.entries if entry.until <= end),
            partly=matches.partly,
            faulty=tuple(
                (entry, _lasts_too_long(entry, end, finding))
                for entry in matches.entries
                if entry.until > end
            ),
        )

    def _ends(self, part: DocumentCases | None, finding: Finding) -> Iterator[datetime | None]:
        match finding.about:
            case CertificateUse(certificate=certificate):
                yield self.ends.get(id(certificate))
            case tuple() as stages if part is not None:
                for stage in stages:
                    yield from (
                        self.ends.get(id(certificate))
                        for certificate in self.scoping.presented(part, stage)
                    )
            case _:
                pass


def _common(matches: list[_Matches]) -> _Matches:
    """Return the exemptions that name every stage, in the order of the first one."""
    first, *others = matches
    return _Matches(
        entries=tuple(
            entry for entry in first.entries if all(entry in other.entries for other in others)
        ),
        partly=tuple(pair for each in matches for pair in each.partly),
    )


def _marked(finding: Finding, lasting: tuple[Exemption, ...]) -> Finding:
    """Return the finding with the exemption that ends first; unchanged without one."""
    if not lasting:
        return finding
    return replace(finding, suppression=_suppression(min(lasting, key=lambda entry: entry.until)))


def _lasts_too_long(entry: Exemption, end: date, finding: Finding) -> FaultyExemption:
    return FaultyExemption(
        reason=f"the exemption of {entry.subject} from {entry.rule} lasts until {entry.until}, "
        f"and certificate {finding.certificate_id} ends on {end}: it exempts nothing",
        remedy=f"let it end on {end} at the latest",
        location=entry.location,
        address=finding.address,
        certificate_id=finding.certificate_id,
    )


def _suppression(entry: Exemption) -> Suppression:
    return Suppression(
        kind=entry.kind,
        reason=entry.reason,
        until=entry.until,
        owner=entry.owner,
        location=entry.location,
    )


def _by_name(exemptions: tuple[Exemption, ...]) -> Mapping[tuple[str, str | None], list[Exemption]]:
    """Return the exemptions by their rule and each name in them."""
    found: dict[tuple[str, str | None], list[Exemption]] = {}
    for entry in exemptions:
        for name in (
            *sorted(entry.addresses),
            *(() if entry.certificate_id is None else (entry.certificate_id,)),
        ):
            found.setdefault((entry.rule, name), []).append(entry)
    return found


def _declared_faulty(part: DocumentCases) -> tuple[FaultyExemption, ...]:
    return part.document.declared.faulty if part.document.declared is not None else ()
