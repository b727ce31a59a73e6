"""All input of a run: the documents and what is in them, and what a scan listed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from checker.model.address import Address
from checker.model.configuration import ConfigurationFacts
from checker.model.observation import Calls, CertificateKey, Observation, ObservedStage
from checker.model.places import Access, Place
from checker.model.plan import Plan
from checker.model.resources import Certificate, Presents, Stage

if TYPE_CHECKING:
    from checker.model.trust import HeldBundle, TrustMaterial

SourceKind = Literal["plan", "state", "directory", "aws"]


class Source(Struct, frozen=True, kw_only=True):
    """The origin of a document, the tool that wrote it, and the format version."""

    path: str
    kind: SourceKind
    tool_version: str | None = None
    format_version: str | None = None


class Unread(Struct, frozen=True, kw_only=True):
    """Something that could not be read, why, and what to do.

    It is the folder of a root module or a part of an account.
    """

    path: str
    reason: str
    remedy: str


class OtherWorkspace(Struct, frozen=True, kw_only=True):
    """Another workspace of the same configuration, whose state is available.

    `presented` are the certificate blocks that its stages present. `unread` says why its state
    could not be read: then `presented` is not known.
    """

    name: str
    path: str
    presented: frozenset[Address] = frozenset()
    unread: str = ""


class Document(Struct, frozen=True, kw_only=True, dict=True):
    """The content of one source: recorded stages and certificates, and the plan if it is one.

    The records of a plan are its prior state. A source of the kind `aws` is one scanned account and
    region, with the credentials of `access`. For a scan, `unread` is the part that could not be
    listed. `claimed` has the ids that a given state records as presented there, even if AWS
    differs. `notices` are sentences that every report must carry, such as that the plan is
    incomplete. `declared` is the configuration beside the document, if available. `directory` is
    its folder as an absolute path, and `workspace` the workspace, if known. `workspaces` are the
    other workspaces whose states are beside the configuration. `material` are the recorded
    resources whose content may be trust material. `held` is what the document records of the
    consumers of a PEM.
    """

    source: Source
    stages: tuple[Stage, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    plan: Plan | None = None
    notices: tuple[str, ...] = ()
    declared: ConfigurationFacts | None = None
    directory: str | None = None
    workspace: str | None = None
    unread: tuple[Unread, ...] = ()
    access: Access | None = None
    claimed: frozenset[str] = frozenset()
    workspaces: tuple[OtherWorkspace, ...] = ()
    held: tuple[HeldBundle, ...] = ()
    material: tuple[TrustMaterial, ...] = ()

    def manages(self, thing: Certificate | Stage) -> bool | None:
        """Return whether the Terraform documents of a run know this certificate or stage.

        None if no Terraform document was given, or if it is not certain.
        """
        if thing.address is not None:
            return True
        return thing.managed if self.source.kind == "aws" else False

    def presenting(self, identity: str) -> tuple[Stage, ...]:
        """Return the recorded stages that present the certificate with that id."""
        return self._presenters.get(identity, ())

    @cached_property
    def _presenters(self) -> Mapping[str, tuple[Stage, ...]]:
        """The recorded stages by the id of their certificate.

        With this index, thousands of certificates need one pass over the stages.
        """
        found: dict[str, list[Stage]] = {}
        for stage in self.stages:
            if isinstance(stage.presents, Presents):
                found.setdefault(stage.presents.id, []).append(stage)
        return {identity: tuple(stages) for identity, stages in found.items()}


class Inventory(Struct, frozen=True, kw_only=True):
    """All documents of a run, each separate, and the sources that could not be read.

    `notices` are sentences about the sources as a whole, for every report. `organisation` says that
    they are all states of an organisation: what none of them has, Terraform does not manage.
    """

    documents: tuple[Document, ...]
    unread: tuple[Unread, ...] = ()
    notices: tuple[str, ...] = ()
    organisation: bool = False

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the recorded stages of all documents."""
        return tuple(stage for document in self.documents for stage in document.stages)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Return the plans among the documents."""
        return tuple(document.plan for document in self.documents if document.plan is not None)


class Sweep(Struct, frozen=True, kw_only=True):
    """The stages and certificates of an account and region, as far as AWS listed them.

    `unread` is what AWS did not list. `certificates` has an entry for each certificate that is
    listed there or that a stage names. `certificate_count` is the number of client certificates;
    None if they were not listed. A place without a region means that the scan failed before it
    asked any region.
    """

    place: Place
    access: Access = Access()
    stages: tuple[ObservedStage, ...] = ()
    certificates: Mapping[CertificateKey, Observation] = MappingProxyType({})
    certificate_count: int | None = None
    unread: tuple[Unread, ...] = ()


class ScanResult(Struct, frozen=True, kw_only=True):
    """All sweeps of a scan; `interrupted` if the user stopped it early."""

    sweeps: tuple[Sweep, ...]
    traffic: tuple[Calls, ...] = ()
    notices: tuple[str, ...] = ()
    interrupted: bool = False
