"""Exemptions that no finding needed: why, and whether the run could have had one."""

from __future__ import annotations

from collections.abc import Mapping

from checker.domain.case_values import DocumentCases
from checker.domain.conditions import Conditions
from checker.domain.exemption import Exemption
from checker.domain.finding import SuppressedBy
from checker.domain.observation import Surveyed
from checker.domain.scoping import Scoping, stages_of
from checker.rules.rule import Needs, Rule


class Leftovers:
    """The exemptions of a run that are left; `partly` says of those that name some stages of a certificate which are missing."""

    def __init__(self, scoping: Scoping, rules: Mapping[str, Rule], partly: Mapping[Exemption, str]) -> None:
        self.scoping = scoping
        self.cases = scoping.cases
        self.rules = rules
        self.partly = partly
        self.names: dict[int, frozenset[str]] = {}

    def why(self, entry: Exemption) -> str | None:
        """Why no finding needed it; None where this run could not have had one."""
        parts = [part for part in self.cases.documents if self._reaches(entry, part)]
        rule = self.rules[entry.rule]
        if not parts or self.cases.unread or self.cases.observations.interrupted or not self._is_able(rule.needs, parts):
            return None
        if dict(self.cases.policy.rules).get(entry.rule, rule.weight) is None:
            return "the policy has switched the rule off"
        if entry in self.partly:
            return self.partly[entry]
        if not any(entry.certificate_id in self._names(part) or entry.addresses & self._names(part) for part in parts):
            return "no stage and no certificate of these sources is called so"
        return f"there is no such finding about {'it' if len(entry.addresses) < 2 else 'them'}"

    def _is_able(self, needs: Needs, parts: list[DocumentCases]) -> bool:
        """Whether the run has what a rule needs to find anything."""
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
            return entry in declared(part)
        where = Conditions(workspace=entry.where.workspace, directory=entry.where.directory)
        return where.hold(self.scoping.document_traits(document))


def declared(part: DocumentCases) -> tuple[Exemption, ...]:
    """The exemptions that stand as comments in a document's configuration."""
    return part.document.declared.exemptions if part.document.declared is not None else ()
