"""Everything that was read: the documents, and the stages and certificates in them."""

from __future__ import annotations

from typing import Literal

from checker.domain.certificate import Certificate
from checker.domain.declared import Declared
from checker.domain.plan import Plan
from checker.domain.stage import Stage
from checker.domain.value import value

SourceKind = Literal["plan", "state", "directory", "aws"]


@value
class Source:
    """Where a document came from, and which tool wrote it in which format version."""

    path: str
    kind: SourceKind
    tool_version: str | None = None
    format_version: str | None = None


@value
class Document:
    """What one source says: recorded stages and certificates (a plan's prior state), and the plan if it is one.

    `notices` are sentences that every report must carry, such as that the plan is incomplete.
    `declared` is the configuration beside it, where it is at hand; `directory` is its folder as an absolute path, and `workspace`
    the workspace, where something says which.
    """

    source: Source
    stages: tuple[Stage, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    plan: Plan | None = None
    notices: tuple[str, ...] = ()
    declared: Declared | None = None
    directory: str | None = None
    workspace: str | None = None


@value
class Unread:
    """A root module that could not be read: its folder, why, and what to do."""

    path: str
    reason: str
    remedy: str


@value
class Inventory:
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
        return tuple(certificate for document in self.documents for certificate in document.certificates)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans among the documents."""
        return tuple(document.plan for document in self.documents if document.plan is not None)
