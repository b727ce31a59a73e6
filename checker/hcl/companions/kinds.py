"""The kinds of edits that make Terraform send a new PEM, and where each of them is."""

from __future__ import annotations

from dataclasses import dataclass

from checker.hcl.references import Reference, Site
from checker.hcl.syntax import Block, SourceFile, Span


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RaisedVersion:
    """The version of a write-only argument, a whole number, becomes one more.

    `site` is the version. Terraform compares a write-only argument by its version only (Terraform
    language, write-only arguments).
    """

    site: Site
    number: int

    @property
    def file(self) -> SourceFile:
        """Return the file of the edit."""
        return self.site.file

    @property
    def block(self) -> Block:
        """Return the top-level block of the edit."""
        return self.site.block

    @property
    def span(self) -> Span:
        """Return the span that the edit replaces."""
        return self.site.attribute.value

    @property
    def effect(self) -> str:
        """Return what the edit does, as a sentence without a period."""
        name = self.site.path[-1]
        return f"the patch also raises {name} by one, so Terraform sends it"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TriggerOnPem:
    """An id of the certificate in a trigger or in a version becomes the PEM.

    The id changes in repoint. The PEM changes in introduce, to both, and in retire, to the new one.
    """

    reference: Reference

    @property
    def file(self) -> SourceFile:
        """Return the file of the edit."""
        return self.reference.site.file

    @property
    def block(self) -> Block:
        """Return the top-level block of the edit."""
        return self.reference.site.block

    @property
    def span(self) -> Span:
        """Return the span that the edit replaces."""
        return self.reference.traversal.span

    @property
    def name(self) -> str:
        """Return the name of the trigger or version."""
        return self.reference.site.path[0]

    @property
    def effect(self) -> str:
        """Return what the edit does, as a sentence without a period."""
        where = ".".join(self.block.labels)
        return f"{self.name} of {where} then has the PEM in place of the certificate's id"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ObjectVersion:
    """A trust store gets the version of the object that it names, as a new argument.

    `name = value` is the argument; `text` is all that is inserted at `at`, with its line ends.
    """

    site: Site
    at: int
    name: str
    value: str
    text: bytes

    @property
    def file(self) -> SourceFile:
        """Return the file of the edit."""
        return self.site.file

    @property
    def block(self) -> Block:
        """Return the top-level block of the edit."""
        return self.site.block

    @property
    def span(self) -> Span:
        """Return the empty span where the edit inserts."""
        return Span(self.at, self.at)

    @property
    def effect(self) -> str:
        """Return what the edit does, as a sentence without a period."""
        return f"it then has {self.name} = {self.value}, so it reads the bundle again"


Companion = RaisedVersion | TriggerOnPem | ObjectVersion
