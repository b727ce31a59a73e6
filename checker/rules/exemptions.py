"""Apply exemptions to findings, and find the unused ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime

from msgspec.structs import replace

from checker.analysis.scoping import Scoping, stages_of
from checker.model.address import Address
from checker.model.cases import DocumentCases
from checker.model.certificate_use import CertificateUse
from checker.model.conditions import Conditions, Traits
from checker.model.exemptions import Exemption, ExemptionTally, FaultyExemption, UnusedExemption
from checker.model.finding import Finding, SuppressedBy, Suppression
from checker.model.observation import Surveyed
from checker.model.places import Place
from checker.model.resources import Stage
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
            or not self._is_able(rule.needs, parts)
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
            return "no stage and no certificate of these sources is called so"
        return f"there is no such finding about {'it' if len(entry.addresses) < 2 else 'them'}"

    def _is_able(self, needs: Needs, parts: list[DocumentCases]) -> bool:
        """Return whether the run has the input that a rule needs to find anything."""
        observations = self.cases.observations
        match needs:
            case Needs.NOTHING:
                return True
            case Needs.PLAN:
                return any(part.document.plan is not None for part in parts)
            case Needs.PHASE:
                return self.cases.expect is not None
            case Needs.AWS:
                return observations.asked
            case Needs.PRESENTED:
                return bool(observations.stages)
            case Needs.SURVEY:
                return any(isinstance(survey, Surveyed) for survey in observations.surveys.values())

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
        return where.hold(self.scoping.document_traits(document))


def inline_exemptions(part: DocumentCases) -> tuple[Exemption, ...]:
    """Return the exemptions from the comments in a document's configuration."""
    return part.document.declared.exemptions if part.document.declared is not None else ()


def apply_exemptions(
    scoping: Scoping, rules: tuple[Rule, ...], findings: tuple[Finding, ...]
) -> tuple[tuple[Finding, ...], ExemptionTally]:
    """Return the findings, with the exempted ones marked, and the tally of the exemptions."""
    return _Exempting(scoping, rules).run(findings)


class _Exempting:
    def __init__(self, scoping: Scoping, rules: tuple[Rule, ...]) -> None:
        self.scoping = scoping
        self.cases = scoping.cases
        self.rules = {rule.name: rule for rule in rules}
        self.today = self.cases.as_of.astimezone(UTC).date()
        self.parts = {part.document.source.path: part for part in self.cases.documents}
        self.ends = {id(case.certificate): case.expires_at for case in self.cases.all}
        self.used: set[Exemption] = set()
        self.faulty: dict[Exemption, FaultyExemption] = {}
        self.partly: dict[Exemption, str] = {}
        self.policy = _by_name(self.cases.policy.exemptions)
        self.inline = {path: _by_name(inline_exemptions(part)) for path, part in self.parts.items()}

    def run(self, findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], ExemptionTally]:
        exemptions = self._all()
        if exemptions:
            findings = tuple(map(self._marked, findings))
        expired = tuple(entry for entry in exemptions if entry.until < self.today)
        settled = {*expired, *self.used, *self.faulty}
        left = [entry for entry in exemptions if entry not in settled]
        written = dict.fromkeys(
            faulty for part in self.cases.documents for faulty in _declared_faulty(part)
        )
        leftovers = UnusedExemptions(self.scoping, self.rules, self.partly)
        unused = tuple(
            UnusedExemption(exemption=entry, why=why)
            for entry in left
            if (why := leftovers.why(entry)) is not None
        )
        return findings, ExemptionTally(
            unused=unused, expired=expired, faulty=(*written, *dict.fromkeys(self.faulty.values()))
        )

    def _all(self) -> tuple[Exemption, ...]:
        inline = (entry for part in self.cases.documents for entry in inline_exemptions(part))
        return tuple(dict.fromkeys((*self.cases.policy.exemptions, *inline)))

    def _marked(self, finding: Finding) -> Finding:
        if not self.rules[finding.rule].exemptable:
            return finding
        part = self.parts.get(finding.source or "")
        lasting = self._lasting(self._direct(finding, part), part, finding) or self._jointly(
            finding, part
        )
        if not lasting:
            return finding
        self.used.update(lasting)
        return replace(
            finding, suppression=_suppression(min(lasting, key=lambda entry: entry.until))
        )

    def _entries(
        self, finding: Finding, part: DocumentCases | None, address: Address | None
    ) -> list[Exemption]:
        """Return the running exemptions of the finding's rule that name an address here."""
        names = {str(address), str(address.block)} if address is not None else set[str]()
        return self._called(finding, part, names)

    def _called(
        self, finding: Finding, part: DocumentCases | None, names: Iterable[str | None]
    ) -> list[Exemption]:
        index = self.inline.get(part.document.source.path, {}) if part is not None else {}
        found = [
            entry
            for name in names
            for by in (self.policy, index)
            for entry in by.get((finding.rule, name), ())
        ]
        return [
            entry
            for entry in found
            if entry.until >= self.today and self._is_there(entry, part, finding)
        ]

    def _is_there(self, entry: Exemption, part: DocumentCases | None, finding: Finding) -> bool:
        if entry.where == Conditions():
            return True
        unmet = next(
            (
                reason
                for traits in self._traits(part, finding)
                for reason in entry.where.unmet(traits)
            ),
            None,
        )
        if unmet is not None:
            self.partly[entry] = f"{unmet.condition}: {unmet.why}"
        return unmet is None

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

    def _direct(self, finding: Finding, part: DocumentCases | None) -> list[Exemption]:
        """Return the exemptions that name the certificate itself, or the finding's own address."""
        by_id = self._called(finding, part, (finding.certificate_id,))
        match finding.about:
            case CertificateUse(certificate=certificate):
                return [*self._entries(finding, part, certificate.address), *by_id]
            case tuple() as stages if stages:
                first, *others = (self._entries(finding, part, stage.address) for stage in stages)
                return [
                    *(entry for entry in first if all(entry in other for other in others)),
                    *by_id,
                ]
            case _:
                return [*self._called(finding, part, (finding.address,)), *by_id]

    def _jointly(self, finding: Finding, part: DocumentCases | None) -> list[Exemption]:
        """Return the exemptions of a certificate's stages, if every one of them has one."""
        if not isinstance(finding.about, CertificateUse):
            return []
        found: dict[Exemption, None] = {}
        without: list[Stage] = []
        for stage in dict.fromkeys(finding.about.stages):
            own = self._lasting(self._entries(finding, part, stage.address), part, finding)
            found |= dict.fromkeys(own)
            if not own:
                without.append(stage)
        if without:
            self.partly |= dict.fromkeys(
                found,
                f"{list_stages(without)} presents certificate {finding.certificate_id} as well",
            )
            return []
        return list(found)

    def _lasting(
        self, entries: list[Exemption], part: DocumentCases | None, finding: Finding
    ) -> list[Exemption]:
        return [entry for entry in entries if self._within_life(entry, part, finding)]

    def _within_life(self, entry: Exemption, part: DocumentCases | None, finding: Finding) -> bool:
        """Return whether it ends no later than the certificate; record it as faulty if not."""
        ends = [end for end in self._ends(part, finding) if end is not None]
        end = min(ends).astimezone(UTC).date() if ends else date.max
        if entry.until <= end:
            return True
        self.faulty[entry] = FaultyExemption(
            reason=f"the exemption of {entry.subject} from {entry.rule} lasts until {entry.until}, "
            f"and certificate {finding.certificate_id} ends on {end}: it exempts nothing",
            remedy=f"let it end on {end} at the latest",
            location=entry.location,
            address=finding.address,
            certificate_id=finding.certificate_id,
        )
        return False

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
