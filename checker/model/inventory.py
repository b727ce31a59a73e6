"""Everything that was read: the documents, and the stages and certificates in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from checker.model.address import Address
from checker.model.configuration import ConfigurationFacts
from checker.model.plan import Plan
from checker.model.resources import Certificate, Stage

if TYPE_CHECKING:
    from checker.model.places import Access

SourceKind = Literal["plan", "state", "directory", "aws"]


class Source(Struct, frozen=True, kw_only=True):
    """Where a document came from, and which tool wrote it in which format version."""

    path: str
    kind: SourceKind
    tool_version: str | None = None
    format_version: str | None = None


class Unread(Struct, frozen=True, kw_only=True):
    """What could not be read: a root module's folder or a part of an account, why, and what to do."""

    path: str
    reason: str
    remedy: str


class OtherWorkspace(Struct, frozen=True, kw_only=True):
    """Another workspace of the same configuration whose state is at hand; `presented` are the blocks that its stages present.

    `unread` says why the state could not be read: then nothing is known of what its stages present.
    """

    name: str
    path: str
    presented: frozenset[Address] = frozenset()
    unread: str = ""


class Document(Struct, frozen=True, kw_only=True):
    """What one source says: recorded stages and certificates (a plan's prior state), and the plan if it is one.

    A source of the kind `aws` is an account and region that was scanned, with the credentials of `access`; `unread` is what
    could not be listed there, and `claimed` the ids that a given state says are presented there, whatever AWS says.
    `notices` are sentences that every report must carry, such as that the plan is incomplete.
    `declared` is the configuration beside it, where it is at hand; `directory` is its folder as an absolute path, and `workspace`
    the workspace, where something says which. `workspaces` are the others whose states lie beside the configuration.
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

    def manages(self, thing: Certificate | Stage) -> bool | None:
        """Whether the Terraform documents of a run know a thing of this one; None where none was given, or it is not certain."""
        if thing.address is not None:
            return True
        return thing.managed if self.source.kind == "aws" else False


class Inventory(Struct, frozen=True, kw_only=True):
    """All documents of a run, each kept apart, and what of a tree of root modules could not be read."""

    documents: tuple[Document, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The recorded stages of all documents."""
        return tuple(stage for document in self.documents for stage in document.stages)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The recorded certificates of all documents."""
        return tuple(
            certificate for document in self.documents for certificate in document.certificates
        )

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans among the documents."""
        return tuple(document.plan for document in self.documents if document.plan is not None)
