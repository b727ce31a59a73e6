"""The result of `patch`: what to write where, what to print, and the exit code."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from checker.cli.aws import cache_folder
from checker.cli.patch_preview import RepositoryPaths, patch_text, repository_paths
from checker.errors import UnreadableError, UsageError
from checker.hcl.configuration import Configuration
from checker.hcl.grammar import set_grammar_cache
from checker.model.deadlines import late_plan
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.policy import Policy, ReadTrust, Run
from checker.model.rotation import Blocked, Done, Next, Phase, Rotation, TakenUp, Waiting
from checker.patches.patch import Patches, PhasePatch
from checker.patches.runbook import runbook
from checker.patches.trust_text import nothing_to_edit, trust_lines
from checker.pipeline import Loaded, Observe, PatchRequest, Probe, patch
from checker.reports.escape import encoded
from checker.rotation.sentences import preview_in_words, step_in_words
from checker.terraform.tool import Tool

_NAME = re.compile(r"[A-Za-z_][\w-]*")


class Stdout(Struct, frozen=True, kw_only=True):
    """The patches as text, for `git apply`; `edited` are the files that they change."""

    text: bytes
    edited: tuple[Path, ...]


class Directory(Struct, frozen=True, kw_only=True):
    """The patches and the runbook as files of a folder; no file if nothing is to be rotated."""

    folder: Path
    files: Mapping[Path, bytes]


class InPlace(Struct, frozen=True, kw_only=True):
    """The edit of the configuration's own files; `top` is the folder that they must be below.

    `conditions` are those for applying it that are unmet or unconfirmed.
    """

    root: str
    top: Path
    patch: PhasePatch
    conditions: tuple[str, ...]


class PatchResult(Struct, frozen=True, kw_only=True):
    """What one run of `patch` found: texts to write, lines to print, and the exit code.

    `notices` are printed in any case. `warnings` and `lines` go with what is written. `known` says
    whether the certificates of `--only` exist.
    """

    patches: Patches
    paths: RepositoryPaths
    writes: tuple[Stdout | Directory | InPlace, ...]
    notices: tuple[str, ...]
    warnings: tuple[str, ...]
    lines: tuple[str, ...]
    exit_code: int
    known: bool

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do, and nothing that could not be verified."""
        return not self.patches.rotations and not self.exit_code


class Request(Struct, frozen=True, kw_only=True):
    """A request from the command line: the phases, the patches' destination, and the verifier."""

    wish: PatchRequest
    out: str | None
    write: bool
    verify: Tool | None = None
    probe: Probe | None = None
    trust: ReadTrust | None = None

    @classmethod
    def of(
        cls,
        *,
        phase: str,
        only: tuple[str, ...],
        name: str | None,
        even_if_not_due: bool,
        trust_bundle: bool,
        out: str | None,
        write: bool,
        verify: Tool | None = None,
    ) -> Request:
        """Build a request; raises UsageError for options that contradict each other."""
        if write and phase == "all":
            raise UsageError(
                "three phases cannot be written into the files at once",
                where="--write",
                remedy="write one phase per apply: --phase next",
            )
        if name is not None and not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is not a name that Terraform accepts",
                where="--name",
                remedy="use letters, digits, _ and -",
            )
        wish = PatchRequest(
            phase=Phase(phase) if phase in set(Phase) else None,
            every=phase == "all",
            only=frozenset(only),
            name=name,
            even_if_not_due=even_if_not_due,
            trust_bundle=trust_bundle,
        )
        return cls(wish=wish, out=out, write=write, verify=verify)


def status_lines(
    outcome: Outcome,
    patches: Patches,
    *,
    written: bool,
    back: bool,
    only: frozenset[str] = frozenset(),
    retiring: bool = False,
) -> list[str]:
    """Return a line for each rotation that is not done, with what the user must do.

    `back` and `retiring` mean that a rollback or retire was requested, `only` for which
    certificates.
    """
    lines: list[str] = []
    first = patches.patches[0].phase if patches.patches else None
    expected = patches.patches[0].expected if patches.patches else None
    taken = {
        entry.phase: frozenset(each.label for each in entry.rotations) for entry in patches.patches
    }
    for rotation in patches.rotations:
        both = any(rotation.label in entry.both for entry in patches.patches)
        match rotation.step:
            case Next(phase=phase) if phase is first and rotation.taken_up is not None:
                lines += _taken_up(
                    rotation.label, rotation.taken_up, expected or str(phase), written=written
                )
            case Next(phase=phase) if written and phase is first:
                lines.append(
                    f"{rotation.label}: {phase} is written; "
                    f"plan, `tfcert check PLAN --expect {expected}`, then apply"
                )
            case Done():
                pass
            case Blocked(remedy=remedy):
                lines += [f"{rotation.label}: {step_in_words(rotation)}", f"  what to do: {remedy}"]
            case Next() | Waiting():
                lines.append(f"{rotation.label}: {step_in_words(rotation, both=both)}")
        lines += [f"  {text}" for text in _previews(rotation, taken)]
        lines += [f"  {text}" for text in _late(rotation, outcome.cases.as_of)]
        lines += [
            f"  careful: {caution.text}" for caution in rotation.cautions if caution.phase is first
        ]
        if written and first is not None:
            lines += [f"  trust: {line}" for line in trust_lines(rotation, first, both=both)]
    lines = lines or _nothing(outcome, only, back=back, retiring=retiring)
    lines += [
        f"{finding.message}; {finding.remedy}"
        for finding in outcome.findings
        if finding.rule == UNVERIFIED
    ]
    return lines


def _late(rotation: Rotation, as_of: datetime) -> Iterator[str]:
    """Yield the steps that lose least, and their risks, if no time is left for the trust window."""
    if rotation.late is not None:
        plan = late_plan(rotation.late, as_of)
        yield plan.why
        yield from (f"{number}. {text}" for number, text in enumerate(plan.steps, 1))
        yield from (f"risk: {text}" for text in plan.risks)


def _previews(rotation: Rotation, taken: Mapping[Phase, Collection[str]]) -> Iterator[str]:
    """Yield what the user must know about each written phase that is not the next step.

    `taken` has the labels of the rotations that take each written phase.
    """
    for phase, labels in taken.items():
        if (
            rotation.label in labels
            and rotation.step != Next(phase)
            and phase is not Phase.ROLLBACK
        ):
            yield preview_in_words(rotation, phase)


def _nothing(outcome: Outcome, only: frozenset[str], *, back: bool, retiring: bool) -> list[str]:
    if back:
        return [
            (
                "nothing to roll back: no rotation is under way; "
                "a certificate that is retired cannot be made again"
            )
        ]
    if only:
        return [_alone(outcome, name) for name in sorted(only)]
    if retiring:
        return [
            (
                "nothing to retire: no rotation has come that far, "
                "and no certificate in state is left over"
            )
        ]
    return ["nothing to do: no certificate nears its end, and no rotation is under way"]


def _alone(outcome: Outcome, name: str) -> str:
    """Return why there is nothing to do for one certificate that the user named."""
    found = [
        case
        for case in outcome.cases.all
        if name in {case.id, str(case.address), str(case.address and case.address.block)}
    ]
    ends = min((case.expires_at for case in found if case.expires_at is not None), default=None)
    until = f"it ends on {ends:%Y-%m-%d}" if ends is not None else "its end is not known"
    if any(case.presented for case in found):
        return (
            f"nothing to do for {name}: {until}, which is not near; "
            "--even-if-not-due rotates it all the same"
        )
    return (
        f"nothing to do for {name}: no stage in state presents it ({until}), "
        "and it is in no rotation that is due"
    )


def _taken_up(label: str, taken_up: TakenUp, expected: str, *, written: bool) -> list[str]:
    """Return how a manually started rotation continues, once the patch is applied to the files."""
    if taken_up.applied:
        then = "this changes a comment alone: no apply follows it; ask again for the next phase"
    else:
        then = f"then plan, `tfcert check PLAN --expect {expected}`, and apply; no stage moves yet"
    return [
        f"{label}: {taken_up.guess}",
        f"  {'written' if written else 'the patch makes it certain'}: {then}",
    ]


def exit_code(outcome: Outcome, patches: Patches) -> int:
    """Return 3 if something is blocked or could not be verified, else 0."""
    stuck = any(_is_stuck(rotation) for rotation in patches.rotations)
    return 3 if stuck or outcome.unverified else 0


def _is_stuck(rotation: Rotation) -> bool:
    match rotation.step:
        case Blocked():
            return True
        case Waiting(unverified=unverified):
            return unverified
        case Next() | Done():
            return False


def patch_result(
    loaded: Loaded,
    configuration: Configuration,
    observe: Observe | None,
    request: Request,
    *,
    policy: Policy,
    as_of: datetime,
) -> PatchResult:
    """Judge the documents and compute the requested patches; nothing is written or printed."""
    cache = cache_folder(os.environ)
    if cache is not None:
        set_grammar_cache(cache)
    wish = request.wish
    outcome, patches = patch(
        loaded.inventory,
        configuration,
        observe,
        Run(as_of=as_of, policy=policy, trust=request.trust),
        wish,
        request.probe,
    )
    known = bool(patches.rotations) or _known(outcome, wish.only)
    notices = list(outcome.notices)
    if wish.phase is None and not wish.every:
        notices += _later_phases(patches)
        patches = _first_apply(patches)
    paths = repository_paths(configuration)
    return PatchResult(
        patches=patches,
        paths=paths,
        writes=tuple(_writes(loaded, configuration, outcome, patches, request, paths)),
        notices=tuple(notices),
        warnings=tuple(_without_edits(loaded, patches)) if wish.trust_bundle else (),
        lines=tuple(
            status_lines(
                outcome,
                patches,
                written=request.write,
                back=wish.phase is Phase.ROLLBACK,
                only=wish.only,
                retiring=wish.phase is Phase.RETIRE,
            )
        ),
        exit_code=exit_code(outcome, patches),
        known=known,
    )


def _writes(
    loaded: Loaded,
    configuration: Configuration,
    outcome: Outcome,
    patches: Patches,
    request: Request,
    paths: RepositoryPaths,
) -> Iterator[Stdout | Directory | InPlace]:
    """Yield what is written: with `--write` into the files, with `--out` to a folder, or both."""
    if request.write and patches.patches:
        first = patches.patches[0]
        safe = all(rotation.step == Next(first.phase) for rotation in first.rotations)
        yield InPlace(
            root=configuration.root,
            top=paths.top,
            patch=first,
            conditions=() if safe else first.unmet,
        )
    if request.out is not None:
        folder = Path(request.out)
        trust = request.wish.trust_bundle
        yield Directory(
            folder=folder,
            files=_files(folder, loaded, outcome, patches, paths, trust_bundle=trust),
        )
    if not request.write and request.out is None:
        yield Stdout(
            text=b"".join(patch_text(entry, paths) for entry in patches.patches),
            edited=tuple(
                (paths.top / paths.prefix / change.path).resolve()
                for entry in patches.patches
                for change in entry.changes
            ),
        )


def _files(
    out: Path,
    loaded: Loaded,
    outcome: Outcome,
    patches: Patches,
    paths: RepositoryPaths,
    *,
    trust_bundle: bool,
) -> Mapping[Path, bytes]:
    """Return the patches and the runbook by path; nothing if no certificate is to be rotated."""
    if not patches.rotations:
        return {}
    declared = next(
        document.declared
        for document in loaded.inventory.documents
        if document.declared is not None
    )
    text = runbook(
        patches.rotations,
        declared,
        outcome.cases.policy,
        as_of=outcome.cases.as_of,
        where=paths.where,
        trust_bundle=trust_bundle,
        files={
            entry.phase: os.path.relpath((out / entry.file_name).resolve(), paths.top)
            for entry in patches.patches
        },
        expected={str(entry.phase): str(entry.expected) for entry in patches.patches},
        places={
            str(stage.address): stage
            for document in loaded.inventory.documents
            for stage in document.stages
            if stage.address
        },
    )
    texts = {out / entry.file_name: patch_text(entry, paths) for entry in patches.patches}
    texts[out / "RUNBOOK.md"] = encoded(text)
    return texts


def one_configuration(loaded: Loaded) -> Configuration:
    """Return the configuration of the sources; raises TfcertError for none and for several."""
    roots = {found.root: found for found in loaded.configurations if found is not None}
    if not roots:
        path = loaded.inventory.documents[0].source.path
        raise UnreadableError(
            "no .tf files beside it", where=path, remedy="name their folder with --config"
        )
    if len(roots) > 1:
        raise UsageError(
            "the sources belong to several configurations",
            remedy="run `tfcert patch` once for each",
        )
    return next(iter(roots.values()))


def _later_phases(patches: Patches) -> Iterator[str]:
    """Yield what the user must know if one apply does not take all rotations forward."""
    if len(patches.patches) > 1:
        later = ", ".join(str(entry.phase) for entry in patches.patches[1:])
        yield (
            f"only {patches.patches[0].phase} is written, since one apply takes one phase; "
            f"apply it, then run tfcert again for {later}"
        )
    if _are_in_different_phases(patches):
        yield (
            "the rotations are in different phases: check the plan with `--expect next`, "
            "which judges each by its own phase"
        )


def _first_apply(patches: Patches) -> Patches:
    """Return the patch for the first apply; rotations in a later phase come after it."""
    first = patches.patches[:1]
    if _are_in_different_phases(patches):
        first = (replace(first[0], expect="next"),)
    return replace(patches, patches=first)


def _are_in_different_phases(patches: Patches) -> bool:
    return bool(patches.patches) and any(
        _is_in_another_phase(rotation, patches.patches[0].phase) for rotation in patches.rotations
    )


def _is_in_another_phase(rotation: Rotation, phase: Phase) -> bool:
    """Return whether the plan may include a phase of this rotation other than the written one."""
    match rotation.step:
        case Next(phase=other):
            return other is not phase
        case Waiting():
            return rotation.introduced
        case _:
            return False


def _without_edits(loaded: Loaded, patches: Patches) -> Iterator[str]:
    """Yield the reason for each rotation where --trust-bundle finds nothing to edit."""
    declared = [
        document.declared
        for document in loaded.inventory.documents
        if document.declared is not None
    ]
    for rotation in patches.rotations:
        if isinstance(rotation.step, Blocked):
            continue
        found = next(
            (
                each
                for each in declared
                if rotation.predecessor and each.certificate(rotation.predecessor)
            ),
            None,
        )
        text = nothing_to_edit(rotation, found) if found is not None else None
        if text is not None:
            yield text


def _known(outcome: Outcome, only: frozenset[str]) -> bool:
    return any(
        str(case.address) in only or str(case.address.block) in only
        for case in outcome.cases.all
        if case.address
    ) or any(case.id in only for case in outcome.cases.all)
