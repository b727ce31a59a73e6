"""Exemptions held against findings: which finding is suppressed by which, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from checker.domain.cases import DocumentCases
from checker.domain.conditions import Conditions, Traits
from checker.domain.exemption import Exemption, Faulty, Tally, Unused
from checker.domain.finding import Finding, SuppressedBy, Suppression
from checker.domain.place import Place
from checker.domain.scoping import Scoping, stages_of
from checker.domain.stage import Stage
from checker.domain.subjects import Subject
from checker.domain.value import replace
from checker.rules.rule import Needs, Rule, list_stages


def exempt(scoping: Scoping, rules: tuple[Rule, ...], findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], Tally]:
    """The findings, with those marked that an exemption holds for, and what is to be said of the exemptions."""
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
        self.faulty: dict[Exemption, Faulty] = {}
        self.partly: dict[Exemption, str] = {}
        self.names: dict[int, frozenset[str]] = {}

    def run(self, findings: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], Tally]:
        exemptions = self._all()
        if exemptions:
            findings = tuple(map(self._marked, findings))
        expired = tuple(entry for entry in exemptions if entry.until < self.today)
        settled = {*expired, *self.used, *self.faulty}
        left = [entry for entry in exemptions if entry not in settled]
        written = dict.fromkeys(faulty for part in self.cases.documents for faulty in _declared_faulty(part))
        unused = tuple(Unused(exemption=entry, why=why) for entry in left if (why := self._unused(entry)) is not None)
        return findings, Tally(unused=unused, expired=expired, faulty=(*written, *dict.fromkeys(self.faulty.values())))

    def _all(self) -> tuple[Exemption, ...]:
        inline = (entry for part in self.cases.documents for entry in _declared(part))
        return tuple(dict.fromkeys((*self.cases.policy.exemptions, *inline)))

    def _marked(self, finding: Finding) -> Finding:
        if not self.rules[finding.rule].exemptable:
            return finding
        part = self.parts.get(finding.source or "")
        pool = [
            entry
            for entry in (*self.cases.policy.exemptions, *(_declared(part) if part is not None else ()))
            if entry.rule == finding.rule and entry.until >= self.today and self._is_there(entry.where, part, finding)
        ]
        holding = self._direct(finding, pool) or self._jointly(finding, pool)
        lasting = [entry for entry in holding if self._within_life(entry, part, finding)]
        if not lasting or len(lasting) < len(holding):
            return finding
        self.used.update(lasting)
        return replace(finding, suppression=_suppression(min(lasting, key=lambda entry: entry.until)))

    def _is_there(self, where: Conditions, part: DocumentCases | None, finding: Finding) -> bool:
        return where == Conditions() or all(map(where.hold, self._traits(part, finding)))

    def _traits(self, part: DocumentCases | None, finding: Finding) -> Iterable[Traits]:
        match finding.about:
            case Subject() as subject if part is not None:
                return self.scoping.traits(part.document, subject)
            case tuple() as stages if part is not None:
                return self.scoping.stage_traits(part, stages)
            case Place() as place:
                return (Traits(account=place.account, region=place.region),)
            case _:
                return (Traits(),)

    def _direct(self, finding: Finding, pool: list[Exemption]) -> list[Exemption]:
        """The first exemption that names the certificate itself, or what else the finding is filed under."""
        for entry in pool:
            match finding.about:
                case Subject(certificate=certificate):
                    named = entry.names(certificate.address)
                case tuple() as stages if stages:
                    named = all(entry.names(stage.address) for stage in stages)
                case _:
                    named = finding.address in entry.addresses
            if named or (entry.certificate_id is not None and entry.certificate_id == finding.certificate_id):
                return [entry]
        return []

    def _jointly(self, finding: Finding, pool: list[Exemption]) -> list[Exemption]:
        """The exemptions of the stages that present a certificate, where every one of them has one."""
        if not isinstance(finding.about, Subject):
            return []
        stages = dict.fromkeys((*finding.about.presented_by, *finding.about.to_be_presented_by))
        found: dict[Exemption, None] = {}
        without: list[Stage] = []
        for stage in stages:
            entry = next((entry for entry in pool if entry.names(stage.address)), None)
            if entry is None:
                without.append(stage)
            else:
                found[entry] = None
        if without:
            self.partly |= dict.fromkeys(found, f"{list_stages(without)} presents certificate {finding.certificate_id} as well")
            return []
        return list(found)

    def _within_life(self, entry: Exemption, part: DocumentCases | None, finding: Finding) -> bool:
        """Whether it ends no later than the certificate; remembers it as faulty where it does not."""
        ends = [end for end in self._ends(part, finding) if end is not None]
        end = min(ends).astimezone(UTC).date() if ends else date.max
        if entry.until <= end:
            return True
        self.faulty[entry] = Faulty(
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
            case Subject(certificate=certificate):
                yield self.ends.get(id(certificate))
            case tuple() as stages if part is not None:
                for stage in stages:
                    yield from (self.ends.get(id(certificate)) for certificate in self.scoping.presented(part, stage))
            case _:
                pass

    def _unused(self, entry: Exemption) -> str | None:
        """Why no finding needed it; None where this run could not have had one."""
        parts = [part for part in self.cases.documents if self._reaches(entry, part)]
        rule = self.rules[entry.rule]
        match rule.needs:
            case Needs.PLAN:
                able = any(part.document.plan is not None for part in parts)
            case Needs.PHASE:
                able = self.cases.expect is not None
            case Needs.AWS:
                able = self.cases.observations.asked
            case Needs.NOTHING:
                able = bool(parts)
        if not able or self.cases.unread:
            return None
        if dict(self.cases.policy.rules).get(entry.rule, rule.severity) is None:
            return "the policy has switched the rule off"
        if entry in self.partly:
            return self.partly[entry]
        if not any(entry.certificate_id in self._names(part) or entry.addresses & self._names(part) for part in parts):
            return "no stage and no certificate of these sources is called so"
        return f"there is no such finding about {'it' if len(entry.addresses) < 2 else 'them'}"

    def _names(self, part: DocumentCases) -> frozenset[str]:
        """The ids of a document's certificates, and every address of its own, with the keys of instances and without."""
        known = self.names.get(id(part))
        if known is None:
            found = (*(case.address for case in part.cases), *(stage.address for stage in stages_of(part.document)))
            addresses = [address for address in found if address is not None]
            ids = [case.id for case in part.cases if case.id is not None]
            known = self.names[id(part)] = frozenset((*ids, *map(str, addresses), *{str(address.block) for address in addresses}))
        return known

    def _reaches(self, entry: Exemption, part: DocumentCases) -> bool:
        """Whether it is written for this document at all."""
        document = part.document
        if entry.kind is SuppressedBy.COMMENT:
            return entry in _declared(part)
        where = Conditions(workspace=entry.where.workspace, directory=entry.where.directory)
        return where.hold(self.scoping.document_traits(document))


def _suppression(entry: Exemption) -> Suppression:
    return Suppression(kind=entry.kind, reason=entry.reason, until=entry.until, owner=entry.owner, location=entry.location)


def _declared(part: DocumentCases) -> tuple[Exemption, ...]:
    return part.document.declared.exemptions if part.document.declared is not None else ()


def _declared_faulty(part: DocumentCases) -> tuple[Faulty, ...]:
    return part.document.declared.faulty if part.document.declared is not None else ()
