"""What a phase does beside its purpose, and whoever applies it must know."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from checker.domain.location import Location
from checker.domain.rotation import Caution, Phase
from checker.hcl.configuration import Configuration
from checker.hcl.flow import STAGES, Flow
from checker.hcl.hashes import file_hashes
from checker.hcl.references import Use, moved_by_repoint
from checker.hcl.source import SourceFile

Locate = Callable[[str, int], Location]


def of_flow(configuration: Configuration, file: SourceFile, flow: Flow, locate: Locate) -> Iterator[Caution]:
    """What the phases of a certificate do: introduce edits no file that is hashed (`checker.patches.introduce`)."""
    moved = moved_by_repoint(flow.references)
    pointed = {reference.site.file.path for reference in moved}
    others = {reference.site.file.path for reference in flow.references if reference not in moved}
    yield from _beside(flow, locate)
    yield from triggered(configuration, Phase.REPOINT, pointed, locate)
    yield from triggered(configuration, Phase.RETIRE, {file.path, *others}, locate)
    yield from triggered(configuration, Phase.ROLLBACK, pointed, locate)


def triggered(configuration: Configuration, phase: Phase, edited: set[str], locate: Locate) -> Iterator[Caution]:
    """What hashes a file that a phase edits."""
    for found in file_hashes(configuration, sorted(edited)):
        yield Caution(
            phase=phase,
            text=f"{locate(found.path, found.line)} hashes {found.hashed}, which {phase} edits: its plan also replaces what that"
            " triggers, and publishes whatever was not deployed yet",
        )


def _beside(flow: Flow, locate: Locate) -> Iterator[Caution]:
    """What takes the id and is no way to a stage of this configuration: whoever reads it there follows later."""
    for reference in flow.references:
        block = reference.site.block
        outside = block.type == "output" and not reference.site.module
        if reference.use is Use.POINTER and (outside or (block.type == "resource" and block.labels[0] not in STAGES)):
            what = f"{block.type} {block.labels[0]}" if outside else ".".join(block.labels)
            where = locate(reference.site.file.path, reference.line)
            yield Caution(
                phase=Phase.REPOINT,
                text=f"{what} ({where}) takes the id too, and changes with it:"
                " what reads it elsewhere follows with its own next apply",
            )
