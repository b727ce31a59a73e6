"""The scopes of the policy that apply to a certificate, a stage, or the subject of a finding."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from checker.analysis.certificate_uses import same_certificate, stage_key
from checker.analysis.scope_matcher import Matching, compile_scopes
from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.certificate_use import CertificateUse
from checker.model.conditions import Traits
from checker.model.finding import Finding
from checker.model.inventory import Document
from checker.model.observation import ObservedStage
from checker.model.places import Place
from checker.model.policy import Policy, strictest
from checker.model.resources import Certificate, Presents, PresentsPlanned, Stage


class Scoping:
    """The scopes of one run.

    A scope is matched against a certificate together with one of its stages. So a certificate with
    several stages may have several sets of scopes; callers take the strictest result.
    """

    def __init__(self, cases: Cases) -> None:
        self.cases = cases
        self.policy = cases.policy
        self._matcher = compile_scopes(tuple(scope.conditions for scope in cases.policy.scopes))
        self._documents = {part.document.source.path: part for part in cases.documents}
        # Keyed by `id()`: the cases keep every document and subject alive, an entry its stage.
        self._subjects: dict[int, frozenset[Matching]] = {}
        self._stages: dict[tuple[int, int], tuple[Stage, frozenset[Matching]]] = {}
        self._directories: dict[str, str] = {}
        self._by_name: dict[int, Mapping[str | Address, tuple[Certificate, ...]]] = {}
        self._policies: dict[frozenset[Matching], Policy] = {}

    def matching(self, traits: Traits) -> Matching:
        """Return the positions of the scopes that match a certificate and a stage."""
        return self._matcher.matching(traits)

    def of(self, finding: Finding) -> frozenset[Matching]:
        """Return the sets of scopes that apply to a finding.

        Only the empty set applies to a finding about a subject that scopes do not cover.
        """
        part = self._documents.get(finding.source or "")
        match finding.about:
            case None:
                return frozenset({()})
            case Place() as place:
                return frozenset({self.of_place(place)})
            case CertificateUse() as subject:
                return (
                    self.of_subject(part.document, subject) if part is not None else frozenset({()})
                )
            case stages:
                return self.of_stages(part, stages) if part is not None else frozenset({()})

    def of_subject(self, document: Document, subject: CertificateUse) -> frozenset[Matching]:
        """Return the sets of scopes for a certificate, one for each stage that presents it."""
        known = self._subjects.get(id(subject))
        if known is None:
            found = frozenset(map(self.matching, self.traits(document, subject)))
            known = self._subjects[id(subject)] = found
        return known

    def of_stages(self, part: DocumentCases, stages: Iterable[Stage]) -> frozenset[Matching]:
        """Return the sets of scopes for stages, each with the certificates that it presents."""
        found = [self._of_stage(part, stage) for stage in stages]
        return frozenset().union(*found) if found else frozenset({()})

    def of_place(self, place: Place) -> Matching:
        """Return the scopes that match an account and region alone."""
        return self.matching(Traits(account=place.account, region=place.region))

    def _of_stage(self, part: DocumentCases, stage: Stage) -> frozenset[Matching]:
        key = id(part), id(stage)
        known = self._stages.get(key)
        if known is None:
            found = frozenset(map(self.matching, self.stage_traits(part, (stage,))))
            known = self._stages[key] = stage, found
        return known[1]

    def policy_of(self, part: DocumentCases, own: Iterable[Case]) -> Policy:
        """Return the strictest policy that applies to the given certificates of a document.

        It serves settings that are read once for all of them.
        """
        if not self.policy.scopes:
            return self.policy
        found = frozenset(
            matching for case in own for matching in self.of_subject(part.document, case.subject)
        ) or frozenset({()})
        if found not in self._policies:
            self._policies[found] = strictest(
                self.policy.under(matching) for matching in sorted(found)
            )
        return self._policies[found]

    def traits(self, document: Document, subject: CertificateUse) -> Iterator[Traits]:
        """Yield the traits of a certificate with each stage that presents it.

        A certificate that no stage presents has its traits alone.
        """
        place = subject.place
        presenters = tuple(dict.fromkeys(subject.stages))
        for stage in presenters or (None,):
            yield self._traits(document, subject.certificate, stage, place)

    def stage_traits(self, part: DocumentCases, stages: Iterable[Stage]) -> Iterator[Traits]:
        """Yield the traits of stages, each with the certificates that it presents."""
        for stage in stages:
            for certificate in self.presented(part, stage) or (None,):
                yield self._traits(part.document, certificate, stage, Place())

    def document_traits(self, document: Document) -> Traits:
        """Return the traits of a document alone."""
        return Traits(workspace=document.workspace, directory=self._directory(document))

    def presented(self, part: DocumentCases, stage: Stage) -> tuple[Certificate, ...]:
        """Return the document's certificates that a stage presents.

        Empty if the certificate may be one of several.
        """
        match stage.presents:
            case Presents(id=identity):
                found = self._certificates(part).get(identity, ())
                return tuple(
                    certificate for certificate in found if same_certificate(certificate, stage)
                )
            case PresentsPlanned(candidates=(only,)):
                return self._certificates(part).get(only, ())
            case _:
                return ()

    def _certificates(self, part: DocumentCases) -> Mapping[str | Address, tuple[Certificate, ...]]:
        """Return the certificates of a document by their id, or by their address without an id."""
        known = self._by_name.get(id(part))
        if known is None:
            found: dict[str | Address, tuple[Certificate, ...]] = {}
            for case in part.cases:
                name = case.id or case.address
                if name is not None:
                    found[name] = (*found.get(name, ()), case.certificate)
            known = self._by_name[id(part)] = found
        return known

    def _traits(
        self, document: Document, certificate: Certificate | None, stage: Stage | None, place: Place
    ) -> Traits:
        for known in (stage, certificate):
            place = place.or_else(known.place) if known is not None else place
        both = tuple(known for known in (certificate, stage) if known is not None)
        return Traits(
            addresses=tuple(known.address for known in both if known.address is not None),
            account=place.account,
            region=place.region,
            workspace=document.workspace,
            directory=self._directory(document),
            tags=tuple(known.tags for known in both if known.tags is not None),
            stage=stage.name if stage is not None else None,
            api=self._api(stage) if stage is not None else None,
        )

    def _directory(self, document: Document) -> str | None:
        """Return the folder of the configuration as scopes name it.

        It is relative to the folder of the policy or to the current folder; a folder outside both
        stays as it is.
        """
        if document.directory is None:
            return None
        known = self._directories.get(document.directory)
        if known is None:
            known = self._directories[document.directory] = self._from_home(document.directory)
        return known

    def _from_home(self, directory: str) -> str:
        for home in self.policy.homes:
            if directory == home or directory.startswith(f"{home.rstrip('/')}/"):
                return posixpath.relpath(directory, home)
        return directory

    def _api(self, stage: Stage) -> str | None:
        key = stage_key(stage) if stage.api_name is None else None
        answer = self.cases.observations.stages.get(key) if key is not None else None
        return answer.api_name if isinstance(answer, ObservedStage) else stage.api_name


def stages_of(document: Document) -> Iterator[Stage]:
    """Yield every stage of a document: as recorded, and before and after each planned change."""
    yield from document.stages
    for change in document.plan.stages if document.plan is not None else ():
        yield from change.sides
